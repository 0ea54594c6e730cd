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
	channel  core.Channel
	target   contact.Target
	priority int16
	tier     uint8 // that it asked for last
	enqueued time.Time
	patience time.Duration
	state    contact.State
	since    time.Time // of state
	agent    *agent    // while offered, connected or in wrap-up
	offer    *Offer    // while offered
	wrapEnds time.Time
	result   contact.Result
	wrapAsk  time.Duration // wrap-up that the agent asked for, where it is optional
	placed   bool          // Place has returned it
	full     bool          // turned away
	lost     bool          // the owner does not read
	heldTill uint64        // what is told of the contact waits for this record
}

// maxPosition bounds the counting of those before a contact.
const maxPosition = 1000

// eventsBuffered is how many events may wait for a ticket's owner. An offer
// makes two; an owner that far behind does not read at all.
const eventsBuffered = 8

// Place puts a contact into its queue and returns at once: what happens next
// comes as events. It returns an error for a queue or channel that is not
// configured, for a contact that is placed already, and ErrFull. A preferred
// agent who is not known is no error; Target.Only must be known. A contact of
// which only an agent's wrap-up is left may be placed again.
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
	q, err := l.aim(&req.Target)
	if err != nil {
		return err
	}
	ch, err := l.channel(t.card.Channel)
	if err != nil {
		return err
	}
	if g := l.contacts[t.card.Contact]; g != nil && g.state != contact.WrapUp {
		if !g.orphan() || g.channel != ch {
			return ErrAlreadyPlaced
		}
		return l.adopt(t, g, q, &req.Target)
	}
	if !l.newHandle(t) {
		return ErrFull
	}
	now := l.r.now()
	t.queue, t.channel, t.enqueued = q, ch, now
	if at := req.EnqueuedAt; !at.IsZero() && at.Before(now) {
		t.enqueued = at
	}
	cmd := l.ask(t, core.OpArrive, &req.Target)
	if p, ok := l.regain(t.card, now); ok {
		t.enqueued, cmd.Tier = l.time(p.Enqueued), min(cmd.Tier, p.Tier)
	}
	cmd.Time = l.nanos(t.enqueued)
	l.tickets[t.handle], l.contacts[t.card.Contact] = t, t
	l.noteContact(t)
	if err := l.apply(cmd); err != nil {
		return err
	}
	l.answer = 0 // to whom the contact is offered may have to wait; its owner need not
	if t.full {
		return fmt.Errorf("queue %q: %w", t.queue.name, ErrQueueFull)
	}
	t.placed = true
	return nil
}

// aim finds the queue of a target.
func (l *loop) aim(target *contact.Target) (*queue, error) {
	q := l.queueBy[target.Queue]
	if q == nil {
		return nil, fmt.Errorf("queue %q: %w", target.Queue, ErrNoQueue)
	}
	if id := target.Only; id != "" {
		if _, err := l.known(id); err != nil {
			return nil, err
		}
	}
	return q, nil
}

// ask is the command that lets a contact ask for a target in its queue.
func (l *loop) ask(t *Ticket, op core.Op, target *contact.Target) core.Command {
	q := t.queue
	t.target = *target
	t.priority = int16(min(max(q.cfg.Priority+target.Priority, -2*maxPriority), 2*maxPriority)) //nolint:gosec // clamped
	t.patience = l.core.Settings(q.types[t.channel]).Patience
	t.tier = q.tier()
	cmd := core.Command{
		Op: op, Contact: t.handle, Type: q.types[t.channel], Plan: q.plan, Tier: q.tier(), Priority: t.priority,
		Agent: core.Nobody,
	}
	if a := l.agents[target.Only]; a != nil {
		cmd.Plan = l.plan([]core.Step{{Agents: []core.Agent{a.handle}}})
		return cmd
	}
	if len(target.Skills) > 0 {
		cmd.Plan = l.planFor(q.cfg, target.Skills)
	}
	if target.Preferred == "" {
		return cmd
	}
	cmd.Dur = int64(max(target.Hold, 0))
	if cmd.Dur == 0 {
		cmd.Dur = int64(q.cfg.Hold)
	}
	if a := l.agents[target.Preferred]; a != nil {
		cmd.Agent = a.handle
	} else if cmd.Dur > 0 {
		cmd.Agent = noSuchAgent // the hold is over at once, with what follows from that
	}
	return cmd
}

