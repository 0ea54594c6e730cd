package e2e

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/smtp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"filo/bench/robot"
	"filo/channel/voice"
	"filo/contact"
	"filo/internal/config"
)

// canaries are what giulia typed into the form and nobody has proved to own.
var canaries = []string{
	"giulia", "rossi", "posta.example", "3475554419", "347 555", "347555", "stella", "37121", "coperta", "sciarpa", "84.90", "declined",
}

// Disclosure: a phone typed in a form alone is enough to skip the menu, but
// nothing that was typed is on the screen, in any attribute or in any frame,
// before the caller is verified.
func TestRowDisclosure_BrowserBeforeAndAfterVerification(t *testing.T) {
	w := newWorld(t)
	n := w.start()
	paola := newBrowser(t, agentHz).ready(n, "paola")
	v := n.visitor("typed-only", "")
	giulia.checkout(t, v)
	require.NoError(t, v.Track(within(t), "Form Error", robot.Props{"form": "checkout", "step": "payment", "message": "Card of Giulia declined"}))
	nothingPersonal := func(state string) {
		t.Helper()
		seen := strings.ToLower(strings.Join(append(paola.list("frames"), paola.text(place{CSS: "body"}), paola.markup(), paola.title()), "\n"))
		for _, canary := range canaries {
			require.NotContains(t, seen, canary, state)
		}
	}

	c := n.call(giulia.Phone)
	paola.see(matching("region", "^Possible match, stopped at payment, step 3 of 4, "))
	paola.sees(offerDock, "Rule abandoned-checkout")
	paola.see(role("heading", "Possible match"))
	paola.see(words("Not proven yet."))
	paola.sees(deskCard, "Hint: reason and last step only")
	nothingPersonal("while it rings")
	paola.shot("possible-offer")
	paola.click(answerCall)
	paola.hears(deskAudio, callerHz)
	hears(t, "caller", c.Meter, agentHz)
	paola.see(role("button", "Both right: verify"))
	require.NoError(t, v.Page(within(t), "/shop/giulia-rossi", "Ciao Giulia")) // an event while they talk
	paola.see(role("region", "Thread, oldest first").with("What was seen is closed"))
	nothingPersonal("while they talk")
	paola.axe("call nothing proven")

	paola.press("Alt+v")
	paola.sees(deskCard, "Verified: everything open", giulia.Address.Address, "Vicolo Stella 17", "Coperta merino grigia")
	paola.see(role("heading", giulia.Name))
	paola.shot("possible-verified")
	require.NoError(t, c.Hangup(within(t)))
	paola.wrapUp("Answered, no purchase", "")
	paola.clean()
	n.quiet()
}

