package desk

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"filo/contact"
	"filo/journey"
	"filo/router"
)

// soon is the 300 ms that an agent may wait, and what a busy machine adds.
const soon = time.Second

// offerTo brings a call to paola's desk and returns everything of it.
func offerTo(t *testing.T, f *fixture, tier contact.Tier) (*client, *tab, *contact.Card, offerJSON) {
	t.Helper()
	c := f.signIn("paola")
	tb := c.open(0)
	tb.next(frameSnapshot)
	c.ready()
	card := card(tier)
	f.place(card)
	var o offerJSON
	tb.next(frameOffer).into(t, &o)
	return c, tb, card, o
}

func TestOfferToWrapUp(t *testing.T) {
	f := newFixture(t, nil)
	c := f.signIn("paola")
	tb := c.open(0)
	var snap snapshotJSON
	tb.next(frameSnapshot).into(t, &snap)
	require.Equal(t, contact.NotReady, snap.Agent.State)
	require.Empty(t, snap.Offers)
	c.ready()

	card := card(contact.D2)
	start := time.Now()
	ticket := f.place(card)
	var o offerJSON
	tb.next(frameOffer).into(t, &o)
	require.Less(t, time.Since(start), soon)
	require.Equal(t, card.Contact, o.Contact)
	require.Equal(t, "Checkout", o.QueueLabel["en"])
	require.Equal(t, "+39 347 ••• 4419", o.Peer)
	require.Equal(t, canary, o.View.Name)
	require.Equal(t, "abandoned-checkout", o.Skipped.Rule)
	require.False(t, o.Phone)
	require.Len(t, o.WhyText["en"], 2)
	require.Contains(t, o.WhyText["en"][0], "You: checkout 90")
	require.Equal(t, "IVR skipped: rule abandoned-checkout, confidence .90, 2 min old.", o.WhyText["en"][1])

	// What the customer does while it rings is on the screen at once.
	f.thread.set(func(f *fakeThread) { f.step = 4 })
	start = time.Now()
	f.thread.happen(journey.Event{ID: "e_5", OccurredAt: time.Now(), Channel: contact.Web, Kind: journey.KindStep, Summary: "back on payment"})
	var th threadJSON
	tb.next(frameThread).into(t, &th)
	require.Equal(t, "e_5", th.Event.ID)
	var v viewJSON
	tb.next(frameView).into(t, &v)
	require.Equal(t, 4, v.View.LastWeb.StepNo)
	require.Less(t, time.Since(start), soon)

	code, body := c.call(http.MethodPost, "/api/offers/"+o.ID.String()+"/accept", struct{}{})
	require.Equal(t, http.StatusOK, code, body)
	require.Contains(t, body, string(card.Contact))
	var gone offerGoneJSON
	tb.next(frameOfferGone).into(t, &gone)
	require.Equal(t, "accepted", gone.Reason)
	var ct contactJSON
	tb.next(frameContact).into(t, &ct)
	require.Equal(t, contact.Connected, ct.State)
	require.NotEmpty(t, ct.WhyText["it"])

	code, _ = c.call(http.MethodPost, "/api/offers/"+o.ID.String()+"/accept", struct{}{})
	require.Equal(t, http.StatusConflict, code)

	at := "/api/contacts/" + string(card.Contact)
	code, body = c.call(http.MethodPost, at+"/command", map[string]string{"verb": "hold"})
	require.Equal(t, http.StatusOK, code, body)
	require.Equal(t, []contact.CallCommand{{Verb: contact.Hold, Agent: "paola"}}, f.work.commands)
	f.desk.ContactState("paola", card.Contact, contact.CallState{Hold: true})
	tb.next(frameContact).into(t, &ct)
	require.True(t, ct.Hold)

	require.NoError(t, ticket.End(context.Background(), contact.Handled))
	ct = contactJSON{}
	tb.next(frameContact).into(t, &ct)
	require.Equal(t, contact.WrapUp, ct.State)
	require.NotNil(t, ct.WrapUpEnds)
	require.False(t, ct.Hold)

	ends := time.Time(*ct.WrapUpEnds)
	code, body = c.call(http.MethodPost, at+"/wrapup/extend", map[string]int{"ms": 60_000})
	require.Equal(t, http.StatusOK, code, body)
	ct = contactJSON{}
	tb.next(frameContact).into(t, &ct)
	require.Greater(t, time.Time(*ct.WrapUpEnds).Sub(ends), 50*time.Second)

	code, _ = c.call(http.MethodPost, at+"/wrapup", map[string]any{"answered": []string{"e_other"}})
	require.Equal(t, http.StatusBadRequest, code, "not on this thread")
	code, body = c.call(http.MethodPost, at+"/wrapup", map[string]any{"disposition": "purchase", "note": "ok", "answered": []string{"e_1"}})
	require.Equal(t, http.StatusOK, code, body)
	tb.next(frameContactGone)
	require.Equal(t, []string{"e_1"}, f.thread.marked)
	require.Equal(t, "purchase", f.work.notes[0].Disposition)
}

