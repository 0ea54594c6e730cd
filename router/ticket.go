package router

import (
	"context"
	"errors"
	"fmt"
	"time"

	"filo/contact"
	"filo/router/core"
)

// Ticket is the owner's hold on a placed contact. Its methods are safe from
// any goroutine.
type Ticket struct {
	r      *Router
	events chan Event
	card   *contact.Card

	// The rest belongs to the loop.
	handle   core.Contact
	queue    *queue
	priority int16
	enqueued time.Time
	patience time.Duration
	state    contact.State
	since    time.Time // of state
	agent    *agent    // while offered, connected or in wrap-up
	offer    *Offer    // while offered
	wrapEnds time.Time
	result   contact.Result
	lost     bool // the owner does not read
}

// maxPosition bounds the counting of those before a contact.
const maxPosition = 1000

// eventsBuffered is how many events may wait for a ticket's owner. An offer
// makes two; an owner that far behind does not read at all.
const eventsBuffered = 8

// Place puts a contact into its queue and returns at once: what happens next
// comes as events. It returns an error for a queue or channel that is not
// configured, for a contact that is placed already, and ErrFull. A preferred
// agent who is not known is no error.
func (r *Router) Place(ctx context.Context, req Request) (*Ticket, error) {
	if req.Card == nil || req.Card.Contact == "" {
		return nil, fmt.Errorf("place: %w: no card", contact.ErrBadCommand)
	}
	t := &Ticket{r: r, events: make(chan Event, eventsBuffered), card: req.Card}
	err := r.do(ctx, func(l *loop) error { return l.place(t, &req) })
	if err != nil {
		return nil, fmt.Errorf("place contact %s: %w", req.Card.Contact, err)
	}
	return t, nil
}

func (l *loop) place(t *Ticket, req *Request) error {
	q := l.queueBy[req.Target.Queue]
	if q == nil {
		return fmt.Errorf("queue %q: %w", req.Target.Queue, ErrNoQueue)
	}
	ch, err := l.channel(t.card.Channel)
	if err != nil {
		return err
	}
	if l.contacts[t.card.Contact] != nil {
		return ErrAlreadyPlaced
	}
	if !l.newHandle(t) {
		return ErrFull
	}
	now := l.r.now()
	t.queue, t.enqueued = q, now
	if at := req.EnqueuedAt; !at.IsZero() && at.Before(now) {
		t.enqueued = at
	}
	plan := q.plan
	if len(req.Target.Skills) > 0 {
		plan = l.plan(l.requirements(q.needs, req.Target.Skills))
	}
	t.priority = int16(min(max(q.cfg.Priority+req.Target.Priority, -2*maxPriority), 2*maxPriority)) //nolint:gosec // clamped
	t.patience = workType(int(ch), l.r.cfg.Channels[t.card.Channel], q.cfg).Patience
	cmd := core.Command{
		Op: core.OpArrive, Contact: t.handle, Type: q.types[ch], Plan: plan, Tier: normalTier,
		Priority: t.priority, Time: l.nanos(t.enqueued), Agent: core.Nobody,
	}
	if a := l.agents[req.Target.Preferred]; a != nil {
		cmd.Agent, cmd.Dur = a.handle, int64(max(req.Target.Hold, 0))
		if cmd.Dur == 0 {
			cmd.Dur = int64(q.cfg.Hold)
		}
	}
	l.tickets[t.handle], l.contacts[t.card.Contact] = t, t
	return l.apply(cmd)
}

// normalTier leaves tier 0 to contacts that lost their agent.
const normalTier = 1

func (l *loop) newHandle(t *Ticket) bool {
	if n := len(l.idle); n > 0 {
		t.handle, l.idle = l.idle[n-1], l.idle[:n-1]
		return true
	}
	if len(l.tickets) >= l.r.cfg.MaxContacts {
		return false
	}
	t.handle = core.Contact(len(l.tickets)) //nolint:gosec // bounded above
	l.tickets = append(l.tickets, nil)
	return true
}

