package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"sync/atomic"
	"time"
)

const (
	// firstBuffer is what an idle connection costs; messages grow it.
	firstBuffer = 2 << 10
	// pongWait is how long a peer that has answered a ping before may take
	// for the next (RFC 5626 section 4.4.1).
	pongWait = 10 * time.Second
)

// Stream adds a listener, which the layer owns from now on; network is TCP, or
// TLS for a listener of package crypto/tls. It accepts once Start was called.
func (l *Layer) Stream(ln net.Listener, network string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		_ = ln.Close()
		return ErrClosed
	}
	l.listeners = append(l.listeners, ln)
	l.begin(func() { l.accept(ln, network) })
	return nil
}

func (l *Layer) accept(ln net.Listener, network string) {
	for {
		nc, err := ln.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) || !l.pause() {
				return
			}
			continue // out of descriptors, or the peer gave up: it passes
		}
		remote := addrPort(nc.RemoteAddr())
		if !l.opts.Gate.Connection(remote.Addr()) {
			l.opts.Observer.Dropped(DropGate)
			_ = nc.Close()
			continue
		}
		c := &conn{
			layer: l, name: network, raddr: remote, origin: remote.Addr(),
			at: address{network: network, hostPort: remote.String()}, laddr: addrPort(nc.LocalAddr()),
		}
		c.wire = &stream{nc: nc, opts: &l.opts, until: time.Now().Add(l.opts.First)}
		if err := l.admit(c, func(c *conn) { c.serve(); c.end(ErrClosed) }); err != nil {
			_ = nc.Close()
		}
	}
}

// pause waits a moment; false when the layer closes.
func (l *Layer) pause() bool {
	t := time.NewTimer(50 * time.Millisecond)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-l.life.Done():
		return false
	}
}

// Connect returns the flow to addr, "ip:port" or "host:port", over TCP or TLS:
// the connection that leads there already, whoever opened it, or a new one.
// It does not wait: what is sent queues until the connection is up, and
// Handler.Closed tells when it does not come about.
func (l *Layer) Connect(network, addr string) (Flow, error) {
	if network != TCP && network != TLS {
		return Flow{}, fmt.Errorf("%s: %w", network, errNoNetwork)
	}
	return l.connect(address{network: network, hostPort: addr}, l.opts.DialTLS)
}

// ConnectTLS is Connect over TLS by a configuration of its own: another
// certificate of ours, other authorities, another name that the peer must
// prove. Connections are shared only under the same name.
func (l *Layer) ConnectTLS(addr, name string, cfg *tls.Config) (Flow, error) {
	return l.connect(address{network: TLS, hostPort: addr, name: name}, cfg)
}

func (l *Layer) connect(at address, cfg *tls.Config) (Flow, error) {
	l.mu.Lock()
	known := l.byAddr[at]
	l.mu.Unlock()
	if known != nil && known.alive() {
		return known.flow(), nil
	}
	remote, err := parseAddrPort(at.hostPort)
	if err != nil {
		return Flow{}, err
	}
	c := &conn{layer: l, name: at.network, raddr: remote, at: at}
	if err := l.admit(c, func(c *conn) { c.end(l.dial(c, cfg)) }); err != nil {
		return Flow{}, err
	}
	return c.flow(), nil
}

// dial opens the connection and serves it to its end.
func (l *Layer) dial(c *conn, cfg *tls.Config) error {
	ctx, cancel := context.WithTimeout(l.life, l.opts.Write)
	defer cancel()
	nc, err := l.opts.Dial(ctx, c.at.hostPort)
	if err == nil && c.name == TLS {
		nc, err = handshake(ctx, nc, c.at.hostPort, cfg)
	}
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	if !c.open(&stream{nc: nc, opts: &l.opts, ours: true}, addrPort(nc.LocalAddr())) {
		return ErrClosed
	}
	c.serve()
	return ErrClosed
}

// stream frames messages by Content-Length, and keeps the connection alive by
// CRLF (RFC 5626 section 3.5.1).
type stream struct {
	nc   net.Conn
	opts *Options
	ours bool // we opened it, so that we ping

	buf     []byte
	r, w    int
	scanned int // of buf[r:w], without the end of a header section
	need    int // length of the message at r, when it is known
	crlfs   int // in a row, before a message

	until   time.Time // for the first message; zero after it
	heard   time.Time // last byte
	pinged  bool      // and nothing came since
	replied bool      // what came last came after a ping
	ponged  bool      // the peer answers pings
	rush    atomic.Int64
}

