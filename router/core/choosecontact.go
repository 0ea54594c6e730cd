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
	list := s.banksFor(cl, r.room)
	if cl.ranked {
		s.rankedBanks(list, cl, &best, &next)
	} else {
		s.plainBanks(list, &best, &next)
	}
	if best.contact != Nothing {
		s.besides(&best, &next)
	}
	if s.odds > 0 {
		s.oddBanks(a, list, cl, &best, &next)
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

// banksFor returns the banks on the channels that a class fits and that are not
// empty, or a few more, whose heads are never. It is good until the next call.
func (s *State) banksFor(cl *classRec, channels uint8) []bankID {
	open, others := 0, 0
	for ch := range s.cfg.Channels {
		if channels>>ch&1 == 1 {
			open += s.opens[ch]
		} else {
			others += s.opens[ch]
		}
	}
	switch {
	case open == 0:
		return nil
	case others == 0 && len(cl.reserves) == 0 && len(cl.banks.list) < 4*open:
		return cl.banks.list
	}
	near := s.nearBanks[:0]
	for i := range cl.banks.set {
		w := &cl.banks.set[i]
		near = appendBanks(near, w.at, w.bits&s.openOn(channels, w.at))
	}
	for i := range cl.reserves {
		w := &cl.reserves[i]
		near = appendBanks(near, w.at, w.bits&s.over[w.at]&s.openOn(channels, w.at))
	}
	s.nearBanks = near
	return near
}

// openOn is a word of the banks on the channels that are not empty.
func (s *State) openOn(channels uint8, at uint32) (x uint64) {
	for m := channels; m != 0; m &= m - 1 {
		x |= s.open[bits.TrailingZeros8(m)].word(int(at))
	}
	return x
}

func appendBanks(list []bankID, at uint32, x uint64) []bankID {
	for ; x != 0; x &= x - 1 {
		list = append(list, bankID(at<<6|uint32(bits.TrailingZeros64(x)))) //nolint:gosec // below 64
	}
	return list
}

// plainBanks compares the heads of the plain banks: the hot path. Odd banks
// have never as their head.
func (s *State) plainBanks(list []bankID, best, next *turn) {
	first, second := never, never
	at, then := noBank, noBank
	head := s.bankHead
	for _, i := range list {
		k := head[i]
		switch {
		case k > second || k == never:
		case k < first || k == first && s.older(s.headOf(i), s.headOf(at)):
			first, second, at, then = k, first, i, at
		case k < second || s.older(s.headOf(i), s.headOf(then)):
			second, then = k, i
		}
	}
	if at != noBank {
		*best = turn{key: first, contact: s.headOf(at)}
	}
	if then != noBank {
		*next = turn{key: second, contact: s.headOf(then)}
	}
}

func (s *State) headOf(bank bankID) Contact { return s.laneFirst[s.bankLane[bank]] }

// rankedBanks is plainBanks for a class that gives ranks to queues.
func (s *State) rankedBanks(list []bankID, cl *classRec, best, next *turn) {
	for _, i := range list {
		if k := s.bankHead[i]; k != never {
			s.offerTurn(turn{key: k, rank: s.rankFor(cl, s.bankRecs[i].typ), contact: s.headOf(i)}, best, next)
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
func (s *State) oddBanks(a Agent, list []bankID, cl *classRec, best, next *turn) {
	for _, i := range list {
		if s.odd.has(int(i)) {
			s.oddBank(a, cl, i, best, next)
		}
	}
}

func (s *State) oddBank(a Agent, cl *classRec, bank bankID, best, next *turn) {
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
