package core

// The commands, for the reference.

func (m *reference) do(cmd Command) Code {
	switch cmd.Op {
	case OpTick:
		return 0
	case OpSignIn:
		return m.signIn(cmd)
	case OpSignOut, OpReady, OpNotReady, OpReach, OpVanish:
		if int(cmd.Agent) >= len(m.agents) || !m.agents[cmd.Agent].signedIn {
			return NoAgent
		}
		return m.doAgent(cmd)
	case OpArrive:
		return m.arrive(cmd)
	}
	if cmd.Op >= opEnd {
		return BadCommand
	}
	if int(cmd.Contact) >= len(m.contacts) || m.contacts[cmd.Contact].phase == PhaseFree {
		if cmd.Op == OpAccept || cmd.Op == OpReject {
			return OfferGone
		}
		return NoContact
	}
	return m.doContact(cmd)
}

func (m *reference) signIn(cmd Command) Code {
	if uint32(cmd.Agent) >= m.cfg.MaxAgents || int(cmd.Class) >= len(m.classes) {
		return BadCommand
	}
	for int(cmd.Agent) >= len(m.agents) {
		m.agents = append(m.agents, refAgent{})
	}
	r := &m.agents[cmd.Agent]
	r.class = cmd.Class
	if !r.signedIn || r.leaving {
		r.reach, r.signedIn, r.ready, r.leaving = cmd.Channels, true, false, false
		r.reason, r.rona = ReasonSignedIn, 0
	}
	m.touch(cmd.Agent)
	m.settle(cmd.Agent)
	return 0
}

func (m *reference) doAgent(cmd Command) Code {
	a := cmd.Agent
	r := &m.agents[a]
	switch cmd.Op {
	case OpSignOut:
		r.ready, r.leaving, r.reason = false, true, ReasonLeaving
		m.touch(a)
		m.revoke(a, 0xff)
		for {
			best := Nothing
			for c := range m.contacts {
				x := &m.contacts[c]
				if x.phase != PhaseWaiting || !x.held || x.pref != a {
					continue
				}
				if best == Nothing || less4(m.contactKey(Contact(c), a), m.contactKey(best, a)) {
					best = Contact(c)
				}
			}
			if best == Nothing {
				break
			}
			m.contacts[best].held = false
			m.route(best)
		}
	case OpReady:
		if r.leaving {
			return BadState
		}
		r.rona = 0
		if r.ready {
			return 0
		}
		r.ready, r.reason = true, ReasonNone
		m.touch(a)
	case OpNotReady:
		if r.leaving {
			return 0
		}
		r.reason = cmd.Reason
		if r.ready {
			r.ready = false
			m.touch(a)
		}
	case OpReach:
		if r.reach == cmd.Channels {
			return 0
		}
		lost := r.reach &^ cmd.Channels
		r.reach = cmd.Channels
		m.touch(a)
		m.revoke(a, lost)
	case OpVanish:
		if !r.leaving {
			r.ready, r.reason = false, ReasonVanished
		}
		m.touch(a)
		m.revoke(a, 0xff)
	}
	m.settle(a)
	return 0
}

func less4(x, y [4]int64) bool {
	for i := range x {
		if x[i] != y[i] {
			return x[i] < y[i]
		}
	}
	return false
}

func (m *reference) arrive(cmd Command) Code {
	ci := cmd.Contact
	if uint32(ci) >= m.cfg.MaxContacts || int(cmd.Type) >= len(m.types) || int(cmd.Sig) >= len(m.sigs) {
		return BadCommand
	}
	for int(ci) >= len(m.contacts) {
		m.contacts = append(m.contacts, refContact{agent: Nobody, pref: Nobody})
	}
	if m.contacts[ci].phase != PhaseFree {
		return InUse
	}
	prio := min(max(cmd.Priority, -m.cfg.MaxPriority), m.cfg.MaxPriority)
	at := min(max(cmd.Time, 0), m.now)
	m.arrivals++
	c := refContact{
		typ: cmd.Type, sig: cmd.Sig, tier: cmd.Tier, at: at, seq: m.arrivals, agent: Nobody, pref: Nobody,
		virtual: at - int64(prio)*int64(m.cfg.PriorityStep) + int64(m.types[cmd.Type].Patience),
	}
	if int(cmd.Agent) < len(m.agents) {
		c.pref, c.held, c.holdUntil = cmd.Agent, cmd.Dur > 0, m.now+min(cmd.Dur, maxDur)
	}
	m.contacts[ci] = c
	m.route(ci)
	return 0
}

func (m *reference) doContact(cmd Command) Code {
	ci := cmd.Contact
	c := &m.contacts[ci]
	pending := c.phase == PhaseOffered && c.offer == cmd.Offer && c.agent == cmd.Agent
	switch {
	case (cmd.Op == OpAccept || cmd.Op == OpReject) && !pending:
		return OfferGone
	case cmd.Op == OpAccept:
		m.endOffer(ci, Accepted)
		c.phase = PhaseConnected
		m.agents[c.agent].rona = 0
		m.tell(c.agent)
	case cmd.Op == OpReject:
		m.refuse(ci, Rejected)
	case cmd.Op == OpWithdraw && c.phase == PhaseWaiting:
		m.close(ci, Nobody)
	case cmd.Op == OpWithdraw && c.phase == PhaseOffered:
		a := c.agent
		m.endOffer(ci, Withdrawn)
		m.release(ci)
		m.close(ci, Nobody)
		m.settle(a)
	case cmd.Op == OpEnd && c.phase == PhaseConnected:
		wrap := int64(m.types[c.typ].WrapUp)
		if wrap <= 0 {
			m.finish(ci)
			return 0
		}
		c.phase, c.wrapEnd = PhaseWrapUp, m.now+wrap
		m.start(c.wrapEnd, wrapTimer, ci, Nobody)
		m.emit(Effect{Kind: WrapUp, Contact: ci, Agent: c.agent, Time: c.wrapEnd})
		m.tell(c.agent)
	case cmd.Op == OpRequeue && c.phase == PhaseConnected:
		a := c.agent
		m.release(ci)
		m.emit(Effect{Kind: Released, Contact: ci, Agent: a})
		c.pref, c.held, c.tier = Nobody, false, 0
		if int(cmd.Agent) < len(m.agents) {
			m.exclude(ci, cmd.Agent)
		}
		m.route(ci)
		m.settle(a)
	case cmd.Op == OpWrapEnd && c.phase == PhaseWrapUp:
		m.stop(ci, false)
		m.finish(ci)
	case cmd.Op == OpWrapExtend && c.phase == PhaseWrapUp && cmd.Dur > 0:
		m.stop(ci, false)
		c.wrapEnd = min(c.wrapEnd+min(cmd.Dur, maxDur), m.now+maxDur)
		m.start(c.wrapEnd, wrapTimer, ci, Nobody)
		m.emit(Effect{Kind: WrapUp, Contact: ci, Agent: c.agent, Time: c.wrapEnd})
	default:
		return BadState
	}
	return 0
}
