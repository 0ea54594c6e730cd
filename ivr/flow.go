package ivr

import (
	"context"
	"slices"
	"time"
)

// MaxSteps bounds one run of a flow.
const MaxSteps = 200

// Flow is a validated flow. It is never changed after Parse and may be run by
// any number of calls at the same time.
type Flow struct {
	name     string
	langs    []string // the first is the default
	location *time.Location
	start    string
	onError  string // a step that ends the flow, or ""
	early    bool   // the call is not answered until it must be
	phrases  map[string]phrase
	vars     map[string]any
	steps    map[string]*step
	order    []string // ids of the steps as they stand in the file
}

// phrase is a prompt declared by a flow: its text in each language, or a
// sound file alone.
type phrase struct {
	id   string
	text map[string]string // by language; nil: a sound file
	line int
}

// step is one step of a flow.
type step struct {
	id   string
	kind string // the key that names it in the file: "menu", "branch", ...
	line int
	next string // where it goes on by itself; "" for steps that end the flow
	does action
}

// action is what a step does.
type action interface {
	// run does it and returns the id of the next step; an action that ends
	// the flow leaves its outcome in the runner and returns "".
	run(ctx context.Context, r *runner, s *step) (next string, err error)
	// exits lists the steps it may lead to, besides the step's own next.
	exits() []exit
	// says lists the prompts it may play.
	says() []speech
}

// exit is one way out of a step, with the line it was written on.
type exit struct {
	to   string
	line int
}

// speech is an ordered list of prompts that are played as one.
type speech []phrase

// in returns the prompts of s in one language.
func (s speech) in(lang string) []Prompt {
	prompts := make([]Prompt, len(s))
	for i, p := range s {
		prompts[i] = Prompt{ID: p.id, Text: p.text[lang], Lang: lang}
	}
	return prompts
}

// Prompt is something to play. A sound file with the ID wins; without one,
// Text is spoken.
type Prompt struct {
	ID   string // name of a sound file without its ending, "" for text alone
	Text string // what it says, in Lang
	Lang string // BCP 47 primary tag: "en"
}

// Name returns the name that Parse was given.
func (f *Flow) Name() string { return f.name }

// Languages returns the flow's languages; the first is the default.
func (f *Flow) Languages() []string { return slices.Clone(f.langs) }

// Early reports whether the flow begins before the call is answered: who only
// hears it pays nothing.
func (f *Flow) Early() bool { return f.early }

// Prompts lists every prompt that the flow may play, in every language.
func (f *Flow) Prompts() []Prompt {
	var all []Prompt
	for _, lang := range f.langs {
		for _, id := range f.order {
			for _, sp := range f.steps[id].does.says() {
				for _, p := range sp.in(lang) {
					if !slices.Contains(all, p) {
						all = append(all, p)
					}
				}
			}
		}
	}
	return all
}

// Queues lists the queues that the flow may put a caller in, each once.
func (f *Flow) Queues() []string {
	var queues []string
	for _, id := range f.order {
		if e, ok := f.steps[id].does.(*enqueue); ok && !slices.Contains(queues, e.target.Queue) {
			queues = append(queues, e.target.Queue)
		}
	}
	return queues
}

// language returns want if the flow speaks it, else the flow's default.
func (f *Flow) language(want string) string {
	if slices.Contains(f.langs, want) {
		return want
	}
	return f.langs[0]
}
