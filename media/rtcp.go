package media

import (
	"net/netip"
	"sync"
	"time"

	"github.com/pion/rtcp"
)

// ntpEpoch is the distance from 1900 to 1970 in seconds (RFC 5905).
const ntpEpoch = 2208988800

// ntpTime is the 64-bit NTP timestamp of t; its middle 32 bits count in 1/65536 s.
func ntpTime(t time.Time) uint64 {
	sec := uint64(t.Unix()) + ntpEpoch                         //nolint:gosec // after 1970
	frac := uint64(t.Nanosecond()) << 32 / uint64(time.Second) //nolint:gosec // below 10^9
	return sec<<32 | frac
}

func ntpMiddle(t time.Time) uint32 { return uint32(ntpTime(t) >> 16) } //nolint:gosec // the middle is meant

// remoteReport is what the far side's RTCP says, and what our next report
// repeats of it (RFC 3550 section 6.4).
type remoteReport struct {
	mu        sync.Mutex
	lost      uint64
	roundTrip time.Duration
	lastSR    uint32 // middle of the NTP time of the newest sender report
	lastSRAt  time.Time
	next      time.Time // our next report
}

func (r *remoteReport) read() (lost uint64, rtt time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lost, r.roundTrip
}

// due says whether a report is due, and plans the next.
func (r *remoteReport) due(now time.Time, every time.Duration) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.next.IsZero() {
		r.next = now.Add(every)
		return false
	}
	if now.Before(r.next) {
		return false
	}
	r.next = now.Add(every)
	return true
}

// readReports takes one compound packet of the far side; anything malformed is
// dropped whole.
func (e *endpoint) readReports(b []byte, now time.Time) {
	packets, err := rtcp.Unmarshal(b)
	if err != nil {
		return
	}
	e.takeReports(packets, now)
}

func (e *endpoint) takeReports(packets []rtcp.Packet, now time.Time) {
	for _, p := range packets {
		switch p := p.(type) {
		case *rtcp.SenderReport:
			e.remote.mu.Lock()
			e.remote.lastSR, e.remote.lastSRAt = uint32(p.NTPTime>>16), now //nolint:gosec // the middle is meant
			e.remote.mu.Unlock()
			e.takeBlocks(p.Reports, now)
		case *rtcp.ReceiverReport:
			e.takeBlocks(p.Reports, now)
		}
	}
}

func (e *endpoint) takeBlocks(blocks []rtcp.ReceptionReport, now time.Time) {
	e.tx.mu.Lock()
	ssrc := e.tx.ssrc
	e.tx.mu.Unlock()
	for _, b := range blocks {
		if b.SSRC != ssrc {
			continue
		}
		e.remote.mu.Lock()
		if b.TotalLost < 1<<23 { // a signed 24-bit number: duplicates make it negative
			e.remote.lost = uint64(b.TotalLost)
		}
		if b.LastSenderReport != 0 {
			rtt := ntpMiddle(now) - b.LastSenderReport - b.Delay
			if rtt < 10<<16 { // more is a clock step, not a network
				e.remote.roundTrip = time.Duration(rtt) * time.Second >> 16
			}
		}
		e.remote.mu.Unlock()
	}
}

// report makes our SR or RR with a CNAME, as every compound packet has one
// (RFC 3550 section 6.1).
func (e *endpoint) report(now time.Time) []rtcp.Packet {
	blocks := e.receptionBlocks(now)
	e.tx.mu.Lock()
	ssrc, packets, octets := e.tx.ssrc, e.tx.packets, e.tx.bytes
	ts := e.tx.resume(now)
	e.tx.mu.Unlock()
	var first rtcp.Packet
	if packets > 0 {
		first = &rtcp.SenderReport{
			SSRC: ssrc, NTPTime: ntpTime(now), RTPTime: ts,
			PacketCount: uint32(packets), OctetCount: uint32(octets), //nolint:gosec // counters wrap by design
			Reports: blocks,
		}
	} else {
		first = &rtcp.ReceiverReport{SSRC: ssrc, Reports: blocks}
	}
	return []rtcp.Packet{first, rtcp.NewCNAMESourceDescription(ssrc, "filo")}
}

