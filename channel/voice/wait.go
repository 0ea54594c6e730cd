package voice

import (
	"context"
	"time"

	"filo/contact"
	"filo/journey"
	"filo/measure"
	"filo/router"
)

// next is what follows after a call left the queue or the conversation.
type next int

const (
	over   next = iota
	toMenu      // the caller pressed the escape key while waiting
)

// serve places the call and waits with it until somebody talks to the caller
// or the caller leaves.
func (k *call) serve(ctx context.Context, target contact.Target) next {
	if k.enqueued.IsZero() {
		k.enqueued = k.c.now()
	}
	k.target = target
	k.result = contact.Abandoned
	ticket, err := k.c.deps.Router.Place(ctx, k.request(target))
	if err != nil {
		k.log.Error("place call in queue", "queue", target.Queue, "error", err)
		k.result = contact.Failed
		return over
	}
	k.segment = measure.Segment{
		Contact: k.id, Channel: contact.Voice, Queue: target.Queue,
		ArrivedAt: k.leg.Info().Received, EnqueuedAt: k.enqueued,
		SkippedIVR: k.skipped, Rule: k.segment.Rule,
	}
	if k.skipped {
		k.segment.Rule = k.context.Decision.Rule
	}
	k.c.deps.Measure.Record(k.segment)
	k.music.start(ctx, &k.wg, k.log, k.ep, k.c.music)
	defer k.music.stop()
	w := waiting{k: k, ticket: ticket, ring: noRing()}
	defer w.ring.stop()
	return w.run(ctx)
}

// waiting is a call between Place and its end: in the queue, at an agent's
// bell, in conversation.
type waiting struct {
	k      *call
	ticket *router.Ticket
	ring   *ring // of an agent's SIP phone; never nil
}

func (w *waiting) run(ctx context.Context) next {
	k := w.k
	for {
		select {
		case <-ctx.Done():
			w.withdraw(ctx, contact.Abandoned)
			return over
		case key := <-k.digits:
			if k.skipped && k.c.cfg.Escape == string(key) {
				k.c.deps.Journey.CountDecision(k.context.Decision.Rule, journey.Escaped)
				w.withdraw(ctx, contact.Transferred)
				return toMenu
			}
		case cmd := <-k.commands:
			cmd.done <- contact.ErrBadCommand
		case a := <-w.ring.answers:
			w.phoneAnswered(ctx, a)
		case e, open := <-w.ticket.Events():
			if !open {
				k.result = contact.Failed
				return over
			}
			if w.event(ctx, e) {
				return over
			}
		}
	}
}

// event reports whether the conversation took place and the call is over.
func (w *waiting) event(ctx context.Context, e router.Event) bool {
	k := w.k
	switch e.Kind {
	case router.Offered:
		k.offered(e)
		if k.c.deps.Agents.Phone(e.Agent) {
			w.ring = k.ringPhone(ctx, e)
		}
	case router.Rejected, router.Expired, router.Revoked:
		if e.Kind == router.Expired {
			k.segment.RONA++
		}
		w.ring.stop()
	case router.Accepted:
		return w.accepted(ctx, e)
	case router.Closed:
		return true
	}
	return false
}

func (k *call) offered(e router.Event) {
	k.segment.Offers++
	if k.segment.OfferedAt.IsZero() {
		k.segment.OfferedAt = e.At
		k.segment.AlertedAt = e.At
		if k.skipped {
			k.c.metrics.inviteToOffer.Observe(e.At.Sub(k.leg.Info().Received).Seconds())
		}
	}
	k.c.deps.Measure.Record(k.segment)
}

// phoneAnswered takes what an agent's SIP phone said: its 200 is the
// acceptance, anything else the refusal. The router orders it against expiry
// and the caller's end; a phone that comes second is hung up unpenalised.
func (w *waiting) phoneAnswered(ctx context.Context, a ringAnswer) {
	k, r := w.k, w.k.c.deps.Router
	if a.err != nil {
		w.ring = noRing()
		k.c.metrics.phone.WithLabelValues("refused").Inc()
		if err := r.Reject(ctx, a.offer, a.agent, "phone"); err != nil {
			k.log.Debug("refusal came late", "offer_id", a.offer.String(), "error", err)
		}
		return
	}
	if err := r.Accept(ctx, a.offer, a.agent); err != nil {
		k.log.Debug("answer came late", "offer_id", a.offer.String(), "error", err)
		k.c.metrics.phone.WithLabelValues("late").Inc()
		a.close(context.WithoutCancel(ctx), k.log)
		w.ring = noRing()
		return
	}
	k.c.metrics.phone.WithLabelValues("answered").Inc()
	w.ring.answered = &a
}

// accepted connects the agent; it reports whether the call is over. A browser
// line that vanished between acceptance and now sends the call on with its age.
func (w *waiting) accepted(ctx context.Context, e router.Event) bool {
	p := w.party(e)
	if p == nil {
		if err := w.ticket.Requeue(ctx, &e.Agent); err != nil {
			w.k.log.Error("requeue call whose agent has no line", "agent_id", string(e.Agent), "error", err)
			return true
		}
		return false
	}
	if lost := w.k.talk(ctx, p, e); lost {
		w.k.music.start(ctx, &w.k.wg, w.k.log, w.k.ep, w.k.c.music)
		if err := w.ticket.Requeue(ctx, &e.Agent); err != nil {
			w.k.log.Error("requeue call whose agent was lost", "agent_id", string(e.Agent), "error", err)
			return true
		}
		return false
	}
	w.finish(ctx)
	return true
}

// finish starts the agent's wrap-up and stamps its end when it comes, which
// is after the call itself is long gone.
func (w *waiting) finish(ctx context.Context) {
	k := w.k
	if err := w.ticket.End(context.WithoutCancel(ctx), contact.Handled); err != nil {
		k.log.Warn("end contact", "error", err)
	}
	k.result = contact.Handled
	c, id, events := k.c, k.id, w.ticket.Events()
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
					c.deps.Measure.Update(id, func(s *measure.Segment) { s.WrapUpEndAt = e.At })
				}
			}
		}
	})
}

func (w *waiting) withdraw(ctx context.Context, r contact.Result) {
	if err := w.ticket.Withdraw(context.WithoutCancel(ctx), r); err != nil {
		w.k.log.Warn("withdraw call", "error", err)
	}
}

// since is how long ago t was, 0 for a zero t.
func since(now, t time.Time) time.Duration {
	if t.IsZero() {
		return 0
	}
	return now.Sub(t)
}
