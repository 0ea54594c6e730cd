package bench

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"filo/bench/route"
)

// routeFlags are the arguments of filo-bench route.
type routeFlags struct {
	world   route.Config
	all     bool
	json    bool
	profile string
}

// routeMain measures the routing core and prints a row for each world as soon
// as it is there.
func routeMain(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags, err := parseRoute(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case err != nil:
		_, _ = fmt.Fprintln(stderr, "filo-bench route:", err)
		return exitUsage
	}
	if err := flags.run(ctx, stdout); err != nil {
		_, _ = fmt.Fprintln(stderr, "filo-bench route:", err)
		return exitMissed
	}
	return exitOK
}

func parseRoute(args []string, stderr io.Writer) (routeFlags, error) {
	r := routeFlags{world: route.DefaultConfig()}
	w := &r.world
	fs := flag.NewFlagSet("filo-bench route", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.IntVar(&w.Agents, "agents", w.Agents, "agents")
	fs.IntVar(&w.Waiting, "waiting", w.Waiting, "contacts that wait")
	fs.IntVar(&w.Skills, "skills", w.Skills, "skills that there are")
	fs.BoolVar(&w.Distinct, "distinct", false, "no two agents and no two contacts alike; 1,000 skills if -skills is not given")
	fs.Uint64Var(&w.Seed, "seed", w.Seed, "`number` from which the world is drawn")
	fs.IntVar(&w.Samples, "samples", w.Samples, "decisions of each kind that are measured")
	fs.BoolVar(&r.all, "all", false, "measure every world of the published table")
	fs.BoolVar(&r.json, "json", false, "print one JSON object a world")
	fs.StringVar(&r.profile, "cpuprofile", "", "write a CPU profile of what is measured to `file`")
	if err := fs.Parse(args); err != nil {
		return r, err //nolint:wrapcheck // flag has printed it
	}
	if fs.NArg() > 0 {
		return r, fmt.Errorf("%w: %q", errArgs, fs.Arg(0))
	}
	given := map[string]bool{}
	fs.Visit(func(f *flag.Flag) { given[f.Name] = true })
	if w.Distinct && !given["skills"] {
		w.Skills = route.DistinctSkills
	}
	if r.all && r.profile != "" {
		return r, fmt.Errorf("%w: -cpuprofile is of one world", errFlag)
	}
	if err := w.Validate(); err != nil {
		return r, fmt.Errorf("-%w", err)
	}
	return r, nil
}

func (r routeFlags) run(ctx context.Context, stdout io.Writer) (err error) {
	worlds := []route.Config{r.world}
	if r.all {
		worlds = route.Worlds(r.world)
	}
	if r.profile != "" {
		file, err := os.Create(r.profile)
		if err != nil {
			return fmt.Errorf("-cpuprofile: %w", err)
		}
		defer func() { err = errors.Join(err, file.Close()) }()
		worlds[0].Profile = file
	}
	if !r.json {
		if err := route.WriteHeader(stdout); err != nil {
			return err //nolint:wrapcheck // it says what it is
		}
	}
	memory := route.NewMemory(route.MemorySize)
	for _, w := range worlds {
		res, err := route.Run(ctx, w, memory)
		if err != nil {
			return fmt.Errorf("%d agents, %d waiting, %d skills: %w", w.Agents, w.Waiting, w.Skills, err)
		}
		write := res.WriteText
		if r.json {
			write = res.WriteJSON
		}
		if err := write(stdout); err != nil {
			return err //nolint:wrapcheck // it says what it is
		}
	}
	return nil
}
