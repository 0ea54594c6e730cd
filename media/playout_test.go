package media

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// counter is a paced thing that notes its ticks.
type counter struct {
	ticks []time.Time
	left  int
	stall time.Duration // of the first tick: the machine stands still
}

func (c *counter) tick(now time.Time) bool {
	c.ticks = append(c.ticks, now)
	if c.stall > 0 {
		time.Sleep(c.stall)
		c.stall = 0
	}
	c.left--
	return c.left > 0
}

func TestPlayoutKeepsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlayout(newMetrics(nil))
		const streams, frames = 200, 500
		var all []*counter
		for range streams {
			c := &counter{left: frames}
			all = append(all, c)
			p.add(c)
			time.Sleep(1700 * time.Microsecond) // they start at different times
		}
		time.Sleep((frames + 1) * framePeriod)
		p.close()
		for _, c := range all {
			require.Len(t, c.ticks, frames)
			for i, at := range c.ticks {
				require.Equal(t, time.Duration(i)*framePeriod, at.Sub(c.ticks[0]), "frame %d is on its slot", i)
			}
		}
		require.Zero(t, p.count)
	})
}

func TestPlayoutStartsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlayout(newMetrics(nil))
		defer p.close()
		p.add(&counter{left: 1 << 20})
		for range 50 {
			c := &counter{left: 1}
			start := time.Now()
			p.add(c)
			time.Sleep(3 * time.Millisecond)
			synctest.Wait()
			require.Len(t, c.ticks, 1)
			require.LessOrEqual(t, c.ticks[0].Sub(start), 2*slotPeriod)
		}
	})
}

func TestPlayoutAfterAStall(t *testing.T) {
	cases := map[string]struct {
		stall time.Duration
		want  int // ticks of the other stream in one second
	}{
		"short: caught up": {90 * time.Millisecond, 50},
		"long: skipped":    {600 * time.Millisecond, 21},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPlayout(newMetrics(nil))
				other, bad := &counter{left: 1000}, &counter{left: 1000, stall: c.stall}
				p.add(other)
				p.add(bad)
				time.Sleep(time.Second)
				p.close()
				require.InDelta(t, c.want, len(other.ticks), 2)
				require.InDelta(t, len(other.ticks), len(bad.ticks), 1)
			})
		})
	}
}
