package staff

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"
	"time"
)

// WriteJSON prints the result for programs, on one line.
func (r *Result) WriteJSON(w io.Writer) error {
	type interval struct {
		Start  string  `json:"start"` // empty when the plan is not of a day
		Length float64 `json:"length_s"`
		Staffed
	}
	type target struct {
		Level     float64 `json:"service_level"`
		Within    float64 `json:"within_s"`
		ASA       float64 `json:"asa_s"`
		Abandon   float64 `json:"abandon"`
		Occupancy float64 `json:"occupancy"`
	}
	list := make([]interval, len(r.Intervals))
	for i, s := range r.Intervals {
		if s.Backlog == nil {
			s.Backlog = []Carried{}
		}
		list[i] = interval{r.clock(s.Start), s.Length.Seconds(), s}
	}
	streams := r.Streams
	if streams == nil {
		streams = []Worked{}
	}
	t := r.Target
	err := json.NewEncoder(w).Encode(struct {
		Target    target     `json:"target"`
		Intervals []interval `json:"intervals"`
		Backlog   []Worked   `json:"backlog"`
	}{target{t.Level, t.Within.Seconds(), t.ASA.Seconds(), t.Abandon, t.Occupancy}, list, streams})
	if err != nil {
		return fmt.Errorf("write result: %w", err)
	}
	return nil
}

// clock shows a start: with the date if the plan has one.
func (r *Result) clock(at time.Time) string {
	switch {
	case at.IsZero():
		return ""
	case at.Year() == 0 && at.YearDay() == 1:
		return at.Format("15:04")
	case at.Year() == 0: // beyond midnight, without a date
		return fmt.Sprintf("+%dd %s", at.YearDay()-1, at.Format("15:04"))
	}
	return at.Format("2006-01-02 15:04")
}

// WriteText prints the result for people: a row for each interval with its
// agents, and the row below with one less.
func (r *Result) WriteText(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	head := "start\tlength\tcontacts\thandle\tpatience\tagents\t" + r.level() + "\tasa\twait\tp90\tabandon\toccupancy\t"
	for _, s := range r.Streams {
		head += s.Name + "\twaiting\toldest\t"
	}
	lines := []string{head + "scheduled\t"}
	for _, s := range r.Intervals {
		patience := "-"
		if s.Patience > 0 {
			patience = seconds(s.Patience)
		}
		line := fmt.Sprintf("%s\t%s\t%.6g\t%s\t%s\t", r.clock(s.Start), short(s.Length), s.Contacts, seconds(s.Handle), patience) + row(s.With)
		for _, c := range s.Backlog {
			line += fmt.Sprintf("%d\t%.1f\t%s\t", c.Agents, c.Waiting, seconds(c.Oldest))
		}
		lines = append(lines, line+fmt.Sprintf("%d\t", s.Scheduled))
		if s.OneLess != nil {
			lines = append(lines, "\t\t\t\tone less:\t"+row(*s.OneLess)+strings.Repeat("\t", 3*len(s.Backlog)+1))
		}
	}
	for _, line := range lines {
		_, _ = fmt.Fprintln(t, line) // Flush tells of errors
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("write table: %w", err)
	}
	for _, s := range r.Streams {
		less := "nobody is needed"
		if s.OneLess != nil {
			less = fmt.Sprintf("one less: %.2f %% in time, %.1f left", 100*s.OneLess.InTime, s.OneLess.Left)
		}
		if _, err := fmt.Fprintf(w, "%s: %d agents, %.2f %% done within %s (asked: %.4g %%), longest %s, %.1f left at the end; %s\n",
			s.Name, s.Agents, 100*s.InTime, seconds(s.Deadline), 100*s.Share, seconds(s.Delay), s.Left, less); err != nil {
			return fmt.Errorf("write table: %w", err)
		}
	}
	return nil
}

func (r *Result) level() string {
	if r.Target.Level == 0 {
		return "level"
	}
	return "in " + short(r.Target.Within)
}

func row(m Measures) string {
	return fmt.Sprintf("%d\t%s\t%s\t%s\t%s\t%s\t%s\t",
		m.Agents, percent(m.Level), seconds(m.ASA), percent(m.Waits), seconds(m.P90), percent(m.Abandons), percent(m.Occupancy))
}

func percent(f Figure) string {
	if math.IsNaN(float64(f)) {
		return "-"
	}
	return fmt.Sprintf("%.2f %%", 100*float64(f))
}

func seconds(f Figure) string {
	switch x := float64(f); {
	case math.IsNaN(x):
		return "-"
	case math.IsInf(x, 0):
		return "endless"
	case x < 100:
		return fmt.Sprintf("%.3gs", x)
	default:
		return short(time.Duration(math.Round(x) * float64(time.Second)))
	}
}

// short leaves out the minutes and seconds that are 0.
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
