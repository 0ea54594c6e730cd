package main

import (
	"fmt"
	"io"
	"strings"
)

// event is one line of go test -json (see go doc test2json).
type event struct {
	Action      string
	Package     string
	ImportPath  string
	Test        string
	Elapsed     float64
	Output      string
	FailedBuild string
}

// report counts tests and keeps the output of those that are still running.
type report struct {
	w                       io.Writer
	output                  map[string]*strings.Builder
	passed, failed, skipped int
}

func newReport(w io.Writer) *report { return &report{w: w, output: map[string]*strings.Builder{}} }

func (r *report) add(e event) {
	key := e.Package + " " + e.Test
	switch e.Action {
	case "output":
		if r.output[key] == nil {
			r.output[key] = new(strings.Builder)
		}
		_, _ = r.output[key].WriteString(e.Output)
	case "build-output":
		r.print("%s", e.Output)
	case "pass", "fail", "skip":
		r.finished(e, key)
	}
}

func (r *report) finished(e event, key string) {
	output := ""
	if b := r.output[key]; b != nil {
		output = b.String()
		delete(r.output, key)
	}
	switch {
	case e.Test == "":
		r.finishedPackage(e, output)
	case e.Action == "pass":
		r.passed++
	case e.Action == "skip":
		r.skipped++
		r.print("SKIP  %s %s\n%s", e.Package, e.Test, indent(output))
	default:
		r.failed++
		r.print("FAIL  %s %s\n%s", e.Package, e.Test, indent(output))
	}
}

func (r *report) finishedPackage(e event, output string) {
	switch e.Action {
	case "pass":
		r.print("ok    %-28s %6.1fs\n", e.Package, e.Elapsed)
	case "fail":
		// Also a build that failed, a panic or a time-out outside any test.
		if r.failed == 0 || e.FailedBuild != "" {
			r.failed++
		}
		r.print("FAIL  %-28s %6.1fs\n%s", e.Package, e.Elapsed, indent(output))
	}
}

// end prints the output of tests that never ended, and the counts.
func (r *report) end() {
	for key, b := range r.output {
		if strings.HasSuffix(key, " ") {
			continue
		}
		r.failed++
		r.print("LOST  %s\n%s", key, indent(b.String()))
	}
	r.print("%d passed, %d failed, %d skipped\n", r.passed, r.failed, r.skipped)
}

func (r *report) print(format string, args ...any) { _, _ = fmt.Fprintf(r.w, format, args...) }

func indent(s string) string {
	var b strings.Builder
	for line := range strings.Lines(s) {
		b.WriteString("      " + line)
	}
	if s != "" && !strings.HasSuffix(s, "\n") {
		b.WriteString("\n")
	}
	return b.String()
}
