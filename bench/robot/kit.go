package robot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"filo/media"
	"filo/sip"
)

// Config says where robots live.
type Config struct {
	Bind   string // IP address for SIP and media; "" means 127.0.0.1
	Domain string // SIP domain of the server; "" means filo.local
	Log    *slog.Logger
}

// Kit is the SIP user agent and the media engine that robots share: hundreds
// of them use one UDP socket.
type Kit struct {
	UA     *sip.UA
	Media  *media.Engine
	Domain string

	log    *slog.Logger
	cancel context.CancelCauseFunc
	wg     sync.WaitGroup
	err    error

	mu     sync.Mutex
	phones map[string]*Phone
}

var errKitClosed = errors.New("robots closed")

// NewKit starts a user agent on any free port of cfg.Bind. Close it.
func NewKit(ctx context.Context, cfg Config) (*Kit, error) {
	if cfg.Bind == "" {
		cfg.Bind = "127.0.0.1"
	}
	if cfg.Domain == "" {
		cfg.Domain = "filo.local"
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	sc := sip.DefaultConfig()
	sc.Listen = []sip.Listen{{Network: "udp", Bind: cfg.Bind + ":0"}, {Network: "tcp", Bind: cfg.Bind + ":0"}}
	sc.Domain, sc.UserAgent = cfg.Domain, "Filo robot"
	// Robots take calls from the server that they registered with, whatever its address.
	sc.Trunks = []sip.Trunk{{Name: "server", Allow: []string{"0.0.0.0/0", "::/0"}, Trusted: true, Headers: []string{"X-Filo-Contact", "X-Filo-Queue"}}}
	reg := prometheus.NewRegistry()
	ua, err := sip.New(sc, sip.Deps{Log: cfg.Log, Registry: reg})
	if err != nil {
		return nil, fmt.Errorf("robots' user agent: %w", err)
	}
	mc := media.DefaultConfig()
	mc.Bind, mc.PortMin, mc.PortMax = cfg.Bind, 0, 0
	mc.PortQuarantine = 0
	eng, err := media.New(mc, media.Deps{Log: cfg.Log, Registry: reg})
	if err != nil {
		return nil, fmt.Errorf("robots' media: %w", err)
	}
	k := &Kit{UA: ua, Media: eng, Domain: cfg.Domain, log: cfg.Log, phones: map[string]*Phone{}}
	ctx, k.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
	served := make(chan struct{})
	k.wg.Go(func() {
		defer close(served)
		k.err = ua.Serve(ctx, k.serve)
	})
	select {
	case <-ua.Ready():
		return k, nil
	case <-served:
		return nil, errors.Join(fmt.Errorf("robots' user agent: %w", k.err), eng.Close())
	}
}

// Close hangs up whatever is left and frees all ports.
func (k *Kit) Close() error {
	k.cancel(errKitClosed)
	err := k.Media.Close() // whatever still plays ends with its endpoint
	k.wg.Wait()
	return errors.Join(k.err, err)
}

// Go runs f in a goroutine that Close waits for.
func (k *Kit) Go(f func()) { k.wg.Go(f) }

// serve gives an inbound call to the phone that it is for.
func (k *Kit) serve(ctx context.Context, leg *sip.Leg) {
	k.mu.Lock()
	p := k.phones[leg.Info().Called]
	k.mu.Unlock()
	if p == nil {
		_ = leg.Reject(ctx, 404, "") //nolint:errcheck // nothing else to tell a wrong number
		return
	}
	p.serve(ctx, leg)
}
