package core

type exclID int32

const noExcl exclID = -1

// exclRec is one agent that a contact is not offered to; the records of a
// contact are a list, the newest first.
type exclRec struct {
	agent Agent
	next  exclID
	timer timerID
}

type exclusions struct {
	exclRecs []exclRec
	exclIdle []exclID
}

func (s *State) excluded(r *contactRec, a Agent) bool {
	for x := r.excl; x != noExcl; x = s.exclRecs[x].next {
		if s.exclRecs[x].agent == a {
			return true
		}
	}
	return false
}

// exclude lets a not be offered c, which is in no list, again.
func (s *State) exclude(c Contact, a Agent) {
	r := &s.contacts[c]
	if s.excluded(r, a) {
		return
	}
	var x exclID
	if n := len(s.exclIdle); n > 0 {
		x, s.exclIdle = s.exclIdle[n-1], s.exclIdle[:n-1]
	} else {
		x = exclID(len(s.exclRecs)) //nolint:gosec // bounded by contacts x agents that refuse
		s.exclRecs = append(s.exclRecs, exclRec{})
	}
	timer := noTimer
	if s.cfg.Exclude > 0 {
		timer = s.start(s.exclList, s.now+int64(s.cfg.Exclude), exclusionTimer, c, uint64(x)) //nolint:gosec // not negative
	}
	s.exclRecs[x] = exclRec{agent: a, next: r.excl, timer: timer}
	r.excl = x
}

// forgive lets an agent whom a command names be offered c, which is in no
// list, again.
func (s *State) forgive(c Contact, a Agent) {
	for x := s.contacts[c].excl; x != noExcl; x = s.exclRecs[x].next {
		if s.exclRecs[x].agent == a {
			s.stop(&s.exclRecs[x].timer)
			s.dropExclusion(c, x)
			return
		}
	}
}

func (s *State) dropExclusion(c Contact, x exclID) {
	p := &s.contacts[c].excl
	for *p != x {
		p = &s.exclRecs[*p].next
	}
	*p = s.exclRecs[x].next
	s.exclIdle = append(s.exclIdle, x)
}

// exclusionOver lets the contact be offered to the agent again.
func (s *State) exclusionOver(c Contact, x exclID) {
	waits := s.contacts[c].phase == PhaseWaiting
	if waits {
		s.leave(c)
	}
	s.dropExclusion(c, x)
	if waits {
		s.replace(c, s.contacts[c].typ)
	}
}

func (s *State) freeExclusions(c Contact) {
	r := &s.contacts[c]
	for r.excl != noExcl {
		x := r.excl
		r.excl = s.exclRecs[x].next
		s.stop(&s.exclRecs[x].timer)
		s.exclIdle = append(s.exclIdle, x)
	}
}
