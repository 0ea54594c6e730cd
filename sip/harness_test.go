package sip

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const testSDP = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\n"

func sdp(session string) []byte { return []byte(testSDP + "a=x-name:" + session + "\r\n") }

// passwords is a Credentials for tests.
type passwords map[string]string

func (p passwords) Password(_ context.Context, user string) (string, bool) {
	pw, ok := p[user]
	return pw, ok
}

func testConfig() Config {
	cfg := DefaultConfig()
	cfg.Listen = []Listen{{Network: "udp", Bind: "127.0.0.1:0"}, {Network: "tcp", Bind: "127.0.0.1:0"}}
	cfg.Trunks = []Trunk{{Name: "loop", Allow: []string{"127.0.0.0/8"}, Trusted: true, Region: "IT", Headers: []string{"X-Cart"}}}
	cfg.DigestAlgorithms = []string{"MD5", "SHA-256"}
	return cfg
}

// inForce is a configuration as a UA holds it.
func inForce(cfg Config) *atomic.Pointer[Config] {
	var live atomic.Pointer[Config]
	live.Store(&cfg)
	return &live
}

// run starts a user agent and stops it at the end of the test.
func run(t *testing.T, cfg Config, creds Credentials, h Handler) *UA {
	t.Helper()
	return runWith(t, cfg, Deps{Credentials: creds}, h)
}

func runWith(t *testing.T, cfg Config, deps Deps, h Handler) *UA {
	t.Helper()
	deps.Registry = prometheus.NewRegistry()
	u, err := New(cfg, deps)
	require.NoError(t, err)
	if h == nil {
		h = func(ctx context.Context, l *Leg) { <-ctx.Done() }
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context())) // ends in Cleanup, one UA after the other
	done := make(chan error, 1)
	go func() { done <- u.Serve(ctx, h) }()
	select {
	case <-u.Ready():
	case err := <-done:
		t.Fatalf("serve: %v", err)
	}
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-done:
			require.NoError(t, err)
		case <-time.After(10 * time.Second):
			t.Error("Serve did not return")
		}
	})
	return u
}

// skippingClock is the time, and what a test adds to it. The timers of a leg do
// not notice: call tick.
type skippingClock struct{ skipped atomic.Int64 }

func (c *skippingClock) now() time.Time       { return time.Now().Add(time.Duration(c.skipped.Load())) }
func (c *skippingClock) skip(d time.Duration) { c.skipped.Add(int64(d)) }

func timeout(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// ended waits for a leg's end and checks why.
func ended(t *testing.T, l *Leg, why error) {
	t.Helper()
	select {
	case <-l.Done():
	case <-time.After(5 * time.Second):
		t.Fatalf("leg did not end, want %v", why)
	}
	require.Truef(t, errors.Is(l.Cause(), why), "ended with %v, want %v", l.Cause(), why)
}

// answerer hands each inbound leg to the test after answering it.
func answerer(t *testing.T, legs chan<- *Leg) Handler {
	return func(ctx context.Context, l *Leg) {
		if err := l.Ring(ctx); err != nil {
			t.Errorf("ring: %v", err)
		}
		if err := l.Answer(ctx, sdp("callee")); err != nil {
			t.Errorf("answer: %v", err)
		}
		legs <- l
		<-ctx.Done()
	}
}

func called(transport string, u *UA, user string) Target {
	network := "udp"
	if transport == "TCP" {
		network = "tcp"
	}
	return Target{URI: "sip:" + user + "@" + u.Addr(network), Transport: transport}
}
