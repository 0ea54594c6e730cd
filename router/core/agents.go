package core

// agentRec is what decisions need of an agent, in one cache line.
type agentRec struct {
	stamp     uint64 // key I
	nextStamp uint64 // of the next one in the cell
	class     Class
	cell      cellID // noCell: no room for anything
	next      Agent  // in the cell
	prev      Agent
	first     Contact // of the contacts that the agent has
	held      laneID  // lanes held for the agent
	used      uint16  // units
	offers    uint16  // contacts offered
	live      uint16  // contacts connected
	wraps     uint16  // contacts in wrap-up
	told      uint16  // the last AgentState, packed
	count     [MaxChannels]uint8
	room      uint8 // channels that the agent has room for, if in a cell
	reach     uint8 // channels that reach the agent
	rona      uint8 // offers in a row that expired
	reason    Reason
	flags     agentFlags
}

// agentCold is what only effects and readers need.
type agentCold struct {
	since int64 // when the stamp was given
}

type agentFlags uint8

const (
	isKnown agentFlags = 1 << iota
	isSignedIn
	isReady
	isLeaving
)

func (s *State) signIn(cmd *Command) Code {
	a := cmd.Agent
	if uint32(a) >= s.cfg.MaxAgents || int(cmd.Class) >= len(s.classes) {
		return BadCommand
	}
	for int(a) >= len(s.agents) {
		s.agents = append(s.agents, agentRec{first: Nothing, held: noLane, cell: noCell})
		s.agentsCold = append(s.agentsCold, agentCold{})
	}
	r := &s.agents[a]
	s.unlink(a, r)
	r.class = s.classFor(a, cmd.Class)
	if r.flags&(isSignedIn|isLeaving) != isSignedIn { // else it is a change of class and nothing else
		r.reach, r.reason, r.rona = cmd.Channels, ReasonSignedIn, 0
		r.flags = isKnown | isSignedIn
	}
	s.touch(a)
	s.settle(a)
	return 0
}

// signOut revokes what is offered and lets the agent finish the rest.
func (s *State) signOut(a Agent) {
	r := &s.agents[a]
	r.flags = r.flags&^isReady | isLeaving
	r.reason = ReasonLeaving
	s.touch(a)
	s.revoke(a, 0xff)
	for r.held != noLane {
		s.reroute(s.firstHeld(r))
	}
	s.settle(a)
}

// firstHeld returns the first of what is held for the agent, eligible or not.
func (s *State) firstHeld(r *agentRec) Contact {
	best := noTurn
	for id := r.held; id != noLane; id = s.laneRecs[id].heldNext {
		lane := &s.laneRecs[id]
		x := turn{key: s.keyOf(lane, s.laneHead[id]), rank: s.rankFor(&s.classes[r.class], lane.typ), contact: s.laneFirst[id]}
		if s.sooner(&x, &best) {
			best = x
		}
	}
	return best.contact
}

func (s *State) setReady(a Agent) Code {
	r := &s.agents[a]
	if r.flags&isLeaving != 0 {
		return BadState
	}
	r.rona = 0
	if r.flags&isReady == 0 {
		r.flags |= isReady
		r.reason = ReasonNone
		s.touch(a)
		s.settle(a)
	}
	return 0
}

// setNotReady leaves pending offers: the agent may still take them.
func (s *State) setNotReady(a Agent, why Reason) {
	r := &s.agents[a]
	if r.flags&isLeaving != 0 {
		return
	}
	r.reason = why
	if r.flags&isReady != 0 {
		r.flags &^= isReady
		s.touch(a)
	}
	s.settle(a)
}

func (s *State) reach(a Agent, channels uint8) {
	r := &s.agents[a]
	if r.reach == channels {
		return
	}
	gone := r.reach &^ channels
	r.reach = channels
	s.touch(a)
	s.revoke(a, gone)
	s.settle(a)
}

func (s *State) vanish(a Agent) {
	r := &s.agents[a]
	if r.flags&isLeaving == 0 {
		r.flags &^= isReady
		r.reason = ReasonVanished
	}
	s.touch(a)
	s.revoke(a, 0xff)
	s.settle(a)
}

// revoke takes pending offers on channels from an agent who has no room for
// them any more, and routes the contacts.
func (s *State) revoke(a Agent, channels uint8) {
	for c := s.agents[a].first; c != Nothing; {
		r := &s.contacts[c]
		next := r.next
		if r.phase == PhaseOffered && channels>>s.types[r.typ].Channel&1 == 1 {
			s.endOffer(c, s.pending(r), Revoked)
			s.release(c)
			s.route(c)
			next = s.agents[a].first
		}
		c = next
	}
}

// drain lets an agent take contacts until nothing matches.
func (s *State) drain(a Agent) {
	for s.agents[a].cell != noCell {
		best := s.bestContact(a)
		if best.contact == Nothing {
			return
		}
		s.leave(best.contact)
		s.offerContact(a, best)
	}
}

// settle lets the agent take contacts, log out if it was leaving and is done,
// and says what the agent does now.
func (s *State) settle(a Agent) {
	s.drain(a)
	if len(s.reserved) > 0 {
		s.spread()
	}
	r := &s.agents[a]
	if r.flags&isLeaving != 0 && r.offers+r.live+r.wraps == 0 {
		r.flags &^= isSignedIn | isLeaving
		r.reason = ReasonNone
	}
	s.tell(a)
}

// tell emits what the agent does, if it is news.
func (s *State) tell(a Agent) {
	r := &s.agents[a]
	status, up := r.status(), r.flags&isReady != 0
	news := 1<<15 | uint16(status)<<8 | uint16(r.reason)
	if up {
		news |= 1 << 14
	}
	if r.told == news {
		return
	}
	r.told = news
	e := s.emit(AgentState, Nothing, a)
	e.State, e.Ready, e.Reason = status, up, r.reason
}

func (r *agentRec) status() Status {
	switch {
	case r.flags&isSignedIn == 0:
		return LoggedOut
	case r.live > 0:
		return Busy
	case r.offers > 0:
		return Reserved
	case r.wraps > 0:
		return WrappingUp
	case r.flags&isReady != 0:
		return Ready
	default:
		return NotReady
	}
}
