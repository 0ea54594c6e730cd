package core

// contactRec is what decisions need of a contact, in one cache line.
type contactRec struct {
	enqueued int64  // key E
	seq      uint64 // key seq
	nextKey  int64  // while it waits: laneHead of the next one
	course   courseID
	lane     laneID  // while it waits
	agent    Agent   // offered, connected, parked or wrapping
	next     Contact // in its lane, or of what its agent has
	prev     Contact // as above; not valid for the first in a lane
	timer    timerID // of its hold, offer or wrap-up
	excl     exclID
	typ      Type
	priority int16
	tier     uint8 // as it arrived
	phase    Phase
	band     uint8 // of its course
	flags    contactFlags
}

// contactCold is what few contacts need.
type contactCold struct {
	pref      Agent // if it prefers one
	holdUntil int64 // while held
}

type contactFlags uint8

const (
	hasPreferred contactFlags = 1 << iota
	isHeld                    // for the preferred agent
	isLost                    // its agent was lost: tier 0
)

func (s *State) arrive(cmd *Command) Code {
	c := cmd.Contact
	if uint32(c) >= s.cfg.MaxContacts || !s.defined(cmd) {
		return BadCommand
	}
	r := s.record(c)
	if r.phase != PhaseFree {
		return InUse
	}
	s.arrivals++
	*r = contactRec{}
	r.seq, r.enqueued = s.arrivals, max(min(cmd.Time, s.now), s.now-year, 0)
	r.agent, r.timer, r.excl, r.phase = Nobody, noTimer, noExcl, phaseNowhere
	s.address(c, cmd)
	s.routeOr(c, true)
	return 0
}

// record makes room for the handle.
func (s *State) record(c Contact) *contactRec {
	for int(c) >= len(s.contacts) {
		s.contacts = append(s.contacts, contactRec{})
		s.contactsCold = append(s.contactsCold, contactCold{})
	}
	return &s.contacts[c]
}

// defined reports whether the command's work type and plan are.
func (s *State) defined(cmd *Command) bool {
	return int(cmd.Type) < len(s.types) && int(cmd.Plan) < len(s.plans)
}

// address sets what the contact asks for.
func (s *State) address(c Contact, cmd *Command) {
	r := &s.contacts[c]
	s.describe(r, cmd)
	r.flags &^= hasPreferred | isHeld
	if cmd.Agent == Nobody {
		return
	}
	cold := &s.contactsCold[c]
	cold.pref, cold.holdUntil = cmd.Agent, s.now
	exists := int(cmd.Agent) < len(s.agents)
	if exists {
		r.flags |= hasPreferred
	}
	if cmd.Dur <= 0 {
		return
	}
	r.flags |= isHeld // if there is nobody to hold it for, the hold is over at once
	switch {
	case exists && cmd.Dur == int64(Forever):
		cold.holdUntil = never
	case exists:
		cold.holdUntil = s.now + min(cmd.Dur, year)
	}
}

func (s *State) describe(r *contactRec, cmd *Command) {
	s.aim(r, cmd.Type, cmd.Plan)
	r.tier = min(cmd.Tier, MaxTier)
	r.priority = min(max(cmd.Priority, -s.cfg.MaxPriority), s.cfg.MaxPriority)
	r.flags &^= isLost
}

// aim sets the contact's work type and plan.
func (s *State) aim(r *contactRec, t Type, p Plan) { r.typ, r.course = t, s.courseFor(t, p) }

func (s *State) withdraw(c Contact) Code {
	r := &s.contacts[c]
	switch r.phase {
	case PhaseWaiting:
		s.leave(c)
		s.close(c, Nobody)
	case PhaseOffered:
		a := r.agent
		s.endOffer(c, s.pending(r), Withdrawn)
		s.release(c)
		s.close(c, Nobody)
		s.settle(a)
	default:
		return BadState
	}
	return 0
}

func (s *State) end(c Contact, asked int64) Code {
	r := &s.contacts[c]
	switch r.phase {
	case PhaseParked:
		s.closeFrom(c)
		return 0
	case PhaseConnected:
	default:
		return BadState
	}
	a := &s.agents[r.agent]
	a.live--
	t := &s.types[r.typ]
	wrap, list := s.wrapFor(t, asked)
	if wrap <= 0 && t.Wrap != WrapOpen {
		s.closeFrom(c)
		return 0
	}
	s.wrapUp(c, wrap, list)
	s.tell(r.agent)
	return 0
}

// wrapUp begins the after-contact work of a contact that its agent has.
func (s *State) wrapUp(c Contact, wrap int64, list listID) {
	r := &s.contacts[c]
	s.agents[r.agent].wraps++
	r.phase = PhaseWrapUp
	e := s.emit(WrapUp, c, r.agent)
	if s.types[r.typ].Wrap != WrapOpen {
		e.Time = s.now + wrap
		r.timer = s.start(list, e.Time, wrapTimer, c, uint64(s.now)) //nolint:gosec // bits
	}
}

// wrapFor returns how long the wrap-up is, and the list of its timer.
func (s *State) wrapFor(t *typeRec, asked int64) (int64, listID) {
	switch t.Wrap {
	case WrapOpen:
		return 0, 0
	case WrapOptional:
		return min(asked, t.wrapMax()), 0
	default:
		return int64(t.WrapUp), t.wrapList
	}
}

func (t *typeRec) wrapMax() int64 {
	if t.WrapMax > 0 {
		return int64(t.WrapMax)
	}
	return year
}

// finish ends the wrap-up.
func (s *State) finish(c Contact) {
	r := &s.contacts[c]
	s.stop(&r.timer)
	s.agents[r.agent].wraps--
	s.closeFrom(c)
}

