package trunk

import (
	"errors"
	"sync"
	"time"
)

// Why a gate does not let a call pass.
var (
	// ErrFull: as many calls run as may.
	ErrFull = errors.New("as many calls as the trunk may have")
	// ErrFast: calls come faster than they may.
	ErrFast = errors.New("calls faster than the trunk may have them")
)

// Gate counts the calls of one trunk in one direction. The limit comes with
// each call, so that another one counts at once. The zero value is open.
type Gate struct {
	mu    sync.Mutex
	calls int
	spent float64 // calls of this second that are used up
	at    time.Time
}

// Enter lets a call pass within the limit (the zero Limit lets all pass), or
// tells why not. Whoever passed has to Leave.
func (g *Gate) Enter(l Limit, now time.Time) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if l.Calls > 0 && g.calls >= l.Calls {
		return ErrFull
	}
	if rate := l.CallsPerSecond; rate > 0 {
		g.spent = max(0, g.spent-now.Sub(g.at).Seconds()*rate)
		g.at = now
		if g.spent+1 > max(rate, 1) {
			return ErrFast
		}
		g.spent++
	}
	g.calls++
	return nil
}

// Leave ends a call that passed.
func (g *Gate) Leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.calls--
}

// Calls is how many run.
func (g *Gate) Calls() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.calls
}
