package e2e

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"filo/bench"
	"filo/internal/cli"
)

// nodeEnv makes the test binary be filo itself, or filo-bench when the first
// word is its "sip": spawn and sipBench start it so.
const nodeEnv = "FILO_E2E_NODE"

func TestMain(m *testing.M) {
	if os.Getenv(nodeEnv) != "" && len(os.Args) > 1 && os.Args[1] == "sip" {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		code := bench.Main(ctx, os.Args[1:], "test", os.Stdout, os.Stderr)
		stop()
		os.Exit(code)
	}
	if os.Getenv(nodeEnv) != "" {
		os.Exit(cli.Main(os.Args[1:], cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
	}
	if os.Getenv(callerEnv) != "" {
		os.Exit(callerMain(os.Args[1:], os.Stdin, os.Stdout))
	}
	code := m.Run()
	http.DefaultClient.CloseIdleConnections()
	if code == 0 {
		if err := goleak.Find(); err != nil {
			_, _ = fmt.Fprintln(os.Stderr, "left behind after all tests:", err)
			code = 1
		}
	}
	os.Exit(code)
}
