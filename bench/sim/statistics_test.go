package sim

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestEvents: they come in the order of time, kind and handle.
func TestEvents(t *testing.T) {
	r := stream(1, 0, "events", forArrivals)
	var h events
	var want []event
	for range 5000 {
		e := newEvent(r.Int64N(500), eventKind(r.IntN(8)), r.Uint32(), r.Uint32()) //nolint:gosec // small
		h.push(e)
		want = append(want, e)
		if r.IntN(4) == 0 {
			slices.SortFunc(want, func(a, b event) int {
				if a.before(b) {
					return -1
				}
				return 1
			})
			require.Equal(t, want[0], h.pop())
			want = want[1:]
		}
	}
	last := event{at: -1}
	for len(h) > 0 {
		e := h.pop()
		require.False(t, e.before(last))
		last = e
	}
	e := newEvent(7, patienceEnds, 1<<24|5, 9)
	require.Equal(t, []any{patienceEnds, uint32(5), uint32(9)}, []any{e.kind(), e.gen(), e.id()})
}

func TestHistogram(t *testing.T) {
	for _, ticks := range []int64{1, 63, 64, 65, 127, 128, 1000, 1e6 + 1, 1e12, 1 << 58} {
		i := bucketOf(ticks)
		require.LessOrEqual(t, bucketStart(i), float64(ticks))
		require.Greater(t, bucketStart(i+1), float64(ticks))
		require.Less(t, i, bucketCount-1)
	}
	var h, other histogram
	require.True(t, math.IsNaN(h.quantile(.5)))
	d := exponential(1e9)
	r := stream(1, 0, "h", forService)
	for i := range 200_000 {
		switch {
		case i%2 == 0:
			h.add(0)
		case i%3 == 0:
			h.add(int64(d.draw(r)))
		default:
			other.add(int64(d.draw(r)))
		}
	}
	h.merge(&other)
	require.InDelta(t, 0, h.quantile(.4), 0)
	for _, p := range []float64{.6, .9, .99} { // half of them wait
		require.InEpsilon(t, -math.Log(2*(1-p))*1e9, h.quantile(p), 0.03)
		require.InDelta(t, p, h.below(h.quantile(p)), 0.001)
	}
}

func TestStudent(t *testing.T) {
	require.InDelta(t, 2.2622, studentT(9), 1e-4)
	require.InDelta(t, 2.0395, studentT(31), 2e-4)
	require.InDelta(t, 1.9840, studentT(100), 2e-4)
	require.InDelta(t, 2.7764*math.Sqrt(2.5/5), halfWidth([]float64{1, 2, 3, math.NaN(), 4, 5}), 1e-3)
	require.True(t, math.IsNaN(halfWidth([]float64{1})))
}

// TestCoverage: about 95 of 100 confidence intervals hold the truth.
func TestCoverage(t *testing.T) {
	held, runs, near := 0, 200, 0.04
	if testing.Short() {
		runs, near = 40, 0.09
	}
	for seed := range runs {
		sc, err := Parse("f.yaml", []byte("contacts: 20000\nclasses: {c: {arrivals: 5, service: {exp: 1}}}\nplaces: 0\nagents: {a: 5}"), nil)
		require.NoError(t, err)
		sc.Seed = uint64(seed)
		res, err := Run(t.Context(), sc, nil)
		require.NoError(t, err)
		if e := res.All.Measures["p_block"]; math.Abs(e.Mean-0.28486816) <= e.Half { // B(5, 5)
			held++
		}
	}
	require.InDelta(t, 0.95, float64(held)/float64(runs), near)
}

func TestClock(t *testing.T) {
	require.InDelta(t, 10_800, clockStep(12*3600, 4), 0)
	require.Equal(t, "3:00 h", clock(10_800, 10_800))
	require.Equal(t, "1:30", clock(90, 30))
	require.Equal(t, "2 d", clock(2*86_400, 86_400))
	require.Equal(t, "0.25", plain(0.25, 0.05))
	require.InDelta(t, 0.5, niceStep(1.9, 4), 1e-12)
}
