package sipload

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Experiments are the names that Run knows, in their order.
var Experiments = []string{"capacity", "cost", "leak", "overload", "loss", "hangups", "drain"}

// What must be kept; see the figures in README.md.
const (
	minCapacity   = 1500 // clean calls per second
	maxMallocs    = 1000 // a call
	maxRatioUAS   = 13
	maxRatioRelay = 1
	leakCalls     = 50_000
	hangupCalls   = 100_000
	lossCalls     = 5000
	drainCalls    = 1000
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
	case "loss":
		return b.runLoss(ctx, r)
	case "hangups":
		return b.runHangups(ctx, r)
	case "drain":
		return b.runDrain(ctx, r)
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
		told("CPU of a call, Kamailio relay with 8 workers, as it ships", c.PerRelay, "µs"),
		told("CPU of a call, Kamailio relay with 2 workers", c.PerLean, "µs"),
		atMost("B2BUA / SIPp UAS", c.RatioUAS, "", maxRatioUAS),
		atMost("B2BUA / Kamailio relay with 8 workers", c.RatioRelay, "", maxRatioRelay),
		told("B2BUA / Kamailio relay with 2 workers", c.RatioLean, ""),
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
	for _, of := range []subject{b.menu(), b.b2bua()} {
		o, err := b.overload(ctx, of, 2, 5)
		if err != nil {
			return err
		}
		figures := []Figure{told("overload, "+o.Of+": capacity, one core each", o.Capacity, "calls/s")}
		for _, s := range o.Steps {
			name := fmt.Sprintf("overload, %s, %.0fx: ", o.Of, s.Factor)
			figures = append(figures,
				told(name+"offered", s.Offered, "calls/s"),
				atLeast(name+"served, of the capacity", 100*s.Goodput, "%", 100*least[s.Factor]),
				atMost(name+"503 p99", s.RefusedP99, "ms", maxRefusedP99),
				atMost(name+"normal again after", s.Normal.Seconds(), "s", maxNormal),
				told(name+"failed", float64(s.Failed), ""))
		}
		r.add("overload "+o.Of, o, figures...)
	}
	return nil
}

func (b *Bench) runHangups(ctx context.Context, r *Report) error {
	h, err := b.Hangups(ctx, hangupCalls)
	if err != nil {
		return err
	}
	for _, what := range h.Left {
		b.say("left behind: %s", what)
	}
	r.add("hangups", h,
		told("random hang-ups: calls", float64(h.Calls), ""),
		told("random hang-ups: a second", h.PerSecond, "calls/s"),
		told("random hang-ups: offers", float64(h.Offers), ""),
		atMost("random hang-ups: offers that rang on over 500 ms", float64(h.Ghosts), "", 0),
		atMost("random hang-ups: talks with nobody over 500 ms", float64(h.Haunted), "", 0),
		atMost("random hang-ups: neither answered, cancelled nor 503", float64(h.Broken), "", 0),
		atMost("random hang-ups: kinds of things left behind", float64(len(h.Left)), "", 0),
		atMost("random hang-ups: goroutines left behind", float64(h.Goroutines[1]-h.Goroutines[0]), "", 0))
	return nil
}

func (b *Bench) runDrain(ctx context.Context, r *Report) error {
	d, err := b.Drain(ctx, Drain{Calls: drainCalls, Rate: 14, Longest: 20 * time.Second})
	if err != nil {
		return err
	}
	for why, n := range d.Failed {
		b.say("failed: %d %s", n, why)
	}
	r.add("drain", d,
		told("rolling restart: calls", float64(d.Calls), ""),
		told("rolling restart: nodes restarted", float64(d.Restarts), ""),
		atMost("rolling restart: calls failed", float64(d.Calls-d.Talked), "", 0),
		atMost("rolling restart: kinds of things left behind", float64(len(d.Left)), "", 0))
	return nil
}

func (b *Bench) runLoss(ctx context.Context, r *Report) error {
	var all []LossRun
	var figures []Figure
	for _, level := range []struct{ percent, least float64 }{{5, 99.9}, {10, 99.9}, {20, 99.5}} {
		l, err := b.Loss(ctx, Loss{Percent: level.percent, Calls: lossCalls, Rate: 100})
		if err != nil {
			return err
		}
		all = append(all, l)
		name := fmt.Sprintf("%v %% of packets lost each way: ", level.percent)
		figures = append(figures,
			told(name+"in", 100*l.In.share(), "%"), told(name+"out", 100*l.Out.share(), "%"),
			atLeast(name+"set-up", 100*float64(l.Traffic.Good)/float64(l.Traffic.Calls), "%", level.least),
			atMost(name+"kinds of things left behind", float64(len(l.Left)), "", 0))
	}
	r.add("loss", all, figures...)
	return nil
}