func (e *endpoint) receptionBlocks(now time.Time) []rtcp.ReceptionReport {
	e.remote.mu.Lock()
	lastSR, delay := e.remote.lastSR, uint32(0)
	if lastSR != 0 {
		delay = uint32(now.Sub(e.remote.lastSRAt) << 16 / time.Second) //nolint:gosec // positive and small
	}
	e.remote.mu.Unlock()
	r := &e.rx
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.started {
		return nil
	}
	expected := r.expected()
	lost := uint32(0)
	if de, dr := expected-r.expectedPrior, r.received-r.receivedPrior; de > dr && de > 0 {
		lost = uint32(min((de-dr)<<8/de, 255)) //nolint:gosec // bounded
	}
	r.expectedPrior, r.receivedPrior = expected, r.received
	return []rtcp.ReceptionReport{{
		SSRC: r.ssrc, FractionLost: uint8(lost), TotalLost: uint32(min(r.lost(), 1<<23-1)), //nolint:gosec // bounded
		LastSequenceNumber: r.cycles + uint32(r.maxSeq), Jitter: r.jitter >> 4,
		LastSenderReport: lastSR, Delay: delay,
	}}
}

// rtcpState is where RTCP of a plain RTP leg goes when it has a port of its own.
type rtcpState struct {
	mu      sync.Mutex
	dest    netip.AddrPort
	latched bool
}

func (s *rtcpState) reset(m *mediaDesc, rtp netip.AddrPort, policy addressPolicy) {
	dest := netip.AddrPortFrom(rtp.Addr(), rtp.Port()+1)
	if m.rtcp.Port() != 0 {
		dest = netip.AddrPortFrom(rtp.Addr(), m.rtcp.Port())
		if a := m.rtcp.Addr(); a.IsValid() {
			dest = netip.AddrPortFrom(a, m.rtcp.Port())
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dest, s.latched = netip.AddrPort{}, false
	if dest.Port() != 0 && policy.allows(dest.Addr()) {
		s.dest = dest
	}
}

// admit believes RTCP only from the host that RTP is proven to come from, and
// learns its port once.
func (s *rtcpState) admit(from netip.AddrPort, rtp *netip.AddrPort) bool {
	if rtp == nil || from.Addr() != rtp.Addr() {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.latched {
		s.latched, s.dest = true, from
	}
	return s.dest == from
}

// receiveRTCP takes a packet from either socket.
func (e *rtpEndpoint) receiveRTCP(b []byte, from netip.AddrPort, now time.Time) {
	if !looksLikeRTCP(b) {
		return
	}
	rtp := e.latch.dest.Load()
	if e.sockets.rtcp == nil {
		if rtp == nil || *rtp != from {
			return
		}
	} else if !e.rtcp.admit(from, rtp) {
		return
	}
	e.readReports(b, now)
}

func (e *rtpEndpoint) readRTCP() {
	var buf [maxPacket]byte
	for {
		n, from, err := e.sockets.rtcp.ReadFromUDPAddrPort(buf[:])
		if err != nil {
			if e.isClosed() {
				return
			}
			continue
		}
		from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
		e.receiveRTCP(buf[:n], from, time.Now())
	}
}

// housekeep sends a report when one is due and checks the time-out.
func (e *rtpEndpoint) housekeep(now time.Time) {
	e.endpoint.housekeep(now)
	every := e.engine.cfg.RTCPInterval
	if every == 0 || !e.remote.due(now, every) {
		return
	}
	conn, to := e.sockets.rtcp, netip.AddrPort{}
	if conn == nil {
		conn = e.sockets.rtp
		if d := e.latch.dest.Load(); d != nil {
			to = *d
		}
	} else {
		e.rtcp.mu.Lock()
		to = e.rtcp.dest
		e.rtcp.mu.Unlock()
	}
	if !to.IsValid() {
		return
	}
	b, err := rtcp.Marshal(e.report(now))
	if err != nil {
		return // our own numbers always fit
	}
	_, _ = conn.WriteToUDPAddrPort(b, to) // like RTP: lost reports are lost
}
