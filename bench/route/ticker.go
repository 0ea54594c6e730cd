package route

import (
	"math"
	"slices"
	"time"
)

// counter turns ticks into time.
type counter struct {
	perNs float64 // ticks
	cost  uint64  // ticks that two readings are apart with nothing between them
}

// calibrate watches the ticks and the clock for a tenth of a second.
func calibrate() counter {
	const length, readings = 100 * time.Millisecond, 10_001
	start, first := together()
	for time.Since(start) < length {
	}
	end, last := together()
	c := counter{perNs: float64(last-first) / float64(end.Sub(start))}
	gaps := make([]uint64, readings)
	for i := range gaps {
		from := ticks()
		gaps[i] = ticks() - from
	}
	slices.Sort(gaps)
	c.cost = gaps[readings/2]
	return c
}

// together reads the clock and the ticks at one time: of several readings the
// one that was not interrupted.
func together() (at time.Time, t uint64) {
	least := time.Hour
	for range 20 {
		before, now := time.Now(), ticks()
		if d := time.Since(before); d < least {
			at, t, least = before, now, d
		}
	}
	return at, t
}

// samples collects ticks: as many as it has capacity for, the first ones.
type samples []uint32

func newSamples(n int) samples { return make(samples, 0, n) }

func (s *samples) add(t uint64) {
	if len(*s) < cap(*s) {
		*s = append(*s, uint32(min(t, math.MaxUint32))) //nolint:gosec // clamped
	}
}

// quantiles returns nil if there are no samples.
func (c counter) quantiles(s samples) *Quantiles {
	if len(s) == 0 {
		return nil
	}
	sorted := slices.Sorted(slices.Values(s))
	at := func(f float64) float64 {
		rank := max(int(math.Ceil(f*float64(len(sorted)))), 1) // nearest: f of all are at most this
		t := uint64(sorted[rank-1])
		return math.Round(float64(t-min(t, c.cost))/c.perNs*10) / 10
	}
	return &Quantiles{N: len(s), P50: at(.5), P99: at(.99), P999: at(.999), Max: at(1)}
}
