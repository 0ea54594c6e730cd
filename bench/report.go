package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"

	"filo/media"
)

// mediaTotals sums the RTP counters of robots.
type mediaTotals struct {
	in, out, lost uint64
	legs          int
	jitter        time.Duration // sum
	maxJitter     time.Duration
}

func (m *mediaTotals) add(s media.Stats) {
	m.legs++
	m.in += s.PacketsIn
	m.out += s.PacketsOut
	m.lost += s.Lost
	m.jitter += s.Jitter
	m.maxJitter = max(m.maxJitter, s.Jitter)
}

// CallReport is what a run of Call saw.
type CallReport struct {
	Verdict   string         `json:"verdict"` // "PASS" or "FAIL"
	Missed    []string       `json:"missed"`  // thresholds that were not kept
	Rate      float64        `json:"rate"`
	Duration  float64        `json:"duration_s"`
	Hold      float64        `json:"hold_s"`
	Agents    int            `json:"agents"`
	Started   int64          `json:"started"`
	Completed int64          `json:"completed"`
	Failed    int            `json:"failed"`
	FailedBy  map[string]int `json:"failed_by"`
	Setup     Quantiles      `json:"setup"`   // INVITE -> 200
	Offer     Quantiles      `json:"offer"`   // INVITE -> agent's INVITE on the wire
	Audio     Quantiles      `json:"audio"`   // INVITE -> the agent's voice is heard
	Context   *Quantiles     `json:"context"` // the server's own look-ups in this run
	// ServerOffer is from the INVITE's bytes to the first offer, as the server
	// saw it, of callers who skipped the menu: Offer without the bench's share.
	ServerOffer *Quantiles `json:"server_offer"`
	RTPIn       uint64     `json:"rtp_packets"`
	RTPLoss     float64    `json:"rtp_loss"` // share
	RTPJitter   float64    `json:"rtp_jitter_ms"`
	RTPJitterMx float64    `json:"rtp_jitter_max_ms"`
	BenchCPU    float64    `json:"bench_cpu"`  // cores used by the bench itself
	ServerCPU   float64    `json:"server_cpu"` // cores used by the server; 0: it does not tell
	Machine     string     `json:"machine"`
}

func (r *run) report(elapsed, cpu time.Duration, before, after metrics) *CallReport {
	r.mu.Lock()
	defer r.mu.Unlock()
	rep := &CallReport{
		Verdict: "PASS", Missed: []string{},
		Rate: r.cfg.Rate, Duration: r.cfg.Duration.Seconds(), Hold: r.cfg.Hold.Seconds(), Agents: r.cfg.Agents,
		Started: r.started.Load(), Completed: r.completed.Load(), FailedBy: r.failed,
		Setup: r.setup.quantiles(), Offer: r.offer.quantiles(), Audio: r.bridge.quantiles(),
		RTPIn:     r.media.in,
		BenchCPU:  cpu.Seconds() / elapsed.Seconds(),
		ServerCPU: counted(before, after, "process_cpu_seconds_total") / elapsed.Seconds(),
		Machine:   fmt.Sprintf("%s/%s, %d CPUs, %s", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version()),
	}
	for _, n := range r.failed {
		rep.Failed += n
	}
	if total := r.media.in + r.media.lost; total > 0 {
		rep.RTPLoss = float64(r.media.lost) / float64(total)
	}
	if r.media.legs > 0 {
		rep.RTPJitter = float64(r.media.jitter.Microseconds()) / float64(r.media.legs) / 1000
		rep.RTPJitterMx = float64(r.media.maxJitter.Microseconds()) / 1000
	}
	rep.Context = seen(before, after, "filo_journey_context_seconds")
	rep.ServerOffer = seen(before, after, "filo_voice_invite_to_offer_seconds")
	rep.judge(r.cfg.Limits)
	return rep
}

// seen is what a histogram of the server grew by; nil when it did not.
func seen(before, after metrics, name string) *Quantiles {
	h, ok := grown(before, after, name)
	if !ok || len(h.count) == 0 || h.count[len(h.count)-1] == 0 {
		return nil
	}
	return &Quantiles{
		N:   int(h.count[len(h.count)-1]), //nolint:gosec // a count of calls
		P50: h.quantile(.5), P90: h.quantile(.9), P99: h.quantile(.99), Max: h.quantile(1),
	}
}

