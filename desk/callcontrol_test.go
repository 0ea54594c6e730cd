package desk

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"filo/contact"
)

// accepted is a call that paola has.
func accepted(t *testing.T, f *fixture) (c *client, tb *tab, card *contact.Card) {
	t.Helper()
	c, tb, card, o := offerTo(t, f, contact.D2)
	code, body := c.call(http.MethodPost, "/api/offers/"+o.ID.String()+"/accept", struct{}{})
	require.Equal(t, http.StatusOK, code, body)
	tb.next(frameContact)
	return c, tb, card
}

func TestCallControl(t *testing.T) {
	f := newFixture(t, nil)
	f.work.dials = true
	c, _, card := accepted(t, f)
	marta, zebra, number := contact.Destination{Agent: "marta"}, contact.Destination{Queue: "phones"}, contact.Destination{Number: "+390455550190"}
	for _, tc := range []struct {
		name string
		body map[string]any
		want contact.CallCommand // zero: refused
		code int
	}{
		{"transfer to an agent", map[string]any{"verb": "transfer", "to": marta}, contact.CallCommand{Verb: contact.Transfer, To: marta}, 200},
		{"consult a queue", map[string]any{"verb": "consult", "to": zebra}, contact.CallCommand{Verb: contact.Consult, To: zebra}, 200},
		{"consult a number", map[string]any{"verb": "consult", "to": number}, contact.CallCommand{Verb: contact.Consult, To: number}, 200},
		{"swap takes nothing else", map[string]any{"verb": "swap", "to": marta, "digits": "1"}, contact.CallCommand{Verb: contact.Swap}, 200},
		{"conference", map[string]any{"verb": "conference"}, contact.CallCommand{Verb: contact.Conference}, 200},
		{"complete", map[string]any{"verb": "complete"}, contact.CallCommand{Verb: contact.Complete}, 200},
		{"drop", map[string]any{"verb": "drop"}, contact.CallCommand{Verb: contact.Drop}, 200},
		{"record", map[string]any{"verb": "record"}, contact.CallCommand{Verb: contact.Record}, 200},
		{"pause", map[string]any{"verb": "record_pause"}, contact.CallCommand{Verb: contact.RecordPause}, 200},
		{"to nobody", map[string]any{"verb": "transfer"}, contact.CallCommand{}, 400},
		{"to two", map[string]any{"verb": "transfer", "to": map[string]string{"agent": "marta", "queue": "checkout"}}, contact.CallCommand{}, 400},
		{"to oneself", map[string]any{"verb": "consult", "to": map[string]string{"agent": "paola"}}, contact.CallCommand{}, 409},
		{"to a stranger", map[string]any{"verb": "consult", "to": map[string]string{"agent": "mallory"}}, contact.CallCommand{}, 409},
		{"to a supervisor without contacts", map[string]any{"verb": "consult", "to": map[string]string{"agent": "boss"}}, contact.CallCommand{}, 409},
		{"no such queue", map[string]any{"verb": "transfer", "to": map[string]string{"queue": "nowhere"}}, contact.CallCommand{}, 409},
		{"a URI is no number", map[string]any{"verb": "transfer", "to": map[string]string{"number": "sip:x@evil.example"}}, contact.CallCommand{}, 400},
		{"a number with more in it", map[string]any{"verb": "transfer", "to": map[string]string{"number": "+39;phone-context=x"}}, contact.CallCommand{}, 400},
		{"monitor is no agent's verb", map[string]any{"verb": "monitor", "mode": "listen"}, contact.CallCommand{}, 400},
	} {
		f.work.mu.Lock()
		f.work.commands = nil
		f.work.mu.Unlock()
		code, body := c.call(http.MethodPost, "/api/contacts/"+string(card.Contact)+"/command", tc.body)
		require.Equal(t, tc.code, code, tc.name+": "+body)
		if tc.code == http.StatusOK {
			tc.want.Agent = "paola"
			require.Equal(t, []contact.CallCommand{tc.want}, f.work.commands, tc.name)
		} else {
			require.Empty(t, f.work.commands, tc.name)
		}
	}

	f.work.dials = false
	code, body := c.call(http.MethodPost, "/api/contacts/"+string(card.Contact)+"/command", map[string]any{"verb": "transfer", "to": number})
	require.Equal(t, http.StatusForbidden, code)
	require.Contains(t, body, `"number_barred"`)
	code, _ = f.signIn("marta").call(http.MethodPost, "/api/contacts/"+string(card.Contact)+"/command", map[string]any{"verb": "transfer", "to": zebra})
	require.Equal(t, http.StatusNotFound, code, "another's contact")
}

