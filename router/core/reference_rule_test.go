package core

import "slices"

// The event rule, for the reference.

func (m *reference) touch(a Agent) {
	m.stamps++
	m.agents[a].stamp, m.agents[a].since = m.stamps, m.now
}

// route offers the contact or lets it wait in its place.
func (m *reference) route(ci Contact) {
	c := &m.contacts[ci]
	m.stop(ci, false)
	if c.held && (c.holdUntil <= m.now || !m.agents[c.pref].signedIn || m.agents[c.pref].leaving) {
		c.held = false
	}
	list := m.ranked(ci)
	if len(list) == 0 {
		c.phase = PhaseWaiting
		if c.held {
			m.start(c.holdUntil, holdTimer, ci, Nobody)
		}
		m.emit(Effect{Kind: Waiting, Contact: ci, Agent: Nobody})
		return
	}
	e := Effect{Considered: uint32(len(list)), NextAgent: Nobody, NextContact: Nothing, Chose: ChoseAgent} //nolint:gosec // small
	if c.held {
		e.Key = KeyPreferred
	}
	if len(list) > 1 {
		e.NextAgent = list[1]
		x, y := m.agentKey(ci, list[0]), m.agentKey(ci, list[1])
		switch sel := m.types[c.typ].Select; {
		case x[0] != y[0]:
			e.Key = KeyPreferred
		case x[1] != y[1] && sel == LeastFlexible:
			e.Key = KeyFlexibility
		case x[1] != y[1]:
			e.Key = KeyProficiency
		case x[2] != y[2]:
			e.Key = KeyLoad
		default:
			e.Key = KeyIdle
		}
	}
	m.offer(ci, list[0], e)
}

func (m *reference) drain(a Agent) {
	for {
		list := m.candidates(a)
		if len(list) == 0 {
			return
		}
		e := Effect{NextAgent: Nobody, NextContact: Nothing, Chose: ChoseContact}
		c := &m.contacts[list[0]]
		if c.held {
			e.Key = KeyHeld
		} else if len(list) > 1 {
			e.NextContact = list[1]
			x, y := m.contactKey(list[0], a), m.contactKey(list[1], a)
			switch {
			case x[1] != y[1]:
				e.Key = KeyTier
			case x[2] != y[2]:
				e.Key = KeyDeadline
			default:
				e.Key = KeyArrival
			}
		}
		m.stop(list[0], false)
		m.offer(list[0], a, e)
	}
}

func (m *reference) offer(ci Contact, ai Agent, e Effect) {
	c, a := &m.contacts[ci], &m.agents[ai]
	units, _ := m.used(ai)
	m.offers++
	c.phase, c.agent, c.offer = PhaseOffered, ai, m.offers
	e.Kind, e.Contact, e.Agent, e.Offer = Offer, ci, ai, m.offers
	e.Time = m.now + int64(m.types[c.typ].OfferTimeout)
	e.Load, e.Since = uint16(units), a.since //nolint:gosec // small
	m.start(e.Time, offerTimer, ci, Nobody)
	a.had = append([]Contact{ci}, a.had...)
	m.touch(ai)
	m.emit(e)
	p := m.classes[a.class]
	if now, count := m.used(ai); now > p.Capacity || count[m.types[c.typ].Channel] > p.Caps[m.types[c.typ].Channel] {
		m.overload = append(m.overload, e)
	}
	m.tell(ai)
}

func (m *reference) endOffer(ci Contact, how How) {
	c := &m.contacts[ci]
	m.stop(ci, false)
	m.emit(Effect{Kind: OfferEnded, Contact: ci, Agent: c.agent, Offer: c.offer, How: how})
}

func (m *reference) release(ci Contact) {
	c := &m.contacts[ci]
	a := c.agent
	m.agents[a].had = slices.DeleteFunc(m.agents[a].had, func(x Contact) bool { return x == ci })
	c.phase, c.agent = PhaseFree, Nobody
	m.touch(a)
}

func (m *reference) exclude(ci Contact, a Agent) {
	c := &m.contacts[ci]
	if c.pref == a {
		c.held = false
	}
	if slices.Contains(c.excluded, a) {
		return
	}
	c.excluded = append(c.excluded, a)
	if m.cfg.Exclude > 0 {
		m.start(m.now+int64(m.cfg.Exclude), exclusionTimer, ci, a)
	}
}

func (m *reference) refuse(ci Contact, how How) {
	a := m.contacts[ci].agent
	m.endOffer(ci, how)
	m.release(ci)
	m.exclude(ci, a)
	m.route(ci)
	m.settle(a)
}

func (m *reference) revoke(a Agent, channels uint8) {
	for {
		i := slices.IndexFunc(m.agents[a].had, func(c Contact) bool {
			return m.contacts[c].phase == PhaseOffered && channels>>m.types[m.contacts[c].typ].Channel&1 == 1
		})
		if i < 0 {
			return
		}
		c := m.agents[a].had[i]
		m.endOffer(c, Revoked)
		m.release(c)
		m.route(c)
	}
}

func (m *reference) finish(ci Contact) {
	a := m.contacts[ci].agent
	m.release(ci)
	m.close(ci, a)
	m.settle(a)
}

func (m *reference) close(ci Contact, served Agent) {
	m.stop(ci, true)
	m.contacts[ci] = refContact{agent: Nobody, pref: Nobody}
	m.emit(Effect{Kind: Closed, Contact: ci, Agent: served})
}

func (m *reference) settle(a Agent) {
	m.drain(a)
	r := &m.agents[a]
	if r.leaving && len(r.had) == 0 {
		r.signedIn, r.leaving, r.reason = false, false, ReasonNone
	}
	m.tell(a)
}

func (m *reference) status(a Agent) Status {
	r := &m.agents[a]
	var n [5]int
	for _, c := range r.had {
		n[m.contacts[c].phase]++
	}
	switch {
	case !r.signedIn:
		return LoggedOut
	case n[PhaseConnected] > 0:
		return Busy
	case n[PhaseOffered] > 0:
		return Reserved
	case n[PhaseWrapUp] > 0:
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
