package transaction

import (
	"time"

	"filo/sip/transport"
)

// remain is what is left of a transaction after its final response, so that
// repeats are absorbed. It does not change. The states are Completed (Timers D and J), Accepted (Timer L)
// and Confirmed (Timer I).
type remain struct {
	layer    *Layer
	key      key
	flow     transport.Flow
	last     []byte // to be sent again; nil: nothing
	what     string // for Observer.Resent
	accepted bool   // an INVITE with a 2xx: its ACK is the user's
	tag      uint64 // hash of the To-tag of the 2xx to an INVITE of ours
}

func (r *remain) fire(time.Time, uint32) {
	r.layer.mu.Lock()
	defer r.layer.mu.Unlock()
	r.layer.lingering.drop(r)
	r.layer.lingering.compact()
}

// repeat sends again what was sent last.
func (r *remain) repeat() {
	if len(r.last) > 0 {
		r.layer.opts.Observer.Resent(r.what)
		_ = r.flow.Send(r.last)
	}
}

// remains are all of them, bounded.
type remains struct {
	m    map[key]*remain
	fifo []*remain
	head int
}

func newRemains() remains { return remains{m: make(map[key]*remain)} }

func (t *remains) get(k key) *remain { return t.m[k] }

func (t *remains) drop(r *remain) {
	if t.m[r.key] == r {
		delete(t.m, r.key)
	}
}

// linger keeps r for d. The layer's lock is held.
func (l *Layer) linger(r *remain, d time.Duration) {
	t := &l.lingering
	t.m[r.key] = r
	t.fifo = append(t.fifo, r)
	l.clock.set(d, r, 0)
	for len(t.m) > l.opts.MaxLingering && t.head < len(t.fifo) {
		t.drop(t.fifo[t.head])
		t.fifo[t.head] = nil
		t.head++
	}
	t.compact()
}

// compact drops from the front of the queue what is no longer in the table.
func (t *remains) compact() {
	for t.head < len(t.fifo) && (t.fifo[t.head] == nil || t.m[t.fifo[t.head].key] != t.fifo[t.head]) {
		t.fifo[t.head] = nil
		t.head++
	}
	if t.head == len(t.fifo) && cap(t.fifo) > spare { // and so is the map
		*t = newRemains()
	}
	if t.head > 64 && t.head > len(t.fifo)/2 {
		n := copy(t.fifo, t.fifo[t.head:])
		clear(t.fifo[n:])
		t.fifo, t.head = t.fifo[:n], 0
	}
}
