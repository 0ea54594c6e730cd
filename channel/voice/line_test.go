package voice

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"filo/bench/robot"
	"filo/contact"
	"filo/journey"
	"filo/media"
	"filo/router"
	"filo/sip"
)

// browser is an agent's page: SIP over WebSocket, DTLS-SRTP.
type browser struct {
	h     *house
	agent contact.AgentID
	flow  string
	leg   *sip.Leg
	ep    media.Endpoint
	meter *media.Meter
	quiet context.CancelFunc // stops talking
}

// line opens an agent's line and waits until the desk is told of it.
func (h *house) line(agent contact.AgentID, headers ...string) *browser {
	h.t.Helper()
	b, err := h.tryLine(agent, headers...)
	require.NoError(h.t, err)
	require.Equal(h.t, lineNews{agent, true}, take(h, h.desk.lines, "line"))
	return b
}

func (h *house) tryLine(agent contact.AgentID, headers ...string) (*browser, error) {
	h.t.Helper()
	flow, err := h.kit.UA.ConnectWS(h.within(), "ws"+h.web.URL[len("http"):]+"/sip?user="+string(agent), nil)
	require.NoError(h.t, err)
	ep, offer, err := h.kit.Media.Offer(h.within(), media.Options{IdleLine: true}, media.WebRTC)
	require.NoError(h.t, err)
	h.t.Cleanup(func() { _ = ep.Close() })
	extra := map[string]string{}
	for _, name := range headers {
		extra[name] = "yes"
	}
	leg, err := h.kit.UA.Invite(h.within(), sip.Target{URI: "sip:line@filo.local", Destination: flow, Transport: "WS"},
		sip.InviteOptions{From: string(agent), SDP: offer, Headers: extra})
	if err != nil {
		return nil, err
	}
	require.NoError(h.t, ep.Accept(leg.RemoteSDP()))
	return &browser{h: h, agent: agent, flow: flow, leg: leg, ep: ep, meter: h.kit.Media.Meter(ep), quiet: func() {}}, nil
}

// talk makes the agent's microphone say the agent's tone.
func (b *browser) talk() { b.say(agentHz) }

func (b *browser) say(hz float64) {
	b.quiet()
	ctx, cancel := context.WithCancel(b.h.t.Context())
	b.quiet = cancel
	b.h.kit.Go(func() { _ = b.ep.Play(ctx, robot.Tone(hz).Looped()) })
}

// vanish is a page that is closed or reloaded: both connections end, no BYE.
func (b *browser) vanish() {
	b.h.t.Helper()
	b.quiet()
	b.h.kit.UA.DisconnectWS(b.flow)
	require.NoError(b.h.t, b.ep.Close())
	require.Equal(b.h.t, lineNews{b.agent, false}, take(b.h, b.h.desk.lines, "line down"))
}

// close hangs the line up.
func (b *browser) close() {
	b.h.t.Helper()
	b.quiet()
	require.NoError(b.h.t, b.leg.Hangup(b.h.within(), sip.Hangup{}))
	require.Equal(b.h.t, lineNews{b.agent, false}, take(b.h, b.h.desk.lines, "line down"))
}

// offer waits for the agent's offer.
func (h *house) offer(agent contact.AgentID) contact.OfferID {
	h.t.Helper()
	var id contact.OfferID
	require.Eventually(h.t, func() bool {
		offers := h.agent(agent).Offers
		if len(offers) > 0 {
			id = offers[0]
		}
		return len(offers) == 1
	}, patience, tick, "offer to %s", agent)
	return id
}

// connect lets the agent accept, and both hear each other.
func (h *house) connect(b *browser, call *robot.Call) contact.ID {
	h.t.Helper()
	require.NoError(h.t, h.router.Accept(h.within(), h.offer(b.agent), b.agent))
	b.talk()
	h.hears(call.Meter, agentHz)
	h.hears(b.meter, callerHz)
	contacts := h.agent(b.agent).Contacts
	require.Len(h.t, contacts, 1)
	return contacts[0].ID
}

