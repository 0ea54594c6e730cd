package sipload

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Cost is what a call costs at one rate, all servers measured in turn in the
// same minutes.
type Cost struct {
	Rate    float64   `json:"rate"` // calls per second
	B2BUA   []float64 `json:"b2bua_us"`
	UAS     []float64 `json:"uas_us"`
	Relay   []float64 `json:"relay_us"`      // with the eight workers that its configuration ships with
	Lean    []float64 `json:"lean_relay_us"` // with two, which are woken less
	Mallocs []float64 `json:"mallocs"`       // of the B2BUA, a call

	// Medians of the rounds, and of the rounds' ratios.
	PerCall, PerUAS, PerRelay, PerLean, RatioUAS, RatioRelay, RatioLean, MallocsPerCall float64
}

var errNotClean = errors.New("calls fail")

// costGood is the share of calls that must be good where CPU is measured: a
// proxy with several workers puts messages out of order now and then.
const costGood = .98

// costLength is how long a server is measured, after a second to warm up.
const costLength = 8 * time.Second

// Cost measures CPU time a call of the B2BUA, of a stock SIPp UAS and of a
// stateful Kamailio relay.
func (b *Bench) Cost(ctx context.Context, rate float64) (Cost, error) {
	c := Cost{Rate: rate}
	for range rounds {
		if err := errors.Join(b.costUAS(ctx, &c), b.costRelay(ctx, "8", rate, &c.Relay), b.costB2BUA(ctx, &c), b.costRelay(ctx, "2", rate, &c.Lean)); err != nil {
			return c, err
		}
	}
	c.PerCall, c.PerUAS, c.PerRelay, c.PerLean = median(c.B2BUA), median(c.UAS), median(c.Relay), median(c.Lean)
	c.RatioUAS, c.RatioRelay, c.RatioLean = median(ratios(c.B2BUA, c.UAS)), median(ratios(c.B2BUA, c.Relay)), median(ratios(c.B2BUA, c.Lean))
	c.MallocsPerCall = median(c.Mallocs)
	return c, nil
}

func ratios(a, b []float64) []float64 {
	r := make([]float64, len(a))
	for i := range a {
		r[i] = a[i] / b[i]
	}
	return r
}

func (b *Bench) costUAS(ctx context.Context, c *Cost) error {
	at, err := freeAddr()
	if err != nil {
		return err
	}
	p, err := b.answer(ctx, at, anyCore)
	if err != nil {
		return err
	}
	defer p.stop()
	us, err := b.cost(ctx, p, at, c.Rate)
	c.UAS = append(c.UAS, us)
	b.say("SIPp UAS: %.0f µs a call", us)
	return err
}

func (b *Bench) costRelay(ctx context.Context, workers string, rate float64, into *[]float64) error {
	l, s, err := open(ctx, b, b.relay(workers), anyCores)
	if err != nil {
		return err
	}
	defer l.close()
	us, err := b.cost(ctx, s.p, s.at, rate)
	*into = append(*into, us)
	b.say("Kamailio relay, %s workers: %.0f µs a call", workers, us)
	return err
}

func (b *Bench) costB2BUA(ctx context.Context, c *Cost) error {
	l, s, err := open(ctx, b, b.startB2BUA, anyCores)
	if err != nil {
		return err
	}
	defer l.close()
	if _, err := b.call(ctx, load{to: s.at, rate: c.Rate, calls: int(c.Rate), core: anyCore}); err != nil {
		return err
	}
	before, err := s.usage(wordUsage)
	if err != nil {
		return err
	}
	us, err := b.cost(ctx, s.p, s.at, c.Rate)
	if err != nil {
		return err
	}
	after, err := s.usage(wordUsage)
	c.B2BUA = append(c.B2BUA, us)
	c.Mallocs = append(c.Mallocs, float64(after.Mallocs-before.Mallocs)/float64(after.Calls-before.Calls))
	b.say("B2BUA: %.0f µs and %.0f allocations a call", us, c.Mallocs[len(c.Mallocs)-1])
	return err
}

// cost is the CPU time of p in µs for each of the calls made to at.
func (b *Bench) cost(ctx context.Context, p *process, at string, rate float64) (float64, error) {
	l := load{to: at, rate: rate, calls: int(rate), core: anyCore}
	if _, err := b.call(ctx, l); err != nil { // warm
		return 0, err
	}
	before, err := p.cpu()
	if err != nil {
		return 0, err
	}
	l.calls = int(rate * costLength.Seconds())
	t, err := b.call(ctx, l)
	if err != nil {
		return 0, err
	}
	if float64(t.Good) < costGood*float64(t.Calls) {
		return 0, fmt.Errorf("%s: %w: %d of %d at %.0f calls/s", p.name, errNotClean, t.Calls-t.Good, t.Calls, rate)
	}
	after, err := p.cpu()
	return float64((after - before).Microseconds()) / float64(t.Calls), err
}
