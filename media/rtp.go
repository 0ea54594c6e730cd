package media

import "encoding/binary"

const (
	rtpHeaderLen  = 12
	maxRTPPayload = 1200 // more than 100 ms of G.711; anything longer is not speech
	maxPacket     = 1500
)

// rtpHeader is the part of an RTP header (RFC 3550 section 5.1) that we use.
// Parsing it allocates nothing.
type rtpHeader struct {
	marker bool
	pt     uint8
	seq    uint16
	ts     uint32
	ssrc   uint32
}

// parseRTP returns the header and the payload without CSRCs, extension and
// padding. The payload aliases b.
func parseRTP(b []byte) (h rtpHeader, payload []byte, ok bool) {
	if len(b) < rtpHeaderLen || b[0]>>6 != 2 {
		return h, nil, false
	}
	h = rtpHeader{
		marker: b[1]&0x80 != 0,
		pt:     b[1] & 0x7F,
		seq:    binary.BigEndian.Uint16(b[2:]),
		ts:     binary.BigEndian.Uint32(b[4:]),
		ssrc:   binary.BigEndian.Uint32(b[8:]),
	}
	off := rtpHeaderLen + 4*int(b[0]&0x0F)
	if b[0]&0x10 != 0 { // extension
		if len(b) < off+4 {
			return h, nil, false
		}
		off += 4 + 4*int(binary.BigEndian.Uint16(b[off+2:]))
	}
	end := len(b)
	if b[0]&0x20 != 0 { // padding
		end -= int(b[len(b)-1])
	}
	if off > end {
		return h, nil, false
	}
	return h, b[off:end], true
}

// put writes the 12-byte header into b.
func (h *rtpHeader) put(b []byte) {
	b[0], b[1] = 0x80, h.pt
	if h.marker {
		b[1] |= 0x80
	}
	binary.BigEndian.PutUint16(b[2:], h.seq)
	binary.BigEndian.PutUint32(b[4:], h.ts)
	binary.BigEndian.PutUint32(b[8:], h.ssrc)
}

// looksLikeRTCP tells RTCP from RTP on one port (RFC 5761 section 4).
func looksLikeRTCP(b []byte) bool {
	return len(b) >= 8 && b[0]>>6 == 2 && b[1] >= 192 && b[1] <= 223
}
