package redis

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

// ErrDown is returned without asking Redis, after it failed and until it
// answers a PING again.
var ErrDown = errors.New("redis is down")

// pingEvery is how often a Redis that failed is tried.
const pingEvery = 100 * time.Millisecond

// breaker is open after one failure: the calls that follow must not pay for
// the same answer.
type breaker struct{ down atomic.Bool }

func (b *breaker) open() bool { return b.down.Load() }
func (b *breaker) trip()      { b.down.Store(true) }

// Run pings a Redis that failed until ctx ends.
func (s *Store) Run(ctx context.Context) error {
	tick := time.NewTicker(pingEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if !s.breaker.open() {
			continue
		}
		if err := s.db.Ping(ctx).Err(); err == nil {
			s.breaker.down.Store(false)
			s.log.InfoContext(ctx, "redis answers again")
		}
	}
}
