package core

// Verdict is what an agent is to a contact.
type Verdict uint8

// Verdicts. An ineligible agent has the first that is true, in this order.
const (
	Chosen Verdict = iota
	Eligible
	LacksSkill  // does not meet the active step
	OtherQueues // the profile does not serve the queue, or not yet
	IsNotReady  // not ready, or leaving
	Unreachable // the channel does not reach the agent
	IsBusy      // no room, because of what the agent has
	NoCapacity  // no room, though the agent has nothing
	IsExcluded  // refused it, or was excluded by a requeue or transfer
	HeldForElse // the contact is held for its preferred agent
	IsReserved  // no more agents than the work type leaves free
	numVerdict
)

// NumVerdict is how many verdicts there are.
const NumVerdict = int(numVerdict)

var verdictNames = [...]string{
	"chosen", "eligible", "skill", "queue", "not_ready", "channel", "busy", "capacity", "excluded", "held", "reserved",
}

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

// Account is what Explain has seen.
type Account struct {
	Agents   [NumVerdict]int // signed-in agents, by verdict
	More     int             // of them, not listed
	Unseen   int             // signed-in agents, at least, that it did not look at
	Step     int             // number of the active step, from 0
	Overload bool            // reserve skills counted
	Tier     uint8           // key T
	Boost    int64           // what priority gave the contact, in time
	Contacts int             // of the best contact: it, and those waiting that the agent could have too
}

// explainAgents bounds the agents that Explain looks at.
const explainAgents = 1024

// Explain lists the agents that an offer which was just made could have gone
// to, or not: the chosen one first, then by preference, then those who have
// the skills but were not available, then the others. It fills dst up to its
// capacity and looks at no more than 1,024 agents. It reads the state as it is
// after the offer, so that decisions themselves cost nothing more.
func (s *State) Explain(offer Effect, dst []Candidate) (list []Candidate, acc Account) {
	if int(offer.Contact) >= len(s.contacts) || cap(dst) == 0 {
		return dst, acc
	}
	var q search
	s.searchFor(&q, offer.Contact)
	acc = s.account(&q)
	acc.Agents[Chosen] = 1
	dst = append(dst[:0], Candidate{Agent: offer.Agent, Load: offer.Load, Since: offer.Since})
	short := q.t.Reserve > 0 && q.r.flags&isHeld == 0 && !s.spares(q.classes, q.t.Channel, q.t.Reserve)
	for i := range min(len(s.agents), explainAgents) {
		a := Agent(i) //nolint:gosec // a handle
		if s.agents[a].flags&isSignedIn == 0 || a == offer.Agent {
			continue
		}
		x := s.candidate(&q, a)
		if x.Verdict == Eligible && short {
			x.Verdict, x.group = IsReserved, 2
		}
		acc.Agents[x.Verdict]++
		dst, acc.More = keepBest(dst, x, acc.More)
	}
	acc.Unseen = max(0, len(s.agents)-explainAgents)
	if offer.Chose == ChoseContact {
		acc.Contacts = 1 + s.rivals(&s.agents[offer.Agent])
	}
	return dst, acc
}

// rivals counts the contacts in the banks that fit the agent, on all channels
// that reach the agent: what there was room for is not known any more.
func (s *State) rivals(r *agentRec) (n int) {
	cl := &s.classes[r.class]
	var channels uint8
	for ch := range s.cfg.Channels {
		if r.reach>>ch&1 == 1 && cl.caps[ch] > 0 {
			channels |= 1 << ch
		}
	}
	for _, b := range s.banksFor(cl, channels) {
		for _, l := range s.bankRecs[b].lanes {
			n += int(s.laneN[l])
		}
	}
	return n
}

func (s *State) account(q *search) (acc Account) {
	b := s.bandOf(q.r)
	for i, st := range s.plans[s.courses[q.r.course].plan].steps {
		if st.after <= b.age {
			acc.Step = i
		}
	}
	acc.Overload = q.t.overloaded()
	acc.Tier = rise(s.laneKeyOf(q.c, q.r).tier, b.promoted)
	acc.Boost = s.boost(q.r.priority)
	return acc
}

func (s *State) candidate(q *search, a Agent) Candidate {
	r := &s.agents[a]
	x := Candidate{Agent: a, Load: r.used, Since: s.agentsCold[a].since, Verdict: s.verdict(q, a), group: 2}
	switch x.Verdict {
	case Eligible:
		x.group = 1
	case LacksSkill, OtherQueues:
		x.group = 3
	}
	x.rank = rank{stamp: r.stamp, agent: a}
	x.rank.g, x.rank.l = s.grade(q, nil, r.class), q.t.load(r.used)
	return x
}

func (s *State) verdict(q *search, a Agent) Verdict {
	r := &s.agents[a]
	ch := q.t.Channel
	switch {
	case !q.classes.has(r.class):
		plain, all := s.sigs[s.fits[q.f].sig].meets(&s.classes[r.class])
		if plain || all && q.t.overloaded() {
			return OtherQueues
		}
		return LacksSkill
	case r.flags&isReady == 0:
		return IsNotReady
	case r.reach>>ch&1 == 0:
		return Unreachable
	case r.cell == noCell || r.room>>ch&1 == 0:
		if r.first != Nothing {
			return IsBusy
		}
		return NoCapacity
	case s.excluded(q.r, a):
		return IsExcluded
	case q.r.flags&isHeld != 0 && s.contactsCold[q.c].pref != a:
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
