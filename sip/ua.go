package sip

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
	"net"
	"net/netip"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	gosip "github.com/emiago/sipgo/sip"
	"github.com/prometheus/client_golang/prometheus"

	"filo/sip/admission"
	"filo/sip/resolve"
	"filo/sip/trace"
	"filo/sip/transaction"
	"filo/sip/transport"
)

const (
	// stopGrace is how long the goodbyes of a stopping UA may take.
	stopGrace = 2 * time.Second
	// streamTimeout bounds the opening of a connection, and one write to it.
	streamTimeout = 5 * time.Second
)

// Handler serves one inbound call. It runs in a goroutine of its own; ctx is
// the leg's and ends with ErrCancelled, ErrRemoteHangup, ErrStopped or another
// cause. A leg that is still up when it returns is refused (603) or hung up.
type Handler func(ctx context.Context, leg *Leg)

// Credentials know the users' passwords.
type Credentials interface {
	// Password returns the user's password in clear (digest needs it, or an
	// equivalent); ok is false for an unknown user.
	Password(ctx context.Context, user string) (password string, ok bool)
}

// Deps are what the user agent needs from outside. Every field may be nil.
type Deps struct {
	Log         *slog.Logger
	Registry    prometheus.Registerer
	Credentials Credentials // nil: no registrar, and nobody but trunks and WebSocket sessions may call
	Tap         trace.Tap   // hears every message; nil: nobody does
	Now         func() time.Time
	DNS         resolve.DNS // nil: the system's
}

// UA is a SIP user agent. Make it by New, run it by Serve, once.
type UA struct {
	cfg          Config                 // as it was at the start: what needs a restart
	live         atomic.Pointer[Config] // as it is: what Reload changes
	log          *slog.Logger
	now          func() time.Time
	met          *metrics
	creds        Credentials
	listening    trace.Tap
	near         localNetworks
	trunks       atomic.Pointer[trunkSet]
	duties       duties
	answerWithin atomic.Int64 // a time.Duration: see usualAnswer
	resolver     *resolve.Resolver
	gate         *admission.Gate
	auth         *digestServer
	reg          *registrar
	dialled      webSockets
	legs         legTable
	tagSeed      maphash.Seed
	instanceHost string // our name in Via on WebSockets
	draining     atomic.Bool
	reloading    sync.Mutex
	ready        chan struct{}
	// bind opens packet sockets: the system's.
	bind func(ctx context.Context, network, address string) (net.PacketConn, error)

	// Written by Serve before ready is closed.
	handler   Handler
	tp        *transport.Layer
	tx        *transaction.Layer
	listeners []*listener
	life      context.Context // for what outlives a call; ends when the sockets close
	cutOff    context.CancelFunc
	stopping  chan struct{} // closed when the stop begins
	farewells farewells

	wg      sync.WaitGroup
	stateMu sync.Mutex
	state   serving
	inside  sync.WaitGroup // callers between enter and leave
}

type serving int

const (
	notYetServing serving = iota
	servingNow
	stoppedServing
)

// New makes a user agent; it opens nothing before Serve.
func New(cfg Config, deps Deps) (*UA, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("sip: %w", err)
	}
	if deps.Log == nil {
		deps.Log = slog.New(slog.DiscardHandler)
	}
	if deps.Now == nil {
		deps.Now = time.Now
	}
	trunks, err := newTrunkSet(cfg.Trunks, nil)
	if err != nil {
		return nil, fmt.Errorf("sip: %w", err)
	}
	u := &UA{
		cfg: cfg, log: deps.Log, now: deps.Now, met: newMetrics(deps.Registry), creds: deps.Credentials, listening: deps.Tap,
		resolver: resolve.New(deps.DNS, resolve.Options{}), tagSeed: maphash.MakeSeed(), instanceHost: newToken()[:12] + ".invalid",
		ready: make(chan struct{}), stopping: make(chan struct{}), bind: (&net.ListenConfig{}).ListenPacket,
	}
	u.legs.m, u.legs.buried = make(map[string]*Leg), make(map[string]bool)
	u.near, _ = newLocalNetworks(cfg.LocalNetworks) // validated
	u.live.Store(&cfg)
	u.gate = admission.New(cfg.Admission, cfg.Strangers, cfg.Emergency, admission.Deps{
		Registry: deps.Registry, Trusted: u.trusted, Knows: func(h transport.Head) bool { return u.tx.Knows(h) },
	})
	u.auth = newDigestServer(&u.live, deps.Now)
	u.reg = newRegistrar(&u.live, u.met, deps.Now)
	u.trunks.Store(trunks)
	u.answerWithin.Store(int64(usualAnswer))
	return u, nil
}

