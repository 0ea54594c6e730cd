package app

import (
	"bytes"
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"filo/contact"
	"filo/router"
	"filo/sip"
)

// A node takes new settings of its queues while a contact waits, refuses what
// is wrong or impossible, and says what has to wait.
func TestReload(t *testing.T) {
	cfg, opts := testNode(t)
	var said bytes.Buffer
	a, err := New(t.Context(), cfg, slog.New(slog.NewTextHandler(&said, nil)), opts)
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	<-a.Ready()
	since := time.Now().Add(-time.Hour)
	_, err = a.router.Place(ctx, router.Request{
		Card: &contact.Card{Contact: "c_1", Channel: contact.Email}, Target: contact.Target{Queue: "general"}, EnqueuedAt: since,
	})
	require.NoError(t, err)

	other, _ := testNode(t)
	other.Router.Queues["general"] = router.Queue{Priority: 3, Target: time.Minute}
	other.Router.Queues["new"] = router.Queue{}
	require.NoError(t, a.Reload(ctx, other))
	s, err := a.router.Snapshot(ctx)
	require.NoError(t, err)
	queues := map[string]router.QueueSnapshot{}
	for _, q := range s.Queues {
		queues[q.Name] = q
	}
	require.Contains(t, queues, "new")
	waiting := queues["general"].Waiting
	require.Len(t, waiting, 1)
	require.Equal(t, 3, waiting[0].Priority)
	require.WithinDuration(t, since, waiting[0].Since, time.Millisecond, "the place is kept")

	wrong, _ := testNode(t)
	wrong.Router.Queues["general"] = router.Queue{Overflow: router.Overflow{Queue: "nowhere"}}
	require.ErrorContains(t, a.Reload(ctx, wrong), `queues.general.overflow.queue: "nowhere" is not a queue`)
	heavy, _ := testNode(t)
	voice := heavy.Router.Channels[contact.Voice]
	voice.Weight = 50
	heavy.Router.Channels[contact.Voice] = voice
	require.ErrorIs(t, a.Reload(ctx, heavy), router.ErrRestart)
	gone, _ := testNode(t)
	gone.Router.Queues = map[string]router.Queue{"new": {}}
	require.ErrorContains(t, a.Reload(ctx, gone), "queues.general: still has 1 contacts")
	again, err := a.router.Snapshot(ctx)
	require.NoError(t, err)
	require.Len(t, again.Queues, len(s.Queues), "nothing changed")

	trunks, _ := testNode(t)
	trunks.SIP.Trunks = append(trunks.SIP.Trunks, sip.Trunk{Name: "new", Allow: []string{"192.0.2.1"}})
	require.NoError(t, a.Reload(ctx, trunks))
	_, known := a.ua.Trunk("new")
	require.True(t, known)
	bound, _ := testNode(t)
	bound.SIP.Domain, bound.SIP.Trunks = "other.test", []sip.Trunk{{Name: "x", Server: "s", User: "u", PasswordFile: "/nowhere"}}
	err = a.Reload(ctx, bound)
	require.ErrorIs(t, err, sip.ErrRestart)
	require.ErrorContains(t, err, "sip.domain: ")
	require.ErrorContains(t, err, "sip.trunks[0].password_file: ")
	_, known = a.ua.Trunk("new")
	require.True(t, known, "the old one stays")
	require.Equal(t, 2.0, testutil.ToFloat64(a.metrics.reloads.WithLabelValues("taken")))
	require.Equal(t, 4.0, testutil.ToFloat64(a.metrics.reloads.WithLabelValues("refused")))
	require.Zero(t, testutil.ToFloat64(a.metrics.reloadOK))

	stop()
	require.NoError(t, <-done)
	require.Contains(t, said.String(), "wait for a restart") // the data directory is another one
	require.Contains(t, said.String(), "data_dir")
}
