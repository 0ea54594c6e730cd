package voice

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"filo/bench/robot"
	"filo/contact"
	"filo/measure"
	"filo/media"
	"filo/router"
)

// What the others on a call say.
const (
	martaHz = 1700
	bossHz  = 2130
)

// hearsAll waits until a meter hears these tones together, each loud enough,
// and nothing else.
func (h *house) hearsAll(m *media.Meter, hz ...float64) {
	h.t.Helper()
	require.Eventually(h.t, func() bool {
		sum := 0.0
		for _, f := range hz {
			level := m.Level(f)
			if level < .5/float64(len(hz)) {
				return false
			}
			sum += level
		}
		return sum > .8
	}, patience, tick, "tones of %v Hz", hz)
}

// shows waits until the agent's desk shows the call so.
func (h *house) shows(agent contact.AgentID, id contact.ID, want contact.CallState) {
	h.t.Helper()
	var got contact.CallState
	require.Eventually(h.t, func() bool {
		h.desk.mu.Lock()
		defer h.desk.mu.Unlock()
		got = h.desk.shown[agent][id]
		return got == want
	}, patience, tick, "%s sees %+v, want %+v", agent, &got, want)
}

// does waits until an agent does something.
func (h *house) does(agent contact.AgentID, want contact.AgentState) {
	h.t.Helper()
	require.Eventually(h.t, func() bool { return h.agent(agent).State == want }, patience, tick, "%s is %s", agent, want)
}

// ear is where a person on a call hears.
type ear struct {
	meter func() *media.Meter // nil when the leg is gone
	ep    media.Endpoint      // of a browser line, which stays
}

func (b *browser) ear() ear { return ear{func() *media.Meter { return b.meter }, b.ep} }

// silence waits until nothing is heard any more: a line that is nobody's hears
// not even silence.
func (h *house) silence(e ear) {
	h.t.Helper()
	require.Eventually(h.t, func() bool {
		m := e.meter()
		return m == nil || m.RMS() < 20 || e.ep != nil && time.Since(e.ep.Stats().LastRTPIn) > 100*time.Millisecond
	}, patience, tick, "silence")
}

// helper is who is consulted: by a browser, a SIP phone or at a number outside.
type helper struct {
	name  string
	to    contact.Destination
	agent contact.AgentID // "" for the number
	queue bool            // asked for by the queue
	setUp func(h *house) (ear ear, accept, leave func())
}

const outside = "+390455550190"

func helpers() []helper {
	byBrowser := func(h *house) (ear, func(), func()) {
		b := h.line("marta")
		h.ready("marta")
		accept := func() {
			h.t.Helper()
			require.NoError(h.t, h.router.Accept(h.within(), h.offer("marta"), "marta"))
			b.say(martaHz)
		}
		leave := func() {
			h.t.Helper()
			contacts := h.agent("marta").Contacts
			require.Len(h.t, contacts, 1)
			require.NoError(h.t, h.command(contacts[0].ID, "marta", contact.HangUp))
		}
		return b.ear(), accept, leave
	}
	byPhone := func(h *house) (ear, func(), func()) {
		p := h.phone("fabio", func(c *robot.PhoneConfig) { c.Say = robot.Tone(martaHz) })
		return ear{meter: p.Meter}, func() {}, p.Hangup
	}
	byNumber := func(h *house) (ear, func(), func()) {
		p := h.number(robot.PhoneConfig{Say: robot.Tone(martaHz)})
		return ear{meter: p.Meter}, func() {}, p.Hangup
	}
	return []helper{
		{"a browser", contact.Destination{Agent: "marta"}, "marta", false, byBrowser},
		{"a queue", contact.Destination{Queue: "zebra"}, "marta", true, byBrowser},
		{"a SIP phone", contact.Destination{Agent: "fabio"}, "fabio", false, byPhone},
		{"a number", contact.Destination{}, "", false, byNumber},
	}
}

// number is a phone outside.
func (h *house) number(cfg robot.PhoneConfig) *robot.Phone { return h.kit.Number(outside, cfg) }

// dest is the destination of a helper.
func (x helper) dest(h *house) contact.Destination {
	if x.to == (contact.Destination{}) {
		return h.outside()
	}
	return x.to
}