// Browser to browser: a visitor fills the checkout half, presses "call us" on
// the page and is known by the page's token, without any caller ID.
func TestRowCallerBrowser_ShopToDesk(t *testing.T) {
	w := newWorld(t)
	n := w.start(with(func(c *config.Config) {
		c.Voice.Numbers["shop"] = voice.Number{Lang: "it", Label: "Lanificio Aurora"}
	}))
	paola := newBrowser(t, agentHz).ready(n, "paola")
	shop := newBrowser(t, callerHz).tab(n, "shop", tabOptions{
		Files: map[string]any{"/shop/config.json": map[string]string{"writeKey": writeKey, "region": "IT"}}, // the site's own
	})
	shop.goTo("/shop/#/p/coperta")
	shop.click(role("button", "Aggiungi al carrello"))
	shop.click(role("button", "Vai alla consegna"))
	for label, text := range map[string]string{
		"Nome e cognome": giulia.Name, "E-mail": giulia.Address.Address, "Telefono per il corriere": giulia.Phone,
		"Via e numero": "Vicolo Stella 17", "CAP": "37121", "Città": "Verona",
	} {
		shop.fill(place{Label: label}, text)
	}
	shop.choose(role("radio", "Normale"))
	shop.click(role("button", "Vai al pagamento"))
	shop.fill(place{Label: "Nome sulla carta"}, giulia.Name)
	shop.axe("shop payment")
	shop.click(role("button", "Chiamaci"))
	shop.shot("shop-choose")
	pressed := time.Now()
	shop.click(role("button", "Dal browser, gratis"))

	offered := paola.see(offerDock)
	t.Logf("offered %v after the shop's button", offered.Sub(pressed).Round(time.Millisecond))
	paola.sees(offerDock, "stopped at payment, step 3 of 4", "54.00", "Rule abandoned-checkout")
	paola.sees(deskCard, "Called from the page")
	paola.sees(deskThread, "Payment, step 3 of 4")
	paola.shot("shop-offer")
	paola.click(answerCall)
	paola.hears(deskAudio, callerHz)
	shop.hears(shopAudio, agentHz)
	shop.see(words("Lanificio Aurora"))
	shop.see(words("Senti chi parla"))
	shop.axe("shop call")
	paola.shot("shop-call-desk")

	shop.click(role("button", "Chiudi").exactly())
	shop.see(words("Hai risolto?"))
	paola.see(wrapUpDock)
	shop.shot("shop-after")
	paola.wrapUp("Will retry payment", "")
	paola.see(readyWords)
	shop.clean()
	paola.clean()
	n.quiet()
}

// Reload in a call: the caller hears music, then line, thread and voice are
// back.
func TestRowReload_InACall(t *testing.T) {
	w := newWorld(t)
	n := w.start()
	paola := newBrowser(t, agentHz).ready(n, "paola")
	giulia.checkout(t, n.visitor("reload", ""))
	c := n.call(giulia.Phone)
	paola.see(offerDock)
	paola.click(answerCall)
	paola.hears(deskAudio, callerHz)
	hears(t, "caller", c.Meter, agentHz)

	music := watch(t, "music, and the agent's tone gone", func() bool { return c.Meter.RMS() > 200 && c.Meter.Level(agentHz) < 0.2 })
	began := time.Now()
	paola.must("reload", nil)
	music()
	c.Meter.Forget(agentHz)
	paola.see(callDock)
	paola.sees(deskThread, "Checkout stopped at payment")
	t.Logf("call and thread on the screen %v after the reload", time.Since(began).Round(time.Millisecond))
	agentHears := paola.hears(deskAudio, callerHz).Sub(began)
	callerHears := hears(t, "caller after the reload", c.Meter, agentHz).Sub(began)
	paola.see(lineUp)
	t.Logf("agent hears the caller %v, caller the agent %v after the reload", agentHears.Round(time.Millisecond), callerHears.Round(time.Millisecond))
	require.Less(t, max(agentHears, callerHears), 6*time.Second, "3 s are promised; the machine may be busy")
	require.Zero(t, paola.count(role("alert", "").with("line was lost")))
	paola.shot("reloaded")
	require.NoError(t, c.Hangup(within(t)))
	paola.see(wrapUpDock)
	paola.clean()
	n.quiet()
}

// watch looks for something that may be over soon, from now on; the function
// that it returns waits until it was seen.
func watch(t *testing.T, what string, seen func() bool) (wait func()) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
	var wg sync.WaitGroup
	var ok bool
	wg.Go(func() {
		tick := time.NewTicker(soon)
		defer tick.Stop()
		for !ok && ctx.Err() == nil {
			select {
			case <-tick.C:
				ok = seen()
			case <-ctx.Done():
			}
		}
	})
	t.Cleanup(func() { cancel(); wg.Wait() })
	return func() {
		t.Helper()
		wg.Wait()
		require.True(t, ok, what)
	}
}

