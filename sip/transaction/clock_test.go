package transaction

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

type alarm struct {
	due  time.Time
	late time.Duration
	rang int
}

func (a *alarm) fire(now time.Time, _ uint32) {
	a.rang++
	a.late = now.Sub(a.due)
}

// Whatever is set, each timer fires once, not early, and late by the tick at
// most.
func TestClockProperty(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		durations := []time.Duration{trying, T1, 2 * T1, T2, T4, TimeoutAfter}
		gaps := rapid.SliceOfN(rapid.IntRange(0, 3000), 1, 60).Draw(rt, "gaps")
		which := rapid.SliceOfN(rapid.IntRange(0, len(durations)-1), len(gaps), len(gaps)).Draw(rt, "which")
		synctest.Test(t, func(t *testing.T) {
			c := newClock()
			ctx, cancel := context.WithCancel(t.Context())
			var wg sync.WaitGroup
			wg.Go(func() { c.run(ctx) })
			var alarms []*alarm
			for i, gap := range gaps {
				time.Sleep(time.Duration(gap) * time.Millisecond)
				d := durations[which[i]]
				a := &alarm{due: time.Now().Add(d)}
				alarms = append(alarms, a)
				c.set(d, a, 0)
			}
			time.Sleep(TimeoutAfter + time.Second)
			cancel()
			wg.Wait()
			for _, a := range alarms {
				require.Equal(t, 1, a.rang)
				require.GreaterOrEqual(t, a.late, time.Duration(0))
				require.LessOrEqual(t, a.late, tick)
			}
			require.LessOrEqual(t, len(c.lanes), len(durations))
		})
	})
}

func BenchmarkClock(b *testing.B) {
	c := newClock()
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { c.run(ctx) })
	b.Cleanup(func() { cancel(); wg.Wait() })
	a := &alarm{}
	b.ReportAllocs()
	for b.Loop() {
		c.set(T1, a, 0)
	}
}
