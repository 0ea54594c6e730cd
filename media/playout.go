package media

import (
	"sync"
	"time"
)

const (
	framePeriod = 20 * time.Millisecond
	wheelSlots  = 20
	slotPeriod  = framePeriod / wheelSlots
	// maxBehind is how much of a pause of the machine is caught up by sending
	// frames in a burst; what is beyond is skipped.
	maxBehind = 5 * framePeriod
)

// paced is anything that does one thing every 20 ms: a prompt, a mix, a digit
// being sent. tick runs on the playout goroutine and must not block; it
// returns false when it wants no more ticks.
type paced interface {
	tick(now time.Time) bool
}

// playout is the one pacing goroutine of an engine: a wheel of 20 slots of
// 1 ms on absolute time, so that nothing drifts and streams that started at
// different times do not send in one burst. It sleeps when nobody plays.
type playout struct {
	m    *metrics
	stop chan struct{}
	wake chan struct{} // capacity 1: something was added
	wg   sync.WaitGroup

	mu      sync.Mutex
	pending []paced
	closed  bool

	// Owned by the goroutine.
	slots [wheelSlots][]paced
	count int
}

func newPlayout(m *metrics) *playout {
	p := &playout{m: m, stop: make(chan struct{}), wake: make(chan struct{}, 1)}
	p.wg.Go(p.run)
	return p
}

// add starts ticks within a millisecond.
func (p *playout) add(s paced) {
	p.mu.Lock()
	p.pending = append(p.pending, s)
	p.mu.Unlock()
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

func (p *playout) close() {
	p.mu.Lock()
	done := p.closed
	p.closed = true
	p.mu.Unlock()
	if !done {
		close(p.stop)
	}
	p.wg.Wait()
}

func (p *playout) run() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	base := time.Now()
	var next int64 // number of the next 1 ms slot since base
	for {
		p.admit(next)
		if p.count == 0 {
			select {
			case <-p.stop:
				return
			case <-p.wake:
				next = slotAt(base, time.Now()) + 1
				continue
			}
		}
		for len(p.slots[next%wheelSlots]) == 0 {
			next++
		}
		due := base.Add(time.Duration(next) * slotPeriod)
		if wait := time.Until(due); wait > 0 {
			timer.Reset(wait)
			select {
			case <-p.stop:
				return
			case <-p.wake:
				next = min(next, slotAt(base, time.Now())+1)
				continue
			case <-timer.C:
			}
		}
		now := time.Now()
		late := now.Sub(due)
		p.m.lateness.Observe(late.Seconds())
		if late > maxBehind { // the machine stood still: go on from now
			next = slotAt(base, now) - int64(wheelSlots) + 1
			p.m.skips.Inc()
		}
		p.tickSlot(int(next%wheelSlots), now)
		next++
	}
}

func slotAt(base, t time.Time) int64 { return int64(t.Sub(base) / slotPeriod) }

// admit puts new streams into the slot that comes next.
func (p *playout) admit(slot int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, s := range p.pending {
		p.slots[slot%wheelSlots] = append(p.slots[slot%wheelSlots], s)
		p.count++
		p.pending[i] = nil
	}
	p.pending = p.pending[:0]
}

func (p *playout) tickSlot(i int, now time.Time) {
	slot := p.slots[i]
	keep := slot[:0]
	for _, s := range slot {
		if s.tick(now) {
			keep = append(keep, s)
		}
	}
	p.count -= len(slot) - len(keep)
	clear(slot[len(keep):])
	p.slots[i] = keep
}
