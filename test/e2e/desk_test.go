package e2e

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"filo/contact"
	"filo/internal/config"
	"filo/router"
)

func offerTimeout(d time.Duration) option {
	return with(func(c *config.Config) {
		c.Router.Channels[contact.Voice] = func(ch router.Channel) router.Channel {
			ch.OfferTimeout = d
			return ch
		}(c.Router.Channels[contact.Voice])
	})
}

// A desk that refuses stays ready, one that lets an offer expire is not ready
// any more; each time the call goes to the next agent.
func TestRowOffer_RefusedThenExpired(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.start(offerTimeout(time.Second))
	elena := n.signIn("elena")
	paola, marta, sara := n.ready("paola"), n.ready("marta"), n.ready("sara")
	c := n.known(giulia)

	o := paola.offer("voice")
	require.Equal(t, "Marta Conti", o.Next)
	require.NoError(t, paola.Reject(within(t), o.ID, "busy"))
	require.Equal(t, "rejected", paola.gone(o.ID))
	second := marta.offer("voice")
	require.Equal(t, o.Contact, second.Contact)
	require.NotEqual(t, o.ID, second.ID)
	require.Equal(t, "expired", marta.gone(second.ID))
	require.Equal(t, "rona", marta.state("not_ready"))
	require.Equal(t, http.StatusConflict, apiStatus(marta.Accept(within(t), second.ID)), "too late")
	third := sara.offer("voice")
	require.Equal(t, o.Contact, third.Contact)
	sara.accept(third)
	bothTalk(t, c.Meter, sara)
	state, _ := elena.floor().agent("paola")
	require.Equal(t, string(contact.Ready), state)
	require.NoError(t, c.Hangup(within(t)))
	sara.contact(third.Contact, func(c contactFrame) bool { return c.State == "wrap_up" })
	require.Equal(t, 1.0, n.metric("filo_router_rona_total"))
	n.quiet()
}

// Two windows of one agent take the same offer: one wins, the other is told.
func TestRowOffer_TakenTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.start()
	paola := n.ready("paola")
	c := n.known(giulia)
	o := paola.offer("voice")
	var won, lost atomic.Int32
	var wg sync.WaitGroup
	ctx := within(t)
	for range 8 {
		wg.Go(func() {
			switch err := paola.Accept(ctx, o.ID); {
			case err == nil:
				won.Add(1)
			case apiStatus(err) == http.StatusConflict:
				lost.Add(1)
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 1, won.Load())
	require.EqualValues(t, 7, lost.Load())
	paola.contact(o.Contact, func(c contactFrame) bool { return c.State == "connected" })
	require.NoError(t, c.Hangup(within(t)))
	paola.contact(o.Contact, func(c contactFrame) bool { return c.State == "wrap_up" })
	n.quiet()
}

// A browser that is gone in the middle of a call: the caller hears music; the
// agent signs in anew and both talk on within 3 s.
func TestRowDesk_ReloadInACall(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.start()
	paola := n.ready("paola")
	c := n.known(giulia)
	o := paola.offer("voice")
	quiet := paola.accept(o)
	bothTalk(t, c.Meter, paola)

	quiet()
	paola.Crash()
	music(t, c.Meter)
	c.Meter.Forget(agentHz)
	begun := time.Now()
	again := n.signIn("paola")
	type snapshot struct{ Contacts []contactFrame }
	s, _ := frame(again, "snapshot", func(s snapshot) bool { return len(s.Contacts) == 1 })
	require.Equal(t, o.Contact, s.Contacts[0].ID)
	require.Equal(t, "D1", s.Contacts[0].View.Tier)
	require.NotEmpty(t, s.Contacts[0].View.Events, "the thread is back")
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	var wg sync.WaitGroup
	wg.Go(func() { again.Talk(ctx) })
	defer wg.Wait()
	defer stop()
	bothTalk(t, c.Meter, again)
	require.Less(t, time.Since(begun), 3*time.Second)
	require.NoError(t, again.Command(within(t), o.Contact, "hangup", ""))
	again.contact(o.Contact, func(c contactFrame) bool { return c.State == "wrap_up" })
	require.NoError(t, c.Hangup(within(t)))
	n.quiet()
}

// An agent who does not come back: the caller goes to the next one, before
// those who called later.
func TestRowDesk_LostInACall(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.start(with(func(c *config.Config) { c.Voice.LineGrace = 500 * time.Millisecond }))
	paola := n.ready("paola")
	a := n.known(giulia)
	o := paola.offer("voice")
	quiet := paola.accept(o)
	bothTalk(t, a.Meter, paola)
	b := n.known(bruno)
	quiet()
	paola.Crash()
	music(t, a.Meter)
	a.Meter.Forget(agentHz)
	elena := n.signIn("elena")
	elena.awaitFloor("both wait", func(f floor) bool { return len(f.waiting("checkout")) == 2 })
	marta := n.ready("marta")
	second := marta.offer("voice")
	require.Equal(t, o.Contact, second.Contact, "who was talking comes first")
	marta.accept(second)
	bothTalk(t, a.Meter, marta)
	require.NoError(t, b.Hangup(within(t)))
	require.NoError(t, a.Hangup(within(t)))
	marta.contact(o.Contact, func(c contactFrame) bool { return c.State == "wrap_up" })
}

// Keys, mute and marks of a call in progress; nobody else may touch it.
func TestRowDesk_CallCommands(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.start()
	paola, marta := n.ready("paola"), n.signIn("marta")
	c := n.known(giulia)
	o := paola.offer("voice")
	paola.accept(o)
	bothTalk(t, c.Meter, paola)

	require.NoError(t, paola.Command(within(t), o.Contact, "mute", ""))
	eventually(t, "the caller hears nothing", func() bool { return c.Meter.RMS() < 50 })
	require.Greater(t, paola.Line.Meter.Level(callerHz), .9, "the agent still hears")
	require.NoError(t, paola.Command(within(t), o.Contact, "unmute", ""))
	c.Meter.Forget(agentHz)
	hears(t, "caller", c.Meter, agentHz)
	require.NoError(t, paola.Command(within(t), o.Contact, "wrong_reason", ""))
	require.Equal(t, 1.0, n.metric("filo_ivr_decisions_total", "rule", "abandoned-checkout", "result", "wrong"))

	status := apiStatus(marta.Command(within(t), o.Contact, "hangup", ""))
	require.Contains(t, []int{http.StatusForbidden, http.StatusNotFound}, status, "another agent's call")
	require.Equal(t, http.StatusBadRequest, apiStatus(paola.Command(within(t), o.Contact, "explode", "")))
	require.Equal(t, http.StatusBadRequest, apiStatus(paola.Command(within(t), o.Contact, "digits", "12x")))
	require.NoError(t, paola.Command(within(t), o.Contact, "digits", "12"))
	require.NoError(t, c.Hangup(within(t)))
	paola.contact(o.Contact, func(c contactFrame) bool { return c.State == "wrap_up" })
	n.quiet()
}
