package message

import (
	"context"
	"errors"
	"sync"
	"time"

	"filo/contact"
	"filo/journey"
	"filo/measure"
	"filo/router"
)

// States of an open contact, as label values.
const (
	waiting   = "waiting"
	connected = "connected"
)

// restoredPriority puts a contact that had an agent before the restart in
// front of what waited beside it.
const restoredPriority = 100

// conversation is one open contact. Its goroutine follows the router; the
// methods that connectors and desks call change it under mu.
type conversation struct {
	c   *Conductor
	key string

	orphan  bool   // the router has kept its place over the restart
	settled func() // it has that place again, or does not get it

	replying sync.Mutex // one reply at a time
	saving   sync.Mutex // orders durable writes: the newest last

	mu      sync.Mutex
	open    journey.OpenContact // Target without stateKey
	state   state
	ticket  Ticket
	news    chan struct{} // closed and replaced when open.Agent changes
	over    bool          // no message joins it and nobody replies any more
	segment measure.Segment
}

func newConversation(c *Conductor, oc journey.OpenContact) *conversation {
	oc, st := unpack(oc)
	return &conversation{
		c: c, key: key(oc.Channel, st.Thread, oc.Peer), open: oc, state: st, news: make(chan struct{}), settled: func() {},
		segment: measure.Segment{
			Contact: oc.ID, Channel: oc.Channel, Queue: oc.Target.Queue,
			ArrivedAt: oc.EnqueuedAt, EnqueuedAt: oc.EnqueuedAt,
		},
	}
}

// assign sets who has the contact; the caller holds v.mu.
func (v *conversation) assign(agent contact.AgentID) {
	v.open.Agent = agent
	close(v.news)
	v.news = make(chan struct{})
}

// save writes the contact, unless it is over.
func (v *conversation) save(ctx context.Context) error {
	v.saving.Lock()
	defer v.saving.Unlock()
	v.mu.Lock()
	oc, over := v.open, v.over
	packed, err := v.state.pack(oc)
	v.mu.Unlock()
	if over || err != nil {
		return err
	}
	return v.c.journey.SaveContact(ctx, packed) //nolint:wrapcheck // the caller says what was tried
}

// measured hands the record on as it stands: measure keeps the newest version.
func (v *conversation) measured() {
	if v.c.measure == nil {
		return
	}
	v.mu.Lock()
	seg := v.segment
	v.mu.Unlock()
	v.c.measure.Record(seg)
}

// run keeps the contact in the router until it is over or ctx ends.
func (v *conversation) run(ctx context.Context) {
	defer v.settled()
	v.measured()
	v.awaitAgent(ctx)
	for !v.isOver() {
		t, err := v.place(ctx)
		v.settled()
		switch {
		case err == nil:
			if v.follow(ctx, t) {
				return
			}
		case ctx.Err() != nil || errors.Is(err, router.ErrStopped):
			return
		default:
			v.c.log.ErrorContext(ctx, "contact not placed", "contact_id", v.open.ID, "queue", v.open.Target.Queue, "err", err)
		}
		if !pause(ctx, v.c.cfg.PlaceRetry) {
			return
		}
	}
	v.finish(ctx)
}

// awaitAgent gives the agent who had a contact before the restart time to sign
// in again: the router holds contacts only for agents who are there. Where it
// has kept the contact's place it has kept the agent, too.
func (v *conversation) awaitAgent(ctx context.Context) {
	if v.open.Agent == "" || v.orphan {
		return
	}
	events, cancel := v.c.router.Watch(v.open.Agent)
	defer cancel()
	ctx, stop := context.WithTimeout(ctx, v.c.cfg.RestartHold)
	defer stop()
	for {
		select {
		case <-ctx.Done():
			return
		case e, ok := <-events:
			if !ok || e.State != contact.LoggedOut {
				return
			}
		}
	}
}

