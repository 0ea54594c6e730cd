package sipload

import (
	"context"
	"errors"
	"time"
)

// HangupRun is what Hangups did to a node.
type HangupRun struct {
	HangupCounts
	Left       []string `json:"left_behind"`
	Goroutines [2]int   `json:"goroutines"` // before and after
	PerSecond  float64  `json:"calls_per_second"`
}

// settled is how long a node may need to end what it owes: 64*T1 and more.
const settled = 45 * time.Second

// Hangups runs the crowd against a node of its own.
func (b *Bench) Hangups(ctx context.Context, calls int) (run HangupRun, err error) {
	n, err := b.node("127.0.0.1", 60)
	if err != nil {
		return run, err
	}
	defer n.stop()
	if err := n.start(ctx, anyCore); err != nil {
		return run, err
	}
	h := Hangups{
		Server: n.SIP, Phones: n.Phones, Called: []string{MenuNumber, DirectNumber, DirectNumber},
		Calls: calls / 50, AtOnce: 300, Rate: hangupRate, Life: time.Second, Ghost: ghost, Seed: 1,
	}
	if _, err := RunHangups(ctx, h); err != nil { // pools and maps grow
		return run, err
	}
	if run.Goroutines[0], err = n.goroutines(ctx); err != nil {
		return run, err
	}
	begun := time.Now()
	h.Calls, h.Seed = calls, 2
	run.HangupCounts, err = RunHangups(ctx, h)
	run.PerSecond = float64(run.Calls) / time.Since(begun).Seconds()
	if err != nil {
		return run, errors.Join(err, errors.New(n.p.said.String()))
	}
	b.say("%+v", run.HangupCounts)
	if run.Left, err = n.rest(ctx, settled); err != nil {
		return run, err
	}
	run.Goroutines[1], err = n.goroutines(ctx)
	return run, err
}

// hangupRate is below what a node can do, so that what is late is late for
// another reason.
const hangupRate = 300

// ghost is how long something may go on after its caller has gone.
const ghost = 500 * time.Millisecond

// goroutines of a node after its timers are over.
func (n *Node) goroutines(ctx context.Context) (int, error) {
	wait(ctx, timersOver)
	all, err := n.gauges(ctx)
	return int(all["go_goroutines"]), err
}
