package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"filo/bench/robot"
	"filo/contact"
	"filo/journey"
)

// The rule for SMS: who calls within two hours of our text calls about it, and
// gets the agent who wrote it, though another one is better skilled.
func TestRowRules_ReplyToOurSMS(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.start()
	paola := n.ready("paola") // service 60
	n.text(giulia.Phone, "Il codice LANA10 non funziona")
	paola.answer("sms", "Vale da 60 euro in su")
	_, err := w.texting.Wait(within(t), giulia.Phone)
	require.NoError(t, err)
	marta := n.ready("marta") // service 70

	c := n.call(giulia.Phone)
	o := paola.offer("voice")
	require.NotNil(t, o.Skipped)
	require.Equal(t, "reply-sms", o.Skipped.Rule)
	require.Equal(t, "D2", o.View.Tier)
	require.True(t, has(o.View, func(e journey.ThreadEvent) bool {
		return e.Dir == contact.Outbound && e.Text == "Vale da 60 euro in su"
	}))
	require.Zero(t, marta.offers())
	paola.accept(o)
	bothTalk(t, c.Meter, paola)
	require.NoError(t, c.Hangup(within(t)))
	paola.contact(o.Contact, func(c contactFrame) bool { return c.State == "wrap_up" })
	n.quiet()
}

// The rule for e-mail: who wrote and was not answered for less than 48 hours
// is asked, as the number is tied to the mail by weaker proof, and gets the
// owner, the agent who answered last, though another one is better skilled.
func TestRowRules_UnansweredEmailGoesToItsOwner(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.start(daysAgo(3))
	marta := n.ready("marta") // checkout 70
	require.NoError(t, robot.Post(n.SMTP, giulia.letter(ordersMail, "Coperta", "È disponibile?", time.Now().AddDate(0, 0, -3))))
	marta.answer("email", "Sì: "+shopOrigin+"/shop/")
	mail, err := w.mailbox.Wait(within(t), giulia.Address.Address)
	require.NoError(t, err)
	text, err := mail.Text()
	require.NoError(t, err)
	link := signedLink.FindStringSubmatch(text)
	require.NotNil(t, link)
	n.stop()

	n = w.start()
	require.NoError(t, robot.Post(n.SMTP, giulia.letter(parcelMail, "Consegna?", "Quando arriva?", time.Now().Add(-10*time.Hour))))
	v := n.visitor("giulia-laptop", link[1])
	require.NoError(t, v.Page(within(t), "/contatti/", "Contatti"))
	require.NoError(t, v.Track(within(t), "Form Step Viewed", robot.Props{ // not the checkout: another rule would match
		"form": "newsletter", "step": "details", "step_no": 1, "steps": 1, "filled": []string{"phone"}, "fields": map[string]string{"phone": giulia.Phone},
	}))
	davide := n.ready("davide") // has the mail itself, and no skill for anything else
	mailOffer := davide.offer("email")
	require.Equal(t, "Consegna?", mailOffer.Subject)

	paola, marta := n.ready("paola"), n.ready("marta")
	c := n.call(giulia.Phone)
	require.NoError(t, c.Hear(within(t)), "the question")
	require.NoError(t, c.SendDigits(within(t), "1"))
	o := marta.offer("voice")
	require.Nil(t, o.Skipped)
	require.NotNil(t, o.View.Headline.Unanswered)
	require.Equal(t, contact.Email, o.View.Headline.Unanswered.Channel)
	require.Equal(t, "D1", o.View.Tier, "a number typed in a form proves little")
	require.Empty(t, o.View.Headline.Unanswered.Subject)
	require.Zero(t, paola.offers(), "the owner is waited for")
	marta.accept(o)
	bothTalk(t, c.Meter, marta)
	require.NoError(t, c.Hangup(within(t)))
	marta.contact(o.Contact, func(c contactFrame) bool { return c.State == "wrap_up" })
}
