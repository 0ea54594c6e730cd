package sip

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// BenchmarkCall is a whole call between two user agents on the loopback, both
// sides included; the extra figures are the callee's own time from the bytes
// of the INVITE to its handler and to its 200 on the wire.
func BenchmarkCall(b *testing.B) {
	type stamp struct{ handler, answered time.Duration }
	stamps := make(chan stamp, b.N+1)
	serve := func(h Handler) *UA {
		u, err := New(testConfig(), Deps{})
		require.NoError(b, err)
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- u.Serve(ctx, h) }()
		<-u.Ready()
		b.Cleanup(func() { cancel(); <-done })
		return u
	}
	callee := serve(func(ctx context.Context, l *Leg) {
		s := stamp{handler: time.Since(l.Info().Received)}
		if err := l.Answer(ctx, []byte(testSDP)); err != nil {
			b.Error(err)
		}
		s.answered = time.Since(l.Info().Received)
		stamps <- s
		<-ctx.Done()
	})
	caller := serve(func(ctx context.Context, _ *Leg) { <-ctx.Done() })
	b.ReportAllocs()
	for b.Loop() {
		l, err := caller.Invite(b.Context(), called("UDP", callee, "200"), InviteOptions{From: "1", SDP: []byte(testSDP)})
		if err != nil {
			b.Fatal(err)
		}
		if err := l.Hangup(b.Context(), Hangup{}); err != nil {
			b.Fatal(err)
		}
	}
	var handler, answered []time.Duration
	for len(stamps) > 0 {
		s := <-stamps
		handler, answered = append(handler, s.handler), append(answered, s.answered)
	}
	slices.Sort(handler)
	slices.Sort(answered)
	p99 := func(d []time.Duration) float64 { return float64(d[len(d)*99/100].Microseconds()) }
	b.ReportMetric(p99(handler), "µs-p99-to-handler")
	b.ReportMetric(p99(answered), "µs-p99-to-200")
}
