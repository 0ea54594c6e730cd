package ivr

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// SpeechConfig says how texts are spoken.
type SpeechConfig struct {
	// Command and its arguments. {voice} and {out} (the WAV file to write)
	// are replaced; the text comes on the standard input, so that no text can
	// be taken for an option. Empty: texts are not spoken.
	Command []string `yaml:"command"`
	// Voices by language; a language without one is its own voice.
	Voices map[string]string `yaml:"voices"`
	// Timeout of one sentence.
	Timeout time.Duration `yaml:"timeout"`
}

// DefaultSpeech speaks by espeak-ng.
func DefaultSpeech() SpeechConfig {
	return SpeechConfig{
		Command: []string{"espeak-ng", "-v", "{voice}", "-s", "150", "-w", "{out}", "--stdin"},
		Voices:  map[string]string{"en": "en-gb", "it": "it"},
		Timeout: 10 * time.Second,
	}
}

// Validate reports every mistake, each with its key.
func (c SpeechConfig) Validate() error {
	var errs []error
	if len(c.Command) > 0 && !strings.Contains(strings.Join(c.Command, " "), "{out}") {
		errs = append(errs, errors.New("command: has no {out}: the WAV file to write"))
	}
	if len(c.Command) > 0 && c.Timeout <= 0 {
		errs = append(errs, errors.New("timeout: should be positive"))
	}
	return errors.Join(errs...)
}

// maxSpoken bounds a text to speak, and maxSpeaking the commands that run at
// the same time.
const (
	maxSpoken   = 2000
	maxSpeaking = 2
)

// Speech speaks texts by an outside command and keeps each result in a
// directory, named by the hash of command, voice and text.
type Speech struct {
	cfg   SpeechConfig
	cache *os.Root
	slots chan struct{}

	mu      sync.Mutex
	pending map[string]*sync.Mutex // one command per text at a time
}

// NewSpeech returns a Speech that keeps its results in cache, which stays the
// caller's to close.
func NewSpeech(cfg SpeechConfig, cache *os.Root) *Speech {
	return &Speech{cfg: cfg, cache: cache, slots: make(chan struct{}, maxSpeaking), pending: map[string]*sync.Mutex{}}
}

// Available returns nil if the command can be found, else an error that wraps
// ErrNoSpeech.
func (s *Speech) Available() error {
	if len(s.cfg.Command) == 0 {
		return ErrNoSpeech
	}
	if _, err := exec.LookPath(s.cfg.Command[0]); err != nil {
		return fmt.Errorf("%w: %w", ErrNoSpeech, err)
	}
	return nil
}

// Say returns text spoken in lang as the bytes of a WAV file.
func (s *Speech) Say(ctx context.Context, lang, text string) ([]byte, error) {
	if len(text) > maxSpoken {
		return nil, fmt.Errorf("text to speak is longer than %d bytes", maxSpoken)
	}
	voice := s.cfg.Voices[lang]
	if voice == "" {
		voice = lang
	}
	sum := sha256.Sum256([]byte(strings.Join(s.cfg.Command, "\x00") + "\x00\x00" + voice + "\x00" + text))
	name := hex.EncodeToString(sum[:16]) + ".wav"

	unlock := s.lock(name)
	defer unlock()
	if data, err := read(s.cache.FS(), name); err == nil {
		return data, nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err := s.Available(); err != nil {
		return nil, err
	}
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	return s.speak(ctx, voice, text, name)
}

// lock makes callers who want the same text wait for one another.
func (s *Speech) lock(name string) (unlock func()) {
	s.mu.Lock()
	one := s.pending[name]
	if one == nil {
		one = new(sync.Mutex)
		s.pending[name] = one
	}
	s.mu.Unlock()
	one.Lock()
	return one.Unlock
}

// speak runs the command and keeps what it wrote.
func (s *Speech) speak(ctx context.Context, voice, text, name string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	partial := name + ".part"
	out := s.cache.Name() + string(os.PathSeparator) + partial
	replace := strings.NewReplacer("{voice}", voice, "{out}", out)
	args := make([]string, 0, len(s.cfg.Command)-1)
	for _, arg := range s.cfg.Command[1:] {
		args = append(args, replace.Replace(arg))
	}
	var stderr bytes.Buffer
	command := exec.CommandContext(ctx, s.cfg.Command[0], args...) //nolint:gosec // the operator's own command; the text is not among its arguments
	command.Stdin = strings.NewReader(text)
	command.Stderr = &stderr
	command.WaitDelay = time.Second
	if err := command.Run(); err != nil {
		_ = s.cache.Remove(partial)
		return nil, fmt.Errorf("speak: %w: %s", err, strings.TrimSpace(stderr.String()))
	}
	if err := s.cache.Rename(partial, name); err != nil {
		return nil, fmt.Errorf("keep spoken text: %w", err)
	}
	return read(s.cache.FS(), name)
}
