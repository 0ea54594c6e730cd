package voice

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"filo/bench/robot"
	"filo/contact"
	"filo/journey"
	"filo/media"
)

const giulia = "+393475554419"

func TestSkipToAPhone(t *testing.T) {
	for _, c := range []struct {
		name  string
		talk  time.Duration // the agent hangs up after it
		leave func(h *house, c *robot.Call)
	}{
		{"caller hangs up", 0, (*house).hangup},
		{"agent hangs up", time.Second, (*house).over},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := open(t, with(staff{"paola": "secret"}))
			phone := h.phone("paola", func(p *robot.PhoneConfig) { p.Talk = c.talk })
			h.known(skip("checkout"))
			call := h.call(giulia)
			h.hears(call.Meter, agentHz)
			h.hears(phone.Meter(), callerHz)
			c.leave(h, call)

			e := h.ended(0)
			require.Equal(t, journey.KindCall, e.Kind)
			require.Equal(t, "handled", e.Attrs["result"])
			require.Equal(t, "true", e.Attrs["skipped"])
			require.Equal(t, "abandoned-checkout", e.Attrs["rule"])
			require.Equal(t, "paola", e.Attrs["agent"])
			require.Equal(t, "PAOLA", e.Attrs["agent_name"])
			require.Equal(t, []journey.Identity{{Type: journey.Phone, Value: giulia}}, e.Identities)
			s := h.segment(e.Contact, 0)
			require.Equal(t, contact.Handled, s.Result)
			require.Equal(t, contact.AgentID("paola"), s.Agent)
			require.Equal(t, 1, s.Offers)
			require.True(t, s.SkippedIVR)
			require.False(t, s.OfferedAt.Before(s.EnqueuedAt) || s.AnsweredAt.Before(s.OfferedAt) || s.EndedAt.Before(s.AnsweredAt))
			h.wrapped(e.Contact, 0)
			require.Equal(t, 1.0, h.gauge("filo_voice_phone_rings_total", "answered"))
			require.Equal(t, 1.0, h.gauge("filo_voice_invite_to_offer_seconds"))
			require.Equal(t, 1.0, h.gauge("filo_voice_accept_to_audio_seconds"))
			require.Equal(t, 1.0, h.gauge("filo_voice_calls_total", "handled"))
		})
	}
}

func TestMenuThenQueueThenAgent(t *testing.T) {
	h := open(t, with(staff{"paola": "secret"}))
	call := h.call("+390255501234")
	h.hears(call.Meter, menuHz)
	require.NoError(t, call.SendDigits(h.within(), "1"))
	h.waiting("checkout", 1)
	h.hears(call.Meter, musicHz)
	h.phone("paola", nil)
	h.hears(call.Meter, agentHz)
	h.hangup(call)
	e := h.ended(0)
	require.Equal(t, "false", e.Attrs["skipped"])
	require.Empty(t, e.Attrs["rule"])
	require.Empty(t, h.segment(e.Contact, 0).Rule)
}

func TestFlowSaysGoodbye(t *testing.T) {
	h := open(t)
	call := h.call(giulia)
	h.hears(call.Meter, menuHz)
	require.NoError(t, call.SendDigits(h.within(), "2"))
	h.over(call)
	e := h.ended(0)
	require.Equal(t, "ended_in_flow", e.Attrs["result"])
	require.Empty(t, h.measure.Segments(e.Contact), "it never waited")
}

// Nobody is dropped because a flow or a rule names what does not exist.
func TestNoSuchQueue(t *testing.T) {
	t.Run("of a rule: the menu", func(t *testing.T) {
		h := open(t)
		h.known(skip("no-such-queue"))
		call := h.call(giulia)
		h.hears(call.Meter, menuHz)
		require.NoError(t, call.SendDigits(h.within(), "1"))
		h.waiting("checkout", 1)
		h.hangup(call)
		require.Equal(t, "false", h.ended(0).Attrs["skipped"])
	})
	for _, c := range []struct{ name, key string }{{"of the flow", "3"}, {"a transfer that we cannot make", "4"}} {
		t.Run(c.name+": the first queue", func(t *testing.T) {
			h := open(t)
			call := h.call(giulia)
			h.hears(call.Meter, menuHz)
			require.NoError(t, call.SendDigits(h.within(), c.key))
			h.waiting("checkout", 1)
			h.hangup(call)
			require.Equal(t, "checkout", h.ended(0).Attrs["queue"])
		})
	}
}

