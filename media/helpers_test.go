package media

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testConfig uses ports of the system on loopback.
func testConfig() Config {
	cfg := DefaultConfig()
	cfg.PortMin, cfg.PortMax = 0, 0
	cfg.RTCPInterval = 100 * time.Millisecond
	return cfg
}

func newEngine(t testing.TB, change ...func(*Config)) *Engine {
	t.Helper()
	cfg := testConfig()
	for _, f := range change {
		f(&cfg)
	}
	en, err := New(cfg, Deps{Registry: prometheus.NewRegistry()})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, en.Close()) })
	return en
}

// dial connects a new endpoint of robots with a new one of server; the robot
// offers, as a caller does.
func dial(t testing.TB, robots, server *Engine, kind Kind, robot, served Options) (r, s Endpoint) {
	t.Helper()
	r, offer, err := robots.Offer(t.Context(), robot, kind)
	require.NoError(t, err)
	s, answer, err := server.Answer(t.Context(), offer, served)
	require.NoError(t, err, "offer:\n%s", offer)
	require.NoError(t, r.Accept(answer), "answer:\n%s", answer)
	return r, s
}

// talk plays a looped tone until the test ends or stop is called.
func talk(t testing.TB, e Endpoint, hz float64) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { _ = e.Play(ctx, Tone(hz, time.Second).Looped()) })
	stop = func() {
		cancel()
		wg.Wait()
	}
	t.Cleanup(stop)
	return stop
}

func hears(t testing.TB, m *Meter, hz float64) time.Time {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	at, err := m.Wait(ctx, hz)
	require.NoError(t, err, "tone of %v Hz was not heard", hz)
	return at
}
