package media

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"
)

// ports hands out pairs of sockets, RTP on an even port and RTCP on the next,
// at random (a guessable port invites injection) and keeps freed pairs in
// quarantine.
type ports struct {
	bind       netip.Addr
	quarantine time.Duration

	mu     sync.Mutex
	system bool       // no range: the system chooses
	free   []uint16   // even ports
	rest   []restPort // oldest first
}

type restPort struct {
	port  uint16
	until time.Time
}

// bindTries bounds how many ports that belong to other programs are stepped over.
const bindTries = 16

func newPorts(bind netip.Addr, cfg Config) *ports {
	p := &ports{bind: bind, quarantine: cfg.PortQuarantine, system: cfg.PortMin == 0}
	for port := cfg.PortMin + cfg.PortMin&1; !p.system && port+1 <= cfg.PortMax; port += 2 {
		p.free = append(p.free, uint16(port)) //nolint:gosec // validated
	}
	return p
}

// socketPair is one reserved pair. rtcp is nil when it was not wanted.
type socketPair struct {
	rtp, rtcp *net.UDPConn
	owner     *ports
	port      uint16 // 0: the system's
}

// open reserves and binds a pair.
func (p *ports) open(wantRTCP bool) (*socketPair, error) {
	if p.system {
		return p.bindPair(0, wantRTCP)
	}
	var last error
	for range bindTries {
		port, ok := p.take(time.Now())
		if !ok {
			break
		}
		pair, err := p.bindPair(port, wantRTCP)
		if err == nil {
			return pair, nil
		}
		last = err
		p.give(port, time.Now())
	}
	return nil, errors.Join(ErrNoPorts, last)
}

func (p *ports) bindPair(port uint16, wantRTCP bool) (*socketPair, error) {
	pair := &socketPair{owner: p, port: port}
	var err error
	if pair.rtp, err = listenUDP(p.bind, port); err != nil {
		return nil, err
	}
	if !wantRTCP {
		return pair, nil
	}
	if port != 0 {
		port++
	}
	if pair.rtcp, err = listenUDP(p.bind, port); err != nil {
		return nil, errors.Join(err, pair.rtp.Close())
	}
	return pair, nil
}

func listenUDP(a netip.Addr, port uint16) (*net.UDPConn, error) {
	c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(a, port)))
	if err != nil {
		return nil, fmt.Errorf("bind media port: %w", err)
	}
	return c, nil
}

func (s *socketPair) close() error {
	err := s.rtp.Close()
	if s.rtcp != nil {
		err = errors.Join(err, s.rtcp.Close())
	}
	if s.port != 0 {
		s.owner.give(s.port, time.Now())
	}
	return err
}

func (p *ports) take(now time.Time) (uint16, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for n < len(p.rest) && !p.rest[n].until.After(now) {
		p.free = append(p.free, p.rest[n].port)
		n++
	}
	p.rest = append(p.rest[:0], p.rest[n:]...)
	if len(p.free) == 0 {
		return 0, false
	}
	i := int(randUint32() % uint32(len(p.free))) //nolint:gosec // at most 32k ports
	port := p.free[i]
	p.free[i] = p.free[len(p.free)-1]
	p.free = p.free[:len(p.free)-1]
	return port, true
}

func (p *ports) give(port uint16, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rest = append(p.rest, restPort{port, now.Add(p.quarantine)})
}

// randUint32 is unpredictable: SSRCs, first sequence numbers and ports.
func randUint32() uint32 {
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return binary.BigEndian.Uint32(b[:])
}
