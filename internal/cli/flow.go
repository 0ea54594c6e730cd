package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"filo/contact"
	"filo/ivr"
	"filo/ivr/terminal"
)

// flowCommand is "filo flow run FILE".
func flowCommand(ctx context.Context, args []string, std Streams) error {
	fs, parse := flags("flow run", "flow run [flags] FILE", std)
	number := fs.String("caller", "+393475554419", "calling number")
	called := fs.String("called", "100", "called number")
	lang := fs.String("lang", "", "language; empty: the flow's own")
	at := fs.String("at", "", "time of the call, as 2026-11-21T09:30:00+01:00; empty: now")
	context := fs.String("context", "", "JSON `file` with what is known of the caller: fields of contact.Context")
	if len(args) == 0 || args[0] != "run" {
		fs.Usage()
		return errUsage
	}
	if err := parse(args[1:]); err != nil {
		return err
	}
	if fs.NArg() != 1 {
		fs.Usage()
		return errUsage
	}
	path := fs.Arg(0)
	data, err := os.ReadFile(path) //nolint:gosec // the user's own file
	if err != nil {
		return fmt.Errorf("read flow: %w", err)
	}
	flow, err := ivr.Parse(filepath.Base(path), data)
	if err != nil {
		return err //nolint:wrapcheck // it names file and line
	}
	env := ivr.Env{Caller: ivr.Caller{Number: *number, Called: *called}, Lang: *lang, Now: time.Now()}
	if err := errors.Join(readTime(*at, &env.Now), readContext(*context, &env.Context)); err != nil {
		return err
	}
	_, err = terminal.Play(ctx, flow, env, std.In, std.Out)
	return err //nolint:wrapcheck // says what failed
}

func readTime(s string, t *time.Time) (err error) {
	if s == "" {
		return nil
	}
	if *t, err = time.Parse(time.RFC3339, s); err != nil {
		return fmt.Errorf("-at: %w", err)
	}
	return nil
}

func readContext(path string, c *contact.Context) error {
	if path == "" {
		return nil
	}
	b, err := os.ReadFile(path) //nolint:gosec // the user's own file
	if err != nil {
		return fmt.Errorf("-context: %w", err)
	}
	if err := json.Unmarshal(b, c); err != nil {
		return fmt.Errorf("-context: %s: %w", path, err)
	}
	return nil
}
