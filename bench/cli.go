package bench

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"filo/bench/sim"
)

// Exit codes of the command line.
const (
	exitOK     = 0
	exitMissed = 1 // a threshold was not kept, or the run could not take place
	exitUsage  = 2
)

const usage = `filo-bench loads a contact centre and tells what callers and agents saw.

Usage:
  filo-bench call [flags]    calls at a rate, answered by robot agents with SIP phones
  filo-bench users [flags]   writes the users file that those agents need
  filo-bench route [flags]   measures the routing core: nanoseconds of one decision
  filo-bench sim [flags] SCENARIO.yaml
                             plays a scenario with the routing core in virtual time
  filo-bench sip run [flags] measures signalling beside SIPp and Kamailio
  filo-bench staff [flags] [plan]
                             computes how many agents a target needs
  filo-bench version

Example, against a node whose users_file came from "filo-bench users -n 300":
  filo-bench call -server 127.0.0.1:5060 -rate 50 -hold 5s -agents 300 \
      -password-file bench-sip-password -write-key KEY -max-failed 0 -max-offer-p99 10ms

Exit code: 0 when every threshold was kept, 1 when one was missed or the run
failed, 2 for a mistake in the arguments. Run "filo-bench call -h" for all flags;
scripts/bench.sh starts a node of its own and loads it.
`

// Main runs the command line and returns the exit code: 0 when every
// threshold was kept, 1 when one was missed or the run failed, 2 for a mistake
// in the arguments.
func Main(ctx context.Context, args []string, version string, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		_, _ = io.WriteString(stderr, usage)
		return exitUsage
	}
	switch args[0] {
	case "call":
		return callMain(ctx, args[1:], stdout, stderr)
	case "route":
		return routeMain(ctx, args[1:], stdout, stderr)
	case "sim":
		return sim.Main(ctx, args[1:], stdout, stderr)
	case "sip":
		return sipMain(ctx, args[1:], os.Stdin, stdout, stderr)
	case "staff":
		return staffMain(ctx, args[1:], stdout, stderr)
	case "users":
		return usersMain(args[1:], stdout, stderr)
	case "version":
		_, _ = fmt.Fprintln(stdout, "filo-bench", version)
		return exitOK
	case "-h", "-help", "--help", "help":
		_, _ = io.WriteString(stdout, usage)
		return exitOK
	}
	_, _ = fmt.Fprintf(stderr, "filo-bench: unknown command %q\n\n%s", args[0], usage)
	return exitUsage
}

func callMain(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	cfg, out, err := parseCall(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case err != nil:
		_, _ = fmt.Fprintln(stderr, "filo-bench call:", err)
		return exitUsage
	}
	if !out.quiet {
		cfg.Progress = stderr
	}
	rep, err := Call(ctx, cfg)
	if err != nil {
		_, _ = fmt.Fprintln(stderr, "filo-bench call:", err)
		if rep == nil {
			return exitMissed
		}
	}
	write := rep.WriteText
	if out.json {
		write = rep.WriteJSON
	}
	if err := write(stdout); err != nil {
		_, _ = fmt.Fprintln(stderr, "filo-bench call:", err)
		return exitMissed
	}
	if rep.Verdict != "PASS" {
		return exitMissed
	}
	return exitOK
}

type output struct{ json, quiet bool }

var (
	errArgs = errors.New("unexpected argument")
	errFlag = errors.New("bad flag")
)

