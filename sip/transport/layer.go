package transport

import (
	"context"
	"crypto/tls"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	gosip "github.com/emiago/sipgo/sip"
)

// Handler is who the messages are for: the transaction layer.
type Handler interface {
	// Receive takes one message that came by f; at is when the kernel had it,
	// as far as that is known. Calls for one socket or connection come one
	// after the other, in order of arrival, and hold up all that follows
	// there: Receive must not block. The top Via of a request has got its
	// received and rport already.
	Receive(f Flow, m gosip.Message, at time.Time)
	// Closed tells that the connection f is gone, or could not be opened, and
	// why. It is called once per connection, after its last Receive.
	Closed(f Flow, err error)
}

// Observer counts what the layer does by itself. Its methods must not block.
type Observer interface {
	// Dropped counts a message or connection turned away; why is one of the
	// Drop constants.
	Dropped(why string)
	// Connection counts a connection that came (1) or went (-1).
	Connection(network string, change int)
	// Panicked tells of a panic that was caught while a message was handled.
	Panicked(value any)
}

// Why a message or a connection was dropped.
const (
	DropJunk      = "junk"      // no SIP at all
	DropMalformed = "malformed" // SIP that cannot be parsed
	DropSize      = "size"      // larger than MaxMessage
	DropLimit     = "limit"     // too many connections
	DropSlow      = "slow"      // the peer takes messages too slowly, or sends too slowly
	DropGate      = "gate"      // a connection that the gate turned away
)

// Tap sees every message that is read or written, as bytes that are good during
// the call only. It must not block.
type Tap func(in bool, network string, local, remote netip.AddrPort, data []byte)

// Options shape a layer. Zero values of durations and counts take defaults.
type Options struct {
	MaxMessage   int           // bytes; default 65535
	Idle         time.Duration // silence after which a TCP or TLS peer is gone; default 1 h
	First        time.Duration // until the first whole message of a connection; default 15 s
	Ping         time.Duration // interval of pings on connections that we opened, and on WebSockets; default 20 s
	Write        time.Duration // how long a connection may take for one message; default 5 s
	MaxConns     int           // connections in all; default 20,000
	MaxPerSource int           // connections from one address, loopback excepted; default 1,000
	MaxQueue     int           // bytes queued per connection; default 256 KiB
	DialTLS      *tls.Config   // for TLS connections that we open; nil: the system's roots
	Observer     Observer      // nil: nobody counts
	Gate         Gate          // nil: everything passes
	Tap          Tap           // nil: nobody listens
	// Dial opens TCP connections; nil takes the system's.
	Dial func(ctx context.Context, addr string) (net.Conn, error)
	// Resolve finds the addresses of a host name; nil takes the system's.
	Resolve func(ctx context.Context, host string) ([]netip.Addr, error)
}

func (o Options) withDefaults() Options {
	o.MaxMessage = orDefault(o.MaxMessage, maxDatagram)
	o.Idle = orDefault(o.Idle, time.Hour)
	o.First = orDefault(o.First, 15*time.Second)
	o.Ping = orDefault(o.Ping, 20*time.Second)
	o.Write = orDefault(o.Write, 5*time.Second)
	o.MaxConns = orDefault(o.MaxConns, 20_000)
	o.MaxPerSource = orDefault(o.MaxPerSource, 1000)
	o.MaxQueue = orDefault(o.MaxQueue, 256<<10)
	if o.Observer == nil {
		o.Observer = deaf{}
	}
	if o.Gate == nil {
		o.Gate = open{}
	}
	if o.Dial == nil {
		o.Dial = func(ctx context.Context, addr string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "tcp", addr) //nolint:wrapcheck // wrapped by the caller
		}
	}
	if o.Resolve == nil {
		o.Resolve = func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host) //nolint:wrapcheck // wrapped by the caller
		}
	}
	return o
}

func orDefault[T int | time.Duration](v, usual T) T {
	if v <= 0 {
		return usual
	}
	return v
}

type deaf struct{}

func (deaf) Dropped(string)         {}
func (deaf) Connection(string, int) {}
func (deaf) Panicked(any)           {}