func (h *house) command(id contact.ID, agent contact.AgentID, verb contact.Verb, digits ...string) error {
	cmd := contact.CallCommand{Verb: verb, Agent: agent}
	for _, d := range digits {
		cmd.Digits = d
	}
	return h.c.Command(h.within(), id, cmd)
}

// talking is a house in which Giulia and Paola, at her browser, hear each other.
func talking(t *testing.T, change ...func(*settings)) (*house, *browser, *robot.Call, contact.ID) {
	h := open(t, append([]func(*settings){with(staff{"paola": "", "marta": ""})}, change...)...)
	b := h.line("paola")
	h.ready("paola")
	h.known(skip("checkout"))
	call := h.call(giulia)
	return h, b, call, h.connect(b, call)
}

func TestBrowserLine(t *testing.T) {
	h, b, call, id := talking(t)
	require.Equal(t, 2.0, h.gauge("filo_media_endpoints"))
	require.NoError(t, h.command(id, "paola", contact.HangUp))
	h.over(call)
	require.Equal(t, "handled", h.ended(1).Attrs["result"])
	require.Eventually(t, func() bool { return h.gauge("filo_voice_accept_to_audio_seconds") == 1 }, patience, tick)

	// The line stays for the next call, and its silence meanwhile is not a loss.
	b.quiet()
	call = h.call(giulia)
	h.connect(b, call)
	h.hangup(call)
	h.ended(1)
	require.Empty(t, h.desk.calls, "nothing was said of a lost line")
	require.Zero(t, h.gauge("filo_voice_line_lost_total"))
	b.close()
	require.False(t, h.c.LineUp("paola"))
	h.quiet(0)
}

func TestHoldAndResume(t *testing.T) {
	h, b, call, id := talking(t)
	require.NoError(t, h.command(id, "paola", contact.Hold))
	require.Equal(t, contact.CallState{Hold: true}, take(h, h.desk.calls, "state"))
	h.hears(call.Meter, musicHz)
	b.quiet() // as the page does
	require.Eventually(t, func() bool { return b.meter.RMS() < 1 || time.Since(b.ep.Stats().LastRTPIn) > 100*time.Millisecond }, patience, tick)
	require.Never(t, func() bool { return len(h.desk.calls) > 0 }, h.c.cfg.LineSilence+2*watchEvery, tick, "a held line may be silent")
	require.NoError(t, h.command(id, "paola", contact.Hold), "twice is as good as once")
	b.talk()
	require.NoError(t, h.command(id, "paola", contact.Resume))
	require.Equal(t, contact.CallState{}, take(h, h.desk.calls, "state"))
	h.hears(call.Meter, agentHz)
	h.hears(b.meter, callerHz)
	require.Empty(t, h.desk.calls)
	h.hangup(call)
	e := h.ended(1)
	require.Greater(t, h.segment(e.Contact, 0).HoldTime, h.c.cfg.LineSilence)
}

func TestHangUpOnHold(t *testing.T) {
	h, _, call, id := talking(t)
	require.NoError(t, h.command(id, "paola", contact.Hold))
	h.hears(call.Meter, musicHz)
	h.hangup(call)
	require.Positive(t, h.segment(h.ended(1).Contact, 0).HoldTime)
}

func TestMute(t *testing.T) {
	h, b, call, id := talking(t)
	require.NoError(t, h.command(id, "paola", contact.Mute))
	require.Equal(t, contact.CallState{Muted: true}, take(h, h.desk.calls, "state"))
	require.Eventually(t, func() bool { return call.Meter.RMS() < 20 }, patience, tick, "silence")
	h.hears(b.meter, callerHz)
	require.NoError(t, h.command(id, "paola", contact.Unmute))
	require.Equal(t, contact.CallState{}, take(h, h.desk.calls, "state"))
	h.hears(call.Meter, agentHz)
	h.hangup(call)
	h.ended(1)
}

