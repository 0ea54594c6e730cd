package core

import "math/bits"

// agentChoice is the best agent for a contact, and why.
type agentChoice struct {
	agent, next Agent
	considered  uint32
	key         Key
}

// rank is (G, L, I) of an agent; P is dealt with apart.
type rank struct {
	g, l  int32
	stamp uint64
	agent Agent
}

func (x *rank) less(y *rank) bool {
	if x.g != y.g {
		return x.g < y.g
	}
	if x.l != y.l {
		return x.l < y.l
	}
	return x.stamp < y.stamp
}

var noRank = rank{g: 1<<31 - 1, l: 1<<31 - 1, stamp: ^uint64(0), agent: Nobody}

// bestAgent is argmin (P, G, L, I, id) over the eligible agents. Agents of one
// class and load level differ by their stamps only, and their list is in that
// order: so the best is among the heads.
func (s *State) bestAgent(c Contact) agentChoice {
	r := &s.contacts[c]
	pref := Nobody
	if r.pref != Nobody && s.eligible(r.pref, c) {
		pref = r.pref
	}
	if r.held {
		return agentChoice{agent: pref, next: Nobody, considered: 1, key: KeyPreferred}
	}
	best, next, n := s.twoBest(c)
	switch {
	case n == 0:
		return agentChoice{agent: Nobody}
	case n == 1:
		return agentChoice{agent: best.agent, next: Nobody, considered: 1, key: KeyOnly}
	case pref != Nobody:
		other := best.agent
		if other == pref {
			other = next.agent
		}
		return agentChoice{agent: pref, next: other, considered: n, key: KeyPreferred}
	}
	key := KeyIdle
	switch {
	case best.g != next.g && s.types[r.typ].Select == LeastFlexible:
		key = KeyFlexibility
	case best.g != next.g:
		key = KeyProficiency
	case best.l != next.l:
		key = KeyLoad
	}
	return agentChoice{agent: best.agent, next: next.agent, considered: n, key: key}
}

// twoBest returns the best and the second agent by (G, L, I) and how many are
// eligible.
func (s *State) twoBest(c Contact) (best, next rank, n uint32) {
	r := &s.contacts[c]
	t := &s.types[r.typ]
	ch := int(t.Channel)
	row, open := s.sigs[r.sig].row, s.free[ch]
	best, next = noRank, noRank
	for w := range row {
		for x := row[w] & open[w]; x != 0; x &= x - 1 {
			cl := Class(w<<6 + bits.TrailingZeros64(x)) //nolint:gosec // a class
			n += s.twoOfClass(c, t, cl, &best, &next)
		}
	}
	if best.agent == Nobody {
		return best, next, 0
	}
	if a := s.skip(s.agents[best.agent].next[ch], ch, c); a != Nobody {
		k := best
		k.agent, k.stamp = a, s.agents[a].stamp
		if k.less(&next) {
			next = k
		}
	}
	return best, next, n - s.excludedOf(c, ch)
}

// twoOfClass compares the heads of a class's lists with the best two, and
// returns how many agents the lists hold.
func (s *State) twoOfClass(c Contact, t *WorkType, cl Class, best, next *rank) (n uint32) {
	ch := int(t.Channel)
	g := s.preference(t.Select, cl, s.contacts[c].sig)
	lists := s.classes[cl].lists[ch]
	for i := range lists {
		n += lists[i].n
		a := s.skip(lists[i].first, ch, c)
		if a == Nobody {
			continue
		}
		k := rank{g: g, l: s.loadKey(t.Load, i), stamp: s.agents[a].stamp, agent: a}
		if k.less(best) {
			*best, *next = k, *best
		} else if k.less(next) {
			*next = k
		}
	}
	return n
}

// skip returns the first agent from a on that c does not exclude.
func (s *State) skip(a Agent, ch int, c Contact) Agent {
	if s.contacts[c].excl == noExcl {
		return a
	}
	for a != Nobody && s.excluded(c, a) {
		a = s.agents[a].next[ch]
	}
	return a
}

// excludedOf counts the agents that are eligible but for being excluded.
func (s *State) excludedOf(c Contact, ch int) (n uint32) {
	r := &s.contacts[c]
	for x := r.excl; x != noExcl; x = s.exclRecs[x].next {
		a := &s.agents[s.exclRecs[x].agent]
		if a.linked>>ch&1 == 1 && s.sigs[r.sig].row.has(int(a.class)) {
			n++
		}
	}
	return n
}

func (s *State) loadKey(by Load, level int) int32 {
	switch by {
	case LeastLoaded:
		return int32(s.levels[level])
	case MostLoaded:
		return -int32(s.levels[level])
	default:
		return 0
	}
}

// eligible is Eligible(c, a): an agent is linked in a channel's list exactly
// when it has room for the channel.
func (s *State) eligible(a Agent, c Contact) bool {
	ag, r := &s.agents[a], &s.contacts[c]
	return ag.linked>>s.types[r.typ].Channel&1 == 1 &&
		s.sigs[r.sig].row.has(int(ag.class)) &&
		(!r.held || r.pref == a) &&
		!s.excluded(c, a)
}

// contactChoice is the best contact for an agent, and why.
type contactChoice struct {
	contact, next Contact
	considered    uint32
	key           Key
}

// bestContact is argmin (H, T, V, seq) over the eligible contacts: what is
// held for the agent, else the best of the heads of the lanes that it fits.
func (s *State) bestContact(a Agent) contactChoice {
	r := &s.agents[a]
	for c := r.held.first; c != Nothing; c = s.contacts[c].next {
		if s.eligible(a, c) {
			return contactChoice{contact: c, next: Nothing, considered: r.held.n, key: KeyHeld}
		}
	}
	best, next, n := Nothing, Nothing, uint32(0)
	for ch := range s.cfg.Channels {
		if r.linked>>ch&1 == 1 {
			n += s.twoOfLanes(a, ch, &best, &next)
		}
	}
	if best == Nothing {
		return contactChoice{contact: Nothing}
	}
	if c := s.admits(s.contacts[best].next, a); c != Nothing && (next == Nothing || s.before(c, next)) {
		next = c
	}
	return contactChoice{contact: best, next: next, considered: n, key: s.contactKey(best, next)}
}

// twoOfLanes compares the heads of a channel's lanes that the agent fits with
// the best two, and returns how many contacts the lanes hold.
func (s *State) twoOfLanes(a Agent, ch int, best, next *Contact) (n uint32) {
	col, open := s.classes[s.agents[a].class].col, s.open[ch]
	for w := range col {
		for x := col[w] & open[w]; x != 0; x &= x - 1 {
			l := &s.laneRecs[w<<6+bits.TrailingZeros64(x)]
			n += l.n
			c := s.admits(l.first, a)
			switch {
			case c == Nothing:
			case *best == Nothing || s.before(c, *best):
				*best, *next = c, *best
			case *next == Nothing || s.before(c, *next):
				*next = c
			}
		}
	}
	return n
}

// admits returns the first contact from c on, in its lane, that does not
// exclude a.
func (s *State) admits(c Contact, a Agent) Contact {
	for c != Nothing && s.excluded(c, a) {
		c = s.contacts[c].next
	}
	return c
}

func (s *State) contactKey(best, next Contact) Key {
	if next == Nothing {
		return KeyOnly
	}
	x, y := &s.contacts[best], &s.contacts[next]
	switch {
	case x.tier != y.tier:
		return KeyTier
	case x.v != y.v:
		return KeyDeadline
	default:
		return KeyArrival
	}
}
