package router

import (
	"context"

	"filo/contact"
	"filo/router/core"
)

// Transfer takes a connected or parked contact from its agent to a target. It
// keeps its age and is not offered to that agent again for a while, unless the
// target prefers the agent.
//
// The agent who had it connected has the wrap-up of the queue that it was in.
// rest is the Ticket of that wrap-up, of which only the Closed event comes; nil
// when there is none.
func (t *Ticket) Transfer(ctx context.Context, target contact.Target) (rest *Ticket, err error) {
	err = t.command(ctx, "transfer", func(l *loop) (err error) {
		rest, err = l.transfer(t, &target)
		return err
	})
	return rest, err
}

// TakeOver lets the agent who has from, a consultation about t, go on with t
// itself. from is over. The agent who had t has wrap-up, with rest as of
// Transfer. Both must be connected, to two agents; t keeps its age and is of
// the queue of from now.
func (t *Ticket) TakeOver(ctx context.Context, from *Ticket) (rest *Ticket, err error) {
	err = t.command(ctx, "take over", func(l *loop) (err error) {
		rest, err = l.takeOver(t, from)
		return err
	})
	return rest, err
}

func (l *loop) transfer(t *Ticket, target *contact.Target) (rest *Ticket, err error) {
	if t.state != contact.Connected {
		return nil, l.redirect(t, core.OpTransfer, target, t.channel)
	}
	rest = t.leftFor(t.agent)
	if !l.newHandle(rest) {
		return nil, ErrFull
	}
	l.tickets[rest.handle] = rest
	l.noteContact(rest)
	err = l.address(t, target, t.channel, func() core.Command {
		cmd := l.ask(t, core.OpHandOver, target)
		cmd.Other, cmd.Time = rest.handle, int64(t.wrapAsk)
		return cmd
	})
	if rest.state == "" { // it failed, or there is no wrap-up
		l.forget(rest)
		return nil, err
	}
	return rest, nil
}

// leftFor is the Ticket of what is left of a contact for an agent.
func (t *Ticket) leftFor(a *agent) *Ticket {
	return &Ticket{
		r: t.r, events: make(chan Event, eventsBuffered), card: t.card, agent: a, queue: t.queue, channel: t.channel,
		target: t.target, priority: t.priority, enqueued: t.enqueued, patience: t.patience, result: contact.Transferred,
		heldTill: t.heldTill, placed: true,
	}
}

// takeOver exchanges the handles of the two contacts: to the core, the agent
// who consulted ends the call, and who was consulted has it already.
func (l *loop) takeOver(t, from *Ticket) (*Ticket, error) {
	if t.state != contact.Connected || from.state != contact.Connected || t.channel != from.channel || t.agent == from.agent {
		return nil, contact.ErrBadCommand
	}
	now, heir := l.r.now(), from.agent
	rest := t.leftFor(t.agent)
	rest.handle, rest.state, rest.since = t.handle, t.state, t.since // with t's place among the connected
	t.handle, t.agent, t.queue, t.state = from.handle, heir, from.queue, ""
	t.heldTill = max(t.heldTill, from.heldTill)
	l.tickets[rest.handle], l.tickets[t.handle] = rest, t
	l.noteContact(t)

	from.move(contact.Closed, now)
	delete(l.contacts, from.card.Contact)
	l.send(from, Event{Kind: Closed, At: now, Agent: heir.spec.ID})
	l.tellTaken(heir, from)
	t.move(contact.Connected, now)
	l.tellContact(heir, t)
	// What the consultation asked for does not matter any more: lost again, the
	// call is for everybody of the queue.
	if err := l.apply(l.ask(t, core.OpMove, &contact.Target{Queue: t.queue.name, Lang: t.target.Lang})); err != nil {
		return nil, err
	}
	if err := l.apply(core.Command{Op: core.OpEnd, Contact: rest.handle, Dur: int64(t.wrapAsk)}); err != nil {
		return nil, err
	}
	t.wrapAsk = 0
	if rest.state != contact.WrapUp {
		return nil, nil
	}
	return rest, nil
}

// tellTaken says that the agent has a contact no longer, and nothing of it.
func (l *loop) tellTaken(a *agent, t *Ticket) {
	v := t.view()
	v.Phase = contact.Queued
	l.tell(a, AgentEvent{Kind: ContactEvent, Contact: v})
}

// had finds a contact among those of an agent: who handed one on wraps it up
// while it goes on elsewhere. One in the given state comes first.
func (l *loop) had(a *agent, id contact.ID, state contact.State) (*Ticket, error) {
	var found *Ticket
	l.core.Has(a.handle, func(c core.Contact) bool {
		if t := l.tickets[c]; t.card.Contact == id && (found == nil || t.state == state) {
			found = t
		}
		return true
	})
	switch {
	case found != nil:
		return found, nil
	case l.contacts[id] != nil:
		return nil, contact.ErrNotYours
	}
	return nil, contact.ErrNoContact
}

// forget frees the handle of a contact.
func (l *loop) forget(t *Ticket) {
	l.tickets[t.handle] = nil
	l.idle = append(l.idle, t.handle)
	if l.contacts[t.card.Contact] == t {
		delete(l.contacts, t.card.Contact)
	}
	l.note(contactNote, uint32(t.handle), "")
}
