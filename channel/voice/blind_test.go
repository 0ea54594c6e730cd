package voice

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"filo/bench/robot"
	"filo/contact"
)

// A blind transfer: the agent leaves at once, the caller goes on.
func TestBlindTransfer(t *testing.T) {
	for _, x := range helpers() {
		t.Run(x.name, func(t *testing.T) {
			h, b, call, id := talking(t, with(everybody()), wraps)
			since := h.agent("paola").Contacts[0].Since
			ear, accept, _ := x.setUp(h)
			require.NoError(t, h.ask(id, contact.Transfer, x.dest(h)))
			h.does("paola", contact.AgentWrapUp)
			h.silence(b.ear())
			accept()
			h.hears(call.Meter, martaHz)
			h.hears(ear.meter(), callerHz)
			require.NoError(t, h.router.EndWrapUp(h.within(), "paola", id))
			h.hangup(call)
			e := take(h, h.thread.written, "call")
			h.quietSoon()
			require.Equal(t, "PAOLA", e.Attrs["transferred_by"])
			require.Equal(t, 1.0, h.gauge("filo_voice_transfers_total", "blind"))
			first := h.segment(e.Contact, 0)
			require.Equal(t, contact.Transferred, first.Result)
			h.wrapped(e.Contact, 0)
			if x.agent == "" {
				require.Equal(t, "transferred", e.Attrs["result"])
				require.Len(t, h.measure.Segments(e.Contact), 1)
				return
			}
			second := h.segment(e.Contact, 1)
			require.Equal(t, contact.Handled, second.Result)
			require.Equal(t, x.agent, second.Agent)
			require.True(t, second.EnqueuedAt.After(since))
			require.Equal(t, string(x.agent), e.Attrs["agent"])
			if x.queue {
				require.Equal(t, "zebra", second.Queue)
				require.Equal(t, "zebra", e.Attrs["transferred_to"])
			}
		})
	}
}

// A queue takes the call with its age; to the own queue it does not come back
// at once.
func TestTransferKeepsTheAge(t *testing.T) {
	h, _, call, id := talking(t, with(everybody()))
	since := h.measure.Segments(id)[0].EnqueuedAt
	require.NoError(t, h.ask(id, contact.Transfer, contact.Destination{Queue: "checkout"}))
	w := h.waiting("checkout", 1)
	require.Equal(t, id, w.Contact)
	require.WithinDuration(t, since, w.Since, 100*time.Millisecond)
	h.hears(call.Meter, musicHz)
	h.does("paola", contact.Ready)
	require.ErrorIs(t, h.command(id, "paola", contact.Hold), contact.ErrBadCommand, "it waits")
	h.hangup(call)
	require.Equal(t, "abandoned", h.ended(1).Attrs["result"])
}

// An agent who does not take the call leaves it to everybody of the queue.
func TestTransferThatTheAgentDoesNotTake(t *testing.T) {
	for _, c := range []struct {
		name string
		hold time.Duration
		then func(h *house)
	}{
		{"refused", time.Minute, func(h *house) {
			require.NoError(h.t, h.router.Reject(h.within(), h.offer("marta"), "marta", "busy"))
		}},
		{"not ready for too long", 300 * time.Millisecond, func(h *house) {
			require.NoError(h.t, h.router.SetReady(h.within(), "marta", false, "break"))
			require.NoError(h.t, h.router.Reject(h.within(), h.offer("marta"), "marta", "busy"))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, _, call, id := talking(t, with(everybody()), func(s *settings) { s.voice.TransferHold = c.hold })
			h.line("marta")
			h.ready("marta")
			require.NoError(t, h.ask(id, contact.Transfer, contact.Destination{Agent: "marta"}))
			c.then(h)
			h.phone("fabio", func(c *robot.PhoneConfig) { c.Say = robot.Tone(martaHz) })
			h.hears(call.Meter, martaHz)
			h.hangup(call)
			require.Equal(t, "fabio", h.ended(2).Attrs["agent"])
		})
	}
	t.Run("signed in and not ready", func(t *testing.T) {
		h, _, call, id := talking(t, with(everybody()), func(s *settings) { s.voice.TransferHold = 300 * time.Millisecond })
		h.phone("fabio", func(c *robot.PhoneConfig) { c.Say = robot.Tone(martaHz) })
		h.line("marta")
		h.ready("marta")
		require.NoError(t, h.router.SetReady(h.within(), "marta", false, "break"))
		require.NoError(t, h.ask(id, contact.Transfer, contact.Destination{Agent: "marta"}))
		h.hears(call.Meter, musicHz)
		h.hears(call.Meter, martaHz)
		h.hangup(call)
		require.Equal(t, "fabio", h.ended(2).Attrs["agent"])
	})
}

