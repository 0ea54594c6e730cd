package router

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"filo/contact"
)

// centre is a running router in a bubble of fake time.
type centre struct {
	*Router
	t   *testing.T
	reg *prometheus.Registry
	ctx context.Context //nolint:containedctx // of the test

	cancel context.CancelFunc // stops the router
}

// inCentre runs test against a router with two queues.
func inCentre(t *testing.T, change func(*Config), test func(c *centre)) {
	t.Helper()
	inCentreOf(t, change, func(*centre) {}, test)
}

// inCentreOf is inCentre; prepare has the router before it runs.
func inCentreOf(t *testing.T, change func(*Config), prepare, test func(c *centre)) {
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
		c := &centre{Router: r, t: t, reg: reg, ctx: ctx, cancel: cancel}
		prepare(c)
		var wg sync.WaitGroup
		wg.Go(func() { require.NoError(t, r.Run(ctx)) })
		test(c)
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
