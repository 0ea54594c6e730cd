package e2e

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"filo/bench/robot"
	"filo/contact"
	"filo/journey"
)

var signedLink = regexp.MustCompile(`[?&]cx=([A-Za-z0-9_.~%=-]+)`)

// letter is a mail of a customer.
func (c customer) letter(to, subject, body string, date time.Time) robot.Letter {
	return robot.Letter{
		From: c.Address, To: to, Subject: subject, Body: body, Date: date,
		ID: contact.NewToken("m", time.Now()) + "@posta.example",
	}
}

// checkout fills the shop's checkout up to the payment, with the customer's
// own data in its fields.
func (c customer) checkout(t *testing.T, v *robot.Visitor) {
	t.Helper()
	ctx := within(t)
	fields := map[string]string{
		"name": c.Name, "email": c.Address.Address, "phone": c.Phone, "address": "Vicolo Stella 17", "postcode": "37121",
	}
	filled := []string{"name", "email", "phone", "address", "postcode"}
	step := func(name string, n int, filled, empty []string, fields map[string]string) error {
		return v.Track(ctx, "Form Step Viewed", robot.Props{
			"form": "checkout", "step": name, "step_no": n, "steps": 4, "filled": filled, "empty": empty, "fields": fields,
			"value": "84.90", "currency": "EUR",
			"cart": []map[string]string{{"name": "Coperta merino grigia", "price": "54.00"}, {"name": "Sciarpa verde felce", "price": "30.90"}},
		})
	}
	require.NoError(t, errors.Join(
		v.Page(ctx, "/shop/", "Lanificio Aurora"),
		step("cart", 1, nil, nil, nil),
		step("delivery", 2, filled, nil, fields),
		step("payment", 3, filled, []string{"card_number", "expiry"}, fields),
	))
}

// past is what happened days before the call: an SMS and a mail, both
// answered; the answer to the mail carries a signed link, which is returned.
func (w *world) past() (link string) {
	t := w.t
	n := w.start(daysAgo(3))
	paola := n.ready("paola")
	n.text(giulia.Phone, "Ciao, il codice LANA10 non funziona. Mi aiutate?")
	o := paola.offer("sms")
	require.NoError(t, paola.Accept(within(t), o.ID))
	require.NoError(t, paola.Reply(within(t), o.Contact, "Vale fino a domenica e sopra i 60 euro.", true))
	sms, err := w.texting.Wait(within(t), giulia.Phone)
	require.NoError(t, err)
	require.Equal(t, robot.Text{From: shopNumber, To: giulia.Phone, Body: "Vale fino a domenica e sopra i 60 euro."}, sms)

	require.NoError(t, robot.Post(n.SMTP, giulia.letter(ordersMail, "Coperta merino", "La coperta grigia è disponibile?", time.Now().AddDate(0, 0, -3))))
	paola.answer("email", "Sì. Il suo carrello: "+shopOrigin+"/shop/\n\nPaola")
	mail, err := w.mailbox.Wait(within(t), giulia.Address.Address)
	require.NoError(t, err)
	text, err := mail.Text()
	require.NoError(t, err)
	m := signedLink.FindStringSubmatch(text)
	require.NotNil(t, m, "signed link in %q", text)
	n.quiet()
	require.NoError(t, paola.Close(within(t)))
	n.stop()
	return m[1]
}

// Film A: a visitor comes by a signed link, half-fills a form, has written an
// e-mail and an SMS before, and phones in over a SIP trunk.
func TestFilmA_FromFormToCall(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	link := w.past()

	n := w.start()
	paola, marta := n.ready("paola"), n.ready("marta")
	lastNight := time.Now().Add(-10 * time.Hour)
	require.NoError(t, robot.Post(n.SMTP, giulia.letter(parcelMail, "Consegna?", "Se ordino entro giovedì arriva prima di sabato?", lastNight)))
	giulia.checkout(t, n.visitor("giulia-laptop", link))

	caller := w.newPeer(callerHz)
	sent := time.Now()
	trunk := startSIPp(t, "trunk-call", n.SIP, trunkKeys(giulia, caller))
	o := paola.offer("voice")
	t.Logf("offer %v after SIPp was started", o.arrived.Sub(sent).Round(time.Millisecond))
	seenBeforeAnswer(t, o)
	require.Zero(t, marta.offers(), "Marta is next, not first")

	caller.talkTo(trunk.logged("answer"))
	hears := func() {
		t.Helper()
		bothTalk(t, caller.Meter, paola)
	}
	music(t, caller.Meter) // until somebody answers
	quiet := paola.accept(o)
	hears()

	require.NoError(t, paola.Command(within(t), o.Contact, "hold", ""))
	paola.contact(o.Contact, func(c contactFrame) bool { return c.Hold })
	music(t, caller.Meter)
	require.NoError(t, paola.Command(within(t), o.Contact, "resume", ""))
	paola.contact(o.Contact, func(c contactFrame) bool { return !c.Hold && c.State == "connected" })
	caller.Forget(agentHz)
	paola.Line.Meter.Forget(callerHz)
	hears()

	require.NoError(t, paola.Command(within(t), o.Contact, "hangup", ""))
	trunk.wait()
	quiet()
	paola.contact(o.Contact, func(c contactFrame) bool { return c.State == "wrap_up" })
	call, _ := paola.thread(o.Contact, func(e journey.ThreadEvent) bool { return e.Kind == journey.KindCall })
	require.Equal(t, "handled", call.Attrs["result"])
	require.Equal(t, "abandoned-checkout", call.Attrs["rule"])
	require.NoError(t, paola.WrapUp(within(t), o.Contact, "purchase", "Paid with the second card."))
	paola.state("ready")
	n.quiet("delivery")
	callIsOnThread(t, n, paola)
	n.quiet("delivery")
}

