package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"filo/bench/robot"
	"filo/journey"
)

// E-mail: a mail comes by SMTP, is seen and answered at a desk; the relay gets
// the answer as part of the same conversation, and so does what follows.
func TestRowEmail_AnsweredAtTheDesk(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.start()
	paola := n.ready("paola")
	first := giulia.letter(ordersMail, "Coperta merino", "La coperta grigia è disponibile?\r\nGrazie, Giulia", time.Now())
	require.NoError(t, robot.Post(n.SMTP, first))
	o := paola.offer("email")
	require.Equal(t, "checkout", o.Queue)
	require.Equal(t, "Coperta merino", o.Subject)
	require.True(t, has(o.View, func(e journey.ThreadEvent) bool { return strings.Contains(e.Text, "disponibile") && !e.Answered }), "its text is seen before the answer")
	require.NotContains(t, o.Peer, "giulia.rossi@", "the address is masked")
	require.NoError(t, paola.Accept(within(t), o.ID))
	require.NoError(t, paola.Reply(within(t), o.Contact, "Sì, è disponibile.\n\nPaola", true))

	mail, err := w.mailbox.Wait(within(t), giulia.Address.Address)
	require.NoError(t, err)
	require.Equal(t, "<"+first.ID+">", mail.Header.Get("In-Reply-To"))
	require.Contains(t, mail.Header.Get("References"), first.ID)
	require.Contains(t, mail.Header.Get("From"), ordersMail)
	require.Contains(t, mail.Header.Get("Subject"), "Coperta merino")
	text, err := mail.Text()
	require.NoError(t, err)
	require.Contains(t, text, "Sì, è disponibile.")
	paola.state("ready")
	n.quiet()

	second := giulia.letter(ordersMail, "Re: Coperta merino", "Grazie, ne prendo due", time.Now())
	require.NoError(t, robot.Post(n.SMTP, second))
	o = paola.offer("email")
	require.True(t, has(o.View, func(e journey.ThreadEvent) bool { return e.Dir == "out" && strings.Contains(e.Text, "è disponibile") }), "our answer is on the thread")
	require.True(t, has(o.View, func(e journey.ThreadEvent) bool {
		return e.Text != "" && strings.Contains(e.Text, "grigia") && e.Answered
	}), "the first mail is answered")
	require.NoError(t, paola.Accept(within(t), o.ID))
	require.NoError(t, paola.Reply(within(t), o.Contact, "Ottimo", true))
	_, err = w.mailbox.Wait(within(t), giulia.Address.Address)
	require.NoError(t, err)
	n.quiet()
}

// SMS: a signed webhook reaches a desk, the provider's REST API gets the answer.
func TestRowSMS_AnsweredAtTheDesk(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.start()
	paola := n.ready("paola")
	n.text(giulia.Phone, "Il codice LANA10 non funziona 😕")
	o := paola.offer("sms")
	require.Equal(t, "service", o.Queue)
	require.True(t, has(o.View, func(e journey.ThreadEvent) bool { return strings.Contains(e.Text, "LANA10 non funziona 😕") }))
	require.NotContains(t, paola.seen(), giulia.Phone, "the number is masked")
	require.NoError(t, paola.Accept(within(t), o.ID))
	require.NoError(t, paola.Reply(within(t), o.Contact, "Vale da 60 € in su", true))
	sms, err := w.texting.Wait(within(t), giulia.Phone)
	require.NoError(t, err)
	require.Equal(t, robot.Text{From: shopNumber, To: giulia.Phone, Body: "Vale da 60 € in su"}, sms)
	n.quiet()
}

// A forged webhook is 401, and nothing happened.
func TestRowSMS_ForgedWebhook(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.start()
	paola := n.ready("paola")
	forger, err := robot.NewTexting(t.Context(), accountSID, "not the token")
	require.NoError(t, err)
	defer func() { require.NoError(t, forger.Close()) }()
	sms := robot.Text{From: giulia.Phone, To: shopNumber, Body: "forged"}
	hook := n.URL + "/hooks/sms"
	require.ErrorContains(t, forger.Deliver(within(t), hook, webhookURL, sms), "401", "another token")
	require.ErrorContains(t, w.texting.Deliver(within(t), hook, "https://elsewhere.example/hooks/sms", sms), "401", "signed for another address")
	require.Zero(t, n.metric("filo_journey_events_total"))

	sms.Body = "genuine"
	require.NoError(t, w.texting.Deliver(within(t), hook, webhookURL, sms))
	o := paola.offer("sms")
	require.False(t, has(o.View, func(e journey.ThreadEvent) bool { return strings.Contains(e.Text, "forged") }))
	require.Equal(t, 1, paola.offers())
	require.NoError(t, paola.Accept(within(t), o.ID))
	require.NoError(t, paola.WrapUp(within(t), o.Contact, "answered", ""))
	n.quiet()
}

// A reply that the relay refuses is told to the agent, who still has the
// contact and can send it again.
func TestRowEmail_RelayIsDown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.start()
	paola := n.ready("paola")
	require.NoError(t, robot.Post(n.SMTP, giulia.letter(ordersMail, "Coperta", "È disponibile?", time.Now())))
	o := paola.offer("email")
	require.NoError(t, paola.Accept(within(t), o.ID))
	require.NoError(t, w.mailbox.Close())
	err := paola.Reply(within(t), o.Contact, "Sì", true)
	require.Equal(t, 409, apiStatus(err), "%v", err)
	require.NoError(t, paola.WrapUp(within(t), o.Contact, "answered", ""), "the contact is still there")
	n.quiet()
}
