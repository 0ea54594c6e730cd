package router

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"filo/contact"
)

// TestEverybodyAtOnce lets agents accept, refuse, think too long, vanish and
// go to lunch while callers come, hang up, talk and lose their agent. Each
// offer ends once, nobody has two calls, and nothing is left over.
func TestEverybodyAtOnce(t *testing.T) {
	inCentre(t, func(cfg *Config) { cfg.RONALimit = 0 }, everybodyAtOnce)
}

func everybodyAtOnce(c *centre) {
	ctx, stop := context.WithCancel(c.ctx)
	var desks, callers sync.WaitGroup
	var talking [6]atomic.Int32
	for i := range talking {
		id := contact.AgentID(fmt.Sprint("agent", i))
		c.ready(id, uint8(50+i)) //nolint:gosec // small
		desks.Go(func() { deskOf(ctx, c, id, rand.New(rand.NewPCG(1, uint64(i)))) })
	}
	handled := atomic.Int32{}
	for i := range 300 {
		callers.Go(func() {
			r := rand.New(rand.NewPCG(2, uint64(i))) //nolint:gosec // repeatable on purpose
			time.Sleep(time.Duration(r.IntN(600)) * time.Second)
			if callerOf(ctx, c, contact.ID(fmt.Sprint("c_", i)), r, talking[:]) {
				handled.Add(1)
			}
		})
	}
	callers.Wait()
	time.Sleep(time.Hour)
	stop()
	desks.Wait()
	synctest.Wait()
	require.Positive(c.t, handled.Load())
	s, err := c.Snapshot(c.ctx)
	require.NoError(c.t, err)
	for _, a := range s.Agents {
		require.Zero(c.t, a.Load, "%+v", a)
		require.Empty(c.t, a.Contacts)
		require.Empty(c.t, a.Offers)
	}
	for _, q := range s.Queues {
		require.Empty(c.t, q.Waiting)
	}
	require.Empty(c.t, c.loop.pending)
	require.Empty(c.t, c.loop.contacts)
	require.Len(c.t, c.loop.idle, len(c.loop.tickets))
}

// deskOf follows an agent as a desk does, and does what people do.
func deskOf(ctx context.Context, c *centre, id contact.AgentID, r *rand.Rand) {
	for ctx.Err() == nil {
		events, cancel := c.Watch(id)
		deskUntilBehind(ctx, c, id, r, events)
		cancel()
	}
}

func deskUntilBehind(ctx context.Context, c *centre, id contact.AgentID, r *rand.Rand, events <-chan AgentEvent) {
	for {
		var e AgentEvent
		var ok bool
		select {
		case e, ok = <-events:
			if !ok {
				return
			}
		case <-ctx.Done():
			return
		}
		switch {
		case e.Kind == OfferEvent:
			time.Sleep(time.Duration(r.IntN(24)) * time.Second) // sometimes too long
			switch r.IntN(8) {
			case 0:
				_ = c.Reject(ctx, e.Offer.ID, id, "busy")
			case 1:
				_ = c.Vanished(ctx, id)
			default:
				_ = c.Accept(ctx, e.Offer.ID, id)
			}
		case e.Kind == StateEvent && e.State == contact.NotReady:
			time.Sleep(time.Duration(r.IntN(30)) * time.Second)
			_ = c.SetReady(ctx, id, true, "")
		case e.Kind == ContactEvent && e.Contact.Phase == contact.WrapUp && r.IntN(2) == 0:
			_ = c.EndWrapUp(ctx, id, e.Contact.ID)
		}
	}
}

// callerOf is a call's goroutine. It reports whether the call was handled.
func callerOf(ctx context.Context, c *centre, id contact.ID, r *rand.Rand, talking []atomic.Int32) bool {
	tk := c.place(id, contact.Voice, contact.Target{Queue: "checkout", Priority: r.IntN(3)})
	patience := time.NewTimer(time.Duration(r.IntN(400)) * time.Second)
	defer patience.Stop()
	pending := contact.OfferID{}
	done, gone := false, false
	for {
		select {
		case <-patience.C:
			gone = true
			if err := tk.Withdraw(ctx, contact.Abandoned); err != nil {
				c.t.Errorf("withdraw: %v", err)
			}
		case e, open := <-tk.Events():
			if !open {
				return done
			}
			switch e.Kind {
			case Offered:
				if !pending.IsZero() {
					c.t.Errorf("two offers of %s", id)
				}
				pending = e.Offer
			case Rejected, Expired, Revoked:
				pending = contact.OfferID{}
			case Accepted:
				if pending != e.Offer {
					c.t.Errorf("accepted %s, pending was %s", e.Offer, pending)
				}
				pending = contact.OfferID{}
				if gone { // an agent was quicker, but the caller is not there any more
					continue
				}
				done = talk(ctx, c, tk, e.Agent, r, talking) || done
			case Closed:
			}
		}
	}
}

// talk is the conversation; it reports whether it came to its end.
func talk(ctx context.Context, c *centre, tk *Ticket, who contact.AgentID, r *rand.Rand, talking []atomic.Int32) bool {
	var n int
	if _, err := fmt.Sscanf(string(who), "agent%d", &n); err != nil {
		c.t.Error(err)
	}
	if talking[n].Add(1) > 1 {
		c.t.Errorf("%s has two calls", who)
	}
	time.Sleep(time.Duration(r.IntN(20)) * time.Second)
	talking[n].Add(-1)
	if r.IntN(6) == 0 {
		if err := tk.Requeue(ctx, &who); err != nil {
			c.t.Errorf("requeue: %v", err)
		}
		return false
	}
	if err := tk.End(ctx, contact.Handled); err != nil {
		c.t.Errorf("end: %v", err)
	}
	return true
}