// A number that does not answer: the caller is back in the queue, with the
// age, while the agent wraps up.
func TestTransferToANumberThatFails(t *testing.T) {
	for name, cfg := range map[string]robot.PhoneConfig{"busy": {Refuse: 486}, "no answer": {Ignore: true}} {
		t.Run(name, func(t *testing.T) {
			h, _, call, id := talking(t, with(everybody()), wraps, func(s *settings) { s.voice.RingTime = time.Second })
			since := h.measure.Segments(id)[0].EnqueuedAt
			h.number(cfg)
			require.NoError(t, h.ask(id, contact.Transfer, h.outside()))
			w := h.waiting("checkout", 1)
			require.WithinDuration(t, since, w.Since, 100*time.Millisecond)
			h.hears(call.Meter, musicHz)
			h.does("paola", contact.AgentWrapUp)
			p := h.phone("fabio", func(c *robot.PhoneConfig) { c.Say = robot.Tone(martaHz) })
			h.hears(call.Meter, martaHz)
			h.hears(p.Meter(), callerHz)
			h.hangup(call)
			e := take(h, h.thread.written, "call")
			h.quietSoon()
			require.Equal(t, "handled", e.Attrs["result"])
			require.Equal(t, contact.Transferred, h.segment(e.Contact, 0).Result)
			require.Equal(t, contact.AgentID("fabio"), h.segment(e.Contact, 1).Agent)
		})
	}
}

func TestCallerLeavesWhileANumberRings(t *testing.T) {
	h, _, call, id := talking(t, with(everybody()))
	p := h.number(robot.PhoneConfig{Ignore: true})
	require.NoError(t, h.ask(id, contact.Transfer, h.outside()))
	require.Eventually(t, func() bool { return p.Rings() == 1 }, patience, tick)
	h.hangup(call)
	require.Equal(t, "abandoned", h.ended(1).Attrs["result"])
	require.Eventually(t, func() bool { return p.Cancels() == 1 }, patience, tick)
}

// Numbers are dialled by the trunks, as these allow.
func TestNumbersByATrunk(t *testing.T) {
	h, b, call, id := talking(t, with(everybody()), func(s *settings) { s.dial = []string{"+39045"} })
	require.True(t, h.c.Dials())
	for number, want := range map[string]error{
		"+390612345678": contact.ErrBarred, "+19005551234": contact.ErrBarred, "nonsense": contact.ErrNoTarget,
	} {
		require.ErrorIs(t, h.ask(id, contact.Consult, contact.Destination{Number: number}), want, number)
	}
	from := make(chan string, 1)
	p := h.number(robot.PhoneConfig{Say: robot.Tone(martaHz), Ringing: func(caller string, _ time.Time) { from <- caller }})
	require.NoError(t, h.ask(id, contact.Consult, contact.Destination{Number: "0455550190"}), "as it is written there")
	h.hears(b.meter, martaHz)
	require.Equal(t, "+390455550100", take(h, from, "call"), "the number that the trunk may show")
	h.says(id, contact.Complete)
	h.hears(call.Meter, martaHz)
	h.hears(p.Meter(), callerHz)
	h.hangup(call)
	require.Equal(t, "0455550190", h.ended(1).Attrs["transferred_to"])
}

func TestNumberHangsUp(t *testing.T) {
	h, _, call, id := talking(t, with(everybody()))
	p := h.number(robot.PhoneConfig{Say: robot.Tone(martaHz)})
	require.NoError(t, h.ask(id, contact.Transfer, h.outside()))
	h.hears(call.Meter, martaHz)
	p.Hangup()
	h.over(call)
	e := h.ended(1)
	require.Equal(t, "transferred", e.Attrs["result"])
	require.Contains(t, e.Summary, "PAOLA")
}

// One contact through many hands.
func TestTransferredTwice(t *testing.T) {
	h, _, call, id := talking(t, with(everybody()))
	marta := h.line("marta")
	h.ready("marta")
	require.NoError(t, h.ask(id, contact.Transfer, contact.Destination{Agent: "marta"}))
	require.NoError(t, h.router.Accept(h.within(), h.offer("marta"), "marta"))
	marta.say(martaHz)
	h.hears(call.Meter, martaHz)
	h.phone("fabio", nil)
	require.NoError(t, h.c.Command(h.within(), id, contact.CallCommand{Verb: contact.Consult, Agent: "marta", To: contact.Destination{Agent: "fabio"}}))
	h.hears(marta.meter, agentHz)
	require.NoError(t, h.command(id, "marta", contact.Complete))
	h.hears(call.Meter, agentHz)
	h.hangup(call)
	e := h.ended(2)
	require.Equal(t, "PAOLA, MARTA", e.Attrs["transferred_by"])
	require.Equal(t, "MARTA, FABIO", e.Attrs["transferred_to"])
	require.Equal(t, "fabio", e.Attrs["agent"])
	require.Len(t, h.measure.Segments(e.Contact), 3)
}
