package admission

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestDelay(t *testing.T) {
	at := time.Unix(1000, 0)
	d := delay{target: 100 * time.Millisecond, interval: 100 * time.Millisecond}
	step := func(after, wait time.Duration, refuse bool, why string) {
		t.Helper()
		at = at.Add(after)
		require.Equal(t, refuse, d.observe(at, wait), why)
	}
	ms := time.Millisecond
	step(0, 90*ms, false, "a queue below the target is no harm")
	step(ms, 500*ms, false, "a burst")
	step(50*ms, 300*ms, false, "still a burst")
	step(40*ms, 50*ms, false, "it is over")
	step(50*ms, 150*ms, false, "another one")
	step(99*ms, 150*ms, false, "")
	step(ms, 150*ms, true, "no burst any more")
	require.True(t, d.unknown(at.Add(10*ms)), "what came by a connection waits as long")
	require.False(t, d.unknown(at.Add(time.Second)), "who knows")
	step(ms, 60*ms, true, "the queue is made short")
	step(ms, 15*ms, false, "and kept so")
	step(900*ms, 30*ms, true, "at once, as it is not over")
	step(ms, ms, false, "")
	step(recovery-ms, ms, false, "")
	require.True(t, d.busy)
	step(ms, ms, false, "over")
	require.False(t, d.busy)
	step(ms, 150*ms, false, "a burst again")

	off := delay{}
	require.False(t, off.observe(at, time.Hour))
	require.False(t, off.observe(at.Add(time.Hour), time.Hour))
}

// A server that takes 1 ms for a call and 10 us for a refusal, under calls at
// a multiple of its capacity, each of which waits in the queue.
func overload(load float64, d *delay, seconds int) (goodput float64, refusals []time.Duration, accepted []time.Duration) {
	const service, refusal = time.Millisecond, 10 * time.Microsecond
	start := d.seen.Add(time.Second)
	free := start // when the server is done with what it has
	gap := time.Duration(float64(service) / load)
	end := start.Add(time.Duration(seconds) * time.Second)
	served := 0
	for arrived := start; arrived.Before(end); arrived = arrived.Add(gap) {
		if free.Before(arrived) {
			free = arrived
		}
		wait := free.Sub(arrived)
		if d.observe(free, wait) {
			free = free.Add(refusal)
			refusals = append(refusals, wait)
			continue
		}
		free = free.Add(service)
		accepted = append(accepted, wait)
		if free.Before(end) {
			served++
		}
	}
	return float64(served) / (float64(seconds) / service.Seconds()), refusals, accepted
}

func TestOverloadIsServedAtCapacity(t *testing.T) {
	for _, load := range []float64{0.9, 2, 5, 20} {
		d := &delay{target: 100 * time.Millisecond, interval: 100 * time.Millisecond}
		goodput, refusals, accepted := overload(load, d, 60)
		if load < 1 {
			require.Empty(t, refusals)
			continue
		}
		want := 1 - load*0.011 // what the refusals themselves cost
		require.Greater(t, goodput, want, load)
		settled := accepted[len(accepted)/2:]
		slices.Sort(settled)
		require.LessOrEqual(t, settled[len(settled)-1], 25*time.Millisecond, "who is let in is served in time")
		slices.Sort(refusals)
		require.LessOrEqual(t, refusals[len(refusals)*99/100], 50*time.Millisecond, "who is not learns it quickly")
		_, refusals, _ = overload(0.5, d, 5)
		require.Empty(t, refusals, "normal again at once")
		require.False(t, d.busy)
	}
}
