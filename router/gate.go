package router

import (
	"slices"
	"time"

	"filo/contact"
	"filo/router/core"
)

// gateTime is how long the owners of what waited before a restart have to
// place it again, before agents get offers.
const gateTime = time.Second

// gate keeps agents from being ready until what waited before the restart has
// its owners again, so that nothing is offered that nobody serves.
type gate struct {
	shut  bool
	ready []*agent // who asked to be, in order
}

// awaits lets the agent become ready when the gate opens.
func (g *gate) awaits(a *agent, reason string) {
	g.leaves(a)
	a.note = reason
	g.ready = append(g.ready, a)
}

// leaves takes that back.
func (g *gate) leaves(a *agent) {
	g.ready = slices.DeleteFunc(g.ready, func(x *agent) bool { return x == a })
}

// opening are the times at which the gate opens and agents who have not come
// back are signed out; nil when there is no need.
func (l *loop) opening() (gate, left <-chan time.Time) {
	if l.gate.shut {
		gate = time.After(gateTime)
	}
	if slices.ContainsFunc(l.byHandle, func(a *agent) bool { return a.absent }) {
		left = time.After(l.r.hold)
	}
	return gate, left
}

// openGate withdraws what nobody has placed again: it is over, or its owner
// comes later and brings its age. Then agents may be ready.
func (l *loop) openGate() {
	if !l.gate.shut {
		return
	}
	l.gate.shut = false
	n := 0
	for _, id := range l.r.past.orphans {
		if t := l.contacts[id]; t != nil && t.orphan() {
			_ = l.finish(t, contact.LostRestart) // it waits, so it can be
			n++
		}
	}
	if n > 0 {
		l.r.log.Info("contacts withdrawn that nobody owns after the restart", "count", n)
	}
	for _, a := range l.gate.ready {
		if err := l.apply(core.Command{Op: core.OpReady, Agent: a.handle}); err != nil {
			l.r.log.Warn("agent not ready", "agent_id", a.spec.ID, "error", err)
		}
	}
	l.gate.ready = nil
}

// signOutAbsent signs out who was signed in before the restart and has not
// come back; what was held for them goes on.
func (l *loop) signOutAbsent() {
	for _, a := range l.byHandle {
		if !a.absent {
			continue
		}
		a.absent = false
		if a.state == core.LoggedOut {
			continue
		}
		l.r.log.Info("agent did not come back after the restart", "agent_id", a.spec.ID)
		if err := l.apply(core.Command{Op: core.OpSignOut, Agent: a.handle}); err != nil {
			l.r.log.Error("agent not signed out", "agent_id", a.spec.ID, "error", err)
		}
	}
}

// orphan reports whether the contact is one of before the restart that nobody
// has placed again yet.
func (t *Ticket) orphan() bool { return t.events == nil && t.state == contact.Queued }

// adopt gives an orphan its owner. It keeps its place; only if it asks for
// something else than before, it is moved.
func (l *loop) adopt(t, orphan *Ticket, q *queue, target *contact.Target) error {
	t.handle, t.queue, t.channel, t.enqueued = orphan.handle, orphan.queue, orphan.channel, orphan.enqueued
	t.state, t.since = orphan.state, orphan.since
	overflowed := orphan.queue != q && orphan.target.Queue == target.Queue
	if !overflowed {
		t.joinQueue(q)
	}
	l.tickets[t.handle], l.contacts[t.card.Contact] = t, t
	t.placed = true
	v, cmd := l.core.Contact(t.handle), l.ask(t, core.OpMove, target)
	if overflowed {
		cmd.Plan = v.Plan
	}
	if target.Preferred == "" && v.Held { // the journal may know more than the owner
		cmd.Agent, cmd.Dur = v.Prefers, l.remaining(v)
	}
	if cmd.Type == v.Type && cmd.Plan == v.Plan && cmd.Priority == v.Priority && (cmd.Agent == v.Prefers || cmd.Agent == core.Nobody) {
		return nil
	}
	cmd.Tier = min(cmd.Tier, v.Tier)
	return l.apply(cmd)
}
