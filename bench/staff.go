package bench

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"filo/bench/staff"
)

// staffMain computes agents for a target.
func staffMain(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	plan, asJSON, err := parseStaff(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case err != nil:
		_, _ = fmt.Fprintln(stderr, "filo-bench staff:", err)
		return exitUsage
	}
	res, err := staff.Solve(ctx, plan)
	if err == nil {
		write := res.WriteText
		if asJSON {
			write = res.WriteJSON
		}
		err = write(stdout)
	}
	if err != nil {
		_, _ = fmt.Fprintln(stderr, "filo-bench staff:", err)
		return exitMissed
	}
	return exitOK
}

// staffFlags are what the flags set, and whether they did.
type staffFlags struct {
	target   staff.Target
	interval staff.Interval
	rate     bool
	set      map[string]bool
}

func parseStaff(args []string, stderr io.Writer) (plan staff.Plan, asJSON bool, err error) {
	f := staffFlags{set: map[string]bool{}}
	fs := flag.NewFlagSet("filo-bench staff", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.Usage = func() {
		_, _ = fmt.Fprint(stderr, "Usage: filo-bench staff [flags] [plan.yaml | plan.csv]\n")
		fs.PrintDefaults()
	}
	fs.Func("rate", "contacts that come, as in `100/h`, instead of a plan", func(s string) (err error) {
		f.interval.Contacts, f.interval.Length, err = staff.ParseRate(s)
		f.rate = true
		return err //nolint:wrapcheck // flag says of what
	})
	fs.DurationVar(&f.interval.Handle, "handle", 0, "mean handle `time`")
	fs.DurationVar(&f.interval.Patience, "patience", 0, "mean `time` until callers give up; 0: never")
	fs.Func("shrinkage", "`share` of scheduled agents who are not there, as in 30%", shareFlag(&f.interval.Shrinkage))
	fs.Func("target", "`service level`: 80/20s are 80 % answered within 20 seconds", func(s string) (err error) {
		f.target.Level, f.target.Within, err = staff.ParseLevel(s)
		return err //nolint:wrapcheck // flag says of what
	})
	fs.DurationVar(&f.target.ASA, "asa", 0, "longest mean `time` to answer")
	fs.Func("abandon", "largest `share` that gives up, as in 5%", shareFlag(&f.target.Abandon))
	fs.Func("occupancy", "largest `share` of time that agents are busy, as in 85%", shareFlag(&f.target.Occupancy))
	fs.BoolVar(&asJSON, "json", false, "print the result as one JSON object")
	if err := fs.Parse(args); err != nil {
		return plan, asJSON, err //nolint:wrapcheck // flag has printed it
	}
	fs.Visit(func(x *flag.Flag) { f.set[x.Name] = true })
	switch {
	case f.rate && fs.NArg() == 0:
		plan = staff.Plan{Target: f.target, Intervals: []staff.Interval{f.interval}}
		err = plan.Validate()
	case fs.NArg() == 1 && !f.rate:
		plan, err = f.read(fs.Arg(0))
	default:
		err = fmt.Errorf("%w: either a plan or -rate is needed", errArgs)
	}
	return plan, asJSON, err
}

func shareFlag(to *float64) func(string) error {
	return func(s string) (err error) {
		*to, err = staff.ParseShare(s)
		return err //nolint:wrapcheck // flag says of what
	}
}

// read reads a plan; flags stand above it.
func (f *staffFlags) read(path string) (staff.Plan, error) {
	data, err := os.ReadFile(path) //nolint:gosec // the operator's own file
	if err != nil {
		return staff.Plan{}, fmt.Errorf("read plan: %w", err)
	}
	return staff.Read(filepath.Base(path), data, f.override) //nolint:wrapcheck // it begins with the file
}

func (f *staffFlags) override(p *staff.Plan) {
	for _, x := range []struct {
		name string
		set  func()
	}{
		{"target", func() { p.Target.Level, p.Target.Within = f.target.Level, f.target.Within }},
		{"asa", func() { p.Target.ASA = f.target.ASA }},
		{"abandon", func() { p.Target.Abandon = f.target.Abandon }},
		{"occupancy", func() { p.Target.Occupancy = f.target.Occupancy }},
	} {
		if f.set[x.name] {
			x.set()
		}
	}
	for i := range p.Intervals {
		iv := &p.Intervals[i]
		for _, d := range []struct {
			name     string
			to, from *time.Duration
		}{{"handle", &iv.Handle, &f.interval.Handle}, {"patience", &iv.Patience, &f.interval.Patience}} {
			if f.set[d.name] {
				*d.to = *d.from
			}
		}
		if f.set["shrinkage"] {
			iv.Shrinkage = f.interval.Shrinkage
		}
	}
}