func TestAgentSendsDigits(t *testing.T) {
	h, _, call, id := talking(t)
	require.NoError(t, h.command(id, "paola", contact.SendDigits, "12"))
	require.NoError(t, h.command(id, "paola", contact.SendDigits, "34"))
	require.NoError(t, h.command(id, "paola", contact.SendDigits, "*#A"))
	var keys []rune
	for range len("1234*#A") {
		keys = append(keys, take(h, call.Digits(), "key").Key)
	}
	require.Equal(t, "1234*#A", string(keys), "in order")
	h.hangup(call)
	h.ended(1)
}

func TestCommandErrors(t *testing.T) {
	h, _, call, id := talking(t)
	require.ErrorIs(t, h.command("c_nobody", "paola", contact.Hold), contact.ErrNoContact)
	require.ErrorIs(t, h.command(id, "marta", contact.Hold), contact.ErrNotYours)
	for _, bad := range []contact.CallCommand{
		{Verb: "dance"},
		{Verb: contact.SendDigits},
		{Verb: contact.SendDigits, Digits: "1x"},
		{Verb: contact.SendDigits, Digits: "123456789012345678901234567890123"},
	} {
		bad.Agent = "paola"
		require.ErrorIs(t, h.c.Command(h.within(), id, bad), contact.ErrBadCommand, "%+v", bad)
	}
	require.NoError(t, h.command(id, "paola", contact.WrongReason))
	require.Equal(t, "abandoned-checkout "+journey.Wrong, take(h, h.thread.counted, "count"))
	require.Empty(t, h.desk.calls, "nothing of the call changed")
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	require.Error(t, h.c.Command(gone, id, contact.CallCommand{Verb: contact.Hold, Agent: "paola"}))
	h.hangup(call)
	h.ended(1)
	require.ErrorIs(t, h.command(id, "paola", contact.Hold), contact.ErrNoContact)
}

func TestCommandWhileWaiting(t *testing.T) {
	h := open(t, with(staff{"paola": ""}))
	b := h.line("paola")
	h.ready("paola")
	h.known(skip("checkout"))
	call := h.call(giulia)
	offer := h.offer("paola")
	id := h.waiting("checkout", 1).Contact
	require.ErrorIs(t, h.command(id, "paola", contact.Hold), contact.ErrBadCommand, "not accepted yet")
	// The router says "accepted" to the desk before the call has read it.
	require.NoError(t, h.router.Accept(h.within(), offer, "paola"))
	require.NoError(t, h.command(id, "paola", contact.Hold))
	require.Equal(t, contact.CallState{Hold: true}, take(h, h.desk.calls, "state"))
	require.NoError(t, h.command(id, "paola", contact.HangUp))
	h.over(call)
	h.ended(1)
	b.close()
}

// A reload: music within LineSilence, and back when the page has a line again.
func TestLineThatComesBack(t *testing.T) {
	h, b, call, _ := talking(t)
	b.vanish()
	require.Equal(t, contact.CallState{LineLost: true}, take(h, h.desk.calls, "state"))
	h.hears(call.Meter, musicHz)
	b = h.line("paola")
	require.Equal(t, contact.CallState{}, take(h, h.desk.calls, "state"))
	b.talk()
	h.hears(call.Meter, agentHz)
	h.hears(b.meter, callerHz)
	require.Equal(t, 1.0, h.gauge("filo_voice_line_lost_total"))
	require.Equal(t, 1.0, h.gauge("filo_voice_lines"))
	h.hangup(call)
	e := h.ended(1)
	require.Len(t, h.measure.Segments(e.Contact), 1, "one conversation")
}

