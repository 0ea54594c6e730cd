package ivr

import (
	"context"
	"errors"
	"sync"
	"time"
)

// maxAhead bounds the keys that wait to be used.
const maxAhead = 64

// line is a Port with the keys that were typed ahead.
type line struct {
	port     Port
	digits   <-chan rune // nil once the port closed it
	ahead    []rune
	unplayed []error
}

func newLine(port Port) *line { return &line{port: port, digits: port.Digits()} }

// play plays prompts one after another. With bargeIn a key ends them all, and
// is kept for the next question; so does one that was typed before.
func (l *line) play(ctx context.Context, prompts []Prompt, bargeIn bool) error {
	for _, p := range prompts {
		l.poll()
		if bargeIn && len(l.ahead) > 0 {
			return nil
		}
		if err := l.playOne(ctx, p, bargeIn); err != nil {
			return err
		}
	}
	return nil
}

// playOne returns when the prompt ended and the port let go of it. A prompt
// that cannot be played is noted and passed over: a silent menu still works.
func (l *line) playOne(ctx context.Context, p Prompt, bargeIn bool) error {
	playing, stop := context.WithCancel(ctx)
	defer stop()
	var (
		wait   sync.WaitGroup
		failed error
		ended  = make(chan struct{})
	)
	wait.Go(func() {
		defer close(ended)
		failed = l.port.Play(playing, p)
	})
	l.listen(ctx, ended, bargeIn)
	stop()
	wait.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if failed != nil && !errors.Is(failed, context.Canceled) {
		l.unplayed = append(l.unplayed, failed)
	}
	return nil
}

// listen keeps the keys that come until the prompt ended, the caller hung up
// or, with bargeIn, the first key.
func (l *line) listen(ctx context.Context, ended <-chan struct{}, bargeIn bool) {
	for {
		select {
		case <-ended:
			return
		case <-ctx.Done():
			return
		case key, ok := <-l.digits:
			l.keep(key, ok)
			if ok && bargeIn {
				return
			}
		}
	}
}

// poll keeps the keys that the port has at hand.
func (l *line) poll() {
	for {
		select {
		case key, ok := <-l.digits:
			l.keep(key, ok)
		default:
			return
		}
	}
}

func (l *line) keep(key rune, ok bool) {
	if !ok {
		l.digits = nil
		return
	}
	if len(l.ahead) < maxAhead {
		l.ahead = append(l.ahead, key)
	}
}

// next returns the next key: one typed ahead, or the first within timeout.
func (l *line) next(ctx context.Context, timeout time.Duration, begun bool) (key rune, ok bool, err error) {
	l.poll()
	if len(l.ahead) > 0 {
		key, l.ahead = l.ahead[0], l.ahead[1:]
		return key, true, nil
	}
	if waiter, ok := l.port.(Waiter); ok {
		return waiter.Wait(ctx, timeout, begun)
	}
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	for {
		select {
		case key, ok := <-l.digits:
			if ok {
				return key, true, nil
			}
			l.digits = nil
		case <-timer.C:
			return 0, false, nil
		case <-ctx.Done():
			return 0, false, context.Cause(ctx)
		}
	}
}
