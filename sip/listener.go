package sip

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"filo/sip/transport"
)

// listener is one bound socket and how peers shall name it.
type listener struct {
	Listen
	network string // transport.UDP, transport.TCP or transport.TLS
	bound   netip.AddrPort
	socket  *transport.Socket
	secrets atomic.Pointer[tls.Config] // of a TLS one
}

// boundFor is the host and port that a peer at addr shall be told who is on our
// side of the NAT.
func (l *listener) boundFor(addr netip.Addr) (string, int) {
	ip := l.bound.Addr()
	if ip.IsUnspecified() {
		ip = ownAddresses.towards(addr, time.Now())
	}
	return ip.String(), int(l.bound.Port())
}

// splitAdvertise reads a host:port that was validated.
func splitAdvertise(hostPort string) (host string, port int) {
	host, text, _ := net.SplitHostPort(hostPort)
	port, _ = strconv.Atoi(text)
	return host, port
}

// listen binds one socket; it is read when the transport starts.
func (u *UA) listen(ctx context.Context, l Listen) (*listener, error) {
	out := &listener{Listen: l, network: strings.ToUpper(l.Network)}
	if l.Network == "udp" {
		pc, err := u.bind(ctx, "udp"+family(l.Bind), l.Bind)
		if err != nil {
			return nil, fmt.Errorf("listen udp: %w", err)
		}
		if out.socket, err = u.tp.Packets(pc); err != nil {
			return nil, fmt.Errorf("listen udp: %w", err)
		}
		out.bound = out.socket.Local()
		return out, nil
	}
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp"+family(l.Bind), l.Bind)
	if err != nil {
		return nil, fmt.Errorf("listen %s: %w", l.Network, err)
	}
	bound := ln.Addr().(*net.TCPAddr).AddrPort()
	out.bound = netip.AddrPortFrom(bound.Addr().Unmap(), bound.Port())
	if l.Network == "tls" {
		if ln, err = out.secured(ln); err != nil {
			return nil, fmt.Errorf("listen tls: %w", err)
		}
	}
	if err := u.tp.Stream(ln, out.network); err != nil {
		return nil, fmt.Errorf("listen %s: %w", l.Network, err)
	}
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
	if network == transport.TLS {
		if ln := u.listenerLike(network, addr); ln != nil {
			return ln
		}
	}
	if network != transport.UDP {
		network = transport.TCP
	}
	return u.listenerLike(network, addr)
}

// listenerLike is the first listener of a network, better one of addr's kind.
func (u *UA) listenerLike(network string, addr netip.Addr) *listener {
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

// Addr is the address bound for "udp", "tcp" or "tls", e.g. "127.0.0.1:43215";
// "" if there is none. Valid after Ready.
func (u *UA) Addr(network string) string {
	for _, ln := range u.listeners {
		if ln.Network == network {
			return ln.bound.String()
		}
	}
	return ""
}
