package core

import "slices"

// What may be read, for the reference.

// Contact is State.Contact, without Virtual.
func (m *reference) Contact(ci Contact) ContactView {
	if int(ci) >= len(m.contacts) || m.contacts[ci].phase == PhaseFree {
		return ContactView{Agent: Nobody, Prefers: Nobody}
	}
	c := &m.contacts[ci]
	v := ContactView{
		Phase: c.phase, Held: c.held, Tier: c.tier, Priority: c.priority, Type: c.typ, Plan: c.plan, Agent: c.agent,
		Prefers: c.pref, Enqueued: c.enqueued, Deadline: c.deadline,
	}
	if c.held {
		v.HeldTill = c.holdUntil
	}
	switch c.phase {
	case PhaseWaiting:
		v.Tier = m.tier(ci)
	case PhaseOffered:
		v.Offer = c.offer
	}
	return v
}

// Agent is State.Agent.
func (m *reference) Agent(ai Agent) AgentView {
	if !m.known(ai) {
		return AgentView{}
	}
	a := &m.agents[ai]
	units, _, count := m.used(ai, 0)
	v := AgentView{
		State: m.status(ai), Ready: a.ready, Leaving: a.leaving, Reason: a.reason, Used: uint16(units),
		Count: count, Reach: a.reach, Since: a.since, Stamp: a.stamp,
	}
	for ch := range m.cfg.Channels {
		if m.room(ai, Channel(ch)) {
			v.Room |= 1 << ch
		}
	}
	return v
}

// Has is State.Has.
func (m *reference) Has(a Agent, yield func(Contact) bool) {
	if !m.known(a) {
		return
	}
	for _, c := range m.agents[a].has {
		if !yield(c) {
			return
		}
	}
}

// WaitingIn is State.WaitingIn.
func (m *reference) WaitingIn(t Type) int { return int(m.waiting(t)) }

// Overloaded is State.Overloaded.
func (m *reference) Overloaded(t Type) bool { return m.overloaded(t) }

// Before is State.Before.
func (m *reference) Before(a, b Contact) bool {
	x, y := m.queueKey(a), m.queueKey(b)
	return slices.Compare(x[:], y[:]) < 0
}

// Position is State.Position.
func (m *reference) Position(c Contact, limit int) int {
	if int(c) >= len(m.contacts) || m.contacts[c].phase != PhaseWaiting {
		return 0
	}
	pos := 1
	for i := range m.contacts {
		x := Contact(i)
		if m.contacts[x].phase == PhaseWaiting && m.contacts[x].typ == m.contacts[c].typ && m.Before(x, c) {
			pos++
		}
	}
	return min(pos, limit)
}
