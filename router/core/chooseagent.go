package core

import (
	"iter"
	"math"
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
	classes *members[Class]
}

func (s *State) searchFor(q *search, c Contact) {
	q.c, q.r = c, &s.contacts[c]
	q.t = &s.types[q.r.typ]
	q.f = s.bandOf(q.r).fit
	q.classes = s.fits[q.f].who(q.t.overloaded())
}

// bestAgent is argmin (P, G, L, I, id) over the eligible agents. Agents of one
// cell differ by their stamps only, and their list is in that order: so the
// best is among the heads.
func (s *State) bestAgent(c Contact) agentChoice {
	if s.fills[s.types[s.contacts[c].typ].Channel] == 0 {
		return agentChoice{agent: Nobody}
	}
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
	if q.t.Reserve > 0 && !s.spares(q.classes, q.t.Channel, q.t.Reserve) {
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
	return r.cell != noCell && r.room>>q.t.Channel&1 == 1 && q.classes.has(r.class) && !s.excluded(q.r, a)
}

// spares reports whether more than n agents of the classes have room.
func (s *State) spares(who *members[Class], ch Channel, n uint32) bool {
	pool := uint32(0)
	for _, cl := range s.present(who, ch) {
		pool += s.pools[ch][cl].n
		if pool > n {
			return true
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
	for _, cl := range s.present(q.classes, q.t.Channel) {
		p := &s.pools[q.t.Channel][cl]
		if p.n == 0 {
			continue
		}
		n += p.n
		k := rank{g: s.grade(q, score, cl)}
		if k.g > next.g {
			continue
		}
		for x := range s.heads(q, cl) {
			k.l, k.stamp = q.t.load(x.used), x.stamp
			if !k.less(&next) {
				continue
			}
			k.agent = s.cellRecs[x.cell].first
			if k.less(&best) {
				best, next, bestCell = k, best, x.cell
			} else {
				next = k
			}
		}
	}
	if bestCell != noCell {
		s.behind(&best, &next, bestCell)
	}
	return best, next, n
}

// heads are the cells of a class with agents who have room.
func (s *State) heads(q *search, cl Class) iter.Seq[*cellRef] {
	return func(yield func(*cellRef) bool) {
		c := &s.classes[cl]
		for i := range c.cells[:c.open] {
			if x := &c.cells[i]; x.room>>q.t.Channel&1 == 1 && !yield(x) {
				return
			}
		}
	}
}

// grade is key G of a class.
func (s *State) grade(q *search, score []int32, cl Class) int32 {
	switch {
	case q.t.Select == LeastFlexible:
		return int32(len(s.classes[cl].skills)) //nolint:gosec // far fewer
	case q.t.Select == LongestIdle:
		return 0
	case score != nil:
		return score[cl]
	default:
		return -s.sigs[s.fits[q.f].sig].score(&s.classes[cl])
	}
}

// load is key L.
func (t *typeRec) load(used uint16) int32 {
	switch t.Load {
	case LeastLoaded:
		return int32(used)
	case MostLoaded:
		return -int32(used)
	}
	return 0
}

func (s *State) scoresFor(q *search) []int32 {
	if q.t.Select != MostProficient {
		return nil
	}
	return s.scores(q.f)
}

// twoIdle is twoBest where only the idle time counts: the hot path. The second
// may be of the pool of the best.
func (s *State) twoIdle(q *search) (best, next rank, n uint32) {
	first, second := noStamp, noStamp
	at, then := -1, -1
	pools := s.pools[q.t.Channel]
	for _, cl := range s.present(q.classes, q.t.Channel) {
		p := &pools[cl]
		n += p.n
		if k := p.stamp; k < second {
			if k < first {
				first, second, at, then = k, first, int(cl), at
			} else {
				second, then = k, int(cl)
			}
		}
	}
	best, next = noRank, noRank
	if n == 0 {
		return best, next, 0
	}
	cell := pools[at].cell
	best = rank{stamp: first, agent: s.cellRecs[cell].first}
	if then >= 0 {
		next = rank{stamp: second, agent: s.cellRecs[pools[then].cell].first}
	}
	if pools[at].n == 1 {
		return best, next, n
	}
	s.behind(&best, &next, cell)
	for x := range s.heads(q, Class(at)) { //nolint:gosec // a class
		if x.cell != cell && x.stamp < next.stamp {
			next = rank{stamp: x.stamp, agent: s.cellRecs[x.cell].first}
		}
	}
	return best, next, n
}

// behind lets the agent behind the best one, the head of a cell, be the second.
func (s *State) behind(best, next *rank, cell cellID) {
	if s.cellRecs[cell].n < 2 {
		return
	}
	a := &s.agents[best.agent]
	k := *best
	k.agent, k.stamp = a.next, a.nextStamp
	if k.less(next) {
		*next = k
	}
}

// twoAdmitted is twoBest for a contact that excludes agents.
func (s *State) twoAdmitted(q *search) (best, next rank, n uint32) {
	best, next = noRank, noRank
	score := s.scoresFor(q)
	for _, cl := range s.present(q.classes, q.t.Channel) {
		pool := s.pools[q.t.Channel][cl].n
		if pool == 0 {
			continue
		}
		n += pool
		k := rank{g: s.grade(q, score, cl)}
		for x := range s.heads(q, cl) {
			k.l, k.agent = q.t.load(x.used), s.cellRecs[x.cell].first
			s.admit(q, k, &best, &next)
		}
	}
	return best, next, n - s.excludedOf(q)
}

// admit lets the first two of a cell whom the contact does not exclude be the
// best or the second; k is the rank of its head, but for the stamp.
func (s *State) admit(q *search, k rank, best, next *rank) {
	for ahead := 0; k.agent != Nobody && ahead < 2; k.agent = s.agents[k.agent].next {
		if s.excluded(q.r, k.agent) {
			continue
		}
		ahead++
		k.stamp = s.agents[k.agent].stamp
		if k.less(best) {
			*best, *next = k, *best
		} else if k.less(next) {
			*next = k
		}
	}
}

// excludedOf counts the agents that are eligible but for being excluded.
func (s *State) excludedOf(q *search) (n uint32) {
	for x := q.r.excl; x != noExcl; x = s.exclRecs[x].next {
		a := &s.agents[s.exclRecs[x].agent]
		if a.cell != noCell && a.room>>q.t.Channel&1 == 1 && q.classes.has(a.class) {
			n++
		}
	}
	return n
}
