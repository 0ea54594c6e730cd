package transport

import (
	"net/netip"

	gosip "github.com/emiago/sipgo/sip"
)

// Names of networks, as a Via header writes them.
const (
	UDP = "UDP"
	TCP = "TCP"
	TLS = "TLS"
	WS  = "WS"
	WSS = "WSS"
)

// Flow is by which a peer is reached: a connection, or a UDP socket with the
// peer's address (RFC 5626 section 1.1). It is a small comparable value; the
// zero Flow reaches nobody.
type Flow struct {
	link   link
	remote netip.AddrPort
}

// link is what a Flow sends by. All methods are safe for concurrent use.
type link interface {
	network() string
	local() netip.AddrPort
	peer() any
	alive() bool
	// send takes one whole message or keep-alive; data stays the caller's.
	send(to netip.AddrPort, data []byte) error
	close()
}

// Send sends one message. It does not wait for the peer and does not keep
// data. An error means that the message will certainly not arrive; nil means
// nothing (RFC 3261 section 18.1.1 knows no more either).
func (f Flow) Send(data []byte) error {
	if f.link == nil {
		return ErrClosed
	}
	return f.link.send(f.remote, data)
}

// IsZero tells whether f is the zero Flow.
func (f Flow) IsZero() bool { return f.link == nil }

// Network is UDP, TCP, TLS, WS or WSS; "" for the zero Flow.
func (f Flow) Network() string {
	if f.link == nil {
		return ""
	}
	return f.link.network()
}

// Reliable tells whether the network repeats what is lost, so that
// transactions need not.
func (f Flow) Reliable() bool { return f.Network() != UDP }

// Web tells whether the flow is a WebSocket: its peer has no address of its
// own (RFC 7118 section 5).
func (f Flow) Web() bool { n := f.Network(); return n == WS || n == WSS }

// Local is our own address; invalid while a connection is being dialled.
func (f Flow) Local() netip.AddrPort {
	if f.link == nil {
		return netip.AddrPort{}
	}
	return f.link.local()
}

// Remote is the peer's address; for a WebSocket that of the HTTP connection,
// for a name that is not resolved yet the invalid one.
func (f Flow) Remote() netip.AddrPort { return f.remote }

// Peer is what was attached to the connection when it was opened; nil for UDP.
func (f Flow) Peer() any {
	if f.link == nil {
		return nil
	}
	return f.link.peer()
}

// Alive tells whether the connection stands or is being dialled. A UDP flow
// lives as long as its socket.
func (f Flow) Alive() bool { return f.link != nil && f.link.alive() }

// Socket is the UDP socket; nil for connections.
func (f Flow) Socket() *Socket {
	switch l := f.link.(type) {
	case *Socket:
		return l
	case *named:
		return l.Socket
	}
	return nil
}

// Close ends the connection after what was sent by it; nothing happens to a
// UDP socket. It does not wait.
func (f Flow) Close() {
	if f.link != nil {
		f.link.close()
	}
}

// Back is the flow for responses to req, which came by f (RFC 3261 section
// 18.2.2, RFC 3581 section 4): the same, except that a UDP peer that did not
// ask for rport wants them at the port of its Via.
func (f Flow) Back(req *gosip.Request) Flow {
	via := req.Via()
	if f.Network() != UDP || via == nil || via.Params.Has("rport") {
		return f
	}
	port := via.Port
	if port <= 0 || port > 65535 {
		port = 5060
	}
	f.remote = netip.AddrPortFrom(f.remote.Addr(), uint16(port))
	return f
}
