package core

// timerKind says what a timer ends.
type timerKind uint8

const (
	holdTimer timerKind = iota
	offerTimer
	wrapTimer
	exclusionTimer
)

type timerID int32

const noTimer timerID = -1

type timerRec struct {
	at      int64
	seq     uint64
	pos     int32 // in the heap
	kind    timerKind
	contact Contact
	excl    exclID
}

// timers is a binary heap in the order (time, seq). Records are reused, so
// that starting and stopping allocates nothing once the heap has its size.
type timers struct {
	recs []timerRec
	heap []timerID
	idle []timerID
	tseq uint64
}

func (t *timers) first() (int64, bool) {
	if len(t.heap) == 0 {
		return 0, false
	}
	return t.recs[t.heap[0]].at, true
}

func (t *timers) start(at int64, kind timerKind, c Contact, x exclID) timerID {
	var id timerID
	if n := len(t.idle); n > 0 {
		id, t.idle = t.idle[n-1], t.idle[:n-1]
	} else {
		id = timerID(len(t.recs)) //nolint:gosec // bounded by the contacts and exclusions
		t.recs = append(t.recs, timerRec{})
	}
	t.tseq++
	t.recs[id] = timerRec{at: at, seq: t.tseq, pos: int32(len(t.heap)), kind: kind, contact: c, excl: x} //nolint:gosec // as above
	t.heap = append(t.heap, id)
	t.up(len(t.heap) - 1)
	return id
}

// stop ends *id, if it runs, and sets it to noTimer.
func (t *timers) stop(id *timerID) {
	if *id == noTimer {
		return
	}
	i, last := int(t.recs[*id].pos), len(t.heap)-1
	t.swap(i, last)
	t.heap = t.heap[:last]
	if i < last {
		t.down(i)
		t.up(i)
	}
	t.idle = append(t.idle, *id)
	*id = noTimer
}

// popDue takes the first timer out if it is due. Its owner still holds the
// identifier and must forget it.
func (t *timers) popDue(now int64) (timerKind, Contact, exclID, bool) {
	if len(t.heap) == 0 {
		return 0, 0, 0, false
	}
	id := t.heap[0]
	r := t.recs[id]
	if r.at > now {
		return 0, 0, 0, false
	}
	t.stop(&id)
	return r.kind, r.contact, r.excl, true
}

func (t *timers) less(i, j int) bool {
	a, b := &t.recs[t.heap[i]], &t.recs[t.heap[j]]
	return a.at < b.at || a.at == b.at && a.seq < b.seq
}

func (t *timers) swap(i, j int) {
	h := t.heap
	h[i], h[j] = h[j], h[i]
	t.recs[h[i]].pos, t.recs[h[j]].pos = int32(i), int32(j) //nolint:gosec // positions in the heap
}

func (t *timers) up(i int) {
	for i > 0 {
		p := (i - 1) / 2
		if !t.less(i, p) {
			return
		}
		t.swap(i, p)
		i = p
	}
}

func (t *timers) down(i int) {
	for {
		c := 2*i + 1
		if c >= len(t.heap) {
			return
		}
		if c+1 < len(t.heap) && t.less(c+1, c) {
			c++
		}
		if !t.less(c, i) {
			return
		}
		t.swap(i, c)
		i = c
	}
}
