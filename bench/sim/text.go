package sim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// WriteJSON writes the result as one JSON object; times are in units.
func (r *Result) WriteJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	if err := enc.Encode(r); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	return nil
}

// column is a measure in the tables.
type column struct{ measure, title string }

var classColumns = []column{
	{"wait", "mean wait"},
	{"wait_p90", "p90"},
	{"p_wait", "P(wait)"},
	{"p_abandon", "P(abandon)"},
	{"p_block", "P(block)"},
	{"service_level", "service level"},
	{"queue", "queue"},
}

var groupColumns = []column{
	{"utilisation", "utilisation"},
	{"busy", "busy units"},
	{"on_duty", "on duty"},
}

// WriteText writes tables for a terminal.
func (r *Result) WriteText(w io.Writer) error {
	var b bytes.Buffer
	_, _ = fmt.Fprintf(&b, "%s: %s\n\n", r.Scenario.Name, r.summary())
	r.table(&b, "class", classColumns, r.classRows())
	_, _ = b.WriteString("\n")
	r.table(&b, "agents", groupColumns, r.groupRows())
	if len(r.Expect) > 0 {
		_, _ = b.WriteString("\n")
		r.writeVerdicts(&b)
	}
	if _, err := w.Write(b.Bytes()); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	return nil
}

// summary says how much was simulated, and how fast.
func (r *Result) summary() string {
	parts := fmt.Sprintf("%d replications", r.Replications)
	if r.Replications == 1 {
		parts = fmt.Sprintf("one replication in %d batches", r.Batches)
	}
	return fmt.Sprintf("%s contacts, %s, seed %d, %.2f s (%.1f M contacts/s); ± is the 95 %% confidence interval; times in %s",
		thousands(r.Contacts), parts, r.Seed, r.Wall, float64(r.Contacts)/r.Wall/1e6, r.unitName())
}

func (r *Result) unitName() string {
	switch {
	case !r.Scenario.named:
		return "units"
	case r.Scenario.Unit == time.Second:
		return "seconds"
	case r.Scenario.Unit == time.Minute:
		return "minutes"
	case r.Scenario.Unit == time.Hour:
		return "hours"
	default:
		return "units of " + r.Scenario.Unit.String()
	}
}

// row is a line of a table.
type row struct {
	name     string
	contacts int64 // -1: none
	measures Measures
}

func (r *Result) classRows() []row {
	var rows []row
	for i := range r.Classes {
		rows = append(rows, row{r.Classes[i].Name, r.Classes[i].Counts.Arrived, r.Classes[i].Measures})
	}
	if len(rows) > 1 {
		rows = append(rows, row{"all", r.All.Counts.Arrived, r.All.Measures})
	}
	return rows
}

func (r *Result) groupRows() []row {
	var rows []row
	for i := range r.Groups {
		rows = append(rows, row{r.Groups[i].Name, -1, r.Groups[i].Measures})
	}
	if len(rows) > 1 {
		rows = append(rows, row{"all", -1, r.All.Measures})
	}
	return rows
}

// telling are the columns that have anything to say.
func telling(columns []column, rows []row) []column {
	return slices.DeleteFunc(slices.Clone(columns), func(c column) bool {
		return !slices.ContainsFunc(rows, func(x row) bool { m := x.measures[c.measure].Mean; return m != 0 && !math.IsNaN(m) })
	})
}

func (r *Result) table(w io.Writer, what string, columns []column, rows []row) {
	columns = telling(columns, rows)
	tw := tabwriter.NewWriter(w, 0, 8, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintf(tw, "%s\t", what)
	if rows[0].contacts >= 0 {
		_, _ = fmt.Fprint(tw, "contacts\t")
	}
	for _, c := range columns {
		_, _ = fmt.Fprintf(tw, "%s\t", c.title)
	}
	_, _ = fmt.Fprintln(tw)
	for _, row := range rows {
		_, _ = fmt.Fprintf(tw, "%s\t", row.name)
		if row.contacts >= 0 {
			_, _ = fmt.Fprintf(tw, "%s\t", thousands(row.contacts))
		}
		for _, c := range columns {
			_, _ = fmt.Fprintf(tw, "%s\t", row.measures[c.measure])
		}
		_, _ = fmt.Fprintln(tw)
	}
	_ = tw.Flush()
}

func (r *Result) writeVerdicts(w io.Writer) {
	met := 0
	tw := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	for _, v := range r.Expect {
		word := "MISSED"
		if v.Pass {
			word = "met"
			met++
		}
		_, _ = fmt.Fprintf(tw, "%s\t%s\tfound %s\n", word, v.Text, v.Got)
	}
	_ = tw.Flush()
	verdict := "PASS"
	if !r.Pass {
		verdict = "FAIL"
	}
	_, _ = fmt.Fprintf(w, "%s: %d of %d expectations met\n", verdict, met, len(r.Expect))
}

// String writes the figure with as many digits as its half-width supports.
func (e Estimate) String() string {
	if math.IsNaN(e.Mean) {
		return "-"
	}
	if !(e.Half > 1e-9*math.Abs(e.Mean)) { // exact, or the only observation
		return strconv.FormatFloat(e.Mean, 'g', 6, 64)
	}
	digits := int(min(max(1-math.Floor(math.Log10(e.Half)), 0), 7))
	return fmt.Sprintf("%.*f ±%.*f", digits, e.Mean, digits, e.Half)
}

// thousands writes 1,234,567.
func thousands(n int64) string {
	s := fmt.Sprint(n)
	var b strings.Builder
	for i, r := range s {
		if i > 0 && (len(s)-i)%3 == 0 {
			_ = b.WriteByte(',')
		}
		_, _ = b.WriteRune(r)
	}
	return b.String()
}
