package router

import (
	"context"
	"fmt"
	"time"

	"filo/contact"
	"filo/router/core"
)

// loop is everything that the one goroutine owns.
type loop struct {
	r       *Router
	m       *metrics
	core    *core.State
	base    time.Time // the core's time is origin
	origin  int64     // plus monotonic time since base
	timer   *time.Timer
	armed   int64 // deadline the timer is set to, 0 for none
	effects []core.Effect
	names
	keeper
	holder

	tickets   []*Ticket // by core.Contact; nil when free
	idle      []core.Contact
	contacts  map[contact.ID]*Ticket
	pending   map[uint64]*Ticket // by offer number
	stuck     []*Ticket          // owners that do not read their events
	decisions ring
	explain   []core.Candidate
	gate      gate
	lost      lostPlaces
}

func newLoop(r *Router, m *metrics) *loop {
	l := &loop{
		r: r, m: m, base: r.now(), names: newNames(r.cfg.sortedChannels()), keeper: keeper{journal: nowhere{}},
		contacts: map[contact.ID]*Ticket{}, pending: map[uint64]*Ticket{},
		explain: make([]core.Candidate, 0, maxExplained),
	}
	l.origin = l.base.UnixNano()
	return l
}

// fresh begins with nothing but the configuration.
func (l *loop) fresh() {
	l.core = core.New(l.r.cfg.rules())
	l.defineQueues(l.r.cfg)
}

func (l *loop) run(ctx context.Context) {
	l.timer = time.NewTimer(time.Hour)
	defer l.timer.Stop()
	gate, left := l.opening()
	defer l.closeWatchers()
	for {
		l.arm()
		select {
		case <-ctx.Done():
			l.release()
			return
		case q := <-l.r.cmds:
			l.serve(q)
		case <-l.journal.Changed():
			l.release()
			l.dropStuck()
		case <-gate:
			l.openGate()
		case <-left:
			l.signOutAbsent()
		case <-l.timer.C:
			l.armed = 0
			_ = l.apply(core.Command{Op: core.OpTick}) // cannot be refused
		}
	}
}

// arm sets the one timer to the core's next deadline.
func (l *loop) arm() {
	at, ok := l.core.NextDeadline()
	if !ok || at == l.armed {
		return
	}
	l.armed = at
	l.timer.Reset(l.time(at).Sub(l.r.now()))
}

// nanos is the core's time of t: it follows the monotonic clock.
func (l *loop) nanos(t time.Time) int64 { return l.origin + int64(t.Sub(l.base)) }

func (l *loop) time(nanos int64) time.Time { return l.base.Add(time.Duration(nanos - l.origin)) }

// decide is the one way into the core: each command is journalled. It returns
// how long the core took; what it decided is in effects.
func (l *loop) decide(at time.Time, cmd core.Command) (took time.Duration) {
	l.effects = l.core.Apply(l.nanos(at), cmd, l.effects[:0])
	took = l.r.now().Sub(at)
	l.keep(l.nanos(at), cmd)
	return took
}

// apply lets the core decide and everybody know. It returns why the core
// refused the command, if it did.
func (l *loop) apply(cmd core.Command) error {
	start := l.r.now()
	took := l.decide(start, cmd)
	var err error
	offers := false
	for i := range l.effects {
		e := &l.effects[i]
		if e.Kind == core.Refused {
			err = refusal(e.Code)
			continue
		}
		offers = offers || e.Kind == core.Offer
		l.dispatch(e, start, took)
	}
	if offers {
		l.m.decision.Observe(took.Seconds())
	}
	l.m.commands[cmd.Op].Inc()
	l.dropStuck()
	return err
}

func refusal(c core.Code) error {
	switch c {
	case core.NoAgent:
		return contact.ErrNoAgent
	case core.NoContact:
		return contact.ErrNoContact
	case core.OfferGone:
		return contact.ErrOfferGone
	case core.BadState:
		return contact.ErrBadCommand
	default:
		return fmt.Errorf("%w: %s", contact.ErrBadCommand, c)
	}
}

