package sip

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"filo/sip/transaction"
)

// legTable knows every live leg by its local tag.
type legTable struct {
	mu   sync.RWMutex
	m    map[string]*Leg
	live int           // those that have not ended
	idle chan struct{} // closed when the last of them ends; nil: nobody waits

	buried map[string]bool // ended by our BYE within the last 32 s
	graves []grave         // the same, by time
}

type grave struct {
	tag string
	at  time.Time
}

func (t *legTable) get(tag string) *Leg {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.m[tag]
}

// count is the number of calls: legs that have not ended.
func (t *legTable) count() int {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.live
}

func (t *legTable) all() []*Leg {
	t.mu.RLock()
	defer t.mu.RUnlock()
	out := make([]*Leg, 0, len(t.m))
	for _, l := range t.m {
		out = append(out, l)
	}
	return out
}

// add enters a leg; false when its tag is taken.
func (t *legTable) add(l *Leg) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.m[l.id] != nil {
		return false
	}
	t.m[l.id] = l
	t.live++
	l.u.met.dialogs.Inc()
	return true
}

// ended counts a leg no longer as a call.
func (t *legTable) ended(l *Leg) {
	l.u.met.dialogs.Dec()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.live--
	if t.live == 0 && t.idle != nil {
		close(t.idle)
		t.idle = nil
	}
}

// remove takes out a leg that owes its peer nothing. If we have said BYE, a BYE
// of the far side may still be on its way.
func (t *legTable) remove(l *Leg, said bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.m, l.id)
	if len(t.m) == 0 { // a map that is empty has the room of its fullest day
		t.m = make(map[string]*Leg)
	}
	if said {
		t.bury(l.id, time.Now())
	}
}

func (t *legTable) awaitEmpty(ctx context.Context) error {
	t.mu.Lock()
	if t.live == 0 {
		t.mu.Unlock()
		return nil
	}
	if t.idle == nil {
		t.idle = make(chan struct{})
	}
	idle := t.idle
	t.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("calls left: %w", context.Cause(ctx))
	}
}

// farewells counts the requests that nobody waits for (BYE, CANCEL), so that
// the stop can let them be answered.
type farewells struct {
	mu   sync.Mutex
	n    int
	idle chan struct{}
}

func (f *farewells) begin() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.n++
}

func (f *farewells) end() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.n--
	if f.n == 0 && f.idle != nil {
		close(f.idle)
		f.idle = nil
	}
}

func (f *farewells) await(ctx context.Context) {
	f.mu.Lock()
	if f.n == 0 {
		f.mu.Unlock()
		return
	}
	if f.idle == nil {
		f.idle = make(chan struct{})
	}
	idle := f.idle
	f.mu.Unlock()
	select {
	case <-idle:
	case <-ctx.Done():
	}
}

// bury remembers a dialog that we ended by BYE: a BYE of the far side that
// crosses ours is fine, not unknown. The lock is held.
func (t *legTable) bury(tag string, now time.Time) {
	t.buried[tag] = true
	t.graves = append(t.graves, grave{tag, now})
	if len(t.graves) == 1 {
		time.AfterFunc(transaction.TimeoutAfter, t.dig)
	}
}

// digEvery is how often the old graves are looked for while there are any.
const digEvery = 5 * time.Second

// dig forgets the old graves, and all that they have taken up with the last.
func (t *legTable) dig() {
	t.mu.Lock()
	defer t.mu.Unlock()
	now, old := time.Now(), 0
	for old < len(t.graves) && now.Sub(t.graves[old].at) >= transaction.TimeoutAfter {
		delete(t.buried, t.graves[old].tag)
		old++
	}
	if old == len(t.graves) {
		t.graves, t.buried = nil, make(map[string]bool)
		return
	}
	t.graves = slices.Delete(t.graves, 0, old)
	time.AfterFunc(digEvery, t.dig)
}

func (t *legTable) wasOurs(tag string) bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.buried[tag]
}