// Serve binds the sockets and serves until ctx ends; then it says goodbye to
// the calls that are left and returns when every goroutine has ended.
func (u *UA) Serve(ctx context.Context, h Handler) error {
	if !u.begin(h) {
		return ErrNotServing
	}
	u.life, u.cutOff = context.WithCancel(context.WithoutCancel(ctx))
	u.buildLayers()
	for _, l := range u.cfg.Listen {
		ln, err := u.listen(ctx, l)
		if err != nil {
			u.shutdown()
			return err
		}
		u.listeners = append(u.listeners, ln)
	}
	u.wg.Go(func() { u.reg.run(ctx) })
	u.open()
	u.tp.Start()
	close(u.ready)
	u.beginDuties()
	<-ctx.Done()
	u.shutdown()
	return nil
}

// buildLayers puts the transactions upon the transports.
func (u *UA) buildLayers() {
	u.tx = transaction.New(u.life, transaction.Options{
		Tag: u.toTag, Server: u.cfg.UserAgent, Observer: u.met,
	}, core{u})
	u.tp = transport.New(u.life, transport.Options{
		MaxMessage: u.cfg.MaxMessage,
		Idle:       u.cfg.RegisterExpires.Max + time.Minute, // phones speak at least once per registration
		Ping:       u.cfg.WebSocketPing,
		Write:      streamTimeout,
		Observer:   wire{u},
		Gate:       u.gate,
		Tap:        u.tap(),
		Resolve:    u.resolver.Addresses,
	}, u.tx)
}

// trusted tells whether an address is a trunk's, or one that somebody has
// registered from: neither is a stranger.
func (u *UA) trusted(a netip.Addr) bool {
	return u.trunks.Load().at(a) != nil || u.reg.anyFrom(a)
}

// traceNames are the networks as the trace writes them.
var traceNames = map[string]string{
	transport.UDP: "udp", transport.TCP: "tcp", transport.TLS: "tls", transport.WS: "ws", transport.WSS: "wss",
}

// tap hands the transports' messages to the trace; nil when nobody listens.
func (u *UA) tap() transport.Tap {
	if u.listening == nil {
		return nil
	}
	return func(in bool, network string, local, remote netip.AddrPort, data []byte) {
		u.listening.Message(trace.Message{In: in, Network: traceNames[network], Local: local, Remote: remote, Data: data})
	}
}

// wire counts what the transports do.
type wire struct{ u *UA }

func (w wire) Dropped(why string) { w.u.met.reject(why) }

func (w wire) Connection(network string, change int) {
	if network == transport.WS || network == transport.WSS {
		w.u.met.sockets.Add(float64(change))
	}
}

func (w wire) Panicked(value any) { w.u.caught(value, "") }

func (u *UA) begin(h Handler) bool {
	u.stateMu.Lock()
	defer u.stateMu.Unlock()
	if u.handler != nil || u.state != notYetServing || h == nil {
		return false
	}
	u.handler = h
	return true
}

func (u *UA) open() {
	u.stateMu.Lock()
	defer u.stateMu.Unlock()
	u.state = servingNow
}

