package sipload

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Leak compares a B2BUA before and after many calls.
type Leak struct {
	Calls  int   `json:"calls"`
	Failed int   `json:"failed"`
	Before Usage `json:"before"`
	After  Usage `json:"after"` // the RFC's timers over, garbage collected
	Left   []string
}

// timersOver is when nothing of a call is owed or remembered any more: a leg
// lingers for 64*T1 after its last message, and that it was ours is known for
// as long again.
const timersOver = 75 * time.Second

// HeapSlack is how much more heap is no leak: what maps and pools keep.
const HeapSlack = 2 << 20

// Leak runs calls through a B2BUA at a rate.
func (b *Bench) Leak(ctx context.Context, calls int, rate float64) (k Leak, err error) {
	l, s, err := open(ctx, b, b.startB2BUA, anyCores)
	if err != nil {
		return k, err
	}
	defer l.close()
	if k.Before, err = s.usage(wordCollect); err != nil {
		return k, err
	}
	t, err := b.call(ctx, load{to: s.at, rate: rate, calls: calls, core: anyCore})
	if err != nil {
		return k, err
	}
	k.Calls, k.Failed = t.Calls, t.Calls-t.Good
	b.say("%d calls, %d failed; waiting for the timers", k.Calls, k.Failed)
	select {
	case <-ctx.Done():
		return k, fmt.Errorf("wait for timers: %w", context.Cause(ctx))
	case <-time.After(timersOver):
	}
	k.After, err = s.usage(wordCollect)
	k.Left = k.left()
	return k, err
}

// left names what has not come back.
func (k Leak) left() (left []string) {
	if grown := int64(k.After.Heap) - int64(k.Before.Heap); grown > HeapSlack { //nolint:gosec // bytes of a heap
		left = append(left, fmt.Sprintf("%d KB of heap", grown>>10))
	}
	if grown := k.After.Goroutines - k.Before.Goroutines; grown > 0 {
		left = append(left, fmt.Sprintf("%d goroutines", grown))
	}
	for _, name := range slices.Sorted(maps.Keys(k.After.Gauges)) {
		if n := k.After.Gauges[name] - k.Before.Gauges[name]; n != 0 {
			left = append(left, fmt.Sprintf("%s %v", name, n))
		}
	}
	return left
}
