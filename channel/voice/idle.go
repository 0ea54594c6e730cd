package voice

import (
	"context"
	"fmt"
	"sync"
)

// idle counts the calls being conducted.
type idle struct {
	mu    sync.Mutex
	n     int
	empty chan struct{} // closed when n becomes 0; nil while nobody waits
}

// enter counts a call until leave.
func (i *idle) enter() (leave func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.n++
	return func() {
		i.mu.Lock()
		defer i.mu.Unlock()
		if i.n--; i.n == 0 && i.empty != nil {
			close(i.empty)
			i.empty = nil
		}
	}
}

func (i *idle) count() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.n
}

func (i *idle) await(ctx context.Context) error {
	i.mu.Lock()
	if i.n == 0 {
		i.mu.Unlock()
		return nil
	}
	if i.empty == nil {
		i.empty = make(chan struct{})
	}
	empty := i.empty
	i.mu.Unlock()
	select {
	case <-empty:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("calls left: %w", context.Cause(ctx))
	}
}

// Calls is the number of customers' calls being conducted.
func (c *Conductor) Calls() int { return c.idle.count() }

// AwaitIdle returns when no customer's call is left, or ctx ends. Agents'
// lines do not count: they stay up for a whole shift.
func (c *Conductor) AwaitIdle(ctx context.Context) error { return c.idle.await(ctx) }
