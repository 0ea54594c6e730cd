package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"

	"filo/desk"
	"filo/internal/app"
	"filo/internal/config"
)

const usage = `filo is a contact centre: it answers calls, knows why people call, and hands
them to the best agent with the whole story on screen.

Usage:
  filo serve [-config FILE]            run a node
  filo demo [-once] [flags]            play a whole story with robots, then stay up to try
  filo check [-config FILE]            check configuration and flows, change nothing
  filo flow run FILE [flags]           play a flow as text in the terminal
  filo trace [flags] [CALL]            show the SIP ladder of a call of the running node
  filo passwd                          read a password from the standard input, print its hash
  filo version

Every command explains its flags with -h. configs/filo.yaml is the manual of
the configuration.
`

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// Streams are the standard streams.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// command is one word of the command line.
type command func(ctx context.Context, args []string, std Streams) error

// errUsage marks a mistake in the arguments that has been printed.
var errUsage = errors.New("usage")

// Main runs the command line of filo and returns the exit code: 0, 1 for a
// failure, 2 for a mistake in the arguments. ctx ends on the first SIGINT or
// SIGTERM; a second one kills.
func Main(args []string, std Streams) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // from now on a second signal kills
	commands := map[string]command{
		"serve": serveCommand, "demo": demoCommand, "check": checkCommand,
		"flow": flowCommand, "trace": traceCommand, "passwd": passwdCommand, "version": versionCommand,
	}
	if len(args) == 0 {
		_, _ = io.WriteString(std.Err, usage)
		return exitUsage
	}
	if slices.Contains([]string{"-h", "-help", "--help", "help"}, args[0]) {
		_, _ = io.WriteString(std.Out, usage)
		return exitOK
	}
	run, ok := commands[args[0]]
	if !ok {
		_, _ = fmt.Fprintf(std.Err, "filo: unknown command %q\n\n%s", args[0], usage)
		return exitUsage
	}
	err := run(ctx, args[1:], std)
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return exitOK
	case errors.Is(err, errUsage):
		return exitUsage
	}
	_, _ = fmt.Fprintf(std.Err, "filo %s: %v\n", args[0], err)
	return exitFailed
}

// flags returns a flag set that prints to std.Err, and a function that parses.
func flags(name, synopsis string, std Streams) (fs *flag.FlagSet, parse func(args []string) error) {
	fs = flag.NewFlagSet("filo "+name, flag.ContinueOnError)
	fs.SetOutput(std.Err)
	fs.Usage = func() {
		_, _ = fmt.Fprintf(std.Err, "Usage: filo %s\n", synopsis)
		fs.PrintDefaults()
	}
	return fs, func(args []string) error {
		switch err := fs.Parse(args); {
		case errors.Is(err, flag.ErrHelp):
			return err
		case err != nil:
			return errUsage // flag has printed it
		}
		return nil
	}
}

func noArgs(fs *flag.FlagSet, std Streams) error {
	if fs.NArg() == 0 {
		return nil
	}
	_, _ = fmt.Fprintf(std.Err, "%s: unexpected argument %q\n", fs.Name(), fs.Arg(0))
	return errUsage
}

func serveCommand(ctx context.Context, args []string, std Streams) error {
	fs, parse := flags("serve", "serve [-config FILE]", std)
	path := fs.String("config", "filo.yaml", "configuration `file`")
	if err := errors.Join(parse(args), noArgs(fs, std)); err != nil {
		return err
	}
	cfg, err := config.Load(*path)
	if err != nil {
		return err //nolint:wrapcheck // it names file, line and key
	}
	log, err := newLog(cfg.Log, std.Err)
	if err != nil {
		return err
	}
	a, err := app.New(ctx, cfg, log, app.Options{})
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	var reloading sync.WaitGroup
	reloading.Go(func() { reloads(ctx, a, log, *path) })
	err = a.Run(ctx)
	stop()
	reloading.Wait()
	return err
}

// reloads reads the configuration anew on each SIGHUP. One that is invalid or
// impossible is refused with every mistake named; the old one stays.
func reloads(ctx context.Context, a *app.App, log *slog.Logger, path string) {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	for {
		select {
		case <-ctx.Done():
			return
		case <-hup:
		}
		cfg, err := config.Load(path)
		if err != nil {
			a.Reloaded(err)
		} else {
			err = a.Reload(ctx, cfg)
		}
		if err != nil {
			log.Error("configuration not reloaded: the old one stays", "error", err)
		}
	}
}

func newLog(cfg config.Log, w io.Writer) (*slog.Logger, error) {
	level, err := cfg.SlogLevel()
	if err != nil {
		return nil, err //nolint:wrapcheck // says what it is of
	}
	opts := &slog.HandlerOptions{Level: level}
	if cfg.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, opts)), nil
	}
	return slog.New(slog.NewTextHandler(w, opts)), nil
}

func checkCommand(_ context.Context, args []string, std Streams) error {
	fs, parse := flags("check", "check [-config FILE]", std)
	path := fs.String("config", "filo.yaml", "configuration `file`")
	if err := errors.Join(parse(args), noArgs(fs, std)); err != nil {
		return err
	}
	report, err := config.Check(*path)
	if err != nil {
		return err //nolint:wrapcheck // it names file, line and key
	}
	_, err = io.WriteString(std.Out, report)
	return err //nolint:wrapcheck // of the terminal
}

func passwdCommand(_ context.Context, args []string, std Streams) error {
	fs, parse := flags("passwd", "passwd < file-with-password", std)
	if err := errors.Join(parse(args), noArgs(fs, std)); err != nil {
		return err
	}
	b, err := io.ReadAll(io.LimitReader(std.In, 4096))
	if err != nil {
		return fmt.Errorf("read password: %w", err)
	}
	hash, err := desk.HashPassword(strings.TrimRight(string(b), "\r\n"))
	if err != nil {
		return err //nolint:wrapcheck // says what is wrong with the password
	}
	_, err = fmt.Fprintln(std.Out, hash)
	return err //nolint:wrapcheck // of the terminal
}

func versionCommand(_ context.Context, args []string, std Streams) error {
	fs, parse := flags("version", "version", std)
	if err := errors.Join(parse(args), noArgs(fs, std)); err != nil {
		return err
	}
	_, err := fmt.Fprintln(std.Out, "filo", app.Version())
	return err //nolint:wrapcheck // of the terminal
}
