package sim

import (
	"context"
	"errors"
	"math"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// batches is into how many parts the only replication is cut.
const batches = 20

// Progress is told how many contacts have arrived of about how many. It is
// called from several goroutines.
type Progress func(done, of int64)

// Run plays the scenario and returns what was seen. It ends early with the
// context's error.
func Run(ctx context.Context, sc *Scenario, progress Progress) (*Result, error) {
	begun := time.Now()
	l := sc.limits()
	reps := make([]*replication, sc.Replications)
	errs := make([]error, sc.Replications)
	var next, arrived atomic.Int64
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), sc.Replications) {
		wg.Go(func() {
			for {
				k := int(next.Add(1)) - 1
				if k >= sc.Replications {
					return
				}
				r := newReplication(sc, l, sc.Seed, k)
				seen := int64(0)
				r.counter = func(n int64) {
					sum := arrived.Add(n - seen)
					seen = n
					if progress != nil {
						progress(sum, sc.expected())
					}
				}
				errs[k] = r.play(ctx)
				r.forget()
				reps[k] = r
			}
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	res := &Result{Scenario: sc, Seed: sc.Seed, Replications: sc.Replications, Contacts: arrived.Load(), Batches: 1}
	res.gather(sc, reps)
	res.judge()
	res.Wall = time.Since(begun).Seconds()
	return res, nil
}

// forget drops what is not needed for the result.
func (r *replication) forget() { r.centre, r.visits, r.events, r.fx = nil, nil, nil, nil }

// gather puts the observations of all replications together.
func (r *Result) gather(sc *Scenario, reps []*replication) {
	var each []*tally
	r.series = reps[0].series
	for i, rep := range reps {
		each = append(each, rep.done...)
		if i > 0 {
			r.series.merge(&rep.series)
		}
	}
	if len(reps) == 1 {
		r.Batches = len(each)
	}
	r.measure(sc, each)
}

// expected is about how many contacts will arrive in all replications.
func (sc *Scenario) expected() int64 {
	if sc.Contacts > 0 {
		return sc.Contacts
	}
	n := 0.0
	for i := range sc.classes {
		p := sc.classes[i].comes
		if t, ok := p.(trace); ok {
			n += float64(len(t))
		}
		n += p.perUnit() * sc.horizon()
	}
	return int64(n * float64(sc.Replications))
}

// limits works out where the parts of a replication begin and end.
func (sc *Scenario) limits() limits {
	l := limits{contacts: outOfReach, warm: -1, batch: outOfReach, end: outOfReach, warmTime: outOfReach, points: 60}
	ticks, horizon := sc.ticks(), sc.horizon()
	l.interval = max(int64(horizon*ticks/float64(l.points)), 1)
	if sc.interval > 0 {
		l.interval = max(int64(sc.interval*ticks), 1)
		l.points = min(int(math.Ceil(horizon/sc.interval)), 2000)
	}
	if sc.Duration > 0 {
		l.end = int64(sc.Duration * ticks)
	}
	if sc.Contacts > 0 {
		n := int64(sc.Replications)
		l.contacts = (sc.Contacts + n - 1) / n
	}
	switch {
	case sc.warmup == 0:
	case !sc.share:
		l.warmTime = int64(sc.warmup * ticks)
	case sc.Contacts > 0:
		l.warm = int64(sc.warmup * float64(l.contacts))
	default:
		l.warmTime = int64(sc.warmup * horizon * ticks)
	}
	if sc.Replications == 1 && sc.Contacts > 0 && sc.warmup >= 0 {
		l.batch = (l.contacts - max(l.warm, 0) + batches - 1) / batches
	}
	return l
}
