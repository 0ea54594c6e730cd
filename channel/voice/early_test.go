package voice

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"filo/bench/robot"
	"filo/contact"
	"filo/sip"
)

const earlyYAML = `
languages: [en]
answer: early
prompts:
  main: {en: Press a key.}
  bye: {en: Goodbye.}
steps:
  main:
    menu:
      prompt: main
      options: {1: checkout, 2: bye, 3: paid, 4: office}
      timeout: 5s
      retries: 3
      on_fail: bye
  paid: {answer: }
  thanks: {say: bye}
  more: {enqueue: {queue: zebra}}
  checkout:
    enqueue: {queue: checkout}
  office:
    transfer: {to: office}
  bye:
    hangup: bye
`

// early calls in, and returns the call while it is heard but not answered.
func (h *house) early(ctx context.Context) (call *robot.Call, answered <-chan error) {
	h.t.Helper()
	heard, done := make(chan *robot.Call, 1), make(chan error, 1)
	h.kit.Go(func() {
		c, err := h.kit.Call(ctx, robot.Dial{Server: h.ua.Addr("udp"), From: giulia, To: "100", Say: robot.Tone(callerHz), Early: heard})
		if c != nil {
			h.t.Cleanup(func() { _ = c.Hangup(context.Background()) })
		}
		done <- err
	})
	return take(h, heard, "early media"), done
}

func earlyFlow(s *settings) { s.flow = earlyYAML }

// Menu and music are early media; the call is answered when an agent is.
func TestEarlyMediaUntilAnAgent(t *testing.T) {
	h := open(t, with(staff{"paola": ""}), earlyFlow)
	b := h.line("paola")
	call, answered := h.early(h.within())
	h.hears(call.Meter, menuHz)
	require.NoError(t, call.SendDigits(h.within(), "1"))
	h.waiting("checkout", 1)
	h.hears(call.Meter, musicHz)
	require.Empty(t, answered)
	h.ready("paola")
	require.NoError(t, h.router.Accept(h.within(), h.offer("paola"), "paola"))
	require.NoError(t, take(h, answered, "answer"))
	b.talk()
	h.hears(call.Meter, agentHz)
	h.hears(b.meter, callerHz)
	require.NoError(t, h.command(h.agent("paola").Contacts[0].ID, "paola", contact.HangUp))
	take(h, call.Done(), "BYE")
	h.ended(1)
}

func TestEarlyMedia(t *testing.T) {
	t.Run("who only hears the menu is refused, unbilled", func(t *testing.T) {
		h := open(t, earlyFlow)
		call, answered := h.early(h.within())
		h.hears(call.Meter, menuHz)
		require.NoError(t, call.SendDigits(h.within(), "2"))
		var refused *sip.StatusError
		require.ErrorAs(t, take(h, answered, "refusal"), &refused)
		require.Equal(t, codeUnavailable, refused.Code)
		require.Equal(t, "ended_in_flow", h.ended(0).Attrs["result"])
	})
	t.Run("the answer step answers", func(t *testing.T) {
		h := open(t, earlyFlow)
		call, answered := h.early(h.within())
		h.hears(call.Meter, menuHz)
		require.NoError(t, call.SendDigits(h.within(), "3"))
		require.NoError(t, take(h, answered, "answer"))
		h.waiting("zebra", 1)
		h.hears(call.Meter, musicHz)
		h.hangup(call)
		require.Equal(t, "abandoned", h.ended(0).Attrs["result"])
	})
	t.Run("who is called by the flow answers", func(t *testing.T) {
		h := open(t, earlyFlow, with(staff{"office": "secret-1"}))
		h.phone("office", nil)
		call, answered := h.early(h.within())
		h.hears(call.Meter, menuHz)
		require.NoError(t, call.SendDigits(h.within(), "4"))
		require.NoError(t, take(h, answered, "answer"))
		h.hears(call.Meter, agentHz)
		h.hangup(call)
		require.Equal(t, "transferred", h.ended(0).Attrs["result"])
	})
	t.Run("the caller gives up in the queue", func(t *testing.T) {
		h := open(t, earlyFlow)
		ctx, cancel := context.WithCancel(h.within())
		call, answered := h.early(ctx)
		h.hears(call.Meter, menuHz)
		require.NoError(t, call.SendDigits(h.within(), "1"))
		h.waiting("checkout", 1)
		cancel()
		require.Error(t, take(h, answered, "end"))
		require.Equal(t, "abandoned", h.ended(0).Attrs["result"])
	})
}
