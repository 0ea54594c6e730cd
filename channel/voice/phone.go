package voice

import (
	"context"
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
	answered *ringAnswer // the leg that the router gave the call
}

type ringAnswer struct {
	offer contact.OfferID
	agent contact.AgentID
	leg   *sip.Leg
	ep    media.Endpoint
	err   error
}

func noRing() *ring { return &ring{cancel: func() {}} }

// stop cancels what still rings; a 200 that comes later is ended by sip and
// the endpoint closed by the ringing goroutine.
func (r *ring) stop() { r.cancel() }

// ringPhone sends the INVITE in the background. Whoever stops the ring first
// need not take its answer: the goroutine then cleans up by itself.
func (k *call) ringPhone(ctx context.Context, e router.Event) *ring {
	ctx, cancel := context.WithCancel(ctx)
	r := &ring{answers: make(chan ringAnswer), cancel: cancel}
	k.wg.Go(func() {
		a := k.invitePhone(ctx, e)
		select {
		case r.answers <- a:
		case <-ctx.Done():
			a.close(context.WithoutCancel(ctx), k.log)
		}
	})
	return r
}

func (k *call) invitePhone(ctx context.Context, e router.Event) (a ringAnswer) {
	a.offer, a.agent = e.Offer, e.Agent
	var offer []byte
	a.ep, offer, a.err = k.c.deps.Media.Offer(ctx, media.Options{Label: "phone"}, media.RTP)
	if a.err != nil {
		return a
	}
	info := k.leg.Info()
	from := k.caller()
	if info.Withheld || from == "" {
		from = "anonymous"
	}
	a.leg, a.err = k.c.deps.UA.Invite(ctx, sip.Target{User: string(e.Agent)}, sip.InviteOptions{
		From: from, FromName: k.context.Name, SDP: offer,
		Headers: map[string]string{"X-Filo-Contact": string(k.id), "X-Filo-Queue": k.target.Queue},
	})
	if a.err == nil {
		a.leg.OnReoffer(a.ep.Reoffer)
		a.err = a.ep.Accept(a.leg.RemoteSDP())
	}
	if a.err != nil {
		a.close(context.WithoutCancel(ctx), k.log)
	}
	return a
}

// close gives back whatever a holds.
func (a *ringAnswer) close(ctx context.Context, log *slog.Logger) {
	if a.leg != nil {
		hangup(ctx, log, a.leg, "offer is gone")
	}
	if a.ep != nil {
		closeEndpoint(log, a.ep)
	}
}
