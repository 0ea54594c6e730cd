package router

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"filo/contact"
)

// centre is a running router in a bubble of fake time.
type centre struct {
	*Router
	t   *testing.T
	reg *prometheus.Registry
	ctx context.Context //nolint:containedctx // of the test
}

// inCentre runs test against a router with two queues.
func inCentre(t *testing.T, change func(*Config), test func(c *centre)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		cfg := DefaultConfig()
		cfg.Queues["checkout"] = Queue{Skills: []contact.Skill{{Name: "checkout", Min: 50}}, Label: map[string]string{"it": "Cassa"}}
		if change != nil {
			change(&cfg)
		}
		ctx, cancel := context.WithCancel(t.Context())
		reg := prometheus.NewRegistry()
		r, err := New(cfg, Deps{Registry: reg, Epoch: 7})
		require.NoError(t, err)
		var wg sync.WaitGroup
		wg.Go(func() { require.NoError(t, r.Run(ctx)) })
		test(&centre{Router: r, t: t, reg: reg, ctx: ctx})
		cancel()
		wg.Wait()
	})
}

// ready signs an agent in, with a line, and makes him or her ready.
func (c *centre) ready(id contact.AgentID, checkout uint8) {
	c.t.Helper()
	require.NoError(c.t, c.SetReachable(c.ctx, id, contact.Voice, true))
	require.NoError(c.t, c.SignIn(c.ctx, Agent{ID: id, Name: "Name of " + string(id), Skills: map[string]uint8{"checkout": checkout}}))
	require.NoError(c.t, c.SetReady(c.ctx, id, true, ""))
}

func (c *centre) place(id contact.ID, ch contact.Channel, target contact.Target) *Ticket {
	c.t.Helper()
	tk, err := c.Place(c.ctx, Request{Card: &contact.Card{Contact: id, Channel: ch}, Target: target})
	require.NoError(c.t, err)
	return tk
}

// next returns the ticket's next event, which must be of the kind.
func (c *centre) next(tk *Ticket, kind EventKind) Event {
	c.t.Helper()
	synctest.Wait()
	select {
	case e := <-tk.Events():
		require.Equal(c.t, kind, e.Kind)
		return e
	default:
		require.FailNow(c.t, "no event", "want %s", kind)
		return Event{}
	}
}

func (c *centre) silent(tk *Ticket) {
	c.t.Helper()
	synctest.Wait()
	select {
	case e := <-tk.Events():
		require.FailNow(c.t, "unexpected event", "%+v", e)
	default:
	}
}

func (c *centre) state(id contact.AgentID) AgentSnapshot {
	c.t.Helper()
	s, err := c.Snapshot(c.ctx)
	require.NoError(c.t, err)
	for _, a := range s.Agents {
		if a.ID == id {
			return a
		}
	}
	require.FailNow(c.t, "no agent", "%s", id)
	return AgentSnapshot{}
}

var checkout = contact.Target{Queue: "checkout"}

func TestBestSkilledAgentIsOfferedAndExplained(t *testing.T) {
	inCentre(t, nil, func(c *centre) {
		c.ready("marta", 70)
		time.Sleep(time.Minute)
		c.ready("paola", 90)
		c.ready("luca", 20) // not enough
		time.Sleep(4 * time.Minute)
		tk := c.place("c_1", contact.Voice, checkout)
		e := c.next(tk, Offered)
		require.Equal(t, contact.AgentID("paola"), e.Agent)
		require.Equal(t, 20*time.Second, e.Expires.Sub(e.At))
		require.Equal(t, "proficiency", e.Why.Key)
		require.Equal(t, 2, e.Why.Considered)
		require.Len(t, e.Why.Agents, 3)
		require.Equal(t, contact.WhyAgent{
			Agent: "paola", Name: "Name of paola", Skills: []contact.SkillLevel{{Name: "checkout", Level: 90}},
			Idle: 4 * time.Minute, Verdict: "chosen",
		}, e.Why.Agents[0])
		require.Equal(t, "eligible", e.Why.Agents[1].Verdict)
		require.Equal(t, 5*time.Minute, e.Why.Agents[1].Idle)
		require.Equal(t, "skill", e.Why.Agents[2].Verdict)

		require.NoError(t, c.Accept(c.ctx, e.Offer, "paola"))
		require.Equal(t, e.Offer, c.next(tk, Accepted).Offer)
		require.Equal(t, contact.Busy, c.state("paola").State)
		require.NoError(t, tk.End(c.ctx, contact.Handled))
		require.Equal(t, contact.AgentWrapUp, c.state("paola").State)
		time.Sleep(30 * time.Second)
		require.Equal(t, contact.AgentID("paola"), c.next(tk, Closed).Agent)
		_, open := <-tk.Events()
		require.False(t, open)
		require.Equal(t, contact.Ready, c.state("paola").State)

		why, err := c.Why(c.ctx, e.Offer)
		require.NoError(t, err)
		require.Equal(t, e.Why, why)
		list, err := c.Decisions(c.ctx, 10)
		require.NoError(t, err)
		require.Len(t, list, 1)
		require.Equal(t, "checkout", list[0].Queue)
	})
}

