package voice

import (
	"context"
	"errors"
	"fmt"
	"time"

	"filo/contact"
	"filo/measure"
	"filo/router"
)

// consult is an agent's wish for help with a call: of an agent or a queue, who
// get it as an offer of its own, or of a number outside.
type consult struct {
	to    contact.Destination
	name  string // of the agent who was found
	stage contact.ConsultStage
	until time.Time // while it rings

	id     contact.ID     // of the contact that is offered; "" for a number
	ticket *router.Ticket // nil for a number
	shut   func()         // of the inbox
	bell   bell
	p      *party // who was found; nil while it rings

	segment measure.Segment // of the call, should the consulted go on with it
}

// events are those of the offer; nil without one.
func (x *consult) events() <-chan router.Event {
	if x == nil || x.ticket == nil {
		return nil
	}
	return x.ticket.Events()
}

// answers are those of a phone or number that rings.
func (x *consult) answers() <-chan ringAnswer {
	if x == nil {
		return nil
	}
	return x.bell.answers
}

// late reports whether it has rung for too long.
func (x *consult) late() bool {
	return x != nil && x.stage == contact.ConsultRinging && time.Now().After(x.until)
}

// stage is where a consultation stands, "" without one.
func (v *conversation) stage() contact.ConsultStage {
	if v.consult == nil {
		return ""
	}
	return v.consult.stage
}

// consulted is who was found, nil for nobody.
func (v *conversation) consulted() *party {
	if v.consult == nil {
		return nil
	}
	return v.consult.p
}

// consults begins a consultation: from now on the caller hears music.
func (v *conversation) consults(ctx context.Context, cmd contact.CallCommand) error {
	if v.consult != nil {
		return contact.ErrBadCommand
	}
	x, err := v.ask(ctx, cmd.To)
	if err != nil {
		return err
	}
	v.consult = x
	v.setHold(false) // it is the consultation that keeps the caller waiting
	v.k.note(noteConsult, kindOf(cmd.To))
	v.connect(ctx)
	return nil
}

// ask rings a number, or lets the router find who can help. A wish for help
// waits with the age of its call: somebody hears music meanwhile.
func (v *conversation) ask(ctx context.Context, to contact.Destination) (*consult, error) {
	k := v.k
	x := &consult{to: to, stage: contact.ConsultRinging, until: time.Now().Add(k.c.cfg.RingTime), shut: func() {}}
	if to.Number != "" {
		target, err := k.c.dial(to.Number)
		if err != nil {
			return nil, err
		}
		x.bell.ring(ctx, k, target, ringAnswer{}, "number")
		return x, nil
	}
	target, err := k.target(ctx, to)
	if err != nil {
		return nil, err
	}
	now, by := k.c.now(), v.agent.agent
	x.id = contact.NewID(now)
	card := k.card(target)
	card.Contact, card.Consult = x.id, &contact.ConsultOf{Contact: k.id, By: by, Name: k.c.deps.Agents.Name(by)}
	x.ticket, err = k.c.deps.Router.Place(ctx, router.Request{Card: card, Target: target, EnqueuedAt: k.enqueued})
	if err != nil {
		return nil, refusedTarget(err)
	}
	x.shut = k.c.inboxes.share(k.id, x.id)
	x.segment = measure.Segment{
		Contact: k.id, Channel: contact.Voice, Queue: target.Queue, ArrivedAt: k.leg.Info().Received, EnqueuedAt: now,
	}
	return x, nil
}

// target is where an agent or queue is reached by the router.
func (k *call) target(ctx context.Context, to contact.Destination) (contact.Target, error) {
	if to.Agent == "" {
		return contact.Target{Queue: to.Queue, Lang: k.lang()}, nil
	}
	state, err := k.c.deps.Router.AgentState(ctx, to.Agent)
	if err != nil || state == contact.LoggedOut {
		return contact.Target{}, contact.ErrNoTarget
	}
	return contact.Target{Queue: k.segment.Queue, Only: to.Agent, Lang: k.lang()}, nil
}

// refusedTarget is why the router would not take a call to a destination.
func refusedTarget(err error) error {
	for _, e := range []error{router.ErrNoQueue, router.ErrQueueFull, contact.ErrNoAgent} {
		if errors.Is(err, e) {
			return fmt.Errorf("%w: %w", contact.ErrNoTarget, err)
		}
	}
	return err
}

// consultTold follows the offer of a consultation.
func (v *conversation) consultTold(ctx context.Context, e router.Event, open bool) {
	x := v.consult
	switch {
	case !open, e.Kind == router.Closed: // the router gave it up
		x.ticket = nil
		v.consultedLeft(ctx)
	case e.Kind == router.Offered:
		v.consultOffered(ctx, e)
	case e.Kind == router.Accepted:
		v.consultAccepted(ctx, e)
	case e.Kind == router.Moved:
		x.segment.Queue = e.Queue
	default: // refused, not answered, taken back
		if e.Kind == router.Expired {
			x.segment.RONA++
		}
		x.name = ""
		x.bell.stop(ctx, v.k)
		if x.to.Agent != "" {
			v.consultedLeft(ctx)
		}
	}
}

func (v *conversation) consultOffered(ctx context.Context, e router.Event) {
	x, k := v.consult, v.k
	if v.agent.is(e.Agent) { // nobody is asked by oneself
		if err := k.c.deps.Router.Reject(ctx, e.Offer, e.Agent, "own call"); err != nil {
			k.log.Debug("refuse own consultation", "error", err)
		}
		return
	}
	x.name = k.c.deps.Agents.Name(e.Agent)
	x.segment.Offers++
	if x.segment.OfferedAt.IsZero() {
		x.segment.OfferedAt, x.segment.AlertedAt = e.At, e.At
	}
	x.bell.offered(ctx, k, e)
}

