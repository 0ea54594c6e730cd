package media

import (
	"encoding/binary"
	"sync"
	"time"
)

// packetWriter is the transport under a sender. It must not keep b.
type packetWriter interface {
	writePacket(b []byte) error
}

// source is the identity of whatever feeds a sender: a change of source is
// where sequence and timestamp are joined anew.
type source struct{ _ byte }

// sender makes the one continuous RTP stream that the far side hears,
// whatever feeds it: a digit being sent goes before a prompt, a prompt before
// the room. Where one source follows another the numbers go on, the timestamp
// too unless there was a silence, and the sound has no click.
type sender struct {
	mu  sync.Mutex
	out packetWriter
	m   *metrics

	codec   Codec // what the far side takes; codecNone before negotiation
	pt      uint8
	dtmfPT  int  // -1: no telephone-event
	enabled bool // the negotiated direction lets us send

	ssrc   uint32
	sent   seqWindow // sequence numbers
	ts     uint32    // of the newest packet
	tsAt   time.Time // when ts last moved on; zero before the first packet
	began  time.Time // when the stream began, with the timestamp origin
	origin uint32
	span   uint32  // samples of the newest packet
	last   int16   // its last sample, which the next source goes on from
	feed   *source // whom the room lets speak: one voice, or the mix; nil: nobody
	src    *source // who made the newest packet
	seqOff uint16  // added to src's numbers (forwarding only)
	tsOff  uint32
	floor  uint16 // sequence numbers at or below it were used before src

	playing *player
	digits  *digitJob

	packets, bytes uint64
	first          time.Time
	joinFirst      time.Time
	joined         time.Time

	buf [rtpHeaderLen + maxRTPPayload]byte
}

func (t *sender) init(out packetWriter, m *metrics) {
	t.out, t.m, t.dtmfPT = out, m, -1
	t.ssrc, t.sent.newest, t.ts = randUint32(), uint16(randUint32()), randUint32() //nolint:gosec // random bits
}

// setFormat is called at each negotiation.
func (t *sender) setFormat(f format, enabled bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.codec, t.pt, t.dtmfPT, t.enabled = f.codec, f.pt, f.dtmfPT, enabled
	if !enabled {
		t.src = nil // what the source says meanwhile is not a loss: join anew
	}
}

// listen sets who of the room feeds the stream.
func (t *sender) listen(feed *source) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.feed = feed
}

// takes says whether the room's source may send now; t.mu is held.
func (t *sender) takes(src *source) bool {
	return t.feed == src && t.playing == nil && t.digits == nil && t.enabled && t.codec != codecNone
}

// resume returns the timestamp for the first packet of a new source: where the
// newest packet ends, or, after a silence, where the wall clock is since the
// stream began, so that no lateness adds up.
func (t *sender) resume(now time.Time) uint32 {
	if t.tsAt.IsZero() {
		return t.ts
	}
	next, wall := t.ts+t.span, t.origin+samples(now.Sub(t.began))
	if int32(wall-next) < frameSamples { //nolint:gosec // serial arithmetic
		return next
	}
	return wall
}

// soften makes the seam to the payload in buf, of a new source, inaudible: it
// goes on from the last sample, or rises from silence.
func (t *sender) soften(payload int, ts uint32) {
	from := t.last
	if ts != t.ts+t.span {
		from = 0
	}
	fadeCoded(t.codec, t.buf[rtpHeaderLen:rtpHeaderLen+payload], from)
}

// samples is d in RTP time, which wraps by design.
func samples(d time.Duration) uint32 {
	return uint32(int64(d) * (sampleRate / 1000) / int64(time.Millisecond)) //nolint:gosec // wraps
}

// maxTimeJump is how far a source's clock may differ from ours between two of
// its packets before we take it for a new clock.
const maxTimeJump = 5 * sampleRate

// strange says that the next packet of the same source does not follow the
// newest one: it started anew without saying so.
func (t *sender) strange(in *rtpHeader, now time.Time) bool {
	seq := int16(in.seq + t.seqOff - t.sent.newest)                   //nolint:gosec // serial arithmetic
	ahead := int32(in.ts + t.tsOff - t.ts - samples(now.Sub(t.tsAt))) //nolint:gosec // serial arithmetic
	return seq > 1000 || seq < -1000 || ahead > maxTimeJump || ahead < -maxTimeJump
}

