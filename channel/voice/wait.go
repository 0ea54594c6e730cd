package voice

import (
	"context"
	"errors"
	"slices"
	"time"

	"filo/contact"
	"filo/journey"
	"filo/measure"
	"filo/router"
)

// next is what follows after a call left the queue or the conversation.
type next int

const (
	over    next = iota
	toMenu       // the caller pressed the escape key, or was sent where nothing is
	toQueue      // the number that an agent had left the caller to does not answer
)

// serve places the call and waits with it until somebody has talked to the
// caller or the caller leaves.
func (k *call) serve(ctx context.Context, target contact.Target) next {
	// Before it is placed: who is offered the call may speak of it at once.
	commands, shut := k.c.inboxes.open(k.id)
	defer shut()
	since := k.c.now()
	ticket, target, err := k.place(ctx, target, since)
	switch {
	case err == nil:
	case ctx.Err() != nil:
		k.result = contact.Abandoned
		return over
	case errors.Is(err, router.ErrNoQueue) && k.rule != "": // a rule's queue does not exist: as if there were no rule
		k.log.Error("place call of a rule", "rule", k.rule, "queue", target.Queue, "error", err)
		return toMenu
	case errors.Is(err, router.ErrQueueFull): // turned away, as configured
		k.openSegment(target.Queue, since)
		k.closeSegment(contact.Overflowed)
		return over
	default:
		k.log.Error("place call", "queue", target.Queue, "error", err)
		k.result = contact.Failed
		return over
	}
	k.openSegment(target.Queue, since)
	k.music.start(ctx, k.log, k.ep, k.c.music)
	defer k.music.stop()
	w := waiting{k: k, ticket: ticket, commands: commands}
	defer func() { w.bell.stop(ctx, k) }()
	return w.run(ctx)
}

// place asks the router for an agent. A menu's choice that names a queue which
// does not exist goes to the fallback queue.
func (k *call) place(ctx context.Context, target contact.Target, now time.Time) (*router.Ticket, contact.Target, error) {
	if k.enqueued.IsZero() {
		k.enqueued = now
	}
	t, err := k.c.deps.Router.Place(ctx, k.request(target))
	if errors.Is(err, router.ErrNoQueue) && k.rule == "" {
		if instead, ok := k.fallback(ctx); ok {
			k.log.Error("no such queue; the call goes to another", "queue", target.Queue, "instead", instead.Queue)
			target = instead
			t, err = k.c.deps.Router.Place(ctx, k.request(target))
		}
	}
	if err == nil {
		k.enqueued = t.Enqueued() // older, if the number regained its place after a restart
	}
	return t, target, err //nolint:wrapcheck // names the contact
}

// request is what the router is asked for.
func (k *call) request(target contact.Target) router.Request {
	return router.Request{Target: target, EnqueuedAt: k.enqueued, Card: k.card(target)}
}

// card is what a desk shows of the call.
func (k *call) card(target contact.Target) *contact.Card {
	return &contact.Card{
		Contact: k.id, Channel: contact.Voice, Customer: k.context.Customer,
		Queue: target.Queue, Peer: k.peer, Arrived: k.leg.Info().Received,
		Context: k.context, SkippedIVR: k.skipped, Digits: slices.Clone(k.typed),
	}
}

// waiting is a call between Place and its end: in the queue, at an agent's
// bell, in conversation.
type waiting struct {
	k        *call
	ticket   *router.Ticket
	commands <-chan command
	early    []command        // came before the agent's acceptance was read
	bell     bell             // of an agent's SIP phone
	only     <-chan time.Time // until then the call is for the agent alone to whom it was transferred; nil: for everybody
	next     next             // what follows, once the call has left the queue
}

func (w *waiting) run(ctx context.Context) next {
	for {
		select {
		case <-ctx.Done():
			w.leave(ctx, contact.Abandoned)
			return over
		case key := <-w.k.digits:
			if w.escapes(key) {
				w.leave(ctx, contact.Transferred)
				return toMenu
			}
		case cmd := <-w.commands:
			if w.command(ctx, cmd) {
				return w.next
			}
		case a := <-w.bell.answers:
			w.bell.answered(ctx, w.k, a)
		case <-w.only:
			w.openToAll(ctx)
		case e, open := <-w.ticket.Events():
			if w.event(ctx, e, open) {
				return w.next
			}
		}
	}
}

// escapes reports whether key leads from the queue to the menu that was skipped.
func (w *waiting) escapes(key rune) bool {
	k := w.k
	if !k.skipped || k.c.cfg.Escape != string(key) {
		return false
	}
	k.c.deps.Journey.CountDecision(k.context.Decision.Rule, journey.Escaped)
	return true
}

// command reads what the router has told but this goroutine not yet seen: who
// was just told "accepted" may be quicker than the select. What is then still
// not the conversation's is refused.
func (w *waiting) command(ctx context.Context, cmd command) (ended bool) {
	w.early = append(w.early, cmd)
	defer func() {
		for _, cmd := range w.takeEarly() {
			cmd.done <- contact.ErrBadCommand
		}
	}()
	for {
		select {
		case e, open := <-w.ticket.Events():
			if w.event(ctx, e, open) {
				return true
			}
		default:
			return false
		}
	}
}

