package sim

// event is what happens at a time of the simulation: 16 bytes, so that four
// children of the heap fill a cache line.
type event struct {
	at  int64 // ticks
	key uint64
}

// eventKind orders what happens at one time: who ends makes room before who is
// out of patience leaves, and both come before who arrives.
type eventKind uint8

const (
	serviceEnds eventKind = iota
	wrapUpEnds
	staffChanges
	agentReturns
	answers
	patienceEnds
	triesAgain
	arrives
)

const genMask = 1<<24 - 1

// newEvent packs what an event is about: a handle, and the generation of the
// contact that it was meant for. An event that comes too late is left in the
// heap and dropped when its time comes.
func newEvent(at int64, kind eventKind, gen, id uint32) event {
	return event{at: at, key: uint64(kind)<<56 | uint64(gen&genMask)<<32 | uint64(id)}
}

func (e event) kind() eventKind { return eventKind(e.key >> 56) }
func (e event) gen() uint32     { return uint32(e.key>>32) & genMask }
func (e event) id() uint32      { return uint32(e.key) } //nolint:gosec // the low half

func (e event) before(o event) bool { return e.at < o.at || e.at == o.at && e.key < o.key }

// events is a heap of four children each, in the order (at, key).
type events []event

func (h *events) push(e event) {
	*h = append(*h, e)
	q := *h
	i := len(q) - 1
	for i > 0 {
		p := (i - 1) / 4
		if !e.before(q[p]) {
			break
		}
		q[i] = q[p]
		i = p
	}
	q[i] = e
}

// pop takes the first event out of a heap that is not empty.
func (h *events) pop() event {
	q := *h
	first, last := q[0], q[len(q)-1]
	q = q[:len(q)-1]
	*h = q
	if len(q) > 0 {
		q.sink(last)
	}
	return first
}

// sink places e, starting at the root, which is free.
func (h events) sink(e event) {
	i := 0
	for {
		c := 4*i + 1
		if c >= len(h) {
			break
		}
		least := c
		for k := c + 1; k < min(c+4, len(h)); k++ {
			if h[k].before(h[least]) {
				least = k
			}
		}
		if !h[least].before(e) {
			break
		}
		h[i] = h[least]
		i = least
	}
	h[i] = e
}
