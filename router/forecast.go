package router

import "time"

// forecast estimates how long a contact will wait from how fast the queue
// moves: the smoothed time between two of its contacts that were served. While
// nobody is served the time since the last one counts, once it is longer, so
// that a queue that stands still is not promised to move.
type forecast struct {
	last time.Time
	gap  time.Duration
}

// smoothing is how many of the last gaps count, about.
const smoothing = 8

// served notes that a contact was served.
func (f *forecast) served(now time.Time) {
	if !f.last.IsZero() {
		gap := now.Sub(f.last)
		if f.gap == 0 {
			f.gap = gap
		}
		f.gap += (gap - f.gap) / smoothing
	}
	f.last = now
}

// idle forgets the past of a queue in which nobody waits: the time until the
// next contact is served says nothing about waiting.
func (f *forecast) idle() { f.last = time.Time{} }

// wait is the estimate for the contact at a position from 1 on; 0 without
// anything to estimate it from.
func (f *forecast) wait(pos int, now time.Time) time.Duration {
	if f.gap == 0 || pos <= 0 {
		return 0
	}
	gap := f.gap
	if !f.last.IsZero() {
		gap = max(gap, now.Sub(f.last))
	}
	return time.Duration(pos) * gap
}