// Layer owns sockets and connections. Make it by New; whatever it starts ends
// with Close.
type Layer struct {
	opts    Options
	handler Handler
	parser  *parser
	refused atomic.Bool // something was, so that its ACK may come

	life    context.Context // of dials and connections; ends with Close
	cancel  context.CancelFunc
	wg      sync.WaitGroup
	writers sync.WaitGroup // of connections: they may finish before the end

	mu        sync.Mutex
	closed    bool
	started   bool
	waiting   []func() // readers that wait for Start
	sockets   []*Socket
	listeners []net.Listener
	conns     map[*conn]struct{}
	byAddr    map[address]*conn // the newest to or from there
	perSource map[netip.Addr]int
}

// address is where a connection leads; name tells TLS connections of different
// configurations apart.
type address struct{ network, hostPort, name string }

// New makes a layer; ctx bounds the life of everything in it, beside Close.
func New(ctx context.Context, o Options, h Handler) *Layer {
	l := &Layer{
		opts: o.withDefaults(), handler: h,
		conns: make(map[*conn]struct{}), byAddr: make(map[address]*conn), perSource: make(map[netip.Addr]int),
	}
	l.parser = newParser(l.opts.MaxMessage)
	l.life, l.cancel = context.WithCancel(ctx)
	return l
}

// Start begins to read from sockets and listeners, those added before and
// those added later.
func (l *Layer) Start() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.started = true
	for _, read := range l.waiting {
		l.begin(read)
	}
	l.waiting = nil
}

// begin starts a reader, or keeps it for Start; the lock is held.
func (l *Layer) begin(read func()) {
	switch {
	case l.closed:
	case l.started:
		l.wg.Go(read)
	default:
		l.waiting = append(l.waiting, read)
	}
}

// Close closes all sockets and connections, and returns when the last
// goroutine of the layer has ended; no Receive or Closed comes after it.
// What was sent is written out first, for a second at most.
func (l *Layer) Close() {
	l.mu.Lock()
	l.closed = true
	conns := make([]*conn, 0, len(l.conns))
	for c := range l.conns {
		conns = append(conns, c)
	}
	sockets, listeners := l.sockets, l.listeners
	l.mu.Unlock()
	for _, ln := range listeners {
		_ = ln.Close()
	}
	for _, s := range sockets {
		s.stop()
	}
	for _, c := range conns {
		c.close()
	}
	l.writers.Wait()
	l.cancel()
	l.wg.Wait()
}

// start runs f in a goroutine of the layer; false when it is closed.
func (l *Layer) start(f func()) bool { return l.startIn(&l.wg, f) }

func (l *Layer) startWriter(f func()) bool { return l.startIn(&l.writers, f) }

func (l *Layer) startIn(wg *sync.WaitGroup, f func()) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	wg.Go(f)
	return true
}

// pass asks the gate, and answers when it says so.
func (l *Layer) pass(f Flow, data []byte, wait time.Duration) bool {
	v := l.opts.Gate.Message(f, data, wait)
	if v.Busy > 0 {
		l.tap(true, f, data)
		l.refuse(f, data, 503, "Service Unavailable", "Retry-After", strconv.Itoa(v.Busy))
	}
	return v == Verdict{}
}

// receive parses one message and hands it up. A bug in the parser or above
// costs this message only.
func (l *Layer) receive(f Flow, data []byte, at time.Time) {
	defer func() {
		if r := recover(); r != nil {
			l.opts.Observer.Panicked(r)
		}
	}()
	l.tap(true, f, data)
	if l.refused.Load() && acknowledgesStateless(data) {
		return
	}
	m, err := l.parser.parse(tidy(data))
	if err != nil {
		l.opts.Observer.Dropped(DropMalformed)
		code, reason := fault(data)
		l.refuse(f, data, code, reason)
		return
	}
	if req, ok := m.(*gosip.Request); ok {
		stampVia(req, f)
	}
	l.handler.Receive(f, m, at)
}

// refuse answers a message that was not parsed, if it is a request.
func (l *Layer) refuse(f Flow, data []byte, code int, reason string, headers ...string) {
	b := refusals.Get().(*[]byte)
	defer refusals.Put(b)
	if res := statelessResponse((*b)[:0], data, f.remote, code, reason, headers...); res != nil {
		*b = res
		l.refused.Store(true)
		_ = f.Send(res) // to whom sends such messages, nothing is owed
	}
}

// refusals are buffers for stateless responses.
var refusals = sync.Pool{New: func() any { return new([]byte) }}

func (l *Layer) tap(in bool, f Flow, data []byte) {
	if l.opts.Tap != nil && len(data) >= minMessage { // no keep-alives
		l.opts.Tap(in, f.Network(), f.Local(), f.remote, data)
	}
}
