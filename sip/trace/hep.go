package trace

import (
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"time"
)

// Chunks of HEPv3, the Homer Encapsulation Protocol, of the generic vendor.
const (
	hepFamily      = 0x0001
	hepProtocol    = 0x0002
	hepSource4     = 0x0003
	hepDest4       = 0x0004
	hepSource6     = 0x0005
	hepDest6       = 0x0006
	hepSourcePort  = 0x0007
	hepDestPort    = 0x0008
	hepSeconds     = 0x0009
	hepMicros      = 0x000a
	hepType        = 0x000b
	hepNode        = 0x000c
	hepKey         = 0x000e
	hepPayload     = 0x000f
	hepCorrelation = 0x0011

	familyIP4   = 2
	familyIP6   = 10
	protocolTCP = 6
	typeSIP     = 1
)

// Sender copies what a Recorder remembers to a HEP3 collector. It reads from
// the ring, so that a collector that hangs costs nothing but what the ring
// overwrites meanwhile, which is counted and said in the log.
type Sender struct {
	recorder *Recorder
	cfg      HEP
	log      *slog.Logger
	password string
	conn     net.Conn // nil while there is none
	retryAt  time.Time
	pause    time.Duration
}

// NewSender returns a Sender, or why the password cannot be read.
func NewSender(r *Recorder, log *slog.Logger) (*Sender, error) {
	s := &Sender{recorder: r, cfg: r.cfg.HEP, log: log}
	if s.cfg.PasswordFile != "" {
		b, err := os.ReadFile(s.cfg.PasswordFile)
		if err != nil {
			return nil, fmt.Errorf("hep.password_file: %w", err)
		}
		s.password = strings.TrimSpace(string(b))
	}
	return s, nil
}

// How long the collector may take, and how long one that fails is left alone.
const (
	hepTimeout  = 2 * time.Second
	hepPause    = time.Second
	hepPauseMax = time.Minute
)

// Run sends until ctx ends. It returns nil: a collector that cannot be reached
// is tried again.
func (s *Sender) Run(ctx context.Context) error {
	defer s.hangUp()
	calls, background := cursor{ring: s.recorder.calls}, cursor{ring: s.recorder.background}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-calls.ring.news:
			s.follow(ctx, &calls)
		case <-background.ring.news:
			s.follow(ctx, &background)
		}
	}
}

// cursor is how far a ring has been read.
type cursor struct {
	ring *ring
	next uint64
}

// follow sends what is new in a ring, one segment after the other: more than
// one is never kept from being written again.
func (s *Sender) follow(ctx context.Context, c *cursor) {
	for ctx.Err() == nil && s.send(ctx, c) {
	}
}

// send sends what is new in one segment; false when nothing was.
func (s *Sender) send(ctx context.Context, c *cursor) bool {
	look := c.ring.read(c.next, 1)
	defer look.close()
	if look.next <= c.next {
		return false
	}
	failed := 0
	first := true
	for n, rec := range look.records() {
		if first && n > c.next {
			s.log.Warn("trace was overwritten before it was sent", "records", n-c.next)
		}
		if first = false; n < c.next || rec.kind != kindMessage {
			continue
		}
		if ctx.Err() != nil || !s.write(ctx, rec) {
			failed++
		}
	}
	if failed > 0 {
		s.log.Debug("messages not sent to the HEP collector", "messages", failed)
	}
	c.next = look.next
	return true
}

// write sends one message; false when it was lost.
func (s *Sender) write(ctx context.Context, rec record) bool {
	if s.conn == nil && !s.dial(ctx) {
		return false
	}
	packet := s.packet(rec)
	if err := s.conn.SetWriteDeadline(time.Now().Add(hepTimeout)); err != nil {
		s.lost(err)
		return false
	}
	if _, err := s.conn.Write(packet); err != nil {
		s.lost(err)
		return false
	}
	s.pause = 0
	return true
}