// A network that falls silent and recovers needs no new line.
func TestLineThatFallsSilentForAWhile(t *testing.T) {
	h, b, call, _ := talking(t)
	b.quiet()
	require.Equal(t, contact.CallState{LineLost: true}, take(h, h.desk.calls, "state"))
	h.hears(call.Meter, musicHz)
	b.talk()
	require.Equal(t, contact.CallState{}, take(h, h.desk.calls, "state"))
	h.hears(call.Meter, agentHz)
	h.hangup(call)
	h.ended(1)
}

func TestHoldThenLineLostThenResume(t *testing.T) {
	h, b, call, id := talking(t)
	require.NoError(t, h.command(id, "paola", contact.Hold))
	require.Equal(t, contact.CallState{Hold: true}, take(h, h.desk.calls, "state"))
	b.quiet()
	require.NoError(t, b.leg.Hangup(h.within(), sip.Hangup{}))
	require.Equal(t, contact.CallState{Hold: true, LineLost: true}, take(h, h.desk.calls, "state"))
	require.Equal(t, lineNews{"paola", false}, take(h, h.desk.lines, "line"))
	require.NoError(t, h.command(id, "paola", contact.Mute), "commands are kept for the new line")
	require.Equal(t, contact.CallState{Hold: true, LineLost: true, Muted: true}, take(h, h.desk.calls, "state"))
	b = h.line("paola")
	require.Equal(t, contact.CallState{Hold: true, Muted: true}, take(h, h.desk.calls, "state"))
	h.hears(call.Meter, musicHz)
	b.talk()
	require.NoError(t, h.command(id, "paola", contact.Resume))
	h.hears(b.meter, callerHz)
	require.Eventually(t, func() bool { return call.Meter.RMS() < 20 }, patience, tick, "still muted")
	h.hangup(call)
	h.ended(1)
}

// An agent who does not come back: the caller is next, with the first age.
func TestLineLostForGood(t *testing.T) {
	h, b, call, id := talking(t, func(s *settings) { s.voice.LineGrace = 300 * time.Millisecond })
	b.vanish()
	h.hears(call.Meter, musicHz)
	require.Equal(t, id, h.waiting("checkout", 1).Contact)
	require.ErrorIs(t, h.command(id, "paola", contact.Hold), contact.ErrBadCommand)
	marta := h.line("marta")
	h.ready("marta")
	h.connect(marta, call)
	h.hangup(call)
	e := h.ended(int(h.gauge("filo_voice_lines")))
	require.Equal(t, "marta", e.Attrs["agent"])
	require.Equal(t, contact.Transferred, h.segment(e.Contact, 0).Result)
	require.Equal(t, contact.Handled, h.segment(e.Contact, 1).Result)
}

// The line goes between the acceptance and the connection.
func TestAcceptedWithoutALine(t *testing.T) {
	h := open(t, with(staff{"paola": "", "marta": ""}))
	b := h.line("paola")
	h.ready("paola")
	h.known(skip("checkout"))
	call := h.call(giulia)
	offer := h.offer("paola")
	b.close() // nobody tells the router: that is the desk's part
	require.NoError(t, h.router.Accept(h.within(), offer, "paola"))
	h.waiting("checkout", 1)
	h.hears(call.Meter, musicHz)
	marta := h.line("marta")
	h.ready("marta")
	h.connect(marta, call)
	h.hangup(call)
	e := h.ended(1)
	require.Equal(t, 2, h.segment(e.Contact, 0).Offers)
}

// An agent may be given more calls than one line carries: the second goes on.
func TestSecondCallOnOneLine(t *testing.T) {
	h, b, call, _ := talking(t)
	require.NoError(t, h.router.SignIn(h.within(), router.Agent{
		ID: "paola", Capacity: 200, Caps: map[contact.Channel]int{contact.Voice: 2},
	}))
	second := h.call("+393475554420")
	require.NoError(t, h.router.Accept(h.within(), h.offer("paola"), "paola"))
	h.hears(second.Meter, musicHz)
	h.waiting("checkout", 1)
	h.hears(call.Meter, agentHz)
	h.hears(b.meter, callerHz)
	h.hangup(second)
	require.Equal(t, "abandoned", take(h, h.thread.written, "call").Attrs["result"])
	h.hangup(call)
	h.ended(1)
}

