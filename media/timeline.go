package media

import "time"

const (
	// timelineSamples is how much of each channel is kept for a disk that is
	// slow: 2 s. It is a power of two so that a position finds its place by a mask.
	timelineSamples = 1 << 14
	timelineMask    = timelineSamples - 1

	left, right = 0, 1 // channels
)

// timeline is the newest stretch of a recording: two channels of samples at
// positions counted from its beginning. Where nothing is added there is
// silence. Whoever is not taken in time is lost, the oldest first.
type timeline struct {
	ring [2][timelineSamples]int16
	base int64 // position of the oldest sample that is kept
	lost int64 // samples that nobody took
}

// add mixes payload into a channel at pos. What lies before the base is too
// late and left out.
func (l *timeline) add(channel int, pos int64, c Codec, payload []byte) {
	if late := l.base - pos; late > 0 {
		if late >= int64(len(payload)) {
			return
		}
		pos, payload = l.base, payload[late:]
	}
	l.makeRoom(pos + int64(len(payload)))
	table := &ulawToPCM
	if c == PCMA {
		table = &alawToPCM
	}
	ring := &l.ring[channel]
	for i, b := range payload {
		at := (pos + int64(i)) & timelineMask
		ring[at] = saturate(int32(ring[at]) + int32(table[b]))
	}
}

// makeRoom moves the base so that positions below end have a place.
func (l *timeline) makeRoom(end int64) {
	surplus := end - timelineSamples - l.base
	if surplus <= 0 {
		return
	}
	l.lost += surplus
	l.silence(l.base, min(l.base+surplus, l.base+timelineSamples))
	l.base += surplus
}

// silence forgets the samples from one position up to another.
func (l *timeline) silence(from, to int64) {
	for ; from < to; from++ {
		l.ring[left][from&timelineMask], l.ring[right][from&timelineMask] = 0, 0
	}
}

// take appends what lies before the position to to dst, as interleaved mu-law,
// and forgets it.
func (l *timeline) take(dst []byte, to int64) []byte {
	to = min(to, l.base+timelineSamples)
	for at := l.base; at < to; at++ {
		i := at & timelineMask
		dst = append(dst, pcmToULaw[uint16(l.ring[left][i])>>2], pcmToULaw[uint16(l.ring[right][i])>>2]) //nolint:gosec // bits, not value
	}
	if to > l.base {
		l.silence(l.base, to)
		l.base = to
	}
	return dst
}

// saturate clips a sum of voices to what a sample holds.
func saturate(s int32) int16 { return int16(max(-32768, min(s, 32767))) } //nolint:gosec // clamped

const (
	// settle is how old a stretch must be to be written: packets that jitter
	// made late still find their place.
	settle = 200 * time.Millisecond
	// early is how far a voice's own clock may run ahead of ours.
	early = 60 * time.Millisecond
)

// track is one member's way into a recording: it maps the clock of the
// member's RTP stream to positions. The recording's mu guards it.
type track struct {
	rec     *Recording
	channel int

	anchored bool
	ssrc     uint32
	ts       uint32 // of a packet, and
	pos      int64  // where it lies
	end      int64  // of all that was placed
	floor    int64  // nothing is placed before it
	seen     seqWindow
}

// place says where a frame of n samples that came at the position now belongs:
// where its timestamp says, as long as that agrees with the clock. It refuses
// what came twice.
func (t *track) place(h *rtpHeader, n int, now int64) (pos int64, ok bool) {
	pos = t.pos + int64(int32(h.ts-t.ts)) //nolint:gosec // serial arithmetic
	if t.strange(h, pos+int64(n)-now) {
		t.anchored, t.ssrc, t.seen = true, h.ssrc, seqWindow{newest: h.seq - 1}
		t.floor = t.end // a voice is never mixed with itself
		pos = max(now-int64(n), 0)
	}
	if !t.seen.take(h.seq) {
		return 0, false
	}
	t.ts, t.pos = h.ts, pos
	t.end = max(t.end, pos+int64(n))
	return pos, true
}

// strange says that a packet does not belong to the clock that we know. ahead
// is how far that clock is before ours.
func (t *track) strange(h *rtpHeader, ahead int64) bool {
	if !t.anchored || h.ssrc != t.ssrc {
		return true
	}
	if d := int16(h.seq - t.seen.newest); d <= 0 && d > -100 { //nolint:gosec // serial arithmetic
		return false // overtaken or repeated
	}
	return ahead > int64(samples(early)) || ahead < -int64(samples(settle))
}
