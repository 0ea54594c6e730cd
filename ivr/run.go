package ivr

import (
	"context"
	"fmt"
	"time"
)

// Run plays the flow for one caller until it ends, at most MaxSteps steps. It
// returns as soon as ctx is over, with the cause of that as the error; any
// other error (ErrExpression, ErrTooManySteps) leads to the flow's on_error
// step first, and is returned only if the flow has none. Outcome tells also
// then what the caller typed.
func Run(ctx context.Context, f *Flow, port Port, env Env) (Outcome, error) {
	now := env.Now
	if now.IsZero() {
		now = time.Now()
	}
	r := &runner{
		flow: f, line: newLine(port), lang: f.language(env.Lang), vars: copyVars(f.vars, env.Vars),
		base:  scope{Caller: env.Caller, Context: contextOf(env.Context), Time: timeOf(now.In(f.location))},
		trace: env.Trace,
	}
	err := r.run(ctx, f.start)
	if err != nil && ctx.Err() == nil && f.onError != "" {
		err = r.step(ctx, f.steps[f.onError])
	}
	r.outcome.Vars, r.outcome.Lang, r.outcome.Unplayed = r.vars, r.lang, r.line.unplayed
	return r.outcome, err
}

// runner is one run of a flow.
type runner struct {
	flow    *Flow
	line    *line
	lang    string
	vars    map[string]any
	base    scope // what does not change during the run
	trace   func(step, kind string)
	outcome Outcome
	to      string // the next step
}

func (r *runner) run(ctx context.Context, start string) error {
	for r.to = start; r.to != ""; {
		if r.outcome.Steps == MaxSteps {
			return fmt.Errorf("%w: %d", ErrTooManySteps, MaxSteps)
		}
		if err := r.step(ctx, r.flow.steps[r.to]); err != nil {
			return err
		}
	}
	return nil
}

func (r *runner) step(ctx context.Context, s *step) (err error) {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	r.outcome.Steps++
	if r.trace != nil {
		r.trace(s.id, s.kind)
	}
	if r.to, err = s.does.run(ctx, r, s); err != nil && ctx.Err() == nil {
		return fmt.Errorf("flow %s: step %s: %w", r.flow.name, s.id, err)
	}
	return err
}

func (r *runner) say(ctx context.Context, s speech, bargeIn bool) error {
	return r.line.play(ctx, s.in(r.lang), bargeIn)
}

func (r *runner) chose(step, digits string) {
	r.outcome.Digits = append(r.outcome.Digits, step+"="+digits)
}

func (r *runner) scope() scope {
	s := r.base
	s.Vars, s.Lang = r.vars, r.lang
	return s
}

// value evaluates v. A text too long for a variable is an error, so that no
// flow grows one without bound.
func (r *runner) value(v value) (any, error) {
	if v.expr == nil {
		return v.literal, nil
	}
	got, err := v.expr.eval(r.scope())
	if err != nil {
		return nil, err
	}
	switch got := got.(type) {
	case nil, bool, int, float64:
		return got, nil
	case string:
		if len(got) <= maxVarLength {
			return got, nil
		}
		return nil, fmt.Errorf("line %d: text of more than %d bytes: %w", v.expr.line, maxVarLength, ErrExpression)
	}
	return nil, fmt.Errorf("line %d: neither text, number nor truth value: %w", v.expr.line, ErrExpression)
}
