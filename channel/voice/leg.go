package voice

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"

	"filo/media"
	"filo/sip"
)

// Codes whose causes sip cannot know of: they lie in media, or here.
const (
	codeOK            = 200
	codeBadSDP        = 400
	codeForbidden     = 403
	codeNotFound      = 404
	codeUnavailable   = 480
	codeBusy          = 486
	codeNotAcceptable = 488
	codeNoPorts       = 503
	codeDeclined      = 603
)

// codeOf is sip.StatusOf with the errors of media.
func codeOf(err error) int {
	switch {
	case errors.Is(err, media.ErrBadSDP):
		return codeBadSDP
	case errors.Is(err, media.ErrNotAcceptable):
		return codeNotAcceptable
	case errors.Is(err, media.ErrNoPorts), errors.Is(err, media.ErrClosed):
		return codeNoPorts
	}
	return sip.StatusOf(err)
}

// sourceOf is the host that the signalling came from, also behind a NAT.
func sourceOf(info sip.Info) netip.Addr {
	ap, err := netip.ParseAddrPort(info.Source)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr()
}

// advertised is the address for media that a trunk's peer is told; the zero
// value is the engine's.
func (c *Conductor) advertised(info sip.Info) netip.Addr {
	addr, err := netip.ParseAddr(c.trunk(info).MediaAdvertise)
	if err != nil {
		return netip.Addr{}
	}
	return addr
}

// refuseLeg ends an inbound leg with code, or with BYE if it was answered.
func refuseLeg(ctx context.Context, log *slog.Logger, leg *sip.Leg, code int) {
	if err := leg.Hangup(ctx, sip.Hangup{Code: code}); err != nil {
		log.Debug("refuse", "error", err)
	}
}

// hangup ends a leg. why is for traces and goes into the Reason header (RFC
// 3326); it says nothing personal. headers, which may be nil, go along.
func hangup(ctx context.Context, log *slog.Logger, leg *sip.Leg, why string, headers map[string]string) {
	if err := leg.Hangup(ctx, sip.Hangup{Cause: fmt.Sprintf(`SIP;cause=200;text="%s"`, why), Headers: headers}); err != nil {
		log.Debug("hang up", "error", err)
	}
}

func closeEndpoint(log *slog.Logger, ep media.Endpoint) {
	if err := ep.Close(); err != nil {
		log.Debug("close endpoint", "error", err)
	}
}
