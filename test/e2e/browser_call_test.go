package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"filo/bench/robot"
	"filo/internal/config"
	"filo/journey"
	"filo/media"
)

// Everybody on a call says a tone of their own, none of which is in the hold
// music, and none of which a codec or a mixer makes out of the others. Each is
// a whole number of cycles in a packet of 20 ms, so that it leaks into none.
const (
	customerHz = 1500
	paolaHz    = 1700
	martaHz    = 2300
	elenaHz    = 2650
)

// who is known by the tone.
var who = map[float64]string{customerHz: "the customer", paolaHz: "Paola", martaHz: "Marta", elenaHz: "Elena"}

// others are the tones of everybody else.
func others(hz []float64) (rest []float64) {
	for _, x := range []float64{customerHz, paolaHz, martaHz, elenaHz} {
		if !slices.Contains(hz, x) {
			rest = append(rest, x)
		}
	}
	return rest
}

// hearsOnly waits until a desk plays exactly these tones, for a while.
func (p *tab) hearsOnly(hz ...float64) {
	p.t.Helper()
	const held = 600 * time.Millisecond
	p.must("tones", args{"element": deskAudio, "heard": append([]float64{}, hz...), "silent": others(hz), "held": held.Milliseconds()})
}

// hearsOnly waits until a telephone receives exactly these of the tones, for a
// while; without any it must be something else, music for example, not silence.
func hearsOnly(t *testing.T, name string, m *media.Meter, hz ...float64) {
	t.Helper()
	const held = 600 * time.Millisecond
	const loud, soft = 0.008, 0.003 // of the energy; a browser's noise suppression makes a steady tone 17 dB quieter
	var since time.Time
	right := func() bool {
		ok := m.RMS() > 200
		for _, x := range hz {
			ok = ok && m.Level(x) > loud
		}
		for _, x := range others(hz) {
			ok = ok && m.Level(x) < soft
		}
		switch {
		case !ok:
			since = time.Time{}
		case since.IsZero():
			since = time.Now()
		}
		return ok && time.Since(since) >= held
	}
	defer func() {
		if t.Failed() {
			for x, n := range who {
				t.Logf("%s hears %s at %.2f", name, n, m.Level(x))
			}
		}
	}()
	eventually(t, fmt.Sprintf("%s hears exactly %v", name, hz), right)
}

// customer calls about the checkout, by a robot that says the customer's tone.
func (n *node) customer() *robot.Call {
	n.t.Helper()
	giulia.checkout(n.t, n.visitor("customer", ""))
	c, err := n.w.kit.Call(within(n.t), robot.Dial{Server: n.SIP, From: giulia.Phone, To: "100", Say: robot.Tone(customerHz)})
	require.NoError(n.t, err)
	n.t.Cleanup(func() { _ = c.Hangup(within(n.t)) })
	return c
}

// choosePerson finds somebody in the picker that the key opens, and takes them.
func (p *tab) choosePerson(key, name string) {
	p.t.Helper()
	p.press(key)
	p.see(matching("option", "^"+name))
	p.typeText(name)
	p.see(matching("option", "^"+name))
	p.press("Enter")
	p.gone(role("dialog", ""))
}

