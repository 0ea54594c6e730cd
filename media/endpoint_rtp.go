package media

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"
)

// rtpEndpoint is a plain RTP leg: one UDP socket for RTP and, unless the far
// side shares ports (RFC 5761), one for RTCP.
type rtpEndpoint struct {
	endpoint
	sockets *socketPair
	latch   latch
	rtcp    rtcpState

	mu       sync.Mutex // serialises offer/answer
	exchange exchange
	local    localDesc
	codecs   []Codec
	dtmfPT   int // what we offer
}

var _ Endpoint = (*rtpEndpoint)(nil)

func newRTPEndpoint(en *Engine, o Options, mux bool) (*rtpEndpoint, error) {
	sockets, err := en.ports.open(!mux)
	if err != nil {
		return nil, err
	}
	e := &rtpEndpoint{sockets: sockets, codecs: o.Codecs, dtmfPT: defaultDTMFPT}
	if len(e.codecs) == 0 {
		e.codecs = []Codec{PCMU, PCMA}
	}
	e.latch.policy, e.latch.signal = en.policy, o.Source.Unmap()
	e.local = localDesc{id: randUint32(), addr: en.reach.told(o), rtpPort: portOf(sockets.rtp)}
	if sockets.rtcp != nil {
		e.local.rtcpPort = portOf(sockets.rtcp)
	}
	e.init(en, RTP, o, e)
	if err := en.add(e, &e.endpoint); err != nil {
		return nil, errors.Join(err, sockets.close())
	}
	e.spawn(e.readRTP)
	if sockets.rtcp != nil {
		e.spawn(e.readRTCP)
	}
	return e, nil
}

func portOf(c *net.UDPConn) uint16 {
	return c.LocalAddr().(*net.UDPAddr).AddrPort().Port()
}

// answerRTP makes an endpoint for a plain offer.
func (en *Engine) answerRTP(offer *sessionDesc, o Options) (Endpoint, []byte, error) {
	i, err := plainAudio(offer)
	if err != nil {
		return nil, nil, err
	}
	e, err := newRTPEndpoint(en, o, offer.media[i].rtcpMux)
	if err != nil {
		return nil, nil, err
	}
	answer, err := e.apply(offer)
	if err != nil {
		return nil, nil, errors.Join(err, e.Close())
	}
	return e, answer, nil
}

