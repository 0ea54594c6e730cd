package router

import "slices"

// An acceptance is told only after its durable commit: to the contact's owner,
// to the agent's desks and to who asked for it. The loop itself goes on: what
// it has to say waits in one line for the journal, so that each contact and
// each agent hears everything in the order of the loop. Nothing else waits.
type holder struct {
	held    []held
	settled uint64 // what waits for no more than this record has been said
	answer  uint64 // record that the answer to the present request waits for
}

type held struct {
	seq uint64 // never less than that of the one before it
	say func()
}

// commit lets what is told of a contact and its agent wait for the acceptance
// that the last command was.
func (l *loop) commit(t *Ticket, a *agent) {
	settled := l.journal.Settled()
	if settled >= l.seq { // no journal, or it is degraded
		l.release()
		return
	}
	l.settled = min(l.settled, settled) // it may just have recovered
	t.heldTill, a.heldTill, l.answer = l.seq, l.seq, l.seq
	l.journal.Sync(l.seq)
}

// waits reports whether what is to be said after the record must wait for it.
func (l *loop) waits(seq uint64) bool { return seq > l.settled }

// later puts something at the end of the line. till is raised to where that is,
// so that nothing said of the same later overtakes it; the answer to who
// caused it comes after it.
func (l *loop) later(till *uint64, say func()) {
	if n := len(l.held); n > 0 {
		*till = max(*till, l.held[n-1].seq)
	}
	l.held = append(l.held, held{seq: *till, say: say})
	l.answer = max(l.answer, *till)
}

// release says what no longer needs to wait.
func (l *loop) release() {
	l.settled = l.journal.Settled()
	n := 0
	for n < len(l.held) && !l.waits(l.held[n].seq) {
		l.held[n].say()
		n++
	}
	l.held = slices.Delete(l.held, 0, n)
}

// serve answers a request.
func (l *loop) serve(q *request) {
	l.answer = 0
	err := q.do(l)
	if till := l.answer; l.waits(till) {
		l.later(&till, func() { q.done <- err })
		return
	}
	q.done <- err
}

// send tells the contact's owner, if it has one.
func (l *loop) send(t *Ticket, e Event) {
	if l.waits(t.heldTill) {
		l.later(&t.heldTill, func() { l.deliver(t, e) })
		return
	}
	l.deliver(t, e)
}

// deliver never blocks: an owner who does not read loses the contact. The last
// event closes the channel.
func (l *loop) deliver(t *Ticket, e Event) {
	if t.events == nil {
		return
	}
	select {
	case t.events <- e:
	default:
		if !t.lost {
			t.lost = true
			l.stuck = append(l.stuck, t)
		}
	}
	if e.Kind == Closed {
		close(t.events)
	}
}

// tell sends the event, with the state of the moment, to all who follow the
// agent.
func (l *loop) tell(a *agent, e AgentEvent) {
	if len(a.watchers) == 0 {
		return // who comes later is told everything
	}
	l.fill(a, &e)
	if l.waits(a.heldTill) {
		a.unsaid++
		l.later(&a.heldTill, func() { a.unsaid--; l.tellAll(a, e) })
		return
	}
	l.tellAll(a, e)
}

func (l *loop) tellAll(a *agent, e AgentEvent) {
	for _, w := range a.watchers {
		l.tellOne(w, e)
	}
	a.watchers = slices.DeleteFunc(a.watchers, func(w *watcher) bool { return w.closed })
}

func (l *loop) tellContact(a *agent, t *Ticket) {
	if len(a.watchers) > 0 {
		l.tell(a, AgentEvent{Kind: ContactEvent, Contact: t.view()})
	}
}
