package journey_test

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"filo/contact"
	"filo/journey"
	"filo/journey/sqlite"
)

// world is a journey over a real Record and the in-process hot store, with a
// clock that the test moves.
type world struct {
	*journey.Journey
	t   testing.TB
	rec *sqlite.Store
	hot journey.Hot
	at  time.Time
	cfg journey.Config
}

// emptyRecord is a Record's file with its schema: making it for each test
// would take most of the time under the race detector.
var emptyRecord = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "filo")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary directory
	path := filepath.Join(dir, "empty.db")
	rec, err := sqlite.Open(context.Background(), path)
	if err != nil {
		return nil, err
	}
	if err := rec.Close(); err != nil {
		return nil, err
	}
	return os.ReadFile(path) //nolint:gosec // just made
})

func newWorld(t *testing.T) *world {
	t.Helper()
	dir := t.TempDir()
	empty, err := emptyRecord()
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "filo.db"), empty, 0o600))
	rec, err := sqlite.Open(t.Context(), filepath.Join(dir, "filo.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, rec.Close()) })
	w := &world{t: t, rec: rec, hot: journey.NewMemory(100), at: time.Date(2026, 11, 20, 9, 40, 0, 0, time.UTC)}
	cfg := journey.DefaultConfig()
	cfg.DataDir, cfg.Timezone = dir, "UTC"
	cfg.Budget, cfg.HardBudget = 5*time.Second, 5*time.Second // the race detector on a busy machine is no call
	w.cfg = cfg
	w.Journey, err = journey.New(cfg, rec, w.hot, journey.Deps{Now: func() time.Time { return w.at }})
	require.NoError(t, err)
	t.Cleanup(w.Wait)
	return w
}

// restart is the same world with an empty hot store.
func (w *world) restart() *world {
	w.t.Helper()
	hot := journey.NewMemory(100)
	j, err := journey.New(w.cfg, w.rec, hot, journey.Deps{Now: func() time.Time { return w.at }})
	require.NoError(w.t, err)
	w.t.Cleanup(j.Wait)
	return &world{Journey: j, t: w.t, rec: w.rec, hot: hot, at: w.at, cfg: w.cfg}
}

func (w *world) ingest(ago time.Duration, e journey.Event) journey.Receipt {
	w.t.Helper()
	if e.SourceID == "" {
		e.SourceID = contact.NewToken("s_", w.at)
	}
	if e.Source == "" {
		e.Source = "test"
	}
	e.OccurredAt = w.at.Add(-ago)
	r, err := w.Ingest(context.Background(), e)
	require.NoError(w.t, err)
	return r
}

const (
	giuliaPhone = "+393471234419"
	giuliaMail  = "giulia@example.it"
	cookie      = "anon-1"
)

func step(ago time.Duration, w *world, phone string) journey.Receipt {
	attrs := map[string]string{
		"form": "checkout", "step": "payment", "step_no": "3", "steps": "4", "value": "84.90", "currency": "EUR",
		"filled": "name,phone", "empty": "card", "field.name": "Giulia Rossi", "cart": "Scarpe|59.90;Calze|25.00",
	}
	if phone != "" {
		attrs["field.phone"] = phone
	}
	return w.ingest(ago, journey.Event{
		Source: "web", Channel: contact.Web, Dir: contact.Indirect, Kind: journey.KindStep, Reason: "checkout", Stage: "payment",
		Identities: []journey.Identity{{Type: journey.Anonymous, Value: cookie}}, Attrs: attrs,
	})
}

// filmA is what happened before the call of film A.
func filmA(w *world) {
	w.ingest(72*time.Hour, journey.Event{
		Source: "sms", Channel: contact.SMS, Dir: contact.Inbound, Kind: journey.KindMessage, Summary: "Quando arriva?",
		Identities: []journey.Identity{{Type: journey.Phone, Value: "347 123 4419"}},
	})
	w.ingest(71*time.Hour, journey.Event{
		Source: "sms", Channel: contact.SMS, Dir: contact.Outbound, Kind: journey.KindMessage, Summary: "Domani.",
		Identities: []journey.Identity{{Type: journey.Phone, Value: giuliaPhone}},
		Attrs:      map[string]string{"agent": "paola"},
	})
	w.ingest(12*time.Hour+26*time.Minute, journey.Event{
		Source: "email", Channel: contact.Email, Dir: contact.Inbound, Kind: journey.KindMessage, Summary: "Buonasera, dove si trova?",
		Identities: []journey.Identity{{Type: journey.Mail, Value: "Giulia@Example.it"}},
		Attrs:      map[string]string{"subject": "Consegna?", "from_name": "Giulia Rossi", "queue": "service"},
		Contents:   []journey.Content{{Type: "text/plain", Data: []byte("Buonasera, dove si trova il pacco?")}},
	})
	link, err := w.VerifyLink(w.SignLink(giuliaMail, ""))
	require.NoError(w.t, err)
	w.ingest(6*time.Minute, journey.Event{
		Source: "web", Channel: contact.Web, Dir: contact.Indirect, Kind: journey.KindLink,
		Identities: []journey.Identity{{Type: journey.Anonymous, Value: cookie}},
		Evidence:   []journey.Evidence{journey.LinkEvidence(cookie, link, time.Time{})},
	})
	step(2*time.Minute, w, "347 1234419")
}

func (w *world) call(caller string, trusted bool) contact.Context {
	return w.Arrived(context.Background(), journey.Arrival{
		Contact: contact.NewID(w.at), Caller: caller, Trunk: "t", Trusted: trusted, Region: "IT", At: w.at,
	})
}

func TestFilmA(t *testing.T) {
	w := newWorld(t)
	filmA(w)
	for _, from := range []contact.ContextStatus{contact.ContextHot, contact.ContextRecord} {
		if from == contact.ContextRecord {
			w = w.restart()
		}
		c := w.call("0039 347 1234419", true)
		require.Equal(t, from, c.Status)
		require.Equal(t, contact.D2, c.Tier)
		require.InDelta(t, .90, c.Confidence, 1e-9)
		require.Equal(t, "Giulia Rossi", c.Name)
		d := c.Decision
		require.Equal(t, contact.Skip, d.Action)
		require.Equal(t, "abandoned-checkout", d.Rule)
		require.InDelta(t, .90, d.Confidence, 1e-9)
		require.Equal(t, []string{"unanswered-email"}, d.Weaker)
		require.Equal(t, "checkout", d.Target.Queue)
		require.Equal(t, []contact.Skill{{Name: "checkout", Min: 1}}, d.Target.Skills)

		v, err := w.View(t.Context(), journey.ViewRequest{Contact: contact.NewID(w.at), Context: c, Agent: "paola", Peer: giuliaPhone})
		require.NoError(t, err)
		require.Equal(t, "Giulia Rossi, stopped at payment, step 3 of 4, two minutes ago, 84.90 euro; e-mail 'Consegna?' unanswered since 21:14", v.Sentence["en"])
		require.Equal(t, "Giulia Rossi, ferma al pagamento, passo 3 di 4, due minuti fa, 84,90 euro; e-mail «Consegna?» senza risposta dalle 21:14", v.Sentence["it"])
		require.Equal(t, 3, v.Channels)
		require.Len(t, v.Events, 5)
		require.Equal(t, "+39 347 ••• 4419", v.Phone)
	}
}
