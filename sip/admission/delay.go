package admission

import "time"

// delay judges the queue by how long messages lie in it, in the manner of CoDel
// (RFC 8289): a long queue is no harm while it is a burst; it is overload when
// nobody got through in time for a whole interval. Then the queue is kept
// short, well below the target, so that even a refusal comes quickly, until it
// has been short by itself for a while.
type delay struct {
	target, interval time.Duration

	over   time.Time // since when every message waited longer than target; zero: it did not
	calm   time.Time // since when none waited longer than hold; zero: one did
	busy   bool
	latest time.Duration // of the last message whose wait is known
	seen   time.Time
}

const (
	// holdAt is the part of the target at which the queue is kept in overload.
	holdAt = 5
	// recovery is how long the queue must be short for the overload to be over.
	recovery = time.Second
	// known is how long the last wait that is known speaks for messages whose
	// wait is not.
	known = 100 * time.Millisecond
)

// observe tells how long a message waited; true: a new request shall be refused.
func (d *delay) observe(now time.Time, wait time.Duration) (refuse bool) {
	d.latest, d.seen = wait, now
	switch {
	case d.target <= 0:
		return false
	case d.busy:
		return d.hold(now, wait)
	case wait <= d.target:
		d.over = time.Time{}
		return false
	case d.over.IsZero():
		d.over = now
	}
	d.busy = now.Sub(d.over) >= d.interval
	d.calm = time.Time{}
	return d.busy
}

// hold keeps the queue short in overload.
func (d *delay) hold(now time.Time, wait time.Duration) (refuse bool) {
	if wait > d.target/holdAt {
		d.calm = time.Time{}
		return true
	}
	if d.calm.IsZero() {
		d.calm = now
	}
	if now.Sub(d.calm) >= recovery {
		d.busy, d.over = false, time.Time{}
	}
	return false
}

// unknown is observe for a message whose wait is not known.
func (d *delay) unknown(now time.Time) (refuse bool) {
	return d.busy && d.latest > d.target/holdAt && now.Sub(d.seen) < known
}