// post sends a raw mail of giulia's by SMTP.
func (n *node) post(t *testing.T, to, subject, html string) {
	t.Helper()
	mail := strings.Join([]string{
		"From: " + giulia.Address.String(), "To: <" + to + ">", "Subject: " + subject, "Date: " + time.Now().Format(time.RFC1123Z),
		"Message-ID: <" + contact.NewToken("m", time.Now()) + "@posta.example>", "MIME-Version: 1.0",
		"Content-Type: text/html; charset=utf-8", "Content-Transfer-Encoding: 8bit", "", html, "",
	}, "\r\n")
	require.NoError(t, smtp.SendMail(n.SMTP, nil, giulia.Address.Address, []string{to}, []byte(mail)))
}

// Mail and SMS answered in the browser. What the mail brings along runs
// nowhere and fetches nothing.
func TestRowMessages_AnsweredInTheBrowser(t *testing.T) {
	var mu sync.Mutex
	var fetched []string
	far := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		fetched = append(fetched, r.URL.Path)
	}))
	t.Cleanup(far.Close)
	w := newWorld(t)
	n := w.start()
	paola := newBrowser(t, agentHz).ready(n, "paola")
	n.post(t, ordersMail, "Coperta merino", strings.ReplaceAll(`<html><head><style>body{background:url(URL/style.png)}</style><script>fetch('URL/head-script')</script></head>
		<body onload="fetch('URL/onload')"><h1>La coperta grigia</h1><p>è <b>disponibile</b>? Mi serve <i>prima di sabato</i>.</p>
		<img src="URL/pixel.png" onerror="fetch('URL/onerror')"><iframe src="URL/frame"></iframe><link rel="stylesheet" href="URL/sheet.css">
		<script>document.title='ran'; fetch('URL/body-script'); parent.postMessage('ran', '*'); top.location='URL/top'</script>
		<form action="URL/form"><button>Press</button></form><p>Giulia</p></body></html>`, "URL", far.URL))
	paola.see(offerDock)
	paola.see(place{CSS: "body", Text: "Coperta merino"})
	paola.shot("mail-offer")
	paola.click(role("button", "Take").in(offerDock))
	paola.see(replyDock)
	paola.see(insideFrame("iframe", "prima di sabato"))
	require.Equal(t, "", *paola.attr(place{CSS: "iframe"}, "sandbox"), "nothing is allowed")
	require.Zero(t, paola.count(place{Frame: "iframe", CSS: "script, img[src^=http], link, iframe, form, [onload], [onerror]"}))
	paola.fill(role("textbox", "Reply text"), "Sì, è disponibile e arriva venerdì.\n\nPaola")
	paola.axe("mail")
	paola.press("Control+Enter")
	mail, err := w.mailbox.Wait(within(t), giulia.Address.Address)
	require.NoError(t, err)
	text, err := mail.Text()
	require.NoError(t, err)
	require.Contains(t, text, "Sì, è disponibile e arriva venerdì.")
	require.Contains(t, mail.Header.Get("Subject"), "Coperta merino")
	paola.see(readyWords)

	n.text(giulia.Phone, "Il codice LANA10 non funziona 😕")
	paola.see(offerDock)
	paola.shot("sms-offer")
	paola.click(role("button", "Take").in(offerDock))
	paola.sees(deskThread, "Il codice LANA10 non funziona 😕")
	paola.fill(role("textbox", "Reply text"), "Vale da 60 € in su")
	paola.axe("SMS")
	paola.click(role("button", "Send and close"))
	sms, err := w.texting.Wait(within(t), giulia.Phone)
	require.NoError(t, err)
	require.Equal(t, robot.Text{From: shopNumber, To: giulia.Phone, Body: "Vale da 60 € in su"}, sms)
	paola.see(readyWords)

	resp, err := http.Get(far.URL + "/by-the-test")
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	mu.Lock()
	defer mu.Unlock()
	require.Equal(t, []string{"/by-the-test"}, fetched, "nothing of the mail was fetched")
	for _, r := range paola.list("requests") {
		require.NotContains(t, r, far.URL)
	}
	require.Equal(t, "Filo desk", paola.title())
	paola.clean()
	n.quiet()
}

