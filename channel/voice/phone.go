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

// bell rings one phone at a time: the SIP phone of an agent, for whom the
// INVITE is the offer, or a number outside. The zero value rings nothing.
type bell struct {
	answers  chan ringAnswer // nil while nothing rings: never ready
	cancel   context.CancelFunc
	accepted *ringAnswer // the router gave it the call; the event is still to be read
}

type ringAnswer struct {
	offer contact.OfferID // zero where it was none
	agent contact.AgentID
	leg   *sip.Leg
	ep    media.Endpoint
	err   error
}

// ring sends the INVITE in the background. Whoever stops the bell first need
// not take its answer: the goroutine then cleans up by itself.
func (b *bell) ring(ctx context.Context, k *call, to sip.Target, a ringAnswer, role ...string) {
	b.stop(ctx, k)
	ctx, b.cancel = context.WithCancel(ctx)
	answers := make(chan ringAnswer)
	b.answers = answers
	k.wg.Go(func() {
		got := k.invite(ctx, to, role...)
		got.offer, got.agent = a.offer, a.agent
		select {
		case answers <- got:
		case <-ctx.Done():
			got.close(ctx, k.log, "offer is gone")
		}
	})
}

// offered rings the phone of an agent who has one.
func (b *bell) offered(ctx context.Context, k *call, e router.Event) {
	b.stop(ctx, k)
	if k.c.deps.Agents.Phone(e.Agent) {
		b.ring(ctx, k, sip.Target{User: string(e.Agent)}, ringAnswer{offer: e.Offer, agent: e.Agent}, agentRole(e.Agent)...)
	}
}

// stop cancels what still rings, and hangs up what was answered for a call
// that is gone. A 200 that comes later is ended by sip, the endpoint closed by
// the ringing goroutine.
func (b *bell) stop(ctx context.Context, k *call) {
	if b.cancel != nil {
		b.cancel()
	}
	if a := b.accepted; a != nil {
		a.close(ctx, k.log, "offer is gone")
	}
	*b = bell{}
}

// answered takes what an agent's SIP phone said: its 200 is the acceptance,
// anything else the refusal. The router orders it against expiry and the
// caller's end; a phone that comes second is hung up unpenalised.
func (b *bell) answered(ctx context.Context, k *call, a ringAnswer) {
	r := k.c.deps.Router
	if a.err != nil {
		k.unanswered(ctx, a)
		k.c.metrics.phone.WithLabelValues("refused").Inc()
		b.stop(ctx, k)
		if err := r.Reject(ctx, a.offer, a.agent, "phone"); err != nil {
			k.log.Debug("refusal came late", "offer_id", a.offer.String(), "error", err)
		}
		return
	}
	if err := r.Accept(ctx, a.offer, a.agent); err != nil {
		k.log.Debug("answer came late", "offer_id", a.offer.String(), "error", err)
		k.c.metrics.phone.WithLabelValues("late").Inc()
		a.close(ctx, k.log, "offer is gone")
		b.stop(ctx, k)
		return
	}
	k.c.metrics.phone.WithLabelValues("answered").Inc()
	b.accepted = &a
}

// unanswered tells the log of a leg that failed for another reason than that
// its far side refused it.
func (k *call) unanswered(ctx context.Context, a ringAnswer) {
	var refused *sip.StatusError
	if !errors.As(a.err, &refused) && ctx.Err() == nil {
		k.log.Warn("phone not reached", "agent_id", string(a.agent), "error", a.err)
	}
}

// party is who accepted the offer; nil when the agent cannot be reached. A
// browser line is the conversation's until its end.
func (b *bell) party(k *call, e router.Event) *party {
	if a := b.accepted; a != nil && a.offer == e.Offer {
		b.cancel()
		*b = bell{}
		return a.party()
	}
	return k.claim(e.Agent, browserRole(e.Agent))
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
	ep := a.ep
	a.leg, a.err = k.c.deps.UA.Invite(ctx, to, sip.InviteOptions{
		From: from, FromName: k.context.Name, SDP: offer,
		Describe: func(to sip.Peer) []byte { return ep.Facing(to.Addr, to.MediaAdvertise) },
		Placed:   k.placed(role...), Headers: k.carried(),
	})
	if a.err == nil {
		k.traced(a.leg, role...)
		info := a.leg.Info()
		a.ep.Facing(sourceOf(info), k.c.advertised(info))
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
		hangup(context.WithoutCancel(ctx), log, a.leg, why, nil)
	}
	if a.ep != nil {
		closeEndpoint(log, a.ep)
	}
}
