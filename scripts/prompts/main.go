package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
)

// Where things are, below the root of the repository.
const (
	flowsDir   = "configs/flows"
	promptsDir = "configs/prompts"
	sumsFile   = promptsDir + "/texts.sum" // what was spoken, so that a test sees a text that changed
)

var voices = map[string]string{"en": "en-gb", "it": "it"}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "prompts:", err)
		os.Exit(1) //nolint:gocritic // nothing to stop any more
	}
}

func run(ctx context.Context) error {
	prompts, err := texts(".")
	if err != nil {
		return err
	}
	for _, p := range prompts {
		path := filepath.Join(promptsDir, p.Lang, p.ID+".wav")
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			return fmt.Errorf("make directory: %w", err)
		}
		if err := speak(ctx, voices[p.Lang], p.Text, path); err != nil {
			return fmt.Errorf("%s in %s: %w", p.ID, p.Lang, err)
		}
	}
	if err := os.WriteFile(filepath.Join(promptsDir, "music.wav"), music(), 0o600); err != nil {
		return fmt.Errorf("write music: %w", err)
	}
	if err := os.WriteFile(sumsFile, []byte(sums(prompts)), 0o600); err != nil {
		return fmt.Errorf("write sums: %w", err)
	}
	fmt.Printf("%d prompts and the hold music are in %s\n", len(prompts), promptsDir)
	return nil
}
