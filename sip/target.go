package sip

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"strings"

	gosip "github.com/emiago/sipgo/sip"

	"filo/sip/transport"
)

// Target says whom to call; one of Number, User and URI.
type Target struct {
	// Number is a telephone number, dialled by the trunks: by their rules, in
	// their order and under the caller's number that each may show.
	Number string
	// User is a registered user: all bindings ring at once, and the first to
	// answer has the call.
	User string
	// URI is a sip: address, called as it is.
	URI string
	// Destination overrides where the INVITE to a URI is sent: ip:port, or the
	// flow that ConnectWS returned.
	Destination string
	// Transport to a URI: "UDP", "TCP", "TLS" or "WS"; "": what the URI says, else
	// UDP.
	Transport string
}

// Invite places a call. It blocks until the far side accepts (the leg is up and
// its ACK sent; RemoteSDP is the answer) or refuses (*StatusError). When ctx
// ends first, the call is cancelled, and an answer that crosses the CANCEL is
// acknowledged and hung up; the leg's own life does not depend on ctx.
func (u *UA) Invite(ctx context.Context, t Target, o InviteOptions) (*Leg, error) {
	if !u.enter() {
		return nil, ErrNotServing
	}
	defer u.leave()
	switch {
	case t.Number != "":
		return u.dial(ctx, t.Number, o)
	case t.User != "":
		return u.ring(ctx, t.User, o)
	}
	uri, h, err := u.resolve(t)
	if err != nil {
		return nil, fmt.Errorf("invite: %w", err)
	}
	to := gosip.Uri{Scheme: "sip", User: uri.User, Host: uri.Host, Port: uri.Port}
	return u.invite(ctx, u.placingTo(uri, to, h, o))
}

// placingTo is an INVITE that says of the caller what o does.
func (u *UA) placingTo(uri, to gosip.Uri, h hop, o InviteOptions) placing {
	return placing{
		uri: uri, to: to, hop: h, opts: o.described(h), called: userOf(to),
		from: gosip.Uri{Scheme: "sip", User: escapeUser(o.From), Host: u.cfg.Domain}, fromName: escapeName(o.FromName),
	}
}

// resolve turns a URI into that of the request line and a hop.
func (u *UA) resolve(t Target) (gosip.Uri, hop, error) {
	var uri gosip.Uri
	if err := gosip.ParseUri(t.URI, &uri); err != nil {
		return gosip.Uri{}, hop{}, fmt.Errorf("uri: %w", err)
	}
	to := nextHop(uri, nil, netip.AddrPort{})
	network := cmp.Or(strings.ToUpper(t.Transport), to.network, transport.UDP)
	if network == transport.WS || network == transport.WSS {
		f, ok := u.dialled.get(t.Destination)
		if !ok {
			return gosip.Uri{}, hop{}, ErrFlowGone
		}
		return uri, u.hopOf(f), nil
	}
	h, err := u.hopTo(network, cmp.Or(t.Destination, to.addr))
	return uri, h, err
}
