package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"filo/bench/robot"
	"filo/media"
	"filo/sip"
)

// CallConfig is one run of filo-bench call.
type CallConfig struct {
	Server      string        // host:port of the SIP listener
	Web         string        // base URL of the HTTP listener, "" to leave context and metrics alone
	WriteKey    string        // of the web activity API; "" leaves the callers unknown
	Domain      string        // SIP domain
	To          string        // called number
	Rate        float64       // calls per second
	Duration    time.Duration // of the arrivals
	Hold        time.Duration // from answer to hang-up
	Concurrency int           // calls at a time; an arrival beyond it fails as "local-limit". 0: no limit
	Agents      int           // SIP phones: users Prefix1..PrefixN
	Prefix      string
	Password    string
	Callers     int  // distinct numbers
	RTP         bool // audio both ways
	Limits      Limits
	Progress    io.Writer // one line a second; nil for none
	Log         *slog.Logger
}

// Limits are thresholds that a run must keep; zero durations are not checked.
type Limits struct {
	MaxFailed  int // -1: any
	OfferP99   time.Duration
	ContextP99 time.Duration
	SetupP99   time.Duration
	MaxLoss    float64 // share of RTP packets, 0..1; negative: any
}

// run is the state of one CallConfig being executed.
type run struct {
	cfg    CallConfig
	kit    *robot.Kit
	log    *slog.Logger
	wg     sync.WaitGroup
	setup  latencies
	offer  latencies
	bridge latencies

	started, completed, active atomic.Int64
	phoneOver                  chan struct{} // capacity 1: an agent's phone has ended a call

	mu      sync.Mutex
	failed  map[string]int
	sent    map[string]time.Time // by calling number: INVITE intended at
	media   mediaTotals
	ended   int64           // calls, by the phones
	offered map[string]bool // numbers whose first offer was seen
}

// Call runs the load and returns what was seen. The error is of the bench
// itself (no server, no agents); failed calls are in the report.
func Call(ctx context.Context, cfg CallConfig) (*CallReport, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	kit, err := robot.NewKit(ctx, robot.Config{Domain: cfg.Domain, Log: cfg.Log})
	if err != nil {
		return nil, fmt.Errorf("start robots: %w", err)
	}
	r := &run{
		cfg: cfg, kit: kit, log: cfg.Log, phoneOver: make(chan struct{}, 1),
		failed: map[string]int{}, sent: map[string]time.Time{}, offered: map[string]bool{},
	}
	report, err := r.execute(ctx)
	return report, errors.Join(err, kit.Close())
}

func (r *run) execute(ctx context.Context) (*CallReport, error) {
	phones, err := r.registerPhones(ctx)
	defer r.unregister(context.WithoutCancel(ctx), phones)
	if err != nil {
		return nil, err
	}
	if err := r.introduce(ctx); err != nil {
		return nil, err
	}
	before, err := r.scrape(ctx)
	if err != nil {
		return nil, err
	}
	usage := cpuTime()
	start := time.Now()
	stop := r.progress(ctx, start)
	r.arrivals(ctx, start)
	r.wg.Wait()
	stop()
	elapsed := time.Since(start)
	r.awaitPhones(ctx)
	after, err := r.scrape(ctx)
	if err != nil {
		return nil, err
	}
	return r.report(elapsed, cpuTime()-usage, before, after), nil
}

func (r *run) registerPhones(ctx context.Context) ([]*robot.Phone, error) {
	phones := make([]*robot.Phone, 0, r.cfg.Agents)
	var voice media.Prompt
	if r.cfg.RTP {
		voice = robot.Tone(agentTone)
	}
	for i := range r.cfg.Agents {
		p, err := r.kit.Phone(ctx, robot.PhoneConfig{
			Server: r.cfg.Server, User: r.cfg.Prefix + strconv.Itoa(i+1), Password: r.cfg.Password,
			Say: voice, Ringing: r.rang, Ended: r.phoneEnded,
		})
		if err != nil {
			return phones, fmt.Errorf("agent %d of %d: %w", i+1, r.cfg.Agents, err)
		}
		phones = append(phones, p)
	}
	return phones, nil
}