func (h *house) outside() contact.Destination {
	return contact.Destination{Number: "sip:" + outside + "@" + h.kit.Address()}
}

// everybody works in this house.
func everybody() staff { return staff{"paola": "", "marta": "", "fabio": "secret", "boss": ""} }

// ask lets Paola say a verb with a destination.
func (h *house) ask(id contact.ID, verb contact.Verb, to contact.Destination) error {
	return h.c.Command(h.within(), id, contact.CallCommand{Verb: verb, Agent: "paola", To: to})
}

// says lets Paola say verbs that must be possible.
func (h *house) says(id contact.ID, verbs ...contact.Verb) {
	h.t.Helper()
	for _, verb := range verbs {
		require.NoError(h.t, h.command(id, "paola", verb), verb)
	}
}

// consultation is a house in which Giulia hears music while Paola, at her
// browser, talks with a helper.
type consultation struct {
	*house
	x      helper
	paola  *browser
	call   *robot.Call
	id     contact.ID
	to     contact.Destination
	ear    ear    // of the helper
	accept func() // by the helper
	leave  func() // by the helper
}

func (s *consultation) shown(stage contact.ConsultStage) contact.CallState {
	name := ""
	if s.x.agent != "" {
		name = s.staff.Name(s.x.agent)
	}
	return contact.CallState{Consult: contact.ConsultState{To: s.to, Name: name, Stage: stage}}
}

// asking is a consultation that still rings.
func asking(t *testing.T, x helper, change ...func(*settings)) *consultation {
	h, b, call, id := talking(t, append([]func(*settings){with(everybody()), wraps}, change...)...)
	s := &consultation{house: h, x: x, paola: b, call: call, id: id, to: x.dest(h)}
	s.ear, s.accept, s.leave = x.setUp(h)
	require.NoError(t, h.ask(id, contact.Consult, s.to))
	h.hears(call.Meter, musicHz)
	return s
}

func consulting(t *testing.T, x helper, change ...func(*settings)) *consultation {
	s := asking(t, x, change...)
	s.accept()
	s.talks()
	return s
}

// talks waits until Paola and the helper hear each other, and nobody else.
func (s *consultation) talks() {
	s.t.Helper()
	s.hears(s.paola.meter, martaHz)
	s.hears(s.ear.meter(), agentHz)
	s.hears(s.call.Meter, musicHz)
	s.shows("paola", s.id, s.shown(contact.ConsultTalking))
}

// back waits until Paola and Giulia hear each other, and nobody else.
func (s *consultation) back() {
	s.t.Helper()
	s.hears(s.call.Meter, agentHz)
	s.hears(s.paola.meter, callerHz)
}

// goOn waits until Giulia and the helper hear each other, and Paola is out.
func (s *consultation) goOn() {
	s.t.Helper()
	s.hears(s.call.Meter, martaHz)
	s.hears(s.ear.meter(), callerHz)
	s.silence(s.paola.ear())
}

// held waits until Giulia hears music after the helper was lost.
func (s *consultation) held() {
	s.t.Helper()
	s.shows("paola", s.id, contact.CallState{Hold: true})
	s.hears(s.call.Meter, musicHz)
	s.silence(s.paola.ear())
}

// over lets Giulia hang up, and finds nothing left of the call.
func (s *consultation) finished() (result string, segments []measure.Segment) {
	s.t.Helper()
	s.hangup(s.call)
	return s.last()
}

func (s *consultation) last() (result string, segments []measure.Segment) {
	s.t.Helper()
	e := take(s.house, s.thread.written, "call on the thread")
	s.quietSoon()
	return e.Attrs["result"], s.measure.Segments(e.Contact)
}

// quietSoon is quiet when wrap-ups are over.
func (h *house) quietSoon() {
	h.t.Helper()
	for agent := range h.staff {
		for _, c := range h.router2(agent) {
			_ = h.router.EndWrapUp(h.within(), agent, c)
		}
	}
	h.quiet(int(h.gauge("filo_voice_lines")))
}

func (h *house) router2(agent contact.AgentID) (list []contact.ID) {
	snap, err := h.router.Snapshot(h.within())
	require.NoError(h.t, err)
	for _, a := range snap.Agents {
		if a.ID != agent {
			continue
		}
		for _, c := range a.Contacts {
			list = append(list, c.ID)
		}
	}
	return list
}