// Events while the call waits, rings and talks are on the screen at once.
func TestRowContext_BrowserShowsEventsDuringTheCall(t *testing.T) {
	w := newWorld(t)
	link := w.past()
	n := w.start()
	elena := n.signIn("elena")
	paola := newBrowser(t, agentHz).desk(n, "paola")
	paola.see(lineUp)
	v := n.visitor("while-calling", link)
	giulia.checkout(t, v)
	c := n.call(giulia.Phone)
	elena.awaitWaiting("checkout")
	step := func(no int) time.Time {
		t.Helper()
		sent := time.Now()
		require.NoError(t, v.Track(within(t), "Form Step Viewed", robot.Props{"form": "checkout", "step": "payment", "step_no": no, "steps": 9}))
		return sent
	}
	appears := func(what string, sent time.Time, text string) {
		t.Helper()
		took := paola.see(deskThread.with(text)).Sub(sent)
		t.Logf("%s: on the screen %v after it was sent", what, took.Round(time.Millisecond))
		require.Less(t, took, 2*time.Second, "300 ms are promised; the machine may be busy")
	}

	step(5) // while it waits
	paola.press("Alt+p")
	paola.see(answerCall)
	paola.sees(deskThread, "Payment, step 5 of 9")
	appears("step while it rings", step(6), "Payment, step 6 of 9")
	paola.sees(offerDock, "step 6 of 9")
	paola.click(answerCall)
	paola.hears(deskAudio, callerHz)
	hears(t, "caller", c.Meter, agentHz)
	sent := time.Now()
	require.NoError(t, v.Page(within(t), "/shop/resi", "Resi e cambi"))
	appears("page while they talk", sent, "Resi e cambi")
	appears("step while they talk", step(7), "Now at checkout, payment")
	sent = time.Now()
	n.text(giulia.Phone, "Sono al telefono con voi")
	appears("SMS while they talk", sent, "Sono al telefono con voi")
	paola.see(role("status", "").with("SMS: Sono al telefono con voi"))
	paola.shot("call-live")
	require.NoError(t, c.Hangup(within(t)))
	paola.see(wrapUpDock)
	paola.clean()
}

// A hidden tab: title and notification tell of the offer.
func TestRowHiddenTab_TitleAndNotification(t *testing.T) {
	w := newWorld(t)
	n := w.start()
	// A headless page is always visible: what the browser tells of it is put in
	// its mouth, and what is asked of it is written down.
	const spy = `
		let hidden = false;
		Object.defineProperty(Document.prototype, 'hidden', { get: () => hidden });
		Object.defineProperty(Document.prototype, 'visibilityState', { get: () => (hidden ? 'hidden' : 'visible') });
		window.hideTab = () => { hidden = true; document.dispatchEvent(new Event('visibilitychange')); };
		window.notes = [];
		window.Notification = class extends Notification {
			constructor(title, options) { super(title, options); window.notes.push({ title, body: options.body, closed: false, at: window.notes.length }); this.n = window.notes.length - 1; }
			close() { window.notes[this.n].closed = true; super.close(); }
		};`
	paola := newBrowser(t, agentHz).tab(n, "paola", tabOptions{Permissions: []string{"microphone", "notifications"}, Script: spy})
	paola.signIn("paola")
	paola.see(lineUp)
	paola.click(role("button", "Ready for contacts"))
	paola.see(readyWords)
	require.Equal(t, "Filo desk", paola.title())
	paola.eval("hideTab()")

	giulia.checkout(t, n.visitor("hidden", ""))
	c := n.call(giulia.Phone)
	eventually(t, "the title tells of the offer", func() bool { return strings.HasPrefix(paola.title(), "(1) Incoming call") })
	require.Contains(t, paola.title(), "Possible match")
	type note struct {
		Title, Body string
		Closed      bool
	}
	notes := func() []note { return value[[]note](t, paola.eval("notes")) }
	require.Len(t, notes(), 1)
	require.Contains(t, notes()[0].Title, "Incoming call")
	require.Contains(t, notes()[0].Body, "Possible match, stopped at payment, step 3 of 4")
	require.False(t, notes()[0].Closed)

	require.NoError(t, c.Hangup(within(t)))
	eventually(t, "the title is quiet again", func() bool { return paola.title() == "Filo desk" })
	eventually(t, "the notification is taken back", func() bool { return notes()[0].Closed })
	paola.clean()
	n.quiet()
}