// closeFrom closes a contact that an agent has.
func (s *State) closeFrom(c Contact) {
	a := s.contacts[c].agent
	s.release(c)
	s.close(c, a)
	s.settle(a)
}

func (s *State) wrapEnd(c Contact) Code {
	r := &s.contacts[c]
	if r.phase != PhaseWrapUp || s.types[r.typ].Wrap == WrapForced {
		return BadState
	}
	s.finish(c)
	return 0
}

func (s *State) wrapExtend(c Contact, d int64) Code {
	r := &s.contacts[c]
	t := &s.types[r.typ]
	if r.phase != PhaseWrapUp || d <= 0 || t.Wrap == WrapOpen || r.timer == noTimer {
		return BadState
	}
	old, began := s.timerRecs[r.timer].at, s.timerRecs[r.timer].what
	at := min(old+min(d, year), int64(began)+t.wrapMax()) //nolint:gosec // bits
	if at <= old {
		return BadState
	}
	s.stop(&r.timer)
	r.timer = s.start(0, at, wrapTimer, c, began)
	s.emit(WrapUp, c, r.agent).Time = at
	return 0
}

// requeue takes a contact from its agent, who was lost: it goes on before all
// others, with its age.
func (s *State) requeue(c Contact, exclude Agent) Code {
	r := &s.contacts[c]
	if !s.takeBack(c) {
		return BadState
	}
	a := r.agent
	s.release(c)
	s.emit(Released, c, a)
	r.flags = r.flags&^(hasPreferred|isHeld) | isLost
	if int(exclude) < len(s.agents) {
		s.exclude(c, exclude)
	}
	s.route(c)
	s.settle(a)
	return 0
}

// takeBack reports whether the contact may be taken from its agent, who then
// talks to one less.
func (s *State) takeBack(c Contact) bool {
	switch r := &s.contacts[c]; r.phase {
	case PhaseConnected:
		s.agents[r.agent].live--
		return true
	case PhaseParked:
		return true
	}
	return false
}

// transfer takes a contact from its agent to another work type, with its age.
func (s *State) transfer(c Contact, cmd *Command) Code {
	if !s.takeBack(c) {
		return BadState
	}
	a := s.contacts[c].agent
	s.release(c)
	s.emit(Released, c, a)
	s.address(c, cmd)
	s.exclude(c, a)
	s.forgive(c, cmd.Agent)
	s.route(c)
	s.settle(a)
	return 0
}

// handOver is a transfer after which the agent wraps up, under another handle.
// Without a wrap-up it is a transfer, and the handle stays free.
func (s *State) handOver(c Contact, cmd *Command) Code {
	if uint32(cmd.Other) >= s.cfg.MaxContacts {
		return BadCommand
	}
	if s.record(cmd.Other).phase != PhaseFree {
		return InUse
	}
	r := &s.contacts[c] // after record: it may have moved
	if r.phase != PhaseConnected {
		return BadState
	}
	t := &s.types[r.typ]
	wrap, list := s.wrapFor(t, cmd.Time)
	if wrap <= 0 && t.Wrap != WrapOpen {
		return s.transfer(c, cmd)
	}
	a := r.agent
	s.agents[a].live--
	s.release(c)
	s.leaveWork(cmd.Other, r, a)
	s.wrapUp(cmd.Other, wrap, list)
	s.emit(Released, c, a)
	s.tell(a)
	s.address(c, cmd)
	s.exclude(c, a)
	s.forgive(c, cmd.Agent)
	s.route(c)
	s.settle(a)
	return 0
}

// leaveWork gives the agent another contact, like the one that was taken away.
func (s *State) leaveWork(other Contact, like *contactRec, a Agent) {
	o := &s.contacts[other]
	*o = *like
	s.arrivals++
	o.seq, o.timer, o.excl = s.arrivals, noTimer, noExcl
	o.flags &^= hasPreferred | isHeld
	ag := &s.agents[a]
	s.give(other, o, a, ag)
	s.load(a, ag, s.types[o.typ].Channel)
}

// move changes what a contact asks for, wherever it is.
func (s *State) move(c Contact, cmd *Command) Code {
	r := &s.contacts[c]
	if r.phase == PhaseWaiting {
		was := r.typ
		s.leave(c)
		s.address(c, cmd)
		s.forgive(c, cmd.Agent)
		s.replace(c, was)
		return 0
	}
	if s.types[cmd.Type].Channel != s.types[r.typ].Channel {
		return BadState
	}
	s.describe(r, cmd)
	s.settleBand(r)
	return 0
}

// park lets the agent keep the contact without holding capacity for it.
func (s *State) park(c Contact) Code {
	r := &s.contacts[c]
	if r.phase != PhaseConnected {
		return BadState
	}
	a := r.agent
	ag := &s.agents[a]
	r.phase = PhaseParked
	ag.live--
	s.unload(a, ag, s.types[r.typ].Channel)
	s.emit(Parked, c, a)
	s.settle(a)
	return 0
}

func (s *State) resume(c Contact) Code {
	r := &s.contacts[c]
	if r.phase != PhaseParked {
		return BadState
	}
	a := r.agent
	ag, ch := &s.agents[a], s.types[r.typ].Channel
	if !s.stays(a) || !s.fitsIn(ag, &s.classes[ag.class], int(ch)) {
		return NoRoom
	}
	r.phase = PhaseConnected
	ag.live++
	s.load(a, ag, ch)
	s.emit(Resumed, c, a)
	s.tell(a)
	return 0
}

// close frees the handle.
func (s *State) close(c Contact, served Agent) {
	s.freeExclusions(c)
	s.contacts[c].phase = PhaseFree
	s.emit(Closed, c, served)
}