// wraps gives every agent wrap-up.
func wraps(s *settings) {
	s.router.Queues = map[string]router.Queue{"checkout": {WrapUp: time.Hour}, "zebra": {WrapUp: time.Hour}}
}

func TestConsult(t *testing.T) {
	for _, x := range helpers() {
		t.Run(x.name, func(t *testing.T) {
			s := consulting(t, x)
			s.says(s.id, contact.Swap)
			s.back()
			s.hears(s.ear.meter(), musicHz)
			s.shows("paola", s.id, s.shown(contact.ConsultHeld))
			s.says(s.id, contact.Hold)
			s.hears(s.call.Meter, musicHz)
			s.says(s.id, contact.Resume)
			s.back()

			s.says(s.id, contact.Swap)
			s.talks()
			s.says(s.id, contact.Conference)
			s.hearsAll(s.call.Meter, agentHz, martaHz)
			s.hearsAll(s.paola.meter, callerHz, martaHz)
			s.hearsAll(s.ear.meter(), callerHz, agentHz)
			s.shows("paola", s.id, s.shown(contact.ConsultConference))
			s.says(s.id, contact.Swap)
			s.talks()
			s.says(s.id, contact.Drop)
			s.back()
			s.shows("paola", s.id, contact.CallState{})
			s.silence(s.ear)
			if x.agent != "" {
				s.does(x.agent, contact.Ready) // there is nothing to wrap up
			}
			result, segments := s.finished()
			require.Equal(t, "handled", result)
			require.Len(t, segments, 1)
			require.Positive(t, segments[0].HoldTime)
			require.Equal(t, 1.0, s.gauge("filo_voice_consults_total", "answered"))
		})
	}
}

func TestAttendedTransfer(t *testing.T) {
	for i, x := range helpers() {
		for stage, verbs := range map[string][]contact.Verb{
			"while they talk": nil, "while the helper is held": {contact.Swap}, "from a conference": {contact.Conference},
		} {
			if i > 0 && verbs != nil {
				continue // what stage it is does not depend on who helps
			}
			t.Run(x.name+" "+stage, func(t *testing.T) {
				s := consulting(t, x)
				since := s.call.Answered
				s.says(s.id, verbs...)
				s.says(s.id, contact.Complete)
				s.goOn()
				s.does("paola", contact.AgentWrapUp)
				require.ErrorIs(t, s.command(s.id, "paola", contact.Hold), contact.ErrNotYours)
				if x.agent != "" {
					s.does(x.agent, contact.Busy)
					require.Equal(t, s.id, s.agent(x.agent).Contacts[0].ID, "it is the caller's contact now")
					require.NoError(t, s.command(s.id, x.agent, contact.Hold), "with all that an agent may do")
					s.hears(s.call.Meter, musicHz)
					require.NoError(t, s.command(s.id, x.agent, contact.Resume))
					s.hears(s.call.Meter, martaHz)
				}
				require.NoError(t, s.router.EndWrapUp(s.within(), "paola", s.id))
				s.does("paola", contact.Ready)

				s.hangup(s.call)
				e := take(s.house, s.thread.written, "call")
				require.Equal(t, "PAOLA", e.Attrs["transferred_by"])
				if x.agent == "" {
					require.Equal(t, s.to.Number, e.Attrs["transferred_to"])
				} else {
					require.Equal(t, s.staff.Name(x.agent), e.Attrs["transferred_to"])
				}
				s.quietSoon()
				first := s.segment(e.Contact, 0)
				require.Equal(t, contact.Transferred, first.Result)
				require.Equal(t, contact.AgentID("paola"), first.Agent)
				s.wrapped(e.Contact, 0)
				require.Equal(t, 1.0, s.gauge("filo_voice_transfers_total", "attended"))
				if x.agent == "" {
					require.Equal(t, "transferred", e.Attrs["result"])
					require.Len(t, s.measure.Segments(e.Contact), 1)
					return
				}
				require.Equal(t, "handled", e.Attrs["result"])
				second := s.segment(e.Contact, 1)
				require.Equal(t, x.agent, second.Agent)
				require.Equal(t, contact.Handled, second.Result)
				require.True(t, second.EnqueuedAt.After(since), "the stretch began with the wish for help")
				require.False(t, second.AnsweredAt.Before(second.OfferedAt) || second.EndedAt.Before(second.AnsweredAt))
				if x.queue {
					require.Equal(t, "zebra", second.Queue)
				}
			})
		}
	}
}

