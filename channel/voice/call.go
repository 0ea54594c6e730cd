package voice

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"filo/contact"
	"filo/ivr"
	"filo/journey"
	"filo/measure"
	"filo/media"
	"filo/router"
	"filo/sip"
)

// call is one customer's call. Only its own goroutine touches it.
type call struct {
	c    *Conductor
	id   contact.ID
	leg  *sip.Leg
	ep   media.Endpoint
	room *media.Room
	log  *slog.Logger

	number  Number
	context contact.Context
	card    *contact.Card // what the last Place was given
	typed   []string      // choices made in the flow
	skipped bool          // the flow was not run
	target  contact.Target

	enqueued time.Time // the first Place: the age that the caller keeps
	segment  measure.Segment
	talked   time.Duration
	result   contact.Result

	digits   chan rune
	commands chan command
	wg       sync.WaitGroup // music, digits, ringing phones
	music    player
}

var (
	errMaxCall  = errors.New("call reached its maximum duration")
	errNoMedia  = errors.New("no audio from the caller")
	errFinished = errors.New("call finished")
)

// serveCall conducts one customer's call.
func (c *Conductor) serveCall(ctx context.Context, leg *sip.Leg) {
	k := c.newCall(leg)
	ctx, stop := context.WithTimeoutCause(ctx, c.cfg.MaxCall, errMaxCall)
	defer stop()
	ctx, cancel := context.WithCancelCause(ctx)
	defer k.wg.Wait()
	defer cancel(errFinished)

	k.arrived(ctx)
	if err := k.answer(ctx); err != nil {
		k.refuse(ctx, err)
		return
	}
	defer closeEndpoint(k.log, k.ep)
	c.register(k.id, k.commands)
	defer c.unregister(k.id)
	c.metrics.calls.Inc()
	defer c.metrics.calls.Dec()

	k.wg.Go(func() { k.pumpDigits(ctx) })
	k.wg.Go(func() { k.watchMedia(ctx, cancel) })
	k.run(ctx)
	k.end(ctx)
}

func (c *Conductor) newCall(leg *sip.Leg) *call {
	info := leg.Info()
	k := &call{
		c: c, id: contact.NewID(info.Received), leg: leg, room: c.deps.Media.NewRoom(),
		number:   c.cfg.Numbers[info.Called],
		digits:   make(chan rune, 32),
		commands: make(chan command),
		result:   contact.InFlowEnd,
	}
	k.log = c.log.With("call_id", leg.ID(), "contact_id", string(k.id))
	return k
}

// caller is the calling number as the network gave it; "" when it was withheld
// and for browser callers, whose one-time name is no number.
func (k *call) caller() string {
	if info := k.leg.Info(); info.User == "" {
		return info.From
	}
	return ""
}

// arrived asks the journey who this is, before the phone is answered.
func (k *call) arrived(ctx context.Context) {
	info := k.leg.Info()
	trunk := k.c.trunks[info.Trunk]
	k.context = k.c.deps.Journey.Arrived(ctx, journey.Arrival{
		Contact: k.id, Caller: k.caller(), Called: info.Called,
		Trunk: info.Trunk, Trusted: trunk.Trusted, Region: trunk.Region,
		Attestation: info.Attestation, Withheld: info.Withheld,
		Token: info.Headers[headerToken], At: info.Received,
	})
	d := k.context.Decision
	k.log.Debug("call arrived", "trunk", info.Trunk, "context", string(k.context.Status), "tier", k.context.Tier.String(),
		"confidence", k.context.Confidence, "action", string(d.Action), "rule", d.Rule, "weaker", d.Weaker, "took", k.context.Took.String())
}

// headerToken carries the click-to-call token of a browser caller.
const headerToken = "X-Filo-Token"

// answer takes the caller's offer, or makes ours when the INVITE had none,
// and answers the call.
func (k *call) answer(ctx context.Context) (err error) {
	opts := media.Options{Label: k.leg.ID(), Source: sourceOf(k.leg.Info())}
	var sdp []byte
	late := len(k.leg.Offer()) == 0
	if late {
		k.ep, sdp, err = k.c.deps.Media.Offer(ctx, opts, media.RTP)
	} else {
		k.ep, sdp, err = k.c.deps.Media.Answer(ctx, k.leg.Offer(), opts)
	}
	if err != nil {
		return err
	}
	k.leg.OnReoffer(k.ep.Reoffer)
	if err := k.leg.Answer(ctx, sdp); err != nil {
		closeEndpoint(k.log, k.ep)
		return err
	}
	k.c.metrics.setup.Observe(k.c.now().Sub(k.leg.Info().Received).Seconds())
	if late {
		return k.acceptLate(ctx)
	}
	return nil
}

// acceptLate takes the answer that comes with the ACK (RFC 3261 13.2.1).
func (k *call) acceptLate(ctx context.Context) error {
	sdp, err := k.leg.RemoteAnswer(ctx)
	if err == nil {
		err = k.ep.Accept(sdp)
	}
	if err != nil {
		closeEndpoint(k.log, k.ep)
	}
	return err
}

// refuse ends a call that could not be answered.
func (k *call) refuse(ctx context.Context, err error) {
	k.c.metrics.results.WithLabelValues(string(contact.Failed)).Inc()
	k.log.Warn("call not answered", "error", err)
	reject(context.WithoutCancel(ctx), k.log, k.leg, statusOf(err), "")
}