func TestOneLineAnAgent(t *testing.T) {
	t.Run("an idle one is replaced", func(t *testing.T) {
		h := open(t, with(staff{"paola": ""}))
		old := h.line("paola")
		newer := h.line("paola")
		require.ErrorIs(t, sip.ErrRemoteHangup, causeOf(h, old.leg))
		require.True(t, h.c.LineUp("paola"))
		h.quiet(1)
		newer.close()
		require.Empty(t, h.desk.lines, "the old one's end is no news")
	})
	t.Run("one in a call is not", func(t *testing.T) {
		h, b, call, _ := talking(t)
		_, err := h.tryLine("paola")
		var refused *sip.StatusError
		require.ErrorAs(t, err, &refused)
		require.Equal(t, 486, refused.Code)
		h.hears(call.Meter, agentHz)
		require.NoError(t, b.leg.Cause())
		h.hangup(call)
		h.ended(1)
	})
	t.Run("unless the user confirmed", func(t *testing.T) {
		h, b, call, _ := talking(t)
		newer := h.line("paola", headerTakeover)
		require.ErrorIs(t, sip.ErrRemoteHangup, causeOf(h, b.leg))
		b.quiet()
		newer.talk()
		h.hears(newer.meter, callerHz)
		h.hears(call.Meter, agentHz)
		h.hangup(call)
		h.ended(1)
	})
}

func causeOf(h *house, leg *sip.Leg) error {
	h.t.Helper()
	take(h, leg.Done(), "end of the old line")
	return leg.Cause()
}

func TestLineIsForBrowsersOfAgents(t *testing.T) {
	h := open(t, with(staff{"paola": "secret"}))
	for _, user := range []contact.AgentID{"guest-1234", "paola"} {
		_, err := h.tryLine(user)
		var refused *sip.StatusError
		require.True(t, errors.As(err, &refused), "%v", err)
		require.Equal(t, 403, refused.Code)
	}
	require.Empty(t, h.c.lines.slots)
	h.quiet(0)
}

func TestDropLine(t *testing.T) {
	h := open(t, with(staff{"paola": ""}))
	b := h.line("paola")
	h.c.DropLine(h.within(), "paola")
	take(h, b.leg.Done(), "end of the line")
	require.Equal(t, lineNews{"paola", false}, take(h, h.desk.lines, "line"))
	h.c.DropLine(h.within(), "paola")
	h.quiet(0)
}

// The node stops under a conversation and a caller who waits.
func TestStopInTheMiddle(t *testing.T) {
	h, b, call, _ := talking(t)
	h.call("+393475554420")
	h.waiting("checkout", 1)
	h.stopSIP()
	take(h, call.Done(), "BYE")
	take(h, b.leg.Done(), "BYE")
	results := []string{take(h, h.thread.written, "call").Attrs["result"], take(h, h.thread.written, "call").Attrs["result"]}
	require.ElementsMatch(t, []string{"handled", "abandoned"}, results)
	h.quiet(0)
}

// Without a router nothing hangs: calls end, and are written down.
func TestRouterIsGone(t *testing.T) {
	h, _, talk, _ := talking(t)
	wait := h.call("+393475554420")
	h.waiting("checkout", 1)
	h.stopRouter()
	h.hangup(talk)
	h.hangup(wait)
	results := []string{take(h, h.thread.written, "call").Attrs["result"], take(h, h.thread.written, "call").Attrs["result"]}
	require.ElementsMatch(t, []string{"handled", "abandoned"}, results)
	h.over(h.call("+393475554421"))
	require.Equal(t, "failed", take(h, h.thread.written, "call").Attrs["result"])
	require.NoError(t, h.c.AwaitIdle(h.within()))
}