// seenBeforeAnswer checks what is on the agent's screen while it rings.
func seenBeforeAnswer(t *testing.T, o offer) {
	t.Helper()
	v := o.View
	require.Equal(t, "checkout", o.Queue)
	require.Equal(t, "D2", v.Tier)
	require.Equal(t, giulia.Name, v.Name)
	require.NotNil(t, v.LastWeb)
	require.Equal(t, "checkout", v.LastWeb.Form)
	require.Equal(t, "payment", v.LastWeb.Step)
	require.Equal(t, 3, v.LastWeb.StepNo)
	require.Equal(t, 4, v.LastWeb.Steps)
	require.Equal(t, "84.90", v.LastWeb.Total)
	require.Equal(t, []string{"card_number", "expiry"}, v.LastWeb.Empty)
	require.Len(t, v.LastWeb.Cart, 2)
	names := []string{}
	for _, f := range v.LastWeb.Filled {
		names = append(names, f.Name)
		require.NotEqual(t, "Vicolo Stella 17", f.Value, "fields are masked at D2")
	}
	require.ElementsMatch(t, []string{"name", "email", "phone", "address", "postcode"}, names)
	require.True(t, has(v, func(e journey.ThreadEvent) bool { return e.Kind == journey.KindPage && e.Title == "Lanificio Aurora" }), "page")
	require.True(t, has(v, func(e journey.ThreadEvent) bool { return e.Kind == journey.KindLink }), "opened link")
	require.True(t, has(v, func(e journey.ThreadEvent) bool {
		return e.Channel == contact.Email && e.Title == "Consegna?" && strings.Contains(e.Text, "giovedì")
	}), "text of the mail")
	require.True(t, has(v, func(e journey.ThreadEvent) bool {
		return e.Channel == contact.SMS && strings.Contains(e.Text, "LANA10")
	}), "text of the SMS")
	require.NotNil(t, v.Headline.Unanswered)
	require.Equal(t, "Consegna?", v.Headline.Unanswered.Subject)

	require.NotNil(t, o.Skipped, "the menu was skipped")
	require.Equal(t, "abandoned-checkout", o.Skipped.Rule)
	require.InDelta(t, .9, o.Skipped.Confidence, .001)
	why := strings.Join(o.WhyText["en"], " ")
	require.Contains(t, why, "You: checkout 90")
	require.Contains(t, why, "Marta: 70")
	require.Contains(t, why, "IVR skipped: rule abandoned-checkout, confidence .90")
	require.NotEmpty(t, o.WhyText["it"])
	require.Equal(t, "Marta Conti", o.Next)
	require.Regexp(t, `^Giulia Rossi, stopped at payment, step 3 of 4, just now, 84\.90 euro; e-mail 'Consegna\?' unanswered since `, v.Sentence["en"])
	require.NotEmpty(t, v.Sentence["it"])
	require.NotContains(t, fmt.Sprint(o.Peer, v.Phone), giulia.Phone)
}

// callIsOnThread calls once more: the agent sees the first call and its note.
// Who bought is not taken for somebody who stopped at the payment: the reason
// left is the mail.
func callIsOnThread(t *testing.T, n *node, paola *agent) {
	t.Helper()
	again := n.call(giulia.Phone)
	o := paola.offer("voice")
	require.NotNil(t, o.Skipped)
	require.Equal(t, "unanswered-email", o.Skipped.Rule)
	require.True(t, has(o.View, func(e journey.ThreadEvent) bool {
		return e.Kind == journey.KindCall && e.Channel == contact.Voice && strings.Contains(e.Text, "Paola Ferri")
	}), "the call is on the thread")
	require.True(t, has(o.View, func(e journey.ThreadEvent) bool {
		return e.Kind == journey.KindNote && e.Text == "Paid with the second card." && e.Attrs["disposition"] == "purchase"
	}), "the outcome is on the thread")
	require.NoError(t, again.Hangup(within(t)))
	require.Equal(t, "withdrawn", paola.gone(o.ID))
	paola.state("ready")
}
