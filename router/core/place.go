package core

// route gives a contact that is in no list its best agent, else lets it wait
// in its place.
func (s *State) route(c Contact) { s.routeOr(c, false) }

// routeOr is route; a contact that is arriving may find its waiting room full.
func (s *State) routeOr(c Contact, arriving bool) {
	s.endOldHold(c)
	for {
		s.reband(c)
		if best := s.bestAgent(c); best.agent != Nobody {
			s.offerAgent(c, best)
			return
		}
		t := &s.types[s.contacts[c].typ]
		if !arriving || !s.full(t.Room) {
			break
		}
		if !t.Overflow.On {
			s.turnAway(c)
			return
		}
		s.overflow(c)
	}
	s.enter(c)
	s.emit(Waiting, c, Nobody)
	s.relieve(c)
}

// reroute looks anew for an agent of a waiting contact about which something
// changed. It keeps its place, and no effect says that it still waits.
func (s *State) reroute(c Contact) {
	was := s.contacts[c].typ
	s.leave(c)
	s.replace(c, was)
}

// replace is the second half of reroute, for a contact that has just left its
// lane of work type was.
func (s *State) replace(c Contact, was Type) {
	s.endOldHold(c)
	s.reband(c)
	s.enter(c)
	if best := s.bestAgent(c); best.agent != Nobody {
		s.leave(c)
		s.offerAgent(c, best)
		return
	}
	if s.contacts[c].typ != was {
		s.relieve(c)
	}
}

// bandDue takes the lane's head to the next band.
func (s *State) bandDue(l laneID) { s.reroute(s.laneFirst[l]) }

// endOldHold ends a hold that is over, or whose agent does not stay.
func (s *State) endOldHold(c Contact) {
	if r := &s.contacts[c]; r.flags&isHeld != 0 && (s.contactsCold[c].holdUntil <= s.now || !s.stays(s.contactsCold[c].pref)) {
		s.endHold(c)
	}
}

func (s *State) endHold(c Contact) {
	r := &s.contacts[c]
	r.flags &^= isHeld
	if o := &s.types[r.typ].Overflow; o.On && o.AfterHold {
		s.overflow(c)
	}
}

func (s *State) stays(a Agent) bool {
	return int(a) < len(s.agents) && s.agents[a].flags&(isSignedIn|isLeaving) == isSignedIn
}

// reband finds the band of a contact that is in no list.
func (s *State) reband(c Contact) {
	for {
		if !s.settleBand(&s.contacts[c]) {
			return
		}
		s.overflow(c)
	}
}

// settleBand finds the contact's band by its age; it does not stay there if
// over is true.
func (s *State) settleBand(r *contactRec) (over bool) {
	co := &s.courses[r.course]
	r.band = co.bandAt(min(s.now-r.enqueued, year))
	return co.bands[r.band].overflow
}

// overflow takes the contact to where its work type does not keep it. Types
// overflow to those defined before them only, so this ends.
func (s *State) overflow(c Contact) {
	r := &s.contacts[c]
	o := &s.types[r.typ].Overflow
	s.aim(r, o.Type, o.Plan)
	s.emit(Moved, c, Nobody).Type = r.typ
}

func (s *State) turnAway(c Contact) {
	s.freeExclusions(c)
	s.contacts[c].phase = PhaseFree
	s.emit(Closed, c, Nobody).Code = Full
}

// relieve sweeps the work type of a contact that has begun to wait, if that
// made it overloaded.
func (s *State) relieve(c Contact) {
	typ := s.contacts[c].typ
	if t := &s.types[typ]; t.Overload > 0 && t.waiting == t.Overload {
		s.sweep(typ)
	}
}

// sweep gives the waiting contacts of a work type agents, the first in order
// first, until none of them has an eligible one.
func (s *State) sweep(typ Type) {
	for {
		best, choice := noTurn, agentChoice{}
		for _, id := range s.types[typ].lanes {
			c, who := s.servable(id)
			if c == Nothing {
				continue
			}
			lane := &s.laneRecs[id]
			x := turn{key: s.keyOf(lane, s.raw(lane, s.contacts[c].enqueued)), contact: c}
			if s.sooner(&x, &best) {
				best, choice = x, who
			}
		}
		if best.contact == Nothing {
			return
		}
		s.leave(best.contact)
		s.offerAgent(best.contact, choice)
	}
}

// servable returns the first contact of a lane that has an eligible agent.
func (s *State) servable(id laneID) (Contact, agentChoice) {
	for c := s.laneFirst[id]; c != Nothing; c = s.contacts[c].next {
		if best := s.bestAgent(c); best.agent != Nobody {
			return c, best
		}
		if s.contacts[c].excl == noExcl {
			break // nor has any behind it: they only exclude more
		}
	}
	return Nothing, agentChoice{}
}

// spread sweeps the work types with a reserve after an agent has taken what
// was there: only contacts that exclude that agent can have become eligible
// for another one.
func (s *State) spread() {
	for i := range s.reserved {
		if typ := s.reserved[i]; s.types[typ].marked > 0 {
			s.sweep(typ)
		}
	}
}

// rooms are the waiting rooms, by Room; room 0 is boundless.
type rooms struct {
	inRoom   [256]uint32 // contacts waiting
	roomSize [256]uint32 // 0: boundless
	reserved []Type      // work types with a reserve
}

func (s *State) full(r Room) bool { return s.roomSize[r] > 0 && s.inRoom[r] >= s.roomSize[r] }

func (s *State) setRoom(r Room, size uint32) Code {
	if r == 0 {
		return BadCommand
	}
	s.roomSize[r] = size
	return 0
}
