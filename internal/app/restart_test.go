package app

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"filo/channel/message"
	"filo/contact"
	"filo/journey"
	"filo/router"
)

// TestFirstOfferAfterARestart: with thousands of mails waiting, an agent who comes at
// once gets the oldest first. It logs how long that took.
func TestFirstOfferAfterARestart(t *testing.T) {
	if testing.Short() {
		t.Skip("thousands of mails")
	}
	const mails = 3000
	cfg, opts := testNode(t)
	run := func() (a *App, stop func()) {
		a, err := New(t.Context(), cfg, quietLog(), opts)
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { require.NoError(t, a.Run(ctx)) })
		return a, func() { cancel(); wg.Wait() }
	}
	a, stop := run()
	<-a.Ready()
	start := time.Now()
	var wg sync.WaitGroup
	for worker := range 64 {
		wg.Go(func() {
			for i := worker; i < mails; i += 64 {
				peer := fmt.Sprintf("cliente-%05d@posta.example", i)
				_, err := a.messages.Received(t.Context(), message.Inbound{
					Event: journey.Event{
						Source: "email", SourceID: peer, Channel: contact.Email, Kind: journey.KindMessage, OccurredAt: start,
						Identities: []journey.Identity{{Type: journey.Mail, Value: peer}}, ReceivedAt: start.Add(time.Duration(i)),
					},
					Target: contact.Target{Queue: "general"}, Thread: peer, Peer: peer, Inbox: "help@shop.example",
				})
				require.NoError(t, err)
			}
		})
	}
	wg.Wait()
	require.Eventually(t, func() bool {
		s, err := a.router.Snapshot(t.Context())
		require.NoError(t, err)
		return len(waitingIn(s, "general")) == mails
	}, 10*time.Second, 10*time.Millisecond)
	t.Logf("%d mails received in %v", mails, time.Since(start))
	stop()

	start = time.Now()
	a, stop = run()
	defer stop()
	built := time.Since(start)
	require.Len(t, a.router.Orphans(), mails)
	require.NoError(t, a.router.SignIn(t.Context(), router.Agent{ID: "paola"}))
	events, cancel := a.router.Watch("paola")
	defer cancel()
	require.NoError(t, a.router.SetReady(t.Context(), "paola", true, ""))
	for e := range events {
		if e.Kind == router.OfferEvent {
			t.Logf("built after %v, first offer after %v", built, time.Since(start))
			require.Equal(t, a.router.Orphans()[0], e.Offer.Contact)
			break
		}
	}
	<-a.Ready()
	require.Eventually(t, func() bool {
		s, err := a.router.Snapshot(t.Context())
		require.NoError(t, err)
		return len(waitingIn(s, "general")) == mails
	}, 10*time.Second, 10*time.Millisecond)
	t.Logf("all there after %v", time.Since(start))
}

func waitingIn(s router.Snapshot, queue string) []router.WaitingContact {
	for _, q := range s.Queues {
		if q.Name == queue {
			return q.Waiting
		}
	}
	return nil
}
