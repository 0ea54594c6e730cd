package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
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
// what runs. The error joins whatever went wrong, each with the part's name;
// being stopped, also during the start, is no error. A part that does not stop
// is left behind.
func (l *lifecycle) run(ctx context.Context) error {
	var wg sync.WaitGroup
	failed := make(chan *running, len(l.parts))
	started := make([]*running, 0, len(l.parts))
	var bad *running
	for _, p := range l.parts {
		r := l.start(ctx, &wg, p, failed)
		started = append(started, r)
		if bad = awaitReady(ctx, p, failed); bad != nil || ctx.Err() != nil {
			return errors.Join(bad.failure(), l.stop(started, bad))
		}
	}
	if l.up != nil {
		l.up()
	}
	select {
	case <-ctx.Done():
		if l.drain != nil {
			l.drain(context.WithoutCancel(ctx))
		}
	case bad = <-failed:
	}
	return errors.Join(bad.failure(), l.stop(started, bad))
}

func (l *lifecycle) start(ctx context.Context, wg *sync.WaitGroup, p part, failed chan<- *running) *running {
	r := &running{name: p.name, done: make(chan struct{})}
	ctx, r.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
	wg.Go(func() {
		r.err = p.run(ctx)
		if ctx.Err() == nil {
			failed <- r
		}
		close(r.done)
	})
	return r
}

// awaitReady waits until p is ready or ctx ends; it returns the part, of all
// that run, that failed meanwhile.
func awaitReady(ctx context.Context, p part, failed <-chan *running) *running {
	if p.ready == nil {
		return nil
	}
	select {
	case <-p.ready:
	case <-ctx.Done():
	case r := <-failed:
		return r
	}
	return nil
}

// failure says why a part ended on its own; nil for no part.
func (r *running) failure() error {
	if r == nil {
		return nil
	}
	err := r.err
	if err == nil {
		err = errEndedSoon
	}
	return fmt.Errorf("%s: %w", r.name, err)
}

// stop ends the parts, the last started first, each within the limit. What is
// known of the part that failed first is not said again.
func (l *lifecycle) stop(started []*running, known *running) error {
	var errs []error
	for _, r := range slices.Backward(started) {
		r.cancel(errStop)
		select {
		case <-r.done:
			if r != known && r.err != nil && !errors.Is(r.err, errStop) && !errors.Is(r.err, context.Canceled) {
				errs = append(errs, fmt.Errorf("%s: %w", r.name, r.err))
			}
		case <-time.After(l.stopLimit):
			errs = append(errs, fmt.Errorf("%s: %w", r.name, errStuck))
		}
		l.log.Debug("stopped", "part", r.name)
	}
	return errors.Join(errs...)
}
