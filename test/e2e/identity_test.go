package e2e

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"filo/bench/robot"
	"filo/contact"
	"filo/journey"
)

// Disclosure: a phone typed in a form alone is enough to skip the menu, but
// nothing that was typed reaches the agent in any frame or answer.
func TestRowDisclosure_PhoneTypedInAForm(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.start()
	paola := n.ready("paola")
	v := n.visitor("typed-only", "")
	giulia.checkout(t, v)
	require.NoError(t, v.Track(within(t), "Form Error", robot.Props{"form": "checkout", "step": "payment", "message": "Card of Giulia declined"}))

	c := n.call(giulia.Phone)
	o := paola.offer("voice")
	require.NotNil(t, o.Skipped, "the menu is skipped")
	require.Equal(t, "abandoned-checkout", o.Skipped.Rule)
	require.Equal(t, "D1", o.View.Tier)
	require.Subset(t, o.View.Closed, []string{"name", "email", "thread", "bodies", "fields"})
	require.True(t, strings.HasPrefix(o.View.Sentence["en"], "Possible match"), o.View.Sentence["en"])
	require.NotNil(t, o.View.LastWeb, "where the form stopped is no personal data")
	require.Equal(t, "payment", o.View.LastWeb.Step)

	paola.accept(o)
	bothTalk(t, c.Meter, paola)
	require.NoError(t, v.Page(within(t), "/shop/giulia-rossi", "Ciao Giulia")) // an event while they talk
	paola.thread(o.Contact, func(e journey.ThreadEvent) bool { return e.Kind == journey.KindPage })
	var thread json.RawMessage
	require.NoError(t, paola.Get(within(t), "/api/contacts/"+o.Contact+"/thread?limit=50", &thread))
	require.NoError(t, c.Hangup(within(t)))
	paola.contact(o.Contact, func(c contactFrame) bool { return c.State == "wrap_up" })
	require.NoError(t, paola.WrapUp(within(t), o.Contact, "answered", ""))
	paola.state("ready")

	seen := strings.ToLower(paola.seen() + string(thread))
	for _, canary := range []string{
		"giulia", "rossi", "posta.example", "3475554419", "347 555", "347555", "stella", "37121", "coperta", "sciarpa", "declined",
	} {
		require.NotContains(t, seen, canary, "at D1 nothing personal is on screen")
	}
	n.quiet()
}

// Identity: two reasons that are close to each other become a question with
// two choices; the answer decides.
func TestRowNothingAskedTwice_TwoCloseReasonsAreAskedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.start()
	sara := n.ready("sara") // takes calls only: the SMS waits
	elena := n.signIn("elena")
	n.text(giulia.Phone, "Il codice LANA10 non funziona")
	giulia.checkout(t, n.visitor("two-reasons", ""))

	c := n.call(giulia.Phone)
	require.NoError(t, c.Hear(within(t)), "the question")
	require.Zero(t, sara.offers(), "nobody is offered the call before the answer")
	require.NoError(t, c.SendDigits(within(t), "2"))
	o := sara.offer("voice")
	require.Equal(t, "service", o.Queue, "the second choice is the SMS")
	require.Nil(t, o.Skipped, "asked is not skipped")
	require.True(t, has(o.View, func(e journey.ThreadEvent) bool { return e.Channel == contact.SMS }))
	sara.accept(o)
	bothTalk(t, c.Meter, sara)
	require.NoError(t, c.Hangup(within(t)))
	sara.contact(o.Contact, func(c contactFrame) bool { return c.State == "wrap_up" })
	require.Len(t, elena.floor().waiting("service"), 1, "the SMS still waits")
	n.quiet("service")
}

// A caller whose menu was skipped may press 0: the menu comes, and the place
// in the queue is counted from the beginning.
func TestRowSkip_ZeroReturnsToTheMenuWithTheQueueAge(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.start()
	elena := n.signIn("elena")
	giulia.checkout(t, n.visitor("wrong-reason", ""))
	c := n.call(giulia.Phone)
	since := elena.awaitWaiting("checkout")
	require.NoError(t, c.Hear(within(t)), "music")

	require.NoError(t, c.SendDigits(within(t), "0"))
	elena.awaitFloor("the caller leaves the queue", func(f floor) bool { return len(f.waiting("checkout")) == 0 })
	require.NoError(t, c.SendDigits(within(t), "3"))
	require.WithinDuration(t, since, elena.awaitWaiting("returns"), 0, "the age is kept")
	require.Equal(t, 1.0, n.metric("filo_ivr_decisions_total", "rule", "abandoned-checkout", "result", "escaped"))

	paola := n.ready("paola")
	o := paola.offer("voice")
	require.Equal(t, "returns", o.Queue)
	require.Nil(t, o.Skipped)
	paola.accept(o)
	bothTalk(t, c.Meter, paola)
	require.NoError(t, c.Hangup(within(t)))
	paola.contact(o.Contact, func(c contactFrame) bool { return c.State == "wrap_up" })
	n.quiet()
}

// What happens on the web while the call waits, rings and talks is on the
// agent's screen at once.
func TestRowContext_EventsDuringTheCall(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.start()
	elena := n.signIn("elena")
	v := n.visitor("while-calling", "")
	giulia.checkout(t, v)
	c := n.call(giulia.Phone)
	elena.awaitWaiting("checkout")
	step := func(no int) {
		t.Helper()
		require.NoError(t, v.Track(within(t), "Form Step Viewed", robot.Props{"form": "checkout", "step": "payment", "step_no": no, "steps": 9}))
	}
	arrives := func(when, id string, a *agent, no string) {
		t.Helper()
		e, at := a.thread(id, func(e journey.ThreadEvent) bool { return e.Attrs["step_no"] == no })
		t.Logf("event %s: on the screen %v after it was sent", when, at.Sub(e.At))
	}

	step(5)
	paola := n.ready("paola")
	o := paola.offer("voice")
	require.True(t, has(o.View, func(e journey.ThreadEvent) bool { return e.Attrs["step_no"] == "5" }), "what happened while the call waited")

	step(6)
	arrives("while it rings", o.Contact, paola, "6")

	paola.accept(o)
	bothTalk(t, c.Meter, paola)
	step(7)
	arrives("while they talk", o.Contact, paola, "7")
	n.text(giulia.Phone, "Sono al telefono con voi")
	e, at := paola.thread(o.Contact, func(e journey.ThreadEvent) bool { return e.Channel == contact.SMS })
	t.Logf("SMS while they talk: on the screen %v after it came", at.Sub(e.At))

	require.NoError(t, c.Hangup(within(t)))
	paola.contact(o.Contact, func(c contactFrame) bool { return c.State == "wrap_up" })
	n.quiet("service")
}
