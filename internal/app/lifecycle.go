package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// part is one thing that runs for the life of the program. run returns when
// its context ends; returning earlier is a failure that stops the program.
type part struct {
	name string
	run  func(ctx context.Context) error
	// ready, if not nil, is closed when the next part may start.
	ready <-chan struct{}
}

// lifecycle runs parts: started in order, stopped in reverse.
type lifecycle struct {
	log       *slog.Logger
	stopLimit time.Duration // for each part
	parts     []part
	// drain runs first when a stop is asked for, while everything still works.
	drain func(ctx context.Context)
	// up is called once when everything has started.
	up func()
}

func (l *lifecycle) add(name string, run func(ctx context.Context) error) {
	l.parts = append(l.parts, part{name: name, run: run})
}

func (l *lifecycle) addReady(name string, ready <-chan struct{}, run func(ctx context.Context) error) {
	l.parts = append(l.parts, part{name: name, run: run, ready: ready})
}

type running struct {
	name   string
	cancel context.CancelCauseFunc
	done   chan struct{}
	err    error // after done
}

var (
	errStop      = errors.New("program stops")
	errEndedSoon = errors.New("ended while the program still runs")
	errStuck     = errors.New("did not stop in time")
)

// run starts the parts and blocks until ctx ends or a part fails, then stops
// what runs. The error joins whatever went wrong, each with the part's name.
func (l *lifecycle) run(ctx context.Context) error {
	var wg sync.WaitGroup
	failed := make(chan *running, len(l.parts))
	started := make([]*running, 0, len(l.parts))
	var cause error
	for _, p := range l.parts {
		r := l.start(ctx, &wg, p, failed)
		started = append(started, r)
		if cause = l.awaitReady(ctx, p, r); cause != nil {
			break
		}
	}
	if cause == nil {
		if l.up != nil {
			l.up()
		}
		select {
		case <-ctx.Done():
			if l.drain != nil {
				l.drain(context.WithoutCancel(ctx))
			}
		case r := <-failed:
			cause = r.failure()
		}
	}
	err := errors.Join(cause, l.stop(started))
	return err
}

func (l *lifecycle) start(ctx context.Context, wg *sync.WaitGroup, p part, failed chan<- *running) *running {
	r := &running{name: p.name, done: make(chan struct{})}
	ctx, r.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
	wg.Go(func() {
		r.err = p.run(ctx)
		close(r.done)
		if ctx.Err() == nil {
			failed <- r
		}
	})
	return r
}

// awaitReady waits until p is ready; the error is p's own when it failed.
func (l *lifecycle) awaitReady(ctx context.Context, p part, r *running) error {
	if p.ready == nil {
		return nil
	}
	select {
	case <-p.ready:
		return nil
	case <-r.done:
		return r.failure()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (r *running) failure() error {
	err := r.err
	if err == nil {
		err = errEndedSoon
	}
	return fmt.Errorf("%s: %w", r.name, err)
}

// stop ends the parts, the last started first, each within the limit.
func (l *lifecycle) stop(started []*running) error {
	var errs []error
	for i := len(started) - 1; i >= 0; i-- {
		r := started[i]
		r.cancel(errStop)
		select {
		case <-r.done:
			if r.err != nil && !errors.Is(r.err, errStop) && !errors.Is(r.err, context.Canceled) {
				errs = append(errs, fmt.Errorf("%s: %w", r.name, r.err))
			}
		case <-time.After(l.stopLimit):
			errs = append(errs, fmt.Errorf("%s: %w", r.name, errStuck))
		}
		l.log.Debug("stopped", "part", r.name)
	}
	return errors.Join(errs...)
}
