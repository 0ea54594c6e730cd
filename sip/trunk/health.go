package trunk

import "sync"

// Health is whether a peer serves, by what it answers to OPTIONS. The zero
// value is up. It is safe for use by many.
type Health struct {
	mu     sync.Mutex
	down   bool
	misses int
}

// missesDown is how many questions in a row have to go unanswered: on UDP a
// single one may be lost with all its repetitions.
const missesDown = 2

// Codes that say a peer does not serve; anything else is a sign of life.
const (
	codeTimeout     = 408 // also for no answer at all
	codeUnavailable = 503
)

// Answered notes an answer, 408 for none, and tells whether the peer went up
// or down by it.
func (h *Health) Answered(code int) (changed bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	was := h.down
	switch code {
	case codeUnavailable:
		h.down = true
	case codeTimeout:
		h.misses++
		h.down = h.down || h.misses >= missesDown
	default:
		h.down, h.misses = false, 0
	}
	return h.down != was
}

// Up tells whether the peer serves, as far as we know.
func (h *Health) Up() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return !h.down
}
