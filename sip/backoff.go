package sip

import (
	"sync"
	"time"
)

// backoff slows guessing: after freeFailures wrong passwords from an address,
// or for a user, further tries are refused for a time that doubles.
type backoff struct {
	now func() time.Time

	mu sync.Mutex
	m  map[string]*failures
}

type failures struct {
	n     int
	until time.Time
	last  time.Time
}

const (
	freeFailures = 8
	maxBackoff   = time.Minute
	maxOffenders = 10_000
)

func newBackoff(now func() time.Time) *backoff {
	return &backoff{now: now, m: make(map[string]*failures)}
}

func offenderKeys(source, user string) [2]string {
	return [2]string{"a" + source, "u" + source + " " + user}
}

func (b *backoff) blocked(source, user string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	for _, k := range offenderKeys(source, user) {
		if f := b.m[k]; f != nil && now.Before(f.until) {
			return true
		}
	}
	return false
}

func (b *backoff) add(source, user string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	if len(b.m) >= maxOffenders {
		for k, f := range b.m {
			if now.Sub(f.last) > maxBackoff {
				delete(b.m, k)
			}
		}
	}
	for i, k := range offenderKeys(source, user) {
		f := b.m[k]
		if f == nil {
			if len(b.m) >= maxOffenders {
				return // a flood from everywhere: nothing more to learn
			}
			f = &failures{}
			b.m[k] = f
		}
		free := freeFailures
		if i == 0 {
			free *= 8 // many phones may share an address
		}
		if now.Sub(f.last) > 10*maxBackoff {
			f.n = 0
		}
		f.n++
		f.last = now
		if over := f.n - free; over > 0 {
			f.until = now.Add(min(maxBackoff, time.Second<<min(over, 10)))
		}
	}
}

func (b *backoff) clear(source, user string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, k := range offenderKeys(source, user) {
		delete(b.m, k)
	}
}
