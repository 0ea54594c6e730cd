package voice

import (
	"context"
	"errors"
	"net/url"
	"regexp"
	"strings"

	"filo/contact"
	"filo/sip"
)

// referral is an agent's SIP phone that wishes a transfer (REFER, RFC 3515).
type referral struct {
	p *party
	r *sip.TransferRequest
}

// maxReferrals is how many may wait for the call's goroutine; what a phone
// sends beyond them is not answered, and times out there.
const maxReferrals = 4

// hearReferrals lets an agent's phone transfer the call. Customers and numbers
// outside may not: without this their REFER is refused.
func (v *conversation) hearReferrals(p *party) {
	if p.leg == nil || p.agent == "" || v.monitor.is(p) {
		return
	}
	p.leg.OnTransfer(func(r *sip.TransferRequest) {
		select {
		case v.referrals <- referral{p, r}:
		default:
		}
	})
}

// refer is the blind transfer that a phone asks for; the phone is told how it
// goes, and then leaves with its BYE or ours. Between the two legs of a phone
// that consults it is the attended transfer; other dialogs are not replaced.
func (v *conversation) refer(ctx context.Context, x referral) {
	to, err := v.k.c.named(x.r.To)
	switch {
	case v.joins(x) && v.consulted() != nil:
		v.report(ctx, x, codeOK)
		err = v.complete(ctx)
	case err != nil:
	case x.p != v.agent || x.r.Replaces != nil || x.r.ReplacesOther != "":
		err = contact.ErrBadCommand
	default:
		v.k.given = x.r.Headers
		err = v.referTo(ctx, x, to)
	}
	if err != nil {
		v.k.log.Info("transfer by a phone refused", "agent_id", string(x.p.agent), "error", err)
		v.report(ctx, x, statusOf(err))
	}
}

// referTo transfers, and says so while the phone is still there.
func (v *conversation) referTo(ctx context.Context, x referral, to contact.Destination) error {
	cmd := contact.CallCommand{Verb: contact.Transfer, Agent: x.p.agent, To: to}
	if to.Number != "" {
		if _, err := v.k.c.dial(to.Number); err != nil {
			return err
		}
		v.report(ctx, x, codeOK)
		return v.transfers(ctx, cmd)
	}
	if err := v.transfers(ctx, cmd); err != nil {
		return err
	}
	v.report(ctx, x, codeOK)
	return nil
}

func (v *conversation) report(ctx context.Context, x referral, code int) {
	if err := x.r.Progress(ctx, code); err != nil && ctx.Err() == nil {
		v.k.log.Debug("phone is not told how its transfer goes", "error", err)
	}
}

// telephone is a user part that is a number.
var telephone = regexp.MustCompile(`^\+?[0-9]{2,20}$`)

// named reads whom a phone names: an agent or a queue by name, or a number.
func (c *Conductor) named(uri string) (contact.Destination, error) {
	_, rest, ok := strings.Cut(uri, ":")
	user, _, _ := strings.Cut(rest, "@")
	user, _, _ = strings.Cut(user, ";")
	user, err := url.PathUnescape(user)
	switch {
	case !ok || err != nil || user == "":
		return contact.Destination{}, contact.ErrNoTarget
	case c.deps.Agents.Known(contact.AgentID(user)):
		return contact.Destination{Agent: contact.AgentID(user)}, nil
	case telephone.MatchString(user):
		return contact.Destination{Number: user}, nil
	}
	return contact.Destination{Queue: user}, nil
}

// statusOf is what a phone is told of a transfer that is not made.
func statusOf(err error) int {
	switch {
	case errors.Is(err, contact.ErrNoTarget):
		return codeNotFound
	case errors.Is(err, contact.ErrBarred):
		return codeForbidden
	case errors.Is(err, contact.ErrBadCommand):
		return codeDeclined
	}
	return codeOf(err)
}