// Who vanishes, and what becomes of the others.
func TestAgentLeavesAConsultation(t *testing.T) {
	for _, x := range helpers() {
		t.Run(x.name+": the caller goes on with the helper", func(t *testing.T) {
			s := consulting(t, x)
			s.says(s.id, contact.HangUp)
			s.goOn()
			s.leave()
			s.over(s.call)
			s.last()
		})
		t.Run(x.name+": so it is when the line is lost for good", func(t *testing.T) {
			s := consulting(t, x, func(c *settings) { c.voice.LineGrace = 300 * time.Millisecond })
			s.paola.quiet()
			s.paola.vanish()
			s.hears(s.call.Meter, martaHz)
			s.hears(s.ear.meter(), callerHz)
			s.finished()
		})
	}
	t.Run("while it rings the call is over", func(t *testing.T) {
		s := asking(t, helpers()[0])
		s.offer("marta")
		s.says(s.id, contact.HangUp)
		s.over(s.call)
		result, _ := s.last()
		require.Equal(t, "handled", result)
		s.does("marta", contact.Ready)
	})
	t.Run("lost while it rings: back to the queue", func(t *testing.T) {
		nobody := helpers()[3]
		nobody.setUp = func(h *house) (ear, func(), func()) {
			h.number(robot.PhoneConfig{Ignore: true})
			return ear{}, nil, nil
		}
		s := asking(t, nobody, func(c *settings) { c.voice.LineGrace = 300 * time.Millisecond })
		s.paola.vanish()
		require.Equal(t, s.id, s.waiting("checkout", 1).Contact)
		result, segments := s.finished()
		require.Equal(t, "abandoned", result)
		require.Equal(t, contact.Transferred, segments[0].Result)
	})
}

// A page that is reloaded in a consultation finds it again.
func TestReloadWhileConsulting(t *testing.T) {
	s := consulting(t, helpers()[0])
	s.paola.vanish()
	lost := s.shown(contact.ConsultTalking)
	lost.LineLost = true
	s.shows("paola", s.id, lost)
	s.hears(s.ear.meter(), musicHz)
	s.paola = s.line("paola")
	s.paola.talk()
	s.talks()
	s.says(s.id, contact.Drop)
	s.back()
	s.finished()
}

// The helper's page, too.
func TestHelperReloads(t *testing.T) {
	h, b, call, id := talking(t, with(everybody()))
	marta := h.line("marta")
	h.ready("marta")
	require.NoError(t, h.ask(id, contact.Consult, contact.Destination{Agent: "marta"}))
	require.NoError(t, h.router.Accept(h.within(), h.offer("marta"), "marta"))
	marta.say(martaHz)
	h.hears(b.meter, martaHz)
	consultation := h.agent("marta").Contacts[0].ID
	marta.vanish()
	h.shows("marta", consultation, contact.CallState{LineLost: true})
	marta = h.line("marta")
	marta.say(martaHz)
	h.hears(b.meter, martaHz)
	h.hears(marta.meter, agentHz)
	require.NoError(t, h.command(consultation, "marta", contact.Mute))
	h.shows("marta", consultation, contact.CallState{Muted: true})
	h.silence(b.ear())
	require.NoError(t, h.command(consultation, "marta", contact.Unmute))
	h.hears(b.meter, martaHz)
	for _, verb := range []contact.Verb{contact.Hold, contact.Drop, contact.Complete, contact.Transfer, contact.Record} {
		require.ErrorIs(t, h.command(consultation, "marta", verb), contact.ErrBadCommand, verb)
	}
	require.ErrorIs(t, h.command(consultation, "fabio", contact.Mute), contact.ErrNotYours)
	h.hangup(call)
	h.ended(2)
	require.ErrorIs(t, h.command(consultation, "marta", contact.Mute), contact.ErrNoContact)
}

