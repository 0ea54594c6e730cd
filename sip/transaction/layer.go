package transaction

import (
	"context"
	"net/netip"
	"sync"
	"time"

	gosip "github.com/emiago/sipgo/sip"

	"filo/sip/transport"
)

// User is who requests are for: the UAS core.
type User interface {
	// Request takes a request that opened tx. It is not an ACK or a CANCEL.
	// A final response is owed; without one, tx of a request other than INVITE
	// is dropped after 64*T1.
	Request(tx *Server)
	// ACK takes the ACK of a 2xx, which belongs to no transaction, and any ACK
	// that nobody waits for.
	ACK(f transport.Flow, ack *gosip.Request)
	// Stray takes a 2xx to an INVITE of ours that was settled by Client.Settle:
	// of a branch of a fork that answered too late, so that it wants an ACK and
	// a BYE (RFC 3261 section 13.2.2.4).
	Stray(f transport.Flow, res *gosip.Response)
	// Closed passes on that a connection is gone; the transactions on it have
	// failed before.
	Closed(f transport.Flow, err error)
}

// Observer counts. Its methods must not block.
type Observer interface {
	// Received counts a message from the network, repeats included.
	Received(m gosip.Message)
	// Responded counts a response of ours, repeats excluded.
	Responded(code int)
	// Resent counts a message of ours that goes out again: "request",
	// "response" or "ack".
	Resent(what string)
	// Refused counts a request that was turned away by a limit.
	Refused()
}

// Options shape a layer.
type Options struct {
	// Tag is the To-tag of our responses to req, which has none. The same
	// Call-ID, From-tag and CSeq number must give the same tag, so that it is
	// right for the CANCEL, too. Required.
	Tag func(req *gosip.Request) string
	// Server is the text of the Server header in responses of the layer
	// itself (100, 481, 487, 503, and 200 to CANCEL); "": none.
	Server string
	// MaxLive bounds the transactions, of both kinds, that wait for their
	// final response; default 100,000.
	MaxLive int
	// MaxPerSource bounds the server transactions that wait for our final
	// response to one address; default half of MaxLive.
	MaxPerSource int
	// MaxLingering bounds what is kept to absorb repeats; beyond it the oldest
	// goes early. Default 500,000.
	MaxLingering int
	Observer     Observer // nil: nobody counts
}

func (o Options) withDefaults() Options {
	if o.MaxLive <= 0 {
		o.MaxLive = 100_000
	}
	if o.MaxPerSource <= 0 {
		o.MaxPerSource = max(1, o.MaxLive/2)
	}
	if o.MaxLingering <= 0 {
		o.MaxLingering = 500_000
	}
	if o.Observer == nil {
		o.Observer = deaf{}
	}
	return o
}

type deaf struct{}

func (deaf) Received(gosip.Message) {}
func (deaf) Responded(int)          {}
func (deaf) Resent(string)          {}
func (deaf) Refused()               {}

// Layer is the transaction layer. It implements transport.Handler.
type Layer struct {
	opts  Options
	user  User
	hash  hasher
	clock *clock

	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu        sync.Mutex
	closed    bool
	servers   map[key]*Server
	clients   map[key]*Client
	perSource map[netip.Addr]int // servers in want of a final response
	byFlow    map[transport.Flow]map[*Client]struct{}
	lingering remains
}

// New makes a layer and starts its clock; ctx bounds the clock's life, beside
// Close.
func New(ctx context.Context, o Options, user User) *Layer {
	l := &Layer{
		opts: o.withDefaults(), user: user, hash: newHasher(), clock: newClock(),
		servers: make(map[key]*Server), clients: make(map[key]*Client),
		perSource: make(map[netip.Addr]int), byFlow: make(map[transport.Flow]map[*Client]struct{}),
		lingering: newRemains(),
	}
	ctx, l.cancel = context.WithCancel(ctx)
	l.wg.Go(func() { l.clock.run(ctx) })
	l.clock.set(sweeping, sweep{l}, 0)
	return l
}

// sweep looks for requests other than INVITE that the user never answered.
type sweep struct{ *Layer }

func (l sweep) fire(time.Time, uint32) {
	now := time.Now()
	var late []*Server
	l.mu.Lock()
	for _, s := range l.servers {
		if s.req.Method != gosip.INVITE && now.Sub(s.begun) >= TimeoutAfter {
			late = append(late, s)
		}
	}
	closed := l.closed
	l.mu.Unlock()
	for _, s := range late {
		s.abandon()
	}
	if !closed {
		l.clock.set(sweeping, l, 0)
	}
}

// Close ends every transaction: those of ours that wait fail with ErrClosed.
// Nothing is called up afterwards, but what the transport still hands in is
// being dropped, so that it should be closed next.
func (l *Layer) Close() {
	l.mu.Lock()
	l.closed = true
	clients := make([]*Client, 0, len(l.clients))
	for _, c := range l.clients {
		clients = append(clients, c)
	}
	clear(l.servers)
	l.lingering = newRemains()
	l.mu.Unlock()
	for _, c := range clients {
		c.fail(ErrClosed)
	}
	l.cancel()
	l.wg.Wait()
}

