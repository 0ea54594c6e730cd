package router

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"filo/contact"
)

func TestAgentVanishesDuringOffer(t *testing.T) {
	inCentre(t, nil, func(c *centre) {
		c.ready("paola", 90)
		c.ready("marta", 70)
		tk := c.place("c_1", contact.Voice, checkout)
		require.Equal(t, contact.AgentID("paola"), c.next(tk, Offered).Agent)
		require.NoError(t, c.Vanished(c.ctx, "paola"))
		c.next(tk, Revoked)
		require.Equal(t, contact.AgentID("marta"), c.next(tk, Offered).Agent)
		require.Equal(t, "vanished", c.state("paola").Reason)
		require.NoError(t, c.SetReachable(c.ctx, "marta", contact.Voice, false)) // the line drops
		c.next(tk, Revoked)
		require.Equal(t, contact.Ready, c.state("marta").State)
	})
}

func TestSignOutDrains(t *testing.T) {
	inCentre(t, nil, func(c *centre) {
		c.ready("paola", 90)
		tk := c.place("c_1", contact.Voice, checkout)
		require.NoError(t, c.Accept(c.ctx, c.next(tk, Offered).Offer, "paola"))
		c.next(tk, Accepted)
		require.NoError(t, c.SignOut(c.ctx, "paola"))
		require.Equal(t, contact.Busy, c.state("paola").State)
		require.ErrorIs(t, c.SetReady(c.ctx, "paola", true, ""), contact.ErrBadCommand)
		c.silent(c.place("c_2", contact.Email, checkout))
		require.NoError(t, tk.End(c.ctx, contact.Handled))
		time.Sleep(30 * time.Second)
		require.Equal(t, contact.LoggedOut, c.state("paola").State)
		require.ErrorIs(t, c.SetReady(c.ctx, "paola", true, ""), contact.ErrNoAgent)
		require.NoError(t, c.SignOut(c.ctx, "paola"), "twice is harmless")
	})
}

func TestWatch(t *testing.T) {
	inCentre(t, nil, func(c *centre) {
		events, cancel := c.Watch("paola")
		next := func(kind AgentEventKind) AgentEvent {
			t.Helper()
			synctest.Wait()
			select {
			case e := <-events:
				require.Equal(t, kind, e.Kind, "%+v", e)
				return e
			default:
				require.FailNow(t, "no event", "want %s", kind)
				return AgentEvent{}
			}
		}
		require.Equal(t, contact.LoggedOut, next(StateEvent).State)
		c.ready("marta", 70)
		c.ready("paola", 90)
		require.True(t, next(StateEvent).Slots[2].Reachable)
		require.Equal(t, "signed_in", next(StateEvent).Reason)
		require.Equal(t, contact.Ready, next(StateEvent).State)

		tk := c.place("c_1", contact.Voice, checkout)
		o := next(OfferEvent).Offer
		require.Equal(t, "Name of marta", o.Next)
		require.Equal(t, 20*time.Second, o.Timeout)
		require.Equal(t, contact.Reserved, next(StateEvent).State)
		require.NoError(t, c.Accept(c.ctx, o.ID, "paola"))
		require.Equal(t, "accepted", next(OfferGoneEvent).Offer.Gone)
		e := next(ContactEvent)
		require.Equal(t, contact.Connected, e.Contact.Phase)
		require.Equal(t, Slot{Channel: contact.Voice, Used: 1, Max: 1, Reachable: true}, e.Slots[2])
		require.Equal(t, contact.Busy, next(StateEvent).State)
		require.NoError(t, tk.End(c.ctx, contact.Handled))
		e = next(ContactEvent)
		require.Equal(t, 30*time.Second, e.Contact.WrapUpEnds.Sub(e.Contact.Since))
		require.Equal(t, contact.AgentWrapUp, next(StateEvent).State)
		require.NoError(t, c.ExtendWrapUp(c.ctx, "paola", "c_1", time.Minute))
		require.Equal(t, 90*time.Second, next(ContactEvent).Contact.WrapUpEnds.Sub(e.Contact.Since))
		require.ErrorIs(t, c.EndWrapUp(c.ctx, "marta", "c_1"), contact.ErrNotYours)

		again, cancelAgain := c.Watch("paola") // a reloaded tab finds what there is
		synctest.Wait()
		require.Equal(t, contact.AgentWrapUp, (<-again).State)
		require.Equal(t, contact.ID("c_1"), (<-again).Contact.ID)
		cancelAgain()
		cancelAgain()
		synctest.Wait()
		_, open := <-again
		require.False(t, open)

		require.NoError(t, c.SetReady(c.ctx, "paola", false, "lunch"))
		require.Equal(t, "lunch", next(StateEvent).Reason)
		require.NoError(t, c.SetReady(c.ctx, "paola", false, "training"))
		require.Equal(t, "training", next(StateEvent).Reason)
		cancel()
	})
}

func TestWatcherThatFallsBehindIsClosed(t *testing.T) {
	inCentre(t, nil, func(c *centre) {
		events, cancel := c.Watch("paola")
		defer cancel()
		c.ready("paola", 90)
		for range watched {
			require.NoError(t, c.SetReady(c.ctx, "paola", false, "break"))
			require.NoError(t, c.SetReady(c.ctx, "paola", true, ""))
		}
		n := 0
		for range events {
			n++
		}
		require.Equal(t, watched, n)
	})
}

func TestStoppedRouter(t *testing.T) {
	r, err := New(DefaultConfig(), Deps{})
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { require.NoError(t, r.Run(ctx)) })
	events, _ := r.Watch("paola")
	require.NoError(t, r.SignIn(ctx, Agent{ID: "paola"}))
	stop()
	wg.Wait()
	for range events { //nolint:revive // closed when the router stopped
	}
	require.ErrorIs(t, r.SignOut(t.Context(), "paola"), ErrStopped)
	_, cancel := r.Watch("paola")
	cancel()
}
