package sip

import (
	"net"
	"net/netip"
	"strings"
	"sync"
)

// flow is a connection that a peer opened to us (or that ConnectWS opened), by
// which the peer is reached as long as it lasts (RFC 5626, RFC 7118).
type flow struct {
	key    string // remote address in sipgo's pool, and Request.Source()
	via    string // transport in Via: "TCP", "WS" or "WSS"
	source string // the peer's real ip:port
	user   string // authorised by the WebSocket's session; ""
	ours   bool   // we opened it, so the peer is the server that we chose
	close  func() // ends the connection
}

// flowTable knows every live flow.
type flowTable struct {
	onClose func(*flow)

	mu sync.RWMutex
	m  map[string]*flow
}

func newFlowTable(onClose func(*flow)) *flowTable {
	return &flowTable{m: make(map[string]*flow), onClose: onClose}
}

func (t *flowTable) add(f *flow) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.m[f.key] = f
}

func (t *flowTable) get(key string) *flow {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.m[key]
}

// remove forgets f, once, and tells the owner.
func (t *flowTable) remove(f *flow) {
	t.mu.Lock()
	known := t.m[f.key] == f
	if known {
		delete(t.m, f.key)
	}
	t.mu.Unlock()
	if known {
		t.onClose(f)
	}
}

func (t *flowTable) closeAll() {
	t.mu.RLock()
	all := make([]*flow, 0, len(t.m))
	for _, f := range t.m {
		all = append(all, f)
	}
	t.mu.RUnlock()
	for _, f := range all {
		f.close()
	}
}

// flowListener records each accepted TCP connection as a flow.
type flowListener struct {
	net.Listener
	flows *flowTable
}

func (l *flowListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err //nolint:wrapcheck // sipgo compares it to net.ErrClosed
	}
	addr := c.RemoteAddr().String()
	fc := &flowConn{Conn: c, flows: l.flows}
	fc.flow = &flow{key: addr, via: "TCP", source: addr, close: func() { _ = fc.Close() }}
	l.flows.add(fc.flow)
	return fc, nil
}

// flowConn removes its flow when it is closed, by whoever.
type flowConn struct {
	net.Conn
	flows *flowTable
	flow  *flow
}

func (c *flowConn) Close() error {
	c.flows.remove(c.flow)
	return c.Conn.Close() //nolint:wrapcheck // a pure pass-through
}

// A WebSocket has no address of its own that could serve as a key (many share
// one proxy's), so each gets one from a private network that is never routed.
const socketNet = "fd66:696c:6f00::"

func socketAddr(n uint64) *net.TCPAddr {
	a := netip.MustParseAddr(socketNet).As16()
	for i := range 8 {
		a[15-i] = byte(n >> (8 * i) & 0xff)
	}
	return &net.TCPAddr{IP: a[:], Port: 1}
}

func isSocketAddr(s string) bool {
	return strings.HasPrefix(s, "[fd66:696c:6f00:") || strings.HasPrefix(s, "[fd66:696c:6f00::")
}
