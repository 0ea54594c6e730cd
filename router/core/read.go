package core

import "time"

// Phase is where a contact stands.
type Phase uint8

// Phases.
const (
	PhaseFree Phase = iota
	PhaseWaiting
	PhaseOffered
	PhaseConnected
	PhaseWrapUp
)

var phaseNames = [...]string{"free", "waiting", "offered", "connected", "wrap_up"}

// String returns the phase's name, for scripts.
func (p Phase) String() string { return phaseNames[p] }

// ContactView is a contact as it stands.
type ContactView struct {
	Phase    Phase
	Held     bool // for Preferred
	Tier     uint8
	Priority int16
	Type     Type
	Agent    Agent // of the offer, the conversation or the wrap-up
	Prefers  Agent
	Offer    uint64 // number of the last offer
	Enqueued int64
	Virtual  int64 // key V
	Deadline int64 // of the offer or the wrap-up
}

// Contact returns the contact, free if it was never seen.
func (s *State) Contact(c Contact) ContactView {
	if int(c) >= len(s.contacts) || s.contacts[c].phase == PhaseFree {
		return ContactView{Agent: Nobody, Prefers: Nobody}
	}
	r := &s.contacts[c]
	return ContactView{
		Phase: r.phase, Held: r.held, Tier: r.tier, Priority: r.priority, Type: r.typ, Agent: r.agent,
		Prefers: r.pref, Offer: r.offer, Enqueued: r.enqueued, Virtual: r.v, Deadline: r.deadline,
	}
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
	return AgentView{
		State: r.status(), Ready: r.ready, Leaving: r.leaving, Reason: r.reason, Used: r.used,
		Count: r.count, Reach: r.reach, Room: r.linked, Since: r.since, Stamp: r.stamp,
	}
}

// Has calls yield for each contact of the agent, the newest first, until it
// returns false.
func (s *State) Has(a Agent, yield func(Contact) bool) {
	if int(a) >= len(s.agents) {
		return
	}
	for c := s.agents[a].first; c != Nothing; c = s.contacts[c].agentNext {
		if !yield(c) {
			return
		}
	}
}

// Before reports whether contact a is served before contact b by an agent who
// fits both and for whom neither is held: (T, V, seq).
func (s *State) Before(a, b Contact) bool { return s.before(a, b) }

// Position returns 1 for the contact that is next among those of its work
// type, counting those that wait in lanes; 0 if it does not wait.
func (s *State) Position(c Contact) int {
	if s.Contact(c).Phase != PhaseWaiting {
		return 0
	}
	r := &s.contacts[c]
	pos := 1
	for i := range s.laneRecs {
		l := &s.laneRecs[i]
		if l.typ != r.typ {
			continue
		}
		for x := l.first; x != Nothing && s.before(x, c); x = s.contacts[x].next {
			pos++
		}
	}
	return pos
}

// Needs returns what a contact that is not free requires, sorted by skill. The
// caller must not change it.
func (s *State) Needs(c Contact) []Requirement { return s.sigs[s.contacts[c].sig].needs }

// Meets reports whether the class meets the signature.
func (s *State) Meets(cl Class, sig Sig) bool { return s.sigs[sig].row.has(int(cl)) }

// Overtake is the starvation bound: only contacts of the same tier that are
// enqueued less than this after a contact of the given type and priority can
// be served before it, whatever their type and priority.
func (s *State) Overtake(t Type, priority int16) time.Duration {
	patience := s.types[t].Patience
	least := patience
	for i := range s.types {
		least = min(least, s.types[i].Patience)
	}
	boost := time.Duration(s.cfg.MaxPriority-priority) * s.cfg.PriorityStep
	return max(0, boost+patience-least)
}
