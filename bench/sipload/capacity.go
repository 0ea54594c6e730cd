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
	searchFrom  = 1000.0          // calls per second
	searchStep  = 1.5             // factor while rates are clean
	searchEnd   = 1.07            // where clean and not clean are near enough
	trialLength = 4 * time.Second // of arrivals
	onPace      = .97             // share of the rate that SIPp must have reached
)

// Capacity searches the B2BUA's highest clean rate, each round with a new one.
func (b *Bench) Capacity(ctx context.Context) (Capacity, error) { return b.capacity(ctx, anyCores) }

func (b *Bench) capacity(ctx context.Context, on cores) (c Capacity, err error) {
	for range rounds {
		rate, resent, err := b.searchClean(ctx, on)
		if err != nil {
			return c, err
		}
		b.say("highest clean rate: %.0f calls/s", rate)
		c.Rates, c.Retransmitted = append(c.Rates, rate), max(c.Retransmitted, resent)
	}
	c.Median = median(c.Rates)
	return c, nil
}

// searchClean climbs until a rate is not clean, twice in a row, and closes in then.
func (b *Bench) searchClean(ctx context.Context, on cores) (clean, resent float64, err error) {
	l, _, err := open(ctx, b, b.startB2BUA, on.server, on.callers)
	if err != nil {
		return 0, 0, err
	}
	defer l.close()
	if _, err := b.trial(ctx, l, searchFrom/2, on); err != nil { // pools and maps grow
		return 0, 0, err
	}
	dirty := 0.0
	for rate := searchFrom; dirty == 0 || dirty/clean > searchEnd; {
		t, err := b.trial(ctx, l, rate, on)
		if err == nil && !t.cleanAt(rate) { // the machine may have been elsewhere
			t, err = b.trial(ctx, l, rate, on)
		}
		switch {
		case err != nil:
			return 0, 0, err
		case t.cleanAt(rate):
			clean, resent = rate, float64(t.Retransmitted)/float64(3*t.Calls)
		case rate == searchFrom:
			return 0, 0, fmt.Errorf("%w at %.0f calls/s: %d of %d failed", errNotClean, rate, t.Failed, t.Calls)
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
		to: l.server.addr(), rate: rate, calls: int(rate * trialLength.Seconds()), core: on.callers, limit: failSoon,
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
