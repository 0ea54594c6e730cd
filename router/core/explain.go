package core

// Verdict is what an agent is to a contact.
type Verdict uint8

// Verdicts. An ineligible agent has the first that is true, in this order.
const (
	Chosen Verdict = iota
	Eligible
	LacksSkill  // does not meet the signature
	IsNotReady  // not ready, or leaving
	Unreachable // the channel does not reach the agent
	IsBusy      // no room, because of what the agent has
	NoCapacity  // no room, though the agent has nothing
	IsExcluded  // refused it, or was excluded by a requeue
	HeldForElse // the contact is held for its preferred agent
)

var verdictNames = [...]string{"chosen", "eligible", "skill", "not_ready", "channel", "busy", "capacity", "excluded", "held"}

// String returns the verdict as in contact.WhyAgent.
func (v Verdict) String() string { return verdictNames[v] }

// Candidate is one agent in the explanation of a decision.
type Candidate struct {
	Agent   Agent
	Verdict Verdict
	Load    uint16 // units in use, before the offer
	Since   int64  // last change of load or availability, before the offer
	group   uint8
	rank    rank
}

// explainAgents bounds the agents that Explain looks at.
const explainAgents = 512

// Explain lists the agents that an offer which was just made could have gone
// to, or not: the chosen one first, then by preference, then those who have
// the skills but were not available, then the others. It fills dst up to its
// capacity, looks at no more than 512 signed-in agents and returns how many of
// them it left off. It reads the state as it is after the offer.
func (s *State) Explain(offer Effect, dst []Candidate) (list []Candidate, more int) {
	if int(offer.Contact) >= len(s.contacts) || cap(dst) == 0 {
		return dst, 0
	}
	dst = append(dst[:0], Candidate{Agent: offer.Agent, Load: offer.Load, Since: offer.Since})
	seen := 0
	for a := range s.agents {
		if !s.agents[a].signedIn || Agent(a) == offer.Agent { //nolint:gosec // a handle
			continue
		}
		if seen++; seen > explainAgents {
			break
		}
		dst, more = keepBest(dst, s.candidate(Agent(a), offer.Contact), more) //nolint:gosec // as above
	}
	return dst, more
}

func (s *State) candidate(a Agent, c Contact) Candidate {
	ag, r := &s.agents[a], &s.contacts[c]
	t := &s.types[r.typ]
	x := Candidate{Agent: a, Load: ag.used, Since: ag.since, Verdict: s.verdict(a, c), group: 2}
	switch x.Verdict {
	case Eligible:
		x.group = 1
	case LacksSkill:
		x.group = 3
	}
	x.rank = rank{g: s.preference(t.Select, ag.class, r.sig), l: s.loadKey(t.Load, int(ag.level)), stamp: ag.stamp}
	return x
}

func (s *State) verdict(a Agent, c Contact) Verdict {
	ag, r := &s.agents[a], &s.contacts[c]
	ch := s.types[r.typ].Channel
	switch {
	case !s.sigs[r.sig].row.has(int(ag.class)):
		return LacksSkill
	case !ag.ready:
		return IsNotReady
	case ag.reach>>ch&1 == 0:
		return Unreachable
	case ag.linked>>ch&1 == 0 && ag.first != Nothing:
		return IsBusy
	case ag.linked>>ch&1 == 0:
		return NoCapacity
	case s.excluded(c, a):
		return IsExcluded
	case r.held && r.pref != a:
		return HeldForElse
	default:
		return Eligible
	}
}

// keepBest inserts x in its order and drops the last when dst is full.
func keepBest(dst []Candidate, x Candidate, more int) ([]Candidate, int) {
	if len(dst) == cap(dst) {
		more++
		if len(dst) == 1 || !x.before(&dst[len(dst)-1]) {
			return dst, more
		}
		dst = dst[:len(dst)-1]
	}
	dst = append(dst, x)
	for i := len(dst) - 1; i > 1 && dst[i].before(&dst[i-1]); i-- {
		dst[i], dst[i-1] = dst[i-1], dst[i]
	}
	return dst, more
}

func (x *Candidate) before(y *Candidate) bool {
	if x.group != y.group {
		return x.group < y.group
	}
	return x.rank.less(&y.rank)
}
