package sipload

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"filo/sip"
)

// B2BUA is a signalling-only back-to-back user agent, trunk to trunk: each
// call that comes in becomes a call to one peer, with the session
// descriptions passed through.
type B2BUA struct {
	// AtEnd is called by Run when nothing more will be asked, and calls are still
	// served; nil for nothing.
	AtEnd func() error

	ua    *sip.UA
	next  string
	reg   *prometheus.Registry
	calls atomic.Int64
}

// NewB2BUA makes a B2BUA that listens on UDP at bind and calls next, both
// host:port. Whoever sends it an INVITE is a trunk: it is for benches only.
func NewB2BUA(bind, next string) (*B2BUA, error) {
	cfg := sip.DefaultConfig()
	cfg.Listen = []sip.Listen{{Network: "udp", Bind: bind}}
	cfg.Trunks = []sip.Trunk{{Name: "bench", Allow: []string{"0.0.0.0/0"}}}
	cfg.MaxCalls = 0
	reg := prometheus.NewRegistry()
	ua, err := sip.New(cfg, sip.Deps{Registry: reg})
	if err != nil {
		return nil, fmt.Errorf("b2bua: %w", err)
	}
	return &B2BUA{ua: ua, next: next, reg: reg}, nil
}

// Serve joins calls until ctx ends.
func (b *B2BUA) Serve(ctx context.Context) error {
	if err := b.ua.Serve(ctx, b.join); err != nil {
		return fmt.Errorf("b2bua: %w", err)
	}
	return nil
}

// Ready is closed when it listens.
func (b *B2BUA) Ready() <-chan struct{} { return b.ua.Ready() }

// join serves one call: both legs live as long as the shorter one.
func (b *B2BUA) join(ctx context.Context, in *sip.Leg) {
	b.calls.Add(1)
	out, err := b.callNext(ctx, in)
	if err != nil {
		_ = in.Reject(ctx, statusOf(err), "") //nolint:errcheck // has gone already
		return
	}
	bye := context.WithoutCancel(ctx)
	defer func() { _ = out.Hangup(bye, sip.Hangup{}) }()
	in.OnReoffer(func(offer []byte) ([]byte, error) { return out.Reinvite(ctx, offer) })
	out.OnReoffer(func(offer []byte) ([]byte, error) { return in.Reinvite(ctx, offer) })
	if err := in.Answer(ctx, out.RemoteSDP()); err != nil {
		return
	}
	select {
	case <-in.Done():
	case <-out.Done():
		_ = in.Hangup(bye, sip.Hangup{}) //nolint:errcheck // has gone already
	}
}

func (b *B2BUA) callNext(ctx context.Context, in *sip.Leg) (*sip.Leg, error) {
	info := in.Info()
	target := sip.Target{URI: "sip:" + info.Called + "@" + b.next, Destination: b.next}
	return b.ua.Invite(ctx, target, sip.InviteOptions{ //nolint:wrapcheck // becomes a status
		From: info.From, FromName: info.FromName, SDP: in.Offer(),
		OnProvisional: func(int, []byte) { _ = in.Ring(ctx) },
	})
}

// statusOf is what the caller is told of an outbound call that failed.
func statusOf(err error) int {
	var refused *sip.StatusError
	if errors.As(err, &refused) && refused.Code >= 400 {
		return refused.Code
	}
	return http.StatusInternalServerError
}
