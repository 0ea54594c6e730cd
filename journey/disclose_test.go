package journey_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"filo/contact"
	"filo/journey"
)

// canaries are put where each kind of personal data comes in, with the tier
// that opens them.
var canaries = map[string]contact.Tier{
	"Zzname":       contact.D2, // name
	"zzsubject":    contact.D2,
	"zzsummary":    contact.D2,
	"zzpath":       contact.D2,
	"zzcart":       contact.D2,
	"77.77":        contact.D2, // value
	"zzerror":      contact.D2,
	"zzcity":       contact.D2,
	"zzreason":     contact.D3 + 1, // words in a field for codes are not codes
	"zzstreet":     contact.D3,
	"zzcard":       contact.D3,
	"zzmail":       contact.D3, // local part of the address
	"3471234419":   contact.D3,
	"zzinternal":   contact.D3 + 1,
	"zzidentify":   contact.D3 + 1,
	"zzattachment": contact.D3 + 1, // bodies are fetched, never in the view
}

func seedCanaries(w *world) {
	w.ingest(time.Hour, journey.Event{
		Source: "sms", Channel: contact.SMS, Dir: contact.Inbound, Kind: journey.KindMessage, Summary: "zzsummary in an SMS", Reason: "zzreason of somebody",
		Identities: []journey.Identity{{Type: journey.Phone, Value: giuliaPhone}},
		Attrs:      map[string]string{"from": giuliaPhone, "digest": "zzinternal"},
		Contents:   []journey.Content{{Type: "text/plain", Data: []byte("zzattachment")}},
	})
	w.ingest(50*time.Minute, journey.Event{
		Source: "email", Channel: contact.Email, Dir: contact.Inbound, Kind: journey.KindMessage, Summary: "zzsummary in a mail",
		Identities: []journey.Identity{{Type: journey.Mail, Value: "zzmail@example.it"}, {Type: journey.Phone, Value: giuliaPhone}},
		Evidence: []journey.Evidence{{
			A: journey.Identity{Type: journey.Mail, Value: "zzmail@example.it"}, B: journey.Identity{Type: journey.Phone, Value: giuliaPhone}, Source: journey.FromAgent,
		}},
		Attrs: map[string]string{"subject": "zzsubject", "from_name": "Zzname Rossi", "from": "zzmail@example.it", "reply_to": "zzmail@example.it"},
	})
	web := func(ago time.Duration, e journey.Event) {
		e.Source, e.Channel, e.Dir = "web", contact.Web, contact.Indirect
		e.Identities = []journey.Identity{{Type: journey.Anonymous, Value: cookie}}
		w.ingest(ago, e)
	}
	web(9*time.Minute, journey.Event{Kind: journey.KindIdentify, Attrs: map[string]string{"plan": "zzidentify"}})
	web(5*time.Minute, journey.Event{Kind: journey.KindPage, Attrs: map[string]string{"path": "/zzpath", "title": "zzpath"}, Summary: "zzsummary"})
	web(2*time.Minute, journey.Event{
		Kind: journey.KindStep, Stage: "payment", Summary: "zzsummary",
		Attrs: map[string]string{
			"form": "checkout", "step": "payment", "step_no": "3", "steps": "4", "value": "77.77", "currency": "EUR", "cart": "zzcart|77.77",
			"filled": "street,card,city,email", "field.street": "via zzstreet 1", "field.card": "zzcard", "field.city": "zzcity",
			"field.email": "zzmail@example.it", "field.phone": giuliaPhone, "path": "/zzpath",
		},
	})
	for range 2 {
		web(time.Minute, journey.Event{Kind: journey.KindError, Summary: "zzerror", Attrs: map[string]string{"form": "checkout", "step": "payment", "message": "zzerror"}})
	}
}

