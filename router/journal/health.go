package journal

import (
	"sync"
	"sync/atomic"
)

// health says how far acknowledgements need to wait.
type health struct {
	durable  atomic.Uint64
	degraded atomic.Bool
	changed  chan struct{} // one place
	mu       sync.Mutex    // of transitions
	broken   bool          // for good
	tell     func(error)
}

// progress notes that all up to seq is durable.
func (h *health) progress(seq uint64) {
	if seq > h.durable.Load() {
		h.durable.Store(seq)
		h.signal()
	}
}

// fail makes the journal degraded.
func (h *health) fail(err error) { h.set(true, err) }

// recovered ends that.
func (h *health) recovered() { h.set(false, nil) }

// breakFor makes the journal degraded for good.
func (h *health) breakFor(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.broken = true
	h.degraded.Store(true)
	h.tell(err)
	h.signal()
}

func (h *health) set(degraded bool, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.broken || h.degraded.Load() == degraded {
		return
	}
	h.degraded.Store(degraded)
	h.tell(err)
	h.signal()
}

func (h *health) signal() {
	select {
	case h.changed <- struct{}{}:
	default:
	}
}
