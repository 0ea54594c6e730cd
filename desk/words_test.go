package desk

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"filo/contact"
	"filo/journey"
	"filo/measure"
	"filo/router"
)

func TestWhyText(t *testing.T) {
	now := time.Now()
	levels := func(n uint8) []contact.SkillLevel { return []contact.SkillLevel{{Name: "checkout", Level: n}} }
	two := []contact.SkillLevel{{Name: "checkout", Level: 80}, {Name: "lang:it", Level: 100}}
	paola := contact.WhyAgent{Agent: "paola", Name: "Paola Ferri", Skills: levels(90), Idle: 4*time.Minute + 10*time.Second, Verdict: "chosen"}
	marta := contact.WhyAgent{Agent: "marta", Name: "Marta Conti", Skills: levels(70), Idle: time.Minute, Verdict: "eligible"}
	davide := contact.WhyAgent{Agent: "davide", Name: "Davide Re", Skills: levels(90), Verdict: "busy"}
	skipped := &contact.Card{SkippedIVR: true, Context: contact.Context{Decision: contact.Decision{Rule: "abandoned-checkout", Confidence: .9, At: now.Add(-2 * time.Minute)}}}
	for _, tc := range []struct {
		name   string
		why    contact.Why
		card   *contact.Card
		viewer contact.AgentID
		en, it []string
	}{
		{
			"the issue's own",
			contact.Why{Key: "proficiency", Agents: []contact.WhyAgent{paola, marta}},
			skipped, "paola",
			[]string{"You: checkout 90, idle 4 min. Marta: 70.", "IVR skipped: rule abandoned-checkout, confidence .90, 2 min old."},
			[]string{"Tu: checkout 90, in attesa da 4 min. Marta: 70.", "IVR saltato: regola abandoned-checkout, confidenza 0,90, 2 min fa."},
		},
		{
			"for a supervisor",
			contact.Why{Key: "longest_idle", Agents: []contact.WhyAgent{paola, marta, davide}},
			nil, "",
			[]string{"Paola: checkout 90, idle 4 min. Marta: 70, idle 1 min. Davide: 90, busy."},
			[]string{"Paola: checkout 90, in attesa da 4 min. Marta: 70, in attesa da 1 min. Davide: 90, occupato."},
		},
		{
			"preferred, many others",
			contact.Why{Key: "preferred", Agents: []contact.WhyAgent{
				paola, marta, davide, {Agent: "z", Name: "Z", Verdict: "skill"}, {Agent: "x", Name: "Marta Verdi", Verdict: "not_ready"}, {Agent: "y", Name: "Y"},
			}, More: 7},
			&contact.Card{Digits: []string{"menu=2", "lang=1"}}, "paola",
			[]string{"You: knows this customer, checkout 90, idle 4 min. Marta Conti: 70. Davide: 90, busy. Marta Verdi: not ready. 8 more.", "Chosen in the menu: menu=2, lang=1."},
			[]string{"Tu: conosce il cliente, checkout 90, in attesa da 4 min. Marta Conti: 70. Davide: 90, occupato. Marta Verdi: non disponibile. Altri 8.", "Scelto nel menu: menu=2, lang=1."},
		},
		{
			"two skills, no name",
			contact.Why{Agents: []contact.WhyAgent{{Agent: "p", Skills: two, Idle: 3 * time.Hour}, {Agent: "q", Skills: two, Verdict: "eligible"}}},
			nil, "",
			[]string{"p: checkout 80, it 100, idle 3 h. q: checkout 80, it 100."},
			[]string{"p: checkout 80, it 100, in attesa da 3 h. q: checkout 80, it 100."},
		},
		{"nothing known", contact.Why{}, nil, "paola", []string{}, []string{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := whyText(tc.why, tc.card, tc.viewer, now)
			require.Equal(t, tc.en, got["en"])
			require.Equal(t, tc.it, got["it"])
		})
	}
	require.Equal(t, "1.00", english().confidence(1))
	require.Equal(t, "1,00", italian().confidence(1.2))
	require.Equal(t, "0,00", italian().confidence(-1))
}