// Attended transfer from the desk, by keyboard: Paola asks Marta for help,
// goes to and fro, has all three in a conference, and leaves the two to it.
// At each step each of the three hears exactly whom they should. Marta sees
// the whole thread before she answers; it stays one call on it.
func TestRowTransfer_AttendedFromTheDesk(t *testing.T) {
	w := newWorld(t)
	link := w.past()
	n := w.start()
	paola := newBrowser(t, paolaHz).ready(n, "paola")
	n.filmABefore(t, link)
	caller := w.newPeer(customerHz)
	trunk := startSIPp(t, "trunk-call", n.SIP, map[string]string{"caller": giulia.Phone, "called": "100", "rtp_port": caller.port()})
	paola.see(answerCall)
	caller.talkTo(trunk.logged("answer"))
	paola.press("Alt+a")
	paola.hearsOnly(customerHz)
	hearsOnly(t, "the customer", caller.Meter, paolaHz)
	marta := newBrowser(t, martaHz).ready(n, "marta")

	paola.choosePerson("Alt+c", "Marta Conti")
	hearsOnly(t, "the customer, who waits,", caller.Meter)
	marta.see(matching("region", `^Paola Ferri asks for your help\. Giulia Rossi, stopped at payment`))
	marta.sees(deskThread, "Consegna?", "LANA10", "Payment, step 3 of 4", "Came by a link in an e-mail")
	marta.axe("asked for help")
	paola.see(role("list", "Who is on the line").with("ringing"))
	marta.click(answerCall)
	paola.see(role("list", "Who is on the line").with("talking"))
	paola.hearsOnly(martaHz)
	marta.hearsOnly(paolaHz)
	hearsOnly(t, "the customer, who waits,", caller.Meter)
	marta.see(words("Consult by Paola Ferri"))
	paola.axe("consult")

	paola.press("Alt+x")
	paola.hearsOnly(customerHz)
	hearsOnly(t, "the customer", caller.Meter, paolaHz)
	marta.hearsOnly() // music

	paola.press("Alt+c")
	paola.see(role("button", "Conference").pressed(true))
	paola.hearsOnly(customerHz, martaHz)
	marta.hearsOnly(customerHz, paolaHz)
	hearsOnly(t, "the customer", caller.Meter, paolaHz, martaHz)
	paola.shot("conference")

	paola.press("Alt+t")
	paola.see(wrapUpDock)
	marta.hearsOnly(customerHz)
	hearsOnly(t, "the customer", caller.Meter, martaHz)
	marta.see(role("button", "Transfer"))
	marta.gone(words("Consult by Paola Ferri"))
	marta.sees(deskThread, "Consegna?", "LANA10", "Payment, step 3 of 4")
	paola.wrapUp("Passed to someone else", "Marta knows about deliveries.")
	paola.see(readyWords)

	marta.press("Alt+e")
	trunk.wait()
	marta.sees(deskThread, "Transferred by Paola Ferri to Marta Conti.")
	marta.wrapUp("Purchase completed", "")
	marta.see(readyWords)
	paola.clean()
	marta.clean()
	n.quiet("delivery")
}

// Blind transfer from the desk: to an agent, who sees the whole thread, then to
// a queue, where the call waits with the age that it has had from its
// beginning. Who transfers has wrap-up, and the customer never hears silence.
func TestRowTransfer_BlindFromTheDesk(t *testing.T) {
	w := newWorld(t)
	link := w.past()
	n := w.start()
	elena := n.signIn("elena")
	n.filmABefore(t, link)
	caller := w.newPeer(customerHz)
	trunk := startSIPp(t, "trunk-call", n.SIP, map[string]string{"caller": giulia.Phone, "called": "100", "rtp_port": caller.port()})
	began := elena.awaitWaiting("checkout")
	caller.talkTo(trunk.logged("answer"))
	paola := newBrowser(t, paolaHz).desk(n, "paola")
	paola.see(lineUp)
	paola.click(role("button", "Ready for contacts"))
	paola.click(answerCall)
	paola.hearsOnly(customerHz)
	hearsOnly(t, "the customer", caller.Meter, paolaHz)
	marta := newBrowser(t, martaHz).ready(n, "marta")

	paola.choosePerson("Alt+t", "Marta Conti")
	paola.see(role("status", "").with("Transferred: Marta Conti. Wrap-up."))
	paola.see(wrapUpDock)
	marta.see(matching("region", `^Giulia Rossi, stopped at payment`))
	marta.sees(deskThread, "Consegna?", "LANA10", "Payment, step 3 of 4", "Came by a link in an e-mail")
	hearsOnly(t, "the customer, who waits,", caller.Meter)
	marta.click(answerCall)
	marta.hearsOnly(customerHz)
	hearsOnly(t, "the customer", caller.Meter, martaHz)
	paola.wrapUp("Passed to someone else", "")
	paola.press("Alt+p") // a break: nobody takes what comes to the queue
	paola.see(role("button", "State: Break"))

	marta.choosePerson("Alt+t", "Returns")
	marta.see(wrapUpDock)
	require.WithinDuration(t, began, elena.awaitWaiting("returns"), 0, "the call waits in the other queue with its age")
	hearsOnly(t, "the customer, who waits,", caller.Meter)
	marta.wrapUp("Passed to someone else", "")
	sara := n.ready("sara")
	o := sara.offer("voice") // not Marta, who knows returns better and has just given it away
	require.True(t, has(o.View, func(e journey.ThreadEvent) bool { return e.Title == "Consegna?" }), "the thread is the whole one")
	sara.accept(o)
	hears(t, "Sara", sara.Line.Meter, customerHz)
	hears(t, "the customer", caller.Meter, agentHz)
	hearsOnly(t, "the customer", caller.Meter)
	require.NoError(t, sara.Command(within(t), o.Contact, "hangup", ""))
	trunk.wait()
	sara.contact(o.Contact, func(c contactFrame) bool { return c.State == "wrap_up" })
	e, _ := sara.thread(o.Contact, func(e journey.ThreadEvent) bool { return e.Kind == journey.KindCall && e.Attrs["transferred_by"] != "" })
	require.Equal(t, "Paola Ferri, Marta Conti", e.Attrs["transferred_by"], "one call, with all who had it")
	require.Equal(t, "Marta Conti, returns", e.Attrs["transferred_to"])
	paola.clean()
	marta.clean()
	n.quiet("delivery")
}

