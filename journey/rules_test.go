package journey_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"filo/contact"
	"filo/journey"
)

func (w *world) mail(ago time.Duration, attrs map[string]string) journey.Receipt {
	return w.ingest(ago, journey.Event{
		Source: "email", Channel: contact.Email, Dir: contact.Inbound, Kind: journey.KindMessage, Summary: "Dove si trova?",
		Identities: []journey.Identity{{Type: journey.Mail, Value: giuliaMail}}, Attrs: attrs,
	})
}

func (w *world) sms(ago time.Duration, dir contact.Direction, agent string) journey.Receipt {
	return w.ingest(ago, journey.Event{
		Source: "sms", Channel: contact.SMS, Dir: dir, Kind: journey.KindMessage, Summary: "Quando?",
		Identities: []journey.Identity{{Type: journey.Phone, Value: giuliaPhone}}, Attrs: map[string]string{"agent": agent},
	})
}

// identify is our own site vouching for phone and mail of a signed-in customer.
func (w *world) identify(ago time.Duration) {
	user := journey.Identity{Type: journey.UserID, Value: "1001"}
	other := func(id journey.Identity) journey.Evidence {
		return journey.Evidence{A: user, B: id, Source: journey.FromIdentify}
	}
	w.ingest(ago, journey.Event{
		Source: "web", Channel: contact.Web, Dir: contact.Indirect, Kind: journey.KindIdentify,
		Identities: []journey.Identity{user}, Attrs: map[string]string{"name": "Giulia Rossi", "lang": "it"},
		Evidence: []journey.Evidence{
			other(journey.Identity{Type: journey.Phone, Value: giuliaPhone}),
			other(journey.Identity{Type: journey.Mail, Value: giuliaMail}),
			other(journey.Identity{Type: journey.Anonymous, Value: cookie}),
		},
	})
}

