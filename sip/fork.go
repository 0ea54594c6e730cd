package sip

import (
	"context"
	"errors"
	"fmt"

	gosip "github.com/emiago/sipgo/sip"
)

// rung is how one binding's ringing ended.
type rung struct {
	leg *Leg
	err error
}

// ring calls all bindings of a user at once (RFC 3261 section 16.6: we fork as
// a proxy would). The first 2xx has the call, a 6xx from one speaks for all
// (section 16.7 step 5), and whoever rings then hears that it is over. The
// error is the best of all refusals.
func (u *UA) ring(ctx context.Context, user string, o InviteOptions) (*Leg, error) {
	bindings := u.reg.bindings(user)
	if len(bindings) == 0 {
		return nil, fmt.Errorf("invite: %w", ErrNotRegistered)
	}
	to := gosip.Uri{Scheme: "sip", User: escapeUser(user), Host: u.cfg.Domain}
	if len(bindings) == 1 {
		return u.invite(ctx, u.placingTo(bindings[0].contact, to, bindings[0].hop, o))
	}
	caller := ctx
	ctx, over := context.WithCancelCause(caller)
	defer over(nil)
	ends := make(chan rung, len(bindings))
	for _, b := range bindings {
		u.wg.Go(func() {
			leg, err := u.invite(ctx, u.placingTo(b.contact, to, b.hop, o))
			ends <- rung{leg, err}
		})
	}
	var won *Leg
	var errs []error
	for range bindings { // whom the end of ctx reaches returns at once
		end := <-ends
		switch {
		case end.err != nil:
			errs = append(errs, end.err)
			if classOf(end.err) == 6 {
				over(end.err)
			}
		case won == nil:
			won = end.leg
			over(errElsewhere)
		default: // two lifted at the same moment
			_ = end.leg.Hangup(context.WithoutCancel(ctx), Hangup{Cause: cancelReason(errElsewhere)})
		}
	}
	switch {
	case won != nil:
		return won, nil
	case caller.Err() != nil:
		return nil, fmt.Errorf("invite: %w", context.Cause(caller))
	}
	return nil, bestOf(errs)
}

// bestOf is the refusal that says the most about a user whom nobody answered
// for (RFC 3261 section 16.7 step 6): a 6xx, else one of the lowest class;
// what is no answer of a peer only when there is no other.
func bestOf(errs []error) error {
	rank := func(err error) int {
		switch class := classOf(err); class {
		case 6:
			return 0
		case 0:
			return 10
		default:
			return class
		}
	}
	best := errs[0]
	for _, err := range errs[1:] {
		if rank(err) < rank(best) {
			best = err
		}
	}
	return best
}

// classOf is the class of a peer's final response, 3 to 6; 0 for none.
func classOf(err error) int {
	var se *StatusError
	if errors.As(err, &se) {
		return se.Code / 100
	}
	return 0
}
