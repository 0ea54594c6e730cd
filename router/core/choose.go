package core

import (
	"math"
	"math/bits"
)

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

var noRank = rank{g: math.MaxInt32, l: math.MaxInt32, stamp: math.MaxUint64, agent: Nobody}

// search is what looking for an agent for one contact goes by.
type search struct {
	c       Contact
	r       *contactRec
	t       *typeRec
	f       fitID
	fit     set    // cells
	open    bitset // cells
	classes set
}

func (s *State) searchFor(q *search, c Contact) {
	q.c, q.r = c, &s.contacts[c]
	q.t = &s.types[q.r.typ]
	q.f = s.bandOf(q.r).fit
	q.open = s.free[q.t.Channel]
	q.classes, q.fit = s.fits[q.f].who(q.t.overloaded())
}

// bestAgent is argmin (P, G, L, I, id) over the eligible agents. Agents of one
// cell differ by their stamps only, and their list is in that order: so the
// best is among the heads.
func (s *State) bestAgent(c Contact) agentChoice {
	var q search
	s.searchFor(&q, c)
	pref := Nobody
	if q.r.flags&hasPreferred != 0 {
		if a := s.contactsCold[c].pref; s.has(&q, a) {
			pref = a
		}
	}
	if q.r.flags&isHeld != 0 {
		return agentChoice{agent: pref, next: Nobody, considered: 1, key: KeyPreferred}
	}
	if q.t.Reserve > 0 && !s.spares(q.fit, q.open, q.t.Reserve) {
		return agentChoice{agent: Nobody}
	}
	best, next, n := s.twoBest(&q)
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
	return agentChoice{agent: best.agent, next: next.agent, considered: n, key: agentKey(q.t.Select, &best, &next)}
}

func agentKey(sel Select, best, next *rank) Key {
	switch {
	case best.g != next.g && sel == LeastFlexible:
		return KeyFlexibility
	case best.g != next.g:
		return KeyProficiency
	case best.l != next.l:
		return KeyLoad
	default:
		return KeyIdle
	}
}

// has reports whether the agent is eligible, but for a hold and a reserve.
func (s *State) has(q *search, a Agent) bool {
	r := &s.agents[a]
	return r.cell != noCell && r.room>>q.t.Channel&1 == 1 && q.classes.has(uint32(r.class)) && !s.excluded(q.r, a)
}

// spares reports whether more than n agents are in the cells.
func (s *State) spares(fit set, open bitset, n uint32) bool {
	pool := uint32(0)
	for _, w := range fit {
		for x := w.bits & open[w.at]; x != 0; x &= x - 1 {
			pool += s.cellN[int(w.at)<<6+bits.TrailingZeros64(x)]
			if pool > n {
				return true
			}
		}
	}
	return false
}

// twoBest returns the best and the second agent by (G, L, I) and how many are
// eligible.
func (s *State) twoBest(q *search) (best, next rank, n uint32) {
	switch {
	case q.r.excl != noExcl:
		return s.twoAdmitted(q)
	case q.t.Select == LongestIdle && q.t.Load == AnyLoad:
		return s.twoIdle(q)
	}
	best, next = noRank, noRank
	bestCell := noCell
	score := s.scoresFor(q)
	for _, w := range q.fit {
		for x := w.bits & q.open[w.at]; x != 0; x &= x - 1 {
			i := int(w.at)<<6 + bits.TrailingZeros64(x)
			n += s.cellN[i]
			k := s.rankOf(q, score, i)
			if k.less(&best) {
				best, next, bestCell = k, best, cellID(i) //nolint:gosec // a cell
			} else if k.less(&next) {
				next = k
			}
		}
	}
	return s.withNeighbour(best, next, bestCell, n)
}

// rankOf is the rank of a cell's head; its agent is filled in later.
func (s *State) rankOf(q *search, score []int32, cell int) rank {
	c := &s.cellRecs[cell]
	k := rank{stamp: s.cellHead[cell], agent: s.cellFirst[cell]}
	switch q.t.Select {
	case MostProficient:
		if score != nil {
			k.g = score[c.class]
		} else {
			k.g = -s.sigs[s.fits[q.f].sig].score(&s.classes[c.class])
		}
	case LeastFlexible:
		k.g = int32(len(s.classes[c.class].skills)) //nolint:gosec // far fewer
	}
	switch q.t.Load {
	case LeastLoaded:
		k.l = int32(c.used)
	case MostLoaded:
		k.l = -int32(c.used)
	}
	return k
}

func (s *State) scoresFor(q *search) []int32 {
	if q.t.Select != MostProficient {
		return nil
	}
	return s.scores(q.f)
}

// twoIdle is twoBest where only the idle time counts: the hot path.
func (s *State) twoIdle(q *search) (best, next rank, n uint32) {
	first, second := uint64(math.MaxUint64), uint64(math.MaxUint64)
	at, then := 0, 0
	fit, open, head, count := q.fit, q.open, s.cellHead, s.cellN
	for _, w := range fit {
		for x := w.bits & open[w.at]; x != 0; x &= x - 1 {
			i := int(w.at)<<6 + bits.TrailingZeros64(x)
			n += count[i]
			if k := head[i]; k < second {
				if k < first {
					first, second, at, then = k, first, i, at
				} else {
					second, then = k, i
				}
			}
		}
	}
	best, next = noRank, noRank
	if n == 0 {
		return best, next, 0
	}
	best = rank{stamp: first, agent: s.cellFirst[at]}
	if second != math.MaxUint64 {
		next = rank{stamp: second, agent: s.cellFirst[then]}
	}
	return s.withNeighbour(best, next, cellID(at), n) //nolint:gosec // a cell
}

// withNeighbour lets the agent behind the best one of a cell be the second.
func (s *State) withNeighbour(best, next rank, cell cellID, n uint32) (rank, rank, uint32) {
	if cell == noCell || s.cellN[cell] < 2 {
		return best, next, n
	}
	a := &s.agents[best.agent]
	k := best
	k.agent, k.stamp = a.next, a.nextStamp
	if k.less(&next) {
		next = k
	}
	return best, next, n
}

// twoAdmitted is twoBest for a contact that excludes agents.
func (s *State) twoAdmitted(q *search) (best, next rank, n uint32) {
	best, next = noRank, noRank
	score := s.scoresFor(q)
	for _, w := range q.fit {
		for x := w.bits & q.open[w.at]; x != 0; x &= x - 1 {
			i := int(w.at)<<6 + bits.TrailingZeros64(x)
			n += s.cellN[i]
			k := s.rankOf(q, score, i)
			for ahead := 0; k.agent != Nobody && ahead < 2; k.agent = s.agents[k.agent].next {
				if s.excluded(q.r, k.agent) {
					continue
				}
				ahead++
				k.stamp = s.agents[k.agent].stamp
				if k.less(&best) {
					best, next = k, best
				} else if k.less(&next) {
					next = k
				}
			}
		}
	}
	return best, next, n - s.excludedOf(q)
}

// excludedOf counts the agents that are eligible but for being excluded.
func (s *State) excludedOf(q *search) (n uint32) {
	for x := q.r.excl; x != noExcl; x = s.exclRecs[x].next {
		a := &s.agents[s.exclRecs[x].agent]
		if a.cell != noCell && a.room>>q.t.Channel&1 == 1 && q.classes.has(uint32(a.class)) {
			n++
		}
	}
	return n
}
