package voice

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"filo/contact"
	"filo/ivr"
	"filo/journey"
	"filo/measure"
	"filo/media"
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

	number  Number // that was called
	peer    string // the calling number, in E.164 where the journey can tell; "" for none
	early   []byte // our session description, until the call is answered
	context contact.Context
	typed   []string // choices made in the flow
	skipped bool     // the flow was not run
	rule    string   // of the skip or the question, "" for the menu
	result  contact.Result

	enqueued  time.Time // the first Place: the age that the caller keeps
	segment   measure.Segment
	agent     contact.AgentID // who talked last
	transfers []handing
	waited    time.Duration // from the first Place to the first answer
	talked    time.Duration

	digits    chan rune
	keys      chan press // to be sent; nil until the first
	music     player
	recording *recording
	recorded  []string          // files
	given     map[string]string // headers that a phone gave with its transfer
	parting   map[string]string // headers of the BYE of whom the caller talked with
	wg        sync.WaitGroup    // digits both ways, events of the media, ringing phones, parties, recordings
}

var (
	errMaxCall  = errors.New("call reached its maximum duration")
	errNoMedia  = errors.New("no audio from the caller")
	errFinished = errors.New("call finished")
)

// serveCall conducts one customer's call.
func (c *Conductor) serveCall(ctx context.Context, leg *sip.Leg) {
	defer c.idle.enter()()
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
	c.metrics.calls.Inc()
	defer c.metrics.calls.Dec()
	k.wg.Go(func() { k.pumpDigits(ctx) })
	k.wg.Go(func() { k.watchMedia(ctx, cancel) })
	k.run(ctx)
	k.end(ctx)
}

func (c *Conductor) newCall(leg *sip.Leg) *call {
	info := leg.Info()
	region := c.trunk(info).Region
	k := &call{
		c: c, id: contact.NewID(info.Received), leg: leg, room: c.deps.Media.NewRoom(),
		number: c.number(info.Called, region), peer: caller(info),
		result: contact.InFlowEnd, digits: make(chan rune, 32),
	}
	if e164, ok := journey.NormalPhone(k.peer, region); ok {
		k.peer = e164
	}
	k.log = c.log.With("call_id", leg.ID(), "contact_id", string(k.id))
	k.traced(leg, callerRole(info)...)
	return k
}

// caller is the calling number as the network gave it; "" when it was withheld
// and for browser callers, whose one-time name is no number.
func caller(info sip.Info) string {
	if info.User == "" {
		return info.From
	}
	return ""
}

// arrived asks the journey who this is, before the phone is answered.
func (k *call) arrived(ctx context.Context) {
	info := k.leg.Info()
	trunk := k.c.trunk(info)
	k.context = k.c.deps.Journey.Arrived(ctx, journey.Arrival{
		Contact: k.id, Caller: caller(info), Called: info.Called,
		Trunk: info.Trunk, Trusted: trunk.Trusted, Region: trunk.Region,
		Attestation: info.Attestation, Withheld: info.Withheld,
		Token: info.Headers[headerToken], At: info.Received,
	})
	d := k.context.Decision
	k.log.Debug("call arrived", "trunk", info.Trunk, "context", string(k.context.Status), "tier", k.context.Tier.String(),
		"confidence", k.context.Confidence, "action", string(d.Action), "rule", d.Rule, "weaker", d.Weaker, "took", k.context.Took.String())
}

// headerToken carries the click-to-call token of a browser caller.
const headerToken = "X-Filo-Token" //nolint:gosec // the name of a header

