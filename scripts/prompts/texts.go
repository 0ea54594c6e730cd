package main

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"filo/ivr"
)

// texts lists every prompt that has an id: those of the flows, and the rest.
func texts(root string) ([]ivr.Prompt, error) {
	flows, err := ivr.LoadFlows(ivr.Source{Label: flowsDir, FS: os.DirFS(filepath.Join(root, flowsDir))})
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
	data, err := os.ReadFile(filepath.Join(root, promptsDir, "prompts.yaml")) //nolint:gosec // our own file
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
	slices.SortFunc(prompts, func(a, b ivr.Prompt) int {
		return cmp.Or(cmp.Compare(a.Lang, b.Lang), cmp.Compare(a.ID, b.ID))
	})
	return prompts, nil
}

// sums prints a line for each prompt: its file and the hash of its text.
func sums(prompts []ivr.Prompt) string {
	var b strings.Builder
	for _, p := range prompts {
		sum := sha256.Sum256([]byte(p.Text))
		fmt.Fprintf(&b, "%x %s/%s.wav\n", sum[:8], p.Lang, p.ID)
	}
	return b.String()
}
