package ivr

import (
	"context"
	"fmt"
	"maps"
	"strconv"
	"time"

	"filo/contact"
)

// noExits is embedded by actions without exits of their own.
type noExits struct{}

func (noExits) exits() []exit { return nil }

// silent is embedded by actions that say nothing.
type silent struct{}

func (silent) says() []speech { return nil }

// say plays prompts.
type say struct {
	noExits
	speech  speech
	bargeIn bool
}

func (a *say) says() []speech { return []speech{a.speech} }

func (a *say) run(ctx context.Context, r *runner, s *step) (string, error) {
	return s.next, r.say(ctx, a.speech, a.bargeIn)
}

// ask is what menu and collect share.
type ask struct {
	prompt, invalid, noInput speech
	bargeIn                  bool
	retries                  int // after the first attempt
	timeout                  time.Duration
	onFail                   exit
}

func (a *ask) says() []speech { return []speech{a.prompt, a.invalid, a.noInput} }

// attempts puts the question until answer is satisfied, at most retries times
// again. Answer returns the next step, or "" and whether the caller typed
// something.
func (a *ask) attempts(ctx context.Context, r *runner, answer func() (next string, typed bool, err error)) (string, error) {
	for attempt := 0; ; attempt++ {
		if err := r.say(ctx, a.prompt, a.bargeIn); err != nil {
			return "", err
		}
		next, typed, err := answer()
		if err != nil || next != "" {
			return next, err
		}
		sorry := a.noInput
		if typed {
			sorry = a.invalid
		}
		if err := r.say(ctx, sorry, a.bargeIn); err != nil {
			return "", err
		}
		if attempt == a.retries {
			return a.onFail.to, nil
		}
	}
}

// menu lets the caller choose by one key.
type menu struct {
	ask
	options map[rune]exit
}

func (a *menu) exits() []exit {
	exits := []exit{a.onFail}
	for _, key := range "0123456789*#" {
		if e, ok := a.options[key]; ok {
			exits = append(exits, e)
		}
	}
	return exits
}

func (a *menu) run(ctx context.Context, r *runner, s *step) (string, error) {
	return a.attempts(ctx, r, func() (string, bool, error) {
		key, ok, err := r.line.next(ctx, a.timeout, false)
		if err != nil || !ok {
			return "", false, err
		}
		option, ok := a.options[key]
		if !ok {
			return "", true, nil
		}
		r.chose(s.id, string(key))
		return option.to, true, nil
	})
}

// collect takes a number of digits into a variable.
type collect struct {
	ask
	into       string
	low, high  int
	terminator rune // 0: none
	interDigit time.Duration
	accept     *expression // over the variable, nil: anything long enough
	secret     bool        // digits are not repeated in the outcome's Digits
}

func (a *collect) exits() []exit { return []exit{a.onFail} }

func (a *collect) run(ctx context.Context, r *runner, s *step) (string, error) {
	return a.attempts(ctx, r, func() (string, bool, error) {
		digits, typed, err := a.read(ctx, r)
		if err != nil || len(digits) < a.low {
			return "", typed, err
		}
		before, was := r.vars[a.into]
		r.vars[a.into] = digits
		ok, err := a.accepts(r)
		if err != nil {
			return "", true, err
		}
		if !ok {
			delete(r.vars, a.into)
			if was {
				r.vars[a.into] = before
			}
			return "", true, nil
		}
		if a.secret {
			digits = "***"
		}
		r.chose(s.id, digits)
		return s.next, true, nil
	})
}

// read takes digits until the terminator, the last possible one or a pause.
func (a *collect) read(ctx context.Context, r *runner) (digits string, typed bool, err error) {
	wait := a.timeout
	for len(digits) < a.high {
		key, ok, err := r.line.next(ctx, wait, typed)
		if err != nil {
			return "", typed, err
		}
		if !ok {
			break
		}
		typed = true
		if key == a.terminator {
			break
		}
		digits += string(key)
		wait = a.interDigit
	}
	return digits, typed, nil
}

func (a *collect) accepts(r *runner) (bool, error) {
	if a.accept == nil {
		return true, nil
	}
	v, err := a.accept.eval(r.scope())
	ok, _ := v.(bool)
	return ok, err
}

