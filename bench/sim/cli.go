package sim

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
)

// Exit codes of the command line.
const (
	exitOK     = 0
	exitMissed = 1 // an expectation was not met, or the run could not take place
	exitUsage  = 2
)

const usage = `filo-bench sim plays a scenario in virtual time with the real routing core.

Usage:
  filo-bench sim [flags] SCENARIO.yaml

configs/sim/README.md describes the scenario file, configs/sim/example.yaml has
every key, configs/sim/oracles are scenarios whose answers theory knows.

Exit code: 0 when every expectation of the scenario was met (or it has none),
1 when one was missed or the run failed, 2 for a mistake in the arguments or in
the scenario.

Flags:
`

type options struct {
	seed         int64
	replications int
	contacts     int64
	json, quiet  bool
	html, file   string
}

// Main runs "filo-bench sim" and returns the exit code.
func Main(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	fail := func(code int, err error) int {
		_, _ = fmt.Fprintln(stderr, "filo-bench sim:", err)
		return code
	}
	o, err := parseArgs(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case err != nil:
		return fail(exitUsage, err)
	}
	sc, err := Load(o.file)
	if err == nil {
		err = o.apply(sc)
	}
	if err != nil {
		return fail(exitUsage, err)
	}
	var bar *progressBar
	if f, ok := stderr.(*os.File); ok && !o.quiet && isTerminal(f) {
		bar = newProgressBar(f)
	}
	res, err := Run(ctx, sc, bar.progress())
	bar.clear()
	if err != nil {
		return fail(exitMissed, err)
	}
	if err := o.write(res, stdout); err != nil {
		return fail(exitMissed, err)
	}
	if !res.Pass {
		return exitMissed
	}
	return exitOK
}

var errArgs = errors.New("bad argument")

func parseArgs(args []string, stderr io.Writer) (o options, err error) {
	fs := flag.NewFlagSet("filo-bench sim", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.Usage = func() {
		_, _ = io.WriteString(stderr, usage)
		fs.PrintDefaults()
	}
	fs.Int64Var(&o.seed, "seed", -1, "random `seed`; -1: the scenario's")
	fs.IntVar(&o.replications, "replications", 0, "independent runs; 0: the scenario's")
	fs.Int64Var(&o.contacts, "contacts", 0, "arrivals in all; 0: the scenario's")
	fs.BoolVar(&o.json, "json", false, "print the result as one JSON object")
	fs.StringVar(&o.html, "html", "", "write a page with plots to this `file`")
	fs.BoolVar(&o.quiet, "quiet", false, "no progress bar")
	for {
		if err := fs.Parse(args); err != nil {
			return o, err //nolint:wrapcheck // flag has printed it
		}
		if fs.NArg() == 0 {
			break
		}
		if o.file != "" {
			return o, fmt.Errorf("%w: one scenario only, not %q as well", errArgs, fs.Arg(0))
		}
		o.file, args = fs.Arg(0), fs.Args()[1:] // flags may follow the file
	}
	if o.file == "" {
		return o, fmt.Errorf("%w: which scenario? see filo-bench sim -h", errArgs)
	}
	return o, nil
}

// apply lets flags replace what the scenario says.
func (o *options) apply(sc *Scenario) error {
	if o.seed >= 0 {
		sc.Seed = uint64(o.seed)
	}
	if o.replications > 0 {
		sc.Replications = o.replications
	}
	if o.contacts > 0 {
		if sc.Duration > 0 {
			return fmt.Errorf("%w: -contacts: the scenario says how long it takes by its duration", errArgs)
		}
		sc.Contacts = o.contacts
	}
	return nil
}

func (o *options) write(res *Result, stdout io.Writer) error {
	if o.html != "" {
		f, err := os.Create(o.html)
		if err != nil {
			return fmt.Errorf("-html: %w", err)
		}
		if err := errors.Join(res.WriteHTML(f), f.Close()); err != nil {
			return fmt.Errorf("-html: %w", err)
		}
	}
	if o.json {
		return res.WriteJSON(stdout)
	}
	return res.WriteText(stdout)
}