// pause waits for d and reports whether ctx is still alive.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// place asks for an agent, with the age of the contact.
func (v *conversation) place(ctx context.Context) (Ticket, error) {
	t, err := v.c.router.Place(ctx, v.request(ctx))
	if err != nil {
		return nil, err //nolint:wrapcheck // run tells
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.ticket = t
	v.assign("") // as restored, or taken back: it waits again
	if v.over {  // answered elsewhere in the meantime
		return t, t.Withdraw(ctx, v.segment.Result) //nolint:wrapcheck // run tells
	}
	return t, nil
}

func (v *conversation) request(ctx context.Context) router.Request {
	v.mu.Lock()
	oc := v.open
	v.mu.Unlock()
	target := oc.Target
	if oc.Agent != "" {
		target.Preferred, target.Hold = oc.Agent, v.c.cfg.RestartHold
		target.Priority = max(target.Priority, restoredPriority)
	}
	return router.Request{
		Target: target, EnqueuedAt: oc.EnqueuedAt,
		Card: &contact.Card{
			Contact: oc.ID, Channel: oc.Channel, Customer: oc.Customer, Queue: target.Queue,
			Subject: oc.Subject, Peer: oc.Peer, Event: oc.Event, Arrived: oc.EnqueuedAt,
			Context: v.c.contextOf(ctx, &oc),
		},
	}
}

// contextOf asks the journey who the other side is, by the address that an
// answer goes to. Without an answer the contact still shows its own thread.
func (c *Conductor) contextOf(ctx context.Context, oc *journey.OpenContact) contact.Context {
	e := journey.Event{
		Customer: oc.Customer, Channel: oc.Channel, Kind: journey.KindMessage, Dir: contact.Inbound, OccurredAt: oc.EnqueuedAt,
		Identities: []journey.Identity{peerIdentity(oc.Channel, oc.Peer)},
	}
	out := c.journey.Wrote(ctx, e)
	if out.Customer == "" {
		out.Customer = oc.Customer
	}
	if out.Lang == "" {
		out.Lang = oc.Target.Lang
	}
	return out
}

// follow handles what the router says of the contact. It reports whether the
// contact needs no further ticket.
func (v *conversation) follow(ctx context.Context, t Ticket) (done bool) {
	for {
		select {
		case <-ctx.Done():
			return true
		case e, ok := <-t.Events():
			if !ok { // withdrawn by the router, which stops or found us too slow
				v.lost()
				return v.isOver()
			}
			if e.Kind == router.Closed {
				return v.closed(ctx, e)
			}
			v.event(ctx, e)
		}
	}
}

func (v *conversation) isOver() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.over
}

// event applies everything but Closed.
func (v *conversation) event(ctx context.Context, e router.Event) {
	v.mu.Lock()
	s := &v.segment
	switch e.Kind {
	case router.Offered:
		s.Offers++
		if s.OfferedAt.IsZero() {
			s.OfferedAt, s.AlertedAt = e.At, e.At
		}
	case router.Moved: // by overflow, with its age
		s.Queue = e.Queue
	case router.Expired:
		s.RONA++
	case router.Accepted:
		s.Agent = e.Agent
		v.assign(e.Agent)
		v.c.metrics.moved(v.open.Channel, waiting, connected)
	}
	id := v.open.ID
	v.mu.Unlock()
	v.measured()
	if e.Kind != router.Accepted {
		return
	}
	v.c.log.InfoContext(ctx, "message contact connected", "contact_id", id, "agent_id", e.Agent, "offer_id", e.Offer.String())
	if err := v.save(ctx); err != nil {
		v.c.log.ErrorContext(ctx, "agent of contact not saved", "contact_id", id, "err", err)
	}
}

// lost notes that the router no longer has the contact.
func (v *conversation) lost() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.ticket = nil
	if v.open.Agent != "" {
		v.c.metrics.moved(v.open.Channel, connected, waiting)
	}
}

// closed handles the router's last word. A contact that we did not end (its
// agent signed out, an operator withdrew it) is placed again: a customer is
// still waiting for an answer.
func (v *conversation) closed(ctx context.Context, e router.Event) (done bool) {
	v.lost()
	v.mu.Lock()
	over := v.over
	v.segment.WrapUpEndAt = e.At
	if !over {
		v.segment.WrapUpEndAt = time.Time{}
	}
	v.mu.Unlock()
	if !over {
		v.c.log.WarnContext(ctx, "open contact came back from the router", "contact_id", v.open.ID)
		return false
	}
	v.finish(ctx)
	return true
}

// finish records the segment and lets go of the contact.
func (v *conversation) finish(ctx context.Context) {
	v.c.forget(v)
	v.mu.Lock()
	seg := v.segment
	e := ended{id: v.open.ID, customer: v.open.Customer, channel: v.open.Channel, agent: v.open.Agent, key: v.key}
	v.mu.Unlock()
	v.c.notes.add(e)
	v.c.metrics.moved(e.channel, waiting, "")
	v.c.metrics.closed.WithLabelValues(string(e.channel), string(seg.Result)).Inc()
	v.measured()
	v.c.log.InfoContext(ctx, "message contact closed", "contact_id", e.id, "agent_id", e.agent, "result", seg.Result)
}
