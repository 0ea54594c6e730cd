package sipload

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// Experiments are the names that Run knows, in their order.
var Experiments = []string{"capacity", "cost", "leak", "overload"}

// What must be kept; see the figures in README.md.
const (
	minCapacity   = 1500 // clean calls per second
	maxMallocs    = 1000 // a call
	maxRatioUAS   = 13
	maxRatioRelay = 1
	leakCalls     = 50_000
	maxRefusedP99 = 50 // milliseconds
	maxNormal     = 5  // seconds
)

// ErrUnknown is an experiment that there is not.
var ErrUnknown = errors.New("no such experiment")

// Config says what Run does.
type Config struct {
	Only []string // names of Experiments; none: all
	Rate float64  // calls per second where a rate is not searched
}

// Run runs experiments one after the other and holds what they find against
// the goals.
func (b *Bench) Run(ctx context.Context, cfg Config, r *Report) error {
	for _, name := range cfg.Only {
		if !slices.Contains(Experiments, name) {
			return fmt.Errorf("%w: %q; there are %q", ErrUnknown, name, Experiments)
		}
	}
	for _, name := range Experiments {
		if len(cfg.Only) > 0 && !slices.Contains(cfg.Only, name) {
			continue
		}
		b.say("== %s", name)
		if err := b.run(ctx, name, cfg, r); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func (b *Bench) run(ctx context.Context, name string, cfg Config, r *Report) error {
	switch name {
	case "capacity":
		return b.runCapacity(ctx, r)
	case "cost":
		return b.runCost(ctx, cfg, r)
	case "leak":
		return b.runLeak(ctx, cfg, r)
	case "overload":
		return b.runOverload(ctx, r)
	}
	return ErrUnknown
}

func (b *Bench) runCapacity(ctx context.Context, r *Report) error {
	c, err := b.Capacity(ctx)
	if err != nil {
		return err
	}
	r.add("capacity", c,
		atLeast("B2BUA, highest rate without a failed call", c.Median, "calls/s", minCapacity),
		told("messages sent again there", 100*c.Retransmitted, "%"))
	return nil
}

func (b *Bench) runCost(ctx context.Context, cfg Config, r *Report) error {
	c, err := b.Cost(ctx, cfg.Rate)
	if err != nil {
		return err
	}
	r.add("cost", c,
		told("CPU of a call, B2BUA", c.PerCall, "µs"),
		told("CPU of a call, SIPp UAS", c.PerUAS, "µs"),
		told("CPU of a call, Kamailio relay", c.PerRelay, "µs"),
		atMost("B2BUA / SIPp UAS", c.RatioUAS, "", maxRatioUAS),
		atMost("B2BUA / Kamailio relay", c.RatioRelay, "", maxRatioRelay),
		atMost("allocations of a call", c.MallocsPerCall, "", maxMallocs))
	return nil
}

func (b *Bench) runLeak(ctx context.Context, cfg Config, r *Report) error {
	k, err := b.Leak(ctx, leakCalls, cfg.Rate)
	if err != nil {
		return err
	}
	for _, what := range k.Left {
		b.say("left behind: %s", what)
	}
	name := fmt.Sprintf("%d calls", k.Calls)
	r.add("leak", k,
		atMost(name+": failed", float64(k.Failed), "", 0),
		told(name+": heap before", float64(k.Before.Heap>>10), "KB"),
		told(name+": heap after the timers", float64(k.After.Heap>>10), "KB"),
		told(name+": goroutines before", float64(k.Before.Goroutines), ""),
		told(name+": goroutines after", float64(k.After.Goroutines), ""),
		atMost(name+": kinds of things left behind", float64(len(k.Left)), "", 0))
	return nil
}

func (b *Bench) runOverload(ctx context.Context, r *Report) error {
	least := map[float64]float64{2: .93, 5: .75}
	o, err := b.Overload(ctx, 2, 5)
	if err != nil {
		return err
	}
	figures := []Figure{told("capacity, one core each", o.Capacity, "calls/s")}
	for _, s := range o.Steps {
		name := fmt.Sprintf("overload %.0fx: ", s.Factor)
		figures = append(figures,
			told(name+"offered", s.Offered, "calls/s"),
			atLeast(name+"served, of the capacity", 100*s.Goodput, "%", 100*least[s.Factor]),
			atMost(name+"503 p99", s.RefusedP99, "ms", maxRefusedP99),
			atMost(name+"normal again after", s.Normal.Seconds(), "s", maxNormal),
			told(name+"failed", float64(s.Failed), ""))
	}
	r.add("overload", o, figures...)
	return nil
}
