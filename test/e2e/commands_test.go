package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The demo plays its story and says so in its last line.
func TestDemoOnce(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, self, "demo", "-once", "-http", "127.0.0.1:"+freePort(t), "-sip", "127.0.0.1:"+freePort(t))
	cmd.Env = append(os.Environ(), nodeEnv+"=1")
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	require.NoError(t, cmd.Run(), "%s\n%s", &out, &stderr)
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	var got struct {
		SkippedIVR    bool    `json:"skipped_ivr"`
		ContextMS     float64 `json:"context_ms"`
		OfferMS       float64 `json:"offer_ms"`
		AudioMS       float64 `json:"audio_ms"`
		AudioBothWays bool    `json:"audio_both_ways"`
		Agent         string  `json:"agent"`
		Why           string  `json:"why"`
	}
	require.NoError(t, json.Unmarshal([]byte(lines[len(lines)-1]), &got))
	require.True(t, got.SkippedIVR)
	require.True(t, got.AudioBothWays)
	require.NotEmpty(t, got.Agent)
	require.Contains(t, got.Why, "IVR skipped")
	require.Positive(t, got.ContextMS)
	require.Positive(t, got.OfferMS)
	require.Positive(t, got.AudioMS)
	require.Empty(t, stderr.String(), "warnings")
}

// What a node that has worked shows at /metrics passes promtool.
func TestRowMetrics_Promtool(t *testing.T) {
	t.Parallel()
	needs(t, "promtool", "prometheus")
	w := newWorld(t)
	n := w.start()
	paola := n.ready("paola")
	c := n.known(giulia)
	o := paola.offer("voice")
	paola.accept(o)
	bothTalk(t, c.Meter, paola)
	require.NoError(t, c.Hangup(within(t)))
	paola.contact(o.Contact, func(c contactFrame) bool { return c.State == "wrap_up" })
	n.quiet()

	resp, err := http.Get(n.URL + "/metrics")
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	for _, name := range []string{
		"filo_voice_calls_total", "filo_ivr_decisions_total", "filo_voice_setup_seconds", "filo_journey_context_seconds", "filo_router_queue_wait_seconds",
		"filo_router_offers_total", "filo_router_agents", "filo_media_packets_total", "filo_media_packets_lost_total", "filo_media_jitter_seconds", "filo_journey_ingest_seconds",
	} {
		require.Contains(t, string(text), "# TYPE "+name+" ")
	}
	require.NotContains(t, string(text), "Giulia")
	require.NotContains(t, string(text), giulia.Phone)
	check := exec.Command("promtool", "check", "metrics")
	check.Stdin = bytes.NewReader(text)
	said, err := check.CombinedOutput()
	require.NoError(t, err, "%s", said)
	require.Empty(t, string(said))
}