func TestNothingPassesItsTier(t *testing.T) {
	w := newWorld(t)
	seedCanaries(w)
	c := w.call(giuliaPhone, true)
	require.Equal(t, contact.D2, c.Tier)
	for tier := contact.D0; tier <= contact.D3; tier++ {
		t.Run(tier.String(), func(t *testing.T) {
			c := c
			c.Tier = tier
			v, err := w.View(t.Context(), journey.ViewRequest{Context: c, Agent: "paola", Peer: giuliaPhone})
			require.NoError(t, err)
			texts := []string{asJSON(t, v)}
			page, _, err := w.rec.Events(t.Context(), leavesOf(t, w), "", 50)
			require.NoError(t, err)
			require.Len(t, page, 7-1)
			for _, e := range page {
				if shown, ok := w.Show(e, tier); ok {
					texts = append(texts, asJSON(t, shown))
				} else {
					require.Equal(t, contact.D0, tier)
				}
			}
			all := strings.Join(texts, "\n")
			for canary, opens := range canaries {
				if tier < opens {
					require.NotContains(t, all, canary)
				} else {
					require.Contains(t, all, canary)
				}
			}
			if tier == contact.D1 {
				require.Equal(t, []string{"name", "email", "thread", "bodies", "fields", "goal"}, v.Closed)
				require.Equal(t, "Possible match, stopped at payment, step 3 of 4, two minutes ago; SMS unanswered since 08:40", v.Sentence["en"])
				require.Equal(t, "Corrispondenza possibile, ferma al pagamento, passo 3 di 4, due minuti fa; SMS senza risposta dalle 08:40", v.Sentence["it"])
				require.Equal(t, "payment", v.LastWeb.Step)
				for _, e := range v.Events {
					require.Empty(t, e.Title+e.Text+e.Body)
				}
			}
		})
	}
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	require.NoError(t, err)
	require.NotContains(t, string(b), "null", "lists are empty, not null")
	return string(b)
}

// leavesOf returns every id of the one person of the test.
func leavesOf(t *testing.T, w *world) (ids []contact.CustomerID) {
	t.Helper()
	d, err := w.rec.Dossier(t.Context(), journey.Key{Identity: journey.Identity{Type: journey.Phone, Value: giuliaPhone}})
	require.NoError(t, err)
	for _, l := range d.Leaves {
		ids = append(ids, l.ID)
	}
	return ids
}

func TestViewsAreAudited(t *testing.T) {
	w := newWorld(t)
	seedCanaries(w)
	c := w.call(giuliaPhone, true)
	id := contact.NewID(w.at)
	r := journey.ViewRequest{Contact: id, Context: c, Agent: "paola"}
	_, err := w.View(t.Context(), r)
	require.NoError(t, err)
	require.NoError(t, w.Verify(t.Context(), id, c.Customer, "paola", "asked"))
	v, err := w.View(t.Context(), r)
	require.NoError(t, err)
	require.Equal(t, "D3", v.Tier)
	require.Contains(t, asJSON(t, v), "zzstreet")
	lines, err := w.rec.Audited(t.Context(), c.Customer)
	require.NoError(t, err)
	require.Len(t, lines, 3)
	for i, want := range []journey.AuditLine{
		{Action: "view", Tier: contact.D2}, {Action: "verify", Tier: contact.D3, Detail: "asked"}, {Action: "view", Tier: contact.D3},
	} {
		want.At, want.Agent, want.Customer, want.Contact = w.at, "paola", c.Customer, id
		require.Equal(t, want, lines[i])
	}
	other, err := w.View(t.Context(), journey.ViewRequest{Contact: contact.NewID(w.at), Context: c, Agent: "marta"})
	require.NoError(t, err)
	require.Equal(t, "D2", other.Tier, "a verification is for its contact")
}