func TestEscapeKeepsTheAge(t *testing.T) {
	h := open(t)
	h.known(skip("zebra"))
	call := h.call(giulia)
	since := h.waiting("zebra", 1).Since
	h.hears(call.Meter, musicHz)
	require.NoError(t, call.SendDigits(h.within(), "0"))
	require.Equal(t, "abandoned-checkout "+journey.Escaped, take(h, h.thread.counted, "count"))
	h.hears(call.Meter, menuHz)
	h.waiting("zebra", 0)
	require.NoError(t, call.SendDigits(h.within(), "1"))
	require.Equal(t, since, h.waiting("checkout", 1).Since)
	require.NoError(t, call.SendDigits(h.within(), "0"), "no second menu: this one was chosen")
	h.hangup(call)
	e := h.ended(0)
	require.Equal(t, "abandoned", e.Attrs["result"])
	require.Equal(t, "false", e.Attrs["skipped"])
	require.Regexp(t, `^\d+$`, e.Attrs["wait"])
	first, second := h.segment(e.Contact, 0), h.segment(e.Contact, 1)
	require.Equal(t, contact.Transferred, first.Result)
	require.True(t, first.SkippedIVR)
	require.Equal(t, contact.Abandoned, second.Result)
	require.Empty(t, second.Rule)
	require.False(t, second.EnqueuedAt.Before(first.EndedAt), "each stretch has its own clock")
}

func TestAsk(t *testing.T) {
	ask := contact.Decision{Action: contact.Ask, Choices: []contact.Choice{
		{Rule: "abandoned-checkout", Reason: "checkout", Prompt: map[string]string{"en": "an order"}, Target: contact.Target{Queue: "checkout"}},
		{Rule: "unanswered-mail", Reason: "delivery", Prompt: map[string]string{"en": "a delivery"}, Target: contact.Target{Queue: "zebra"}},
	}}
	for _, c := range []struct {
		name, key, queue, rule string
		hears                  float64
	}{
		{"the second reason", "2", "zebra", "unanswered-mail", musicHz},
		{"something else", "0", "", "", menuHz},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := open(t)
			h.known(ask)
			call := h.call(giulia)
			h.hears(call.Meter, askHz)
			require.NoError(t, call.SendDigits(h.within(), c.key))
			h.hears(call.Meter, c.hears)
			if c.queue != "" {
				h.waiting(c.queue, 1)
			}
			h.hangup(call)
			e := h.ended(0)
			require.Equal(t, c.queue, e.Attrs["queue"])
			if c.rule != "" {
				s := h.segment(e.Contact, 0)
				require.Equal(t, c.rule, s.Rule)
				require.False(t, s.SkippedIVR)
			}
		})
	}
}

func TestNumberThatNeverSkips(t *testing.T) {
	no := false
	h := open(t, func(s *settings) { s.voice.Numbers = map[string]Number{"100": {Skip: &no}} })
	h.known(skip("checkout"))
	call := h.call(giulia)
	h.hears(call.Meter, menuHz)
	h.hangup(call)
	require.Equal(t, "ended_in_flow", h.ended(0).Attrs["result"])
}

func TestCallerLeavesWhileWaiting(t *testing.T) {
	h := open(t)
	h.known(skip("checkout"))
	call := h.call(giulia)
	h.waiting("checkout", 1)
	h.hangup(call)
	e := h.ended(0)
	require.Equal(t, "abandoned", e.Attrs["result"])
	require.Equal(t, contact.Abandoned, h.segment(e.Contact, 0).Result)
	require.False(t, h.segment(e.Contact, 0).EndedAt.IsZero())
}

func TestCallerLeavesWhileAPhoneRings(t *testing.T) {
	for _, c := range []struct {
		name  string
		leave func(h *house, c *robot.Call)
	}{
		{"hangs up", (*house).hangup},
		{"goes to the menu", func(h *house, c *robot.Call) {
			require.NoError(h.t, c.SendDigits(h.within(), "0"))
			h.hears(c.Meter, menuHz)
			require.NoError(h.t, c.SendDigits(h.within(), "2"))
			h.over(c)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := open(t, with(staff{"paola": "secret"}))
			ringing := make(chan string, 1)
			phone := h.phone("paola", func(p *robot.PhoneConfig) {
				p.Ignore, p.Ringing = true, func(from string, _ time.Time) { ringing <- from }
			})
			h.known(skip("checkout"))
			call := h.call(giulia)
			require.Equal(t, giulia, take(h, ringing, "ring"))
			c.leave(h, call)
			require.Eventually(t, func() bool { return phone.Cancels() == 1 }, patience, tick, "the phone stops ringing")
			h.ended(0)
			require.Equal(t, contact.Ready, h.agent("paola").State, "the agent is not blamed")
		})
	}
}

