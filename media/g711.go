package media

// Codec is a G.711 law (ITU-T G.711, RFC 3551 section 4.5.14).
type Codec uint8

// The codecs; the zero value means none.
const (
	codecNone Codec = iota
	PCMU            // mu-law, static payload type 0
	PCMA            // A-law, static payload type 8
	codecDTMF       // telephone-event (RFC 4733), only inside this package
)

// String is the encoding name of SDP.
func (c Codec) String() string {
	switch c {
	case PCMU:
		return "PCMU"
	case PCMA:
		return "PCMA"
	case codecDTMF:
		return "telephone-event"
	}
	return "none"
}

const (
	sampleRate   = 8000
	frameSamples = 160 // 20 ms
)

func (c Codec) silence() byte {
	if c == PCMA {
		return 0xD5
	}
	return 0xFF
}

func (c Codec) staticPT() uint8 {
	if c == PCMA {
		return 8
	}
	return 0
}

var (
	ulawToPCM, alawToPCM = decodeTables()
	ulawToALaw           = transcodeTable(&ulawToPCM, encodeALaw)
	alawToULaw           = transcodeTable(&alawToPCM, encodeULaw)
	pcmToULaw, pcmToALaw = encodeTables()
)

// encode tables are indexed by the top 14 (mu-law) or 13 (A-law) bits of a
// sample: the bits below are finer than a step of the code.
func encodeTables() (u *[1 << 14]byte, a *[1 << 13]byte) {
	u, a = new([1 << 14]byte), new([1 << 13]byte)
	for i := range u {
		u[i] = encodeULaw(int16(uint16(i) << 2)) //nolint:gosec // index below 2^14, wrap is meant
	}
	for i := range a {
		a[i] = encodeALaw(int16(uint16(i) << 3)) //nolint:gosec // index below 2^13, wrap is meant
	}
	return u, a
}

func decodeTables() (u, a [256]int16) {
	for i := range 256 {
		u[i], a[i] = decodeULaw(byte(i)), decodeALaw(byte(i))
	}
	return u, a
}

func transcodeTable(from *[256]int16, enc func(int16) byte) (t [256]byte) {
	for i := range t {
		t[i] = enc(from[i])
	}
	return t
}

func decodeULaw(u byte) int16 {
	u = ^u
	t := (int32(u&0x0F)<<3 + 0x84) << ((u & 0x70) >> 4)
	if u&0x80 != 0 {
		return int16(0x84 - t) //nolint:gosec // |t| <= 32124 + 132
	}
	return int16(t - 0x84) //nolint:gosec // as above
}

func encodeULaw(s int16) byte {
	x, sign := int32(s), byte(0)
	if x < 0 {
		x, sign = -x, 0x80
	}
	x = min(x, 32635) + 0x84
	exp := 7
	for m := int32(0x4000); x&m == 0 && exp > 0; m >>= 1 {
		exp--
	}
	return ^(sign | byte(exp<<4) | byte(x>>(exp+3)&0x0F)) //nolint:gosec // masked
}

func decodeALaw(a byte) int16 {
	a ^= 0x55
	t := int32(a&0x0F) << 4
	switch seg := (a & 0x70) >> 4; seg {
	case 0:
		t += 8
	default:
		t = (t + 0x108) << (seg - 1)
	}
	if a&0x80 == 0 {
		t = -t
	}
	return int16(t) //nolint:gosec // |t| <= 32256
}

func encodeALaw(s int16) byte {
	x, mask := int32(s)>>3, byte(0xD5)
	if x < 0 {
		x, mask = -x-1, 0x55
	}
	seg := 0
	for end := int32(0x1F); seg < 8 && x > end; end = end<<1 | 1 {
		seg++
	}
	switch {
	case seg >= 8:
		return 0x7F ^ mask
	case seg < 2:
		return (byte(seg<<4) | byte(x>>1&0x0F)) ^ mask //nolint:gosec // masked
	}
	return (byte(seg<<4) | byte(x>>seg&0x0F)) ^ mask //nolint:gosec // masked
}

// sample is the value of one byte of payload.
func (c Codec) sample(b byte) int16 {
	if c == PCMA {
		return alawToPCM[b]
	}
	return ulawToPCM[b]
}

// decode appends the samples of payload to dst.
func (c Codec) decode(dst []int16, payload []byte) []int16 {
	t := &ulawToPCM
	if c == PCMA {
		t = &alawToPCM
	}
	for _, b := range payload {
		dst = append(dst, t[b])
	}
	return dst
}

// encode fills dst, which must be as long as pcm.
func (c Codec) encode(dst []byte, pcm []int16) {
	if c == PCMA {
		for i, s := range pcm {
			dst[i] = pcmToALaw[uint16(s)>>3] //nolint:gosec // bits, not value
		}
		return
	}
	for i, s := range pcm {
		dst[i] = pcmToULaw[uint16(s)>>2] //nolint:gosec // bits, not value
	}
}

// transcode copies src to dst, changing the law from c to to.
func (c Codec) transcode(to Codec, dst, src []byte) {
	switch {
	case c == to:
		copy(dst, src)
	case to == PCMA:
		for i, b := range src {
			dst[i] = ulawToALaw[b]
		}
	default:
		for i, b := range src {
			dst[i] = alawToULaw[b]
		}
	}
}