func (w *waiting) takeEarly() []command {
	early := w.early
	w.early = nil
	return early
}

// event reports whether the call is over.
func (w *waiting) event(ctx context.Context, e router.Event, open bool) (ended bool) {
	k := w.k
	switch {
	case !open, e.Kind == router.Closed: // the router gave the contact up
		k.closeSegment(contact.Failed)
		return true
	case e.Kind == router.Accepted:
		return w.accepted(ctx, e)
	case e.Kind == router.Offered:
		k.offered(e)
		w.bell.offered(ctx, k, e)
	case e.Kind == router.Moved: // by overflow, with its age
		k.segment.Queue = e.Queue
		k.note(noteQueued, e.Queue)
		k.c.deps.Measure.Record(k.segment)
	case e.Kind == router.Expired:
		k.segment.RONA++
		fallthrough
	default: // rejected, revoked: the place is kept
		k.note(noteOfferOver)
		k.c.deps.Measure.Record(k.segment)
		w.bell.stop(ctx, k)
		w.openToAll(ctx)
	}
	return false
}

// openToAll lets everybody of the queue have a call that was for one agent
// alone.
func (w *waiting) openToAll(ctx context.Context) {
	if w.only == nil {
		return
	}
	w.only = nil
	target := contact.Target{Queue: w.k.segment.Queue, Lang: w.k.lang()}
	if err := w.ticket.Move(ctx, target, contact.Voice); err != nil && ctx.Err() == nil {
		w.k.log.Warn("call is not for everybody", "error", err)
	}
}

// accepted connects the agent; it reports whether the call is over. A caller
// who has gone is first: the agent is free again at once. An agent who cannot
// be reached, or is lost, leaves the caller to the next, with the age and
// before all others.
func (w *waiting) accepted(ctx context.Context, e router.Event) (ended bool) {
	if ctx.Err() != nil {
		w.leave(ctx, contact.Abandoned)
		return true
	}
	w.only = nil
	w.k.note(noteAccepted, string(e.Agent))
	if p := w.bell.party(w.k, e); p != nil {
		return w.converse(ctx, p, e)
	}
	return w.again(ctx, e.Agent)
}

// converse lets caller and agent talk; it reports whether the call has left
// the queue for good.
func (w *waiting) converse(ctx context.Context, p *party, e router.Event) (ended bool) {
	k := w.k
	if err := k.pickUp(ctx); err != nil {
		k.log.Warn("answer caller", "error", err)
		p.release(ctx, k)
		w.leave(ctx, contact.Abandoned)
		return true
	}
	switch v := w.talk(ctx, p, e); v.end {
	case agentLost:
		k.closeSegment(contact.Transferred)
		k.openSegment(k.segment.Queue, k.c.now())
		k.music.start(ctx, k.log, k.ep, k.c.music)
		return w.again(ctx, k.agent)
	case handedOn:
		w.only = v.only
		k.music.start(ctx, k.log, k.ep, k.c.music)
		return false
	case unreached:
		w.next = toQueue
	case isOver, goesOn:
		w.finish(ctx, v.agent != nil)
	}
	return true
}

// again lets the call wait for another agent.
func (w *waiting) again(ctx context.Context, without contact.AgentID) (ended bool) {
	if err := w.ticket.Requeue(context.WithoutCancel(ctx), &without); err != nil {
		w.k.log.Error("requeue call without its agent", "agent_id", string(without), "error", err)
		w.leave(ctx, contact.Failed)
		return true
	}
	return false
}

// leave takes the call out of the queue, off an agent's bell, or from an agent
// whose acceptance came too late.
func (w *waiting) leave(ctx context.Context, r contact.Result) {
	w.bell.stop(ctx, w.k)
	if err := w.ticket.Withdraw(context.WithoutCancel(ctx), r); err != nil && !errors.Is(err, router.ErrStopped) {
		w.k.log.Warn("withdraw call", "error", err)
	}
	w.k.closeSegment(r)
}

// finish lets the caller go, starts the wrap-up of an agent who was there to
// the end and stamps its end when it comes, which is after the call itself is
// long gone.
func (w *waiting) finish(ctx context.Context, agent bool) {
	k := w.k
	ctx = context.WithoutCancel(ctx)
	k.letGo(ctx, "conversation over")
	if !agent {
		return
	}
	k.closeSegment(contact.Handled)
	if err := w.ticket.End(ctx, contact.Handled); err != nil && !errors.Is(err, router.ErrStopped) {
		k.log.Warn("end contact", "error", err)
	}
	k.c.stampWrapUp(k.id, w.ticket.Events())
}

// stampWrapUp notes when the wrap-up is over, unless the program stops first.
func (c *Conductor) stampWrapUp(id contact.ID, events <-chan router.Event) {
	c.after.Go(func() {
		for {
			select {
			case <-c.stop:
				return
			case e, open := <-events:
				if !open {
					return
				}
				if e.Kind == router.Closed {
					c.deps.Measure.Update(id, e.Agent, func(s *measure.Segment) { s.WrapUpEndAt = e.At })
				}
			}
		}
	})
}
