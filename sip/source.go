package sip

import (
	"net"
	"net/netip"
	"sync"
	"time"
)

// ownAddresses are the process's, as the kernel chooses them.
var ownAddresses sources

const (
	sourceLife = 10 * time.Second // routes change seldom
	maxSources = 4096
)

// sources remembers which local address the kernel uses towards a peer, for
// sockets that are bound to all of them. The zero value is ready.
type sources struct {
	mu sync.Mutex
	m  map[netip.Addr]source
}

type source struct {
	addr  netip.Addr
	until time.Time
}

// towards is the local address that the kernel would use towards a peer; the
// loopback's when it knows no way.
func (s *sources) towards(peer netip.Addr, now time.Time) netip.Addr {
	if !peer.IsValid() || peer.IsLoopback() {
		return loopback(peer)
	}
	s.mu.Lock()
	known, ok := s.m[peer]
	s.mu.Unlock()
	if ok && now.Before(known.until) {
		return known.addr
	}
	addr := askRoute(peer)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.m == nil || len(s.m) >= maxSources {
		s.m = make(map[netip.Addr]source)
	}
	s.m[peer] = source{addr, now.Add(sourceLife)}
	return addr
}

// askRoute connects a UDP socket, which sends nothing: it only asks the routing
// table.
func askRoute(peer netip.Addr) netip.Addr {
	c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(peer, 9)))
	if err != nil {
		return loopback(peer)
	}
	defer func() { _ = c.Close() }()
	return addrPortOf(c.LocalAddr().String()).Addr()
}

func loopback(peer netip.Addr) netip.Addr {
	if peer.Is6() && !peer.Is4In6() {
		return netip.IPv6Loopback()
	}
	return netip.AddrFrom4([4]byte{127, 0, 0, 1})
}