func (s *Sender) dial(ctx context.Context) bool {
	if time.Now().Before(s.retryAt) {
		return false
	}
	d := net.Dialer{Timeout: hepTimeout}
	conn, err := d.DialContext(ctx, s.cfg.Network, s.cfg.Server)
	if err != nil {
		s.rest(err)
		return false
	}
	s.conn = conn
	return true
}

// lost gives the connection up. A datagram that nobody took (ICMP says so at
// the next write) is no reason to wait.
func (s *Sender) lost(err error) {
	s.hangUp()
	if s.cfg.Network != "udp" {
		s.rest(err)
	}
}

// rest leaves the collector alone for a while, each time for longer.
func (s *Sender) rest(err error) {
	s.pause = min(hepPauseMax, max(hepPause, 2*s.pause))
	s.retryAt = time.Now().Add(s.pause)
	s.log.Warn("HEP collector not reached", "server", s.cfg.Server, "again_in", s.pause.String(), "error", err)
}

func (s *Sender) hangUp() {
	if s.conn != nil {
		_ = s.conn.Close() // what was written is gone anyway
		s.conn = nil
	}
}

// packet is one message in HEP3.
func (s *Sender) packet(rec record) []byte {
	from, to := rec.local, rec.remote
	if rec.in {
		from, to = to, from
	}
	be := binary.BigEndian
	b := append(make([]byte, 0, 256+len(rec.data)), "HEP3\x00\x00"...)
	if four(from.Addr()) && four(to.Addr()) {
		src, dst := as4(from.Addr()), as4(to.Addr())
		b = chunk(chunk(chunk(b, hepFamily, []byte{familyIP4}), hepSource4, src[:]), hepDest4, dst[:])
	} else {
		src, dst := as16(from.Addr()), as16(to.Addr())
		b = chunk(chunk(chunk(b, hepFamily, []byte{familyIP6}), hepSource6, src[:]), hepDest6, dst[:])
	}
	protocol := byte(protocolTCP)
	if networks[rec.network] == "udp" {
		protocol = protocolUDP
	}
	at := rec.time()
	b = chunk(b, hepProtocol, []byte{protocol})
	b = chunk(b, hepSourcePort, be.AppendUint16(nil, from.Port()))
	b = chunk(b, hepDestPort, be.AppendUint16(nil, to.Port()))
	b = chunk(b, hepSeconds, be.AppendUint32(nil, uint32(at.Unix())))           //nolint:gosec // until 2106
	b = chunk(b, hepMicros, be.AppendUint32(nil, uint32(at.Nanosecond()/1000))) //nolint:gosec // below a million
	b = chunk(b, hepType, []byte{typeSIP})
	b = chunk(b, hepNode, be.AppendUint32(nil, s.cfg.NodeID))
	if s.password != "" {
		b = chunk(b, hepKey, []byte(s.password))
	}
	if contact := s.recorder.links.contactOf(string(callIDOf(rec.data))); contact != "" {
		b = chunk(b, hepCorrelation, []byte(contact))
	}
	room := maxPayload - len(b) - chunkHeader
	text := redactOne(rec.data, s.cfg.Clear)
	b = chunk(b, hepPayload, text[:min(len(text), room)])
	be.PutUint16(b[4:], uint16(len(b))) //nolint:gosec // maxPayload
	return b
}

const chunkHeader = 6

// chunk appends a chunk: vendor 0, kind, length and value.
func chunk(b []byte, kind uint16, value []byte) []byte {
	be := binary.BigEndian
	b = be.AppendUint16(be.AppendUint16(b, 0), kind)
	return append(be.AppendUint16(b, uint16(chunkHeader+len(value))), value...) //nolint:gosec // maxPayload
}

// redactOne redacts a message that stands alone.
func redactOne(data []byte, clear bool) []byte {
	m, ok := parse(data)
	if !ok {
		return []byte(gone)
	}
	r := newRedactor(clear)
	r.learn(m)
	m = r.redact(m)
	return m.bytes()
}