func (en *Engine) offerRTP(o Options) (Endpoint, []byte, error) {
	e, err := newRTPEndpoint(en, o, false)
	if err != nil {
		return nil, nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.exchange.offered = true
	return e, e.local.offer(e.codecs, e.dtmfPT, dirBoth), nil
}

// plainAudio finds the section that we can use.
func plainAudio(d *sessionDesc) (int, error) {
	for i := range d.media {
		if m := &d.media[i]; m.isPlainAudio() && m.port != 0 {
			return i, nil
		}
	}
	return 0, fmt.Errorf("%w: no plain audio", ErrNotAcceptable)
}

// LocalAddr is Endpoint.LocalAddr.
func (e *rtpEndpoint) LocalAddr() netip.AddrPort {
	e.mu.Lock()
	defer e.mu.Unlock()
	return netip.AddrPortFrom(e.local.addr, e.local.rtpPort)
}

// Reoffer is Endpoint.Reoffer.
func (e *rtpEndpoint) Reoffer(offer []byte) ([]byte, error) {
	d, err := parseSDP(offer)
	if err != nil {
		return nil, err
	}
	return e.apply(d)
}

// apply takes an offer and makes the answer.
func (e *rtpEndpoint) apply(d *sessionDesc) ([]byte, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.isClosed() {
		return nil, ErrClosed
	}
	i, err := plainAudio(d)
	if err != nil {
		return nil, err
	}
	m := &d.media[i]
	f, ok := m.negotiate(e.codecs)
	if !ok {
		return nil, fmt.Errorf("%w: no common codec", ErrNotAcceptable)
	}
	if err := e.follow(m, f); err != nil {
		return nil, err
	}
	e.exchange.offered = false
	if f.dtmfPT >= 0 {
		e.dtmfPT = f.dtmfPT
	}
	return e.local.answer(d, i, f, e.exchange.direction()), nil
}

// Facing is Endpoint.Facing.
func (e *rtpEndpoint) Facing(source, advertise netip.Addr) []byte {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.latch.face(source)
	e.local.addr = e.engine.reach.told(Options{Source: source, Advertise: advertise})
	return e.local.render(e.local.last)
}

// Accept is Endpoint.Accept.
func (e *rtpEndpoint) Accept(answer []byte) error {
	d, err := parseSDP(answer)
	if err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.isClosed() {
		return ErrClosed
	}
	if !e.exchange.offered {
		return fmt.Errorf("%w: answer without offer", ErrState)
	}
	i, err := plainAudio(d)
	if err != nil {
		return err
	}
	f, ok := d.media[i].negotiate(e.codecs)
	if !ok {
		return fmt.Errorf("%w: no common codec", ErrNotAcceptable)
	}
	if f.in[e.dtmfPT] == codecNone {
		f.in[e.dtmfPT] = codecDTMF // offered; the far side need not repeat it
	}
	return e.follow(&d.media[i], f)
}

// follow points the streams at what the far side described; nothing changes
// when it fails.
func (e *rtpEndpoint) follow(m *mediaDesc, f format) error {
	dest := netip.AddrPort{}
	dir := m.dir
	switch {
	case !m.hasConn:
		return badSDP("no connection line")
	case !m.conn.IsValid() || m.conn.Is4() != e.engine.reach.bind.Is4() && !m.conn.IsUnspecified():
		return fmt.Errorf("%w: address family or host name", ErrNotAcceptable)
	case m.conn.IsUnspecified(): // hold of RFC 2543: there is nowhere to send
		dir &^= dirRecv
	default:
		dest = netip.AddrPortFrom(m.conn, uint16(m.port)) //nolint:gosec // parsed as 16 bits
		if !e.engine.policy.allows(m.conn) && !e.engine.policy.allows(e.latch.faced()) {
			return fmt.Errorf("%w: destination address", ErrNotAcceptable)
		}
	}
	// Until both sides know of a change of codec, the old one still comes; and
	// what was offered may come unrepeated.
	for _, c := range e.codecs {
		if pt := c.staticPT(); f.in[pt] == codecNone {
			f.in[pt] = c
		}
	}
	if dest.IsValid() {
		e.latch.reset(dest)
		e.rtcp.reset(m, dest, e.engine.policy)
	}
	e.exchange.remoteDir = dir
	e.adopt(&e.exchange, f)
	return nil
}

// Hold is Endpoint.Hold.
func (e *rtpEndpoint) Hold(on bool) ([]byte, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.isClosed() {
		return nil, ErrClosed
	}
	dir, err := e.exchange.hold(on)
	if err != nil {
		return nil, err
	}
	return e.local.offer(e.codecs, e.dtmfPT, dir), nil
}

// Play is Endpoint.Play.
func (e *rtpEndpoint) Play(ctx context.Context, p Prompt) error { return e.play(ctx, p) }

// SendDigits is Endpoint.SendDigits.
func (e *rtpEndpoint) SendDigits(ctx context.Context, keys string) error {
	return e.sendDigits(ctx, keys)
}

// Stats is Endpoint.Stats.
func (e *rtpEndpoint) Stats() Stats {
	s := e.endpoint.Stats()
	s.Refused = e.latch.refusedPackets()
	return s
}

// Close is Endpoint.Close.
func (e *rtpEndpoint) Close() error { return e.shut(e.sockets.close) }

// writePacket sends to the proven address, or nowhere.
func (e *rtpEndpoint) writePacket(b []byte) error {
	d := e.latch.dest.Load()
	if d == nil {
		return errNoDestination
	}
	_, err := e.sockets.rtp.WriteToUDPAddrPort(b, *d)
	return err
}

var errNoDestination = errors.New("no destination yet")

// readRTP is the leg's only reader of the RTP socket; it ends when the socket closes.
func (e *rtpEndpoint) readRTP() {
	var buf [maxPacket]byte
	for {
		n, from, err := e.sockets.rtp.ReadFromUDPAddrPort(buf[:])
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			continue // an ICMP error of an earlier send
		}
		now := time.Now()
		from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
		if looksLikeRTCP(buf[:n]) {
			e.receiveRTCP(buf[:n], from, now)
			continue
		}
		h, payload, ok := parseRTP(buf[:n])
		if !ok {
			continue
		}
		if ok, why := e.latch.admit(from, &h); !ok {
			e.engine.metrics.refused[why].Inc()
			continue
		}
		e.deliver(&h, payload, now)
	}
}
