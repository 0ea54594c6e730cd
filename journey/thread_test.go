package journey_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"filo/contact"
	"filo/journey"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func page(w *world, source, id string) journey.Receipt {
	return w.ingest(0, journey.Event{
		Source: source, SourceID: id, Kind: journey.KindPage, Channel: contact.Web, Dir: contact.Indirect,
		Identities: []journey.Identity{{Type: journey.Anonymous, Value: cookie}},
	})
}

func TestDeliveredOnce(t *testing.T) {
	w := newWorld(t)
	first := page(w, "web", "m1")
	again := page(w, "web", "m1")
	require.True(t, again.Duplicate)
	require.Equal(t, first.ID, again.ID)
	require.Equal(t, first.Customer, again.Customer)
	require.False(t, page(w, "sms", "m1").Duplicate, "another source")
}

func TestBadEvents(t *testing.T) {
	w := newWorld(t)
	for _, e := range []journey.Event{
		{SourceID: "1", Kind: journey.KindPage}, {Source: "web", Kind: journey.KindPage}, {Source: "web", SourceID: "1"},
	} {
		_, err := w.Ingest(t.Context(), e)
		require.ErrorIs(t, err, journey.ErrBadEvent)
	}
}

func TestNobodysEventsAreApart(t *testing.T) {
	w := newWorld(t)
	for _, ids := range [][]journey.Identity{
		nil,
		{{Type: journey.Phone, Value: "anonymous"}},
		{{Type: journey.Phone, Value: "+39"}},
		{{Type: journey.Mail, Value: "info@example.it"}},
		{{Type: journey.Mail, Value: "not an address"}},
		{{Type: "fax", Value: "1"}},
	} {
		e := journey.Event{Source: "voice", Kind: journey.KindCall, Channel: contact.Voice, Dir: contact.Inbound, Identities: ids}
		require.NotEqual(t, w.ingest(0, e).Customer, w.ingest(0, e).Customer, "%v is no key", ids)
	}
}

func TestSubscribersSeeTiedPeople(t *testing.T) {
	w := newWorld(t)
	filmA(w)
	c := w.call(giuliaPhone, true)
	events, cancel := w.Subscribe(c.Customer)
	r := step(0, w, "")
	select {
	case e := <-events:
		require.Equal(t, r.ID, e.ID)
		shown, ok := w.Show(e, c.Tier)
		require.True(t, ok)
		require.Equal(t, "payment", shown.Attrs["step"])
	default:
		t.Fatal("the event is not there when Ingest returns")
	}
	w.ingest(0, journey.Event{Kind: journey.KindPage, Channel: contact.Web, Identities: []journey.Identity{{Type: journey.Anonymous, Value: "stranger"}}})
	for range 200 {
		step(0, w, "")
	}
	require.Len(t, events, cap(events), "a slow reader loses the oldest and blocks nobody")
	cancel()
	cancel()
	for range events { //nolint:revive // drained until closed
	}
}

func TestRevokedEvidenceSeparates(t *testing.T) {
	w := newWorld(t)
	w.sms(time.Hour, contact.Inbound, "")
	w.mail(time.Hour, map[string]string{"subject": "Consegna?"})
	ev := journey.Evidence{
		A: journey.Identity{Type: journey.Phone, Value: giuliaPhone}, B: journey.Identity{Type: journey.Mail, Value: giuliaMail}, Source: journey.FromIdentify, At: w.at,
	}
	events := func() int {
		v, err := w.View(t.Context(), journey.ViewRequest{Context: w.call(giuliaPhone, true)})
		require.NoError(t, err)
		return len(v.Events)
	}
	require.Equal(t, 1, events())
	require.NoError(t, w.Relate(t.Context(), ev))
	require.Equal(t, 2, events())
	require.Equal(t, []string{"reply-sms", "unanswered-email"}, append([]string{w.call(giuliaPhone, true).Decision.Rule}, w.call(giuliaPhone, true).Decision.Weaker...))
	require.NoError(t, w.Revoke(t.Context(), ev))
	require.Equal(t, 1, events())
	require.Empty(t, w.call(giuliaPhone, true).Decision.Weaker)
	require.NoError(t, w.Relate(t.Context(), ev))
	require.Equal(t, 1, events(), "a late copy from before the revocation is no news")
	w.at = w.at.Add(time.Second)
	ev.At = w.at
	require.NoError(t, w.Relate(t.Context(), ev))
	require.Equal(t, 2, events(), "the evidence counts again for a call, but the two stay apart")
	d, err := w.rec.Dossier(t.Context(), journey.Key{Identity: ev.A})
	require.NoError(t, err)
	require.NotEqual(t, d.Leaves[0].Root, d.Leaves[1].Root)
}

func TestVerificationLinks(t *testing.T) {
	w := newWorld(t)
	step(2*time.Minute, w, giuliaPhone)
	c := w.call(giuliaPhone, true)
	require.Equal(t, contact.D1, c.Tier)
	require.NoError(t, w.Verify(t.Context(), contact.NewID(w.at), c.Customer, "paola", "code"))
	w.at = w.at.Add(24 * time.Hour)
	c = w.call(giuliaPhone, true)
	require.Equal(t, contact.D2, c.Tier, "an agent vouched for the number")
	require.InDelta(t, .95, c.Confidence, 1e-9)
}