func TestNextAgentAfterRefusalAndSilence(t *testing.T) {
	for _, c := range []struct {
		name  string
		phone func(*robot.PhoneConfig)
		rona  int
	}{
		{"refuses", func(p *robot.PhoneConfig) { p.Refuse = 486 }, 0},
		{"does not answer", func(p *robot.PhoneConfig) { p.Ignore = true }, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := open(t, with(staff{"paola": "secret", "marta": "secret"}), func(s *settings) {
				q := s.router.Queues["checkout"]
				q.OfferTimeout = time.Second
				s.router.Queues["checkout"] = q
			})
			first := h.phone("paola", c.phone)
			h.known(skip("checkout"))
			call := h.call(giulia)
			require.Eventually(t, func() bool { return first.Rings() == 1 }, patience, tick)
			second := h.phone("marta", nil)
			h.hears(call.Meter, agentHz)
			h.hears(second.Meter(), callerHz)
			h.hangup(call)
			e := h.ended(0)
			s := h.segment(e.Contact, 0)
			require.Equal(t, contact.AgentID("marta"), s.Agent)
			require.Equal(t, c.rona, s.RONA)
			require.Equal(t, 2, s.Offers)
			require.Equal(t, 1, first.Rings(), "refused or ignored, it does not ring again")
		})
	}
}

// A phone whose 200 comes when the caller's escape was read already, or whose
// acceptance the router has told but the call not yet seen, is hung up.
func TestAcceptedPhoneOfACallThatLeft(t *testing.T) {
	h := open(t, with(staff{"paola": "secret"}))
	h.phone("paola", nil)
	h.known(skip("checkout"))
	for range 10 { // the two race each other: either order must be clean
		call := h.call(giulia)
		h.hangup(call)
		h.ended(0)
		require.Eventually(t, func() bool { return h.agent("paola").State == contact.Ready }, patience, tick)
	}
}

// A phone that dies without BYE: the caller hears music and goes on first.
func TestPhoneThatFallsSilent(t *testing.T) {
	h := open(t, with(staff{"paola": "secret", "marta": "secret"}), func(s *settings) { s.media.RTPTimeout = 400 * time.Millisecond })
	h.phone("paola", func(p *robot.PhoneConfig) { p.Say, p.Once = media.Tone(agentHz, 600*time.Millisecond), true })
	h.known(skip("checkout"))
	call := h.call(giulia)
	h.hears(call.Meter, agentHz)
	h.hears(call.Meter, musicHz)
	h.phone("marta", nil)
	h.hears(call.Meter, agentHz)
	h.hangup(call)
	e := h.ended(0)
	require.Equal(t, "marta", e.Attrs["agent"])
	require.Equal(t, contact.Transferred, h.segment(e.Contact, 0).Result)
	require.Equal(t, contact.AgentID("paola"), h.segment(e.Contact, 0).Agent)
	require.Equal(t, contact.AgentID("marta"), h.segment(e.Contact, 1).Agent)
}

func TestCallerWithoutAudio(t *testing.T) {
	h := open(t, func(s *settings) { s.media.InitialRTPTimeout = 300 * time.Millisecond })
	h.known(skip("checkout"))
	c, err := h.kit.Call(h.within(), robot.Dial{Server: h.ua.Addr("udp"), From: giulia, To: "100"})
	require.NoError(t, err)
	h.over(c)
	require.Equal(t, "abandoned", h.ended(0).Attrs["result"])
}

func TestCallThatLastsTooLong(t *testing.T) {
	h := open(t, with(staff{"paola": "secret"}), func(s *settings) { s.voice.MaxCall = 700 * time.Millisecond })
	h.phone("paola", nil)
	h.known(skip("checkout"))
	call := h.call(giulia)
	h.over(call)
	require.Equal(t, "handled", h.ended(0).Attrs["result"])
}

func TestOutcomeOnTheThread(t *testing.T) {
	for _, c := range []struct {
		name string
		who  contact.CustomerID // "" for a caller whom nobody knew
		note contact.WrapUpNote
		want []journey.Kind
	}{
		{"words", "p_1", contact.WrapUpNote{Disposition: "callback", Note: "tomorrow"}, []journey.Kind{journey.KindNote}},
		{"the goal", "p_1", contact.WrapUpNote{Disposition: "purchase", Note: "paid", Reached: true}, []journey.Kind{journey.KindNote, journey.KindOrder}},
		{"the goal of a stranger, without words", "", contact.WrapUpNote{Disposition: "purchase", Reached: true}, []journey.Kind{journey.KindNote, journey.KindOrder}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := open(t)
			c.note.Contact, c.note.Agent = "c_1", "paola"
			require.NoError(t, h.c.WrapUp(h.within(), &contact.Card{Contact: "c_1", Customer: c.who, Peer: giulia}, c.note))
			for i, kind := range c.want {
				e := take(h, h.thread.written, "event")
				require.Equal(t, kind, e.Kind)
				require.Equal(t, c.note.Disposition, e.Attrs["disposition"])
				require.Equal(t, i == 0 && c.note.Note != "", e.Summary != "", "said once")
			}
		})
	}
}
