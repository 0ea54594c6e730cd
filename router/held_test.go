package router

import (
	"math"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"filo/contact"
	"filo/router/core"
)

// slowDisk is a journal whose disk takes its time: that of latency, or until
// it is told to settle.
type slowDisk struct {
	nowhere
	seq     uint64 // of the loop
	settled atomic.Uint64
	changed chan struct{}
	latency func() time.Duration
}

// onDisk gives a router that does not run yet a slow disk.
func onDisk(c *centre, latency func() time.Duration) *slowDisk {
	d := &slowDisk{changed: make(chan struct{}, 1), latency: latency}
	c.loop.journal = d
	return d
}

func (d *slowDisk) Command(int64, *core.Command, []core.Effect) uint64 { d.seq++; return d.seq }
func (d *slowDisk) Settled() uint64                                    { return d.settled.Load() }
func (d *slowDisk) Changed() <-chan struct{}                           { return d.changed }

func (d *slowDisk) Sync(seq uint64) {
	if d.latency != nil {
		time.AfterFunc(d.latency(), func() { d.settle(max(seq, d.settled.Load())) })
	}
}

func (d *slowDisk) settle(seq uint64) {
	d.settled.Store(seq)
	select {
	case d.changed <- struct{}{}:
	default:
	}
}

// TestAcceptanceWaitsForTheDisk: nobody hears of it before, everybody in order
// after, and nothing else waits.
func TestAcceptanceWaitsForTheDisk(t *testing.T) {
	inSlowCentre(t, nil, func(c *centre, d *slowDisk) {
		c.ready("paola", 90)
		events, cancel := c.Watch("paola")
		defer cancel()
		tk := c.place("c_1", contact.Email, checkout)
		offer := c.next(tk, Offered).Offer
		synctest.Wait()
		drain(events)

		var wg sync.WaitGroup
		answered := make(chan error, 2)
		wg.Go(func() { answered <- c.Accept(c.ctx, offer, "paola") })
		synctest.Wait()
		wg.Go(func() { answered <- tk.Withdraw(c.ctx, contact.Abandoned) }) // the customer goes at the same moment
		c.silent(tk)
		require.Empty(t, drain(events))
		require.Empty(t, answered)
		late, cancelLate := c.Watch("paola")
		defer cancelLate()
		other := c.place("c_2", contact.Email, checkout) // offers may go earlier
		c.next(other, Offered)
		require.Empty(t, drain(late))
		require.ErrorIs(t, c.Accept(c.ctx, offer, "paola"), contact.ErrOfferGone)
		require.NoError(t, c.SignIn(c.ctx, Agent{ID: "marta"}), "who has no part in it does not wait")

		d.settle(math.MaxUint64 / 2)
		c.next(tk, Accepted)
		c.next(tk, Closed)
		_, open := <-tk.Events()
		require.False(t, open)
		wg.Wait()
		require.NoError(t, <-answered)
		require.NoError(t, <-answered)
		require.Equal(t, []string{"offer_gone:accepted", "contact:connected", "contact:closed", "offer:c_2"}, words(drain(events)))
		require.Equal(t, []string{"offer:c_2"}, words(drain(late)))
	})
}

// drain returns what has come.
func drain(events <-chan AgentEvent) (list []AgentEvent) {
	synctest.Wait()
	for {
		select {
		case e := <-events:
			list = append(list, e)
		default:
			return list
		}
	}
}

// words tells events but for states.
func words(list []AgentEvent) (w []string) {
	for _, e := range list {
		switch e.Kind {
		case OfferEvent:
			w = append(w, "offer:"+string(e.Offer.Contact))
		case OfferGoneEvent:
			w = append(w, "offer_gone:"+e.Offer.Gone)
		case ContactEvent:
			w = append(w, "contact:"+string(e.Contact.Phase))
		case StateEvent:
		}
	}
	return w
}

// A degraded journal lets everything pass, what waits first; when it has
// recovered, acceptances wait again.
func TestDegradedDiskIsNotWaitedFor(t *testing.T) {
	inSlowCentre(t, nil, func(c *centre, d *slowDisk) {
		c.ready("paola", 90)
		tk := c.place("c_1", contact.Email, checkout)
		var wg sync.WaitGroup
		first := c.next(tk, Offered).Offer
		wg.Go(func() { require.NoError(t, c.Accept(c.ctx, first, "paola")) })
		c.silent(tk)
		d.settle(math.MaxUint64)
		c.next(tk, Accepted)
		wg.Wait()

		second := c.place("c_2", contact.Email, checkout)
		require.NoError(t, c.Accept(c.ctx, c.next(second, Offered).Offer, "paola"))
		c.next(second, Accepted)
		require.NoError(t, tk.End(c.ctx, contact.Handled))
		c.next(tk, Closed)

		d.settled.Store(1)
		third := c.place("c_3", contact.Email, checkout)
		offer := c.next(third, Offered).Offer
		wg.Go(func() { require.NoError(t, c.Accept(c.ctx, offer, "paola")) })
		c.silent(third)
		d.settle(math.MaxUint64 / 2)
		c.next(third, Accepted)
		wg.Wait()
	})
}

// A router that stops promises nothing of what is not durable.
func TestStopWhileTheDiskHangs(t *testing.T) {
	inSlowCentre(t, nil, func(c *centre, _ *slowDisk) {
		c.ready("paola", 90)
		tk := c.place("c_1", contact.Email, checkout)
		offer := c.next(tk, Offered).Offer
		var wg sync.WaitGroup
		wg.Go(func() { require.ErrorIs(t, c.Accept(c.t.Context(), offer, "paola"), ErrStopped) })
		c.silent(tk)
		c.cancel()
		wg.Wait()
		c.silent(tk)
	})
}

// TestEverybodyAtOnceOnASlowDisk: each commit takes up to as long as a journal
// may take before it is degraded.
func TestEverybodyAtOnceOnASlowDisk(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6)) //nolint:gosec // repeatable on purpose
	latency := func() time.Duration { return time.Duration(r.IntN(250)) * time.Millisecond }
	inSlowCentre(t, latency, func(c *centre, d *slowDisk) {
		everybodyAtOnce(c)
		require.Greater(t, d.seq, uint64(500))
		require.Empty(t, c.loop.held)
	})
}

func inSlowCentre(t *testing.T, latency func() time.Duration, test func(*centre, *slowDisk)) {
	t.Helper()
	var d *slowDisk
	inCentreOf(t, func(cfg *Config) { cfg.RONALimit = 0 }, func(c *centre) { d = onDisk(c, latency) }, func(c *centre) { test(c, d) })
}
