package resolve

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"
)

// cache keeps answers of a name server. One caller asks; others that want the
// same name meanwhile get the answer of before, or wait for that caller.
type cache[T any] struct {
	opts Options

	mu sync.Mutex
	m  map[string]*answer[T]
}

// answer is what is known of a name; the owner of the cache's lock reads it.
type answer[T any] struct {
	value T
	err   error
	until time.Time     // fresh
	stale time.Time     // usable while the name server is away
	asked chan struct{} // closed when the question in progress ends; nil: none
}

func newCache[T any](opts Options) *cache[T] {
	return &cache[T]{opts: opts, m: make(map[string]*answer[T])}
}

// get returns the answer to a name, which ask finds.
func (c *cache[T]) get(ctx context.Context, name string, ask func(context.Context, string) (T, error)) (T, error) {
	for {
		value, asked, err := c.known(name)
		switch {
		case asked == nil:
			return value, err
		case asked.mine:
			return c.ask(ctx, name, ask)
		}
		select {
		case <-asked.done:
		case <-ctx.Done():
			return value, context.Cause(ctx)
		}
	}
}

// question is one that is being asked; mine tells who shall ask it.
type question struct {
	done <-chan struct{}
	mine bool
}

// known returns the answer, or the question on whose end it depends.
func (c *cache[T]) known(name string) (value T, asked *question, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.opts.Now()
	a := c.m[name]
	switch {
	case a == nil:
		c.makeRoom(now)
		c.m[name] = &answer[T]{asked: make(chan struct{})}
		return value, &question{mine: true}, nil
	case now.Before(a.until):
		return a.value, nil, a.err
	case a.asked == nil:
		a.asked = make(chan struct{})
		return value, &question{mine: true}, nil
	case now.Before(a.stale):
		return a.value, nil, a.err
	}
	return value, &question{done: a.asked}, nil
}

// ask puts the question, within the time-out, and keeps the answer.
func (c *cache[T]) ask(caller context.Context, name string, ask func(context.Context, string) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(caller, c.opts.Timeout)
	defer cancel()
	value, err := ask(ctx, name)
	c.mu.Lock()
	defer c.mu.Unlock()
	a, now := c.m[name], c.opts.Now()
	close(a.asked)
	a.asked = nil
	switch {
	case err == nil:
		*a = answer[T]{value: value, until: now.Add(c.opts.Life), stale: now.Add(c.opts.Life + c.opts.Stale)}
	case now.Before(a.stale) && !denied(err): // the old answer serves on
		a.until = now.Add(c.opts.Retry)
	case caller.Err() != nil: // who gave up learnt nothing about the name
		delete(c.m, name)
		return value, err
	default:
		*a = answer[T]{err: err, until: now.Add(c.opts.Retry)}
	}
	return a.value, a.err
}

// denied tells whether the name server says that there is no such record.
func denied(err error) bool {
	var de *net.DNSError
	return errors.As(err, &de) && de.IsNotFound
}

// makeRoom keeps the cache within its bound: what is past use goes, else any
// answer that nobody waits for.
func (c *cache[T]) makeRoom(now time.Time) {
	if len(c.m) < c.opts.Names {
		return
	}
	for name, a := range c.m {
		if a.asked == nil && !now.Before(a.stale) && !now.Before(a.until) {
			delete(c.m, name)
		}
	}
	for name, a := range c.m {
		if len(c.m) < c.opts.Names {
			return
		}
		if a.asked == nil {
			delete(c.m, name)
		}
	}
}
