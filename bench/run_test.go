package bench

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"filo/contact"
	"filo/desk"
	"filo/internal/app"
	"filo/internal/config"
	"filo/sip"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		http.DefaultClient.CloseIdleConnections()
		os.Exit(code)
	}))
}

// node runs a whole Filo with SIP-phone agents until the end of the test.
func node(t *testing.T, agents int) *app.App {
	t.Helper()
	cfg := config.Default()
	cfg.DataDir = t.TempDir()
	cfg.Journey.DataDir, cfg.Drain = cfg.DataDir, 0
	cfg.Router.Journal.Dir = filepath.Join(cfg.DataDir, "routing")
	cfg.HTTP.Addr = "127.0.0.1:0"
	cfg.SIP.Listen = []sip.Listen{{Network: "udp", Bind: "127.0.0.1:0"}}
	cfg.SIP.Trunks = []sip.Trunk{{Name: "bench", Allow: []string{"127.0.0.0/8"}, Trusted: true, Region: "IT"}}
	cfg.Web.WriteKeys = []string{"bench"}
	call := cfg.Router.Channels[contact.Voice]
	call.WrapUp = 0
	cfg.Router.Channels[contact.Voice] = call
	var people []desk.User
	for i := range agents {
		people = append(people, desk.User{
			User: fmt.Sprintf("bench%d", i+1), Name: "Robot", Phone: true, ReadyAtStart: true, SIPPassword: "bench-secret",
			Skills: map[string]uint8{"checkout": 80, "general": 80},
		})
	}
	users, err := desk.NewUsers(people)
	require.NoError(t, err)
	a, err := app.New(t.Context(), cfg, slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})), app.Options{Users: users})
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := a.Run(ctx); err != nil {
			t.Errorf("node: %v", err)
		}
	})
	t.Cleanup(func() { stop(); wg.Wait() })
	<-a.Ready()
	return a
}

func TestCallsAgainstANode(t *testing.T) {
	a := node(t, 6)
	var progress bytes.Buffer
	cfg := CallConfig{
		Server: a.SIPAddr("udp"), Web: a.URL(), WriteKey: "bench", Domain: "filo.local", To: "100",
		Rate: 10, Duration: time.Second, Hold: 200 * time.Millisecond, Agents: 6, Prefix: "bench", Password: "bench-secret",
		Callers: 10, RTP: true, Progress: &progress, Limits: Limits{OfferP99: 5 * time.Second, ContextP99: time.Second, MaxLoss: -1},
	}
	rep, err := Call(t.Context(), cfg)
	require.NoError(t, err)
	require.Equal(t, "PASS", rep.Verdict, "%v %v", rep.Missed, rep.FailedBy)
	require.EqualValues(t, 10, rep.Started)
	require.EqualValues(t, 10, rep.Completed)
	require.Equal(t, 10, rep.Setup.N)
	require.Equal(t, 10, rep.Offer.N)
	require.Equal(t, 10, rep.Audio.N)
	require.NotNil(t, rep.Context)
	require.Equal(t, 10, rep.Context.N, "the look-ups of this run only")
	require.Positive(t, rep.RTPIn)
	require.Contains(t, progress.String(), "started")

	count, _, err := a.Histogram("filo_voice_invite_to_offer_seconds")
	require.NoError(t, err)
	require.EqualValues(t, 10, count, "every caller is known: the menu is skipped")
}

// A run that must fail: nobody answers, and the limit of this machine is told
// apart from the server's.
func TestFailuresAreToldApart(t *testing.T) {
	a := node(t, 1)
	cfg := CallConfig{
		Server: a.SIPAddr("udp"), Web: a.URL(), Domain: "filo.local", To: "100",
		Rate: 10, Duration: 500 * time.Millisecond, Hold: time.Second, Concurrency: 1, Callers: 5,
	}
	rep, err := Call(t.Context(), cfg)
	require.NoError(t, err)
	require.Equal(t, "FAIL", rep.Verdict)
	require.Equal(t, map[string]int{"local-limit": 4}, rep.FailedBy)
	require.EqualValues(t, 1, rep.Completed)
}
