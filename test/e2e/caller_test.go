package e2e

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"filo/bench/robot"
	"filo/journey"
)

// token asks for a click-to-call token as the shop's button does.
func (n *node) token(anonymous string) (token, ws, user string) {
	n.t.Helper()
	body, err := json.Marshal(map[string]string{"anonymousId": anonymous, "writeKey": writeKey})
	require.NoError(n.t, err)
	resp, err := http.Post(n.URL+"/v1/call-token", "application/json", bytes.NewReader(body))
	require.NoError(n.t, err)
	defer func() { _ = resp.Body.Close() }()
	require.Equal(n.t, http.StatusOK, resp.StatusCode)
	var t struct{ Token, WS, User string }
	require.NoError(n.t, json.NewDecoder(resp.Body).Decode(&t))
	return t.Token, "ws" + strings.TrimPrefix(n.URL, "http") + t.WS, t.User
}

// Pairing without caller ID: a visitor presses "call us" in the shop. The
// token says whose form it was; it opens one socket only.
func TestRowPairing_CallTokenFromTheShop(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.start()
	paola := n.ready("paola")
	giulia.checkout(t, n.visitor("shop-caller", ""))
	token, ws, user := n.token("shop-caller")
	flow, err := w.kit.UA.ConnectWS(within(t), ws, nil)
	require.NoError(t, err)
	_, err = w.kit.UA.ConnectWS(within(t), ws, nil)
	require.Error(t, err, "a token opens one socket")

	c, err := w.kit.Call(within(t), robot.Dial{Via: flow, From: user, To: "shop", Say: robot.Tone(callerHz), Headers: map[string]string{"X-Filo-Token": token}})
	require.NoError(t, err)
	o := paola.offer("voice")
	require.NotNil(t, o.Skipped)
	require.Equal(t, "abandoned-checkout", o.Skipped.Rule)
	require.Equal(t, "D2", o.View.Tier)
	require.NotNil(t, o.View.LastWeb)
	require.Len(t, o.View.LastWeb.Cart, 2)
	paola.accept(o)
	bothTalk(t, c.Meter, paola)
	require.NoError(t, c.Hangup(within(t)))
	w.kit.UA.DisconnectWS(flow)
	paola.contact(o.Contact, func(c contactFrame) bool { return c.State == "wrap_up" })
	n.quiet()
}

// Nobody's number: a withheld caller gets the menu, and no thread, though the
// network tells the number to us.
func TestRowDisclosure_WithheldNumber(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.start()
	elena := n.signIn("elena")
	giulia.checkout(t, n.visitor("withheld", ""))
	c, err := w.kit.Call(within(t), robot.Dial{
		Server: n.SIP, From: "anonymous", To: "100", Say: robot.Tone(callerHz),
		Headers: map[string]string{"Privacy": "id", "P-Asserted-Identity": "<sip:" + giulia.Phone + "@telco.example>"},
	})
	require.NoError(t, err)
	require.NoError(t, c.Hear(within(t)), "menu")
	require.NoError(t, c.SendDigits(within(t), "1"))
	elena.awaitWaiting("checkout")
	paola := n.ready("paola")
	o := paola.offer("voice")
	require.Nil(t, o.Skipped)
	require.Equal(t, "D0", o.View.Tier)
	require.Empty(t, o.View.Events)
	require.NotRegexp(t, `5554419|(^|\D)4419(\D|$)`, paola.seen(), "neither whole nor masked; a time in nanoseconds may hold the digits")
	require.NoError(t, c.Hangup(within(t)))
	n.quiet()
}

// Callers who leave at every stage: in the menu, at the question, in the
// queue, while it rings at a desk. Nothing is left, and each is on a thread.
func TestRowCaller_LeavesAtEveryStage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.start()
	elena := n.signIn("elena")

	c := n.call("+390255501234")
	require.NoError(t, c.Hear(within(t)), "menu")
	require.NoError(t, c.Hangup(within(t)))
	n.quiet()

	c = n.known(giulia)
	elena.awaitWaiting("checkout")
	require.NoError(t, c.Hangup(within(t)))
	n.quiet()

	n.text(bruno.Phone, "Il codice LANA10 non funziona")
	c = n.known(bruno) // two reasons
	require.NoError(t, c.Hear(within(t)), "question")
	require.NoError(t, c.Hangup(within(t)))
	n.quiet("service")

	sara := n.ready("sara")
	c = n.call(giulia.Phone)
	o := sara.offer("voice")
	require.NoError(t, c.Hangup(within(t)))
	require.Equal(t, "withdrawn", sara.gone(o.ID))
	sara.state("ready")
	require.Equal(t, http.StatusConflict, apiStatus(sara.Accept(within(t), o.ID)))
	require.True(t, has(o.View, func(e journey.ThreadEvent) bool {
		return e.Kind == journey.KindCall && e.Attrs["result"] == "abandoned"
	}), "the call that was given up is on the thread")
	n.quiet("service")
	require.Equal(t, 2.0, n.metric("filo_voice_calls_total", "result", "abandoned"))
	require.Equal(t, 2.0, n.metric("filo_voice_calls_total", "result", "ended_in_flow"))
}