func TestRules(t *testing.T) {
	for _, c := range []struct {
		name       string
		before     func(w *world)
		caller     string
		untrusted  bool
		tier       contact.Tier
		action     contact.Action
		rule       string
		confidence float64
		queue      string
		preferred  contact.AgentID
		choices    int
		weaker     []string
	}{
		{
			name: "unknown number", before: func(*world) {}, action: contact.Menu,
		},
		{
			name: "phone typed in a form alone", before: func(w *world) { step(2*time.Minute, w, giuliaPhone) },
			tier: contact.D1, action: contact.Skip, rule: "abandoned-checkout", confidence: .85, queue: "checkout",
		},
		{
			name: "form phone after its half hour", before: func(w *world) { step(31*time.Minute, w, giuliaPhone) },
			tier: contact.D1, action: contact.Menu,
		},
		{
			name: "verified, checkout two minutes ago", before: func(w *world) { w.identify(time.Hour); step(2*time.Minute, w, "") },
			tier: contact.D2, action: contact.Skip, rule: "abandoned-checkout", confidence: .90, queue: "checkout",
		},
		{
			name: "a checkout that grows old is asked about", before: func(w *world) { w.identify(time.Hour); step(28*time.Minute, w, "") },
			tier: contact.D2, action: contact.Ask, rule: "abandoned-checkout", confidence: .90 * .84, queue: "checkout", choices: 1,
		},
		{
			name: "checkout out of its window", before: func(w *world) { w.identify(time.Hour); step(31*time.Minute, w, "") },
			tier: contact.D2, action: contact.Menu,
		},
		{
			name: "order after the step", before: func(w *world) {
				w.identify(time.Hour)
				step(5*time.Minute, w, "")
				w.ingest(time.Minute, journey.Event{Source: "web", Channel: contact.Web, Kind: journey.KindOrder, Identities: []journey.Identity{{Type: journey.Anonymous, Value: cookie}}})
			},
			tier: contact.D2, action: contact.Menu,
		},
		{
			name: "untrusted trunk is only a hint", untrusted: true, before: func(w *world) { w.identify(time.Hour); step(2*time.Minute, w, "") },
			tier: contact.D1, action: contact.Ask, rule: "abandoned-checkout", confidence: .63, queue: "checkout", choices: 1,
		},
		{
			name: "withheld", caller: "anonymous", before: func(w *world) { w.identify(time.Hour); step(2*time.Minute, w, "") }, action: contact.Menu,
		},
		{
			name: "mail of last night, to its owner", before: func(w *world) {
				w.identify(time.Hour)
				w.mail(12*time.Hour, map[string]string{"subject": "Consegna?", "queue": "parcels", "agent": "marta"})
			},
			tier: contact.D2, action: contact.Skip, rule: "unanswered-email", confidence: .90, queue: "parcels", preferred: "marta",
		},
		{
			name: "mail of 47 hours is asked about", before: func(w *world) { w.identify(time.Hour); w.mail(47*time.Hour, nil) },
			tier: contact.D2, action: contact.Ask, rule: "unanswered-email", confidence: .90 * (1 - .2*23/24), queue: "service", choices: 1,
		},
		{
			name: "mail of 49 hours", before: func(w *world) { w.identify(time.Hour); w.mail(49*time.Hour, nil) },
			tier: contact.D2, action: contact.Menu,
		},
		{
			name: "answered mail", before: func(w *world) {
				w.identify(time.Hour)
				r := w.mail(12*time.Hour, nil)
				w.ingest(time.Hour, journey.Event{
					Source: "email", Channel: contact.Email, Dir: contact.Outbound, Kind: journey.KindMessage, InReplyTo: r.ID,
					Attrs: map[string]string{"to": giuliaMail, "agent": "marta"},
				})
			},
			tier: contact.D2, action: contact.Menu,
		},
		{
			name: "newsletter needs no answer", before: func(w *world) {
				w.identify(time.Hour)
				w.mail(time.Hour, map[string]string{"auto": "1"})
			},
			tier: contact.D2, action: contact.Menu,
		},
		{
			name: "reply to our SMS, to the agent of before", before: func(w *world) {
				w.sms(3*time.Hour, contact.Outbound, "paola")
				w.sms(10*time.Minute, contact.Inbound, "")
			},
			tier: contact.D2, action: contact.Skip, rule: "reply-sms", confidence: .90, queue: "service", preferred: "paola",
		},
		{
			name: "SMS that we sent", before: func(w *world) { w.sms(10*time.Minute, contact.Outbound, "paola") },
			tier: contact.D2, action: contact.Skip, rule: "reply-sms", confidence: .90, queue: "service", preferred: "paola",
		},
		{
			name: "SMS of three hours", before: func(w *world) { w.sms(3*time.Hour, contact.Inbound, "") },
			tier: contact.D2, action: contact.Menu,
		},
		{
			name: "two close reasons", before: func(w *world) {
				w.identify(time.Hour)
				step(2*time.Minute, w, "")
				w.sms(10*time.Minute, contact.Inbound, "")
			},
			tier: contact.D2, action: contact.Ask, rule: "abandoned-checkout", confidence: .90, queue: "checkout", choices: 2, weaker: []string{"reply-sms"},
		},
		{
			name: "two reasons, far apart in time", before: func(w *world) {
				w.identify(time.Hour)
				step(2*time.Minute, w, "")
				w.mail(12*time.Hour, nil)
			},
			tier: contact.D2, action: contact.Skip, rule: "abandoned-checkout", confidence: .90, queue: "checkout", weaker: []string{"unanswered-email"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			c.before(w)
			caller := c.caller
			if caller == "" {
				caller = giuliaPhone
			}
			got := w.call(caller, !c.untrusted)
			require.Equal(t, c.tier, got.Tier)
			d := got.Decision
			require.Equal(t, c.action, d.Action)
			require.Equal(t, c.rule, d.Rule)
			require.InDelta(t, c.confidence, d.Confidence, 1e-9)
			require.Equal(t, c.queue, d.Target.Queue)
			require.Equal(t, c.preferred, d.Target.Preferred)
			require.Equal(t, c.weaker, d.Weaker)
			require.Len(t, d.Choices, c.choices)
			for _, choice := range d.Choices {
				require.NotEmpty(t, choice.Prompt["en"])
				require.NotEmpty(t, choice.Prompt["it"])
				require.NotContains(t, fmt.Sprint(choice.Prompt), "Giulia")
			}
			if c.preferred != "" {
				require.Positive(t, d.Target.Hold)
			}
			if c.tier < contact.D2 {
				require.Empty(t, got.Name)
			}
		})
	}
}

func TestOwnerOfAnOpenContactIsPreferred(t *testing.T) {
	w := newWorld(t)
	w.identify(time.Hour)
	r := w.mail(12*time.Hour, nil)
	require.NoError(t, w.SaveContact(t.Context(), journey.OpenContact{
		ID: "c_1", Customer: r.Customer, Channel: contact.Email, Event: r.ID, Agent: "marta", Target: contact.Target{Queue: "parcels"},
	}))
	c := w.call(giuliaPhone, true)
	require.Equal(t, contact.ContextHot, c.Status)
	require.Equal(t, contact.AgentID("marta"), c.Decision.Target.Preferred)
	require.Equal(t, "parcels", c.Decision.Target.Queue)
}

func TestAttestation(t *testing.T) {
	w := newWorld(t)
	w.sms(time.Minute, contact.Inbound, "")
	for _, c := range []struct {
		trusted     bool
		attestation string
		want        contact.Tier
	}{
		{true, "", contact.D2}, {false, "", contact.D1}, {false, "A", contact.D2}, {false, "B", contact.D1}, {true, "C", contact.D1},
	} {
		got := w.Arrived(t.Context(), journey.Arrival{Caller: giuliaPhone, Trusted: c.trusted, Attestation: c.attestation, At: w.at})
		require.Equal(t, c.want, got.Tier, "%+v", c)
	}
	require.Equal(t, contact.D0, w.Arrived(t.Context(), journey.Arrival{Caller: giuliaPhone, Trusted: true, Withheld: true, At: w.at}).Tier)
}
