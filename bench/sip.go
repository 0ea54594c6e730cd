package bench

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"strings"

	"filo/bench/sipload"
)

const sipUsage = `Usage:
  filo-bench sip run [flags]     measures package sip beside SIPp and Kamailio
  filo-bench sip b2bua [flags]   the B2BUA that is measured: a line on its standard
                                 input asks for a line of JSON, its end ends it

Run "filo-bench sip run -h" for all flags.
`

// sipMain measures signalling.
func sipMain(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	commands := map[string]func() error{
		"run":   func() error { return sipRun(ctx, args[1:], stdout, stderr) },
		"b2bua": func() error { return sipB2BUA(ctx, args[1:], stdin, stdout, stderr) },
		"loss":  func() error { return sipLoss(ctx, args[1:], stdout, stderr) },
	}
	if len(args) == 0 || commands[args[0]] == nil {
		_, _ = io.WriteString(stderr, sipUsage)
		return exitUsage
	}
	switch err := commands[args[0]](); {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return exitOK
	case errors.Is(err, errArgs):
		_, _ = fmt.Fprintf(stderr, "filo-bench sip %s: %v\n", args[0], err)
		return exitUsage
	default:
		_, _ = fmt.Fprintf(stderr, "filo-bench sip %s: %v\n", args[0], err)
		return exitMissed
	}
}

// parseSip reports a mistake as errArgs.
func parseSip(fs *flag.FlagSet, args []string, stderr io.Writer) error {
	fs.SetOutput(stderr)
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err //nolint:wrapcheck // a sign, not a mistake
		}
		return fmt.Errorf("%w: %w", errArgs, err)
	}
	if fs.NArg() > 0 {
		return fmt.Errorf("%w: %q", errArgs, fs.Arg(0))
	}
	return nil
}

func sipB2BUA(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) (err error) {
	fs := flag.NewFlagSet("filo-bench sip b2bua", flag.ContinueOnError)
	listen := fs.String("listen", "127.0.0.1:5080", "UDP `address` to listen on")
	next := fs.String("next", "127.0.0.1:5090", "UDP `address` of whom every call goes to")
	profile := fs.String("cpuprofile", "", "write a CPU profile to `file`")
	heap := fs.String("memprofile", "", "write what is on the heap at the end to `file`")
	if err := parseSip(fs, args, stderr); err != nil {
		return err
	}
	b, err := sipload.NewB2BUA(*listen, *next)
	if err != nil {
		return err //nolint:wrapcheck // it says what it is
	}
	if *profile != "" {
		file, err := os.Create(*profile)
		if err != nil {
			return fmt.Errorf("-cpuprofile: %w", err)
		}
		defer func() { err = errors.Join(err, file.Close()) }()
		if err := pprof.StartCPUProfile(file); err != nil {
			return fmt.Errorf("-cpuprofile: %w", err)
		}
		defer pprof.StopCPUProfile()
	}
	if *heap != "" {
		b.AtEnd = func() error { return writeHeap(*heap) }
	}
	return b.Run(ctx, stdin, stdout) //nolint:wrapcheck // it says what it is
}

// writeHeap writes a profile of what is alive.
func writeHeap(name string) (err error) {
	file, err := os.Create(name) //nolint:gosec // the operator's own file
	if err != nil {
		return fmt.Errorf("-memprofile: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	runtime.GC()
	if err := pprof.WriteHeapProfile(file); err != nil {
		return fmt.Errorf("-memprofile: %w", err)
	}
	return nil
}

// sipLoss is for sipload itself, which runs it in a network namespace.
func sipLoss(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	var l sipload.Loss
	fs := flag.NewFlagSet("filo-bench sip loss", flag.ContinueOnError)
	fs.Float64Var(&l.Percent, "percent", 10, "packets lost each way")
	fs.IntVar(&l.Calls, "calls", 100, "calls")
	fs.Float64Var(&l.Rate, "rate", 10, "calls per second")
	filo := fs.String("filo", "filo", "the `program` whose node is called")
	if err := parseSip(fs, args, stderr); err != nil {
		return err
	}
	b, err := sipload.New(sipload.Programs{Filo: []string{*filo}})
	if err != nil {
		return err //nolint:wrapcheck // it says what it is
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	return b.LossInside(ctx, l, stdout) //nolint:wrapcheck // it says what it is
}

var errMissed = errors.New("a goal was missed")

func sipRun(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	cfg, asJSON, programs, err := parseSipRun(args, stderr)
	if err != nil {
		return err
	}
	b, err := sipload.New(programs)
	if err != nil {
		return err //nolint:wrapcheck // it says what it is
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	b.Progress = stderr
	report := sipload.NewReport()
	running := b.Run(ctx, cfg, report)
	if running != nil {
		report.Verdict = "FAIL"
	}
	write := report.WriteText
	if asJSON {
		write = report.WriteJSON
	}
	if err := errors.Join(running, write(stdout)); err != nil {
		return err //nolint:wrapcheck // it says what it is
	}
	if report.Verdict != "PASS" {
		return errMissed
	}
	return nil
}

func parseSipRun(args []string, stderr io.Writer) (cfg sipload.Config, asJSON bool, p sipload.Programs, err error) {
	fs := flag.NewFlagSet("filo-bench sip run", flag.ContinueOnError)
	only := fs.String("only", "", "experiments to run, of "+strings.Join(sipload.Experiments, ",")+"; empty: all")
	fs.Float64Var(&cfg.Rate, "rate", 1000, "calls per second where a rate is not searched")
	fs.BoolVar(&asJSON, "json", false, "print the result as one JSON object")
	self, err := os.Executable()
	if err != nil {
		return cfg, asJSON, p, fmt.Errorf("find the program itself: %w", err)
	}
	filo := fs.String("filo", filepath.Join(filepath.Dir(self), "filo"), "the `program` whose node is measured")
	if err := parseSip(fs, args, stderr); err != nil {
		return cfg, asJSON, p, err
	}
	if *only != "" {
		cfg.Only = strings.Split(*only, ",")
	}
	return cfg, asJSON, sipload.Programs{Self: []string{self}, Filo: []string{*filo}}, nil
}
