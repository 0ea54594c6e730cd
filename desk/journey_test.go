package desk

import (
	"context"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"filo/contact"
	"filo/journey"
	"filo/journey/sqlite"
)

// newJourney is the real thread on a real file.
func newJourney(t *testing.T) *journey.Journey {
	t.Helper()
	dir := t.TempDir()
	rec, err := sqlite.Open(t.Context(), filepath.Join(dir, "filo.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, rec.Close()) })
	cfg := journey.DefaultConfig()
	cfg.DataDir, cfg.Timezone = dir, "UTC"
	cfg.Budget, cfg.HardBudget = 5*time.Second, 5*time.Second
	j, err := journey.New(cfg, rec, journey.NewMemory(100), journey.Deps{})
	require.NoError(t, err)
	t.Cleanup(j.Wait)
	return j
}

func ingest(t *testing.T, j *journey.Journey, ago time.Duration, e journey.Event) journey.Receipt {
	t.Helper()
	now := time.Now()
	e.SourceID, e.OccurredAt = contact.NewToken("s_", now), now.Add(-ago)
	r, err := j.Ingest(context.Background(), e)
	require.NoError(t, err)
	return r
}

// giulia fills half a form and writes a mail; with sms she also wrote from the
// phone that she will call from.
func giulia(t *testing.T, j *journey.Journey, sms bool) {
	t.Helper()
	if sms {
		ingest(t, j, 72*time.Hour, journey.Event{
			Source: "sms", Channel: contact.SMS, Dir: contact.Inbound, Kind: journey.KindMessage, Summary: "Quando arriva?",
			Identities: []journey.Identity{{Type: journey.Phone, Value: "+393471234419"}},
		})
	}
	ingest(t, j, 12*time.Hour, journey.Event{
		Source: "email", Channel: contact.Email, Dir: contact.Inbound, Kind: journey.KindMessage, Summary: "Buonasera, sono " + canary,
		Identities: []journey.Identity{{Type: journey.Mail, Value: "giulia@posta.example"}},
		Attrs:      map[string]string{"subject": "Consegna?", "from_name": canary},
		Contents:   []journey.Content{{Type: "text/html", Data: []byte(`<p>Dove si trova il <b>pacco</b>?<script>x</script></p>`)}},
	})
	link, err := j.VerifyLink(j.SignLink("giulia@posta.example", ""))
	require.NoError(t, err)
	ingest(t, j, 6*time.Minute, journey.Event{
		Source: "web", Channel: contact.Web, Dir: contact.Indirect, Kind: journey.KindLink,
		Identities: []journey.Identity{{Type: journey.Anonymous, Value: "anon-1"}},
		Evidence:   []journey.Evidence{journey.LinkEvidence("anon-1", link, time.Time{})},
	})
	step(t, j, 2*time.Minute, "payment", "3")
}

func step(t *testing.T, j *journey.Journey, ago time.Duration, name, no string) {
	t.Helper()
	ingest(t, j, ago, journey.Event{
		Source: "web", Channel: contact.Web, Dir: contact.Indirect, Kind: journey.KindStep, Reason: "checkout", Stage: name,
		Identities: []journey.Identity{{Type: journey.Anonymous, Value: "anon-1"}},
		Attrs: map[string]string{
			"form": "checkout", "step": name, "step_no": no, "steps": "4", "value": "84.90", "currency": "EUR",
			"filled": "name,phone", "field.name": canary, "field.phone": "+393471234419",
		},
	})
}

// called is the call as it reaches the desk.
func called(t *testing.T, f *fixture, j *journey.Journey, c *client, tb *tab) (*contact.Card, offerJSON) {
	t.Helper()
	c.ready()
	id := contact.NewID(time.Now())
	known := j.Arrived(context.Background(), journey.Arrival{
		Contact: id, Caller: "+393471234419", Trunk: "t", Trusted: true, Region: "IT", At: time.Now(),
	})
	card := &contact.Card{
		Contact: id, Channel: contact.Voice, Customer: known.Customer, Queue: "checkout", Peer: "+393471234419",
		Arrived: time.Now(), Context: known, SkippedIVR: known.Decision.Action == contact.Skip,
	}
	f.place(card)
	var o offerJSON
	tb.next(frameOffer).into(t, &o)
	return card, o
}

func TestFilmAOnTheRealThread(t *testing.T) {
	j := newJourney(t)
	giulia(t, j, true)
	f := newFixture(t, func(c *Config, d *Deps) { d.Thread = j; c.ViewTimeout = 5 * time.Second })
	c := f.signIn("paola")
	tb := c.open(0)
	tb.next(frameSnapshot)
	card, o := called(t, f, j, c, tb)
	require.Equal(t, "D2", o.View.Tier)
	require.Equal(t, canary, o.View.Name)
	require.Equal(t, 3, o.View.Headline.StepNo)
	require.NotNil(t, o.View.Headline.Unanswered)
	require.Contains(t, o.View.Sentence["en"], canary)
	require.Equal(t, "abandoned-checkout", o.Skipped.Rule)

	start := time.Now()
	step(t, j, 0, "confirm", "4")
	tb.next(frameThread)
	var v viewJSON
	tb.next(frameView).into(t, &v)
	require.Equal(t, 4, v.View.LastWeb.StepNo)
	require.Less(t, time.Since(start), soon)

	body := ""
	for _, e := range o.View.Events {
		if e.Body != "" {
			body = e.Body
		}
	}
	require.NotEmpty(t, body)
	code, page := c.call(http.MethodGet, "/api/contacts/"+string(card.Contact)+"/content/"+body, nil)
	require.Equal(t, http.StatusOK, code, page)
	require.Contains(t, page, "<p>Dove si trova il <b>pacco</b>?</p>")
}

func TestPhoneInAFormAloneShowsNothingPersonal(t *testing.T) {
	j := newJourney(t)
	giulia(t, j, false)
	f := newFixture(t, func(c *Config, d *Deps) { d.Thread = j; c.ViewTimeout = 5 * time.Second })
	c := f.signIn("paola")
	tb := c.open(0)
	tb.next(frameSnapshot)
	card, o := called(t, f, j, c, tb)
	require.Equal(t, "D1", o.View.Tier)
	require.True(t, card.SkippedIVR, "the silent skip")
	step(t, j, 0, "confirm", "4")
	tb.next(frameThread)
	tb.next(frameView)
	_, _ = c.call(http.MethodPost, "/api/offers/"+o.ID.String()+"/accept", nil)
	tb.next(frameContact)
	at := "/api/contacts/" + string(card.Contact)
	_, earlier := c.call(http.MethodGet, at+"/thread", nil)
	seen := tb.raw.String() + earlier
	for _, secret := range []string{"Canarina", "1234419", "giulia@", "Consegna", "Dove si trova"} {
		require.NotContains(t, seen, secret)
	}

	code, body := c.call(http.MethodPost, at+"/verify", map[string]string{"method": "asked"})
	require.Equal(t, http.StatusOK, code, body)
	require.Contains(t, body, "Canarina")
	var v viewJSON
	tb.next(frameView).into(t, &v)
	require.Equal(t, "D3", v.View.Tier)

	// It stays verified for a desk that comes back.
	again := c.open(0)
	again.next(frameSnapshot)
	require.Contains(t, again.raw.String(), "Canarina")
}
