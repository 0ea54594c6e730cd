package journal

import "time"

// flushInterval is how long a record that nobody waits for stays in memory:
// what a kill -9 may cost.
const flushInterval = 5 * time.Millisecond

// linger is how many intervals without a record pass before the shadow sleeps.
// To wake it costs the loop a system call.
const linger = 200

// shadow is what the goroutine owns that follows the loop.
type shadow struct {
	*Journal
	rep    *replica
	buf    []byte
	saved  uint64    // seq of the last snapshot, or of the start
	target uint64    // seq that somebody waits for,
	since  time.Time // from then on
	broken bool      // it did something else than the loop
}

func (s *shadow) run() {
	defer s.out.close()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for idle := 0; ; idle++ {
		if s.drain() {
			idle = 0
		}
		if s.waited() {
			s.out.signal()
			idle = 0
		}
		if idle < linger {
			timer.Reset(flushInterval)
		} else if !s.park() {
			continue
		}
		select {
		case <-s.wake:
		case <-timer.C:
		case <-s.stop:
			s.drain()
			s.last()
			return
		}
		s.parked.Store(false)
	}
}

// park says that the loop must wake the shadow for its next record; false if
// there is one already.
func (s *shadow) park() bool {
	s.parked.Store(true)
	if s.ring.next() == nil {
		return true
	}
	s.parked.Store(false)
	return false
}

// maxBatch is how many records the shadow hands over at most at a time.
const maxBatch = 1024

// drain follows the loop up to where it is. It reports whether there was anything.
func (s *shadow) drain() bool {
	busy := false
	for {
		b := s.batch()
		if b.n > 0 {
			busy = true
			s.out.add(b)
			s.out.signal()
		}
		if s.out.asked() {
			s.snapshot()
		}
		if b.n == 0 {
			return busy
		}
	}
}

func (s *shadow) batch() batch {
	b := batch{bytes: s.buf[:0]}
	for b.n < maxBatch {
		e := s.ring.next()
		if e == nil {
			break
		}
		if !s.broken {
			b.bytes = s.follow(&b, e)
		}
		s.ring.pop()
	}
	b.seq = s.rep.seq
	s.buf = b.bytes
	return b
}

// follow does what the loop did. A shadow that cannot is of no use any more.
func (s *shadow) follow(b *batch, e *entry) []byte {
	bytes, err := s.rep.append(b.bytes, e)
	if err != nil {
		s.broken = true
		s.m.errors.Inc()
		s.health.breakFor(err)
		return bytes
	}
	b.n++
	return bytes
}

// waited reports whether somebody waits for the disk, and lets them pass when
// it takes too long.
func (s *shadow) waited() bool {
	wanted, durable := s.wanted.Load(), s.health.durable.Load()
	if wanted <= durable || s.health.degraded.Load() {
		s.target = 0
		return false
	}
	if s.target <= durable {
		s.target, s.since = wanted, time.Now()
	}
	if time.Since(s.since) > s.cfg.CommitTimeout {
		s.m.errors.Inc()
		s.health.fail(ErrSlow)
	}
	return true
}

// snapshot hands over the State as it is, if it can be saved.
func (s *shadow) snapshot() {
	if s.broken {
		return
	}
	snap, err := s.rep.snapshot()
	if err != nil {
		s.m.errors.Inc()
		s.log.Warn("routing journal: no snapshot", "error", err)
		s.out.decline()
		return
	}
	s.saved = snap.Seq
	s.out.give(snap)
	s.out.signal()
}

// last leaves a snapshot behind, so that the next start has nothing to replay
// and may be of another version of the program.
func (s *shadow) last() {
	if s.rep.seq != s.saved || s.health.degraded.Load() {
		s.snapshot()
	}
}
