package media

import (
	"sync"
	"time"
)

// format is what one negotiation agreed on for both directions.
type format struct {
	codec  Codec
	pt     uint8 // of codec
	dtmfPT int   // -1: none
	// in names what each payload type of an incoming packet is.
	in [128]Codec
}

// receiver counts what arrives (RFC 3550 appendix A) and names its codec.
type receiver struct {
	mu     sync.Mutex
	in     [128]Codec
	digits digitReader

	packets, bytes uint64
	ssrc           uint32
	started        bool
	maxSeq         uint16
	cycles         uint32 // count of sequence wraps, shifted by 16
	baseSeq        uint32
	received       uint64 // of this SSRC
	lostBefore     uint64 // by earlier SSRCs
	transit        int32  // of the newest packet, in RTP units
	jitter         uint32 // in 1/16 RTP units (RFC 3550 A.8)

	expectedPrior, receivedPrior uint64 // at the last report

	first, last time.Time
	joined      time.Time
	joinFirst   time.Time
}

func (r *receiver) setFormat(f format) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.in = f.in
}

// account notes one packet and returns its codec and, for the first packet of
// a telephone event, the key (0 otherwise).
func (r *receiver) account(h *rtpHeader, payload []byte, now time.Time) (c Codec, key rune, first bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c = r.in[h.pt&0x7F]
	if c == codecNone {
		return c, 0, false
	}
	first = r.packets == 0
	r.packets++
	r.bytes += uint64(len(payload))
	if r.first.IsZero() {
		r.first = now
	}
	if r.joinFirst.IsZero() && !r.joined.IsZero() {
		r.joinFirst = now
	}
	r.last = now
	r.sequence(h)
	if c == codecDTMF {
		key, _ = r.digits.read(h, payload)
		return c, key, first // the clock of an event stands still: no jitter
	}
	transit := int32(samples(now.Sub(r.first)) - h.ts) //nolint:gosec // RTP time wraps by design
	if r.received > 1 {
		d := transit - r.transit
		if d < 0 {
			d = -d
		}
		if d < 10*sampleRate { // a jump of the sender's clock is no jitter
			r.jitter += uint32(d) - (r.jitter+8)>>4 //nolint:gosec // d >= 0
		}
	}
	r.transit = transit
	return c, key, first
}

// sequence follows RFC 3550 A.1 without the probation (the latch has that).
func (r *receiver) sequence(h *rtpHeader) {
	const maxDropout, maxMisorder = 3000, 100
	delta := h.seq - r.maxSeq
	switch {
	case !r.started || h.ssrc != r.ssrc, delta >= maxDropout && delta <= 0xFFFF-maxMisorder:
		r.lostBefore += r.lost()
		r.started, r.ssrc, r.maxSeq = true, h.ssrc, h.seq
		r.baseSeq, r.cycles, r.received = uint32(h.seq), 0, 0
		r.expectedPrior, r.receivedPrior = 0, 0
	case delta < maxDropout:
		if h.seq < r.maxSeq {
			r.cycles += 1 << 16
		}
		r.maxSeq = h.seq
	}
	r.received++
}

func (r *receiver) expected() uint64 {
	if !r.started {
		return 0
	}
	return uint64(r.cycles+uint32(r.maxSeq)-r.baseSeq) + 1
}

func (r *receiver) lost() uint64 {
	if e := r.expected(); e > r.received {
		return e - r.received
	}
	return 0
}

func (r *receiver) jitterDuration() time.Duration {
	return time.Duration(r.jitter>>4) * time.Second / sampleRate
}

func (r *receiver) join(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.joined, r.joinFirst = now, time.Time{}
}