// Live is the number of transactions that wait for a final response, or for
// the ACK of a failure.
func (l *Layer) Live() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.servers) + len(l.clients)
}

// Knows tells whether a request that was peeked at repeats one that is being
// served, or was not long ago: it must not be turned away.
func (l *Layer) Knows(h transport.Head) bool {
	k, ok := l.hash.peeked(h)
	if !ok {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.servers[k] != nil || l.lingering.get(k) != nil
}

// Write sends a message outside any transaction: the ACK of a 2xx.
func (l *Layer) Write(f transport.Flow, m gosip.Message) error { return marshal(m, f.Send) }

// Receive takes a message from the network; it implements transport.Handler.
func (l *Layer) Receive(f transport.Flow, m gosip.Message, at time.Time) {
	l.opts.Observer.Received(m)
	if m.Via() == nil {
		return // no way back, and no transaction
	}
	switch m := m.(type) {
	case *gosip.Request:
		l.receiveRequest(f, m, at)
	case *gosip.Response:
		l.receiveResponse(f, m)
	}
}

func (l *Layer) receiveRequest(f transport.Flow, req *gosip.Request, at time.Time) {
	if req.Method == gosip.ACK {
		l.receiveACK(f, req)
		return
	}
	k := l.hash.request(req, req.Method)
	s, fresh, r := l.server(k, f, req, at)
	switch {
	case r != nil:
		r.repeat()
	case s == nil:
	case !fresh:
		s.repeated()
	case req.Method == gosip.CANCEL:
		l.receiveCancel(s)
	default:
		if req.Method == gosip.INVITE {
			l.clock.set(trying, s, markTrying)
		}
		l.user.Request(s)
	}
}

// server finds the transaction of a request, or what is left of it, or makes
// it. All are nil when the request is turned away.
func (l *Layer) server(k key, f transport.Flow, req *gosip.Request, at time.Time) (s *Server, fresh bool, r *remain) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s, r = l.servers[k], l.lingering.get(k); s != nil || r != nil || l.closed {
		return s, false, r
	}
	source := f.Remote().Addr()
	if len(l.servers)+len(l.clients) >= l.opts.MaxLive || l.perSource[source] >= l.opts.MaxPerSource {
		l.refuse(f, req)
		return nil, false, nil
	}
	s = newServer(l, k, f, req, at)
	l.servers[k] = s
	l.perSource[source]++
	return s, true, nil
}

// refuse turns a request away without a transaction: the retransmission may
// have more luck.
func (l *Layer) refuse(f transport.Flow, req *gosip.Request) {
	l.opts.Observer.Refused()
	res := NewResponse(req, 503, "Service Unavailable", l.opts.Tag(req))
	res.AppendHeader(gosip.NewHeader("Retry-After", "5"))
	_ = l.Write(f.Back(req), res)
}

// receiveACK ends the wait for the ACK of a failure, or hands it up.
func (l *Layer) receiveACK(f transport.Flow, ack *gosip.Request) {
	k := l.hash.request(ack, gosip.INVITE)
	l.mu.Lock()
	s, r, closed := l.servers[k], l.lingering.get(k), l.closed
	l.mu.Unlock()
	switch {
	case closed:
	case s != nil && s.acknowledged():
	case r != nil && !r.accepted:
		// Section 17.2.1: absorbed in state Confirmed.
	default: // of a 2xx; some phones reuse the INVITE's branch for it
		l.user.ACK(f, ack)
	}
}

// receiveCancel answers a CANCEL and cancels its INVITE (RFC 3261 section 9.2).
func (l *Layer) receiveCancel(cancel *Server) {
	k := l.hash.request(cancel.req, gosip.INVITE)
	l.mu.Lock()
	invite, r := l.servers[k], l.lingering.get(k)
	l.mu.Unlock()
	if invite == nil && r == nil {
		_ = cancel.Respond(cancel.own(481, "Call/Transaction Does Not Exist"))
		return
	}
	_ = cancel.Respond(cancel.own(200, "OK"))
	if invite != nil {
		invite.cancelled()
	}
}

func (l *Layer) receiveResponse(f transport.Flow, res *gosip.Response) {
	cseq := res.CSeq()
	branch, _ := res.Via().Params.Get("branch")
	if cseq == nil || branch == "" {
		return
	}
	k := l.hash.client(branch, cseq.MethodName)
	l.mu.Lock()
	c, r := l.clients[k], l.lingering.get(k)
	l.mu.Unlock()
	switch {
	case c != nil:
		c.receive(res, f)
	case r == nil:
	case res.StatusCode >= 300:
		r.repeat()
	case r.accepted && res.IsSuccess() && l.hash.tag(res) != r.tag:
		l.user.Stray(f, res)
	}
}

// Closed fails the transactions of a connection; it implements
// transport.Handler.
func (l *Layer) Closed(f transport.Flow, err error) {
	l.mu.Lock()
	set := l.byFlow[f]
	clients := make([]*Client, 0, len(set))
	for c := range set {
		clients = append(clients, c)
	}
	closed := l.closed
	l.mu.Unlock()
	for _, c := range clients {
		c.broken(err)
	}
	if !closed {
		l.user.Closed(f, err)
	}
}
