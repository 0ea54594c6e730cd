package transaction

import (
	"context"
	"sync"
	"time"
)

// clock runs the timers of all transactions in one goroutine. SIP's intervals
// are few (T1 and its doubles up to 64*T1, T4, 200 ms), so each has a lane: a
// queue that is in order of time by itself. Setting a timer is an append; a
// timer is never removed, it fires and finds that it does not count any more.
type clock struct {
	mu    sync.Mutex
	lanes []*lane
	next  time.Time // when the goroutine wakes; zero: when something is set
	wake  chan struct{}
	due   []setting // reused by run
}

// tick is how long firing may lag, so that a busy layer wakes seldom.
const tick = 10 * time.Millisecond

// spare is how much room is kept where nothing is left: what a burst needed
// goes back to the heap.
const spare = 1 << 10

// timed is what a timer is set for. fire is called with the mark that was set;
// no lock of the clock is held.
type timed interface {
	fire(now time.Time, mark uint32)
}

// setting is one timer.
type setting struct {
	at   time.Time
	what timed
	mark uint32
}

// lane holds the timers of one duration, the earliest first.
type lane struct {
	every time.Duration
	queue []setting
	head  int
}

func newClock() *clock { return &clock{wake: make(chan struct{}, 1)} }

// set fires what in d.
func (c *clock) set(d time.Duration, what timed, mark uint32) {
	at := time.Now().Add(d)
	c.mu.Lock()
	c.lane(d).push(setting{at, what, mark})
	early := c.next.IsZero() || at.Before(c.next)
	if early {
		c.next = at
	}
	c.mu.Unlock()
	if early {
		select {
		case c.wake <- struct{}{}:
		default:
		}
	}
}

// lane finds or makes the lane of d; there are about a dozen.
func (c *clock) lane(d time.Duration) *lane {
	for _, l := range c.lanes {
		if l.every == d {
			return l
		}
	}
	l := &lane{every: d}
	c.lanes = append(c.lanes, l)
	return l
}

// run fires timers until ctx ends.
func (c *clock) run(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		now := time.Now()
		for _, s := range c.collect(now) {
			s.what.fire(now, s.mark)
		}
		clear(c.due)
		if cap(c.due) > spare {
			c.due = nil
		}
		timer.Reset(c.sleep())
		select {
		case <-ctx.Done():
			return
		case <-c.wake:
		case <-timer.C:
		}
	}
}

// collect takes what is due.
func (c *clock) collect(now time.Time) []setting {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.due = c.due[:0]
	c.next = time.Time{}
	for _, l := range c.lanes {
		c.due = l.pop(now, c.due)
		if at, ok := l.first(); ok && (c.next.IsZero() || at.Before(c.next)) {
			c.next = at
		}
	}
	return c.due
}

// sleep is how long nothing is due; an hour when nothing is set.
func (c *clock) sleep() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.next.IsZero() {
		return time.Hour
	}
	return max(time.Until(c.next), tick)
}

func (l *lane) push(s setting) {
	if l.head > 64 && l.head > len(l.queue)/2 { // make room at the front
		n := copy(l.queue, l.queue[l.head:])
		clear(l.queue[n:])
		l.queue, l.head = l.queue[:n], 0
	}
	l.queue = append(l.queue, s)
}

func (l *lane) pop(now time.Time, into []setting) []setting {
	for l.head < len(l.queue) && !l.queue[l.head].at.After(now) {
		into = append(into, l.queue[l.head])
		l.queue[l.head] = setting{}
		l.head++
	}
	if l.head == len(l.queue) {
		l.queue, l.head = l.queue[:0], 0
		if cap(l.queue) > spare {
			l.queue = nil
		}
	}
	return into
}

func (l *lane) first() (time.Time, bool) {
	if l.head == len(l.queue) {
		return time.Time{}, false
	}
	return l.queue[l.head].at, true
}