// shutdown ends every call and every goroutine.
func (u *UA) shutdown() {
	u.draining.Store(true)
	close(u.stopping)
	for _, l := range u.legs.all() {
		l.stop()
	}
	u.duties.end()
	ctx, cancel := context.WithTimeout(u.life, stopGrace)
	defer cancel()
	_ = u.legs.awaitEmpty(ctx) // what is left is cut off below
	u.farewells.await(ctx)
	u.stateMu.Lock()
	u.state = stoppedServing
	u.stateMu.Unlock()
	u.tx.Close() // ends what still waits, BYEs among them
	u.cutOff()
	u.inside.Wait()
	u.tp.Close() // no message comes any more
	u.wg.Wait()
}

// Ready is closed when the listeners are bound.
func (u *UA) Ready() <-chan struct{} { return u.ready }

// Drain refuses new calls with 503 from now on, and OPTIONS too, so that
// proxies look elsewhere. It returns when no call is left or ctx ends.
func (u *UA) Drain(ctx context.Context) error {
	u.draining.Store(true)
	return u.legs.awaitEmpty(ctx)
}

// enter keeps the UA from stopping while a caller is inside; false when it
// does not serve.
func (u *UA) enter() bool {
	u.stateMu.Lock()
	defer u.stateMu.Unlock()
	if u.state != servingNow {
		return false
	}
	u.inside.Add(1)
	return true
}

func (u *UA) leave() { u.inside.Done() }

// write sends a request without a transaction: an ACK.
func (u *UA) write(h hop, req *gosip.Request) {
	if err := u.tx.Write(h.flow, req); err != nil {
		u.log.Debug("request not sent", "method", string(req.Method), "err", err)
	}
}

// fire sends a request other than INVITE and sees its transaction through,
// whatever the answer.
func (u *UA) fire(h hop, req *gosip.Request) {
	u.farewells.begin()
	if _, err := u.tx.Request(h.flow, req, farewell{u}); err != nil {
		u.farewells.end()
		u.log.Debug("request not sent", "method", string(req.Method), "err", err)
	}
}

// farewell waits for the answer to a request that nobody else waits for.
type farewell struct{ u *UA }

func (f farewell) Response(_ *transaction.Client, res *gosip.Response, _ transport.Flow) {
	if !res.IsProvisional() {
		f.u.farewells.end()
	}
}

func (f farewell) Failed(_ *transaction.Client, err error) {
	f.u.log.Debug("request failed", "err", err)
	f.u.farewells.end()
}

// roundTrip sends a request other than INVITE and returns its final response.
func (u *UA) roundTrip(ctx context.Context, h hop, req *gosip.Request) (*gosip.Response, error) {
	a := answer{make(chan *gosip.Response, 1), make(chan error, 1)}
	tx, err := u.tx.Request(h.flow, req, a)
	if err != nil {
		return nil, fmt.Errorf("send %s: %w", req.Method, err)
	}
	defer tx.Abandon()
	select {
	case res := <-a.final:
		return res, nil
	case err := <-a.failed:
		return nil, txError(err)
	case <-ctx.Done():
		return nil, fmt.Errorf("%s: %w", req.Method, context.Cause(ctx))
	}
}

// answer is what roundTrip waits for.
type answer struct {
	final  chan *gosip.Response
	failed chan error
}

func (a answer) Response(_ *transaction.Client, res *gosip.Response, _ transport.Flow) {
	if !res.IsProvisional() {
		a.final <- res
	}
}

func (a answer) Failed(_ *transaction.Client, err error) { a.failed <- err }

// txError is the package's error for a transaction that failed.
func txError(err error) error {
	switch {
	case errors.Is(err, transaction.ErrTimeout):
		return fmt.Errorf("%w: %w", ErrTimeout, err)
	case errors.Is(err, transaction.ErrClosed):
		return fmt.Errorf("%w: %w", ErrStopped, err)
	}
	return err
}

// caught reports a panic; its value may hold anything, so only the stack is
// logged.
func (u *UA) caught(r any, legID string) {
	u.met.panics.Inc()
	u.log.Error("panic caught", "leg_id", legID, "type", fmt.Sprintf("%T", r), "stack", string(debug.Stack()))
}