func TestCallToken(t *testing.T) {
	w := newWorld(t)
	step(2*time.Minute, w, "")
	token, err := w.CallToken(t.Context(), journey.Identity{Type: journey.Anonymous, Value: cookie})
	require.NoError(t, err)
	id, err := w.CheckCallToken(token)
	require.NoError(t, err)
	require.Equal(t, cookie, id.Value)
	arrive := func(w *world, token string) contact.Context {
		return w.Arrived(t.Context(), journey.Arrival{Token: token, At: w.at})
	}
	c := arrive(w, token)
	require.InDelta(t, .99, c.Confidence, 1e-9)
	require.Equal(t, contact.D2, c.Tier)
	require.Equal(t, "abandoned-checkout", c.Decision.Rule)
	require.Equal(t, contact.D0, arrive(w, token).Tier, "single use")
	require.Equal(t, contact.D0, arrive(w.restart(), token).Tier, "also after a restart")
	require.Equal(t, contact.D0, arrive(w, token+"x").Tier)

	token, err = w.CallToken(t.Context(), journey.Identity{Type: journey.Anonymous, Value: cookie})
	require.NoError(t, err)
	w.at = w.at.Add(5*time.Minute + 2*time.Second)
	require.Equal(t, contact.D0, arrive(w, token).Tier, "expired")

	w.identify(0)
	token, err = w.CallToken(t.Context(), journey.Identity{Type: journey.Anonymous, Value: cookie})
	require.NoError(t, err)
	require.Equal(t, contact.D3, arrive(w, token).Tier, "the session of a signed-in user")

	_, err = w.CallToken(t.Context(), journey.Identity{Type: journey.Phone, Value: giuliaPhone})
	require.ErrorIs(t, err, journey.ErrBadToken)
}

func TestSignedLink(t *testing.T) {
	w := newWorld(t)
	cx := w.SignLink("Giulia <Giulia@example.it>", "e_1")
	l, err := w.VerifyLink(cx)
	require.NoError(t, err)
	require.Equal(t, journey.Link{Mail: giuliaMail, Message: "e_1"}, l)
	_, err = w.CheckCallToken(cx)
	require.ErrorIs(t, err, journey.ErrBadToken, "a link is no token")
	_, err = newWorld(t).VerifyLink(cx)
	require.ErrorIs(t, err, journey.ErrBadToken, "another secret")
	w.at = w.at.Add(31 * 24 * time.Hour)
	_, err = w.VerifyLink(cx)
	require.ErrorIs(t, err, journey.ErrBadToken)
}

func TestAbandonedFormsAreDerived(t *testing.T) {
	w := newWorld(t)
	cfg := w.cfg
	cfg.AbandonAfter = 10 * time.Millisecond
	w.at = time.Now()
	j, err := journey.New(cfg, w.rec, w.hot, journey.Deps{})
	require.NoError(t, err)
	w.Journey = j
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { _ = j.Run(ctx) })
	defer wg.Wait()
	defer cancel()
	r := step(0, w, "")
	events, stop := j.Subscribe(r.Customer)
	defer stop()
	select {
	case e := <-events:
		require.Equal(t, journey.KindAbandoned, e.Kind)
		require.Equal(t, r.ID, e.InReplyTo)
		require.Equal(t, "payment", e.Attrs["step"])
	case <-time.After(5 * time.Second):
		t.Fatal("no abandoned form")
	}
}

func TestMetrics(t *testing.T) {
	w := newWorld(t)
	reg := prometheus.NewPedanticRegistry()
	j, err := journey.New(w.cfg, w.rec, w.hot, journey.Deps{Registry: reg, Now: func() time.Time { return w.at }})
	require.NoError(t, err)
	w.Journey = j
	t.Cleanup(j.Wait)
	filmA(w)
	w.call(giuliaPhone, true)
	w.call("+39021234567", true)
	j.CountDecision("abandoned-checkout", journey.Escaped)
	j.CountDecision("made up", journey.Wrong)
	j.CountDecision("abandoned-checkout", "made up")
	problems, err := testutil.GatherAndLint(reg)
	require.NoError(t, err)
	require.Empty(t, problems)
	n, err := testutil.GatherAndCount(reg, "filo_ivr_decisions_total")
	require.NoError(t, err)
	require.Equal(t, 4, n)
	n, err = testutil.GatherAndCount(reg, "filo_journey_context_seconds")
	require.NoError(t, err)
	require.Equal(t, 2, n)
}

func TestConfig(t *testing.T) {
	require.NoError(t, journey.DefaultConfig().Validate())
	bad := journey.DefaultConfig()
	bad.Region, bad.Hot, bad.HardBudget = "XX", "disk", time.Millisecond
	bad.Rules[1].Name, bad.Rules[2].Match = bad.Rules[0].Name, "stars"
	err := bad.Validate()
	for _, key := range []string{"region: ", "hot: ", "hard_budget: ", "rules[1].name: ", "rules[2].match: "} {
		require.ErrorContains(t, err, key)
	}
}