func TestNothingPersonalLeavesAtD1(t *testing.T) {
	f := newFixture(t, nil)
	c, tb, card, o := offerTo(t, f, contact.D1)
	require.Empty(t, o.View.Name)
	require.Empty(t, o.Subject)
	f.thread.happen(journey.Event{ID: "e_7", OccurredAt: time.Now(), Channel: contact.SMS, Kind: journey.KindMessage, Summary: "I am " + canary})
	tb.next(frameThread)
	code, body := c.call(http.MethodPost, "/api/offers/"+o.ID.String()+"/accept", struct{}{})
	require.Equal(t, http.StatusOK, code, body)
	tb.next(frameContact)

	at := "/api/contacts/" + string(card.Contact)
	seen := tb.raw.String()
	for _, path := range []string{at + "/thread?before=e_1", at + "/content/b_e_1", "/api/session", "/api/config"} {
		_, body := c.call(http.MethodGet, path, nil)
		seen += body
	}
	again := c.open(0)
	again.next(frameSnapshot)
	seen += again.raw.String()
	require.NotContains(t, seen, "Canarina")
	require.NotContains(t, seen, "3471234419")
	require.NotContains(t, seen, "Consegna")
	code, _ = c.call(http.MethodGet, at+"/content/b_e_1", nil)
	require.Equal(t, http.StatusForbidden, code)

	code, body = c.call(http.MethodPost, at+"/verify", map[string]string{"method": "asked"})
	require.Equal(t, http.StatusOK, code, body)
	require.Contains(t, body, canary)
	require.True(t, f.thread.verified[card.Contact])
	var v viewJSON
	tb.next(frameView).into(t, &v)
	require.Equal(t, "D3", v.View.Tier)
	var ct contactJSON
	tb.next(frameContact).into(t, &ct)
	require.Equal(t, "+39 347 123 4419", ct.Peer)
}

func TestVerifyOnlyOnOnesOwnContact(t *testing.T) {
	f := newFixture(t, nil)
	c, _, card, _ := offerTo(t, f, contact.D1)
	at := "/api/contacts/" + string(card.Contact)
	code, _ := c.call(http.MethodPost, at+"/verify", map[string]string{"method": "asked"})
	require.Equal(t, http.StatusConflict, code, "an offer cannot be opened")
	other := f.signIn("marta")
	for _, call := range []string{"/verify", "/command", "/wrapup", "/reply"} {
		code, body := other.call(http.MethodPost, at+call, map[string]string{})
		require.Contains(t, []int{http.StatusNotFound, http.StatusBadRequest}, code, body)
	}
	code, _ = other.call(http.MethodGet, at+"/thread", nil)
	require.Equal(t, http.StatusNotFound, code)
	require.Empty(t, f.thread.verified)
}

