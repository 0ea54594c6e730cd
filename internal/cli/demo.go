package cli

import (
	"context"
	"errors"

	"filo/internal/demo"
)

// demoCommand is "filo demo".
func demoCommand(ctx context.Context, args []string, std Streams) error {
	fs, parse := flags("demo", "demo [flags]", std)
	cfg := demo.Config{In: std.In, Out: std.Out, Err: std.Err}
	fs.BoolVar(&cfg.Once, "once", false, "play the story, print the result as one line of JSON, and end")
	fs.StringVar(&cfg.HTTP, "http", "127.0.0.1:8080", "loopback `address` of the web listener")
	fs.StringVar(&cfg.SIP, "sip", "127.0.0.1:5060", "loopback `address` of the SIP listener, UDP and TCP")
	fs.StringVar(&cfg.Dir, "data", "", "`directory` for the data; empty: a new one that is removed at the end")
	fs.BoolVar(&cfg.NoStory, "no-story", false, "start without playing the story")
	fs.BoolVar(&cfg.Verbose, "v", false, "log what happens inside to the standard error")
	if err := errors.Join(parse(args), noArgs(fs, std)); err != nil {
		return err
	}
	return demo.Run(ctx, cfg) //nolint:wrapcheck // says which step failed
}
