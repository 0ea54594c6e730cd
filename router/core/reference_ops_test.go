package core

// The commands, for the reference.

func (m *reference) do(cmd Command) Code {
	switch cmd.Op {
	case OpTick:
		return 0
	case OpSignIn:
		return m.signIn(cmd)
	case OpSignOut, OpReady, OpNotReady, OpReach, OpVanish:
		if !m.known(cmd.Agent) || !m.agents[cmd.Agent].signedIn {
			return NoAgent
		}
		return m.doAgent(cmd)
	case OpArrive:
		return m.arrive(cmd)
	case OpRoom:
		if cmd.Room == 0 {
			return BadCommand
		}
		m.sizes[cmd.Room] = cmd.Size
		return 0
	}
	if cmd.Op >= opEnd || (cmd.Op == OpTransfer || cmd.Op == OpMove || cmd.Op == OpHandOver) && !m.defined(cmd) {
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

func (m *reference) known(a Agent) bool { return int(a) < len(m.agents) }

// defined reports whether the handles of an arrival, transfer or move are.
func (m *reference) defined(cmd Command) bool {
	return uint32(cmd.Contact) < m.cfg.MaxContacts && int(cmd.Type) < len(m.types) && int(cmd.Plan) < len(m.plans)
}

// --- agents

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
		m.endHolds(a)
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

// endHolds ends those for an agent who leaves, in the agent's order.
func (m *reference) endHolds(a Agent) {
	for {
		var list []Contact
		for i := range m.contacts {
			if c := &m.contacts[i]; c.phase == PhaseWaiting && c.held && c.pref == a {
				list = append(list, Contact(i))
			}
		}
		if len(list) == 0 {
			return
		}
		m.order(list, func(c Contact) [6]int64 { return m.contactKey(c, a) })
		m.reroute(list[0], m.contacts[list[0]].typ)
	}
}

// --- contacts

func (m *reference) arrive(cmd Command) Code {
	if !m.defined(cmd) {
		return BadCommand
	}
	ci := cmd.Contact
	for int(ci) >= len(m.contacts) {
		m.contacts = append(m.contacts, refContact{agent: Nobody, pref: Nobody})
	}
	if m.contacts[ci].phase != PhaseFree {
		return InUse
	}
	m.arrivals++
	m.contacts[ci] = refContact{
		enqueued: max(min(max(cmd.Time, m.now-year), m.now), 0), seq: m.arrivals, agent: Nobody, pref: Nobody,
	}
	m.ask(ci, cmd)
	m.hold(ci, cmd)
	m.route(ci, true)
	return 0
}

// ask gives the contact what an arrival, transfer or move asks for.
func (m *reference) ask(ci Contact, cmd Command) {
	c := &m.contacts[ci]
	c.typ, c.plan, c.tier, c.lost = cmd.Type, cmd.Plan, min(cmd.Tier, MaxTier), false
	c.priority = min(max(cmd.Priority, -m.cfg.MaxPriority), m.cfg.MaxPriority)
}

func (m *reference) hold(ci Contact, cmd Command) {
	c := &m.contacts[ci]
	c.pref = Nobody
	if m.known(cmd.Agent) {
		c.pref = cmd.Agent
	}
	c.held = cmd.Agent != Nobody && cmd.Dur > 0
	c.holdUntil = refNever
	if cmd.Dur != int64(Forever) {
		c.holdUntil = m.now + min(cmd.Dur, year)
	}
}

func (m *reference) doContact(cmd Command) Code {
	ci := cmd.Contact
	c := &m.contacts[ci]
	switch cmd.Op {
	case OpAccept, OpReject:
		if c.phase != PhaseOffered || c.offer != cmd.Offer || c.agent != cmd.Agent {
			return OfferGone
		}
		if cmd.Op == OpReject {
			m.refuse(ci, Rejected)
			return 0
		}
		m.endOffer(ci, Accepted)
		c.phase, c.deadline = PhaseConnected, 0
		m.agents[c.agent].rona = 0
		m.tell(c.agent)
		return 0
	case OpWithdraw:
		return m.withdraw(ci)
	case OpEnd:
		return m.end(ci, cmd.Dur)
	case OpRequeue, OpTransfer:
		return m.takeBack(ci, cmd)
	case OpHandOver:
		return m.handOver(ci, cmd)
	case OpMove:
		return m.move(ci, cmd)
	case OpPark, OpResume:
		return m.park(ci, cmd.Op)
	}
	return m.wrap(ci, cmd)
}

func (m *reference) withdraw(ci Contact) Code {
	c := &m.contacts[ci]
	switch c.phase {
	case PhaseWaiting:
		m.close(ci, Nobody, 0)
	case PhaseOffered:
		a := c.agent
		m.endOffer(ci, Withdrawn)
		m.release(ci)
		m.close(ci, Nobody, 0)
		m.settle(a)
	default:
		return BadState
	}
	return 0
}

func (m *reference) end(ci Contact, ask int64) Code {
	c := &m.contacts[ci]
	if c.phase == PhaseParked {
		m.saw("parked: ended")
		m.finish(ci)
		return 0
	}
	if c.phase != PhaseConnected {
		return BadState
	}
	if !m.wraps(ci, ask) {
		m.finish(ci)
		return 0
	}
	m.tell(c.agent)
	return 0
}

// wraps begins the wrap-up of a contact, if there is one.
func (m *reference) wraps(ci Contact, ask int64) bool {
	c := &m.contacts[ci]
	t := m.types[c.typ]
	length := int64(t.WrapUp)
	if t.Wrap == WrapOptional {
		length = min(max(ask, 0), m.wrapMax(t))
	}
	if length == 0 && t.Wrap != WrapOpen {
		return false
	}
	m.saw("wrap-up: kind " + [...]string{"timed", "forced", "open", "optional"}[t.Wrap])
	c.phase, c.wrapStart = PhaseWrapUp, m.now
	at := m.now + length
	if t.Wrap == WrapOpen {
		at = 0
	}
	m.wrapUntil(ci, at)
	return true
}

// handOver is transfer, and the agent has the wrap-up as a contact of its own.
func (m *reference) handOver(ci Contact, cmd Command) Code {
	if uint32(cmd.Other) >= m.cfg.MaxContacts {
		return BadCommand
	}
	for int(cmd.Other) >= len(m.contacts) {
		m.contacts = append(m.contacts, refContact{agent: Nobody, pref: Nobody})
	}
	c, o := &m.contacts[ci], &m.contacts[cmd.Other]
	if o.phase != PhaseFree {
		return InUse
	}
	if c.phase != PhaseConnected {
		return BadState
	}
	a := c.agent
	copied := *c
	copied.pref, copied.held, copied.excluded, copied.deadline = Nobody, false, nil, 0
	*o = copied
	if !m.wraps(cmd.Other, cmd.Time) {
		*o = refContact{agent: Nobody, pref: Nobody}
		m.saw("hand over: no wrap-up")
		return m.takeBack(ci, cmd)
	}
	m.saw("hand over: wrap-up")
	m.arrivals++
	o.seq = m.arrivals
	m.release(ci)
	m.agents[a].has = append([]Contact{cmd.Other}, m.agents[a].has...)
	m.touch(a)
	m.emit(Effect{Kind: Released, Contact: ci, Agent: a})
	m.tell(a)
	m.ask(ci, cmd)
	m.hold(ci, cmd)
	m.exclude(ci, a)
	m.forgive(ci, cmd.Agent)
	m.route(ci, false)
	m.settle(a)
	return 0
}

// wrapUntil sets the deadline of the wrap-up; 0 is none.
func (m *reference) wrapUntil(ci Contact, at int64) {
	c := &m.contacts[ci]
	m.stop(ci)
	c.deadline = at
	if at != 0 {
		m.start(at, refWrap, ci, Nobody)
	}
	m.emit(Effect{Kind: WrapUp, Contact: ci, Agent: c.agent, Time: at})
}

func (m *reference) wrapMax(t WorkType) int64 {
	if t.WrapMax == 0 {
		return year
	}
	return int64(t.WrapMax)
}

func (m *reference) wrap(ci Contact, cmd Command) Code {
	c := &m.contacts[ci]
	t := m.types[c.typ]
	if c.phase != PhaseWrapUp {
		return BadState
	}
	if cmd.Op == OpWrapEnd {
		if t.Wrap == WrapForced {
			m.saw("wrap-up: forced, not ended")
			return BadState
		}
		m.finish(ci)
		return 0
	}
	latest := c.wrapStart + m.wrapMax(t)
	at := min(c.deadline+min(cmd.Dur, year), latest)
	if cmd.Dur <= 0 || t.Wrap == WrapOpen || c.deadline == 0 || at <= c.deadline {
		return BadState
	}
	if at == latest {
		m.saw("wrap-up: extension bounded")
	}
	m.wrapUntil(ci, at)
	return 0
}

// takeBack is requeue and transfer: the contact goes on without its agent.
func (m *reference) takeBack(ci Contact, cmd Command) Code {
	c := &m.contacts[ci]
	if c.phase != PhaseConnected && c.phase != PhaseParked {
		return BadState
	}
	if c.phase == PhaseParked {
		m.saw("parked: " + cmd.Op.String())
	}
	a := c.agent
	m.release(ci)
	m.emit(Effect{Kind: Released, Contact: ci, Agent: a})
	if cmd.Op != OpRequeue {
		m.ask(ci, cmd)
		m.hold(ci, cmd)
		m.exclude(ci, a)
		m.forgive(ci, cmd.Agent)
	} else {
		c.pref, c.held, c.lost = Nobody, false, true
		if m.known(cmd.Agent) {
			m.exclude(ci, cmd.Agent)
		}
	}
	m.route(ci, false)
	m.settle(a)
	return 0
}

func (m *reference) move(ci Contact, cmd Command) Code {
	c := &m.contacts[ci]
	before := c.typ
	if c.phase != PhaseWaiting && m.types[cmd.Type].Channel != m.types[c.typ].Channel {
		return BadState
	}
	m.ask(ci, cmd)
	if c.phase != PhaseWaiting {
		m.saw("move: while in " + c.phase.String())
		return 0
	}
	m.saw("move: while waiting")
	m.hold(ci, cmd)
	m.forgive(ci, cmd.Agent)
	m.reroute(ci, before)
	return 0
}

// park takes the units of a conversation from its agent; resume gives them back.
func (m *reference) park(ci Contact, op Op) Code {
	c := &m.contacts[ci]
	a := c.agent
	if op == OpPark {
		if c.phase != PhaseConnected {
			return BadState
		}
		c.phase = PhaseParked
		m.touch(a)
		m.emit(Effect{Kind: Parked, Contact: ci, Agent: a})
		m.settle(a)
		return 0
	}
	if c.phase != PhaseParked {
		return BadState
	}
	if !m.stays(a) || !m.fits(a, m.types[c.typ].Channel) {
		return NoRoom
	}
	if !m.agents[a].ready {
		m.saw("resume: not ready")
	}
	c.phase = PhaseConnected
	m.touch(a)
	m.emit(Effect{Kind: Resumed, Contact: ci, Agent: a})
	m.tell(a)
	return 0
}