// A browser that is closed during an offer: the contact goes to the next
// agent with its place kept.
func TestRowBrowserClosed_DuringAnOffer(t *testing.T) {
	w := newWorld(t)
	n := w.start()
	elena := n.signIn("elena")
	marta := n.ready("marta")
	paola := newBrowser(t, agentHz).ready(n, "paola")
	giulia.checkout(t, n.visitor("closed", ""))
	c := n.call(giulia.Phone)
	paola.see(answerCall)
	since := elena.awaitWaiting("checkout")
	closed := time.Now()
	paola.close()
	o := marta.offer("voice")
	t.Logf("Marta is offered the call %v after Paola's browser was closed", o.arrived.Sub(closed).Round(time.Millisecond))
	require.WithinDuration(t, since, elena.awaitWaiting("checkout"), 0, "its place is kept")
	marta.accept(o)
	bothTalk(t, c.Meter, marta)
	require.NoError(t, c.Hangup(within(t)))
	marta.contact(o.Contact, func(c contactFrame) bool { return c.State == "wrap_up" })
	n.quiet()
}

// Every state of the desk, and the supervisor's page, is clean for axe.
func TestRowDesk_AxeInEveryState(t *testing.T) {
	w := newWorld(t)
	link := w.past()
	n := w.start(with(func(c *config.Config) { // nothing runs out while axe looks
		voice := c.Router.Channels[contact.Voice]
		voice.OfferTimeout, voice.WrapUp = 2*time.Minute, 2*time.Minute
		c.Router.Channels[contact.Voice] = voice
	}))
	n.ready("marta")
	b := newBrowser(t, agentHz)
	paola := b.tab(n, "paola", tabOptions{})
	paola.goTo("/desk/")
	paola.see(role("button", "Sign in"))
	paola.fill(place{Label: "User"}, "paola")
	paola.fill(place{Label: "Password"}, "wrong")
	paola.click(role("button", "Sign in"))
	paola.see(role("alert", "").with("User or password is not right."))
	paola.axe("sign in")
	paola.signIn("paola")
	paola.see(lineUp)
	paola.axe("not ready")
	paola.press("Alt+p")
	paola.see(readyWords)
	paola.axe("ready")
	elena := b.desk(n, "elena")
	elena.see(role("main", "Floor"))

	n.filmABefore(t, link)
	c := n.call(giulia.Phone)
	paola.see(answerCall)
	paola.axe("offer")
	elena.see(role("main", "Floor").with("Marta Conti"))
	elena.see(words("checkout 90"))
	elena.axe("floor")
	paola.click(answerCall)
	paola.hears(deskAudio, callerHz)
	paola.see(words("Giulia speaking"))
	paola.axe("call")
	paola.press("Alt+k")
	paola.see(role("group", "Keypad"))
	paola.axe("keypad")
	paola.press("Escape")
	require.NoError(t, c.Hangup(within(t)))
	paola.see(wrapUpDock)
	paola.axe("wrap up")
	paola.press("?")
	paola.see(role("dialog", ""))
	paola.axe("keys")
	paola.press("Escape")
	paola.click(role("button", "Paola Ferri, settings"))
	paola.see(role("dialog", ""))
	paola.axe("settings")
	paola.clean()
	elena.clean()
}
