package core

import (
	"fmt"
	"slices"
)

// The event rule, for the reference.

func (m *reference) touch(a Agent) {
	m.stamps++
	m.agents[a].stamp, m.agents[a].since = m.stamps, m.now
}

// --- contacts

func (m *reference) stays(a Agent) bool {
	return int(a) < len(m.agents) && m.agents[a].signedIn && !m.agents[a].leaving
}

// holdOver ends a hold whose time is over or whose agent is gone.
func (m *reference) holdOver(ci Contact) {
	c := &m.contacts[ci]
	switch {
	case !c.held:
	case c.holdUntil <= m.now:
		m.saw("hold: over by time")
		m.endHold(ci)
	case !m.stays(c.pref):
		m.saw("hold: agent gone")
		m.endHold(ci)
	}
}

func (m *reference) endHold(ci Contact) {
	c := &m.contacts[ci]
	c.held = false
	if o := m.types[c.typ].Overflow; o.On && o.AfterHold {
		m.saw("overflow: after hold")
		m.overflow(ci)
	}
}

func (m *reference) overflow(ci Contact) {
	c := &m.contacts[ci]
	o := m.types[c.typ].Overflow
	c.typ, c.plan = o.Type, o.Plan
	m.emit(Effect{Kind: Moved, Contact: ci, Agent: Nobody, Type: c.typ})
}

// reband brings the band up to date, and overflows by age.
func (m *reference) reband(ci Contact) {
	for {
		c := &m.contacts[ci]
		c.band = 0
		m.eachBoundary(ci, func(age int64) {
			if age <= m.age(ci) {
				c.band = max(c.band, age)
			}
		})
		o := m.types[c.typ].Overflow
		if !o.On || o.After == 0 || int64(o.After) > c.band {
			return
		}
		m.saw("overflow: by age")
		m.overflow(ci)
	}
}

func (m *reference) enter(ci Contact) {
	c := &m.contacts[ci]
	c.phase = PhaseWaiting
	if c.held && c.holdUntil != refNever {
		m.start(c.holdUntil, refHold, ci, Nobody)
	}
}

// fill sweeps the work type if the contact that came into it made it overloaded.
func (m *reference) fill(t Type) {
	if m.types[t].Overload > 0 && m.waiting(t) == m.types[t].Overload {
		m.saw("overload: begins")
		m.sweep(t, "overload")
	}
}

// route offers a contact that does not wait to its best agent, or lets it wait
// if its waiting room, which only arrivals ask, has place.
func (m *reference) route(ci Contact, arrives bool) {
	c := &m.contacts[ci]
	m.holdOver(ci)
	for {
		m.reband(ci)
		if list := m.ranked(ci); len(list) > 0 {
			m.offerAgent(ci, list)
			return
		}
		if !arrives || !m.full(c.typ) {
			break
		}
		if !m.types[c.typ].Overflow.On {
			m.saw("room: turned away")
			m.close(ci, Nobody, Full)
			return
		}
		m.saw("overflow: room is full")
		m.overflow(ci)
	}
	m.coverWaiting(ci)
	m.enter(ci)
	m.emit(Effect{Kind: Waiting, Contact: ci, Agent: Nobody})
	m.fill(c.typ)
}

func (m *reference) full(t Type) bool {
	room := m.types[t].Room
	if room == 0 || m.sizes[room] == 0 {
		return false
	}
	n := uint32(0)
	for i := range m.types {
		if m.types[i].Room == room {
			n += m.waiting(Type(i))
		}
	}
	return n >= m.sizes[room]
}

// reroute looks again at a contact that waits; before is the work type that it
// was counted in.
func (m *reference) reroute(ci Contact, before Type) {
	c := &m.contacts[ci]
	m.stop(ci)
	m.holdOver(ci)
	m.reband(ci)
	m.enter(ci)
	if list := m.ranked(ci); len(list) > 0 {
		m.saw("reroute: offered")
		m.stop(ci)
		m.offerAgent(ci, list)
		return
	}
	if c.typ != before {
		m.fill(c.typ)
	}
}

