package sip

import (
	"context"
	"errors"
	"fmt"
	"time"

	gosip "github.com/emiago/sipgo/sip"

	"filo/sip/dialog"
)

// InviteOptions shape an outbound call.
type InviteOptions struct {
	From, FromName string // user part and display name of the caller
	// SDP is our offer; nil leaves the offer to the far side, and OnOffer
	// answers it.
	SDP []byte
	// Describe, if set, makes the offer in place of SDP, for each place where the
	// call is sent: whom we reach within our network is told another address than
	// a carrier. It may be called at the same time for several, and must not block.
	Describe       func(to Peer) []byte
	Headers        map[string]string
	User, Password string // answers a digest challenge; for robots
	// Replaces is the dialog that the call takes the place of, as the far side
	// knows it: the value of the header (RFC 3891).
	Replaces string
	// OnOffer answers an offer that the far side makes before Invite returns. It
	// is the leg's OnReoffer from then on.
	OnOffer func(offer []byte) (answer []byte, err error)
	// Placed is told the Call-ID of each INVITE before it leaves, also of those
	// that come to nothing. It must not block.
	Placed func(callID string)
	// OnProvisional sees each 1xx above 100. It must not block.
	OnProvisional func(code int, sdp []byte)
}

// longestRinging bounds the wait for the final response to an INVITE of ours.
const longestRinging = 5 * time.Minute

// placing is one INVITE to be placed: to whom, as whom and by which way.
type placing struct {
	uri      gosip.Uri // of the request line
	to, from gosip.Uri
	fromName string
	called   string // for Info; "": the user of to
	hop      hop
	opts     InviteOptions
	heard    func() // told of each response, also of 100; may be nil, must not block
}

// placed is an INVITE whose outcome somebody waits for.
type placed struct {
	placing
	result chan error // one value: nil for 2xx
}

// invite sends one INVITE and waits for its end, as Invite promises. The
// caller is inside.
func (u *UA) invite(ctx context.Context, p placing) (*Leg, error) {
	l := u.newOutboundLeg(ctx, p)
	result := l.placed.result
	u.legs.add(l) // before sending: the answer may be quick
	if p.opts.Placed != nil {
		p.opts.Placed(l.callID)
	}
	l.turn(func() { l.apply(dialog.Invite{Target: l.next, SDP: p.opts.SDP}) })
	select {
	case err := <-result:
		if err != nil {
			return nil, fmt.Errorf("invite: %w", err)
		}
		return l, nil
	case <-ctx.Done():
		cause := context.Cause(ctx)
		l.turn(func() {
			l.ending(errors.Join(ErrCancelled, cause))()
			l.apply(dialog.Hangup{Reason: cancelReason(cause)})
		})
		return nil, fmt.Errorf("invite: %w", cause)
	}
}

// cancelReason keeps phones from showing a missed call when somebody else
// answered (RFC 3326); causes of ours never carry personal data.
func cancelReason(cause error) string {
	switch {
	case errors.Is(cause, errElsewhere):
		return `SIP;cause=200;text="Call completed elsewhere"`
	case errors.Is(cause, context.DeadlineExceeded):
		return `SIP;cause=408;text="no answer"`
	}
	return `SIP;cause=487;text="cancelled"`
}

func (u *UA) newOutboundLeg(ctx context.Context, p placing) *Leg {
	l := newLeg(ctx, u, "o"+newToken())
	l.placed = &placed{placing: p, result: make(chan error, 1)}
	l.user, l.password = p.opts.User, p.opts.Password
	l.reoffer = p.opts.OnOffer
	l.farSide = farSide{
		callID: newToken(), local: p.from, localName: p.fromName, remote: p.to,
		contact: u.contactURI(p.from.User, p.hop), hop: p.hop,
	}
	l.next = l.know(&p.uri)
	l.info = Info{
		CallID: l.callID, From: userOf(p.from), FromName: p.opts.FromName, To: userOf(p.to), Called: p.called,
		Transport: p.hop.network, Source: p.hop.source(), Received: u.now(),
	}
	if l.trunk = p.hop.trunk; l.trunk != nil {
		l.info.Trunk = l.trunk.Name
	}
	l.m = l.machine(1, longestRinging)
	return l
}

func (l *Leg) onProvisional(e dialog.Provisional) {
	if l.placed == nil {
		return
	}
	if told := l.placed.opts.OnProvisional; told != nil {
		l.later(func() { told(e.Status, e.SDP) })
	}
}
