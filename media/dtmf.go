package media

import (
	"context"
	"strings"
	"time"
)

const (
	dtmfPayloadLen = 4
	dtmfKeys       = "0123456789*#ABCD" // RFC 4733 table 3, by event code

	digitTicks = 5 // 100 ms of tone
	endPackets = 3 // RFC 4733 section 2.5.1.4
	pauseTicks = 4 // 80 ms between two keys
)

// digitReader turns telephone-event packets into keys. One event is many
// packets with one timestamp, the last ones repeated; it is reported once, at
// the first packet seen, so that a prompt stops at once.
type digitReader struct {
	ssrc uint32
	ts   uint32
	key  byte
	open bool // seen, and its end not yet
	any  bool
}

// staleEvent is how far back a timestamp must jump to be a new clock and not
// an old packet that was overtaken: 10 s.
const staleEvent = 10 * sampleRate

func (d *digitReader) read(h *rtpHeader, payload []byte) (rune, bool) {
	if len(payload) < dtmfPayloadLen || payload[0] >= byte(len(dtmfKeys)) {
		return 0, false
	}
	key, end := payload[0], payload[1]&0x80 != 0
	ahead := int32(h.ts - d.ts) //nolint:gosec // serial arithmetic
	if d.any && h.ssrc == d.ssrc {
		if ahead == 0 {
			d.open = d.open && !end
			return 0, false
		}
		if ahead < 0 && ahead > -staleEvent {
			return 0, false
		}
		// A key held for more than 0xFFFF samples goes on in a new segment
		// without marker (RFC 4733 section 2.5.1.3).
		if d.open && key == d.key && !h.marker && ahead >= 0xFF00 && ahead <= 0x10000 {
			d.ts, d.open = h.ts, !end
			return 0, false
		}
	}
	*d = digitReader{ssrc: h.ssrc, ts: h.ts, key: key, open: !end, any: true}
	return rune(dtmfKeys[key]), true
}

// digitJob sends keys, one packet every 20 ms.
type digitJob struct {
	t     *sender
	codes []byte
	done  chan struct{}

	// Guarded by t.mu.
	step  int // ticks since the key began
	ts    uint32
	ended bool
}

func parseKeys(keys string) ([]byte, error) {
	codes := make([]byte, 0, len(keys))
	for _, k := range strings.ToUpper(keys) {
		i := strings.IndexRune(dtmfKeys, k)
		if i < 0 {
			return nil, ErrBadDigit
		}
		codes = append(codes, byte(i)) //nolint:gosec // below 16
	}
	return codes, nil
}

func (j *digitJob) tick(now time.Time) bool {
	t := j.t
	t.mu.Lock()
	defer t.mu.Unlock()
	if j.ended {
		return false
	}
	if t.dtmfPT < 0 || len(j.codes) == 0 {
		j.finish()
		return false
	}
	if !t.enabled {
		return true // held: wait, the context bounds it
	}
	switch {
	case j.step == 0:
		j.ts = t.resume(now)
		t.src = nil
		t.event(j.codes[0], false, frameSamples, j.ts, true, now)
	case j.step < digitTicks:
		t.event(j.codes[0], false, uint16((j.step+1)*frameSamples), j.ts, false, now) //nolint:gosec // <= 800
	case j.step < digitTicks+endPackets:
		t.event(j.codes[0], true, digitTicks*frameSamples, j.ts, false, now)
	}
	j.step++
	if j.step >= digitTicks+endPackets+pauseTicks {
		j.step, j.codes = 0, j.codes[1:]
	}
	return true
}

// finish gives the stream back; t.mu is held.
func (j *digitJob) finish() {
	if j.ended {
		return
	}
	j.ended = true
	if j.t.digits == j {
		j.t.digits = nil
	}
	close(j.done)
}

// sendDigits is Endpoint.SendDigits.
func (e *endpoint) sendDigits(ctx context.Context, keys string) error {
	codes, err := parseKeys(keys)
	if err != nil {
		return err
	}
	if err = e.digitTurn.lock(ctx, e.closing); err != nil {
		return err
	}
	defer e.digitTurn.unlock()
	j := &digitJob{t: &e.tx, codes: codes, done: make(chan struct{})}
	e.tx.mu.Lock()
	if e.tx.dtmfPT < 0 {
		e.tx.mu.Unlock()
		return ErrNoDTMF
	}
	e.tx.digits = j
	e.tx.mu.Unlock()
	e.engine.playout.add(j)
	select {
	case <-j.done:
		return nil
	case <-ctx.Done():
		err = ctx.Err()
	case <-e.closing:
		err = ErrClosed
	}
	e.tx.mu.Lock()
	j.finish()
	e.tx.mu.Unlock()
	return err
}

// turn lets one caller at a time in; waiting ends with the context.
type turn chan struct{}

func newTurn() turn { return make(turn, 1) }

func (t turn) lock(ctx context.Context, closing <-chan struct{}) error {
	select {
	case t <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-closing:
		return ErrClosed
	}
}

func (t turn) unlock() { <-t }
