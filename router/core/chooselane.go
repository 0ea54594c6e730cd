package core

import (
	"math"
	"math/bits"
)

// contactChoice is the best contact for an agent, and why.
type contactChoice struct {
	contact, next Contact
	key           Key
}

// turn is (T, R, V) of a contact; (E, seq) are looked up when they must.
type turn struct {
	key     int64 // tier and V
	rank    uint8
	contact Contact
}

var noTurn = turn{key: math.MaxInt64, rank: math.MaxUint8, contact: Nothing}

func (s *State) sooner(x, y *turn) bool {
	switch {
	case y.contact == Nothing:
		return true
	case x.key>>tierShift != y.key>>tierShift:
		return x.key < y.key
	case x.rank != y.rank:
		return x.rank < y.rank
	case x.key != y.key:
		return x.key < y.key
	}
	return s.older(x.contact, y.contact)
}

// bestContact is argmin (H, T, R, V, E, seq) over the eligible contacts: what
// is held for the agent, else the best of the heads of the lanes that fit.
func (s *State) bestContact(a Agent) contactChoice {
	r := &s.agents[a]
	if r.held != noLane {
		if c := s.bestHeld(a, r); c != Nothing {
			return contactChoice{contact: c, next: Nothing, key: KeyHeld}
		}
	}
	best, next := noTurn, noTurn
	cl := &s.classes[r.class]
	v := s.viewOf(r, cl)
	if cl.ranked {
		s.allLanes(a, &v, &best, &next)
	} else {
		s.plainLanes(&v, &best, &next)
		if s.odds > 0 {
			s.oddLanes(a, &v, &best, &next)
		}
	}
	if best.contact == Nothing {
		return contactChoice{contact: Nothing}
	}
	s.behind(a, &best, &next)
	return contactChoice{contact: best.contact, next: next.contact, key: s.contactKey(&best, &next)}
}

// bestHeld returns the best of what is held for the agent.
func (s *State) bestHeld(a Agent, r *agentRec) Contact {
	best := noTurn
	for id := r.held; id != noLane; id = s.laneRecs[id].heldNext {
		lane := &s.laneRecs[id]
		if r.room>>lane.channel&1 == 0 || !s.fitsLane(r.class, lane) {
			continue
		}
		if x := s.headFor(a, id, lane); x.contact != Nothing {
			x.rank = s.rankFor(&s.classes[r.class], lane)
			if s.sooner(&x, &best) {
				best = x
			}
		}
	}
	return best.contact
}

func (s *State) fitsLane(cl Class, lane *laneRec) bool {
	classes, _ := s.fits[lane.fit].who(s.types[lane.typ].overloaded())
	return classes.has(int(cl))
}

func (s *State) rankFor(cl *classRec, lane *laneRec) uint8 {
	if !cl.ranked {
		return 0
	}
	rule, _ := cl.rule(s.types[lane.typ].Queue)
	return rule.Rank
}

// headFor returns the first contact of a lane that does not exclude the agent.
func (s *State) headFor(a Agent, id laneID, lane *laneRec) turn {
	c := s.laneFirst[id]
	if lane.marked == 0 {
		return turn{key: s.keyOf(lane, s.laneHead[id]), contact: c}
	}
	for c != Nothing && s.excluded(&s.contacts[c], a) {
		c = s.contacts[c].next
	}
	if c == Nothing {
		return noTurn
	}
	return turn{key: s.keyOf(lane, s.raw(lane, s.contacts[c].enqueued)), contact: c}
}

// view is the open lanes that fit an agent.
type view struct {
	open [MaxChannels]bitset // of the channels that the agent has room for
	n    int
	cl   *classRec
	over bitset
}

func (s *State) viewOf(r *agentRec, cl *classRec) (v view) {
	v.cl, v.over = cl, s.over
	for m := r.room; m != 0; m &= m - 1 {
		v.open[v.n] = s.open[bits.TrailingZeros8(m)]
		v.n++
	}
	return v
}

func (v *view) words() int { return max(len(v.cl.col), len(v.cl.colAll)) }