func TestOfferExpiresAndAgentBecomesNotReady(t *testing.T) {
	inCentre(t, nil, func(c *centre) {
		c.ready("paola", 90)
		tk := c.place("c_1", contact.Voice, checkout)
		first := c.next(tk, Offered)
		time.Sleep(19*time.Second + 999*time.Millisecond)
		c.silent(tk)
		time.Sleep(time.Millisecond)
		require.Equal(t, first.Offer, c.next(tk, Expired).Offer)
		c.silent(tk)
		a := c.state("paola")
		require.Equal(t, contact.NotReady, a.State)
		require.Equal(t, "rona", a.Reason)
		require.ErrorIs(t, c.Accept(c.ctx, first.Offer, "paola"), contact.ErrOfferGone)

		require.NoError(t, c.SetReady(c.ctx, "paola", true, ""))
		c.silent(tk) // still excluded
		time.Sleep(c.cfg.RefusalPause)
		second := c.next(tk, Offered)
		require.NotEqual(t, first.Offer, second.Offer)
		require.NoError(t, tk.Withdraw(c.ctx, contact.Abandoned))
		c.next(tk, Closed)
	})
}

func TestCallerGoneBeforeAccept(t *testing.T) {
	inCentre(t, nil, func(c *centre) {
		c.ready("paola", 90)
		tk := c.place("c_1", contact.Voice, checkout)
		e := c.next(tk, Offered)
		require.NoError(t, tk.Withdraw(c.ctx, contact.Abandoned))
		require.ErrorIs(t, c.Accept(c.ctx, e.Offer, "paola"), contact.ErrOfferGone)
		c.next(tk, Closed)
		require.Equal(t, contact.Ready, c.state("paola").State)
		require.NoError(t, tk.Withdraw(c.ctx, contact.Abandoned), "twice is harmless")
	})
}

func TestCallerGoneAfterAcceptFreesTheAgentAtOnce(t *testing.T) {
	inCentre(t, nil, func(c *centre) {
		c.ready("paola", 90)
		tk := c.place("c_1", contact.Voice, checkout)
		e := c.next(tk, Offered)
		require.NoError(t, c.Accept(c.ctx, e.Offer, "paola"))
		require.NoError(t, tk.Withdraw(c.ctx, contact.Abandoned))
		c.next(tk, Accepted)
		c.next(tk, Closed)
		require.Equal(t, contact.Ready, c.state("paola").State)
	})
}

func TestOffersOfAnotherStartAreGone(t *testing.T) {
	inCentre(t, nil, func(c *centre) {
		c.ready("paola", 90)
		tk := c.place("c_1", contact.Voice, checkout)
		e := c.next(tk, Offered)
		old := contact.OfferID{Epoch: e.Offer.Epoch - 1, N: e.Offer.N}
		require.ErrorIs(t, c.Accept(c.ctx, old, "paola"), contact.ErrOfferGone)
		require.ErrorIs(t, c.Reject(c.ctx, old, "paola", ""), contact.ErrOfferGone)
		_, err := c.Why(c.ctx, old)
		require.ErrorIs(t, err, ErrNoDecision)
		require.ErrorIs(t, c.Accept(c.ctx, e.Offer, "marta"), contact.ErrNoAgent)
	})
}

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

func TestCallBesideMessages(t *testing.T) {
	inCentre(t, nil, func(c *centre) {
		c.ready("paola", 90)
		for _, id := range []contact.ID{"c_1", "c_2"} {
			m := c.place(id, contact.Email, checkout)
			require.NoError(t, c.Accept(c.ctx, c.next(m, Offered).Offer, "paola"))
		}
		c.silent(c.place("c_3", contact.SMS, checkout)) // two messages are enough
		call := c.place("c_4", contact.Voice, checkout)
		require.NoError(t, c.Accept(c.ctx, c.next(call, Offered).Offer, "paola"))
		require.Equal(t, 100, c.state("paola").Load)
	})
}

