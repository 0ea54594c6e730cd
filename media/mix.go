package media

import (
	"sync"
	"time"
)

const (
	mixPrefill = 2 * frameSamples // wait for this much before speaking: 40 ms
	mixCap     = 10 * frameSamples
	mixWindow  = 50 // ticks, 1 s: what was never needed so long is taken away
)

// mixInput is the voice of one member on its way into a mix: a small ring of
// samples that takes up jitter. It is filled by the member's reader and
// emptied by the mixer every 20 ms.
type mixInput struct {
	mu      sync.Mutex
	ring    [mixCap]int16
	head, n int
	ready   bool // the prefill has been reached
	skipped bool // samples were taken out since the last frame
	low     int  // the least that lay in the ring after a tick of this window
	ticks   int  // of the window
	lastSeq uint16
	any     bool

	frame [frameSamples]int16 // of this tick; owned by the mixer
}

// push appends one packet; what came too late is dropped, what is too much
// pushes out the oldest.
func (in *mixInput) push(seq uint16, c Codec, payload []byte) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if d := int16(seq - in.lastSeq); in.any && d <= 0 && d > -100 { //nolint:gosec // serial arithmetic
		return
	}
	in.lastSeq, in.any = seq, true
	table := &ulawToPCM
	if c == PCMA {
		table = &alawToPCM
	}
	for _, b := range payload {
		in.ring[(in.head+in.n)%mixCap] = table[b]
		if in.n < mixCap {
			in.n++
		} else {
			in.head = (in.head + 1) % mixCap
			in.skipped = true
		}
	}
}

// pop moves 20 ms into in.frame; silence when there is not enough. Where speech
// begins, ends or misses something there is no click.
func (in *mixInput) pop() {
	in.mu.Lock()
	defer in.mu.Unlock()
	before := in.frame[frameSamples-1]
	if !in.ready && in.n < mixPrefill {
		clear(in.frame[:])
		fade(in.frame[:], before)
		return
	}
	n := min(in.n, frameSamples)
	for i := range n {
		in.frame[i] = in.ring[(in.head+i)%mixCap]
	}
	in.head, in.n = (in.head+n)%mixCap, in.n-n
	if !in.ready || in.skipped {
		fade(in.frame[:n], before)
	}
	in.ready, in.skipped = n == frameSamples, false
	in.shorten()
	if !in.ready { // ran dry: build up again
		clear(in.frame[n:])
		if n > 0 {
			before = in.frame[n-1]
		}
		fade(in.frame[n:], before)
	}
}

// shorten gives back, 20 ms a second, the delay that a burst has left behind.
func (in *mixInput) shorten() {
	in.low = min(in.low, in.n)
	if in.ticks++; in.ticks < mixWindow {
		return
	}
	if in.low >= mixPrefill {
		in.head, in.n, in.skipped = (in.head+frameSamples)%mixCap, in.n-frameSamples, true
	}
	in.low, in.ticks = in.n, 0
}

// mixOutput is what one member hears.
type mixOutput struct {
	to     *endpoint
	src    *source
	voices []*mixInput
	sum    [frameSamples]int16
	coded  [frameSamples]byte
}

// mixer makes one 20 ms step of a room.
type mixer struct {
	mu   sync.Mutex
	outs []*mixOutput // nil: over
	ins  []*mixInput
}

// set replaces the outputs.
func (x *mixer) set(outs []*mixOutput) {
	x.mu.Lock()
	defer x.mu.Unlock()
	seen := map[*mixInput]bool{}
	x.outs, x.ins = outs, nil
	for _, o := range outs {
		for _, in := range o.voices {
			if !seen[in] {
				seen[in] = true
				x.ins = append(x.ins, in)
			}
		}
	}
}

func (x *mixer) tick(now time.Time) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(x.outs) == 0 {
		return false
	}
	for _, in := range x.ins {
		in.pop()
	}
	for _, o := range x.outs {
		o.send(now)
	}
	return true
}

func (o *mixOutput) send(now time.Time) {
	for i := range o.sum {
		var s int32
		for _, in := range o.voices {
			s += int32(in.frame[i])
		}
		o.sum[i] = saturate(s)
	}
	t := &o.to.tx
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.takes(o.src) {
		return
	}
	t.codec.encode(o.coded[:], o.sum[:])
	if t.joinFirst.IsZero() {
		t.joinFirst = now
	}
	t.frame(o.src, o.coded[:], now)
}
