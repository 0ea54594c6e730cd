package sim

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Measures of a chart, in the units of its drawing.
const (
	chartWidth  = 404.0
	chartHeight = 216.0
	plotLeft    = 44.0
	plotRight   = 320.0
	plotTop     = 10.0
	plotBottom  = 176.0
)

// curve is a line of a chart; a point that is not a number is a gap.
type curve struct {
	name   string
	colour int
	xs, ys []float64
}

// plot is what a chart shows, before it is drawn.
type plot struct {
	title, caption, xLabel string
	curves                 []curve
	of                     int     // of so many, which are too many to show
	xMin, xMax, yMax       float64 // yMax 0: as high as the curves
	xStep                  float64 // 0: a round number
	xText, yText           func(x, step float64) string
	legend                 bool    // names at the top, not where the curves end
	warm                   float64 // where the warm-up ends, on the x axis
}

type (
	tick      struct{ X, Y, Path, Text string }
	chartLine struct {
		Name, Path, X, Y, Leader string // Leader: a thin line to a name that was moved
		Colour                   int
	}
	area struct{ X, Y, W, H, TextY string }

	// chart is a plot whose drawing the page's template only writes out.
	chart struct {
		Title, Caption, XLabel string
		Width, Height          float64
		Warm                   *area
		XTicks, YTicks         []tick
		Lines                  []chartLine
		Axis, LabelX, LabelY   string
	}
)

func (p *plot) draw() chart {
	top := p.yMax
	if top == 0 {
		for _, c := range p.curves {
			for _, y := range c.ys {
				if y > top { // not NaN
					top = y
				}
			}
		}
	}
	yStep := niceStep(max(top, 1e-9), 4)
	if p.yMax == 0 {
		top = max(math.Ceil(top/yStep-1e-9)*yStep, yStep)
	}
	x := func(v float64) float64 { return plotLeft + (plotRight-plotLeft)*(v-p.xMin)/(p.xMax-p.xMin) }
	y := func(v float64) float64 { return plotBottom - (plotBottom-plotTop)*v/top }
	c := chart{
		Title: p.title, Caption: p.caption, XLabel: p.xLabel, Width: chartWidth, Height: chartHeight,
		Axis:   fmt.Sprintf("M%s %sH%s", px(plotLeft), px(plotBottom), px(plotRight)),
		LabelX: px(plotLeft), LabelY: px(plotBottom + 32),
	}
	for v := 0.0; v <= top*(1+1e-9); v += yStep {
		c.YTicks = append(c.YTicks, tick{
			X: px(plotLeft - 6), Y: px(y(v) + 4), Text: p.yText(v, yStep),
			Path: fmt.Sprintf("M%s %sH%s", px(plotLeft), px(y(v)), px(plotRight)),
		})
	}
	xStep := p.xStep
	if xStep == 0 {
		xStep = niceStep(p.xMax-p.xMin, 4)
	}
	for v := math.Ceil(p.xMin/xStep) * xStep; v <= p.xMax*(1+1e-9); v += xStep {
		c.XTicks = append(c.XTicks, tick{X: px(x(v)), Y: px(plotBottom + 16), Text: p.xText(v, xStep)})
	}
	if p.warm > p.xMin {
		c.Warm = &area{px(plotLeft), px(plotTop), px(x(p.warm) - plotLeft), px(plotBottom - plotTop), px(plotTop + 12)}
	}
	for _, cu := range p.curves {
		c.Lines = append(c.Lines, cu.draw(x, y))
	}
	if p.legend {
		c.list()
	} else {
		spread(c.Lines)
	}
	return c
}

// list puts the names below each other, each with a piece of its curve.
func (c *chart) list() {
	for i := range c.Lines {
		l := &c.Lines[i]
		y := plotTop + 12 + 14*float64(i)
		l.X, l.Y = px(plotRight+26), px(y)
		l.Path += fmt.Sprintf("M%s %sh22", px(plotRight), px(y-4))
	}
}

// draw makes the path; the name stands where the curve ends.
func (c *curve) draw(x, y func(float64) float64) chartLine {
	var b strings.Builder
	pen := "M"
	end := plotBottom
	for i, v := range c.ys {
		if math.IsNaN(v) {
			pen = "M"
			continue
		}
		end = y(v)
		_, _ = b.WriteString(pen + px(x(c.xs[i])) + " " + px(end))
		pen = "L"
	}
	return chartLine{Name: short(c.name), Path: b.String(), X: px(plotRight + 10), Y: px(end + 4), Colour: c.colour}
}

// short cuts a name to what has room beside a chart.
func short(name string) string {
	if r := []rune(name); len(r) > 11 {
		return string(r[:10]) + "…"
	}
	return name
}

// spread moves names apart that would cover each other, and leads a thin line
// to those that were moved.
func spread(lines []chartLine) {
	const gap = 13.0
	order := make([]int, len(lines))
	at := make([]float64, len(lines))
	for i := range lines {
		order[i] = i
		at[i], _ = strconv.ParseFloat(lines[i].Y, 64)
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case at[a] < at[b]:
			return -1
		case at[a] > at[b]:
			return 1
		}
		return 0
	})
	last := math.Inf(-1)
	for _, i := range order {
		y := max(at[i], last+gap)
		last = y
		if y-at[i] > 3 {
			lines[i].Leader = fmt.Sprintf("M%s %sL%s %s", px(plotRight), px(at[i]-4), px(plotRight+9), px(y-4))
		}
		lines[i].Y = px(y)
	}
	if over := last - (plotBottom + 4); over > 0 { // too low: the whole column goes up
		for _, i := range order {
			y, _ := strconv.ParseFloat(lines[i].Y, 64)
			lines[i].Y = px(y - over)
			lines[i].Leader = fmt.Sprintf("M%s %sL%s %s", px(plotRight), px(at[i]-4), px(plotRight+9), px(y-over-4))
		}
	}
}

func px(v float64) string { return strconv.FormatFloat(v, 'f', 1, 64) }

// niceStep divides a range into about n steps of 1, 2 or 5 times a power of
// ten.
func niceStep(span float64, n int) float64 {
	raw := span / float64(n)
	power := math.Pow(10, math.Floor(math.Log10(raw)))
	for _, m := range []float64{1, 2, 5} {
		if raw <= m*power*1.0001 {
			return m * power
		}
	}
	return 10 * power
}

// clockSteps are round lengths of time in seconds.
var clockSteps = []float64{1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400}

// clockStep divides a range of seconds into about n round steps.
func clockStep(span float64, n int) float64 {
	for _, s := range clockSteps {
		if span/float64(n) <= s*1.0001 {
			return s
		}
	}
	return niceStep(span/86_400, n) * 86_400
}

// clock writes seconds as 1:30 (minutes or hours) or as days, as the step
// between ticks suggests.
func clock(seconds, step float64) string {
	n := int64(math.Round(seconds))
	switch {
	case step >= 86_400:
		return strconv.FormatInt(n/86_400, 10) + " d"
	case step >= 300:
		return fmt.Sprintf("%d:%02d h", n/3600, n/60%60)
	default:
		return fmt.Sprintf("%d:%02d", n/60, n%60)
	}
}

// plain writes a tick with the digits that its step needs.
func plain(v, step float64) string {
	digits := int(max(0, -math.Floor(math.Log10(step)+1e-9)))
	return strconv.FormatFloat(v, 'f', digits, 64)
}

func percent(v, step float64) string { return plain(100*v, 100*step) + " %" }
