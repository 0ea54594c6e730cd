package router

import (
	"slices"
	"sync"

	"filo/contact"
	"filo/router/core"
)

// watched is how many events may wait for a watcher.
const watched = 64

// watcher is one follower of an agent; the loop owns it.
type watcher struct {
	events chan AgentEvent
	closed bool
}

// Watch follows an agent. The first event is the present state; then come the
// pending offers and the contacts that the agent has; then what changes. The
// loop never waits for the reader: one who leaves 64 events unread finds the
// channel closed and watches again, which brings everything anew. The channel
// is closed too when the router stops and by cancel, which may be called more
// than once. It may be called for an agent who never signed in.
func (r *Router) Watch(id contact.AgentID) (events <-chan AgentEvent, cancel func()) {
	w := &watcher{events: make(chan AgentEvent, watched)}
	r.post(func(l *loop) error { return l.watch(id, w) })
	var once sync.Once
	return w.events, func() {
		once.Do(func() {
			r.post(func(l *loop) error { l.unwatch(id, w); return nil })
		})
	}
}

// post gives the loop a command whose outcome nobody waits for.
func (r *Router) post(f func(*loop) error) {
	select {
	case r.cmds <- &request{do: f, done: make(chan error, 1)}:
	case <-r.stopped:
	}
}

func (l *loop) watch(id contact.AgentID, w *watcher) error {
	a, err := l.agent(id)
	if err != nil {
		w.close()
		return err
	}
	l.begin(a, w)
	return nil
}

// begin tells a new watcher everything, once that may be told.
func (l *loop) begin(a *agent, w *watcher) {
	if a.unsaid > 0 || l.waits(a.heldTill) { // else it would hear twice what is not said yet
		l.later(&a.heldTill, func() { l.begin(a, w) })
		return
	}
	if w.closed {
		return
	}
	a.watchers = append(a.watchers, w)
	now := func(e AgentEvent) { l.fill(a, &e); l.tellOne(w, e) }
	now(AgentEvent{Kind: StateEvent})
	l.core.Has(a.handle, func(c core.Contact) bool {
		if t := l.tickets[c]; t.offer != nil {
			now(AgentEvent{Kind: OfferEvent, Offer: t.offer})
		} else {
			now(AgentEvent{Kind: ContactEvent, Contact: t.view()})
		}
		return true
	})
}

func (l *loop) unwatch(id contact.AgentID, w *watcher) {
	if a := l.agents[id]; a != nil {
		a.watchers = slices.DeleteFunc(a.watchers, func(x *watcher) bool { return x == w })
	}
	w.close()
}

func (w *watcher) close() {
	if !w.closed {
		w.closed = true
		close(w.events)
	}
}

// fill puts the agent's state of the moment into the event.
func (l *loop) fill(a *agent, e *AgentEvent) {
	e.Agent, e.State, e.Ready, e.Reason, e.Since = a.spec.ID, a.word(), a.ready, a.reason(), a.since
	e.Slots = l.slots(a)
}

func (l *loop) tellOne(w *watcher, e AgentEvent) {
	if w.closed {
		return
	}
	select {
	case w.events <- e:
	default:
		l.r.log.Warn("desk falls behind: it must watch again", "agent_id", e.Agent)
		w.close()
	}
}

// view is the contact as its agent sees it.
func (t *Ticket) view() *AgentContact {
	c := &AgentContact{ID: t.card.Contact, Card: t.card, Phase: t.state, Since: t.since, Result: t.result}
	if t.state == contact.WrapUp {
		c.WrapUpEnds = t.wrapEnds
	}
	return c
}

func (l *loop) slots(a *agent) []Slot {
	v := l.core.Agent(a.handle)
	list := make([]Slot, len(l.channels))
	for i, ch := range l.channels {
		list[i] = Slot{Channel: ch, Used: int(v.Count[i]), Max: int(a.caps[i]), Reachable: a.reach>>i&1 == 1}
	}
	return list
}

func (l *loop) closeWatchers() {
	for _, a := range l.byHandle {
		for _, w := range a.watchers {
			w.close()
		}
		a.watchers = nil
	}
}
