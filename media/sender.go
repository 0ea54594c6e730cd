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
// the room.
type sender struct {
	mu  sync.Mutex
	out packetWriter
	m   *metrics

	codec   Codec // what the far side takes; codecNone before negotiation
	pt      uint8
	dtmfPT  int  // -1: no telephone-event
	enabled bool // the negotiated direction lets us send

	ssrc   uint32
	seq    uint16    // of the newest packet
	ts     uint32    // of the newest packet
	tsAt   time.Time // when ts last moved on; zero before the first packet
	src    *source   // who made the newest packet
	seqOff uint16    // added to src's numbers (forwarding only)
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
	t.ssrc, t.seq, t.ts = randUint32(), uint16(randUint32()), randUint32() //nolint:gosec // random bits
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

// resume returns the timestamp for the first packet of a new source: it
// follows the wall clock and never stands still.
func (t *sender) resume(now time.Time) uint32 {
	if t.tsAt.IsZero() {
		return t.ts
	}
	gap := int64(now.Sub(t.tsAt)) * (sampleRate / 1000) / int64(time.Millisecond)
	return t.ts + uint32(max(gap, frameSamples)) //nolint:gosec // RTP time wraps by design
}

// frame sends one locally made frame of G.711 in the sender's codec.
func (t *sender) frame(src *source, payload []byte, now time.Time) {
	h := rtpHeader{pt: t.pt, seq: t.seq + 1, ssrc: t.ssrc}
	if t.src == src {
		h.ts = t.ts + frameSamples
	} else {
		h.ts, h.marker = t.resume(now), true
		t.src, t.floor = src, t.seq
	}
	copy(t.buf[rtpHeaderLen:], payload)
	t.write(&h, len(payload), now)
}

// forward passes one packet of another endpoint on (RFC 3550 section 7.1: we
// are a translator with an SSRC of our own). c is the codec of payload.
func (t *sender) forward(src *source, in *rtpHeader, c Codec, payload []byte, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.playing != nil || t.digits != nil || !t.enabled || t.codec == codecNone {
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
	if d := int16(in.seq + t.seqOff - t.seq); t.src != src || d > 1000 || d < -1000 { //nolint:gosec // serial arithmetic
		t.src, t.floor = src, t.seq
		t.seqOff, t.tsOff = t.seq+1-in.seq, t.resume(now)-in.ts
		h.marker = true
	}
	h.seq, h.ts = in.seq+t.seqOff, in.ts+t.tsOff
	if int16(h.seq-t.floor) <= 0 { //nolint:gosec // serial arithmetic
		return // late packet from before the switch: its number is taken
	}
	if c == codecDTMF {
		copy(t.buf[rtpHeaderLen:], payload)
	} else {
		c.transcode(t.codec, t.buf[rtpHeaderLen:], payload)
	}
	if t.joinFirst.IsZero() {
		t.joinFirst = now
	}
	t.write(&h, len(payload), now)
	if int16(t.seq-t.floor) > 2000 { //nolint:gosec // serial arithmetic
		t.floor = t.seq - 1000 // keep it near, numbers wrap
	}
}

// write sends t.buf with the header h and moves the stream on.
func (t *sender) write(h *rtpHeader, payload int, now time.Time) {
	if int16(h.seq-t.seq) > 0 { //nolint:gosec // serial arithmetic
		t.seq = h.seq
	}
	if t.tsAt.IsZero() || int32(h.ts-t.ts) > 0 { //nolint:gosec // serial arithmetic
		t.ts, t.tsAt = h.ts, now
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
	h := rtpHeader{pt: uint8(t.dtmfPT), seq: t.seq + 1, ts: ts, ssrc: t.ssrc, marker: marker} //nolint:gosec // checked >= 0
	const volume = 10                                                                         // -10 dBm0
	p := t.buf[rtpHeaderLen:]
	p[0], p[1] = code, volume
	if end {
		p[1] |= 0x80
	}
	binary.BigEndian.PutUint16(p[2:], duration)
	t.write(&h, dtmfPayloadLen, now)
}

// join notes the start of a stay in a room, for JoinFirstOut.
func (t *sender) join(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.joined, t.joinFirst = now, time.Time{}
}