func TestHelperLeaves(t *testing.T) {
	for i, x := range helpers() {
		t.Run(x.name+" while they talk: the caller is on hold", func(t *testing.T) {
			s := consulting(t, x)
			s.leave()
			s.held()
			require.ErrorIs(t, s.command(s.id, "paola", contact.Complete), contact.ErrBadCommand)
			s.says(s.id, contact.Resume)
			s.back()
			s.finished()
		})
		if i > 0 {
			continue
		}
		t.Run(x.name+" while held: nobody notices", func(t *testing.T) {
			s := consulting(t, x)
			s.says(s.id, contact.Swap)
			s.back()
			s.leave()
			s.shows("paola", s.id, contact.CallState{})
			s.back()
			s.finished()
		})
		t.Run(x.name+" from a conference: the others go on", func(t *testing.T) {
			s := consulting(t, x)
			s.says(s.id, contact.Conference)
			s.hearsAll(s.call.Meter, agentHz, martaHz)
			s.leave()
			s.back()
			s.finished()
		})
	}
	t.Run("a line that is lost for good", func(t *testing.T) {
		h, b, call, id := talking(t, with(everybody()), func(s *settings) { s.voice.LineGrace = 300 * time.Millisecond })
		marta := h.line("marta")
		h.ready("marta")
		require.NoError(t, h.ask(id, contact.Consult, contact.Destination{Agent: "marta"}))
		require.NoError(t, h.router.Accept(h.within(), h.offer("marta"), "marta"))
		marta.say(martaHz)
		h.hears(b.meter, martaHz)
		marta.vanish()
		h.shows("paola", id, contact.CallState{Hold: true})
		h.hangup(call)
		h.ended(1)
	})
}

// Nobody comes.
func TestConsultationThatNobodyTakes(t *testing.T) {
	refuse := func(h *house, agent contact.AgentID) {
		require.NoError(h.t, h.router.Reject(h.within(), h.offer(agent), agent, "busy"))
	}
	for _, c := range []struct {
		name  string
		to    contact.Destination // zero: the number
		setUp func(h *house)
		then  func(h *house)
	}{
		{"the agent refuses", contact.Destination{Agent: "marta"}, func(h *house) { h.line("marta"); h.ready("marta") }, func(h *house) { refuse(h, "marta") }},
		{"the agent does not answer", contact.Destination{Agent: "marta"}, func(h *house) { h.line("marta"); h.ready("marta") }, func(*house) {}},
		{"the agent is not ready", contact.Destination{Agent: "marta"}, func(h *house) {
			require.NoError(h.t, h.router.SignIn(h.within(), router.Agent{ID: "marta"}))
		}, func(*house) {}},
		{"the agent's phone refuses", contact.Destination{Agent: "fabio"}, func(h *house) { h.phone("fabio", func(c *robot.PhoneConfig) { c.Refuse = 486 }) }, func(*house) {}},
		{"nobody is in the queue", contact.Destination{Queue: "zebra"}, func(*house) {}, func(*house) {}},
		{"the number is busy", contact.Destination{}, func(h *house) { h.number(robot.PhoneConfig{Refuse: 486}) }, func(*house) {}},
		{"the number does not answer", contact.Destination{}, func(h *house) { h.number(robot.PhoneConfig{Ignore: true}) }, func(*house) {}},
		{"there is no such number", contact.Destination{}, func(*house) {}, func(*house) {}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, b, call, id := talking(t, with(everybody()), func(s *settings) {
				s.voice.RingTime = 1500 * time.Millisecond
				q := s.router.Queues["checkout"]
				q.OfferTimeout = time.Second
				s.router.Queues["checkout"] = q
			})
			c.setUp(h)
			if c.to == (contact.Destination{}) {
				c.to = h.outside()
			}
			require.NoError(t, h.ask(id, contact.Consult, c.to))
			c.then(h)
			h.shows("paola", id, contact.CallState{Hold: true})
			h.hears(call.Meter, musicHz)
			require.Equal(t, 1.0, h.gauge("filo_voice_consults_total", "unanswered"))
			h.says(id, contact.Resume)
			h.hears(call.Meter, agentHz)
			h.hears(b.meter, callerHz)
			h.hangup(call)
			e := take(h, h.thread.written, "call")
			require.Len(t, h.measure.Segments(e.Contact), 1)
			h.quiet(int(h.gauge("filo_voice_lines")))
		})
	}
}