func TestNoMessageDuringCall(t *testing.T) {
	inCentre(t, nil, func(c *centre) {
		c.ready("paola", 90)
		call := c.place("c_1", contact.Voice, checkout)
		require.NoError(t, c.Accept(c.ctx, c.next(call, Offered).Offer, "paola"))
		c.next(call, Accepted)
		mail := c.place("c_2", contact.Email, checkout)
		c.silent(mail)
		require.NoError(t, call.End(c.ctx, contact.Handled))
		require.NoError(t, c.EndWrapUp(c.ctx, "paola", "c_1"))
		c.next(call, Closed)
		e := c.next(mail, Offered)
		require.Equal(t, "only", e.Why.Key)
		require.Equal(t, "only", e.Why.ContactKey)
	})
}

func TestUrgentMailBeforeTrivialCall(t *testing.T) {
	inCentre(t, func(cfg *Config) {
		cfg.Queues["urgent"] = Queue{Patience: 5 * time.Second}
		cfg.Queues["trivial"] = Queue{Patience: 2 * time.Minute}
	}, func(c *centre) {
		call := c.place("c_1", contact.Voice, contact.Target{Queue: "trivial"})
		time.Sleep(time.Second)
		mail := c.place("c_2", contact.Email, contact.Target{Queue: "urgent"})
		c.ready("paola", 90)
		e := c.next(mail, Offered)
		require.Equal(t, "deadline", e.Why.ContactKey)
		require.Equal(t, 2, e.Why.Contacts)
		c.next(call, Offered) // and there is room for the call beside it
	})
}

func TestPreferredAgentIsWaitedFor(t *testing.T) {
	inCentre(t, nil, func(c *centre) {
		c.ready("paola", 90)
		c.ready("marta", 70)
		require.NoError(t, c.SetReady(c.ctx, "marta", false, "break"))
		target := contact.Target{Queue: "checkout", Preferred: "marta", Hold: 10 * time.Second}
		tk := c.place("c_1", contact.Voice, target)
		c.silent(tk)
		time.Sleep(10 * time.Second)
		require.Equal(t, contact.AgentID("paola"), c.next(tk, Offered).Agent)

		second := c.place("c_2", contact.Voice, target)
		require.NoError(t, c.SetReady(c.ctx, "marta", true, ""))
		require.Equal(t, contact.AgentID("marta"), c.next(second, Offered).Agent)
		c.ready("luca", 60)
		c.next(c.place("c_3", contact.Voice, contact.Target{Queue: "checkout", Preferred: "nobody-known", Hold: time.Hour}), Offered)
	})
}

func TestRequeueKeepsAgeAndGoesFirst(t *testing.T) {
	inCentre(t, nil, func(c *centre) {
		c.ready("paola", 90)
		tk := c.place("c_1", contact.Voice, checkout)
		require.NoError(t, c.Accept(c.ctx, c.next(tk, Offered).Offer, "paola"))
		c.next(tk, Accepted)
		time.Sleep(time.Minute)
		other := c.place("c_2", contact.Voice, contact.Target{Queue: "checkout", Priority: 100})
		paola := contact.AgentID("paola")
		require.NoError(t, c.Vanished(c.ctx, paola))
		require.NoError(t, tk.Requeue(c.ctx, &paola))
		pos, _, err := tk.Position(c.ctx)
		require.NoError(t, err)
		require.Equal(t, 1, pos)
		c.ready("marta", 70)
		e := c.next(tk, Offered)
		require.Equal(t, time.Minute, e.Why.Waited)
		require.Equal(t, "tier", e.Why.ContactKey)
		c.silent(other)
	})
}

