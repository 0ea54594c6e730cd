package core

type contactRec struct {
	v         int64  // key V
	seq       uint64 // key seq
	enqueued  int64
	holdUntil int64
	deadline  int64 // of the offer or wrap-up
	offer     uint64
	typ       Type
	sig       Sig
	lane      laneID
	agent     Agent // offered, connected or wrapping
	pref      Agent
	next      Contact // in its lane or the agent's held list
	prev      Contact
	agentNext Contact // in the list of what the agent has
	agentPrev Contact
	timer     timerID
	excl      exclID
	priority  int16
	tier      uint8 // key T
	phase     Phase
	held      bool
}

func (s *State) arrive(cmd *Command) Code {
	c := cmd.Contact
	if uint32(c) >= s.cfg.MaxContacts || int(cmd.Type) >= len(s.types) || int(cmd.Sig) >= len(s.sigs) {
		return BadCommand
	}
	for int(c) >= len(s.contacts) {
		s.contacts = append(s.contacts, contactRec{})
	}
	r := &s.contacts[c]
	if r.phase != PhaseFree {
		return InUse
	}
	t := &s.types[cmd.Type]
	prio := min(max(cmd.Priority, -s.cfg.MaxPriority), s.cfg.MaxPriority)
	at := min(max(cmd.Time, 0), s.now)
	s.arrivals++
	*r = contactRec{
		v:   at - int64(prio)*int64(s.cfg.PriorityStep) + int64(t.Patience),
		seq: s.arrivals, enqueued: at, typ: cmd.Type, sig: cmd.Sig, priority: prio, tier: cmd.Tier,
		agent: Nobody, pref: Nobody, timer: noTimer, excl: noExcl,
		next: Nothing, prev: Nothing, agentNext: Nothing, agentPrev: Nothing,
	}
	if int(cmd.Agent) < len(s.agents) {
		r.pref = cmd.Agent
		r.held = cmd.Dur > 0
		r.holdUntil = s.now + min(cmd.Dur, maxDur)
	}
	r.lane = s.laneFor(r)
	s.route(c)
	return 0
}

// maxDur bounds durations of commands, against overflow: ten years.
const maxDur = 10 * 365 * 24 * 3600 * int64(1e9)

// route gives a contact that is in no list its best agent, else lets it wait.
func (s *State) route(c Contact) {
	r := &s.contacts[c]
	if r.held && (r.holdUntil <= s.now || !s.stays(r.pref)) {
		r.held = false
	}
	if best := s.bestAgent(c); best.agent != Nobody {
		s.offerAgent(c, best)
		return
	}
	s.enqueue(c)
	s.emit(Effect{Kind: Waiting, Contact: c, Agent: Nobody})
}

func (s *State) stays(a Agent) bool { return s.agents[a].signedIn && !s.agents[a].leaving }

// drain lets an agent take contacts until nothing matches.
func (s *State) drain(a Agent) {
	for s.agents[a].linked != 0 {
		best := s.bestContact(a)
		if best.contact == Nothing {
			return
		}
		s.dequeue(best.contact)
		s.offerContact(a, best)
	}
}

func (s *State) holdOver(c Contact) {
	s.dequeue(c)
	s.contacts[c].held = false
	s.route(c)
}

func (s *State) withdraw(c Contact) Code {
	r := &s.contacts[c]
	switch r.phase {
	case PhaseWaiting:
		s.dequeue(c)
		s.close(c, Nobody)
	case PhaseOffered:
		a := r.agent
		s.endOffer(c, Withdrawn)
		s.release(c)
		s.close(c, Nobody)
		s.settle(a)
	default:
		return BadState
	}
	return 0
}

func (s *State) end(c Contact) Code {
	r := &s.contacts[c]
	if r.phase != PhaseConnected {
		return BadState
	}
	wrap := int64(s.types[r.typ].WrapUp)
	a := &s.agents[r.agent]
	a.live--
	a.wraps++
	r.phase = PhaseWrapUp
	if wrap <= 0 {
		s.finish(c)
		return 0
	}
	r.deadline = s.now + min(wrap, maxDur)
	r.timer = s.start(r.deadline, wrapTimer, c, noExcl)
	s.emit(Effect{Kind: WrapUp, Contact: c, Agent: r.agent, Time: r.deadline})
	s.tell(r.agent)
	return 0
}

// finish ends the wrap-up.
func (s *State) finish(c Contact) {
	r := &s.contacts[c]
	a := r.agent
	s.stop(&r.timer)
	s.agents[a].wraps--
	s.release(c)
	s.close(c, a)
	s.settle(a)
}

func (s *State) wrapEnd(c Contact) Code {
	if s.contacts[c].phase != PhaseWrapUp {
		return BadState
	}
	s.finish(c)
	return 0
}

func (s *State) wrapExtend(c Contact, d int64) Code {
	r := &s.contacts[c]
	if r.phase != PhaseWrapUp || d <= 0 {
		return BadState
	}
	s.stop(&r.timer)
	r.deadline = min(r.deadline+min(d, maxDur), s.now+maxDur)
	r.timer = s.start(r.deadline, wrapTimer, c, noExcl)
	s.emit(Effect{Kind: WrapUp, Contact: c, Agent: r.agent, Time: r.deadline})
	return 0
}

// requeue takes a connected contact from its agent: it goes on before all
// others, with its age.
func (s *State) requeue(c Contact, exclude Agent) Code {
	r := &s.contacts[c]
	if r.phase != PhaseConnected {
		return BadState
	}
	a := r.agent
	s.agents[a].live--
	s.release(c)
	s.emit(Effect{Kind: Released, Contact: c, Agent: a})
	r.pref, r.held, r.tier = Nobody, false, 0
	r.lane = s.laneFor(r)
	if int(exclude) < len(s.agents) {
		s.exclude(c, exclude)
	}
	s.route(c)
	s.settle(a)
	return 0
}

// close frees the handle.
func (s *State) close(c Contact, served Agent) {
	s.freeExclusions(c)
	s.contacts[c].phase = PhaseFree
	s.emit(Effect{Kind: Closed, Contact: c, Agent: served})
}
