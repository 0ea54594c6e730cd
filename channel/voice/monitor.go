package voice

import (
	"context"
	"slices"

	"filo/contact"
	"filo/media"
	"filo/sip"
)

// monitor is a supervisor on a call.
type monitor struct {
	mode contact.MonitorMode
	by   contact.AgentID
	bell bell   // of a SIP phone
	p    *party // nil while that rings
}

// answers are those of a supervisor's SIP phone; nil is nobody.
func (m *monitor) answers() <-chan ringAnswer {
	if m == nil {
		return nil
	}
	return m.bell.answers
}

// is reports whether the supervisor is that party.
func (m *monitor) is(p *party) bool { return m != nil && m.p == p && p != nil }

// listener is the supervisor who hears the call now, nil for nobody.
func (v *conversation) listener() *party {
	if v.monitor == nil || !v.monitor.p.here() {
		return nil
	}
	return v.monitor.p
}

// join lets the supervisor be heard as the mode says. Who hears the supervisor
// is heard by the supervisor anyway: by the roles of the circle.
func (m *monitor) join(room *media.Room, circle, agent []*party) {
	to := []media.Endpoint{}
	switch m.mode {
	case contact.Whisper:
		for _, p := range circle {
			if slices.Contains(agent, p) {
				to = append(to, p.ep)
			}
		}
	case contact.Barge:
		to = voices(m.p, circle)
	case contact.Listen, contact.MonitorOff:
	}
	m.p.join(room, to)
}

// monitors lets a supervisor join, change the mode or leave.
func (v *conversation) monitors(ctx context.Context, cmd contact.CallCommand) error {
	mine := v.monitor != nil && v.monitor.by == cmd.Agent
	switch {
	case cmd.Mode == contact.MonitorOff && !mine:
		return nil // as wished
	case cmd.Mode == contact.MonitorOff:
		v.endMonitor(ctx)
	case v.agent == nil, v.monitor != nil && !mine, v.agent.is(cmd.Agent), v.consulted().is(cmd.Agent):
		return contact.ErrBadCommand
	case mine:
		v.monitor.mode = cmd.Mode
	default:
		if err := v.beginMonitor(ctx, cmd); err != nil {
			return err
		}
	}
	v.connect(ctx)
	return nil
}

func (v *conversation) beginMonitor(ctx context.Context, cmd contact.CallCommand) error {
	m := &monitor{mode: cmd.Mode, by: cmd.Agent}
	if v.k.c.deps.Agents.Phone(cmd.Agent) {
		m.bell.ring(ctx, v.k, sip.Target{User: string(cmd.Agent)}, ringAnswer{agent: cmd.Agent}, supervisorRole(cmd.Agent)...)
		v.monitor = m
		return nil
	}
	if m.p = v.k.claim(cmd.Agent, supervisorRole(cmd.Agent)); m.p == nil {
		return contact.ErrLineBusy
	}
	v.monitor = m
	v.watch(ctx, m.p)
	v.k.note(noteMonitor, string(cmd.Agent), string(cmd.Mode))
	return nil
}

// monitorAnswered takes what a supervisor's phone said.
func (v *conversation) monitorAnswered(ctx context.Context, a ringAnswer) {
	m := v.monitor
	if a.err != nil {
		v.k.unanswered(ctx, a)
		v.endMonitor(ctx)
		return
	}
	m.bell = bell{}
	m.p = a.party()
	v.watch(ctx, m.p)
	v.connect(ctx)
	v.k.note(noteMonitor, string(m.by), string(m.mode))
}

// endMonitor lets the supervisor go, if there is one.
func (v *conversation) endMonitor(ctx context.Context) {
	m := v.monitor
	if m == nil {
		return
	}
	v.monitor = nil
	m.bell.stop(ctx, v.k)
	if m.p != nil {
		m.p.release(ctx, v.k)
		v.k.note(noteMonitor, string(m.by), string(contact.MonitorOff))
	}
	v.shown.monitor = v.monitoring()
	v.k.c.deps.Watcher.MonitorChanged(m.by, v.shown.monitor)
}

func supervisorRole(id contact.AgentID) []string { return []string{"supervisor", string(id)} }
