package transporttest

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"
)

var errNobody = errors.New("nobody listens there")

// Network is a network in memory. The zero value is ready.
type Network struct {
	mu      sync.Mutex
	sockets map[netip.AddrPort]*packets
	accepts map[netip.AddrPort]*listener
	pass    func(from, to netip.AddrPort, data []byte) bool
	ports   uint16
}

// Filter sets what decides whether a datagram passes; nil lets all pass.
func (n *Network) Filter(pass func(from, to netip.AddrPort, data []byte) bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.pass = pass
}

// ListenPacket makes a packet socket at addr.
func (n *Network) ListenPacket(addr string) net.PacketConn {
	p := &packets{network: n, at: netip.MustParseAddrPort(addr), in: make(chan datagram, 4096), done: make(chan struct{})}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.sockets == nil {
		n.sockets = make(map[netip.AddrPort]*packets)
	}
	n.sockets[p.at] = p
	return p
}

func (n *Network) deliver(from, to netip.AddrPort, data []byte) {
	n.mu.Lock()
	p, pass := n.sockets[to], n.pass
	n.mu.Unlock()
	if p == nil || (pass != nil && !pass(from, to, data)) {
		return
	}
	select {
	case p.in <- datagram{from, append([]byte(nil), data...)}:
	default: // as a kernel does
	}
}

type datagram struct {
	from netip.AddrPort
	data []byte
}

// packets is a net.PacketConn.
type packets struct {
	network *Network
	at      netip.AddrPort
	in      chan datagram
	done    chan struct{}
	once    sync.Once
}

func (p *packets) ReadFrom(b []byte) (int, net.Addr, error) {
	select {
	case d := <-p.in:
		return copy(b, d.data), net.UDPAddrFromAddrPort(d.from), nil
	case <-p.done:
		return 0, nil, net.ErrClosed
	}
}

func (p *packets) WriteTo(b []byte, to net.Addr) (int, error) {
	select {
	case <-p.done:
		return 0, net.ErrClosed
	default:
	}
	ap, err := netip.ParseAddrPort(to.String())
	if err != nil {
		return 0, fmt.Errorf("write: %w", err)
	}
	p.network.deliver(p.at, ap, b)
	return len(b), nil
}

func (p *packets) Close() error {
	p.once.Do(func() { close(p.done) })
	return nil
}

func (p *packets) LocalAddr() net.Addr              { return net.UDPAddrFromAddrPort(p.at) }
func (p *packets) SetDeadline(time.Time) error      { return nil }
func (p *packets) SetReadDeadline(time.Time) error  { return nil }
func (p *packets) SetWriteDeadline(time.Time) error { return nil }

// Listen makes a listener at addr.
func (n *Network) Listen(addr string) net.Listener {
	l := &listener{at: netip.MustParseAddrPort(addr), conns: make(chan net.Conn), done: make(chan struct{})}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.accepts == nil {
		n.accepts = make(map[netip.AddrPort]*listener)
	}
	n.accepts[l.at] = l
	return l
}

// Dial connects to a listener; from is the caller's IP address.
func (n *Network) Dial(from, to string) (net.Conn, error) {
	n.mu.Lock()
	l := n.accepts[netip.MustParseAddrPort(to)]
	n.ports++
	local := net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(from), 40_000+n.ports))
	n.mu.Unlock()
	if l == nil {
		return nil, errNobody
	}
	near, far := net.Pipe()
	remote := net.TCPAddrFromAddrPort(l.at)
	select {
	case l.conns <- &named{Conn: far, local: remote, remote: local}:
		return &named{Conn: near, local: local, remote: remote}, nil
	case <-l.done:
		return nil, errNobody
	}
}

// named is a pipe with addresses.
type named struct {
	net.Conn
	local, remote net.Addr
}

func (c *named) LocalAddr() net.Addr  { return c.local }
func (c *named) RemoteAddr() net.Addr { return c.remote }

type listener struct {
	at    netip.AddrPort
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *listener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

func (l *listener) Addr() net.Addr { return net.TCPAddrFromAddrPort(l.at) }
