package core

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestOvertakeReference compares the starvation bound with what the reference
// does when it looks at every lead and every time. All numbers are so small that
// after horizon nothing changes any more.
func TestOvertakeReference(t *testing.T) {
	const leads, horizon = 160, 600
	bounded, unbounded := 0, 0
	for seed := range uint64(1000) {
		d := draws{dice: rand.New(rand.NewPCG(seed, 1))}
		cfg := Config{Channels: []ChannelRule{{Weight: 1}}, PriorityStep: 2, MaxPriority: 3}
		s, ref := New(cfg), newReference(cfg)
		for range 1 + d.IntN(3) {
			w := WorkType{
				Patience: time.Duration(d.IntN(20)), Promote: d.nanos(0, 3, 8, 8), Saturate: d.nanos(0, 0, 0, 5, 16, 40),
			}
			if w.Saturate > 0 { // else another rate would end after a year only
				w.Rate = uint8(d.pick(0, 3, 8, 32, 64))
			}
			s.WorkType(w)
			ref.WorkType(w)
		}
		ref.Plan(nil)
		mine, tier, prio := Type(d.IntN(len(ref.types))), uint8(1+d.IntN(4)), int16(d.IntN(7)-3)
		want := 0 // the least lead at which nobody comes before me
		for want < leads && ref.overtaken(mine, tier, prio, int64(want), horizon) {
			want++
		}
		got, ok := s.Overtake(mine, tier, prio)
		require.Equal(t, want < leads, ok, "seed %d: %v", seed, got)
		if !ok {
			unbounded++
			continue
		}
		bounded++
		require.EqualValues(t, want, got, "seed %d", seed)
	}
	require.Greater(t, bounded, 200)
	require.Greater(t, unbounded, 200)
}

// overtaken reports whether a contact of some work type in tier 1 that is
// enqueued lead after mine comes before it at some time.
func (m *reference) overtaken(mine Type, tier uint8, priority int16, lead, horizon int64) bool {
	for you := range m.types {
		m.contacts = []refContact{
			{typ: mine, tier: tier, priority: priority, seq: 1},
			{typ: Type(you), tier: 1, priority: m.cfg.MaxPriority, enqueued: lead, seq: 2},
		}
		for m.now = lead; m.now < lead+horizon; m.now++ {
			m.reband(0)
			m.reband(1)
			if m.Before(1, 0) {
				return true
			}
		}
	}
	return false
}
