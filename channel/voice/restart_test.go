package voice

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"filo/contact"
	"filo/router"
)

// A call that was lost with the program closes as lost_restart; its number has
// its place again when it calls anew, and keeps it on the way through the menu.
func TestCallLostInARestart(t *testing.T) {
	dir := t.TempDir()
	since := time.Now().Add(-time.Minute)
	journalled := func(s *settings) { s.router.Journal.Dir = dir }
	before := defaults()
	journalled(before)
	r, err := router.New(before.router, router.Deps{Epoch: 1})
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	_, err = r.Place(ctx, router.Request{
		Card: &contact.Card{Contact: "c_lost", Channel: contact.Voice, Peer: giulia}, Target: contact.Target{Queue: "checkout"}, EnqueuedAt: since,
	})
	require.NoError(t, err)
	stop()
	require.NoError(t, <-done)

	h := open(t, journalled)
	s := h.segment("c_lost", 0)
	require.Equal(t, contact.LostRestart, s.Result)
	require.Equal(t, "checkout", s.Queue)
	require.WithinDuration(t, since, s.EnqueuedAt, time.Millisecond)
	require.Equal(t, 1.0, h.gauge("filo_voice_calls_total", "lost_restart"))

	h.known(skip("checkout"))
	call := h.call(giulia)
	require.WithinDuration(t, since, h.waiting("checkout", 1).Since, time.Millisecond)
	h.hears(call.Meter, musicHz)
	require.NoError(t, call.SendDigits(h.within(), "0"))
	h.hears(call.Meter, menuHz)
	require.NoError(t, call.SendDigits(h.within(), "1"))
	require.WithinDuration(t, since, h.waiting("checkout", 1).Since, time.Millisecond)
	h.hangup(call)
	require.Equal(t, "abandoned", h.ended(0).Attrs["result"])
}
