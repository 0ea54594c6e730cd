package voice

import (
	"context"
	"errors"
	"log/slog"

	"filo/contact"
	"filo/media"
	"filo/router"
	"filo/sip"
)

// ring is an agent's SIP phone while it rings: the INVITE is the offer.
type ring struct {
	answers  chan ringAnswer // nil for no ring: never ready
	cancel   context.CancelFunc
	accepted *ringAnswer // the router gave it the call; the event is still to be read
}

type ringAnswer struct {
	offer contact.OfferID
	agent contact.AgentID
	leg   *sip.Leg
	ep    media.Endpoint
	err   error
}

func noRing() *ring { return &ring{cancel: func() {}} }

// ringPhone sends the INVITE in the background. Whoever stops the ring first
// need not take its answer: the goroutine then cleans up by itself.
func (k *call) ringPhone(ctx context.Context, e router.Event) *ring {
	ctx, cancel := context.WithCancel(ctx)
	r := &ring{answers: make(chan ringAnswer), cancel: cancel}
	k.wg.Go(func() {
		a := k.invite(ctx, sip.Target{User: string(e.Agent)}, agentRole(e.Agent)...)
		a.offer, a.agent = e.Offer, e.Agent
		select {
		case r.answers <- a:
		case <-ctx.Done():
			a.close(ctx, k.log, "offer is gone")
		}
	})
	return r
}

// invite calls somebody on the caller's behalf, and waits for the answer.
func (k *call) invite(ctx context.Context, to sip.Target, role ...string) (a ringAnswer) {
	var offer []byte
	a.ep, offer, a.err = k.c.deps.Media.Offer(ctx, media.Options{Label: "phone"}, media.RTP)
	if a.err != nil {
		return a
	}
	from := k.peer
	if from == "" {
		from = "anonymous"
	}
	a.leg, a.err = k.c.deps.UA.Invite(ctx, to, sip.InviteOptions{
		From: from, FromName: k.context.Name, SDP: offer, Placed: k.placed(role...),
		Headers: map[string]string{"X-Filo-Contact": string(k.id), "X-Filo-Queue": k.segment.Queue},
	})
	if a.err == nil {
		k.traced(a.leg, role...)
		a.leg.OnReoffer(a.ep.Reoffer)
		a.err = a.ep.Accept(a.leg.RemoteSDP())
	}
	if a.err != nil {
		a.close(ctx, k.log, "media not usable")
		a.leg, a.ep = nil, nil
	}
	return a
}

// close gives back whatever a holds.
func (a *ringAnswer) close(ctx context.Context, log *slog.Logger, why string) {
	if a.leg != nil {
		hangup(context.WithoutCancel(ctx), log, a.leg, why)
	}
	if a.ep != nil {
		closeEndpoint(log, a.ep)
	}
}

// stopRing cancels what still rings, and hangs up what was answered for a call
// that is gone. A 200 that comes later is ended by sip, the endpoint closed by
// the ringing goroutine.
func (w *waiting) stopRing(ctx context.Context) {
	w.ring.cancel()
	if a := w.ring.accepted; a != nil {
		a.close(ctx, w.k.log, "offer is gone")
	}
	w.ring = noRing()
}

// phoneAnswered takes what an agent's SIP phone said: its 200 is the
// acceptance, anything else the refusal. The router orders it against expiry
// and the caller's end; a phone that comes second is hung up unpenalised.
func (w *waiting) phoneAnswered(ctx context.Context, a ringAnswer) {
	k, r := w.k, w.k.c.deps.Router
	if a.err != nil {
		var refused *sip.StatusError
		if !errors.As(a.err, &refused) && ctx.Err() == nil {
			k.log.Warn("phone not reached", "agent_id", string(a.agent), "error", a.err)
		}
		k.c.metrics.phone.WithLabelValues("refused").Inc()
		w.stopRing(ctx)
		if err := r.Reject(ctx, a.offer, a.agent, "phone"); err != nil {
			k.log.Debug("refusal came late", "offer_id", a.offer.String(), "error", err)
		}
		return
	}
	if err := r.Accept(ctx, a.offer, a.agent); err != nil {
		k.log.Debug("answer came late", "offer_id", a.offer.String(), "error", err)
		k.c.metrics.phone.WithLabelValues("late").Inc()
		a.close(ctx, k.log, "offer is gone")
		w.stopRing(ctx)
		return
	}
	k.c.metrics.phone.WithLabelValues("answered").Inc()
	w.ring.accepted = &a
}
