package route

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"filo/router/core"
)

var errDisagree = errors.New("the core chose another than the plain scan")

// bestAgent is the idle agent who meets the needs and became idle first, found
// by looking at all.
func (f *floor) bestAgent(needs []need) core.Agent {
	best := core.Nobody
	for i := range f.agents {
		a := &f.agents[i]
		if a.idle && f.world.profiles[a.profile].meets(needs) &&
			(best == core.Nobody || a.since < f.agents[best].since) {
			best = core.Agent(i) //nolint:gosec // an agent
		}
	}
	return best
}

// bestContact is the waiting contact that the agent can serve and that comes
// first in the order (V, seq), found by looking at all.
func (f *floor) bestContact(a core.Agent) core.Contact {
	p := f.world.profiles[f.agents[a].profile]
	best := core.Nothing
	for i := range f.contacts {
		c := &f.contacts[i]
		if c.waiting && p.meets(f.world.kinds[f.kind[i]].needs) && (best == core.Nothing || c.before(&f.contacts[best])) {
			best = core.Contact(i) //nolint:gosec // a contact
		}
	}
	return best
}

func (c *contactRow) before(d *contactRow) bool {
	if c.virtual != d.virtual {
		return c.virtual < d.virtual
	}
	return c.seq < d.seq
}

// checkArrivals times n plain scans for calls that arrive, in nanoseconds, and
// compares them with the core's choice.
func (f *floor) checkArrivals(n int) ([]float64, error) {
	var times []float64
	for i := range n {
		k := f.world.arrivals[(i*7)%len(f.world.arrivals)]
		start := time.Now()
		want := f.bestAgent(f.world.kinds[k].needs)
		times = append(times, float64(time.Since(start)))
		x, got := f.take(), core.Nobody
		f.arriveAs(x, calls, k)
		if o := f.offer(); o != nil {
			got = o.Agent
		}
		if got != want {
			return nil, fmt.Errorf("arrival of a contact of kind %d: %w: agent %d, not %d", k, errDisagree, int32(got), int32(want)) //nolint:gosec // -1 is nobody
		}
		if !f.accept() {
			f.withdraw(x)
			f.occupy(len(f.busy) + 1)
		}
		j := f.pick()
		f.end(j)
		f.release(j)
		f.giveBack(j.contact)
	}
	return times, nil
}

// checkFree does the same for agents who become free beside the backlog.
func (f *floor) checkFree(n int) ([]float64, error) {
	var times []float64
	for range n {
		if len(f.busy) == 0 {
			break
		}
		j := f.pick()
		f.end(j)
		start := time.Now()
		want := f.bestContact(j.agent)
		times = append(times, float64(time.Since(start)))
		f.release(j)
		got := core.Nothing
		if o := f.offer(); o != nil {
			got = o.Contact
		}
		if got != want {
			return nil, fmt.Errorf("agent %d became free: %w: contact %d, not %d", j.agent, errDisagree, int32(got), int32(want)) //nolint:gosec // -1 is nothing
		}
		if !f.accept() {
			f.giveBack(j.contact)
			continue
		}
		f.arriveAs(j.contact, mail, int(f.kind[got]))
	}
	return times, nil
}

// median returns 0 for no values.
func median(list []float64) float64 {
	if len(list) == 0 {
		return 0
	}
	return slices.Sorted(slices.Values(list))[len(list)/2]
}
