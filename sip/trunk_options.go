package sip

import (
	"context"
	"math/rand/v2"
	"time"

	gosip "github.com/emiago/sipgo/sip"

	"filo/sip/trunk"
)

// optionsWithin is how long a server may take to answer OPTIONS.
const optionsWithin = 5 * time.Second

// keepAsking asks the trunk's servers by OPTIONS whether they serve, all the
// time (RFC 3261 section 11).
func (u *UA) keepAsking(ctx context.Context, t *trunk.Trunk, p *trunkPeer) {
	for {
		code := u.ask(ctx, t)
		if ctx.Err() != nil {
			return
		}
		if p.health.Answered(code) {
			u.log.Warn("trunk changed", "trunk", t.Name, "up", p.health.Up(), "code", code)
			u.met.trunks.up.WithLabelValues(t.Name).Set(flag(p.health.Up()))
		}
		// Not in step with all other trunks, or other nodes.
		jitter := time.Duration((rand.Float64() - 0.5) * 0.2 * float64(t.OptionsInterval)) //nolint:gosec // spreads the questions
		if !pause(ctx, t.OptionsInterval+jitter) {
			return
		}
	}
}

// ask asks the servers of a trunk, one after the other, until one serves; it
// returns the last answer, 408 for none.
func (u *UA) ask(ctx context.Context, t *trunk.Trunk) int {
	code := statusTimeout
	servers, err := u.servers(ctx, t)
	if err != nil {
		return code
	}
	for _, s := range servers {
		if code = u.askServer(ctx, t, s); code != statusTimeout && code != statusOverloaded {
			u.resolver.Served(s.at)
			return code
		}
		u.resolver.Failed(s.at)
	}
	return code
}

func (u *UA) askServer(ctx context.Context, t *trunk.Trunk, s server) int {
	h, err := u.trunkHop(t, s.at)
	if err != nil {
		return statusTimeout
	}
	uri := s.uri("")
	d := series{
		callID: newToken(), localTag: newToken(), local: u.ourURI(t, "filo"), remote: uri,
		remoteTarget: uri, localSeq: 1, contact: u.contactURI("", h), hop: h,
	}
	req := d.request(u, gosip.OPTIONS, d.localSeq)
	req.AppendHeader(gosip.NewHeader("Accept", "application/sdp"))
	ctx, cancel := context.WithTimeout(ctx, optionsWithin)
	defer cancel()
	res, err := u.roundTrip(ctx, h, req)
	if err != nil {
		return statusTimeout
	}
	return res.StatusCode
}