// consultAccepted connects the agent who takes the consultation. One who
// cannot be reached leaves it to the next of the queue.
func (v *conversation) consultAccepted(ctx context.Context, e router.Event) {
	x := v.consult
	if p := x.bell.party(v.k, e); p != nil {
		x.segment.Agent, x.segment.AnsweredAt = e.Agent, v.k.c.now()
		v.begin(ctx, p)
		return
	}
	if x.to.Agent == "" && x.ticket.Requeue(ctx, &e.Agent) == nil {
		return
	}
	v.consultedLeft(ctx)
}

// consultAnswered takes what a phone or number said.
func (v *conversation) consultAnswered(ctx context.Context, a ringAnswer) {
	x := v.consult
	switch {
	case !a.offer.IsZero():
		x.bell.answered(ctx, v.k, a)
	case a.err != nil:
		v.k.unanswered(ctx, a)
		v.consultedLeft(ctx)
	default:
		x.bell = bell{}
		v.begin(ctx, a.party())
	}
}

// begin lets the agent talk with who was found; where the agent has left, the
// caller.
func (v *conversation) begin(ctx context.Context, p *party) {
	v.consult.p, v.consult.stage = p, contact.ConsultTalking
	v.k.c.metrics.consults.WithLabelValues("answered").Inc()
	v.watch(ctx, p)
	v.connect(ctx)
	v.k.note(noteConsulting, v.role(p)...)
}

// consultedLeft ends a consultation that nobody here wished to end. A caller
// who hears music goes on doing so: the agent says when he or she is back.
func (v *conversation) consultedLeft(ctx context.Context) {
	alone, ringing := v.stage() == contact.ConsultTalking, v.stage() == contact.ConsultRinging
	if ringing {
		v.k.c.metrics.consults.WithLabelValues("unanswered").Inc()
	}
	v.endConsult(ctx)
	switch {
	case v.agent == nil && ringing:
		v.end = unreached
	case v.agent == nil:
		v.end = isOver
	default:
		v.setHold(alone || ringing || v.hold)
		v.connect(ctx)
	}
}

// endConsult gives back what the consultation holds. Who was consulted is free
// at once: there is nothing to wrap up.
func (v *conversation) endConsult(ctx context.Context) {
	x := v.consult
	v.consult, v.shown.consulted = nil, contact.CallState{}
	v.k.note(noteConsultOver)
	x.shut()
	x.bell.stop(ctx, v.k)
	if x.ticket != nil {
		err := x.ticket.Withdraw(context.WithoutCancel(ctx), contact.Handled)
		if err != nil && !errors.Is(err, router.ErrStopped) {
			v.k.log.Warn("withdraw consultation", "error", err)
		}
	}
	if x.p != nil {
		x.p.release(ctx, v.k)
	}
	v.endSecond(ctx)
}

// swaps goes between caller and consulted; from a conference to the consulted
// alone.
func (v *conversation) swaps(ctx context.Context, _ contact.CallCommand) error {
	switch v.stage() {
	case contact.ConsultTalking:
		return v.enter(ctx, contact.ConsultHeld)
	case contact.ConsultHeld, contact.ConsultConference:
		return v.enter(ctx, contact.ConsultTalking)
	case contact.ConsultRinging:
	}
	return contact.ErrBadCommand
}

func (v *conversation) confers(ctx context.Context, _ contact.CallCommand) error {
	if v.consulted() == nil || v.second != nil {
		return contact.ErrBadCommand
	}
	return v.enter(ctx, contact.ConsultConference)
}

func (v *conversation) enter(ctx context.Context, stage contact.ConsultStage) error {
	v.consult.stage = stage
	v.setHold(false)
	v.k.note(noteConsulting, string(stage))
	v.connect(ctx)
	return nil
}

// drops sends the consulted away; the agent is back with the caller.
func (v *conversation) drops(ctx context.Context, _ contact.CallCommand) error {
	if v.consult == nil {
		return contact.ErrBadCommand
	}
	if v.stage() == contact.ConsultRinging {
		v.k.c.metrics.consults.WithLabelValues("dropped").Inc()
	}
	v.endConsult(ctx)
	v.setHold(false)
	v.connect(ctx)
	return nil
}

func (v *conversation) completes(ctx context.Context, _ contact.CallCommand) error {
	if v.consulted() == nil {
		return contact.ErrBadCommand
	}
	return v.complete(ctx)
}

// complete is the attended transfer: the agent leaves, caller and consulted go
// on. An agent who was consulted has the call from now on; a number has it
// without one.
func (v *conversation) complete(ctx context.Context) error {
	x := v.consult
	if x.ticket == nil {
		return v.leaveTo(ctx, x, attended)
	}
	by := v.agent
	rest, err := v.ticket.TakeOver(context.WithoutCancel(ctx), x.ticket)
	if err != nil {
		v.k.log.Warn("attended transfer", "error", err)
		return contact.ErrBadCommand
	}
	v.k.transferred(attended, by.agent, contact.Destination{Agent: x.p.agent})
	v.agentIsDone()
	v.hold = false
	v.consult = nil
	v.clockHold()
	v.k.handedOver(rest)
	x.shut()
	v.agent, v.began, v.shown.call, v.shown.consulted = x.p, v.k.c.now(), contact.CallState{}, contact.CallState{}
	v.k.continueSegment(x.segment)
	v.endSecond(ctx)
	v.atPhone()
	by.release(ctx, v.k)
	v.connect(ctx)
	return nil
}

// kindOf is what a destination is, for metrics and the trace.
func kindOf(to contact.Destination) string {
	switch {
	case to.Agent != "":
		return "agent"
	case to.Queue != "":
		return "queue"
	}
	return "number"
}