// Somebody outside is consulted: what may not be dialled is refused in words,
// and the caller stays; the keys go to the one outside; in a conference all
// three hear each other; then Paola leaves the two to it.
func TestRowTransfer_ConsultANumberFromTheDesk(t *testing.T) {
	w := newWorld(t)
	port := freePort(t)
	n := w.start(with(func(c *config.Config) {
		telco := &c.SIP.Trunks[0]
		telco.Server, telco.CallerID.Number, telco.Dial.Allow = "127.0.0.1:"+port, shopNumber, []string{"+39"}
	}))
	paola := newBrowser(t, paolaHz).ready(n, "paola")
	outside := w.newPeer(martaHz)
	far := startSIPp(t, "trunk-answer", "", map[string]string{"rtp_port": outside.port()}, "-p", port)
	c := n.customer()
	paola.see(answerCall)
	paola.press("Alt+a")
	paola.hearsOnly(customerHz)

	number := role("combobox", "Name, queue or number")
	paola.press("Alt+c")
	paola.fill(number, "+44 20 7946 0000")
	paola.see(matching("option", `^\+44 20 7946 0000`))
	paola.press("Enter")
	paola.see(role("dialog", "").with("This number may not be dialled."))
	paola.hearsOnly(customerHz)
	hearsOnly(t, "the customer", c.Meter, paolaHz)
	paola.fill(number, "+39 045 555 0191")
	paola.see(matching("option", `^\+39 045 555 0191`))
	paola.press("Enter")
	outside.talkTo(far.logged("offer"))
	require.Contains(t, far.logged("called"), "390455550191")
	paola.see(role("list", "Who is on the line").with("talking"))
	paola.hearsOnly(martaHz)
	hearsOnly(t, "who is outside", outside.Meter, paolaHz)
	hearsOnly(t, "the customer, who waits,", c.Meter)

	paola.press("Alt+k")
	paola.see(role("group", "Keypad"))
	paola.typeText("5")
	select {
	case d := <-outside.ep.Digits():
		require.Equal(t, "5", string(d.Key))
	case <-within(t).Done():
		require.FailNow(t, "who is outside does not get the keys")
	}
	paola.press("Escape")

	paola.press("Alt+c")
	paola.hearsOnly(customerHz, martaHz)
	hearsOnly(t, "who is outside", outside.Meter, customerHz, paolaHz)
	hearsOnly(t, "the customer", c.Meter, paolaHz, martaHz)
	paola.press("Alt+t")
	paola.see(wrapUpDock)
	hearsOnly(t, "who is outside", outside.Meter, customerHz)
	hearsOnly(t, "the customer", c.Meter, martaHz)
	paola.wrapUp("Passed to someone else", "")
	require.NoError(t, c.Hangup(within(t)))
	far.wait()
	paola.allowed = append(paola.allowed, "403 (Forbidden)") // the number that may not be dialled
	paola.clean()
	n.quiet()
}