// sweep gives the waiting contacts of the work type agents, in their order.
func (m *reference) sweep(t Type, why string) {
	for {
		var list []Contact
		for i := range m.contacts {
			if c := Contact(i); m.contacts[c].phase == PhaseWaiting && m.contacts[c].typ == t && len(m.ranked(c)) > 0 {
				list = append(list, c)
			}
		}
		if len(list) == 0 {
			return
		}
		m.order(list, m.queueKey)
		m.saw("sweep by " + why + ": offered")
		m.stop(list[0])
		m.offerAgent(list[0], m.ranked(list[0]))
	}
}

// --- agents

func (m *reference) settle(a Agent) {
	m.drain(a)
	for t := range m.types {
		if m.types[t].Reserve > 0 {
			m.sweep(Type(t), "reserve")
		}
	}
	r := &m.agents[a]
	left := !slices.ContainsFunc(r.has, func(c Contact) bool { return m.contacts[c].phase != PhaseParked })
	if r.leaving && left {
		if len(r.has) > 0 {
			m.saw("parked: kept while logged out")
		}
		r.signedIn, r.leaving, r.reason = false, false, ReasonNone
	}
	m.tell(a)
}

func (m *reference) drain(a Agent) {
	for {
		list := m.candidates(a)
		if len(list) == 0 {
			return
		}
		e := Effect{NextAgent: Nobody, NextContact: Nothing, Chose: ChoseContact}
		if m.contacts[list[0]].held {
			e.Key = KeyHeld
		} else if len(list) > 1 {
			e.NextContact = list[1]
			e.Key = m.contactReason(a, list[0], list[1])
		}
		m.coverTook(a, list)
		m.stop(list[0])
		m.offer(list[0], a, e)
	}
}

func (m *reference) contactReason(a Agent, first, second Contact) Key {
	x, y := m.contactKey(first, a), m.contactKey(second, a)
	switch {
	case x[refT] != y[refT]:
		return KeyTier
	case x[refR] != y[refR]:
		return KeyRank
	case x[refV] != y[refV]:
		return KeyDeadline
	case x[refE] != y[refE]:
		return KeyAge
	}
	return KeyArrival
}

func (m *reference) agentReason(c Contact, first, second Agent) Key {
	x, y := m.agentKey(c, first), m.agentKey(c, second)
	switch {
	case x[refP] != y[refP]:
		return KeyPreferred
	case x[refG] != y[refG] && m.types[m.contacts[c].typ].Select == LeastFlexible:
		return KeyFlexibility
	case x[refG] != y[refG]:
		return KeyProficiency
	case x[refL] != y[refL]:
		return KeyLoad
	}
	return KeyIdle
}

func (m *reference) revoke(a Agent, channels uint8) {
	for {
		i := slices.IndexFunc(m.agents[a].has, func(c Contact) bool {
			return m.contacts[c].phase == PhaseOffered && channels>>m.types[m.contacts[c].typ].Channel&1 == 1
		})
		if i < 0 {
			return
		}
		c := m.agents[a].has[i]
		m.endOffer(c, Revoked)
		m.release(c)
		m.route(c, false)
	}
}

func (m *reference) status(a Agent) Status {
	r := &m.agents[a]
	has := func(p Phase) bool {
		return slices.ContainsFunc(r.has, func(c Contact) bool { return m.contacts[c].phase == p })
	}
	switch {
	case !r.signedIn:
		return LoggedOut
	case has(PhaseConnected):
		return Busy
	case has(PhaseOffered):
		return Reserved
	case has(PhaseWrapUp):
		return WrappingUp
	case r.ready:
		return Ready
	}
	return NotReady
}

func (m *reference) tell(a Agent) {
	r := &m.agents[a]
	e := Effect{Kind: AgentState, Agent: a, State: m.status(a), Ready: r.ready, Reason: r.reason, Contact: Nothing}
	if r.told == nil || *r.told != e {
		r.told = &e
		m.emit(e)
	}
}

