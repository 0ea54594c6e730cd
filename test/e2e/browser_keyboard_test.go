package e2e

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var updateAria = flag.Bool("update-aria", false, "write the accessibility trees in browser/aria anew")

// ariaMasks take away what another hour or a slower machine changes.
var ariaMasks = []struct {
	from *regexp.Regexp
	to   string
}{
	{regexp.MustCompile(`(?m)^\s*- listitem: (Today|Yesterday|\w{3} \d{1,2} \w{3})( \d+ (day|hour)s? later)?\n`), ""}, // where a day begins
	{regexp.MustCompile(`\b\d{1,2}:\d{2}(:\d{2})?\b`), "0:00"},
	{regexp.MustCompile(`\b\d{1,2} (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\b`), "0:00"},
	{regexp.MustCompile(`\b(\d+ (s|min|seconds|minutes)|one minute|a minute) ago\b`), "just now"},
	{regexp.MustCompile(`\b\d+ (s|min)\b`), "0 s"},
	{regexp.MustCompile(`\bUnanswered \d+ h( \d\d)?\b`), "Unanswered 0 h"},
}

// ariaIs asserts the accessibility tree of a place, apart from times, as it is
// kept in browser/aria.
func (p *tab) ariaIs(where place, name string) {
	p.t.Helper()
	got := p.aria(where) + "\n"
	for _, m := range ariaMasks {
		got = m.from.ReplaceAllString(got, m.to)
	}
	file := filepath.Join("browser", "aria", name+".yaml")
	if *updateAria {
		require.NoError(p.t, os.WriteFile(file, []byte(got), 0o600))
	}
	want, err := os.ReadFile(file)
	require.NoError(p.t, err)
	require.Equal(p.t, string(want), got, "%s; when this is right: go test ./test/e2e -run %s -update-aria", file, p.t.Name())
}

// tabTo presses Tab until the element with the name has the focus.
func (p *tab) tabTo(name string) {
	p.t.Helper()
	const most = 12
	for range most {
		if strings.HasPrefix(p.focus(), name) {
			return
		}
		p.press("Tab")
	}
	require.Equal(p.t, name, p.focus(), "after %d times Tab", most)
}

// Film A by keyboard alone, from the sign-in to "Save and ready", and what a
// screen reader is told of offer, call and wrap-up.
func TestFilmA_BrowserByKeyboardAlone(t *testing.T) {
	w := newWorld(t)
	link := w.past()
	n := w.start()
	n.ready("marta")
	paola := newBrowser(t, agentHz).tab(n, "paola", tabOptions{})
	paola.goTo("/desk/")
	paola.see(role("button", "Sign in"))
	paola.typeText("paola")
	paola.press("Tab")
	paola.typeText(password)
	paola.press("Enter")
	paola.see(lineUp)
	paola.press("Alt+p")
	paola.see(readyWords)

	before := paola.focus()
	caller, trunk := filmACall(t, n, link)
	paola.see(offerDock)
	require.Equal(t, before, paola.focus(), "an offer does not take the focus")
	said := paola.text(place{TestID: "said-now"})
	require.Regexp(t, `^Giulia Rossi, stopped at payment, step 3 of 4, .*84\.90 euro; e-mail 'Consegna\?' unanswered since `, said, "announced once")
	require.Equal(t, said, *paola.attr(offerDock, "aria-label"), "the sentence is the offer's name")
	paola.ariaIs(offerDock, "offer")
	paola.ariaIs(deskThread, "offer-thread")
	paola.ariaIs(deskCard, "offer-card")

	caller.talkTo(trunk.logged("answer"))
	paola.press("Alt+a")
	paola.see(callDock)
	paola.hears(deskAudio, callerHz)
	hears(t, "caller", caller.Meter, agentHz)
	paola.see(words("Giulia speaking"))
	paola.focused("Call")
	paola.ariaIs(callDock, "call")

	paola.press("Alt+m")
	paola.see(role("button", "Mute").exactly().pressed(true))
	eventually(t, "the caller does not hear a muted agent", func() bool { return caller.Level(agentHz) < 0.2 })
	paola.press("Alt+m")
	paola.see(role("button", "Mute").exactly().pressed(false))
	caller.Forget(agentHz)
	hears(t, "caller", caller.Meter, agentHz)

	paola.press("Alt+h")
	paola.see(role("button", "Hold").exactly().pressed(true))
	music(t, caller.Meter)
	paola.press("Alt+h")
	paola.see(role("button", "Hold").exactly().pressed(false))
	paola.hears(deskAudio, callerHz)

	paola.press("Alt+k")
	paola.see(role("group", "Keypad"))
	paola.typeText("1#")
	for _, key := range "1#" {
		select {
		case d := <-caller.ep.Digits():
			require.Equal(t, string(key), string(d.Key))
		case <-within(t).Done():
			require.FailNow(t, "the caller does not get the keys")
		}
	}
	paola.press("Escape")
	paola.gone(role("group", "Keypad"))
	paola.press("Alt+w")
	paola.see(role("status", "").with("Noted: the reason was wrong."))

	paola.press("Alt+v")
	paola.see(role("button", "Both right: verify"))
	paola.press("Alt+v")
	paola.sees(deskCard, "Verified: everything open", giulia.Address.Address)
	paola.press("Alt+e")
	trunk.wait()

	paola.see(wrapUpDock)
	paola.sees(deskThread, "with Paola Ferri")
	paola.focused("Wrap-up")
	paola.ariaIs(wrapUpDock, "wrap-up")
	paola.press("1")
	paola.see(role("radio", "Purchase completed").checked())
	paola.tabTo("Note for the thread")
	paola.typeText("Paid with card 2.")
	paola.see(role("radio", "Purchase completed").checked()) // a digit in a note is a digit
	paola.press("Tab", "Space")
	paola.see(role("checkbox", "“Consegna?” answered").checked())
	paola.press("Alt+s")
	paola.see(readyWords)
	paola.see(role("button", "State: Ready"))
	paola.clean()
	n.quiet("delivery")
}

// focused waits until the focus is in the place with this name.
func (p *tab) focused(name string) {
	p.t.Helper()
	eventually(p.t, "the focus is on "+name, func() bool { return p.focus() == name })
}
