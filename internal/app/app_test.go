package app

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"filo/desk"
	"filo/internal/config"
	"filo/sip"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func testNode(t *testing.T) (config.Config, Options) {
	t.Helper()
	cfg := config.Default()
	cfg.DataDir = t.TempDir()
	cfg.Journey.DataDir, cfg.Drain = cfg.DataDir, 0
	cfg.Router.Journal.Dir = filepath.Join(cfg.DataDir, "routing")
	cfg.HTTP.Addr = "127.0.0.1:0"
	cfg.SIP.Listen = []sip.Listen{{Network: "udp", Bind: "127.0.0.1:0"}, {Network: "tcp", Bind: "127.0.0.1:0"}}
	hash, err := desk.HashPassword("a long password")
	require.NoError(t, err)
	users, err := desk.NewUsers([]desk.User{{User: "paola", Name: "Paola", PasswordHash: hash}})
	require.NoError(t, err)
	return cfg, Options{Users: users}
}

func quietLog() *slog.Logger { return slog.New(slog.DiscardHandler) }

// A whole node starts, serves, stops, and starts again over the same data.
func TestNodeStartsAndStops(t *testing.T) {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	get := func(url string) (int, string) {
		resp, err := client.Get(url)
		require.NoError(t, err)
		defer func() { _ = resp.Body.Close() }()
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		return resp.StatusCode, string(body)
	}
	cfg, opts := testNode(t)
	for range 2 {
		a, err := New(t.Context(), cfg, quietLog(), opts)
		require.NoError(t, err)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- a.Run(ctx) }()
		<-a.Ready()
		code, body := get(a.URL() + "/healthz")
		require.Equal(t, http.StatusOK, code)
		require.Equal(t, "ok\n", body)
		code, body = get(a.URL() + "/metrics")
		require.Equal(t, http.StatusOK, code)
		for _, name := range []string{"filo_voice_calls", "filo_router_", "filo_journey_", "filo_media_", "filo_measure_", "go_goroutines"} {
			require.Contains(t, body, name)
		}
		require.True(t, strings.HasPrefix(a.SIPAddr("udp"), "127.0.0.1:"))
		stop()
		require.NoError(t, <-done)
		require.NoError(t, a.Close(), "again is no harm")
	}
}

// Whatever New had opened before the part that failed is closed again.
func TestNewGivesBackWhatItOpened(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = taken.Close() }()
	for _, c := range []struct {
		name   string
		change func(*config.Config)
		part   string
	}{
		{"HTTP port taken", func(c *config.Config) { c.HTTP.Addr = taken.Addr().String() }, "http: listen"},
		{"no such flow", func(c *config.Config) { c.Voice.DefaultFlow = "nothing" }, "voice: default_flow"},
		{"no such music", func(c *config.Config) { c.Voice.Music = "nothing" }, "voice: music"},
		{"no flows", func(c *config.Config) { c.IVR.FlowsDir = "/nowhere" }, "voice: flows_dir"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg, opts := testNode(t)
			c.change(&cfg)
			_, err := New(t.Context(), cfg, quietLog(), opts)
			require.ErrorContains(t, err, c.part)
			goleak.VerifyNone(t)
		})
	}
}
