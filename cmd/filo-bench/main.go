// Command filo-bench loads a contact centre and tells what callers and agents
// saw. Run it without arguments for its usage.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"filo/bench"
	"filo/internal/app"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := bench.Main(ctx, os.Args[1:], app.Version(), os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
