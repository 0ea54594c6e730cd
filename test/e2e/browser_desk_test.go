package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"filo/bench/robot"
)

// Places on the desk, by what a screen reader is told.
var (
	offerDock  = place{TestID: "offer"}
	deskThread = role("region", "Thread, oldest first")
	deskCard   = role("complementary", "Customer")
	callDock   = role("region", "Call").exactly()
	wrapUpDock = role("region", "Wrap-up")
	replyDock  = role("region", "Reply").exactly()
	lineUp     = place{CSS: "[data-testid=line][data-state=up]"}
	answerCall = role("button", "Answer").in(offerDock)
	readyWords = words("Ready. The next contact appears here.")
)

// desk opens the desk and signs a user in, as a person would.
func (b *browser) desk(n *node, user string) *tab {
	b.t.Helper()
	p := b.tab(n, user, tabOptions{})
	p.signIn(user)
	return p
}

func (p *tab) signIn(user string) {
	p.t.Helper()
	p.goTo("/desk/")
	p.fill(place{Label: "User"}, user)
	p.fill(place{Label: "Password"}, password)
	p.click(role("button", "Sign in"))
	p.gone(role("button", "Sign in"))
}

// ready brings a browser agent to work, with its line up.
func (b *browser) ready(n *node, user string) *tab {
	b.t.Helper()
	p := b.desk(n, user)
	p.see(lineUp)
	p.click(role("button", "Ready for contacts"))
	p.see(readyWords)
	return p
}

// wrapUp chooses the outcome and saves.
func (p *tab) wrapUp(outcome, note string) {
	p.t.Helper()
	p.see(wrapUpDock)
	p.choose(role("radio", outcome))
	p.fill(role("textbox", "Note for the thread"), note)
	p.click(role("button", "Save and ready"))
	p.gone(wrapUpDock)
}

// seesFilmA checks what is on the screen of film A before anybody answers.
func (p *tab) seesFilmA() {
	p.t.Helper()
	offer := matching("region", `^Giulia Rossi, stopped at payment, step 3 of 4, .*84\.90 euro; e-mail 'Consegna\?' unanswered since `)
	p.see(offer)
	p.sees(offer,
		"Incoming call", "You: checkout 90", "Marta: 70", "Rule abandoned-checkout, confidence .90", "then to Marta Conti")
	p.see(answerCall)
	p.see(role("heading", giulia.Name))
	p.sees(deskThread,
		"Came by a link in an e-mail", "Checkout stopped at payment", "Payment, step 3 of 4",
		"Consegna?", "Se ordino entro giovedì arriva prima di sabato?", "Unanswered 10 h", "LANA10")
	p.sees(deskCard, "Strong: name and thread open", "/shop/", "Coperta merino grigia", "Sciarpa verde felce", "84.90 €", "Card number, expiry")
	for _, field := range []string{"Name", "e-mail", "phone", "address", "postcode"} {
		p.sees(deskCard, field)
	}
	require.NotContains(p.t, p.text(place{CSS: "body"}), giulia.Phone, "fields are masked at D2")
	require.NotContains(p.t, p.text(place{CSS: "body"}), "Vicolo Stella", "fields are masked at D2")
}

// Film A with a browser as the agent: page, step, form fields, mail, SMS, why
// and what was skipped are on the screen before the answer; both voices are
// measured; the call is on the thread.
func TestFilmA_Browser(t *testing.T) {
	w := newWorld(t)
	link := w.past()
	n := w.start()
	n.ready("marta")
	b := newBrowser(t, agentHz)
	paola := b.tab(n, "paola", tabOptions{})
	paola.goTo("/desk/")
	paola.see(role("button", "Sign in"))
	paola.shot("1-sign-in")
	paola.signIn("paola")
	paola.see(lineUp)
	paola.shot("2-not-ready")
	paola.click(role("button", "Ready for contacts"))
	paola.see(readyWords)
	paola.shot("3-ready")

	caller, trunk := filmACall(t, n, link)
	paola.seesFilmA()
	paola.shot("4-offer")
	caller.talkTo(trunk.logged("answer"))
	music(t, caller.Meter)
	paola.click(answerCall)
	paola.see(callDock)
	paola.hears(deskAudio, callerHz)
	hears(t, "caller", caller.Meter, agentHz)
	paola.see(words("Giulia speaking"))
	paola.shot("5-call")

	paola.click(role("button", "Hold").exactly())
	paola.see(words("Giulia hears music"))
	music(t, caller.Meter)
	paola.shot("6-hold")
	paola.click(role("button", "Hold").exactly())
	caller.Forget(agentHz)
	hears(t, "caller after the hold", caller.Meter, agentHz)
	paola.hears(deskAudio, callerHz)
	paola.click(role("button", "End").exactly())
	trunk.wait()

	paola.see(wrapUpDock)
	paola.sees(deskThread, "Paola Ferri")
	paola.shot("7-wrap-up")
	paola.wrapUp("Purchase completed", "Paid with the second card.")
	paola.see(readyWords)
	paola.sees(deskCard, "Last closed", giulia.Name)
	paola.shot("8-closed")
	n.quiet("delivery")

	again := n.call(giulia.Phone) // who bought is no longer put through: menu, checkout
	require.NoError(t, again.Hear(within(t)), "a question")
	require.NoError(t, again.SendDigits(within(t), "01"))
	paola.see(offerDock)
	paola.sees(deskThread, "with Paola Ferri", "Menu skipped: abandoned-checkout.", "Paid with the second card.")
	paola.shot("9-again")
	require.NoError(t, again.Hangup(within(t)))
	paola.gone(offerDock)
	paola.see(readyWords)
	paola.clean()
	n.quiet("delivery")
}

// filmACall is film A up to the moment it rings: last night's mail, the
// half-filled form, the call over the trunk.
func filmACall(t *testing.T, n *node, link string) (*peer, *sipp) {
	t.Helper()
	n.filmABefore(t, link)
	caller := n.w.newPeer(callerHz)
	return caller, startSIPp(t, "trunk-call", n.SIP, map[string]string{"caller": giulia.Phone, "called": "100", "rtp_port": caller.port()})
}

// filmABefore is what happened on mail and web before the call.
func (n *node) filmABefore(t *testing.T, link string) {
	t.Helper()
	lastNight := time.Now().Add(-10 * time.Hour)
	require.NoError(t, robot.Post(n.SMTP, giulia.letter(parcelMail, "Consegna?", "Se ordino entro giovedì arriva prima di sabato?", lastNight)))
	giulia.checkout(t, n.visitor("giulia-laptop", link))
}