// move keeps the counts of the queue.
func (t *Ticket) move(to contact.State, now time.Time) {
	q := t.queue
	if t.state != "" {
		q.count[t.state]--
	}
	if to != contact.Closed {
		q.count[to]++
	}
	t.state, t.since = to, now
	q.depth.Set(float64(q.count[contact.Queued] + q.count[contact.Offered]))
}

// Contact names the contact.
func (t *Ticket) Contact() contact.ID { return t.card.Contact }

// Events tells what happens to the contact, in order. It is closed after the
// Closed event, which comes when wrap-up is over too. The router never waits
// for its reader: an owner that leaves 8 events unread loses the contact.
func (t *Ticket) Events() <-chan Event { return t.events }

// Position returns the place among the contacts of the same queue and channel
// (1 is next, 0 when it does not wait any more or an offer is pending) and the
// estimated wait, 0 while there is nothing to estimate it from.
func (t *Ticket) Position(ctx context.Context) (pos int, wait time.Duration, err error) {
	err = t.r.do(ctx, func(l *loop) error {
		if t.state == contact.Closed {
			return contact.ErrNoContact
		}
		pos = l.core.Position(t.handle, maxPosition)
		wait = time.Duration(pos) * t.queue.gap
		return nil
	})
	if err != nil {
		return 0, 0, fmt.Errorf("position of contact %s: %w", t.card.Contact, err)
	}
	return pos, wait, nil
}

// Withdraw takes the contact back because the customer has gone or left the
// queue. A pending offer is withdrawn and does not count against the agent. If
// an agent accepted it in the meantime, the agent is free at once, without
// wrap-up. Withdrawing a contact that is over does nothing.
func (t *Ticket) Withdraw(ctx context.Context, res contact.Result) error {
	return t.command(ctx, "withdraw", func(l *loop) error {
		if t.state == contact.Closed || t.state == contact.WrapUp {
			return nil
		}
		return l.finish(t, res)
	})
}

// finish closes a contact that is not closed, whatever its state.
func (l *loop) finish(t *Ticket, res contact.Result) error {
	t.result = res
	switch t.state {
	case contact.Queued, contact.Offered:
		return l.apply(core.Command{Op: core.OpWithdraw, Contact: t.handle})
	case contact.Connected:
		if err := l.apply(core.Command{Op: core.OpEnd, Contact: t.handle}); err != nil || t.state == contact.Closed {
			return err
		}
	}
	return l.apply(core.Command{Op: core.OpWrapEnd, Contact: t.handle})
}

// Requeue takes a connected contact from its agent, who was lost: it waits
// again, with its age and before all others. The agent has it no longer and no
// wrap-up for it. exclude, if not nil, is not offered it for a while.
func (t *Ticket) Requeue(ctx context.Context, exclude *contact.AgentID) error {
	return t.command(ctx, "requeue", func(l *loop) error {
		cmd := core.Command{Op: core.OpRequeue, Contact: t.handle, Agent: core.Nobody}
		if exclude != nil {
			if a := l.agents[*exclude]; a != nil {
				cmd.Agent = a.handle
			}
		}
		return t.open(l, cmd)
	})
}

// End says that the conversation of a connected contact is over; wrap-up
// starts. The Closed event follows when that is over.
func (t *Ticket) End(ctx context.Context, res contact.Result) error {
	return t.command(ctx, "end", func(l *loop) error {
		if t.state == contact.Connected {
			t.result = res
		}
		return t.open(l, core.Command{Op: core.OpEnd, Contact: t.handle})
	})
}

// open applies a command unless the contact is over: its handle may be
// another's by now.
func (t *Ticket) open(l *loop, cmd core.Command) error {
	if t.state == contact.Closed {
		return contact.ErrNoContact
	}
	return l.apply(cmd)
}

func (t *Ticket) command(ctx context.Context, what string, f func(*loop) error) error {
	err := t.r.do(ctx, f)
	if err == nil || errors.Is(err, ErrStopped) {
		return err
	}
	return fmt.Errorf("%s contact %s: %w", what, t.card.Contact, err)
}