func (v *view) word(w int) (x uint64) {
	for _, open := range v.open[:v.n] {
		x |= open[w]
	}
	fit := uint64(0)
	if w < len(v.cl.col) {
		fit = v.cl.col[w]
	}
	if w < len(v.cl.colAll) {
		fit |= v.cl.colAll[w] & v.over[w]
	}
	return x & fit
}

// plainLanes compares the heads of the lanes that need no closer look: the hot
// path.
func (s *State) plainLanes(v *view, best, next *turn) {
	first, second := int64(math.MaxInt64), int64(math.MaxInt64)
	at, then := -1, -1
	head := s.laneHead
	for w := range v.words() {
		for x := v.word(w) &^ s.odd[w]; x != 0; x &= x - 1 {
			i := w<<6 + bits.TrailingZeros64(x)
			k := head[i]
			switch {
			case k > second:
			case k < first || k == first && (at < 0 || s.older(s.laneFirst[i], s.laneFirst[at])):
				first, second, at, then = k, first, i, at
			case k < second || then < 0 || s.older(s.laneFirst[i], s.laneFirst[then]):
				second, then = k, i
			}
		}
	}
	if at >= 0 {
		*best = turn{key: first, contact: s.laneFirst[at]}
	}
	if then >= 0 {
		*next = turn{key: second, contact: s.laneFirst[then]}
	}
}

// oddLanes compares the others.
func (s *State) oddLanes(a Agent, v *view, best, next *turn) {
	for w := range v.words() {
		if s.odd[w] == 0 {
			continue
		}
		for x := s.odd[w] & v.word(w); x != 0; x &= x - 1 {
			s.compareLane(a, v.cl, laneID(w<<6+bits.TrailingZeros64(x)), best, next) //nolint:gosec // a lane
		}
	}
}

// allLanes compares the lanes for a class that gives ranks to queues.
func (s *State) allLanes(a Agent, v *view, best, next *turn) {
	for w := range v.words() {
		for x := v.word(w); x != 0; x &= x - 1 {
			s.compareLane(a, v.cl, laneID(w<<6+bits.TrailingZeros64(x)), best, next) //nolint:gosec // a lane
		}
	}
}

func (s *State) compareLane(a Agent, cl *classRec, id laneID, best, next *turn) {
	lane := &s.laneRecs[id]
	if t := &s.types[lane.typ]; t.Reserve > 0 {
		_, cells := s.fits[lane.fit].who(t.overloaded())
		if !s.spares(cells, s.free[t.Channel], t.Reserve) {
			return
		}
	}
	x := s.headFor(a, id, lane)
	if x.contact == Nothing {
		return
	}
	x.rank = s.rankFor(cl, lane)
	if s.sooner(&x, best) {
		*best, *next = x, *best
	} else if s.sooner(&x, next) {
		*next = x
	}
}

// behind lets the contact behind the best one of its lane be the second.
func (s *State) behind(a Agent, best, next *turn) {
	r := &s.contacts[best.contact]
	lane := &s.laneRecs[r.lane]
	x := turn{key: 0, rank: best.rank, contact: r.next}
	if x.contact == Nothing {
		return
	}
	if lane.marked == 0 {
		x.key = s.keyOf(lane, r.nextKey)
	} else {
		for x.contact != Nothing && s.excluded(&s.contacts[x.contact], a) {
			x.contact = s.contacts[x.contact].next
		}
		if x.contact == Nothing {
			return
		}
		x.key = s.keyOf(lane, s.raw(lane, s.contacts[x.contact].enqueued))
	}
	if s.sooner(&x, next) {
		*next = x
	}
}

func (s *State) contactKey(best, next *turn) Key {
	switch {
	case next.contact == Nothing:
		return KeyOnly
	case best.key>>tierShift != next.key>>tierShift:
		return KeyTier
	case best.rank != next.rank:
		return KeyRank
	case best.key != next.key:
		return KeyDeadline
	case s.contacts[best.contact].enqueued != s.contacts[next.contact].enqueued:
		return KeyAge
	default:
		return KeyArrival
	}
}
