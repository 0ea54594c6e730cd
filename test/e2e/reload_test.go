package e2e

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"filo/bench/robot"
)

// A configuration is changed while two people talk: the trunk's limit counts
// from now on, a wrong file is refused and changes nothing, and the talk goes
// on through all of it.
func TestRowReload_Configuration(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.spawn()
	paola := n.ready("paola")
	giulia.checkout(t, n.visitor("reload", ""))
	c := n.call(giulia.Phone)
	o := paola.offer("voice")
	paola.accept(o)
	bothTalk(t, c.Meter, paola)

	text, err := os.ReadFile(w.path("filo.yaml"))
	require.NoError(t, err)
	const trunk = "trusted: true, region: IT}"
	require.Contains(t, string(text), trunk)
	change := func(to string) { w.write("filo.yaml", strings.Replace(string(text), trunk, to, 1)) }
	outcome := func(result string, want float64) {
		t.Helper()
		eventually(t, "a reload that is "+result, func() bool { return n.metric("filo_config_reloads_total", "result", result) == want })
	}

	change("trusted: true, region: IT, limits: {inbound: {calls: 1}}}")
	n.reload()
	outcome("taken", 1)
	_, err = w.kit.Call(within(t), robot.Dial{Server: n.SIP, From: "+390655554410", To: "100"})
	require.ErrorContains(t, err, "503", "one call is what the trunk may have now")

	change("trusted: true, region: Italia, transport: pigeon}")
	n.reload()
	outcome("refused", 1)
	require.Zero(t, n.metric("filo_config_reload_success"))
	_, err = w.kit.Call(within(t), robot.Dial{Server: n.SIP, From: "+390655554410", To: "100"})
	require.ErrorContains(t, err, "503", "the limit stays")

	change(trunk)
	n.reload()
	outcome("taken", 2)
	other := n.call("+390655554410")
	require.NoError(t, other.Hangup(within(t)))
	c.Meter.Forget(agentHz)
	paola.Line.Meter.Forget(callerHz)
	bothTalk(t, c.Meter, paola)
	require.NoError(t, c.Hangup(within(t)))
	paola.contact(o.Contact, func(c contactFrame) bool { return c.State == "wrap_up" })
	n.quiet()
}