// noSuchAgent is a handle that no agent has.
const noSuchAgent = core.Agent(maxAgents)

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
	t.leaveQueue()
	if to != contact.Closed {
		t.queue.count[to]++
	}
	t.state, t.since = to, now
	t.queue.showDepth()
}

// leaveQueue takes the contact from the counts of its queue.
func (t *Ticket) leaveQueue() {
	if t.state != "" {
		t.queue.count[t.state]--
		t.queue.showDepth()
	}
}

// joinQueue lets the contact count for another queue.
func (t *Ticket) joinQueue(q *queue) {
	t.leaveQueue()
	t.queue = q
	if t.state != "" {
		q.count[t.state]++
		q.showDepth()
	}
}

func (q *queue) showDepth() {
	q.depth.Set(float64(q.count[contact.Queued] + q.count[contact.Offered]))
}

// Contact names the contact.
func (t *Ticket) Contact() contact.ID { return t.card.Contact }

// Enqueued is when the contact began to wait, for its place: the age that it
// brought along counts, and that of a place which it had before a restart.
func (t *Ticket) Enqueued() time.Time { return t.enqueued }

// Events tells what happens to the contact, in order. It is closed after the
// Closed event, which comes when wrap-up is over too. The router never waits
// for its reader: an owner that leaves 8 events unread loses the contact.
func (t *Ticket) Events() <-chan Event { return t.events }

// Position returns the place among the contacts of the same queue and channel
// (1 is next, 0 when it does not wait any more or an offer is pending; 1,000
// stands for more, too) and the estimated wait, 0 while there is nothing to estimate it from.
func (t *Ticket) Position(ctx context.Context) (pos int, wait time.Duration, err error) {
	err = t.r.do(ctx, func(l *loop) error {
		if t.state == contact.Closed {
			return contact.ErrNoContact
		}
		pos = l.core.Position(t.handle, maxPosition)
		wait = t.queue.forecast[t.channel].wait(pos, l.r.now())
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
	case contact.Connected, contact.Parked:
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
		return t.open(l, core.Command{Op: core.OpEnd, Contact: t.handle, Dur: int64(t.wrapAsk)})
	})
}

// Move gives a contact another target, and keeps its place. Another channel
// than that of its card is possible while it waits: a caller who leaves a
// number waits on as a callback. An offer or conversation goes on.
func (t *Ticket) Move(ctx context.Context, target contact.Target, ch contact.Channel) error {
	return t.command(ctx, "move", func(l *loop) error {
		i, err := l.channel(ch)
		if err != nil {
			return err
		}
		return l.redirect(t, core.OpMove, &target, i)
	})
}

func (l *loop) redirect(t *Ticket, op core.Op, target *contact.Target, ch core.Channel) error {
	return l.address(t, target, ch, func() core.Command { return l.ask(t, op, target) })
}

// address lets the contact count for the queue of a target, and applies the
// command that takes it there.
func (l *loop) address(t *Ticket, target *contact.Target, ch core.Channel, ask func() core.Command) error {
	q, err := l.aim(target)
	if err != nil {
		return err
	}
	was, channel, before := t.queue, t.channel, t.target
	t.joinQueue(q)
	t.channel = ch
	if err = t.open(l, ask()); err != nil { // nothing happened: back again
		t.joinQueue(was)
		t.channel = channel
		l.ask(t, core.OpMove, &before)
	}
	return err
}

// Park lets the agent keep a connected contact for work that goes on in days:
// it takes no capacity until Resume.
func (t *Ticket) Park(ctx context.Context) error {
	return t.command(ctx, "park", func(l *loop) error {
		return t.open(l, core.Command{Op: core.OpPark, Contact: t.handle})
	})
}

// Resume takes the capacity for a parked contact again; contact.ErrBadCommand
// if its agent has no room for it, or is not signed in.
func (t *Ticket) Resume(ctx context.Context) error {
	return t.command(ctx, "resume", func(l *loop) error {
		return t.open(l, core.Command{Op: core.OpResume, Contact: t.handle})
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