// frame sends one locally made frame of G.711 in the sender's codec.
func (t *sender) frame(src *source, payload []byte, now time.Time) {
	h := rtpHeader{pt: t.pt, seq: t.sent.newest + 1, ts: t.ts + t.span, ssrc: t.ssrc}
	copy(t.buf[rtpHeaderLen:], payload)
	if t.src != src {
		h.ts, h.marker = t.resume(now), true
		t.src, t.floor = src, t.sent.newest
		t.soften(len(payload), h.ts)
	}
	t.sound(&h, len(payload), now)
}

// forward passes one packet of another endpoint on (RFC 3550 section 7.1: we
// are a translator with an SSRC of our own). c is the codec of payload.
func (t *sender) forward(src *source, in *rtpHeader, c Codec, payload []byte, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.takes(src) {
		return
	}
	h := rtpHeader{pt: t.pt, marker: in.marker, ssrc: t.ssrc}
	if c == codecDTMF {
		if t.dtmfPT < 0 {
			t.src = nil // a packet is missing: join anew after it
			return
		}
		h.pt = uint8(t.dtmfPT) //nolint:gosec // 0..127
	}
	joins := t.src != src || t.strange(in, now)
	if joins {
		t.src, t.floor = src, t.sent.newest
		t.seqOff, t.tsOff = t.sent.newest+1-in.seq, t.resume(now)-in.ts
		h.marker = true
	}
	h.seq, h.ts = in.seq+t.seqOff, in.ts+t.tsOff
	if int16(h.seq-t.floor) <= 0 { //nolint:gosec // serial arithmetic
		return // late packet from before the switch: its number is taken
	}
	if t.joinFirst.IsZero() {
		t.joinFirst = now
	}
	if c == codecDTMF {
		copy(t.buf[rtpHeaderLen:], payload)
		t.write(&h, len(payload), frameSamples, now)
	} else {
		c.transcode(t.codec, t.buf[rtpHeaderLen:], payload)
		if joins {
			t.soften(len(payload), h.ts)
		}
		t.sound(&h, len(payload), now)
	}
	if int16(t.sent.newest-t.floor) > 2000 { //nolint:gosec // serial arithmetic
		t.floor = t.sent.newest - 1000 // keep it near, numbers wrap
	}
}

// sound sends the G.711 in t.buf.
func (t *sender) sound(h *rtpHeader, payload int, now time.Time) {
	t.write(h, payload, uint32(payload), now) //nolint:gosec // one byte a sample
	if h.ts == t.ts {
		t.last = t.codec.sample(t.buf[rtpHeaderLen+payload-1])
	}
}

// write sends t.buf with the header h and moves the stream on by span.
func (t *sender) write(h *rtpHeader, payload int, span uint32, now time.Time) {
	// None is ever sent twice, whatever a peer repeats: in SRTP that would be one
	// keystream for two payloads (RFC 3711 section 9.1).
	if !t.sent.take(h.seq) {
		return
	}
	if t.tsAt.IsZero() || int32(h.ts-t.ts) > 0 { //nolint:gosec // serial arithmetic
		if t.tsAt.IsZero() {
			t.origin, t.began = h.ts, now
		}
		t.ts, t.span, t.tsAt, t.last = h.ts, span, now, 0
	}
	h.put(t.buf[:])
	if t.out.writePacket(t.buf[:rtpHeaderLen+payload]) != nil {
		return // unreachable or not yet connected: like a lost packet
	}
	t.packets++
	t.bytes += uint64(payload) //nolint:gosec // length
	if t.first.IsZero() {
		t.first = now
	}
	t.m.out.Inc()
}

// event sends one RFC 4733 packet.
func (t *sender) event(code byte, end bool, duration uint16, ts uint32, marker bool, now time.Time) {
	h := rtpHeader{pt: uint8(t.dtmfPT), seq: t.sent.newest + 1, ts: ts, ssrc: t.ssrc, marker: marker} //nolint:gosec // checked >= 0
	const volume = 10                                                                                 // -10 dBm0
	p := t.buf[rtpHeaderLen:]
	p[0], p[1] = code, volume
	if end {
		p[1] |= 0x80
	}
	binary.BigEndian.PutUint16(p[2:], duration)
	t.write(&h, dtmfPayloadLen, frameSamples, now)
}

// join notes the start of a stay in a room, for JoinFirstOut.
func (t *sender) join(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.joined, t.joinFirst = now, time.Time{}
}
