package route

import (
	"encoding/json"
	"fmt"
	"io"
)

// WriteJSON prints the result for programs, on one line.
func (r *Result) WriteJSON(w io.Writer) error {
	if err := json.NewEncoder(w).Encode(r); err != nil {
		return fmt.Errorf("write result: %w", err)
	}
	return nil
}

const (
	header = "%-8s %-9s %-8s | %-25s %6s | %-25s %6s | %-25s | %9s %9s %7s %6s | %5s %9s %9s\n"
	row    = "%-8d %-9d %-8s | %25s %6s | %25s %6s | %25s | %9.0f %9.0f %7.4f %6.0f | %5.0f %9.0f %9.0f\n"
)

// WriteHeader prints the heads of the columns of WriteText.
func WriteHeader(w io.Writer) error {
	_, err := fmt.Fprintf(w, "Times in ns: p50 / p99 / p99.9; beside them the p50 in loads from memory (dram).\n"+header,
		"agents", "waiting", "skills", "arrive -> agent", "/dram", "free -> contact", "/dram", "arrive -> queue",
		"cycles/s", "per CPU s", "allocs", "B/wait", "dram", "scan agts", "scan wait")
	if err != nil {
		return fmt.Errorf("write table: %w", err)
	}
	return nil
}

// WriteText prints the result for people: a row of a table.
func (r *Result) WriteText(w io.Writer) error {
	skills := fmt.Sprint(r.Skills)
	if r.Distinct {
		skills += " d"
	}
	_, err := fmt.Fprintf(w, row, r.Agents, r.Waiting, skills,
		r.Arrive, r.Arrive.ratio(r.Load), r.Free, r.Free.ratio(r.Load), r.Queue,
		r.Cycles, r.CPU, r.Allocs, r.Waiter, r.Load, r.Scan, r.Search)
	if err != nil {
		return fmt.Errorf("write table: %w", err)
	}
	return nil
}

// String returns the quantiles that have a column; "-" for none.
func (q *Quantiles) String() string {
	if q == nil {
		return "-"
	}
	return fmt.Sprintf("%.0f / %.0f / %.0f", q.P50, q.P99, q.P999)
}

func (q *Quantiles) ratio(load float64) string {
	if q == nil || load == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", q.P50/load)
}
