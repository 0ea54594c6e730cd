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

	"filo/bench/sim"
	"filo/bench/staff"
)

const staffUsage = `filo-bench staff computes the least number of agents that keeps every target.

Usage:
  filo-bench staff [flags] plan.yaml       intervals, targets, backlog
  filo-bench staff [flags] intervals.csv   start,length,contacts,handle,patience,shrinkage
  filo-bench staff -rate 100/h -handle 4m -target 80/20s [flags]
  filo-bench staff -simulate scenario.yaml [-contacts N] [-json]

Without patience by Erlang C, with it by Erlang A. A plan:

  target: {service_level: 80/20s, asa: 30s, abandon: 5%, occupancy: 85%} # any of them
  defaults: {length: 30m, handle: 4m, patience: 2m, shrinkage: 30%}
  backlog:                                 # carried over from interval to interval
    mail: {handle: 6m, deadline: 4h, share: 95%, waiting: 30, left: 0, idle: true}
  intervals:                               # each follows the one above unless it has a start
    - {start: 09:00, contacts: 120, backlog: {mail: 40}}
    - {contacts: 150, handle: 5m}

A scenario of filo-bench sim is played with the routing core, for several skills:
its bounds (expect: orders.service_level >= 80%) are the targets, and the numbers
of its groups of agents are looked for.

Flags:
`

// staffMain computes agents for a target.
func staffMain(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	f, plan, err := parseStaff(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case err != nil:
		_, _ = fmt.Fprintln(stderr, "filo-bench staff:", err)
		return exitUsage
	}
	if err := f.solve(ctx, plan, stdout); err != nil {
		_, _ = fmt.Fprintln(stderr, "filo-bench staff:", err)
		return exitMissed
	}
	return exitOK
}

// report is what either way of staffing returns.
type report interface {
	WriteText(w io.Writer) error
	WriteJSON(w io.Writer) error
}

func (f *staffFlags) solve(ctx context.Context, plan staff.Plan, stdout io.Writer) (err error) {
	var res report
	if f.scenario != nil {
		res, err = staff.Simulate(ctx, f.scenario)
	} else {
		res, err = staff.Solve(ctx, plan)
	}
	switch {
	case err != nil:
		return err //nolint:wrapcheck // it says where
	case f.json:
		return res.WriteJSON(stdout) //nolint:wrapcheck // it says what it is
	default:
		return res.WriteText(stdout) //nolint:wrapcheck // as above
	}
}

// staffFlags are what the flags set, and whether they did.
type staffFlags struct {
	target   staff.Target
	interval staff.Interval
	rate     bool
	json     bool
	simulate string
	contacts int64
	scenario *sim.Scenario
	set      map[string]bool
}

func parseStaff(args []string, stderr io.Writer) (f *staffFlags, plan staff.Plan, err error) {
	f = &staffFlags{set: map[string]bool{}}
	fs := flag.NewFlagSet("filo-bench staff", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.Usage = func() {
		_, _ = fmt.Fprint(stderr, staffUsage)
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
	fs.StringVar(&f.simulate, "simulate", "", "`scenario` of filo-bench sim whose groups of agents are staffed")
	fs.Int64Var(&f.contacts, "contacts", 200_000, "with -simulate: contacts of each try, unless the scenario has a duration")
	fs.BoolVar(&f.json, "json", false, "print the result as one JSON object")
	if err := fs.Parse(args); err != nil {
		return f, plan, err //nolint:wrapcheck // flag has printed it
	}
	fs.Visit(func(x *flag.Flag) { f.set[x.Name] = true })
	switch {
	case f.simulate != "" && !f.rate && fs.NArg() == 0:
		err = f.load()
	case f.simulate != "":
		err = fmt.Errorf("%w: -simulate stands alone", errArgs)
	case f.rate && fs.NArg() == 0:
		plan = staff.Plan{Target: f.target, Intervals: []staff.Interval{f.interval}}
		err = plan.Validate()
	case fs.NArg() == 1 && !f.rate:
		plan, err = f.read(fs.Arg(0))
	default:
		err = fmt.Errorf("%w: a plan, -rate or -simulate is needed", errArgs)
	}
	return f, plan, err
}

// load reads the scenario.
func (f *staffFlags) load() (err error) {
	if f.scenario, err = sim.Load(f.simulate); err != nil {
		return err //nolint:wrapcheck // it begins with the file
	}
	if f.contacts <= 0 {
		return fmt.Errorf("%w: -contacts must be more than 0", errFlag)
	}
	if f.scenario.Duration == 0 && f.scenario.Contacts > 0 {
		f.scenario.Contacts = f.contacts
	}
	return nil
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