// read returns the next message.
func (s *stream) read(c *conn) ([]byte, error) {
	for {
		s.skipKeepAlives(c)
		data := s.buf[s.r:s.w]
		if s.need == 0 && len(data) > 0 {
			n, err := frameLength(data, s.scanned, s.opts.MaxMessage)
			if err != nil {
				s.r, s.w, s.scanned = 0, 0, 0
				return data, err
			}
			s.need, s.scanned = n, max(0, len(data)-len(doubleCRLF)+1)
		}
		if s.need > 0 && len(data) >= s.need {
			data = data[:s.need]
			s.r += s.need
			s.need, s.scanned, s.crlfs = 0, 0, 0
			if !looksLikeSIP(data) {
				s.opts.Observer.Dropped(DropJunk)
				return nil, fmt.Errorf("no SIP: %w", ErrClosed)
			}
			s.until = time.Time{}
			return data, nil
		}
		if err := s.fill(c); err != nil {
			return nil, err
		}
	}
}

// skipKeepAlives drops the CRLFs before a message; two are a ping, which is
// answered by one (RFC 3261 section 7.5, RFC 5626 section 4.4.1).
func (s *stream) skipKeepAlives(c *conn) {
	for s.need == 0 && s.w-s.r >= 2 && s.buf[s.r] == '\r' && s.buf[s.r+1] == '\n' {
		s.r += 2
		s.ponged = s.ponged || s.replied
		if s.crlfs++; s.crlfs == 2 {
			s.crlfs = 0
			_ = c.send(c.raddr, []byte(crlf))
		}
	}
}

// fill reads more bytes, and meanwhile pings.
func (s *stream) fill(c *conn) error {
	s.makeRoom()
	if s.heard.IsZero() {
		s.heard = time.Now()
	}
	for {
		_ = s.nc.SetReadDeadline(s.deadline())
		n, err := s.nc.Read(s.buf[s.w:])
		if n > 0 {
			s.w += n
			s.heard = time.Now()
			s.replied, s.pinged = s.pinged, false
			return nil
		}
		if err == nil {
			continue
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return fmt.Errorf("read: %w", err)
		}
		if !s.patient(c) {
			return ErrIdle
		}
	}
}

// deadline is when the silence of the peer wants attention.
func (s *stream) deadline() time.Time {
	switch {
	case !s.until.IsZero():
		return s.until
	case s.ours && s.pinged && s.ponged:
		return time.Now().Add(pongWait)
	case s.ours:
		return time.Now().Add(s.opts.Ping)
	}
	return s.heard.Add(s.opts.Idle)
}

// patient handles silence; false when the connection is to be given up.
func (s *stream) patient(c *conn) bool {
	if !s.ours || (s.pinged && s.ponged) || time.Since(s.heard) >= s.opts.Idle {
		return false
	}
	s.pinged = true
	return c.send(c.raddr, []byte(doubleCRLF)) == nil
}

func (s *stream) makeRoom() {
	if s.r == s.w {
		s.r, s.w = 0, 0
	}
	if s.w < len(s.buf) {
		return
	}
	if s.r > 0 {
		copy(s.buf, s.buf[s.r:s.w])
		s.r, s.w = 0, s.w-s.r
		return
	}
	grown := make([]byte, max(firstBuffer, 2*len(s.buf)))
	copy(grown, s.buf[:s.w])
	s.buf = grown
}

func (s *stream) write(data []byte) error {
	limit := s.opts.Write
	if rush := time.Duration(s.rush.Load()); rush > 0 {
		limit = rush
	}
	_ = s.nc.SetWriteDeadline(time.Now().Add(limit))
	if _, err := s.nc.Write(data); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

func (s *stream) hurry(d time.Duration) {
	s.rush.Store(int64(d))
	_ = s.nc.SetWriteDeadline(time.Now().Add(d))
}

func (s *stream) close() { _ = s.nc.Close() }
