package media

import (
	"net/netip"
	"sync"
	"sync/atomic"
)

// refusal is why a packet's source address was not believed.
type refusal string

const (
	refuseUnrelated refusal = "unrelated" // neither the SDP's nor the signalling's address
	refuseLatched   refusal = "latched"   // another address was already proven
	refuseUnproven  refusal = "unproven"  // related, but not yet enough packets in order
)

// latchPackets in order from one address, with one SSRC and payload type, make
// it the far side's address.
const latchPackets = 3

// latch decides where the far side is. Packets go only to the address of the
// SDP or to the one that latched; a source latches once and only a new
// offer/answer opens the latch again. That is the defence against RTP bleed
// and injection.
type latch struct {
	dest atomic.Pointer[netip.AddrPort] // nil: send nothing

	mu      sync.Mutex
	policy  addressPolicy
	signal  netip.Addr     // where the signalling came from, if known
	sdp     netip.AddrPort // what the SDP says
	latched bool
	cand    candidate
	refused uint64
}

type candidate struct {
	addr  netip.AddrPort
	ssrc  uint32
	pt    uint8
	seq   uint16
	count int
}

// reset opens the latch for a new description. When its address is the old one
// we go on sending to where the far side was last proven to be.
func (l *latch) reset(sdp netip.AddrPort) {
	l.mu.Lock()
	defer l.mu.Unlock()
	same := l.sdp == sdp && l.dest.Load() != nil
	l.sdp, l.latched, l.cand = sdp, false, candidate{}
	if same {
		return
	}
	if sdp.IsValid() && l.policy.allows(sdp.Addr()) {
		l.dest.Store(&sdp)
	} else {
		l.dest.Store(nil)
	}
}

// face says where the signalling is.
func (l *latch) face(signal netip.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.signal = signal.Unmap()
}

func (l *latch) faced() netip.Addr {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.signal
}

// admit says whether a packet from addr is the far side's.
func (l *latch) admit(addr netip.AddrPort, h *rtpHeader) (ok bool, why refusal) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if d := l.dest.Load(); d != nil && *d == addr {
		l.latched = true // the address of the SDP proves itself by sending
		return true, ""
	}
	switch {
	case l.latched:
		why = refuseLatched
	case !l.related(addr.Addr()):
		why = refuseUnrelated
	case !l.cand.next(addr, h):
		why = refuseUnproven
	default:
		l.latched = true
		proven := addr // a copy, so that only this branch allocates
		l.dest.Store(&proven)
		return true, ""
	}
	l.refused++
	return false, why
}

// related: the host of the SDP at another port (symmetric NAT), or the host
// that the signalling came from. When the signalling's address is unknown,
// private networks that the configuration trusts count as related.
func (l *latch) related(a netip.Addr) bool {
	if !l.sdp.IsValid() {
		return false
	}
	if a == l.sdp.Addr() || a == l.signal {
		return true
	}
	return !l.signal.IsValid() && l.policy.private && (a.IsPrivate() || a.IsLoopback()) && a.IsLoopback() == l.sdp.Addr().IsLoopback()
}

// next counts packets in order; anything else starts anew.
func (c *candidate) next(addr netip.AddrPort, h *rtpHeader) bool {
	if c.addr == addr && c.ssrc == h.ssrc && c.pt == h.pt && h.seq == c.seq+1 {
		c.count++
	} else {
		*c = candidate{addr: addr, ssrc: h.ssrc, pt: h.pt, count: 1}
	}
	c.seq = h.seq
	return c.count >= latchPackets
}

func (l *latch) refusedPackets() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.refused
}

// addressPolicy says which hosts SDP may make us send to.
type addressPolicy struct {
	private bool // loopback and private networks are allowed
}

func (p addressPolicy) allows(a netip.Addr) bool {
	a = a.Unmap()
	switch {
	case !a.IsValid(), a.IsUnspecified(), a.IsMulticast(), a.IsLinkLocalUnicast(): // the last holds cloud metadata services
		return false
	case a == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return false
	case a.IsLoopback(), a.IsPrivate(), carrierNAT.Contains(a):
		return p.private
	}
	return true
}

// carrierNAT is RFC 6598.
var carrierNAT = netip.PrefixFrom(netip.AddrFrom4([4]byte{100, 64, 0, 0}), 10)
