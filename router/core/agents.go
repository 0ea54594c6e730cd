package core

type agentRec struct {
	class   Class
	stamp   uint64 // key I
	since   int64  // when the stamp was given
	used    uint16 // units
	level   uint16 // load level of used
	offers  uint16 // contacts offered
	live    uint16 // contacts connected
	wraps   uint16 // contacts in wrap-up
	rona    uint16 // offers in a row that expired
	count   [MaxChannels]uint16
	reach   uint8 // channels that reach the agent
	linked  uint8 // channels in whose lists the agent is: those with room
	reason  Reason
	told    Effect // the last AgentState
	held    contactList
	first   Contact // of the contacts that the agent has
	next    [MaxChannels]Agent
	prev    [MaxChannels]Agent
	known   bool
	ready   bool
	leaving bool

	signedIn bool
}

func (s *State) signIn(cmd *Command) Code {
	a := cmd.Agent
	if uint32(a) >= s.cfg.MaxAgents || int(cmd.Class) >= len(s.classes) {
		return BadCommand
	}
	for int(a) >= len(s.agents) {
		s.agents = append(s.agents, agentRec{first: Nothing, held: emptyList})
	}
	r := &s.agents[a]
	if r.signedIn && !r.leaving { // a change of class; nothing else
		s.unlink(a)
		r.class = cmd.Class
		s.touch(a)
		s.settle(a)
		return 0
	}
	s.unlink(a)
	r.class, r.reach = cmd.Class, cmd.Channels
	r.signedIn, r.ready, r.leaving, r.reason, r.rona = true, false, false, ReasonSignedIn, 0
	s.touch(a)
	s.settle(a)
	return 0
}

// signOut revokes what is offered and lets the agent finish the rest.
func (s *State) signOut(a Agent) {
	r := &s.agents[a]
	r.ready, r.leaving, r.reason = false, true, ReasonLeaving
	s.touch(a)
	s.revoke(a, 0xff)
	for r.held.first != Nothing {
		c := r.held.first
		s.dequeue(c)
		s.contacts[c].held = false
		s.route(c)
	}
	s.settle(a)
}

func (s *State) setReady(a Agent) Code {
	r := &s.agents[a]
	if r.leaving {
		return BadState
	}
	r.rona = 0
	if !r.ready {
		r.ready, r.reason = true, ReasonNone
		s.touch(a)
		s.settle(a)
	}
	return 0
}

// setNotReady leaves pending offers: the agent may still take them.
func (s *State) setNotReady(a Agent, why Reason) {
	r := &s.agents[a]
	if r.leaving {
		return
	}
	r.reason = why
	if r.ready {
		r.ready = false
		s.touch(a)
	}
	s.settle(a)
}

func (s *State) reach(a Agent, channels uint8) {
	r := &s.agents[a]
	if r.reach == channels {
		return
	}
	lost := r.reach &^ channels
	r.reach = channels
	s.touch(a)
	s.revoke(a, lost)
	s.settle(a)
}

func (s *State) vanish(a Agent) {
	r := &s.agents[a]
	if !r.leaving {
		r.ready, r.reason = false, ReasonVanished
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
		next := r.agentNext
		if r.phase == PhaseOffered && channels>>s.types[r.typ].Channel&1 == 1 {
			s.endOffer(c, Revoked)
			s.release(c)
			s.route(c)
			next = s.agents[a].first
		}
		c = next
	}
}

// settle lets the agent take contacts, log out if it was leaving and is done,
// and says what the agent does now.
func (s *State) settle(a Agent) {
	s.drain(a)
	r := &s.agents[a]
	if r.leaving && r.first == Nothing {
		r.signedIn, r.leaving, r.reason = false, false, ReasonNone
	}
	s.tell(a)
}

// tell emits what the agent does, if it is news.
func (s *State) tell(a Agent) {
	r := &s.agents[a]
	e := Effect{Kind: AgentState, Agent: a, State: r.status(), Ready: r.ready, Reason: r.reason, Contact: Nothing}
	if r.known && e == r.told {
		return
	}
	r.known, r.told = true, e
	s.emit(e)
}

func (r *agentRec) status() Status {
	switch {
	case !r.signedIn:
		return LoggedOut
	case r.live > 0:
		return Busy
	case r.offers > 0:
		return Reserved
	case r.wraps > 0:
		return WrappingUp
	case r.ready:
		return Ready
	default:
		return NotReady
	}
}

// room is the part of Eligible that does not depend on the contact.
func (s *State) room(r *agentRec, ch int) bool {
	rule, p := s.cfg.Channels[ch], &s.classes[r.class].profile
	limit := p.Capacity
	if rule.Limit > 0 {
		limit = min(limit, rule.Limit)
	}
	return r.signedIn && r.ready && r.reach>>ch&1 == 1 &&
		int(r.used)+rule.Weight <= limit && r.count[ch] < p.Caps[ch]
}

// touch gives the agent a new stamp and puts it into the lists of the channels
// that it has room for: always at their ends, so that they stay in order.
func (s *State) touch(a Agent) {
	s.unlink(a)
	r := &s.agents[a]
	s.stamps++
	r.stamp, r.since, r.level = s.stamps, s.now, s.levelOf(r.used)
	for ch := range s.cfg.Channels {
		if s.room(r, ch) {
			s.link(a, r, ch)
		}
	}
}

func (s *State) link(a Agent, r *agentRec, ch int) {
	cl := &s.classes[r.class]
	for len(cl.lists[ch]) <= int(r.level) {
		cl.lists[ch] = append(cl.lists[ch], agentList{first: Nobody, last: Nobody})
	}
	l := &cl.lists[ch][r.level]
	r.prev[ch], r.next[ch] = l.last, Nobody
	if l.last != Nobody {
		s.agents[l.last].next[ch] = a
	} else {
		l.first = a
	}
	l.last = a
	l.n++
	r.linked |= 1 << ch
	s.free[ch].set(int(r.class))
}

func (s *State) unlink(a Agent) {
	r := &s.agents[a]
	for ch := range s.cfg.Channels {
		if r.linked>>ch&1 == 0 {
			continue
		}
		lists := s.classes[r.class].lists[ch]
		l := &lists[r.level]
		if r.prev[ch] != Nobody {
			s.agents[r.prev[ch]].next[ch] = r.next[ch]
		} else {
			l.first = r.next[ch]
		}
		if r.next[ch] != Nobody {
			s.agents[r.next[ch]].prev[ch] = r.prev[ch]
		} else {
			l.last = r.prev[ch]
		}
		l.n--
		if l.n == 0 && empty(lists) {
			s.free[ch].clear(int(r.class))
		}
	}
	r.linked = 0
}

func empty(lists []agentList) bool {
	for i := range lists {
		if lists[i].n > 0 {
			return false
		}
	}
	return true
}
