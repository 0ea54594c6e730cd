package journal

import "sync"

// outbox is what the shadow has for the disk. Neither waits for the other: the
// disk takes all there is, and beyond a limit the shadow drops.
type outbox struct {
	mu    sync.Mutex
	limit int
	group
	want bool          // the disk asks for a snapshot
	wake chan struct{} // the disk's, one place
}

// group is what one write takes.
type group struct {
	records batch
	lost    int       // records dropped after those
	snap    *snapshot // of the State after records and lost; nil: none
	after   batch     // records that follow the snapshot
	closing bool      // nothing will follow
}

// batch are whole records.
type batch struct {
	bytes []byte
	n     int    // how many
	seq   uint64 // records of the journal up to the last of these
}

func newOutbox(limit int) *outbox {
	return &outbox{limit: limit, wake: make(chan struct{}, 1)}
}

// add appends records. Whatever is beyond the limit is lost, and so is all that
// follows until there is a snapshot.
func (o *outbox) add(b batch) {
	o.mu.Lock()
	defer o.mu.Unlock()
	to := &o.records
	if o.snap != nil {
		to = &o.after
	}
	if o.lost > 0 && o.snap == nil || len(to.bytes)+len(b.bytes) > o.limit {
		o.drop(b.n)
		return
	}
	to.bytes = append(to.bytes, b.bytes...)
	to.n += b.n
	to.seq = b.seq
}

// drop gives up n records, and a snapshot that would have to be followed by them.
func (o *outbox) drop(n int) {
	if o.snap != nil {
		o.lost += o.after.n
		o.snap, o.after = nil, batch{bytes: o.after.bytes[:0]}
		o.want = false // asked for again by the disk, once it is back
	}
	o.lost += n
}

// ask lets the shadow make a snapshot.
func (o *outbox) ask() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.want = true
}

// asked reports whether a snapshot is wanted that there is none of.
func (o *outbox) asked() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.want && o.snap == nil
}

// give hands over a snapshot of the State after all that was added.
func (o *outbox) give(s *snapshot) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.snap, o.want = s, false
	o.after.seq = s.Seq
}

// decline says that there will be no snapshot this time.
func (o *outbox) decline() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.want = false
}

// close says that nothing will follow.
func (o *outbox) close() {
	o.mu.Lock()
	o.closing = true
	o.mu.Unlock()
	o.signal()
}

func (o *outbox) signal() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// take returns all there is; the buffers of used are filled anew.
func (o *outbox) take(used group) group {
	o.mu.Lock()
	defer o.mu.Unlock()
	g := o.group
	o.group = group{
		records: batch{bytes: used.records.reuse()}, after: batch{bytes: used.after.reuse()}, closing: g.closing,
	}
	return g
}

// reuse returns the buffer, empty, unless a burst made it large.
func (b *batch) reuse() []byte {
	if cap(b.bytes) > 1<<20 {
		return nil
	}
	return b.bytes[:0]
}