func TestRefusalsOfACallHaveNames(t *testing.T) {
	f := newFixture(t, nil)
	c, _, card := accepted(t, f)
	for err, want := range map[error]struct {
		code int
		word string
	}{
		contact.ErrBadCommand:  {409, "wrong_state"},
		contact.ErrNoTarget:    {409, "no_target"},
		contact.ErrBarred:      {403, "number_barred"},
		contact.ErrLineBusy:    {409, "line_busy"},
		contact.ErrNotPossible: {409, "not_possible"},
		contact.ErrNotYours:    {403, "not_yours"},
		contact.ErrNoContact:   {404, "no_contact"},
	} {
		f.work.refuse = err
		code, body := c.call(http.MethodPost, "/api/contacts/"+string(card.Contact)+"/command", map[string]any{"verb": "drop"})
		require.Equal(t, want.code, code, err)
		require.Contains(t, body, `"`+want.word+`"`)
	}
}

func TestCallStateOnTheDesk(t *testing.T) {
	f := newFixture(t, nil)
	_, tb, card := accepted(t, f)
	f.desk.ContactState("paola", card.Contact, contact.CallState{
		Muted: true, Recording: contact.RecordingPaused,
		Consult: contact.ConsultState{To: contact.Destination{Agent: "marta"}, Name: "Marta Conti", Stage: contact.ConsultTalking},
		Monitor: contact.MonitorState{Mode: contact.Listen, Name: "Bea Capo"},
	})
	var raw struct{ Call json.RawMessage }
	tb.next(frameContact).into(t, &raw)
	require.JSONEq(t, `{"hold":false,"muted":true,"line_lost":false,"recording":"paused",
		"consult":{"to":{"agent":"marta"},"name":"Marta Conti","state":"talking"},"monitor":{"mode":"listen","name":"Bea Capo"}}`, string(raw.Call))
	f.desk.ContactState("paola", card.Contact, contact.CallState{})
	tb.next(frameContact).into(t, &raw)
	require.JSONEq(t, `{"hold":false,"muted":false,"line_lost":false,"recording":"off","consult":null,"monitor":null}`, string(raw.Call))
}

// Who is consulted sees the customer's thread as it is proved for the call
// itself, and who asks.
func TestConsultOnTheDesk(t *testing.T) {
	f := newFixture(t, nil)
	c := f.signIn("paola")
	tb := c.open(0)
	tb.next(frameSnapshot)
	c.ready()
	asks := card(contact.D2)
	asks.Consult = &contact.ConsultOf{Contact: "c_parent", By: "marta", Name: "Marta Conti"}
	f.place(asks)
	var o offerJSON
	tb.next(frameOffer).into(t, &o)
	require.Equal(t, &consultOfJSON{Contact: "c_parent", By: "marta", Name: "Marta Conti"}, o.Consult)
	require.Equal(t, canary, o.View.Name)
	_, _ = c.call(http.MethodPost, "/api/offers/"+o.ID.String()+"/accept", struct{}{})
	var ct contactJSON
	tb.next(frameContact).into(t, &ct)
	require.Equal(t, "marta", string(ct.Consult.By))
	seat := f.desk.seatOf("paola")
	require.NoError(t, seat.do(t.Context(), func(ctx context.Context) {
		require.Equal(t, contact.ID("c_parent"), seat.viewRequest(seat.items[asks.Contact]).Contact)
	}))
}