func (r *run) unregister(ctx context.Context, phones []*robot.Phone) {
	for _, p := range phones {
		if err := p.Unregister(ctx); err != nil {
			r.log.Debug("unregister", "error", err)
		}
	}
}

// rang notes the first offer of a caller to an agent.
func (r *run) rang(from string, at time.Time) {
	r.mu.Lock()
	sent, ok := r.sent[from]
	first := ok && !r.offered[from]
	r.offered[from] = true
	r.mu.Unlock()
	if first {
		r.offer.add(at.Sub(sent))
	}
}

func (r *run) phoneEnded(c robot.PhoneCall) {
	r.mu.Lock()
	r.media.add(c.Stats)
	r.ended++
	r.mu.Unlock()
	select {
	case r.phoneOver <- struct{}{}:
	default:
	}
}

// goodbyes bounds the wait for the phones' side of the last calls.
const goodbyes = 3 * time.Second

// awaitPhones waits until the phones have ended what the callers have, so that
// the report has both sides.
func (r *run) awaitPhones(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, goodbyes)
	defer cancel()
	for {
		r.mu.Lock()
		ended := r.ended
		r.mu.Unlock()
		if r.cfg.Agents == 0 || ended >= r.completed.Load() {
			return
		}
		select {
		case <-r.phoneOver:
		case <-ctx.Done():
			return
		}
	}
}

// arrivals starts calls at the wanted rate, whatever becomes of them.
func (r *run) arrivals(ctx context.Context, start time.Time) {
	total := int(r.cfg.Rate * r.cfg.Duration.Seconds())
	gap := time.Duration(float64(time.Second) / r.cfg.Rate)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for i := range total {
		intended := start.Add(time.Duration(i) * gap)
		timer.Reset(time.Until(intended))
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		r.started.Add(1)
		if n := r.cfg.Concurrency; n > 0 && r.active.Load() >= int64(n) {
			r.fail("local-limit")
			continue
		}
		r.wg.Go(func() { r.call(ctx, r.number(i), intended) })
	}
}

func (r *run) number(i int) string { return fmt.Sprintf("+39347%07d", i%r.cfg.Callers) }

// Frequencies that the robots say, far from each other's harmonics.
const (
	callerTone = 440.0
	agentTone  = 1000.0
)

// callTimeout bounds everything before the conversation.
const callTimeout = 30 * time.Second

func (r *run) call(ctx context.Context, from string, intended time.Time) {
	r.active.Add(1)
	defer r.active.Add(-1)
	r.mu.Lock()
	r.sent[from] = intended
	delete(r.offered, from)
	r.mu.Unlock()
	d := robot.Dial{Server: r.cfg.Server, From: from, To: r.cfg.To}
	if r.cfg.RTP {
		d.Say = robot.Tone(callerTone)
	}
	sctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	c, err := r.kit.Call(sctx, d)
	if err != nil {
		r.fail(failure(err))
		return
	}
	r.setup.add(c.Answered.Sub(intended))
	if r.cfg.RTP {
		heard, err := c.Meter.Wait(sctx, agentTone)
		if err != nil {
			r.fail("no-agent-audio")
			r.log.Debug("no audio", "error", err)
			_ = c.Hangup(context.WithoutCancel(ctx)) //nolint:errcheck // failed already
			return
		}
		r.bridge.add(heard.Sub(intended))
	}
	r.hold(ctx, c)
}

// hold talks for the holding time and hangs up.
func (r *run) hold(ctx context.Context, c *robot.Call) {
	timer := time.NewTimer(r.cfg.Hold)
	defer timer.Stop()
	result := ""
	select {
	case <-timer.C:
	case <-ctx.Done():
		result = "interrupted"
	case <-c.Done():
		result = "far-hangup"
	}
	stats := c.Stats()
	if err := c.Hangup(context.WithoutCancel(ctx)); err != nil && result == "" {
		result = "hangup"
	}
	r.mu.Lock()
	r.media.add(stats)
	r.mu.Unlock()
	if result != "" {
		r.fail(result)
		return
	}
	r.completed.Add(1)
}

func (r *run) fail(why string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed[why]++
}

func failure(err error) string {
	var s *sip.StatusError
	switch {
	case errors.As(err, &s):
		return strconv.Itoa(s.Code)
	case errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	}
	return "error"
}
