package sipload

import (
	"context"
	"fmt"
	"time"
)

// Capacity is the highest rate at which no call fails.
type Capacity struct {
	Rates  []float64 `json:"rates"` // calls per second, of each round
	Median float64   `json:"median"`
	// Retransmitted is the share of callers' messages sent again at the highest
	// clean rate, worst of the rounds: it is told, not bounded.
	Retransmitted float64 `json:"retransmitted_share"`
}

// cores say who may use which; the zero value would pin all to core 0.
type cores struct{ server, callers int }

var anyCores = cores{anyCore, anyCore}

// Search bounds.
const (
	searchStep  = 1.5             // factor while rates are clean
	searchEnd   = 1.07            // where clean and not clean are near enough
	trialLength = 4 * time.Second // of arrivals
	onPace      = .97             // share of the rate that SIPp must have reached
)

// subject is what a rate is searched for.
type subject struct {
	name string
	open func(ctx context.Context, on cores) (line, error)
	from float64 // calls per second that it can do for sure
}

// The B2BUA is signalling alone; a node answers with its menu, which costs a
// contact, its record and RTP.
func (b *Bench) b2bua() subject { return subject{"B2BUA", b.openB2BUA, 1000} }
func (b *Bench) menu() subject  { return subject{"node", b.openNode, 100} }

// Capacity searches the B2BUA's highest clean rate, each round with a new one.
func (b *Bench) Capacity(ctx context.Context) (Capacity, error) {
	return b.capacity(ctx, b.b2bua(), anyCores)
}

func (b *Bench) capacity(ctx context.Context, of subject, on cores) (c Capacity, err error) {
	for range rounds {
		rate, resent, err := b.searchClean(ctx, of, on)
		if err != nil {
			return c, err
		}
		b.say("%s: highest clean rate: %.0f calls/s", of.name, rate)
		c.Rates, c.Retransmitted = append(c.Rates, rate), max(c.Retransmitted, resent)
	}
	c.Median = median(c.Rates)
	return c, nil
}

// searchClean climbs until a rate is not clean, twice in a row, and closes in then.
func (b *Bench) searchClean(ctx context.Context, of subject, on cores) (clean, resent float64, err error) {
	l, err := of.open(ctx, on)
	if err != nil {
		return 0, 0, err
	}
	defer l.close()
	if _, err := b.trial(ctx, l, of.from/2, on); err != nil { // pools and maps grow
		return 0, 0, err
	}
	dirty := 0.0
	for rate := of.from; dirty == 0 || dirty/clean > searchEnd; {
		t, err := b.trial(ctx, l, rate, on)
		if err == nil && !t.cleanAt(rate) { // the machine may have been elsewhere
			t, err = b.trial(ctx, l, rate, on)
		}
		switch {
		case err != nil:
			return 0, 0, err
		case t.cleanAt(rate):
			clean, resent = rate, float64(t.Retransmitted)/float64(3*t.Calls)
		case clean == 0:
			return 0, 0, fmt.Errorf("%w at %.0f calls/s: %d of %d good, %.0f a second", errNotClean, rate, t.Good, t.Calls, t.rate())
		default:
			dirty = rate
		}
		rate = clean * searchStep
		if dirty > 0 {
			rate = (clean + dirty) / 2
		}
	}
	return clean, resent, nil
}

// trial offers a rate for a while.
func (b *Bench) trial(ctx context.Context, l line, rate float64, on cores) (Traffic, error) {
	t, err := b.call(ctx, load{
		to: l.addr, rate: rate, calls: int(rate * trialLength.Seconds()), core: on.callers, limit: failSoon,
	})
	if err == nil {
		b.say("  %5.0f calls/s: %5.0f made, %d failed, %d refused, %d messages sent again", rate, t.rate(), t.Failed, t.Refused, t.Retransmitted)
	}
	return t, err
}

// failSoon bounds what a trial that is not clean takes beyond its arrivals.
const failSoon = 3 * time.Second

func (t Traffic) cleanAt(rate float64) bool {
	return t.Good == t.Calls && float64(t.Calls) >= onPace*rate*trialLength.Seconds() && t.rate() >= onPace*rate
}
