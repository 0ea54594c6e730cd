package sipload

import (
	"context"
	"slices"
	"time"
)

// Overload is what a server did that was offered more than it can, the server
// on one core and everybody else on another.
type Overload struct {
	Of       string     `json:"of"`
	Capacity float64    `json:"capacity"` // calls per second, measured on the same cores
	Steps    []Overfull `json:"steps"`
}

// Overfull is one load beyond the capacity.
type Overfull struct {
	Factor     float64       `json:"factor"`  // of the capacity
	Offered    float64       `json:"offered"` // calls per second that SIPp really made
	Goodput    float64       `json:"goodput"` // share of the capacity that was served
	RefusedP99 float64       `json:"refused_p99_ms"`
	Failed     int           `json:"failed"`    // neither served nor refused
	Normal     time.Duration `json:"normal_ns"` // from the end of the load to the last call that was not served, at half the capacity
}

const (
	overfullLength = 15 * time.Second
	overfullSettle = 3 * time.Second // what does not count of it
	afterLength    = 10 * time.Second
	afterLoad      = .5
)

// overload measures the capacity, then offers it so many times.
func (b *Bench) overload(ctx context.Context, of subject, factors ...float64) (o Overload, err error) {
	on := cores{server: 0, callers: 1}
	c, err := b.capacity(ctx, of, on)
	if err != nil {
		return o, err
	}
	// Whatever else the machine does makes the rates lower, never higher.
	o.Of, o.Capacity = of.name, slices.Max(c.Rates)
	for _, factor := range factors {
		step, err := b.overfull(ctx, of, o.Capacity, factor, on)
		if err != nil {
			return o, err
		}
		o.Steps = append(o.Steps, step)
	}
	return o, nil
}

func (b *Bench) overfull(ctx context.Context, of subject, capacity, factor float64, on cores) (s Overfull, err error) {
	l, err := of.open(ctx, on)
	if err != nil {
		return s, err
	}
	defer l.close()
	if _, err := b.trial(ctx, l, capacity/2, on); err != nil {
		return s, err
	}
	rate := capacity * factor
	t, err := b.call(ctx, load{
		to: l.addr, rate: rate, calls: int(rate * overfullLength.Seconds()), core: on.callers, limit: time.Second,
	})
	if err != nil {
		return s, err
	}
	s = t.overfull(capacity)
	s.Factor = factor
	after, err := b.call(ctx, load{
		to: l.addr, rate: capacity * afterLoad, calls: int(capacity * afterLoad * afterLength.Seconds()), core: on.callers,
	})
	if err != nil {
		return s, err
	}
	s.Normal = after.lastTrouble()
	b.say("%s %.0fx: %.0f calls/s offered, %.0f %% of %.0f served, 503 p99 %.0f ms, %d failed, normal after %v",
		of.name, factor, s.Offered, 100*s.Goodput, capacity, s.RefusedP99, s.Failed, s.Normal)
	return s, nil
}

// overfull counts between the settling and the end of the arrivals.
func (t Traffic) overfull(capacity float64) Overfull {
	from, to := t.between(overfullSettle, overfullLength-time.Second)
	seconds := to.At.Sub(from.At).Seconds()
	return Overfull{
		Offered:    float64(to.Calls-from.Calls) / seconds,
		Goodput:    float64(to.Good-from.Good) / seconds / capacity,
		RefusedP99: t.refusedP99(),
		Failed:     to.Failed,
	}
}

// between returns the counts nearest after the two moments of a run.
func (t Traffic) between(from, to time.Duration) (a, b Second) {
	first := t.Seconds[0].At
	a, b = t.Seconds[0], t.Seconds[len(t.Seconds)-1]
	for _, s := range t.Seconds {
		if s.At.Sub(first) <= from {
			a = s
		}
		if s.At.Sub(first) <= to {
			b = s
		}
	}
	return a, b
}

// lastTrouble is when the last second ended in which a call failed, was
// refused or sent a message again; 0 without any.
func (t Traffic) lastTrouble() (at time.Duration) {
	begun := t.Seconds[0].At
	troubles := func(s Second) int { return s.Failed + s.Refused + s.Retransmitted }
	for i := 1; i < len(t.Seconds); i++ {
		if troubles(t.Seconds[i]) > troubles(t.Seconds[i-1]) {
			at = t.Seconds[i].At.Sub(begun)
		}
	}
	return at
}