func TestContentFollowsTierAndCustomer(t *testing.T) {
	w := newWorld(t)
	seedCanaries(w)
	c := w.call(giuliaPhone, true)
	e, err := w.View(t.Context(), journey.ViewRequest{Context: c, Agent: "paola"})
	require.NoError(t, err)
	ref := e.Events[0].Body
	require.NotEmpty(t, ref)
	body, err := w.ContentFor(t.Context(), journey.ViewRequest{Context: c, Agent: "paola"}, ref)
	require.NoError(t, err)
	require.Equal(t, "zzattachment", string(body.Data))

	low := c
	low.Tier = contact.D1
	_, err = w.ContentFor(t.Context(), journey.ViewRequest{Context: low, Agent: "paola"}, ref)
	require.ErrorIs(t, err, journey.ErrClosed)

	stranger := w.ingest(0, journey.Event{Kind: journey.KindPage, Channel: contact.Web, Identities: []journey.Identity{{Type: journey.Anonymous, Value: "other"}}})
	other := contact.Context{Customer: stranger.Customer, Tier: contact.D3}
	_, err = w.ContentFor(t.Context(), journey.ViewRequest{Context: other, Agent: "paola"}, ref)
	require.ErrorIs(t, err, journey.ErrUnknown)
}

func TestViewOfNobody(t *testing.T) {
	w := newWorld(t)
	v, err := w.View(t.Context(), journey.ViewRequest{Agent: "paola", Peer: giuliaPhone})
	require.NoError(t, err)
	require.Equal(t, "Unknown caller", v.Sentence["en"])
	require.Equal(t, "D0", v.Tier)
	require.Equal(t, "+39 347 ••• 4419", v.Phone)
	asJSON(t, v)
}

func TestOpenContactsAreCases(t *testing.T) {
	w := newWorld(t)
	seedCanaries(w)
	c := w.call(giuliaPhone, true)
	require.NoError(t, w.SaveContact(t.Context(), journey.OpenContact{
		ID: "c_mail", Customer: c.Customer, Channel: contact.Email, Subject: "Consegna?", Agent: "marta", EnqueuedAt: w.at,
	}))
	v, err := w.View(t.Context(), journey.ViewRequest{Context: c})
	require.NoError(t, err)
	require.Equal(t, []journey.Case{{ID: "c_mail", Title: "Consegna?", Owner: "marta", OpenedAt: w.at, State: "connected"}}, v.Cases)
	v, err = w.View(t.Context(), journey.ViewRequest{Context: c, Contact: "c_mail"})
	require.NoError(t, err)
	require.Empty(t, v.Cases, "the contact itself is no other case")
}

func TestSharedNumbersStayCheap(t *testing.T) {
	w := newWorld(t)
	for i := range 120 {
		w.ingest(time.Minute, journey.Event{
			Kind: journey.KindStep, Channel: contact.Web, Identities: []journey.Identity{{Type: journey.Anonymous, Value: fmt.Sprint("visitor", i)}},
			Attrs: map[string]string{"form": "checkout", "field.phone": giuliaPhone},
		})
	}
	c := w.call(giuliaPhone, true)
	require.Equal(t, contact.D1, c.Tier)
	d, err := w.rec.Dossier(t.Context(), journey.Key{Identity: journey.Identity{Type: journey.Phone, Value: giuliaPhone}})
	require.NoError(t, err)
	require.LessOrEqual(t, len(d.Leaves), 64)
}

func TestPages(t *testing.T) {
	w := newWorld(t)
	for i := range 7 {
		w.sms(time.Duration(10-i)*time.Minute, contact.Inbound, "")
	}
	c := w.call(giuliaPhone, true)
	v, err := w.View(t.Context(), journey.ViewRequest{Context: c, Limit: 3})
	require.NoError(t, err)
	require.Len(t, v.Events, 3)
	require.Equal(t, 4, v.Earlier)
	require.True(t, v.Events[0].At.Before(v.Events[2].At), "oldest first")
	before, err := w.View(t.Context(), journey.ViewRequest{Context: c, Limit: 3, Before: v.Events[0].ID})
	require.NoError(t, err)
	require.Equal(t, 1, before.Earlier)
	require.True(t, before.Events[2].At.Before(v.Events[0].At))
}