func TestAgeIsBroughtAlong(t *testing.T) {
	inCentre(t, nil, func(c *centre) {
		young := c.place("c_1", contact.Voice, checkout)
		old, err := c.Place(c.ctx, Request{
			Card: &contact.Card{Contact: "c_2", Channel: contact.Voice}, Target: checkout,
			EnqueuedAt: time.Now().Add(-time.Hour),
		})
		require.NoError(t, err)
		pos, _, err := young.Position(c.ctx)
		require.NoError(t, err)
		require.Equal(t, 2, pos)
		c.ready("paola", 90)
		require.Equal(t, time.Hour, c.next(old, Offered).Why.Waited)
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

func TestStuckOwnerLosesTheContactAndNobodyWaits(t *testing.T) {
	inCentre(t, func(cfg *Config) { cfg.RefusalPause = time.Millisecond }, func(c *centre) {
		c.ready("paola", 90)
		tk := c.place("c_1", contact.Voice, checkout)
		for range eventsBuffered {
			list, err := c.Decisions(c.ctx, 1)
			require.NoError(t, err)
			_ = c.Reject(c.ctx, list[0].Offer, "paola", "busy")
			time.Sleep(2 * time.Millisecond)
		}
		require.InDelta(t, 1, testutil.ToFloat64(c.loop.m.stuck), 0)
		require.Equal(t, contact.Ready, c.state("paola").State)
		n := 0
		for range tk.Events() {
			n++
		}
		require.Equal(t, eventsBuffered, n)
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

func TestErrorsNameTheThing(t *testing.T) {
	inCentre(t, func(cfg *Config) { cfg.MaxContacts = 1 }, func(c *centre) {
		_, err := c.Place(c.ctx, Request{Card: &contact.Card{Contact: "c_1", Channel: contact.Voice}, Target: contact.Target{Queue: "nope"}})
		require.ErrorIs(t, err, ErrNoQueue)
		require.ErrorContains(t, err, `queue "nope"`)
		_, err = c.Place(c.ctx, Request{Card: &contact.Card{Contact: "c_1", Channel: "fax"}, Target: checkout})
		require.ErrorIs(t, err, ErrNoChannel)
		_, err = c.Place(c.ctx, Request{})
		require.ErrorIs(t, err, contact.ErrBadCommand)
		c.place("c_1", contact.Voice, checkout)
		_, err = c.Place(c.ctx, Request{Card: &contact.Card{Contact: "c_1", Channel: contact.Voice}, Target: checkout})
		require.ErrorIs(t, err, ErrAlreadyPlaced)
		_, err = c.Place(c.ctx, Request{Card: &contact.Card{Contact: "c_2", Channel: contact.Voice}, Target: checkout})
		require.ErrorIs(t, err, ErrFull)
		err = c.SetReady(c.ctx, "ghost", true, "")
		require.ErrorIs(t, err, contact.ErrNoAgent)
		require.ErrorContains(t, err, `agent "ghost"`)
	})
}

func TestSnapshot(t *testing.T) {
	inCentre(t, nil, func(c *centre) {
		c.ready("paola", 90)
		tk := c.place("c_1", contact.Voice, checkout)
		time.Sleep(3 * time.Second)
		c.place("c_2", contact.Voice, checkout)
		c.place("c_3", contact.Voice, contact.Target{Queue: "checkout", Priority: 3})
		s, err := c.Snapshot(c.ctx)
		require.NoError(t, err)
		require.Len(t, s.Queues, 2)
		q := s.Queues[0]
		require.Equal(t, "checkout", q.Name)
		require.Equal(t, 3*time.Second, q.Longest)
		require.Equal(t, []contact.ID{"c_3", "c_1", "c_2"}, []contact.ID{q.Waiting[0].Contact, q.Waiting[1].Contact, q.Waiting[2].Contact})
		require.True(t, q.Waiting[1].Offered)
		require.Equal(t, 20*time.Second, q.Waiting[1].Deadline.Sub(q.Waiting[1].Since))
		require.Equal(t, 1, q.On)
		require.Len(t, s.Agents[0].Offers, 1)
		require.NoError(t, tk.Withdraw(c.ctx, contact.Abandoned))
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

func TestMetricsLint(t *testing.T) {
	inCentre(t, nil, func(c *centre) {
		c.ready("paola", 90)
		tk := c.place("c_1", contact.Voice, checkout)
		require.NoError(t, c.Accept(c.ctx, c.next(tk, Offered).Offer, "paola"))
		problems, err := testutil.GatherAndLint(c.reg)
		require.NoError(t, err)
		require.Empty(t, problems)
		n, err := testutil.GatherAndCount(c.reg, "filo_router_queue_wait_seconds")
		require.NoError(t, err)
		require.Equal(t, 1, n)
	})
}

func BenchmarkCycle(b *testing.B) {
	cfg := DefaultConfig()
	cfg.Queues["general"] = Queue{WrapUp: -1}
	r, err := New(cfg, Deps{})
	require.NoError(b, err)
	ctx, cancel := context.WithCancel(b.Context())
	var wg sync.WaitGroup
	wg.Go(func() { _ = r.Run(ctx) })
	require.NoError(b, r.SetReachable(ctx, "paola", contact.Voice, true))
	require.NoError(b, r.SignIn(ctx, Agent{ID: "paola"}))
	require.NoError(b, r.SetReady(ctx, "paola", true, ""))
	card := &contact.Card{Contact: "c_1", Channel: contact.Voice}
	b.ReportAllocs()
	for b.Loop() {
		tk, err := r.Place(ctx, Request{Card: card, Target: contact.Target{Queue: "general"}})
		require.NoError(b, err)
		require.NoError(b, r.Accept(ctx, (<-tk.Events()).Offer, "paola"))
		require.NoError(b, tk.End(ctx, contact.Handled))
	}
	cancel()
	wg.Wait()
}
