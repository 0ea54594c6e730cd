package sip

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"

	"filo/sip/transport"
)

// listener is one bound socket and how peers shall name it.
type listener struct {
	network   string // transport.UDP or transport.TCP
	bound     netip.AddrPort
	advertise string // host:port, or ""
	local     localNetworks
	socket    *transport.Socket
}

// contactFor is the host and port that a peer at addr shall be told.
func (l *listener) contactFor(addr netip.Addr) (string, int) {
	if l.advertise != "" && !l.local.has(addr) {
		if host, port, err := net.SplitHostPort(l.advertise); err == nil {
			p, _ := strconv.Atoi(port)
			return host, p
		}
	}
	ip := l.bound.Addr()
	if ip.IsUnspecified() {
		ip = sourceFor(addr)
	}
	return ip.String(), int(l.bound.Port())
}

// sourceFor is the local address that the kernel would use towards addr.
func sourceFor(addr netip.Addr) netip.Addr {
	loopback := netip.AddrFrom4([4]byte{127, 0, 0, 1})
	if !addr.IsValid() || addr.IsLoopback() {
		return loopback
	}
	// Connecting a UDP socket sends nothing; it only asks the routing table.
	c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(addr, 9)))
	if err != nil {
		return loopback
	}
	defer func() { _ = c.Close() }()
	if ua, ok := c.LocalAddr().(*net.UDPAddr); ok {
		return ua.AddrPort().Addr().Unmap()
	}
	return loopback
}

// listen binds one socket; it is read when the transport starts.
func (u *UA) listen(ctx context.Context, l Listen) (*listener, error) {
	var lc net.ListenConfig
	local, _ := newLocalNetworks(u.cfg.LocalNetworks) // validated
	out := &listener{advertise: l.Advertise, local: local}
	if l.Network == "udp" {
		pc, err := lc.ListenPacket(ctx, "udp"+family(l.Bind), l.Bind)
		if err != nil {
			return nil, fmt.Errorf("listen udp: %w", err)
		}
		if out.socket, err = u.tp.Packets(pc); err != nil {
			return nil, fmt.Errorf("listen udp: %w", err)
		}
		out.network, out.bound = transport.UDP, out.socket.Local()
		return out, nil
	}
	ln, err := lc.Listen(ctx, "tcp"+family(l.Bind), l.Bind)
	if err != nil {
		return nil, fmt.Errorf("listen tcp: %w", err)
	}
	if err := u.tp.Stream(ln, transport.TCP); err != nil {
		return nil, fmt.Errorf("listen tcp: %w", err)
	}
	bound := ln.Addr().(*net.TCPAddr).AddrPort()
	out.network, out.bound = transport.TCP, netip.AddrPortFrom(bound.Addr().Unmap(), bound.Port())
	return out, nil
}

// family is "4" for an IPv4 address: without it Go binds 0.0.0.0 as [::].
func family(hostPort string) string {
	host, _, err := net.SplitHostPort(hostPort)
	if err != nil {
		return ""
	}
	if a, err := netip.ParseAddr(host); err == nil && a.Is4() {
		return "4"
	}
	return ""
}

// listenerFor is the socket to use towards addr.
func (u *UA) listenerFor(network string, addr netip.Addr) *listener {
	if network != transport.UDP {
		network = transport.TCP
	}
	var first *listener
	for _, ln := range u.listeners {
		if ln.network != network {
			continue
		}
		if first == nil {
			first = ln
		}
		if addr.IsValid() && ln.bound.Addr().IsLoopback() == addr.IsLoopback() && ln.bound.Addr().Is4() == addr.Is4() {
			return ln
		}
	}
	return first
}

// listenerOf is the listener of a flow: its UDP socket's, or the one whose
// address a peer on a connection shall be told.
func (u *UA) listenerOf(f transport.Flow) *listener {
	if s := f.Socket(); s != nil {
		for _, ln := range u.listeners {
			if ln.socket == s {
				return ln
			}
		}
	}
	return u.listenerFor(f.Network(), f.Remote().Addr())
}

// Addr is the address bound for "udp" or "tcp", e.g. "127.0.0.1:43215"; "" if
// there is none. Valid after Ready.
func (u *UA) Addr(network string) string {
	want := transport.TCP
	if network == "udp" {
		want = transport.UDP
	}
	for _, ln := range u.listeners {
		if ln.network == want {
			return ln.bound.String()
		}
	}
	return ""
}
