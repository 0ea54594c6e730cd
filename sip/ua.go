package sip

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	gosip "github.com/emiago/sipgo/sip"
	"github.com/prometheus/client_golang/prometheus"
)

// stopGrace is how long the goodbyes of a stopping UA may take.
const stopGrace = 2 * time.Second

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
	Now         func() time.Time
}

// UA is a SIP user agent. Make it by New, run it by Serve, once.
type UA struct {
	cfg          Config
	log          *slog.Logger
	now          func() time.Time
	met          *metrics
	creds        Credentials
	tp           *gosip.TransportLayer
	tx           *gosip.TransactionLayer
	order        *order
	trunks       *trunkSet
	auth         *digestServer
	reg          *registrar
	flows        *flowTable
	reacks       *reackTable
	sockets      *socketListener
	legs         legTable
	instanceHost string // our name in Via on WebSockets
	draining     atomic.Bool
	lastRead     atomic.Int64 // when the last message came, Unix nanoseconds
	ready        chan struct{}

	// Written by Serve before ready is closed.
	handler   Handler
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
	tuneOnce.Do(tuneSipgo)
	if deps.Log == nil {
		deps.Log = slog.New(slog.DiscardHandler)
	}
	if deps.Now == nil {
		deps.Now = time.Now
	}
	trunks, err := newTrunkSet(cfg.Trunks)
	if err != nil {
		return nil, fmt.Errorf("sip: %w", err)
	}
	u := &UA{
		cfg: cfg, log: deps.Log, now: deps.Now, met: newMetrics(deps.Registry), creds: deps.Credentials,
		trunks: trunks, instanceHost: newToken()[:12] + ".invalid", ready: make(chan struct{}),
		stopping: make(chan struct{}),
	}
	u.legs.m, u.legs.buried = make(map[string]*Leg), make(map[string]bool)
	u.auth = newDigestServer(cfg, deps.Now)
	u.reg = newRegistrar(cfg, u.met, deps.Now)
	u.flows = newFlowTable(u.reg.dropFlow)
	u.reacks = newReackTable(u.write)
	u.sockets = newSocketListener(u.flows)
	u.order = newOrder(u.awaitsACK)
	u.buildLayers()
	return u, nil
}

// buildLayers makes sipgo's transports and transactions. The tap must come
// first: the transaction layer starts a goroutine for each message.
func (u *UA) buildLayers() {
	quiet := slog.New(slog.DiscardHandler) // it logs whole messages
	parser := gosip.NewParser(gosip.WithHeadersParsers(lenientParsers()))
	parser.MaxMessageLength = u.cfg.MaxMessage
	u.tp = gosip.NewTransportLayer(net.DefaultResolver, parser, nil,
		gosip.WithTransportLayerLogger(quiet), newTransports(u.cfg.RegisterExpires.Max+time.Minute))
	u.tp.OnMessage(u.tap)
	u.tx = gosip.NewTransactionLayer(u.tp,
		gosip.WithTransactionLayerLogger(quiet),
		gosip.WithTransactionLayerUnhandledResponseHandler(func(res *gosip.Response) {
			u.order.absorbed(res)
			u.reacks.stray(res)
		}))
}

func (u *UA) tap(m gosip.Message) {
	if req, ok := m.(*gosip.Request); ok {
		u.met.requests.WithLabelValues(methodLabel(string(req.Method))).Inc()
	}
	now := time.Now()
	u.lastRead.Store(now.UnixNano())
	u.order.tap(m, now)
}

// awaitsACK tells whether an ACK with this To-tag ends the wait for one, rather
// than belonging to a failed INVITE, which the transaction layer keeps.
func (u *UA) awaitsACK(toTag, branch string) bool {
	l := u.legs.get(toTag)
	return l != nil && l.srvTag != branch
}

// Serve binds the sockets and serves until ctx ends; then it says goodbye to
// the calls that are left and returns when every goroutine has ended.
func (u *UA) Serve(ctx context.Context, h Handler) error {
	if !u.begin(h) {
		return ErrNotServing
	}
	u.life, u.cutOff = context.WithCancel(context.WithoutCancel(ctx))
	for _, l := range u.cfg.Listen {
		ln, err := listen(ctx, l, u.met, u.flows, u.cfg.MaxMessage)
		if err != nil {
			return errors.Join(err, u.shutdown())
		}
		u.listeners = append(u.listeners, ln)
	}
	u.tx.OnRequest(func(req *gosip.Request, tx *gosip.ServerTx) { u.serve(ctx, req, tx) })
	for _, ln := range u.listeners {
		u.wg.Go(func() { // the error of a closed socket says nothing
			if ln.packets != nil {
				_ = u.tp.ServeUDP(ln.packets)
			} else {
				_ = u.tp.ServeTCP(ln.stream)
			}
		})
	}
	u.wg.Go(func() { _ = u.tp.ServeTCP(u.sockets) })
	u.wg.Go(func() { u.reg.run(ctx) })
	for _, ln := range u.listeners {
		if ln.packets != nil {
			<-ln.packets.reading
		}
	}
	u.open()
	<-ctx.Done()
	return u.shutdown()
}

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
	close(u.ready)
}