func TestRejectGoesToTheNext(t *testing.T) {
	f := newFixture(t, nil)
	marta := f.signIn("marta")
	mtab := marta.open(0)
	mtab.next(frameSnapshot)
	marta.ready()
	c, tb, _, o := offerTo(t, f, contact.D2)
	require.Equal(t, "Marta Conti", o.Next)
	require.Contains(t, o.WhyText["it"][0], "Marta: 70.")
	code, body := c.call(http.MethodPost, "/api/offers/"+o.ID.String()+"/reject", map[string]string{"reason": "busy"})
	require.Equal(t, http.StatusOK, code, body)
	var gone offerGoneJSON
	tb.next(frameOfferGone).into(t, &gone)
	require.Equal(t, "rejected", gone.Reason)
	var second offerJSON
	mtab.next(frameOffer).into(t, &second)
	require.Equal(t, o.Contact, second.Contact)
}

func TestMessageReplyAndClose(t *testing.T) {
	f := newFixture(t, nil)
	c := f.signIn("paola")
	tb := c.open(0)
	tb.next(frameSnapshot)
	c.ready()
	mail := card(contact.D2)
	mail.Channel, mail.Subject, mail.Peer, mail.SkippedIVR = contact.Email, "Consegna?", "giulia@posta.example", false
	ticket := f.place(mail)
	var o offerJSON
	tb.next(frameOffer).into(t, &o)
	require.Equal(t, "Consegna?", o.Subject)
	require.Equal(t, "g••••••@posta.example", o.Peer)
	code, body := c.call(http.MethodPost, "/api/offers/"+o.ID.String()+"/accept", nil)
	require.Equal(t, http.StatusOK, code, body)
	var ct contactJSON
	tb.next(frameContact).into(t, &ct)
	require.Equal(t, &replyJSON{To: "g••••••@posta.example", Subject: "Re: Consegna?", Max: maxMail}, ct.Reply)
	require.NotNil(t, ct.Deadline)

	at := "/api/contacts/" + string(mail.Contact)
	for name, body := range map[string]any{
		"empty":   map[string]any{"body": " \n"},
		"unknown": map[string]any{"body": "x", "to": "somebody@else.example"},
	} {
		code, _ := c.call(http.MethodPost, at+"/reply", body)
		require.Equal(t, http.StatusBadRequest, code, name)
	}
	f.work.onReply = func(r contact.Reply) (string, error) {
		f.thread.set(func(f *fakeThread) { f.reply = journey.Event{ID: "e_reply", Summary: r.Body} })
		return "e_reply", ticket.End(context.Background(), contact.Handled)
	}
	code, body = c.call(http.MethodPost, at+"/reply", map[string]any{"body": "Arriva giovedì.", "close": true})
	require.Equal(t, http.StatusOK, code, body)
	require.Contains(t, body, `"text":"Arriva giovedì."`)
	require.Equal(t, contact.Reply{Contact: mail.Contact, Agent: "paola", Body: "Arriva giovedì.", Close: true}, f.work.replies[0])
	tb.next(frameContactGone)
}

func TestViewThatFailsComesLater(t *testing.T) {
	f := newFixture(t, nil)
	f.thread.set(func(f *fakeThread) { f.fail = context.DeadlineExceeded })
	_, tb, _, o := offerTo(t, f, contact.D2)
	require.Equal(t, "D2", o.View.Tier)
	require.NotNil(t, o.View.Events)
	f.thread.set(func(f *fakeThread) { f.fail = nil })
	var v viewJSON
	tb.next(frameView).into(t, &v)
	require.Equal(t, canary, v.View.Name)
}

