package core

import "math"

// timerKind says what a timer ends.
type timerKind uint8

const (
	holdTimer timerKind = iota
	offerTimer
	wrapTimer
	exclusionTimer
)

type (
	timerID int32
	listID  uint16
)

const (
	noTimer timerID = -1
	never           = int64(math.MaxInt64)
)

// timerRec is one timer. Those of one duration end in the order in which they
// were started: they are a list, and only its head is in the heap. So starting
// and stopping costs the same however many run.
type timerRec struct {
	at      int64
	seq     uint64
	what    uint64 // number of the offer, exclID, or when the wrap-up began
	contact Contact
	next    timerID
	prev    timerID
	pos     int32 // in the heap; -1: not its list's head
	list    listID
	kind    timerKind
}

type timerList struct{ first, last timerID }

// timers is the heap of the lists' heads in the order (time, seq).
type timers struct {
	timerRecs []timerRec
	idle      []timerID // free records
	heap      []timerID
	lists     []timerList
	listIndex map[int64]listID // by duration; looked up only
	tseq      uint64
	exclList  listID

	next int64 // not after the next deadline; see soonest
}

// maxLists bounds the durations that have lists; a timer of another duration
// is a list of its own in list 0, which is nobody's.
const maxLists = 1 << 12

func (t *timers) init() {
	t.listIndex = map[int64]listID{}
	t.lists = []timerList{{first: noTimer, last: noTimer}}
	t.next = never
}

// listOf returns the list of a duration that is used again and again.
func (t *timers) listOf(dur int64) listID {
	if id, ok := t.listIndex[dur]; ok {
		return id
	}
	if len(t.lists) >= maxLists {
		return 0
	}
	id := listID(len(t.lists)) //nolint:gosec // bounded above
	t.lists = append(t.lists, timerList{first: noTimer, last: noTimer})
	t.listIndex[dur] = id
	return id
}

// start begins a timer that ends at at. Of a list other than 0 at must not be
// before that of any of its timers.
func (t *timers) start(list listID, at int64, kind timerKind, c Contact, what uint64) timerID {
	var id timerID
	if n := len(t.idle); n > 0 {
		id, t.idle = t.idle[n-1], t.idle[:n-1]
	} else {
		id = timerID(len(t.timerRecs)) //nolint:gosec // bounded by the contacts and exclusions
		t.timerRecs = append(t.timerRecs, timerRec{})
	}
	t.tseq++
	r := &t.timerRecs[id]
	r.at, r.seq, r.what, r.contact = at, t.tseq, what, c
	r.next, r.prev, r.pos, r.list, r.kind = noTimer, noTimer, -1, list, kind
	t.next = min(t.next, at)
	if list != 0 {
		l := &t.lists[list]
		r.prev = l.last
		l.last = id
		if r.prev != noTimer {
			t.timerRecs[r.prev].next = id
			return id
		}
		l.first = id
	}
	t.push(id)
	return id
}

// stop ends *id, if it runs, and sets it to noTimer.
func (t *timers) stop(id *timerID) {
	if *id == noTimer {
		return
	}
	r := &t.timerRecs[*id]
	if r.list != 0 {
		t.unlist(r)
	}
	switch {
	case r.pos < 0:
	case r.next != noTimer: // the next one takes its place
		t.heap[r.pos] = r.next
		t.timerRecs[r.next].pos = r.pos
		t.down(int(r.pos))
	default:
		t.pull(int(r.pos))
	}
	t.idle = append(t.idle, *id)
	*id = noTimer
}

func (t *timers) unlist(r *timerRec) {
	l := &t.lists[r.list]
	if r.prev != noTimer {
		t.timerRecs[r.prev].next = r.next
	} else {
		l.first = r.next
	}
	if r.next != noTimer {
		t.timerRecs[r.next].prev = r.prev
	} else {
		l.last = r.prev
	}
}

func (t *timers) firstTimer() (at int64, id timerID) {
	if len(t.heap) == 0 {
		return never, noTimer
	}
	return t.timerRecs[t.heap[0]].at, t.heap[0]
}

func (t *timers) less(i, j int) bool {
	a, b := &t.timerRecs[t.heap[i]], &t.timerRecs[t.heap[j]]
	return a.at < b.at || a.at == b.at && a.seq < b.seq
}

func (t *timers) push(id timerID) {
	t.timerRecs[id].pos = int32(len(t.heap)) //nolint:gosec // bounded like the records
	t.heap = append(t.heap, id)
	t.up(len(t.heap) - 1)
}

func (t *timers) pull(i int) {
	last := len(t.heap) - 1
	t.swap(i, last)
	t.timerRecs[t.heap[last]].pos = -1
	t.heap = t.heap[:last]
	if i < last {
		t.down(i)
		t.up(i)
	}
}

func (t *timers) swap(i, j int) {
	h := t.heap
	h[i], h[j] = h[j], h[i]
	t.timerRecs[h[i]].pos, t.timerRecs[h[j]].pos = int32(i), int32(j) //nolint:gosec // positions in the heap
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

// soonest finds the next deadline anew.
func (s *State) soonest() {
	s.next, _ = s.firstTimer()
	if _, at := s.firstBand(); at < s.next {
		s.next = at
	}
}
