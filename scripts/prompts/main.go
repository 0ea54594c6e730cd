package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"

	"go.yaml.in/yaml/v4"

	"filo/ivr"
)

const dir = "configs/prompts"

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
	prompts, err := texts()
	if err != nil {
		return err
	}
	for _, p := range prompts {
		path := filepath.Join(dir, p.Lang, p.ID+".wav")
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			return fmt.Errorf("make directory: %w", err)
		}
		if err := speak(ctx, voices[p.Lang], p.Text, path); err != nil {
			return fmt.Errorf("%s in %s: %w", p.ID, p.Lang, err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "music.wav"), music(), 0o600); err != nil {
		return fmt.Errorf("write music: %w", err)
	}
	fmt.Printf("%d prompts and the hold music are in %s\n", len(prompts), dir)
	return nil
}

// texts lists every prompt that has an id: those of the flows, and the rest.
func texts() ([]ivr.Prompt, error) {
	flows, err := ivr.LoadFlows(ivr.Source{Label: "configs/flows", FS: os.DirFS("configs/flows")})
	if err != nil {
		return nil, fmt.Errorf("load flows: %w", err)
	}
	var prompts []ivr.Prompt
	for _, flow := range flows {
		for _, p := range flow.Prompts() {
			if p.ID != "" && p.Text != "" {
				prompts = append(prompts, p)
			}
		}
	}
	data, err := os.ReadFile(filepath.Join(dir, "prompts.yaml"))
	if err != nil {
		return nil, fmt.Errorf("read texts: %w", err)
	}
	var rest map[string]map[string]string
	if err := yaml.Load(data, &rest); err != nil {
		return nil, fmt.Errorf("prompts.yaml: %w", err)
	}
	for id, byLang := range rest {
		for lang, text := range byLang {
			prompts = append(prompts, ivr.Prompt{ID: id, Text: text, Lang: lang})
		}
	}
	return prompts, nil
}
