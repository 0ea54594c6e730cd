package sipload

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"text/tabwriter"
)

// Figure is one number that was measured, and what it is held against.
type Figure struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit,omitempty"`
	Bound string  `json:"bound,omitempty"` // "at least 5"; "": it is only told
	Kept  bool    `json:"kept"`
}

func told(name string, value float64, unit string) Figure {
	return Figure{Name: name, Value: value, Unit: unit, Kept: true}
}

func atLeast(name string, value float64, unit string, least float64) Figure {
	return Figure{name, value, unit, fmt.Sprintf("at least %.4g", least), value >= least}
}

func atMost(name string, value float64, unit string, most float64) Figure {
	return Figure{name, value, unit, fmt.Sprintf("at most %.4g", most), value <= most}
}

// Report is what a run of experiments found.
type Report struct {
	Verdict string         `json:"verdict"` // PASS or FAIL
	Machine string         `json:"machine"`
	Figures []Figure       `json:"figures"`
	Details map[string]any `json:"details"` // each experiment's own result
}

// NewReport has no figures yet.
func NewReport() *Report {
	return &Report{
		Verdict: "PASS", Details: map[string]any{},
		Machine: fmt.Sprintf("%s/%s, %d CPUs, %s", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version()),
	}
}

// add takes an experiment's figures.
func (r *Report) add(name string, details any, figures ...Figure) {
	r.Details[name] = details
	r.Figures = append(r.Figures, figures...)
	for _, f := range figures {
		if !f.Kept {
			r.Verdict = "FAIL"
		}
	}
}

// WriteJSON writes one object.
func (r *Report) WriteJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	if err := enc.Encode(r); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// WriteText writes a table.
func (r *Report) WriteText(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintf(t, "%s\n", r.Machine) // Flush tells the error
	for _, f := range r.Figures {
		mark := ""
		if !f.Kept {
			mark = "MISSED"
		}
		_, _ = fmt.Fprintf(t, "%s\t%.5g %s\t%s\t%s\n", f.Name, f.Value, f.Unit, f.Bound, mark)
	}
	_, _ = fmt.Fprintf(t, "%s\n", r.Verdict)
	if err := t.Flush(); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}
