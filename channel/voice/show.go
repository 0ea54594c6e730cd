package voice

import "filo/contact"

// shown is what desks were told last of a conversation.
type shown struct {
	call      contact.CallState  // to the agent
	consulted contact.CallState  // to who is consulted, of the consultation
	monitor   contact.Monitoring // to the supervisor
}

// show tells desks what changed.
func (v *conversation) show() {
	w := v.k.c.deps.Watcher
	if s := v.state(); v.agent != nil && s != v.shown.call {
		v.shown.call = s
		w.CallChanged(v.agent.agent, v.k.id, s)
	}
	if p := v.consulted(); p != nil && p.agent != "" {
		s := contact.CallState{Hold: v.consult.stage == contact.ConsultHeld, Muted: p.muted, LineLost: !p.lost.IsZero()}
		if s != v.shown.consulted {
			v.shown.consulted = s
			w.CallChanged(p.agent, v.consult.id, s)
		}
	}
	if m := v.monitoring(); m != v.shown.monitor && m.Mode != contact.MonitorOff {
		v.shown.monitor = m
		w.MonitorChanged(v.monitor.p.agent, m)
	}
}

// state is the call as its agent sees it.
func (v *conversation) state() contact.CallState {
	if v.agent == nil {
		return contact.CallState{}
	}
	s := contact.CallState{Hold: v.hold, Muted: v.agent.muted, LineLost: !v.agent.lost.IsZero(), Recording: v.k.recording.state()}
	if x := v.consult; x != nil {
		s.Consult = contact.ConsultState{To: x.to, Name: x.name, Stage: x.stage}
	}
	if v.listener() != nil && (v.monitor.mode != contact.Listen || v.k.c.cfg.AnnounceListen) {
		s.Monitor = contact.MonitorState{Mode: v.monitor.mode, Name: v.k.c.deps.Agents.Name(v.monitor.p.agent)}
	}
	return s
}

// monitoring is the call as its supervisor sees it.
func (v *conversation) monitoring() contact.Monitoring {
	m := contact.Monitoring{Contact: v.k.id, Mode: contact.MonitorOff}
	if v.listener() != nil {
		m.Mode = v.monitor.mode
	}
	if v.agent != nil {
		m.Agent = v.agent.agent
	}
	return m
}