func TestPhoneUserAnswersOnThePhone(t *testing.T) {
	f := newFixture(t, nil)
	c := f.signIn("phone")
	require.Nil(t, c.session.Line)
	require.True(t, c.session.Phone)
	tb := c.open(0)
	tb.next(frameSnapshot)
	c.ready()
	card := card(contact.D2)
	card.Queue = "phones"
	f.place(card)
	var o offerJSON
	tb.next(frameOffer).into(t, &o)
	require.True(t, o.Phone)
	code, _ := c.call(http.MethodPost, "/api/offers/"+o.ID.String()+"/accept", nil)
	require.Equal(t, http.StatusConflict, code)
}

func TestReadyNeedsALineForVoiceAlone(t *testing.T) {
	f := newFixture(t, nil)
	c := f.signIn("calls")
	code, body := c.call(http.MethodPost, "/api/agent/state", map[string]string{"state": "ready"})
	require.Equal(t, http.StatusConflict, code, body)
	tb := c.open(0)
	var up upJSON
	tb.next(frameLine).into(t, &up)
	require.False(t, up.Up)
	f.work.line("calls", true)
	f.desk.LineChanged("calls", true)
	tb.next(frameLine).into(t, &up)
	require.True(t, up.Up)
	c.ready()
}

func TestPhonesWithoutADeskAreReadyAtStart(t *testing.T) {
	f := newFixture(t, nil)
	state := func() contact.AgentState {
		snap, err := f.router.Snapshot(context.Background())
		require.NoError(t, err)
		for _, a := range snap.Agents {
			if a.ID == "robot" {
				return a.State
			}
		}
		return ""
	}
	require.Eventually(t, func() bool { return state() == contact.Ready }, time.Second, 5*time.Millisecond)
	require.NoError(t, f.router.SetReady(context.Background(), "robot", false, "rona"))
	f.work.line("robot", true)
	f.desk.LineChanged("robot", true)
	require.Eventually(t, func() bool {
		card := card(contact.D2)
		card.Queue = "robots"
		f.place(card)
		return state() == contact.Reserved
	}, time.Second, 5*time.Millisecond)
}

func TestWrapUpMayComeEarlyAndLate(t *testing.T) {
	f := newFixture(t, nil)
	c := f.signIn("paola")
	tb := c.open(0)
	tb.next(frameSnapshot)
	c.ready()
	connect := func() (*router.Ticket, string) {
		var o offerJSON
		ticket := f.place(card(contact.D2))
		tb.next(frameOffer).into(t, &o)
		code, body := c.call(http.MethodPost, "/api/offers/"+o.ID.String()+"/accept", nil)
		require.Equal(t, http.StatusOK, code, body)
		tb.next(frameContact)
		return ticket, "/api/contacts/" + string(o.Contact) + "/wrapup"
	}

	// The browser saves before we have heard of the caller's BYE.
	ticket, at := connect()
	saved := make(chan int, 1)
	var wg sync.WaitGroup
	wg.Go(func() {
		r, err := c.do(http.MethodPost, at, map[string]string{"disposition": "purchase"}, nil)
		if err == nil {
			saved <- r.StatusCode
		}
	})
	require.NoError(t, ticket.End(context.Background(), contact.Handled))
	require.Equal(t, http.StatusOK, <-saved)
	wg.Wait()
	tb.next(frameContactGone)

	// The wrap-up ends while the agent still writes.
	ticket, at = connect()
	require.NoError(t, ticket.End(context.Background(), contact.Handled))
	tb.next(frameContact)
	id := contact.ID(strings.Split(at, "/")[3])
	require.NoError(t, f.router.EndWrapUp(context.Background(), "paola", id))
	tb.next(frameContactGone)
	code, body := c.call(http.MethodPost, at, map[string]any{"disposition": "callback", "answered": []string{"e_1"}})
	require.Equal(t, http.StatusOK, code, body)
	require.Equal(t, "callback", f.work.notes[1].Disposition)
	code, _ = c.call(http.MethodPost, "/api/contacts/"+string(id)+"/verify", map[string]string{"method": "asked"})
	require.Equal(t, http.StatusNotFound, code, "only the note is still taken")
}
