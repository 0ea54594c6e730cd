package media

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Deps are what an Engine is given. Both may be nil.
type Deps struct {
	Log      *slog.Logger
	Registry prometheus.Registerer
}

// Engine owns the ports, the pacing and every endpoint made by it.
type Engine struct {
	cfg     Config
	log     *slog.Logger
	metrics *metrics
	reach   reach
	policy  addressPolicy
	ports   *ports
	playout *playout
	web     *webEngine

	mu         sync.Mutex
	endpoints  map[*endpoint]leg
	recordings map[*Recording]struct{}
	closed     bool

	stop    chan struct{}
	wg      sync.WaitGroup
	writers sync.WaitGroup // of recordings
}

// leg is what an engine needs of each kind of endpoint.
type leg interface {
	Endpoint
	housekeep(now time.Time)
}

// New checks cfg, opens the shared WebRTC port and starts pacing and housekeeping.
func New(cfg Config, deps Deps) (*Engine, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("media config: %w", err)
	}
	if deps.Log == nil {
		deps.Log = slog.New(slog.DiscardHandler)
	}
	en := &Engine{
		cfg:        cfg,
		log:        deps.Log,
		reach:      newReach(cfg),
		policy:     addressPolicy{private: cfg.AllowPrivate},
		endpoints:  map[*endpoint]leg{},
		recordings: map[*Recording]struct{}{},
		stop:       make(chan struct{}),
	}
	en.ports = newPorts(en.reach.bind, cfg)
	web, err := newWebEngine(en)
	if err != nil {
		return nil, err
	}
	en.web = web
	en.metrics = newMetrics(deps.Registry)
	en.playout = newPlayout(en.metrics)
	en.wg.Go(en.housekeeping)
	return en, nil
}

// Close closes every endpoint, ends every recording and joins every goroutine.
// A disk that hangs is waited for up to five seconds.
func (en *Engine) Close() error {
	en.mu.Lock()
	if en.closed {
		en.mu.Unlock()
		return nil
	}
	en.closed = true
	open := make([]leg, 0, len(en.endpoints))
	for _, e := range en.endpoints {
		open = append(open, e)
	}
	en.mu.Unlock()
	errs := closeAll(open)
	errs = append(errs, en.stopRecordings())
	close(en.stop)
	en.wg.Wait()
	en.playout.close()
	errs = append(errs, en.web.close())
	return errors.Join(errs...)
}

// closeAll closes legs side by side: a WebRTC leg takes some milliseconds.
func closeAll(legs []leg) []error {
	errs := make([]error, len(legs))
	var wg sync.WaitGroup
	for i, l := range legs {
		wg.Go(func() { errs[i] = l.Close() })
	}
	wg.Wait()
	return errs
}

// Answer makes an endpoint for a peer's offer, plain RTP or WebRTC as the offer
// says, and our answer. The errors are ErrBadSDP, ErrNotAcceptable, ErrNoPorts,
// ErrClosed and ctx.Err(). The caller owns the endpoint and closes it.
func (en *Engine) Answer(ctx context.Context, offer []byte, o Options) (Endpoint, []byte, error) {
	d, err := parseSDP(offer)
	if err != nil {
		return nil, nil, err
	}
	if i := webrtcAudio(d); i >= 0 {
		return en.answerWebRTC(ctx, offer, d, i, o)
	}
	return en.answerRTP(d, o)
}

// Offer makes an endpoint that waits for Accept, and its offer. A WebRTC offer
// is that of a full ICE agent.
func (en *Engine) Offer(ctx context.Context, o Options, kind Kind) (Endpoint, []byte, error) {
	switch kind {
	case WebRTC:
		return en.offerWebRTC(ctx, o)
	case RTP:
		return en.offerRTP(o)
	}
	return nil, nil, fmt.Errorf("media kind %d", kind)
}

// WebRTCAddr is the shared UDP port of browser legs.
func (en *Engine) WebRTCAddr() netip.AddrPort { return en.web.addr }

// add registers an endpoint, or says that the engine is closed.
func (en *Engine) add(e leg, core *endpoint) error {
	en.mu.Lock()
	defer en.mu.Unlock()
	if en.closed {
		return ErrClosed
	}
	en.endpoints[core] = e
	en.metrics.active[core.kind].Inc()
	return nil
}

// remove forgets a closed endpoint and accounts for it.
func (en *Engine) remove(core *endpoint) {
	en.mu.Lock()
	_, known := en.endpoints[core]
	delete(en.endpoints, core)
	en.mu.Unlock()
	if !known {
		return
	}
	en.metrics.active[core.kind].Dec()
	s := core.Stats()
	en.metrics.lost.Add(float64(s.Lost))
	if s.PacketsIn > 0 {
		en.metrics.jitter.Observe(s.Jitter.Seconds())
	}
}

// housekeeping looks at every endpoint a few times a second: RTP time-outs and
// RTCP reports need no timer of their own.
func (en *Engine) housekeeping() {
	tick := time.NewTicker(en.housekeepingPeriod())
	defer tick.Stop()
	var open []leg
	for {
		select {
		case <-en.stop:
			return
		case now := <-tick.C:
			open = open[:0]
			en.mu.Lock()
			for _, e := range en.endpoints {
				open = append(open, e)
			}
			en.mu.Unlock()
			for _, e := range open {
				e.housekeep(now)
			}
			clear(open)
		}
	}
}

func (en *Engine) housekeepingPeriod() time.Duration {
	p := 500 * time.Millisecond
	for _, d := range []time.Duration{en.cfg.InitialRTPTimeout, en.cfg.RTPTimeout, en.cfg.RTCPInterval} {
		if d > 0 {
			p = min(p, max(d/4, 5*time.Millisecond))
		}
	}
	return p
}

func (e *endpoint) housekeep(now time.Time) {
	e.checkTimeout(now, e.engine.cfg.InitialRTPTimeout, e.engine.cfg.RTPTimeout)
}
