package voice

import (
	"context"
	"fmt"
	"strings"

	"filo/contact"
	"filo/media"
	"filo/sip"
)

// An agent with a SIP phone may consult as phones do: by a second call, while
// the first one is on hold. The second leg is then the agent's side of the
// consultation; taking the first off hold swaps, hanging the second up drops,
// and REFER with Replaces between the two completes.

// serveSecond conducts a call that an agent's phone makes while it is on one.
func (c *Conductor) serveSecond(ctx context.Context, leg *sip.Leg, id contact.ID) {
	info := leg.Info()
	log := c.log.With("leg_id", leg.ID(), "agent_id", info.User)
	err := c.consultOver(ctx, leg, id)
	if err != nil {
		log.Info("consultation by a phone refused", "error", err)
		refuseLeg(context.WithoutCancel(ctx), log, leg, statusOf(err))
		return
	}
	<-ctx.Done()
}

// consultOver begins a consultation over leg. After an error nothing is held.
func (c *Conductor) consultOver(ctx context.Context, leg *sip.Leg, id contact.ID) error {
	info := leg.Info()
	to, err := c.named("sip:" + info.Called)
	if err != nil {
		return err
	}
	if len(leg.Offer()) == 0 {
		return fmt.Errorf("no offer: %w", media.ErrNotAcceptable)
	}
	ep, sdp, err := c.deps.Media.Answer(ctx, leg.Offer(), media.Options{Label: leg.ID(), Source: sourceOf(info)})
	if err != nil {
		return err //nolint:wrapcheck // says what it is
	}
	agent := contact.AgentID(info.User)
	p := &party{agent: agent, ep: ep, leg: leg, dialog: leg, music: &player{}}
	cmd := contact.CallCommand{Verb: contact.Consult, Agent: agent, To: to}
	if err := c.send(ctx, id, command{CallCommand: cmd, second: p}); err != nil {
		closeEndpoint(c.log, ep)
		return err
	}
	return leg.Answer(ctx, sdp) //nolint:wrapcheck // says what it did
}

// consultsOver is consults, over a second leg of the agent's.
func (v *conversation) consultsOver(ctx context.Context, cmd command) error {
	if !v.agent.is(cmd.Agent) || v.agent.leg == nil || v.second != nil {
		return contact.ErrBadCommand
	}
	if err := v.consults(ctx, cmd.CallCommand); err != nil {
		return err
	}
	v.second = cmd.second
	v.watch(ctx, v.second)
	v.connect(ctx)
	return nil
}

// speaker is the agent's side of a consultation.
func (v *conversation) speaker() *party {
	if v.second != nil {
		return v.second
	}
	return v.agent
}

// endSecond hangs up the agent's second leg, if there is one.
func (v *conversation) endSecond(ctx context.Context) {
	if v.second != nil {
		v.second.release(ctx, v.k)
		v.second = nil
	}
}

// hearHold tells when an agent's phone takes one of its two legs off hold.
func (v *conversation) hearHold(p *party) {
	if p.leg == nil || p.agent == "" || v.monitor.is(p) {
		return
	}
	ep, held := p.ep, false
	p.leg.OnReoffer(func(offer []byte) ([]byte, error) {
		answer, err := ep.Reoffer(offer)
		if err != nil {
			return nil, err //nolint:wrapcheck // the endpoint's own words
		}
		was := held
		if held = onHold(offer); was && !held {
			select {
			case v.resumed <- p:
			default: // as many wait already: one is enough
			}
		}
		return answer, nil
	})
}

// onHold reports whether an offer puts us on hold (RFC 3264 section 8.4).
func onHold(offer []byte) bool {
	s := string(offer)
	return strings.Contains(s, "a=sendonly") || strings.Contains(s, "a=inactive") || strings.Contains(s, "IN IP4 0.0.0.0")
}

// phoneResumed swaps as the agent does at the phone. Who is back from a
// consultation that is over is back with the caller.
func (v *conversation) phoneResumed(ctx context.Context, p *party) {
	switch stage := v.stage(); {
	case v.second != nil && (p == v.agent && stage == contact.ConsultTalking || p == v.second && stage == contact.ConsultHeld):
		_ = v.swaps(ctx, contact.CallCommand{}) // both stages can
	case p == v.agent && stage == "":
		v.setHold(false)
		v.connect(ctx)
	}
}

// joins reports whether a referral is between the two legs of the agent.
func (v *conversation) joins(x referral) bool {
	if v.second == nil || x.r.Replaces == nil {
		return false
	}
	return x.p == v.agent && x.r.Replaces == v.second.leg || x.p == v.second && x.r.Replaces == v.agent.leg
}

// atPhone lets the agent's phone find the call that it is on.
func (v *conversation) atPhone() {
	if v.offPhone != nil {
		v.offPhone()
	}
	v.offPhone = func() {}
	if v.agent.leg != nil {
		v.offPhone = v.k.c.inboxes.onCall(v.agent.agent, v.k.id)
	}
}
