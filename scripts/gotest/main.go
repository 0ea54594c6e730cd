package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
)

func main() {
	out := flag.String("o", "", "file that takes \"passed failed\"")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *out, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "gotest:", err)
		os.Exit(1) //nolint:gocritic // nothing to stop any more
	}
}

var errFailed = errors.New("tests failed")

func run(ctx context.Context, out string, args []string) error {
	command := exec.CommandContext(ctx, "go", append([]string{"test", "-json"}, args...)...) //nolint:gosec // the developer's own arguments
	command.Stderr = os.Stderr
	stdout, err := command.StdoutPipe()
	if err != nil {
		return fmt.Errorf("pipe: %w", err)
	}
	if err := command.Start(); err != nil {
		return fmt.Errorf("start go test: %w", err)
	}
	report := newReport(os.Stdout)
	decoder := json.NewDecoder(stdout)
	for {
		var e event
		if err := decoder.Decode(&e); err != nil {
			if !errors.Is(err, io.EOF) {
				_, _ = io.Copy(os.Stdout, io.MultiReader(decoder.Buffered(), stdout))
			}
			break
		}
		report.add(e)
	}
	failed := command.Wait()
	report.end()
	if out != "" {
		if err := os.MkdirAll(filepath.Dir(out), 0o750); err != nil {
			return fmt.Errorf("make directory: %w", err)
		}
		if err := os.WriteFile(out, fmt.Appendf(nil, "%d %d\n", report.passed, report.failed), 0o600); err != nil {
			return fmt.Errorf("write result: %w", err)
		}
	}
	if failed != nil {
		return errors.Join(errFailed, failed)
	}
	return nil
}
