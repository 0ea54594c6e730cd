package ivr

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
)

// maxPromptSize bounds one sound file: an hour of mu-law.
const maxPromptSize = 32 << 20

// Prompts finds the sound of a prompt: a WAV file "<lang>/<id>.wav" or
// "<id>.wav" in the first source that has one, else its text as spoken by
// Speech. It is safe for concurrent use.
type Prompts struct {
	sources []fs.FS
	speech  *Speech
}

// NewPrompts returns a library over sources, the first of which wins. Speech
// may be nil: then texts are not spoken. A directory should be opened by
// os.OpenRoot and given as its FS, so that no name leads out of it.
func NewPrompts(speech *Speech, sources ...fs.FS) *Prompts {
	return &Prompts{sources: sources, speech: speech}
}

// Lookup returns the bytes of a WAV file that plays p. The error wraps
// ErrNoPrompt when there is none, and ErrNoSpeech when there would be one if
// texts could be spoken.
func (l *Prompts) Lookup(ctx context.Context, p Prompt) ([]byte, error) {
	data, err := l.file(p)
	if err != nil || data != nil {
		return data, err
	}
	if p.Text == "" {
		return nil, fmt.Errorf("%w: no file %q", ErrNoPrompt, p.ID)
	}
	if l.speech == nil {
		return nil, fmt.Errorf("%w: no file %q in %q: %w", ErrNoPrompt, p.ID, p.Lang, ErrNoSpeech)
	}
	data, err = l.speech.Say(ctx, p.Lang, p.Text)
	if err != nil {
		return nil, fmt.Errorf("%w: no file %q in %q: %w", ErrNoPrompt, p.ID, p.Lang, err)
	}
	return data, nil
}

// Check reports the prompts of a flow that could not be played: those without
// a file, if texts cannot be spoken here or they have none.
func (l *Prompts) Check(f *Flow) error {
	var errs []error
	for _, p := range f.Prompts() {
		if err := l.Has(p); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", f.name, err))
		}
	}
	return errors.Join(errs...)
}

// Has returns nil if p has a sound file, or a text and the means to speak it.
// Nothing is spoken. Otherwise the error wraps ErrNoPrompt.
func (l *Prompts) Has(p Prompt) error {
	speakable := p.Text != "" && l.speech != nil && l.speech.Available() == nil
	if speakable || l.has(p) {
		return nil
	}
	if p.Text == "" {
		return fmt.Errorf("%w: no sound file %s.wav", ErrNoPrompt, path.Join(p.Lang, p.ID))
	}
	what := p.ID
	if what == "" {
		what = p.Text
	}
	return fmt.Errorf("%w: %q in %q has no sound file and cannot be spoken: %w", ErrNoPrompt, what, p.Lang, ErrNoSpeech)
}

func names(p Prompt) []string {
	if !namePattern.MatchString(p.ID) {
		return nil
	}
	all := []string{p.ID + ".wav"}
	if langPattern.MatchString(p.Lang) {
		all = []string{p.Lang + "/" + p.ID + ".wav", p.ID + ".wav"}
	}
	return all
}

func (l *Prompts) has(p Prompt) bool {
	for _, source := range l.sources {
		for _, name := range names(p) {
			if info, err := fs.Stat(source, name); err == nil && info.Mode().IsRegular() {
				return true
			}
		}
	}
	return false
}

// file returns nil, nil when no source has the prompt.
func (l *Prompts) file(p Prompt) ([]byte, error) {
	for _, source := range l.sources {
		for _, name := range names(p) {
			data, err := read(source, name)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			return data, err
		}
	}
	return nil, nil
}

func read(source fs.FS, name string) ([]byte, error) {
	f, err := source.Open(name)
	if err != nil {
		return nil, fmt.Errorf("open prompt: %w", err)
	}
	defer func() { _ = f.Close() }() // only read
	data, err := io.ReadAll(io.LimitReader(f, maxPromptSize+1))
	if err != nil {
		return nil, fmt.Errorf("read prompt: %w", err)
	}
	if len(data) > maxPromptSize {
		return nil, fmt.Errorf("prompt %s is larger than %d bytes", name, maxPromptSize)
	}
	return data, nil
}
