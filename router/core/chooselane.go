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
	var v view
	v.lookFrom(s, r.class, r.room)
	if v.cl.ranked {
		s.rankedBanks(&v, &best, &next)
	} else {
		s.plainBanks(&v, &best, &next)
	}
	if best.contact != Nothing {
		s.besides(&best, &next)
	}
	if s.odds > 0 {
		s.oddBanks(a, &v, &best, &next)
	}
	if best.contact == Nothing {
		return contactChoice{contact: Nothing}
	}
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
		if x := s.admitted(a, id, s.laneFirst[id]); x.contact != Nothing {
			x.rank = s.rankFor(&s.classes[r.class], lane.typ)
			if s.sooner(&x, &best) {
				best = x
			}
		}
	}
	return best.contact
}

func (s *State) fitsLane(cl Class, lane *laneRec) bool {
	return s.fits[lane.fit].who(s.types[lane.typ].overloaded()).has(cl)
}

func (s *State) rankFor(cl *classRec, typ Type) uint8 {
	if !cl.ranked {
		return 0
	}
	rule, _ := cl.rule(s.types[typ].Queue)
	return rule.Rank
}

// view is the banks that fit an agent and are not empty. It is gone through in
// one or two turns: those that fit as they are, and those that fit while their
// work type is overloaded.
type view struct {
	s     *State
	cl    *classRec
	words set
	open  bitset // of one channel that the agent has room for
	rest  uint8  // the others
	turn  int
}

// lookFrom lets the view be that of an agent of the class on some channels.
func (v *view) lookFrom(s *State, cl Class, channels uint8) {
	v.s, v.cl = s, &s.classes[cl]
	for m := channels; m != 0; m &= m - 1 {
		switch ch := bits.TrailingZeros8(m); {
		case s.opens[ch] == 0:
		case v.open == nil:
			v.open = s.open[ch]
		default:
			v.rest |= 1 << ch
		}
	}
}

// next begins the next turn, if there is one.
func (v *view) next() bool {
	v.turn++
	switch {
	case v.open == nil:
		return false
	case v.turn == 1:
		v.words = v.cl.banks
	case v.turn == 2 && len(v.cl.reserves) > 0:
		v.words = v.cl.reserves
	default:
		v.turn = 0
		return false
	}
	return true
}

// word returns the banks of the i-th word.
func (v *view) word(i int) (x uint64) {
	w := &v.words[i]
	x = v.open[w.at]
	for m := v.rest; m != 0; m &= m - 1 {
		x |= v.s.open[bits.TrailingZeros8(m)][w.at]
	}
	if v.turn == 2 {
		x &= v.s.over[w.at]
	}
	return x & w.bits
}

// bank returns the first one of x, which are banks of the i-th word.
func (v *view) bank(i int, x uint64) int { return int(v.words[i].at)<<6 + bits.TrailingZeros64(x) }

// plainBanks compares the heads of the plain banks: the hot path. Odd banks
// have never as their head.
func (s *State) plainBanks(v *view, best, next *turn) {
	first, second := never, never
	at, then := -1, -1
	head := s.bankHead
	for v.next() {
		for w := range v.words {
			for x := v.word(w); x != 0; x &= x - 1 {
				i := v.bank(w, x)
				k := head[i]
				switch {
				case k > second || k == never:
				case k < first || k == first && s.older(s.headOf(i), s.headOf(at)):
					first, second, at, then = k, first, i, at
				case k < second || s.older(s.headOf(i), s.headOf(then)):
					second, then = k, i
				}
			}
		}
	}
	if at >= 0 {
		*best = turn{key: first, contact: s.headOf(at)}
	}
	if then >= 0 {
		*next = turn{key: second, contact: s.headOf(then)}
	}
}

func (s *State) headOf(bank int) Contact { return s.laneFirst[s.bankLane[bank]] }

// rankedBanks is plainBanks for a class that gives ranks to queues.
func (s *State) rankedBanks(v *view, best, next *turn) {
	for v.next() {
		for w := range v.words {
			for x := v.word(w); x != 0; x &= x - 1 {
				i := v.bank(w, x)
				if s.bankHead[i] == never {
					continue
				}
				s.offerTurn(turn{
					key: s.bankHead[i], rank: s.rankFor(v.cl, s.bankRecs[i].typ), contact: s.headOf(i),
				}, best, next)
			}
		}
	}
}

// offerTurn lets x be the best or the next, if it is.
func (s *State) offerTurn(x turn, best, next *turn) {
	if s.sooner(&x, best) {
		*best, *next = x, *best
	} else if s.sooner(&x, next) {
		*next = x
	}
}

// besides lets the second of the best one's plain bank be the next: the head
// of another lane, or the contact behind it.
func (s *State) besides(best, next *turn) {
	r := &s.contacts[best.contact]
	lane := &s.laneRecs[r.lane]
	if r.next != Nothing {
		s.offerTurn(turn{key: r.nextKey, rank: best.rank, contact: r.next}, best, next)
	}
	lanes := s.bankRecs[lane.bank].lanes
	if len(lanes) == 1 {
		return
	}
	for _, l := range lanes {
		if k := s.laneHead[l]; l != r.lane && k != never {
			s.offerTurn(turn{key: k, rank: best.rank, contact: s.laneFirst[l]}, best, next)
		}
	}
}

// oddBanks takes a closer look at the others.
func (s *State) oddBanks(a Agent, v *view, best, next *turn) {
	for v.next() {
		for w := range v.words {
			for x := s.odd[v.words[w].at] & v.word(w); x != 0; x &= x - 1 {
				s.oddBank(a, v.cl, v.bank(w, x), best, next)
			}
		}
	}
}

func (s *State) oddBank(a Agent, cl *classRec, bank int, best, next *turn) {
	b := &s.bankRecs[bank]
	if t := &s.types[b.typ]; t.Reserve > 0 {
		if !s.spares(s.fits[b.fit].who(t.overloaded()), t.Channel, t.Reserve) {
			return
		}
	}
	rank := s.rankFor(cl, b.typ)
	for _, l := range b.lanes {
		c := s.laneFirst[l]
		for range 2 { // the best and the next may be of one lane
			x := s.admitted(a, l, c)
			if x.contact == Nothing {
				break
			}
			x.rank = rank
			s.offerTurn(x, best, next)
			c = s.contacts[x.contact].next
		}
	}
}

// admitted returns the first contact of a lane, from c on, that does not
// exclude the agent.
func (s *State) admitted(a Agent, l laneID, c Contact) turn {
	lane := &s.laneRecs[l]
	for c != Nothing && lane.marked > 0 && s.excluded(&s.contacts[c], a) {
		c = s.contacts[c].next
	}
	if c == Nothing {
		return noTurn
	}
	return turn{key: s.keyOf(lane, s.raw(lane, s.contacts[c].enqueued)), contact: c}
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
