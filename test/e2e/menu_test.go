package e2e

import (
	"testing"

	"github.com/stretchr/testify/require"

	"filo/bench/robot"
)

// The other way of film A: nobody knows the number, the menu is heard, a key
// decides, music plays, an agent answers.
func TestFilmA_UnknownCallerThroughTheMenu(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.start()
	elena := n.signIn("elena")
	const unknown = "+390255501234"

	t.Run("RFC 4733 over UDP", func(t *testing.T) {
		n := n.in(t)
		c := n.call(unknown)
		require.NoError(t, c.Hear(within(t)), "menu")
		require.NoError(t, c.SendDigits(within(t), "1"))
		elena.awaitWaiting("checkout")
		music(t, c.Meter)
		paola := n.ready("paola")
		o := paola.offer("voice")
		require.Equal(t, "checkout", o.Queue)
		require.Nil(t, o.Skipped)
		require.Equal(t, "D0", o.View.Tier)
		require.Equal(t, "Unknown caller", o.View.Sentence["en"])
		paola.accept(o)
		bothTalk(t, c.Meter, paola)
		require.NoError(t, c.Hangup(within(t)))
		paola.contact(o.Contact, func(c contactFrame) bool { return c.State == "wrap_up" })
		require.NoError(t, paola.WrapUp(within(t), o.Contact, "answered", ""))
		require.NoError(t, paola.Close(within(t)))
	})

	t.Run("RFC 4733 over TCP, invalid key first", func(t *testing.T) {
		c, err := w.kit.Call(within(t), robot.Dial{Server: n.TCP, Transport: "tcp", From: unknown, To: "100", Say: robot.Tone(callerHz)})
		require.NoError(t, err)
		require.NoError(t, c.Hear(within(t)), "menu")
		require.NoError(t, c.SendDigits(within(t), "9"))
		require.NoError(t, c.Hear(within(t)), "that is not one of the choices")
		require.NoError(t, c.SendDigits(within(t), "3"))
		elena.awaitWaiting("returns")
		require.NoError(t, c.Hangup(within(t)))
	})

	t.Run("SIP INFO, SIPp as trunk", func(t *testing.T) {
		n := n.in(t)
		marta := n.signIn("marta")
		caller := n.w.newPeer(callerHz)
		trunk := startSIPp(t, "trunk-info", n.SIP, map[string]string{"caller": unknown, "called": "100", "rtp_port": caller.port(), "signal": "2"})
		caller.talkTo(trunk.logged("answer"))
		elena.awaitWaiting("delivery")
		music(t, caller.Meter)
		davide := n.ready("davide")
		o := davide.offer("voice")
		require.Equal(t, "delivery", o.Queue)
		require.Zero(t, marta.offers())
		davide.accept(o)
		bothTalk(t, caller.Meter, davide)
		require.NoError(t, davide.Command(within(t), o.Contact, "hangup", ""))
		trunk.wait()
		davide.contact(o.Contact, func(c contactFrame) bool { return c.State == "wrap_up" })
	})
	n.quiet()
}
