package e2e

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"filo/bench/robot"
	"filo/internal/config"
	"filo/media"
	"filo/sip"
)

// trunkCall runs a scenario up to the talk: a known caller, an agent at a desk.
func (n *node) trunkCall(scenario string, caller *peer, keys map[string]string) (*sipp, *agent, offer) {
	n.t.Helper()
	giulia.checkout(n.t, n.visitor("trunk", ""))
	paola := n.ready("paola")
	trunk := startSIPp(n.t, scenario, n.SIP, keys)
	o := paola.offer("voice")
	caller.talkTo(trunk.logged("answer"))
	paola.accept(o)
	bothTalk(n.t, caller.Meter, paola)
	return trunk, paola, o
}

func (n *node) hangUp(trunk *sipp, a *agent, o offer) {
	n.t.Helper()
	require.NoError(n.t, a.Command(within(n.t), o.Contact, "hangup", ""))
	trunk.wait()
	a.contact(o.Contact, func(c contactFrame) bool { return c.State == "wrap_up" })
	n.quiet()
}

// A trunk with A-law only talks to a browser line with µ-law.
func TestRowTrunk_ALaw(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.start()
	caller := w.newPeer(callerHz, media.PCMA)
	caller.payload, caller.codec = "8", "PCMA"
	keys := trunkKeys(giulia, caller)
	keys["payload"], keys["codec"] = "8", "PCMA"
	n.hangUp(n.trunkCall("trunk-call", caller, keys))
}

// A trunk that sends no offer: ours is in the 200, its answer in the ACK.
func TestRowTrunk_LateOffer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.start()
	caller := w.newPeer(callerHz)
	n.hangUp(n.trunkCall("trunk-late-offer", caller, trunkKeys(giulia, caller)))
}

// A caller who holds the call by re-INVITE gets nothing meanwhile, and is back
// in the talk afterwards.
func TestRowTrunk_HeldByTheCaller(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.start()
	caller := w.newPeer(callerHz)
	trunk, paola, o := n.trunkCall("trunk-hold", caller, trunkKeys(giulia, caller))
	require.Equal(t, "recvonly", trunk.logged("held"))
	eventually(t, "silence", func() bool { return time.Since(caller.ep.Stats().LastRTPIn) > 300*time.Millisecond })
	require.Equal(t, "sendrecv", trunk.logged("resumed"))
	caller.Forget(agentHz)
	paola.Line.Meter.Forget(callerHz)
	bothTalk(t, caller.Meter, paola)
	n.hangUp(trunk, paola, o)
}

// Whoever is no trunk cannot call.
func TestRowTrunk_Stranger(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.start(with(func(c *config.Config) { c.SIP.Trunks[0].Allow = []string{"127.0.0.2"} }))
	_, err := w.kit.Call(within(t), robot.Dial{Server: n.SIP, From: giulia.Phone, To: "100"})
	var refused *sip.StatusError
	require.True(t, errors.As(err, &refused), "%v", err)
	require.Contains(t, []int{401, 403, 407}, refused.Code)
	require.Zero(t, n.metric("filo_voice_calls_total"))
	n.quiet()
}

// A trunk that we do not trust: the number is a hint. A question is asked
// where a trusted trunk would skip, and the agent sees nothing personal.
func TestRowTrunk_Untrusted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.start(with(func(c *config.Config) { c.SIP.Trunks[0].Trusted = false }))
	sara := n.ready("sara")
	n.text(giulia.Phone, "Sono Giulia, il codice LANA10 non funziona")
	c := n.call(giulia.Phone)
	require.NoError(t, c.Hear(within(t)), "the question")
	require.NoError(t, c.SendDigits(within(t), "1"))
	o := sara.offer("voice")
	require.Nil(t, o.Skipped)
	require.Equal(t, "D1", o.View.Tier)
	require.Equal(t, "service", o.Queue)
	require.NotContains(t, sara.seen(), "LANA10")
	require.NotContains(t, sara.seen(), "Giulia")
	require.NoError(t, c.Hangup(within(t)))
	n.quiet("service")
}
