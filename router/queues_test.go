package router

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"filo/contact"
)

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
		require.Equal(t, 2, n, "every configured queue is there from the start")
	})
}

// BenchmarkCycle is a contact that is placed, offered with its explanation,
// accepted and ended: three commands through the loop.
func BenchmarkCycle(b *testing.B) {
	for _, agents := range []int{1, 100, 1000} {
		b.Run(fmt.Sprintf("agents=%d", agents), func(b *testing.B) { cycle(b, agents) })
	}
}

func cycle(b *testing.B, agents int) {
	cfg := DefaultConfig()
	cfg.Queues["general"] = Queue{WrapUp: -1}
	r, err := New(cfg, Deps{})
	require.NoError(b, err)
	ctx, cancel := context.WithCancel(b.Context())
	var wg sync.WaitGroup
	wg.Go(func() { _ = r.Run(ctx) })
	for i := range agents {
		id := contact.AgentID(fmt.Sprint("agent", i))
		require.NoError(b, r.SetReachable(ctx, id, contact.Voice, true))
		require.NoError(b, r.SignIn(ctx, Agent{ID: id}))
		require.NoError(b, r.SetReady(ctx, id, true, ""))
	}
	card := &contact.Card{Contact: "c_1", Channel: contact.Voice}
	b.ReportAllocs()
	for b.Loop() {
		tk, err := r.Place(ctx, Request{Card: card, Target: contact.Target{Queue: "general"}})
		require.NoError(b, err)
		e := <-tk.Events()
		require.NoError(b, r.Accept(ctx, e.Offer, e.Agent))
		require.NoError(b, tk.End(ctx, contact.Handled))
	}
	cancel()
	wg.Wait()
}

// TestOvertake: the starvation bound of each queue is told, and grows with the
// tiers and patience that others have.
func TestOvertake(t *testing.T) {
	inCentre(t, func(cfg *Config) {
		cfg.Queues = map[string]Queue{
			"slow":  {Patience: time.Hour},
			"fast":  {Patience: time.Second, Priority: 100},
			"lower": {Patience: time.Second, Tier: 2, Promote: 10 * time.Minute},
			"never": {Patience: time.Second, Tier: 2},
		}
	}, func(c *centre) {
		s, err := c.Snapshot(c.ctx)
		require.NoError(t, err)
		bounds := map[string]time.Duration{}
		for _, q := range s.Queues {
			bounds[q.Name] = q.Overtake
		}
		step := DefaultConfig().PriorityStep
		require.Equal(t, map[string]time.Duration{
			"slow":  time.Hour - time.Second + 2*maxPriority*step,
			"fast":  maxPriority * step,
			"lower": 2 * maxPriority * step,
			"never": unbounded,
		}, bounds)
	})
}