// branch goes to the first case that holds, else to the step's next.
type branch struct {
	silent
	cases []branchCase
}

type branchCase struct {
	when *expression
	to   exit
}

func (a *branch) exits() []exit {
	exits := make([]exit, len(a.cases))
	for i, c := range a.cases {
		exits[i] = c.to
	}
	return exits
}

func (a *branch) run(_ context.Context, r *runner, s *step) (string, error) {
	for _, c := range a.cases {
		v, err := c.when.eval(r.scope())
		if err != nil {
			return "", err
		}
		if holds, _ := v.(bool); holds {
			return c.to.to, nil
		}
	}
	return s.next, nil
}

// assignment gives a value to a name.
type assignment struct {
	name  string
	value value
}

// set gives values to variables, one after another.
type set struct {
	noExits
	silent
	vars []assignment
}

func (a *set) run(_ context.Context, r *runner, s *step) (string, error) {
	for _, v := range a.vars {
		got, err := r.value(v.value)
		if err != nil {
			return "", err
		}
		r.vars[v.name] = got
	}
	return s.next, nil
}

// language changes the language of what follows.
type language struct {
	noExits
	silent
	lang value
}

func (a *language) run(_ context.Context, r *runner, s *step) (string, error) {
	v, err := r.value(a.lang)
	if err != nil {
		return "", err
	}
	// A language that the flow does not speak leaves the one before.
	if lang, ok := v.(string); ok && r.flow.language(lang) == lang {
		r.lang = lang
	}
	return s.next, nil
}

// answer lets the caller pay from now on, where the flow began early.
type answer struct {
	noExits
	silent
}

func (answer) run(ctx context.Context, r *runner, s *step) (string, error) {
	if p, ok := r.line.port.(Answerer); ok {
		if err := p.Answer(ctx); err != nil {
			return "", fmt.Errorf("answer: %w", err)
		}
	}
	return s.next, nil
}

// enqueue ends the flow: the caller waits for an agent.
type enqueue struct {
	noExits
	silent
	target     contact.Target
	preferred  value
	attributes []assignment
}

func (a *enqueue) run(_ context.Context, r *runner, _ *step) (string, error) {
	target := a.target
	target.Lang = r.lang
	preferred, err := r.value(a.preferred)
	if err != nil {
		return "", err
	}
	if id, ok := preferred.(string); ok {
		target.Preferred = contact.AgentID(id)
	}
	if len(a.attributes) > 0 {
		target.Attributes = make(map[string]string, len(a.attributes))
	}
	for _, attribute := range a.attributes {
		v, err := r.value(attribute.value)
		if err != nil {
			return "", err
		}
		target.Attributes[attribute.name] = asText(v)
	}
	r.outcome.Kind, r.outcome.Target = Enqueue, target
	return "", nil
}

// transfer ends the flow: the caller is put through to another number.
type transfer struct {
	noExits
	silent
	to value
}

func (a *transfer) run(_ context.Context, r *runner, s *step) (string, error) {
	v, err := r.value(a.to)
	if err != nil {
		return "", err
	}
	to := asText(v)
	if to == "" {
		return "", fmt.Errorf("line %d: transfer has no number: %w", s.line, ErrExpression)
	}
	r.outcome.Kind, r.outcome.TransferTo = Transfer, to
	return "", nil
}

// hangup ends the flow, after a last word.
type hangup struct {
	noExits
	speech speech
}

func (a *hangup) says() []speech { return []speech{a.speech} }

func (a *hangup) run(ctx context.Context, r *runner, _ *step) (string, error) {
	if err := r.say(ctx, a.speech, false); err != nil {
		return "", err
	}
	r.outcome.Kind = Hangup
	return "", nil
}

// asText prints a variable.
func asText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	}
	return fmt.Sprint(v)
}

// copyVars is a copy that a run may change.
func copyVars(a, b map[string]any) map[string]any {
	vars := make(map[string]any, len(a)+len(b))
	maps.Copy(vars, a)
	maps.Copy(vars, b)
	return vars
}