// --- offers

// offerAgent offers the contact to the first of its eligible agents.
func (m *reference) offerAgent(c Contact, list []Agent) {
	e := Effect{Considered: uint32(len(list)), NextAgent: Nobody, NextContact: Nothing, Chose: ChoseAgent}
	if m.contacts[c].held {
		e.Key = KeyPreferred
	}
	if len(list) > 1 {
		e.NextAgent = list[1]
		e.Key = m.agentReason(c, list[0], list[1])
	}
	m.offer(c, list[0], e)
}

func (m *reference) offer(ci Contact, ai Agent, e Effect) {
	c, a := &m.contacts[ci], &m.agents[ai]
	t := m.types[c.typ]
	if !m.fits(ai, t.Channel) {
		m.broken = append(m.broken, fmt.Sprintf("contact %d for agent %d", ci, ai))
	}
	m.coverOffer(ci, ai, e)
	units, _, _ := m.used(ai, 0)
	m.offers++
	c.phase, c.agent, c.offer = PhaseOffered, ai, m.offers
	c.deadline = m.now + int64(t.OfferTimeout)
	e.Kind, e.Contact, e.Agent, e.Offer, e.Time = Offer, ci, ai, m.offers, c.deadline
	e.Load, e.Since = uint16(units), a.since
	m.start(c.deadline, refOffer, ci, Nobody)
	a.has = append([]Contact{ci}, a.has...)
	m.touch(ai)
	m.emit(e)
	m.tell(ai)
}

func (m *reference) endOffer(ci Contact, how How) {
	c := &m.contacts[ci]
	m.saw("offer: " + how.String())
	m.stop(ci)
	m.emit(Effect{Kind: OfferEnded, Contact: ci, Agent: c.agent, Offer: c.offer, How: how})
}

// release takes the contact from its agent.
func (m *reference) release(ci Contact) {
	c := &m.contacts[ci]
	a := c.agent
	m.agents[a].has = slices.DeleteFunc(m.agents[a].has, func(x Contact) bool { return x == ci })
	c.phase, c.agent, c.deadline = PhaseFree, Nobody, 0
	m.touch(a)
}

func (m *reference) exclude(ci Contact, a Agent) {
	c := &m.contacts[ci]
	if slices.Contains(c.excluded, a) {
		return
	}
	c.excluded = append(c.excluded, a)
	if m.cfg.Exclude > 0 {
		m.start(m.now+int64(m.cfg.Exclude), refExclusion, ci, a)
	}
}

// forgive drops the exclusion of an agent whom a command names.
func (m *reference) forgive(ci Contact, a Agent) {
	c := &m.contacts[ci]
	if slices.Contains(c.excluded, a) {
		m.saw("exclusion: forgiven")
	}
	c.excluded = slices.DeleteFunc(c.excluded, func(x Agent) bool { return x == a })
	m.timers = slices.DeleteFunc(m.timers, func(t refTimer) bool {
		return t.kind == refExclusion && t.contact == ci && t.agent == a
	})
}

func (m *reference) refuse(ci Contact, how How) {
	c := &m.contacts[ci]
	a := c.agent
	m.endOffer(ci, how)
	m.release(ci)
	m.exclude(ci, a)
	if c.held && c.pref == a {
		m.saw("hold: refused")
		m.endHold(ci)
	}
	m.route(ci, false)
	m.settle(a)
}

// finish ends what the agent has to do with the contact.
func (m *reference) finish(ci Contact) {
	a := m.contacts[ci].agent
	m.stop(ci)
	m.release(ci)
	m.close(ci, a, 0)
	m.settle(a)
}

func (m *reference) close(ci Contact, served Agent, code Code) {
	m.timers = slices.DeleteFunc(m.timers, func(t refTimer) bool { return t.contact == ci })
	m.contacts[ci] = refContact{agent: Nobody, pref: Nobody}
	m.emit(Effect{Kind: Closed, Contact: ci, Agent: served, Code: code})
}