// A queue asks the next when one refuses.
func TestQueueAsksTheNext(t *testing.T) {
	h, b, call, id := talking(t, with(everybody()))
	marta := h.line("marta")
	h.ready("marta")
	require.NoError(t, h.ask(id, contact.Consult, contact.Destination{Queue: "zebra"}))
	require.NoError(t, h.router.Reject(h.within(), h.offer("marta"), "marta", "busy"))
	p := h.phone("fabio", func(c *robot.PhoneConfig) { c.Say = robot.Tone(martaHz) })
	h.hears(b.meter, martaHz)
	h.hears(p.Meter(), agentHz)
	h.shows("paola", id, contact.CallState{Consult: contact.ConsultState{To: contact.Destination{Queue: "zebra"}, Name: "FABIO", Stage: contact.ConsultTalking}})
	h.hangup(call)
	h.ended(2)
	marta.close()
}

// The caller may leave at any moment: the call is over for all, and nothing is
// left of it.
func TestCallerLeavesAConsultation(t *testing.T) {
	for i, x := range helpers() {
		t.Run(x.name+" rings", func(t *testing.T) {
			s := asking(t, x)
			result, _ := s.finished()
			require.Equal(t, "handled", result)
		})
		for stage, verbs := range map[string][]contact.Verb{
			"talks": nil, "is held": {contact.Swap}, "is in a conference": {contact.Conference}, "has the call": {contact.Complete}, "was dropped": {contact.Drop},
		} {
			if i > 0 && len(verbs) > 0 && verbs[0] != contact.Complete {
				continue // what stage it is does not depend on who helps
			}
			t.Run(x.name+" "+stage, func(t *testing.T) {
				s := consulting(t, x)
				s.says(s.id, verbs...)
				s.finished()
				s.silence(s.ear)
			})
		}
	}
}

// The caller's end races every step: any order must be clean.
func TestCallerLeavesInTheMiddleOfACommand(t *testing.T) {
	h := open(t, with(everybody()))
	b := h.line("paola")
	h.ready("paola")
	h.phone("fabio", func(c *robot.PhoneConfig) { c.Say = robot.Tone(martaHz) })
	h.number(robot.PhoneConfig{Say: robot.Tone(martaHz)})
	h.known(skip("checkout"))
	b.talk()
	require.NoError(t, h.router.SetReady(h.within(), "fabio", false, "later"))
	for i, verbs := range [][]contact.Verb{
		{contact.Consult},
		{contact.Consult, contact.Complete},
		{contact.Consult, contact.Swap},
		{contact.Consult, contact.Drop},
		{contact.Transfer},
		{contact.Consult, contact.HangUp},
		{contact.Hold, contact.Consult, contact.Conference},
	} {
		for _, to := range []contact.Destination{h.outside(), {Agent: "fabio"}} {
			require.NoError(t, h.router.SetReady(h.within(), "fabio", false, "later"))
			call := h.call(giulia)
			require.NoError(t, h.router.Accept(h.within(), h.offer("paola"), "paola"))
			id := h.agent("paola").Contacts[0].ID
			require.NoError(t, h.router.SetReady(h.within(), "fabio", true, ""))
			said := make(chan struct{})
			h.kit.Go(func() {
				defer close(said)
				for _, verb := range verbs {
					_ = h.ask(id, verb, to)
				}
			})
			if i%2 == 0 {
				<-said
			}
			h.hangup(call)
			<-said
			take(h, h.thread.written, "call")
			h.quiet(1)
			h.does("paola", contact.Ready)
		}
	}
}

func TestKeysInAConsultation(t *testing.T) {
	h, b, call, id := talking(t, with(everybody()))
	p := h.number(robot.PhoneConfig{Say: robot.Tone(martaHz)})
	require.NoError(t, h.ask(id, contact.Consult, h.outside()))
	h.hears(b.meter, martaHz)
	require.NoError(t, h.command(id, "paola", contact.SendDigits, "7"))
	require.Equal(t, '7', take(h, p.Digits(), "key at the number").Key)
	h.says(id, contact.Swap)
	require.NoError(t, h.command(id, "paola", contact.SendDigits, "8"))
	require.Equal(t, '8', take(h, call.Digits(), "key at the caller").Key)
	h.hangup(call)
	h.ended(1)
}

