package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
)

// speak writes text as mu-law at 8 kHz: a little slower than espeak's own
// pace, without rumble, evened out, silence cut to a breath.
func speak(ctx context.Context, voice, text, path string) error {
	spoken, err := pipe(ctx, strings.NewReader(text), "espeak-ng", "-v", voice, "-s", "150", "-p", "45", "-g", "3", "--stdin", "--stdout")
	if err != nil {
		return err
	}
	_, err = pipe(ctx, bytes.NewReader(spoken), "sox", "--ignore-length", "-t", "wav", "-", "-e", "mu-law", "-b", "8", "-r", "8000", "-c", "1", path,
		"highpass", "120", "silence", "1", "0.02", "0.5%", "reverse", "silence", "1", "0.02", "0.5%", "reverse",
		"pad", "0.08", "0.15", "rate", "-v", "8000", "compand", "0.01,0.2", "6:-60,-50,-18", "-4", "-60", "0.05", "norm", "-4")
	return err
}

func pipe(ctx context.Context, in io.Reader, name string, args ...string) ([]byte, error) {
	command := exec.CommandContext(ctx, name, args...) //nolint:gosec // fixed commands
	var out, complaint bytes.Buffer
	command.Stdin, command.Stdout, command.Stderr = in, &out, &complaint
	if err := command.Run(); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", name, err), errors.New(complaint.String()))
	}
	return out.Bytes(), nil
}