func TestShown(t *testing.T) {
	for _, tc := range []struct{ peer, masked, clear string }{
		{"+393471234419", "+39 347 ••• 4419", "+39 347 123 4419"},
		{"+14155550132", "+1 415 ••• 0132", "+1 415-555-0132"},
		{"+390612345678", "+39 061 ••• 5678", "+39 06 1234 5678"},
		{"+3936012", "+39 •••12", "+39 36012"},
		{"giulia@posta.example", "g••••••@posta.example", "giulia@posta.example"},
		{"è@posta.example", "è••••••@posta.example", "è@posta.example"},
		{"@posta.example", "••••••@posta.example", "@posta.example"},
		{"4242", "•••42", "4242"},
		{"guest-1234", "", ""},
		{"+39abc", "", ""},
		{"", "", ""},
	} {
		for tier := contact.D0; tier < contact.D3; tier++ {
			require.Equal(t, tc.masked, shown(tc.peer, tier), tc.peer)
		}
		require.Equal(t, tc.clear, shown(tc.peer, contact.D3), tc.peer)
	}
}

func TestStatusOfEveryError(t *testing.T) {
	for _, m := range statuses() {
		code, word := status(fmt.Errorf("wrapped: %w", m.err))
		require.Equal(t, m.status, code, m.err)
		require.Equal(t, m.word, word, m.err)
	}
	code, word := status(errors.New("anything"))
	require.Equal(t, http.StatusInternalServerError, code)
	require.Equal(t, "internal", word)
}

func TestFloorFigures(t *testing.T) {
	d := &Desk{deps: Deps{Routing: routing()}}
	// The worked example of measure: 81.9 %.
	c := measure.Counts{Offered: 1060, Answered: 1000, AnsweredIn: 860, Abandoned: 60, AbandonedIn: 20, ShortAbandons: 10}
	stats := []measure.QueueStats{{Queue: "checkout", Figures: measure.Figures{Counts: c}}}
	snap := router.Snapshot{Queues: []router.QueueSnapshot{{Name: "checkout"}, {Name: "general"}}}
	queues := d.floorQueues(snap, stats)
	require.InDelta(t, .819, queues[0].InTime, .0005)
	require.InDelta(t, 50./1050, queues[0].Lost, 1e-9)
	require.InDelta(t, -1, queues[1].InTime, 0)
	sl := serviceLevel(stats)
	require.InDelta(t, .819, sl.Value, .0005)
	require.InDelta(t, .811, sl.Variants["strict"], .0005)
	require.Equal(t, 10, sl.Short)
}

func TestStampAndLists(t *testing.T) {
	b, err := json.Marshal(stamp(time.Date(2026, 11, 19, 9, 41, 0, 123456789, time.FixedZone("CET", 3600))))
	require.NoError(t, err)
	require.Equal(t, `"2026-11-19T08:41:00.123Z"`, string(b))
	us, err := NewUsers([]User{{User: "paola", Name: "Paola Ferri", Phone: true, SIPPassword: "12345678"}})
	require.NoError(t, err)
	b, err = json.Marshal(us.complete(journey.View{LastWeb: &journey.WebStep{}}))
	require.NoError(t, err)
	require.NotContains(t, string(b), "null")
	kept := journey.View{Events: []journey.ThreadEvent{{Attrs: map[string]string{"agent": "paola"}}, {Attrs: map[string]string{"agent": "gone"}}}}
	named := us.complete(kept).Events
	require.Equal(t, "Paola Ferri", named[0].Attrs["agent"])
	require.Equal(t, "gone", named[1].Attrs["agent"], "somebody who left keeps the id")
	require.Equal(t, "paola", kept.Events[0].Attrs["agent"], "the journey's own stay as they are")
}
