package sim

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"runtime"
	"slices"
	"strings"
)

//go:embed page.html
var pageText string

var pageTemplate = template.Must(template.New("page").Parse(pageText))

// colours is how many curves a chart can tell apart.
const colours = 7

type (
	page struct {
		Title, Class, Verdict, About, Summary string
		Palette                               []int
		Expect                                []Verdict
		Tables                                []pageTable
		Charts                                []chart
		Facts                                 []fact
	}
	pageTable struct {
		Title, Caption string
		Heads          []string
		Rows           []pageRow
	}
	pageRow struct {
		Name  string
		Sum   bool
		Cells []pageCell
	}
	pageCell struct{ Value, Half string }
	fact     struct {
		Name, Text string
		Mono       bool
	}
)

var pageColumns = []column{
	{"wait", "mean wait"},
	{"wait_p50", "median"},
	{"wait_p90", "p90"},
	{"wait_p99", "p99"},
	{"p_wait", "P(wait)"},
	{"p_abandon", "P(abandon)"},
	{"p_block", "P(block)"},
	{"service_level", "service level"},
	{"queue", "queue"},
}

// WriteHTML writes one page that needs nothing else: verdict, tables, plots.
func (r *Result) WriteHTML(w io.Writer) error {
	p := page{
		Title: r.Scenario.Name, About: r.Scenario.About, Summary: r.summary(), Expect: r.Expect,
		Charts: r.charts(), Facts: r.facts(),
	}
	p.Class, p.Verdict = r.verdict()
	for i := range colours {
		p.Palette = append(p.Palette, i)
	}
	p.Tables = []pageTable{
		htmlTable("Contacts", "Waits count everybody who was not turned away, those who gave up as well. Times in "+r.unitName()+".",
			"Class", pageColumns, r.classRows()),
		htmlTable("Agents", "Utilisation is the share of the units on duty that were in use.", "Group", groupColumns, r.groupRows()),
	}
	if err := pageTemplate.Execute(w, p); err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	return nil
}

func (r *Result) verdict() (class, text string) {
	missed := 0
	for _, v := range r.Expect {
		if !v.Pass {
			missed++
		}
	}
	switch {
	case len(r.Expect) == 0:
		return "none", r.Scenario.Name
	case missed > 0:
		return "fail", fmt.Sprintf("FAIL: %s, %d of %d expectations missed", r.Scenario.Name, missed, len(r.Expect))
	default:
		return "pass", fmt.Sprintf("PASS: %s, all %d expectations met", r.Scenario.Name, len(r.Expect))
	}
}

func (r *Result) facts() []fact {
	return []fact{
		{"Command", fmt.Sprintf("filo-bench sim -seed %d -replications %d SCENARIO.yaml", r.Seed, r.Replications), true},
		{"Simulated", thousands(r.Contacts) + " contacts, the warm-up included", false},
		{"Speed", fmt.Sprintf("%.2f s, %.1f million contacts a second", r.Wall, float64(r.Contacts)/r.Wall/1e6), false},
		{"Machine", fmt.Sprintf("%s/%s, %d CPUs, %s", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version()), false},
	}
}

func htmlTable(title, caption, first string, columns []column, rows []row) pageTable {
	t := pageTable{Title: title, Caption: caption, Heads: []string{first}}
	for i, row := range rows {
		t.Rows = append(t.Rows, pageRow{Name: row.name, Sum: row.name == "all" && i > 0})
	}
	if rows[0].contacts >= 0 {
		t.Heads = append(t.Heads, "contacts")
		for i := range rows {
			t.Rows[i].Cells = append(t.Rows[i].Cells, pageCell{Value: thousands(rows[i].contacts)})
		}
	}
	for _, c := range telling(columns, rows) {
		t.Heads = append(t.Heads, c.title)
		for i := range rows {
			value, half, _ := strings.Cut(rows[i].measures[c.measure].String(), " ±")
			t.Rows[i].Cells = append(t.Rows[i].Cells, pageCell{value, half})
		}
	}
	return t
}

// shown are the classes or groups with the most to tell, in their order: a
// chart has room for a few curves.
func shown(n int, weight func(i int) float64) []int {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case weight(a) > weight(b):
			return -1
		case weight(a) < weight(b):
			return 1
		}
		return 0
	})
	order = order[:min(n, colours-1)]
	slices.Sort(order)
	return order
}

