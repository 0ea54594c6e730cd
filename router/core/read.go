package core

// Phase is where a contact stands.
type Phase uint8

// Phases.
const (
	PhaseFree Phase = iota
	PhaseWaiting
	PhaseOffered
	PhaseConnected
	PhaseParked
	PhaseWrapUp
	phaseNowhere // inside a command
)

var phaseNames = [...]string{"free", "waiting", "offered", "connected", "parked", "wrap_up", "nowhere"}

// String returns the phase's name, for scripts.
func (p Phase) String() string { return phaseNames[p] }

// ContactView is a contact as it stands.
type ContactView struct {
	Phase    Phase
	Held     bool  // for Prefers
	Tier     uint8 // key T while it waits, else that of the arrival
	Priority int16
	Type     Type
	Plan     Plan
	Agent    Agent // of the offer, the conversation or the wrap-up
	Prefers  Agent
	Offer    uint64 // number, while it is offered
	Enqueued int64
	Virtual  int64 // key V while it waits, counted from the State's first time
	Deadline int64 // of the offer or the wrap-up
	HeldTill int64 // while Held; the end of time for Forever
}

// Contact returns the contact, free if it was never seen.
func (s *State) Contact(c Contact) ContactView {
	if int(c) >= len(s.contacts) || s.contacts[c].phase == PhaseFree {
		return ContactView{Agent: Nobody, Prefers: Nobody}
	}
	r := &s.contacts[c]
	v := ContactView{
		Phase: r.phase, Held: r.flags&isHeld != 0, Tier: r.tier, Priority: r.priority, Type: r.typ,
		Plan:  s.courses[r.course].plan,
		Agent: r.agent, Prefers: Nobody, Offer: s.pending(r), Enqueued: r.enqueued,
	}
	if r.flags&hasPreferred != 0 {
		v.Prefers = s.contactsCold[c].pref
	}
	if v.Held {
		v.HeldTill = s.contactsCold[c].holdUntil
	}
	switch {
	case r.phase == PhaseWaiting:
		lane := &s.laneRecs[r.lane]
		k := s.keyOf(lane, s.raw(lane, r.enqueued))
		v.Tier, v.Virtual = uint8(k>>tierShift), k&(1<<tierShift-1)-middle //nolint:gosec // four bits
	case r.timer != noTimer:
		v.Deadline = s.timerRecs[r.timer].at
	}
	return v
}

// AgentView is an agent as he or she stands.
type AgentView struct {
	State   Status
	Ready   bool
	Leaving bool
	Reason  Reason
	Used    uint16 // units
	Count   [MaxChannels]uint16
	Reach   uint8  // channels that reach the agent
	Room    uint8  // channels that the agent has room for, being ready
	Since   int64  // last change of load or availability
	Stamp   uint64 // key I
}

// Agent returns the agent, logged out if never seen.
func (s *State) Agent(a Agent) AgentView {
	if int(a) >= len(s.agents) {
		return AgentView{}
	}
	r := &s.agents[a]
	v := AgentView{
		State: r.status(), Ready: r.flags&isReady != 0, Leaving: r.flags&isLeaving != 0, Reason: r.reason, Used: r.used,
		Reach: r.reach, Since: s.agentsCold[a].since, Stamp: r.stamp,
	}
	if r.cell != noCell {
		v.Room = r.room
	}
	for ch, n := range r.count {
		v.Count[ch] = uint16(n)
	}
	return v
}

// Has calls yield for each contact of the agent, parked ones too, the newest
// first, until it returns false.
func (s *State) Has(a Agent, yield func(Contact) bool) {
	if int(a) >= len(s.agents) {
		return
	}
	for c := s.agents[a].first; c != Nothing; c = s.contacts[c].next {
		if !yield(c) {
			return
		}
	}
}

// Before reports whether of two waiting contacts a is served before b by an
// agent who fits both, for whom neither is held and whose profile ranks their
// queues alike: (T, V, E, seq), now.
func (s *State) Before(a, b Contact) bool {
	x, y := s.turnOf(a), s.turnOf(b)
	return s.sooner(&x, &y)
}

// turnOf is the order of a contact; one that has an agent counts as if it
// waited where it did last.
func (s *State) turnOf(c Contact) turn {
	r := &s.contacts[c]
	if r.phase == PhaseWaiting {
		lane := &s.laneRecs[r.lane]
		return turn{key: s.keyOf(lane, s.raw(lane, r.enqueued)), contact: c}
	}
	lane := s.newLane(s.laneKeyOf(c, r))
	return turn{key: s.keyOf(&lane, s.raw(&lane, r.enqueued)), contact: c}
}

// Position returns 1 for the contact that is next among those of its work
// type, counting to at most limit; 0 if it does not wait.
func (s *State) Position(c Contact, limit int) int {
	if int(c) >= len(s.contacts) || s.contacts[c].phase != PhaseWaiting {
		return 0
	}
	pos := 1
	me := s.turnOf(c)
	t := &s.types[s.contacts[c].typ]
	for _, id := range t.lanes {
		if !t.aged && s.laneHead[id] > me.key {
			continue
		}
		for x := s.laneFirst[id]; x != Nothing && pos < limit; x = s.contacts[x].next {
			if you := s.turnOf(x); !s.sooner(&you, &me) {
				break
			}
			pos++
		}
	}
	return pos
}

// WaitingIn returns how many contacts of the work type wait.
func (s *State) WaitingIn(t Type) int { return int(s.types[t].waiting) }

// Overloaded reports whether reserve skills count for the work type now.
func (s *State) Overloaded(t Type) bool { return s.types[t].overloaded() }

// Needs returns what the step of a contact that is not free asks for. The
// caller must not change it.
func (s *State) Needs(c Contact) []Clause {
	return s.sigs[s.fits[s.bandOf(&s.contacts[c]).fit].sig].needs
}

// Meets reports whether the class meets the first step of the plan, reserve
// skills aside.
func (s *State) Meets(cl Class, p Plan) bool {
	plain, _ := s.sigs[s.plans[p].steps[0].sig].meets(&s.classes[cl])
	return plain
}

// Settings returns what the work type was defined as, clamped.
func (s *State) Settings(t Type) WorkType { return s.types[t].WorkType }