func TestVerbsThatAreNotPossible(t *testing.T) {
	h, _, call, id := talking(t, with(everybody()))
	for _, verb := range []contact.Verb{contact.Swap, contact.Conference, contact.Complete, contact.Drop, contact.RecordPause, contact.RecordResume, contact.RecordStop} {
		require.ErrorIs(t, h.command(id, "paola", verb), contact.ErrBadCommand, verb)
	}
	require.ErrorIs(t, h.command(id, "paola", contact.Record), contact.ErrNotPossible, "no directory")
	for _, verb := range []contact.Verb{contact.Consult, contact.Transfer} {
		require.ErrorIs(t, h.ask(id, verb, contact.Destination{Agent: "marta"}), contact.ErrNoTarget, "signed out")
		require.ErrorIs(t, h.ask(id, verb, contact.Destination{Agent: "nobody"}), contact.ErrNoTarget)
		require.ErrorIs(t, h.ask(id, verb, contact.Destination{Queue: "nowhere"}), contact.ErrNoTarget)
		require.ErrorIs(t, h.ask(id, verb, contact.Destination{Number: "+390455550190"}), contact.ErrNoTarget, "no trunk")
	}
	h.number(robot.PhoneConfig{Ignore: true})
	require.NoError(t, h.ask(id, contact.Consult, h.outside()))
	for _, verb := range []contact.Verb{contact.Hold, contact.Resume, contact.Swap, contact.Conference, contact.Complete} {
		require.ErrorIs(t, h.command(id, "paola", verb), contact.ErrBadCommand, "%s while it rings", verb)
	}
	for _, verb := range []contact.Verb{contact.Consult, contact.Transfer} {
		require.ErrorIs(t, h.ask(id, verb, h.outside()), contact.ErrBadCommand, "%s while it rings", verb)
	}
	h.says(id, contact.Drop)
	h.hears(call.Meter, agentHz)
	h.hangup(call)
	h.ended(1)
}

// Context goes along: the caller's own and Filo's.
func TestContextIsCarried(t *testing.T) {
	h := open(t, with(everybody()), func(s *settings) { s.headers = []string{"X-Order"} })
	b := h.line("paola")
	h.ready("paola")
	h.known(skip("checkout"))
	seen := make(chan robot.PhoneCall, 1)
	h.number(robot.PhoneConfig{Ended: func(c robot.PhoneCall) { seen <- c }})
	call, err := h.kit.Call(h.within(), robot.Dial{
		Server: h.ua.Addr("udp"), From: giulia, To: "100", Say: robot.Tone(callerHz),
		Headers:  map[string]string{"User-to-User": "5468;encoding=hex", "X-Order": "4711", "X-Filo-Token": "secret", "X-Other": "no"},
		Farewell: map[string]string{"User-to-User": "42;encoding=hex"},
	})
	require.NoError(t, err)
	id := h.connect(b, call)
	require.NoError(t, h.ask(id, contact.Transfer, h.outside()))
	h.does("paola", contact.Ready)
	require.Eventually(t, func() bool { return h.gauge("filo_voice_consults_total", "answered") == 1 }, patience, tick)
	h.hangup(call)
	got := take(h, seen, "call")
	require.Equal(t, "5468;encoding=hex", got.Headers["User-to-User"])
	require.Equal(t, string(id), got.Headers["X-Filo-Contact"])
	require.NotContains(t, got.Headers, "X-Filo-Token")
	require.NotContains(t, got.Headers, "X-Other")
	require.Equal(t, "42;encoding=hex", got.Last["User-to-User"], "the caller's last words, with the BYE")
	h.ended(1)
}

// What whom the caller talked with says at the end reaches the caller's side.
func TestLastWordsReachTheCaller(t *testing.T) {
	h, _, call, id := talking(t, with(everybody()))
	p := h.number(robot.PhoneConfig{Say: robot.Tone(martaHz), Farewell: map[string]string{"User-to-User": "77;encoding=hex"}})
	require.NoError(t, h.ask(id, contact.Transfer, h.outside()))
	h.hears(call.Meter, martaHz)
	p.Hangup()
	take(h, call.Done(), "BYE")
	require.Equal(t, "77;encoding=hex", call.Last()["User-to-User"])
	h.hangup(call)
	h.ended(1)
}