func TestMonitorIsForSupervisors(t *testing.T) {
	f := newFixture(t, nil)
	paola, _, card := accepted(t, f)
	at := "/api/contacts/" + string(card.Contact) + "/monitor"
	code, _ := paola.call(http.MethodPost, at, map[string]string{"mode": "listen"})
	require.Equal(t, http.StatusForbidden, code)
	require.Empty(t, f.work.commands)

	boss := f.signIn("boss")
	require.NotNil(t, boss.session.Line, "a supervisor listens over a line")
	tb := boss.open(0)
	tb.next(frameSnapshot)
	for _, mode := range []contact.MonitorMode{contact.Listen, contact.Whisper, contact.Barge, contact.MonitorOff} {
		code, body := boss.call(http.MethodPost, at, map[string]string{"mode": string(mode)})
		require.Equal(t, http.StatusOK, code, body)
	}
	require.Len(t, f.work.commands, 4)
	require.Equal(t, contact.CallCommand{Verb: contact.Monitor, Agent: "boss", Mode: contact.Whisper}, f.work.commands[1])
	for _, bad := range []string{"", "spy"} {
		code, _ = boss.call(http.MethodPost, at, map[string]string{"mode": bad})
		require.Equal(t, http.StatusBadRequest, code)
	}

	f.desk.MonitorChanged("boss", contact.Monitoring{Contact: card.Contact, Mode: contact.Listen, Agent: "paola"})
	var m monitorJSON
	tb.next(frameMonitor).into(t, &m)
	require.Equal(t, monitorJSON{Contact: card.Contact, Mode: contact.Listen, Agent: "Paola Ferri"}, m)
	var snap snapshotJSON
	boss.open(0).next(frameSnapshot).into(t, &snap)
	require.Equal(t, &m, snap.Monitor)
	f.desk.MonitorChanged("boss", contact.Monitoring{Contact: card.Contact, Mode: contact.MonitorOff, Agent: "paola"})
	tb.next(frameMonitor).into(t, &m)
	require.Equal(t, contact.MonitorOff, m.Mode)
	var after snapshotJSON
	boss.open(0).next(frameSnapshot).into(t, &after)
	require.Nil(t, after.Monitor)
	f.desk.MonitorChanged("nobody", contact.Monitoring{})
}

func TestDirectory(t *testing.T) {
	f := newFixture(t, nil)
	f.work.dials = true
	c := f.signIn("paola")
	tb := c.open(0)
	tb.next(frameSnapshot)
	f.signIn("marta").ready()
	var dir directoryJSON
	require.Eventually(t, func() bool {
		code, body := c.call(http.MethodGet, "/api/directory", nil)
		require.Equal(t, http.StatusOK, code, body)
		require.NoError(t, json.Unmarshal([]byte(body), &dir))
		for _, a := range dir.Agents {
			if a.ID == "marta" {
				return a.State == contact.Ready
			}
		}
		return false
	}, 5*time.Second, 20*time.Millisecond)
	var names []string
	for _, a := range dir.Agents {
		names = append(names, a.Name)
	}
	require.Equal(t, []string{"Carlo Only", "Fabio Fisso", "Marta Conti", "No Login", "Rosa Robot"}, names, "by name, without the asker and who takes no contacts")
	require.Equal(t, contact.LoggedOut, dir.Agents[0].State)
	require.Equal(t, "checkout", dir.Queues[0].ID)
	require.Equal(t, "Cassa", dir.Queues[0].Label["it"])
	require.True(t, dir.Numbers)
	_, body := c.call(http.MethodGet, "/api/config", nil)
	require.Contains(t, body, `"recording":true`)
}