// answer takes the caller's offer, or makes ours when the INVITE had none,
// and answers the call, or lets it begin early: then the caller hears us and
// pays nothing. After an error nothing is held.
func (k *call) answer(ctx context.Context) (err error) {
	opts := media.Options{Label: k.leg.ID(), Source: sourceOf(k.leg.Info()), Advertise: k.c.advertised(k.leg.Info())}
	offer := k.leg.Offer()
	var sdp []byte
	if len(offer) == 0 {
		k.ep, sdp, err = k.c.deps.Media.Offer(ctx, opts, media.RTP)
	} else {
		k.ep, sdp, err = k.c.deps.Media.Answer(ctx, offer, opts)
	}
	if err != nil {
		return err
	}
	k.leg.OnReoffer(k.ep.Reoffer)
	k.early = sdp
	if len(offer) > 0 && k.c.deps.Flows[k.flow()].Early() {
		err = k.leg.Progress(ctx, sdp)
	} else if err = k.pickUp(ctx); err == nil && len(offer) == 0 {
		err = k.acceptLate(ctx)
	}
	if err != nil {
		closeEndpoint(k.log, k.ep)
		return err
	}
	k.c.metrics.setup.Observe(k.c.now().Sub(k.leg.Info().Received).Seconds())
	return nil
}

// pickUp answers a call that began early; again it does nothing.
func (k *call) pickUp(ctx context.Context) error {
	if k.early == nil {
		return nil
	}
	sdp := k.early
	k.early = nil
	return k.leg.Answer(ctx, sdp) //nolint:wrapcheck // says what it did
}

// acceptLate takes the answer that comes with the ACK (RFC 3261 13.2.1).
func (k *call) acceptLate(ctx context.Context) error {
	sdp, err := k.leg.RemoteAnswer(ctx)
	if err != nil {
		return err //nolint:wrapcheck // says what it waited for
	}
	return k.ep.Accept(sdp)
}

// refuse ends a call that could not be answered, or that was taken back first.
func (k *call) refuse(ctx context.Context, err error) {
	k.result = contact.Failed
	if ctx.Err() != nil {
		k.result = contact.Abandoned
	} else {
		k.log.Warn("call not answered", "error", err)
	}
	k.c.metrics.results.WithLabelValues(string(k.result)).Inc()
	refuseLeg(context.WithoutCancel(ctx), k.log, k.leg, codeOf(err))
}

// run leads the call from its first prompt to its last word: flow, queue,
// talk, and again when the caller wishes to return to the menu, or comes back
// from a number that did not answer.
func (k *call) run(ctx context.Context) {
	target, ok := k.plan(ctx)
	for ok {
		switch k.serve(ctx, target) {
		case over:
			return
		case toMenu:
			target, ok = k.menu(ctx)
		case toQueue:
			target = contact.Target{Queue: k.segment.Queue, Lang: k.lang()}
		}
	}
}

// end lets go of the caller, then writes the call down.
func (k *call) end(ctx context.Context) {
	ctx = context.WithoutCancel(ctx)
	k.music.stop()
	k.stopRecording(ctx)
	k.letGo(ctx, "call over")
	closeEndpoint(k.log, k.ep)
	k.c.metrics.results.WithLabelValues(string(k.result)).Inc()
	k.note(noteEnded, string(k.result))
	k.log.Info("call ended", "result", string(k.result), "queue", k.segment.Queue,
		"agent_id", string(k.agent), "skipped", k.skipped, "context", string(k.context.Status),
		"talk", k.talked.Round(time.Millisecond).String())
	k.write(ctx)
}

// letGo ends the caller's leg; one that was never answered is refused.
func (k *call) letGo(ctx context.Context, why string) {
	if k.early != nil {
		refuseLeg(ctx, k.log, k.leg, codeUnavailable)
		return
	}
	hangup(ctx, k.log, k.leg, why, k.parting)
}

// watchMedia ends the call when the caller's audio is gone for good.
func (k *call) watchMedia(ctx context.Context, end context.CancelCauseFunc) {
	for {
		select {
		case <-ctx.Done():
			return
		case e := <-k.ep.Events():
			k.noteMedia(e)
			if e.Kind == media.Timeout || e.Kind == media.Failed {
				end(errNoMedia)
				return
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
	return p.k.ep.Play(ctx, ready) //nolint:wrapcheck // an adapter
}

// Answer implements ivr.Answerer.
func (p port) Answer(ctx context.Context) error { return p.k.pickUp(ctx) }

// Digits implements ivr.Port.
func (p port) Digits() <-chan rune { return p.k.digits }