func (l *loop) dispatch(e *core.Effect, now time.Time, took time.Duration) {
	if e.Kind == core.AgentState {
		l.agentState(e, now)
		return
	}
	t := l.tickets[e.Contact]
	switch e.Kind {
	case core.Waiting:
		t.move(contact.Queued, now)
	case core.Offer:
		l.offered(t, e, now, took)
	case core.OfferEnded:
		l.offerEnded(t, e, now)
	case core.Released:
		a := t.agent
		t.agent = nil
		t.move(contact.Queued, now)
		if _, err := l.had(a, t.card.Contact, contact.WrapUp); err != nil { // else it is still the agent's, to wrap up
			l.tellContact(a, t)
		}
	case core.Moved:
		l.moved(t, l.queueOf(e.Type), now)
	case core.Parked:
		t.move(contact.Parked, now)
		l.tellContact(t.agent, t)
	case core.Resumed:
		t.move(contact.Connected, now)
		l.tellContact(t.agent, t)
	case core.WrapUp:
		t.wrapEnds = time.Time{}
		if e.Time != 0 {
			t.wrapEnds = l.time(e.Time)
		}
		t.move(contact.WrapUp, now)
		l.tellContact(t.agent, t)
	case core.Closed:
		t.full = e.Code == core.Full
		l.closed(t, now)
	case core.Refused, core.AgentState:
	}
}

func (l *loop) offered(t *Ticket, e *core.Effect, now time.Time, took time.Duration) {
	a := l.byHandle[e.Agent]
	expires := l.time(e.Time)
	id := contact.OfferID{Epoch: l.r.epoch, N: e.Offer}
	o := &Offer{
		ID: id, Contact: t.card.Contact, Agent: a.spec.ID, Card: t.card, Made: now, Expires: expires,
		Timeout: expires.Sub(now), Why: l.why(t, e, id, now, took),
	}
	if e.NextAgent != core.Nobody {
		o.Next = l.byHandle[e.NextAgent].spec.Name
	}
	t.agent, t.offer = a, o
	t.move(contact.Offered, now)
	l.pending[e.Offer] = t
	l.decisions.add(Decision{
		Offer: id, Contact: o.Contact, Channel: t.card.Channel, Queue: t.queue.name,
		Agent: o.Agent, Name: a.spec.Name, At: now, Why: o.Why,
	})
	l.send(t, Event{Kind: Offered, Offer: id, Agent: o.Agent, At: now, Expires: expires, Why: o.Why})
	l.tell(a, AgentEvent{Kind: OfferEvent, Offer: o})
}

var ends = [...]EventKind{
	core.Accepted: Accepted, core.Rejected: Rejected, core.Expired: Expired, core.Revoked: Revoked,
	core.Withdrawn: "",
}

func (l *loop) offerEnded(t *Ticket, e *core.Effect, now time.Time) {
	a, o := t.agent, t.offer
	delete(l.pending, e.Offer)
	l.m.offers[e.How].Inc()
	gone := *o
	gone.Gone = e.How.String()
	t.offer = nil
	ev := Event{Kind: ends[e.How], Offer: o.ID, Agent: o.Agent, At: now}
	if e.How == core.Accepted {
		l.commit(t, a)
		ev.Why = o.Why
		t.result = ""
		t.move(contact.Connected, now)
		if t.card.Consult == nil { // a consultation is nobody's wait
			t.queue.waits.Observe(now.Sub(t.enqueued).Seconds())
			t.queue.served(t.channel, now)
		}
	} else {
		t.agent = nil
	}
	if e.How == core.Expired {
		l.m.rona.Inc()
		l.r.log.Info("offer expired", "contact_id", o.Contact, "agent_id", o.Agent, "offer_id", o.ID, "queue", t.queue.name)
	}
	if ev.Kind != "" {
		l.send(t, ev)
	}
	l.tell(a, AgentEvent{Kind: OfferGoneEvent, Offer: &gone})
	if e.How == core.Accepted {
		l.tellContact(a, t)
	}
}

func (l *loop) closed(t *Ticket, now time.Time) {
	a := t.agent
	t.move(contact.Closed, now)
	l.forget(t)
	ev := Event{Kind: Closed, At: now}
	if a != nil {
		ev.Agent = a.spec.ID
		l.tellContact(a, t)
	}
	l.send(t, ev)
}

// moved lets the contact count for another queue: overflow took it there.
func (l *loop) moved(t *Ticket, q *queue, now time.Time) {
	t.joinQueue(q)
	if t.placed {
		l.send(t, Event{Kind: Moved, At: now, Queue: q.name})
	}
}

func (l *loop) dropStuck() {
	for len(l.stuck) > 0 {
		t := l.stuck[0]
		l.stuck = l.stuck[1:]
		l.r.log.Error("contact withdrawn: its owner does not read its events",
			"contact_id", t.card.Contact, "queue", t.queue.name)
		l.m.stuck.Inc()
		if t.state != contact.Closed {
			_ = l.finish(t, contact.Failed) // it is open, so it can be finished
		}
	}
}