func (r *Result) charts() []chart {
	classes := shown(len(r.Classes), func(i int) float64 { return float64(r.Classes[i].Counts.Arrived) })
	groups := shown(len(r.Groups), func(i int) float64 { return r.Groups[i].Measures["on_duty"].Mean })
	list := []plot{r.waitPlot(classes)}
	if r.All.tally.due > 0 {
		list = append(list, r.classPlot(classes, "Service level over time", "Share of the contacts of each interval that were served within the target.", percent, 1,
			func(_ *point, c *classPoint) float64 { return ratio(float64(c.within), float64(c.decided)) }))
	}
	unit := r.Scenario.ticks()
	list = append(list,
		r.classPlot(classes, "Mean wait over time", "Of the contacts that arrived in each interval, in "+r.unitName()+".", plain, 0,
			func(_ *point, c *classPoint) float64 { return ratio(c.wait, float64(c.admitted)) / unit }),
		r.groupPlot(groups),
		r.classPlot(classes, "Queue over time", "Mean number of contacts that wait.", plain, 0,
			func(p *point, c *classPoint) float64 { return ratio(c.queueArea, p.ticks) }),
	)
	var charts []chart
	for i := range list {
		if of := list[i].of; len(list[i].curves) < of {
			list[i].caption += fmt.Sprintf(" The largest %d of %d.", len(list[i].curves), of)
		}
		if len(list[i].curves) > 0 && list[i].xMax > list[i].xMin {
			charts = append(charts, list[i].draw())
		}
	}
	return charts
}

// waitPlot shows which share of contacts waits longer than a time.
func (r *Result) waitPlot(classes []int) plot {
	unit := r.Scenario.ticks()
	longest := 0.0
	for _, i := range classes {
		if q := r.Classes[i].tally.waits.quantile(.99); q > longest {
			longest = q
		}
	}
	p := plot{
		title: "How long contacts wait", caption: "Share of the contacts that wait longer than a time, up to the longest p99.",
		xLabel: "time in " + r.unitName(), xMax: longest / unit, xText: plain, yText: percent, legend: true, of: len(r.Classes),
	}
	for n, i := range classes {
		c := curve{name: r.Classes[i].Name, colour: n}
		const points = 120
		for k := range points + 1 {
			x := longest * float64(k) / points
			c.xs = append(c.xs, x/unit)
			c.ys = append(c.ys, 1-r.Classes[i].tally.waits.below(x))
		}
		p.curves = append(p.curves, c)
	}
	return p
}

// overTime is a plot over the intervals of the series.
func (r *Result) overTime(title, caption string, yText func(v, step float64) string, yMax float64) plot {
	p := plot{title: title, caption: caption, yText: yText, yMax: yMax, xText: plain, xLabel: "time in " + r.unitName()}
	last := 0
	for k := range r.series.points {
		if r.series.points[k].ticks > 0 {
			last = k + 1
		}
	}
	p.xMax = float64(int64(last)*r.series.interval) / r.Scenario.ticks()
	if sc := r.Scenario; sc.share {
		p.warm = sc.warmup * sc.horizon()
	} else {
		p.warm = sc.warmup
	}
	if second := r.Scenario.Unit.Seconds(); r.Scenario.named && p.xMax*second >= 4 {
		step := clockStep(p.xMax*second, 5)
		p.xLabel, p.xStep = "time since the start", step/second
		p.xText = func(x, _ float64) string { return clock(x*second, step) }
	}
	return p
}

func (r *Result) classPlot(classes []int, title, caption string, yText func(v, step float64) string, yMax float64, of func(p *point, c *classPoint) float64) plot {
	p := r.overTime(title, caption, yText, yMax)
	p.of = len(r.Classes)
	for n, i := range classes {
		p.curves = append(p.curves, r.curve(r.Classes[i].Name, n, func(q *point) float64 { return of(q, &q.classes[i]) }))
	}
	return p
}

func (r *Result) groupPlot(groups []int) plot {
	p := r.overTime("Occupancy over time", "Share of the units on duty that are in use.", percent, 1)
	p.of = len(r.Groups)
	for n, i := range groups {
		p.curves = append(p.curves, r.curve(r.Groups[i].Name, n, func(q *point) float64 { return ratio(q.groups[i].used, q.groups[i].units) }))
	}
	return p
}

func (r *Result) curve(name string, colour int, of func(q *point) float64) curve {
	c := curve{name: name, colour: colour}
	unit := r.Scenario.ticks()
	for k := range r.series.points {
		q := &r.series.points[k]
		if q.ticks == 0 {
			continue
		}
		c.xs = append(c.xs, (float64(k)+.5)*float64(r.series.interval)/unit)
		c.ys = append(c.ys, of(q))
	}
	return c
}
