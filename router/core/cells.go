package core

import "math/bits"

// A cell holds the agents who have room and share everything in the published
// order but their stamps: class, units in use and the channels they have room
// for. Whoever enters has the newest stamp, so the list is sorted, its head is
// the best of it, and the best agent of all is the best of the heads.
type cellKey struct {
	class Class
	used  uint16
	room  uint8
}

type cellID uint32

const noCell = ^cellID(0)

type cellRec struct {
	cellKey
	last Agent
}

// cells are kept as arrays by cell, so that looking for the best head runs
// through few cache lines.
type cells struct {
	cellRecs  []cellRec
	cellHead  []uint64 // stamp of the first agent
	cellFirst []Agent
	cellN     []uint32
	cellIndex map[uint64]cellID   // looked up only
	free      [MaxChannels]bitset // cells with agents who have room for the channel
}

func (x *cells) init() { x.cellIndex = map[uint64]cellID{} }

func (k cellKey) hash() uint64 { return uint64(k.class)<<24 | uint64(k.used)<<8 | uint64(k.room) }

func (s *State) cellOf(k cellKey) cellID {
	if id, ok := s.cellIndex[k.hash()]; ok {
		return id
	}
	i := len(s.cellRecs)
	s.cellRecs = append(s.cellRecs, cellRec{cellKey: k, last: Nobody})
	s.cellHead = append(s.cellHead, 0)
	s.cellFirst = append(s.cellFirst, Nobody)
	s.cellN = append(s.cellN, 0)
	for ch := range s.cfg.Channels {
		s.free[ch].grow(i + 1)
	}
	cl := &s.classes[k.class]
	cl.cells = append(cl.cells, cellID(i)) //nolint:gosec // far fewer than agents
	for _, f := range cl.fits {
		s.fits[f].cover(cellID(i), k.class) //nolint:gosec // as above
	}
	s.cellIndex[k.hash()] = cellID(i) //nolint:gosec // as above
	return cellID(i)                  //nolint:gosec // as above
}

// room returns the channels that the agent has room for: the part of Eligible
// that does not depend on the contact.
func (s *State) room(r *agentRec) (mask uint8) {
	if r.flags&(isSignedIn|isReady|isLeaving) != isSignedIn|isReady {
		return 0
	}
	p := &s.classes[r.class]
	for ch := range s.cfg.Channels {
		if r.reach>>ch&1 == 1 && s.fitsIn(r, p, ch) {
			mask |= 1 << ch
		}
	}
	return mask
}

// fitsIn reports whether one more contact of the channel keeps the agent
// within capacity, the channel's limit and its cap.
func (s *State) fitsIn(r *agentRec, p *classRec, ch int) bool {
	rule := &s.cfg.Channels[ch]
	used := int(r.used)
	for in := rule.Interrupts; in != 0; in &= in - 1 {
		other := bits.TrailingZeros8(in)
		if other < len(s.cfg.Channels) {
			used -= int(r.count[other]) * s.cfg.Channels[other].Weight
		}
	}
	limit := int(p.capacity)
	if rule.Limit > 0 {
		limit = min(limit, rule.Limit)
	}
	return used+rule.Weight <= limit && r.count[ch] < p.caps[ch]
}

// touch gives the agent a new stamp and puts it at the end of its cell.
func (s *State) touch(a Agent) {
	r := &s.agents[a]
	s.unlink(r)
	s.stamps++
	r.stamp = s.stamps
	s.agentsCold[a].since = s.now
	s.link(a, r)
}

// link puts the agent at the end of its cell, if there is room for anything.
func (s *State) link(a Agent, r *agentRec) {
	r.room = s.room(r)
	if r.room == 0 {
		return
	}
	id := s.cellOf(cellKey{class: r.class, used: r.used, room: r.room})
	c := &s.cellRecs[id]
	r.cell, r.prev, r.next = id, c.last, Nobody
	if c.last != Nobody {
		last := &s.agents[c.last]
		last.next, last.nextStamp = a, r.stamp
	} else {
		s.cellFirst[id], s.cellHead[id] = a, r.stamp
		for m := r.room; m != 0; m &= m - 1 {
			s.free[bits.TrailingZeros8(m)].set(int(id))
		}
	}
	c.last = a
	s.cellN[id]++
}

func (s *State) unlink(r *agentRec) {
	id := r.cell
	if id == noCell {
		return
	}
	r.cell = noCell
	s.cellN[id]--
	switch {
	case r.stamp != s.cellHead[id]:
		prev := &s.agents[r.prev]
		prev.next, prev.nextStamp = r.next, r.nextStamp
	case r.next != Nobody:
		s.cellFirst[id], s.cellHead[id] = r.next, r.nextStamp
	default: // it was the only one
		s.cellFirst[id] = Nobody
		for m := r.room; m != 0; m &= m - 1 {
			s.free[bits.TrailingZeros8(m)].clear(int(id))
		}
	}
	if r.next != Nobody {
		s.agents[r.next].prev = r.prev // the first one's is not read
	} else {
		s.cellRecs[id].last = r.prev
		if s.cellN[id] == 0 {
			s.cellRecs[id].last = Nobody
		}
	}
}