// shutdown ends every call and every goroutine.
func (u *UA) shutdown() error {
	u.draining.Store(true)
	close(u.stopping)
	for _, l := range u.legs.all() {
		l.post(func() { l.stop() })
	}
	ctx, cancel := context.WithTimeout(u.life, stopGrace)
	defer cancel()
	_ = u.legs.awaitEmpty(ctx) // what is left is cut off below
	u.farewells.await(ctx)
	// From here on nothing new is read. The sockets stay in sipgo's pool until
	// what it read last is served: it would open new ones to respond.
	for _, ln := range u.listeners {
		if ln.packets != nil {
			ln.packets.muted.Store(true)
		}
	}
	u.cutOff()
	u.stateMu.Lock()
	u.state = stoppedServing
	u.stateMu.Unlock()
	u.tx.Close() // ends transactions that still wait, BYEs among them
	u.inside.Wait()
	u.tx.Close() // what began in between
	u.flows.closeAll()
	_ = u.sockets.Close()
	var errs []error
	for _, ln := range u.listeners {
		if err := ln.close(); err != nil && !errors.Is(err, net.ErrClosed) {
			errs = append(errs, fmt.Errorf("close listener: %w", err))
		}
	}
	_ = u.tp.Close() // its sockets are closed already
	u.wg.Wait()
	u.sweep()
	return errors.Join(errs...)
}

// lateMessage is how long after it was read sipgo may still begin to serve a
// message.
const lateMessage = 250 * time.Millisecond

// sweep closes what sipgo opens after our sockets are closed: it serves each
// message in a goroutine that nobody can wait for, and who finds no socket to
// respond by makes one.
func (u *UA) sweep() {
	_ = u.tp.Close()
	if last := time.Unix(0, u.lastRead.Load()); time.Since(last) < lateMessage {
		time.Sleep(lateMessage - time.Since(last))
		_ = u.tp.Close()
	}
}

// Ready is closed when the listeners are bound.
func (u *UA) Ready() <-chan struct{} { return u.ready }

// Addr is the address bound for "udp" or "tcp", e.g. "127.0.0.1:43215"; "" if
// there is none. Valid after Ready.
func (u *UA) Addr(network string) string {
	for _, l := range u.cfg.Listen {
		if l.Network != network {
			continue
		}
		for _, ln := range u.listeners {
			if (ln.packets != nil) == (network == "udp") {
				return ln.bound.String()
			}
		}
	}
	return ""
}

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

// start runs a leg; the caller is inside.
func (u *UA) start(l *Leg) {
	u.legs.add(l)
	u.startAdded(l)
}

func (u *UA) startAdded(l *Leg) {
	u.met.dialogs.Inc()
	u.wg.Go(l.loop)
}

func (u *UA) forget(l *Leg) {
	u.met.dialogs.Dec()
	u.legs.remove(l)
}

// stop ends a leg at the stop of the UA: nothing is waited for.
func (l *Leg) stop() {
	wait := l.state == stateAnswered || l.byeLater != nil
	if wait && l.srv != nil {
		l.srv.stop()
		l.srv = nil
		l.state = stateConfirmed
		l.byeLater = nil
	}
	l.terminate(Hangup{Code: statusOverloaded}, ErrStopped)
}

// write sends a request without a transaction: an ACK.
func (u *UA) write(req *gosip.Request) {
	if err := u.tp.WriteMsg(req); err != nil {
		u.log.Debug("request not sent", "method", string(req.Method), "err", err)
	}
}

// fire sends a request other than INVITE and sees its transaction through,
// whatever the answer. The caller is inside or in a goroutine of the UA.
func (u *UA) fire(req *gosip.Request) {
	u.farewells.begin()
	u.wg.Go(func() {
		defer u.farewells.end()
		ctx, cancel := context.WithTimeout(u.life, timerMax)
		defer cancel()
		if _, err := u.roundTrip(ctx, req); err != nil {
			u.log.Debug("request failed", "method", string(req.Method), "err", err)
		}
	})
}

// roundTrip sends a request other than INVITE and returns its final response.
func (u *UA) roundTrip(ctx context.Context, req *gosip.Request) (*gosip.Response, error) {
	if err := ctx.Err(); err != nil { // sipgo would open a new socket for it
		return nil, fmt.Errorf("send %s: %w", req.Method, err)
	}
	tx, err := u.tx.Request(ctx, req)
	if err != nil {
		return nil, fmt.Errorf("send %s: %w", req.Method, err)
	}
	defer tx.Terminate()
	for {
		select {
		case res := <-tx.Responses():
			u.met.response(res.StatusCode, "in")
			if !res.IsProvisional() {
				return res, nil
			}
		case <-tx.Done():
			if errors.Is(tx.Err(), gosip.ErrTransactionTimeout) {
				return nil, fmt.Errorf("%s: %w", req.Method, ErrTimeout)
			}
			return nil, fmt.Errorf("%s: %w", req.Method, tx.Err())
		case <-ctx.Done():
			return nil, fmt.Errorf("%s: %w", req.Method, context.Cause(ctx))
		}
	}
}

// caught reports a panic; its value may hold anything, so only the stack is
// logged.
func (u *UA) caught(r any, legID string) {
	u.met.panics.Inc()
	u.log.Error("panic caught", "leg_id", legID, "type", fmt.Sprintf("%T", r), "stack", string(debug.Stack()))
}