func (rep *CallReport) judge(l Limits) {
	miss := func(format string, args ...any) {
		rep.Verdict = "FAIL"
		rep.Missed = append(rep.Missed, fmt.Sprintf(format, args...))
	}
	if l.MaxFailed >= 0 && rep.Failed > l.MaxFailed {
		miss("failed calls: %d of %d, at most %d", rep.Failed, rep.Started, l.MaxFailed)
	}
	late := func(name string, q Quantiles, limit time.Duration) {
		switch {
		case limit <= 0:
		case q.N == 0:
			miss("%s: nothing was measured", name)
		case q.P99 > limit:
			miss("%s p99: %v, at most %v", name, q.P99, limit)
		}
	}
	late("set-up", rep.Setup, l.SetupP99)
	late("offer", rep.Offer, l.OfferP99)
	if l.ContextP99 > 0 {
		if rep.Context == nil {
			miss("context: the server shows no figures")
		} else {
			late("context", *rep.Context, l.ContextP99)
		}
	}
	if l.MaxLoss >= 0 && rep.RTPLoss > l.MaxLoss {
		miss("RTP loss: %.4f %%, at most %.4f %%", rep.RTPLoss*100, l.MaxLoss*100)
	}
}

// WriteText prints the report for people.
func (rep *CallReport) WriteText(w io.Writer) error {
	p := &printer{w: w}
	p.f("%s: %d of %d calls at %g/s, hold %gs, %d agents (cores used: server %.2f, bench %.2f)\n",
		rep.Verdict, rep.Completed, rep.Started, rep.Rate, rep.Hold, rep.Agents, rep.ServerCPU, rep.BenchCPU)
	for _, m := range rep.Missed {
		p.f("  missed: %s\n", m)
	}
	for _, code := range slices.Sorted(maps.Keys(rep.FailedBy)) {
		p.f("  failed %-16s %d\n", code, rep.FailedBy[code])
	}
	line := func(name string, q Quantiles) {
		if q.N > 0 {
			p.f("  %-34s p50 %9v  p90 %9v  p99 %9v  max %9v  n %d\n", name,
				round(q.P50), round(q.P90), round(q.P99), round(q.Max), q.N)
		}
	}
	line("set-up (INVITE to 200)", rep.Setup)
	line("offer (INVITE to agent's INVITE)", rep.Offer)
	line("audio (INVITE to agent's voice)", rep.Audio)
	if rep.Context != nil {
		line("context (server's look-up)", *rep.Context)
	}
	if rep.ServerOffer != nil {
		line("offer (as the server saw it)", *rep.ServerOffer)
	}
	p.f("  RTP %d packets heard, loss %.4f %%, jitter mean %.2f ms, worst leg %.2f ms\n",
		rep.RTPIn, rep.RTPLoss*100, rep.RTPJitter, rep.RTPJitterMx)
	p.f("  %s\n", rep.Machine)
	return p.err
}

// WriteJSON prints the report for programs, on one line.
func (rep *CallReport) WriteJSON(w io.Writer) error {
	if err := json.NewEncoder(w).Encode(rep); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

func round(d time.Duration) time.Duration { return d.Round(10 * time.Microsecond) }

// printer keeps the first error.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) f(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format, args...)
	}
}

// cpuTime is what this process has used, user and system.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// progress prints a line a second until the returned function is called.
func (r *run) progress(ctx context.Context, start time.Time) (stop func()) {
	if r.cfg.Progress == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				r.progressLine(time.Since(start))
			}
		}
	})
	return func() { cancel(); wg.Wait() }
}

func (r *run) progressLine(elapsed time.Duration) {
	r.mu.Lock()
	failed := 0
	for _, n := range r.failed {
		failed += n
	}
	r.mu.Unlock()
	p := &printer{w: r.cfg.Progress}
	p.f("%4.0fs  started %d  active %d  completed %d  failed %d  offer p99 %v\n",
		elapsed.Seconds(), r.started.Load(), r.active.Load(), r.completed.Load(), failed, round(r.offer.quantiles().P99))
}
