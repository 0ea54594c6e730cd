package journal

import "sync/atomic"

// ring hands entries from one goroutine to one other, in order, without locks.
type ring struct {
	slots []entry // a power of two
	tail  uint64  // producer: next slot to fill
	room  uint64  // producer: slots that are known to be free end here
	_     [64]byte
	put   atomic.Uint64 // entries that were put in
	_     [64]byte
	taken atomic.Uint64 // entries that were taken out
	_     [64]byte
}

func newRing(size int) *ring {
	return &ring{slots: make([]entry, size), room: uint64(size)} //nolint:gosec // positive
}

// slot returns the next slot to fill, nil when there is none. push hands it over.
func (r *ring) slot() *entry {
	if r.tail == r.room {
		r.room = r.taken.Load() + uint64(len(r.slots))
		if r.tail == r.room {
			return nil
		}
	}
	return &r.slots[r.tail&uint64(len(r.slots)-1)] //nolint:gosec // a power of two
}

func (r *ring) push() {
	r.tail++
	r.put.Store(r.tail)
}

// next returns the oldest entry that is ready, nil when there is none. pop
// gives its slot back.
func (r *ring) next() *entry {
	at := r.taken.Load()
	if at == r.put.Load() {
		return nil
	}
	return &r.slots[at&uint64(len(r.slots)-1)] //nolint:gosec // a power of two
}

func (r *ring) pop() {
	at := r.taken.Load()
	r.slots[at&uint64(len(r.slots)-1)].text = "" //nolint:gosec // a power of two
	r.taken.Store(at + 1)
}
