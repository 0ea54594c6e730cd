package voice

import (
	"testing"

	"github.com/stretchr/testify/require"

	"filo/bench/robot"
	"filo/contact"
)

func (h *house) monitor(id contact.ID, by contact.AgentID, mode contact.MonitorMode) error {
	return h.c.Command(h.within(), id, contact.CallCommand{Verb: contact.Monitor, Agent: by, Mode: mode})
}

// follows waits until the supervisor's desk shows that.
func (h *house) follows(m contact.Monitoring) {
	h.t.Helper()
	require.Eventually(h.t, func() bool {
		h.desk.mu.Lock()
		defer h.desk.mu.Unlock()
		return h.desk.monitors["boss"] == m
	}, patience, tick, "%+v", m)
}

// supervisors, at a browser and at a SIP phone.
func TestMonitor(t *testing.T) {
	for _, c := range []struct {
		name, password string
		setUp          func(h *house) ear
	}{
		{"a browser", "", func(h *house) ear {
			b := h.line("boss")
			b.say(bossHz)
			return b.ear()
		}},
		{"a SIP phone", "secret", func(h *house) ear {
			p := h.phone("boss", func(c *robot.PhoneConfig) { c.Say = robot.Tone(bossHz) })
			require.NoError(h.t, h.router.SignOut(h.within(), "boss"))
			return ear{meter: p.Meter}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			people := everybody()
			people["boss"] = c.password
			h, b, call, id := talking(t, with(people))
			boss := c.setUp(h)
			require.NoError(t, h.monitor(id, "boss", contact.Listen))
			h.follows(contact.Monitoring{Contact: id, Mode: contact.Listen, Agent: "paola"})
			h.hearsAll(boss.meter(), callerHz, agentHz)
			h.hears(call.Meter, agentHz)
			h.hears(b.meter, callerHz)
			h.shows("paola", id, contact.CallState{})

			require.NoError(t, h.monitor(id, "boss", contact.Whisper))
			h.shows("paola", id, contact.CallState{Monitor: contact.MonitorState{Mode: contact.Whisper, Name: "BOSS"}})
			h.hearsAll(b.meter, callerHz, bossHz)
			h.hears(call.Meter, agentHz)
			h.hearsAll(boss.meter(), callerHz, agentHz)
			h.says(id, contact.Hold)
			h.hears(b.meter, bossHz)
			h.hears(boss.meter(), agentHz)
			h.hears(call.Meter, musicHz)
			h.says(id, contact.Resume)

			require.NoError(t, h.monitor(id, "boss", contact.Barge))
			h.hearsAll(call.Meter, agentHz, bossHz)
			h.hearsAll(b.meter, callerHz, bossHz)
			require.NoError(t, h.monitor(id, "boss", contact.MonitorOff))
			h.follows(contact.Monitoring{Contact: id, Mode: contact.MonitorOff, Agent: "paola"})
			h.hears(call.Meter, agentHz)
			h.hears(b.meter, callerHz)
			h.silence(boss)
			h.shows("paola", id, contact.CallState{})
			h.hangup(call)
			h.ended(int(h.gauge("filo_voice_lines")))
		})
	}
}

// A supervisor follows the agent into a consultation, and the call to whom it
// goes.
func TestMonitorThroughAConsultation(t *testing.T) {
	s := consulting(t, helpers()[0])
	boss := s.line("boss")
	boss.say(bossHz)
	require.NoError(t, s.monitor(s.id, "boss", contact.Listen))
	s.hearsAll(boss.meter, agentHz, martaHz)
	s.says(s.id, contact.Swap)
	s.hearsAll(boss.meter, agentHz, callerHz)
	s.says(s.id, contact.Complete)
	s.hearsAll(boss.meter, martaHz, callerHz)
	s.hears(s.call.Meter, martaHz)
	s.follows(contact.Monitoring{Contact: s.id, Mode: contact.Listen, Agent: "marta"})
	s.hangup(s.call)
	s.follows(contact.Monitoring{Contact: s.id, Mode: contact.MonitorOff, Agent: "marta"})
	s.last()
}

func TestMonitorEnds(t *testing.T) {
	for name, end := range map[string]func(h *house, id contact.ID, boss *browser){
		"with the supervisor's line": func(_ *house, _ contact.ID, boss *browser) { boss.vanish() },
		"with the agent's transfer": func(h *house, id contact.ID, _ *browser) {
			require.NoError(h.t, h.ask(id, contact.Transfer, contact.Destination{Queue: "zebra"}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			h, _, call, id := talking(t, with(everybody()))
			boss := h.line("boss")
			require.NoError(t, h.monitor(id, "boss", contact.Listen))
			h.hearsAll(boss.meter, callerHz, agentHz)
			end(h, id, boss)
			h.follows(contact.Monitoring{Contact: id, Mode: contact.MonitorOff, Agent: "paola"})
			h.hangup(call)
			h.ended(int(h.gauge("filo_voice_lines")))
		})
	}
}

// Where the house says so, agents know that somebody listens.
func TestListenIsAnnounced(t *testing.T) {
	h, _, call, id := talking(t, with(everybody()), func(s *settings) { s.voice.AnnounceListen = true })
	h.line("boss")
	require.NoError(t, h.monitor(id, "boss", contact.Listen))
	h.shows("paola", id, contact.CallState{Monitor: contact.MonitorState{Mode: contact.Listen, Name: "BOSS"}})
	h.hangup(call)
	h.ended(2)
}

func TestMonitorRefused(t *testing.T) {
	h, _, call, id := talking(t, with(everybody()))
	require.ErrorIs(t, h.monitor("c_nobody", "boss", contact.Listen), contact.ErrNoContact)
	require.ErrorIs(t, h.monitor(id, "boss", contact.Listen), contact.ErrLineBusy, "no line")
	require.ErrorIs(t, h.monitor(id, "paola", contact.Listen), contact.ErrBadCommand, "her own call")
	require.NoError(t, h.monitor(id, "boss", contact.MonitorOff), "nothing to end")
	h.line("boss")
	h.line("marta")
	require.NoError(t, h.monitor(id, "boss", contact.Listen))
	require.ErrorIs(t, h.monitor(id, "marta", contact.Listen), contact.ErrBadCommand, "one at a time")
	require.NoError(t, h.monitor(id, "marta", contact.MonitorOff), "and only the own")
	h.follows(contact.Monitoring{Contact: id, Mode: contact.Listen, Agent: "paola"})

	second := h.call("+393475554420")
	h.waiting("checkout", 1)
	require.ErrorIs(t, h.monitor(h.waiting("checkout", 1).Contact, "boss", contact.Listen), contact.ErrBadCommand, "nobody talks there")
	h.hangup(second)
	take(h, h.thread.written, "call")
	h.hangup(call)
	h.ended(3)
}

// A phone that does not answer is as if nobody had asked.
func TestMonitorByAPhoneThatRefuses(t *testing.T) {
	people := everybody()
	people["boss"] = "secret"
	h, _, call, id := talking(t, with(people))
	h.phone("boss", func(c *robot.PhoneConfig) { c.Refuse = 486 })
	require.NoError(t, h.monitor(id, "boss", contact.Whisper))
	h.follows(contact.Monitoring{Contact: id, Mode: contact.MonitorOff, Agent: "paola"})
	h.hears(call.Meter, agentHz)
	h.hangup(call)
	h.ended(1)
}