// statusOf adds to sip's mapping what media says of a description: sip knows
// nothing of media.
func statusOf(err error) int {
	switch {
	case errors.Is(err, media.ErrBadSDP):
		return 400
	case errors.Is(err, media.ErrNotAcceptable):
		return 488
	case errors.Is(err, media.ErrNoPorts), errors.Is(err, media.ErrClosed):
		return 503
	}
	return sip.StatusOf(err)
}

// run leads the call from its first prompt to its last word: flow, queue,
// talk, and again when the caller wishes to return to the menu.
func (k *call) run(ctx context.Context) {
	target, ok := k.plan(ctx)
	for ok {
		switch k.serve(ctx, target) {
		case toMenu:
			k.skipped = false
			target, ok = k.menu(ctx)
		case over:
			return
		}
	}
}

// plan decides between the skip, the question and the menu.
func (k *call) plan(ctx context.Context) (contact.Target, bool) {
	d := k.context.Decision
	if k.number.Skip != nil && !*k.number.Skip {
		return k.menu(ctx)
	}
	switch d.Action {
	case contact.Skip:
		k.skipped = true
		return d.Target, true
	case contact.Ask:
		choice, err := ivr.Ask(ctx, k.port(), d.Choices, k.lang())
		if err != nil {
			return contact.Target{}, false
		}
		if choice != nil {
			k.typed = append(k.typed, "reason="+choice.Reason)
			k.segment.Rule = choice.Rule
			return choice.Target, true
		}
	case contact.Menu:
	}
	return k.menu(ctx)
}

// menu runs the flow of the called number. ok is false when the call is over.
func (k *call) menu(ctx context.Context) (t contact.Target, ok bool) {
	name := k.number.Flow
	if name == "" {
		name = k.c.cfg.DefaultFlow
	}
	info := k.leg.Info()
	out, err := ivr.Run(ctx, k.c.deps.Flows[name], k.port(), ivr.Env{
		Caller: ivr.Caller{
			Number: k.caller(), Name: info.FromName, Called: info.Called, Trunk: info.Trunk,
			Attestation: info.Attestation, Withheld: info.Withheld,
		},
		Context: k.context, Now: k.c.now(), Lang: k.lang(),
	})
	k.typed = append(k.typed, out.Digits...)
	for _, e := range out.Unplayed {
		k.log.Warn("prompt not played", "error", e)
	}
	switch {
	case ctx.Err() != nil:
		return t, false
	case err != nil:
		k.log.Error("flow failed", "flow", name, "error", err)
		k.result = contact.Failed
		return t, false
	case out.Kind != ivr.Enqueue:
		if out.Kind == ivr.Transfer {
			k.log.Warn("flow asks for a transfer to a number, which needs an outbound trunk", "flow", name)
			k.result = contact.Failed
		}
		return t, false
	}
	return out.Target, true
}

func (k *call) lang() string {
	if k.context.Lang != "" {
		return k.context.Lang
	}
	return k.number.Lang
}

// watchMedia ends the call when the caller's audio is gone for good.
func (k *call) watchMedia(ctx context.Context, end context.CancelCauseFunc) {
	for {
		select {
		case <-ctx.Done():
			return
		case e := <-k.ep.Events():
			if e.Kind == media.Timeout || e.Kind == media.Failed {
				end(errNoMedia)
				return
			}
		}
	}
}

// pumpDigits joins the keys that come as RTP events and those that come as
// SIP INFO into one channel. The oldest go when nobody wants them.
func (k *call) pumpDigits(ctx context.Context) {
	for {
		var keys string
		select {
		case <-ctx.Done():
			return
		case d := <-k.ep.Digits():
			keys = string(d.Key)
		case keys = <-k.leg.Digits():
		}
		for _, key := range keys {
			select {
			case k.digits <- key:
			default:
				<-k.digits
				k.digits <- key
			}
		}
	}
}

// port is the call as a flow sees it.
func (k *call) port() ivr.Port { return port{k} }

type port struct{ k *call }

// Play implements ivr.Port.
func (p port) Play(ctx context.Context, prompt ivr.Prompt) error {
	ready, err := p.k.c.prompts.load(ctx, prompt)
	if err != nil {
		return err
	}
	return p.k.ep.Play(ctx, ready)
}

// Digits implements ivr.Port.
func (p port) Digits() <-chan rune { return p.k.digits }

func sourceOf(info sip.Info) netip.Addr {
	ap, err := netip.ParseAddrPort(info.Source)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr()
}

func reject(ctx context.Context, log *slog.Logger, leg *sip.Leg, code int, reason string) {
	if err := leg.Reject(ctx, code, reason); err != nil {
		log.Debug("reject", "error", err)
	}
}

func hangup(ctx context.Context, log *slog.Logger, leg *sip.Leg, cause string) {
	if err := leg.Hangup(ctx, sip.Hangup{Cause: cause}); err != nil {
		log.Debug("hang up", "error", err)
	}
}

func closeEndpoint(log *slog.Logger, ep media.Endpoint) {
	if err := ep.Close(); err != nil {
		log.Debug("close endpoint", "error", err)
	}
}

// request is what the router is asked for.
func (k *call) request(target contact.Target) router.Request {
	info := k.leg.Info()
	k.card = &contact.Card{
		Contact: k.id, Channel: contact.Voice, Customer: k.context.Customer,
		Queue: target.Queue, Peer: k.caller(), Arrived: info.Received,
		Context: k.context, SkippedIVR: k.skipped, Digits: k.typed,
	}
	return router.Request{Card: k.card, Target: target, EnqueuedAt: k.enqueued}
}