// A supervisor listens, whispers and barges in from the floor. Each of the
// three hears exactly whom they should; the agent is told of whisper and barge.
func TestRowMonitor_FromTheFloor(t *testing.T) {
	w := newWorld(t)
	n := w.start()
	paola := newBrowser(t, paolaHz).ready(n, "paola")
	elena := newBrowser(t, elenaHz).desk(n, "elena")
	elena.see(lineUp)
	c := n.customer()
	paola.see(answerCall)
	paola.press("Alt+a")
	paola.hearsOnly(customerHz)
	hearsOnly(t, "the customer", c.Meter, paolaHz)

	bar := place{TestID: "monitor"}
	elena.click(role("button", "Listen to Paola Ferri"))
	elena.sees(bar, "Listening to Paola Ferri", "Nobody hears you.")
	elena.hearsOnly(customerHz, paolaHz)
	paola.hearsOnly(customerHz)
	hearsOnly(t, "the customer", c.Meter, paolaHz)
	require.Zero(t, paola.count(place{TestID: "watched"}), "of who only listens the agent is not told")
	elena.axe("listening")

	elena.click(role("button", "Whisper").exactly().in(bar))
	elena.sees(bar, "Only Paola hears you.")
	paola.sees(place{TestID: "watched"}, "Elena Sartori whispers, only you hear it")
	paola.hearsOnly(customerHz, elenaHz)
	hearsOnly(t, "the customer", c.Meter, paolaHz)
	elena.hearsOnly(customerHz, paolaHz)
	paola.axe("whispered to")

	elena.press("Alt+j")
	elena.sees(bar, "Paola and the caller hear you.")
	paola.sees(place{TestID: "watched"}, "Elena Sartori is in the call")
	paola.hearsOnly(customerHz, elenaHz)
	hearsOnly(t, "the customer", c.Meter, paolaHz, elenaHz)
	elena.hearsOnly(customerHz, paolaHz)
	elena.shot("barge")

	elena.press("Alt+l") // back to silence
	elena.sees(bar, "Nobody hears you.")
	paola.hearsOnly(customerHz)
	hearsOnly(t, "the customer", c.Meter, paolaHz)

	elena.press("Alt+o")
	elena.gone(bar)
	elena.hearsOnly()
	paola.gone(place{TestID: "watched"})
	paola.hearsOnly(customerHz)
	hearsOnly(t, "the customer", c.Meter, paolaHz)

	elena.click(role("button", "Listen to Paola Ferri"))
	elena.see(bar)
	require.NoError(t, c.Hangup(within(t)))
	paola.see(wrapUpDock)
	elena.gone(bar) // it ends with the call
	paola.wrapUp("Answered, no purchase", "")
	paola.clean()
	elena.clean()
	n.quiet()
}

// A recording begun, paused for card data, resumed and stopped from the desk:
// the customer is in the left channel, the agent in the right, each alone; of
// the pause there is only silence.
func TestRowRecording_FromTheDesk(t *testing.T) {
	w := newWorld(t)
	n := w.start()
	paola := newBrowser(t, paolaHz).ready(n, "paola")
	c := n.customer()
	paola.see(answerCall)
	paola.press("Alt+a")
	paola.hearsOnly(customerHz)
	hearsOnly(t, "the customer", c.Meter, paolaHz)
	light := func(state string) place { return place{CSS: "[data-testid=recording][data-state=" + state + "]"} }
	const said = 1200 * time.Millisecond

	paola.press("Alt+r")
	paola.see(light("on"))
	time.Sleep(said) // this much is said while it records
	paola.press("Alt+r")
	paola.sees(light("paused"), "Rec paused")
	paola.axe("recording paused")
	time.Sleep(said)
	paola.press("Alt+r")
	paola.sees(light("on"), "Recording")
	time.Sleep(said)
	paola.click(role("button", "Stop").in(role("group", "Recording")))
	paola.gone(place{TestID: "recording"})
	time.Sleep(said)
	require.NoError(t, c.Hangup(within(t)))
	paola.wrapUp("Answered, no purchase", "")
	paola.clean()
	n.quiet()

	var files []string
	eventually(t, "one recording", func() bool {
		files, _ = filepath.Glob(filepath.Join(w.path("data"), "recordings", "*", "*.wav"))
		return len(files) == 1
	})
	left, right := stereo(t, files[0])
	for channel, x := range map[string]struct {
		sound      []float64
		own, other float64
	}{
		"left":  {left, customerHz, paolaHz},
		"right": {right, paolaHz, customerHz},
	} {
		runs := spoken(x.sound, x.own)
		t.Logf("%s channel: %v", channel, runs)
		require.Len(t, runs, 2, "%s channel: before and after the pause", channel)
		for _, r := range runs {
			require.Greater(t, r.length(), said/2, "%s channel", channel)
		}
		require.Greater(t, runs[1].from-runs[0].to, said*3/4, "the pause keeps its length")
		require.Empty(t, spoken(x.sound, x.other), "%s channel: the other one is not in it", channel)
		require.Zero(t, loudest(x.sound[sampleAt(runs[0].to+window):sampleAt(runs[1].from-window)]), "%s channel: nothing of the pause is kept", channel)
	}
	info, err := os.Stat(files[0])
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}