func parseCall(args []string, stderr io.Writer) (cfg CallConfig, out output, err error) {
	fs := flag.NewFlagSet("filo-bench call", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.StringVar(&cfg.Server, "server", "127.0.0.1:5060", "SIP `address` of the server, UDP")
	fs.StringVar(&cfg.Web, "web", "http://127.0.0.1:8080", "base `URL` of the server's web listener, for web activity and /metrics; empty: neither")
	fs.StringVar(&cfg.WriteKey, "write-key", "", "write `key` of the web activity API; empty: callers are unknown")
	fs.StringVar(&cfg.Domain, "domain", "filo.local", "SIP domain")
	fs.StringVar(&cfg.To, "to", "100", "called `number`")
	fs.Float64Var(&cfg.Rate, "rate", 50, "calls per second")
	fs.DurationVar(&cfg.Duration, "duration", 20*time.Second, "how long calls arrive")
	fs.DurationVar(&cfg.Hold, "hold", 5*time.Second, "conversation time of each call")
	fs.IntVar(&cfg.Concurrency, "concurrency", 0, "most calls at a time; 0: no limit")
	fs.IntVar(&cfg.Agents, "agents", 300, "robot agents with SIP phones")
	fs.StringVar(&cfg.Prefix, "prefix", "bench", "user names of the agents: prefix1, prefix2, ...")
	passwordFile := fs.String("password-file", "", "`file` with the SIP password of the agents")
	fs.IntVar(&cfg.Callers, "callers", 1000, "distinct calling numbers")
	fs.BoolVar(&cfg.RTP, "rtp", true, "audio both ways")
	fs.IntVar(&cfg.Limits.MaxFailed, "max-failed", 0, "threshold: failed calls; -1: any")
	fs.DurationVar(&cfg.Limits.OfferP99, "max-offer-p99", 0, "threshold: INVITE received to the agent's INVITE; 0: none")
	fs.DurationVar(&cfg.Limits.ContextP99, "max-context-p99", 0, "threshold: the server's context look-up; 0: none")
	fs.DurationVar(&cfg.Limits.SetupP99, "max-setup-p99", 0, "threshold: INVITE to 200; 0: none")
	fs.Float64Var(&cfg.Limits.MaxLoss, "max-loss", -1, "threshold: `share` of RTP packets lost; -1: any")
	fs.BoolVar(&out.json, "json", false, "print the result as one JSON object")
	fs.BoolVar(&out.quiet, "quiet", false, "no progress lines")
	verbose := fs.Bool("v", false, "log what robots notice to the standard error")
	if err := fs.Parse(args); err != nil {
		return cfg, out, err //nolint:wrapcheck // flag has printed it
	}
	if fs.NArg() > 0 {
		return cfg, out, fmt.Errorf("%w: %q", errArgs, fs.Arg(0))
	}
	if *verbose {
		cfg.Log = slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	if *passwordFile != "" {
		b, err := os.ReadFile(*passwordFile) //nolint:gosec // the operator's own file
		if err != nil {
			return cfg, out, fmt.Errorf("-password-file: %w", err)
		}
		cfg.Password = strings.TrimSpace(string(b))
	}
	return cfg, out, cfg.check()
}

func (c CallConfig) check() error {
	var errs []error
	for _, b := range []struct {
		bad  bool
		text string
	}{
		{c.Rate <= 0 || c.Rate > 100_000, "-rate must be more than 0"},
		{c.Duration <= 0, "-duration must be more than 0"},
		{c.Hold < 0, "-hold must not be negative"},
		{c.Agents < 0, "-agents must not be negative"},
		{c.Callers < 1 || c.Callers > 10_000_000, "-callers must be 1 to 10,000,000"},
		{c.Agents > 0 && c.Password == "", "-password-file is needed for agents"},
	} {
		if b.bad {
			errs = append(errs, fmt.Errorf("%w: %s", errFlag, b.text))
		}
	}
	return errors.Join(errs...)
}

// usersMain writes users with SIP phones that are ready at start.
func usersMain(args []string, stdout, stderr io.Writer) int {
	fs := flag.NewFlagSet("filo-bench users", flag.ContinueOnError)
	fs.SetOutput(stderr)
	n := fs.Int("n", 300, "number of agents")
	prefix := fs.String("prefix", "bench", "user names: prefix1, prefix2, ...")
	skills := fs.String("skills", "checkout,delivery,returns,general", "skills, each with proficiency 80")
	file := fs.String("sip-password-file", "bench-sip-password", "`file` with the agents' SIP password, as the server finds it")
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return exitOK
		}
		return exitUsage
	}
	p := &printer{w: stdout}
	p.f("# Robot agents for filo-bench call: SIP phones, ready when the server starts.\nusers:\n")
	for i := range *n {
		p.f("  - user: %s%d\n    name: Robot %d\n    phone: true\n    ready_at_start: true\n    sip_password_file: %s\n    skills:\n", *prefix, i+1, i+1, *file)
		for s := range strings.SplitSeq(*skills, ",") {
			p.f("      %s: 80\n", strings.TrimSpace(s))
		}
	}
	if p.err != nil {
		_, _ = fmt.Fprintln(stderr, "filo-bench users:", p.err)
		return exitMissed
	}
	return exitOK
}
