package core

import (
	"math"
	"math/bits"
)

// A cell holds the agents who have room and share everything in the published
// order but their stamps: class, units in use and the channels they have room
// for. Whoever enters has the newest stamp, so the list is sorted and its head
// is the best of it.
type cellRec struct {
	first Agent
	last  Agent
	n     uint32
	class Class
	pos   int32 // in the class's cells
}

type cellID uint32

const noCell = ^cellID(0)

// cellRef is a cell of a class, and what decisions need of it.
type cellRef struct {
	stamp uint64 // of the first agent; not valid if there is none
	cell  cellID
	used  uint16
	room  uint8
}

// A pool is the agents of one class who have room for one channel, in however
// many cells: the longest idle of all that a contact may have is the best of
// the heads of the pools that it fits.
type poolRec struct {
	stamp uint64 // of the head; the largest if there is none
	n     uint32
	cell  cellID // whose first agent is the head
}

const noStamp = uint64(math.MaxUint64)

type cells struct {
	cellRecs []cellRec
	pools    [MaxChannels][]poolRec // by class
	filled   [MaxChannels]bitset    // pools that are not empty
	fills    [MaxChannels]int       // how many
	near     []Class                // see present
}

// poolClass makes the pools of a new class.
func (s *State) poolClass() {
	for ch := range s.cfg.Channels {
		s.pools[ch] = append(s.pools[ch], poolRec{stamp: noStamp, cell: noCell})
		s.filled[ch].grow(len(s.pools[ch]))
	}
}

// present returns those of the classes that have agents with room for the
// channel, or all if that is hardly any more. It is good until the next call.
func (s *State) present(who *members[Class], ch Channel) []Class {
	if len(who.list) < 4*s.fills[ch] {
		return who.list
	}
	s.near = s.near[:0]
	filled := s.filled[ch]
	for _, w := range who.set {
		for x := w.bits & filled[w.at]; x != 0; x &= x - 1 {
			s.near = append(s.near, Class(int(w.at)<<6+bits.TrailingZeros64(x))) //nolint:gosec // a class
		}
	}
	return s.near
}

func (s *State) cellOf(r *agentRec) cellID {
	cl := &s.classes[r.class]
	for _, x := range cl.cells {
		if x.used == r.used && x.room == r.room {
			return x.cell
		}
	}
	id := cellID(len(s.cellRecs))                                                                                    //nolint:gosec // far fewer than agents
	s.cellRecs = append(s.cellRecs, cellRec{first: Nobody, last: Nobody, class: r.class, pos: int32(len(cl.cells))}) //nolint:gosec // as above
	cl.cells = append(cl.cells, cellRef{used: r.used, room: r.room, cell: id})
	return id
}

// openCell puts a cell among those of its class that have agents, closeCell
// among the others.
func (s *State) openCell(cl *classRec, c *cellRec) {
	s.swapCells(cl, int(c.pos), cl.open)
	cl.open++
}

func (s *State) closeCell(cl *classRec, c *cellRec) {
	cl.open--
	s.swapCells(cl, int(c.pos), cl.open)
}

func (s *State) swapCells(cl *classRec, i, j int) {
	if i == j {
		return
	}
	x, y := &cl.cells[i], &cl.cells[j]
	*x, *y = *y, *x
	s.cellRecs[x.cell].pos, s.cellRecs[y.cell].pos = int32(i), int32(j) //nolint:gosec // positions
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
	s.unlink(a, r)
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
	id := s.cellOf(r)
	c := &s.cellRecs[id]
	r.cell, r.prev, r.next = id, c.last, Nobody
	if c.n > 0 {
		last := &s.agents[c.last]
		last.next, last.nextStamp = a, r.stamp
	} else {
		cl := &s.classes[r.class]
		s.openCell(cl, c)
		c.first, cl.cells[c.pos].stamp = a, r.stamp
	}
	c.last = a
	c.n++
	for m := r.room; m != 0; m &= m - 1 {
		ch := bits.TrailingZeros8(m)
		p := &s.pools[ch][r.class]
		if p.n == 0 {
			p.stamp, p.cell = r.stamp, id
			s.filled[ch].set(int(r.class))
			s.fills[ch]++
		}
		p.n++
	}
}

func (s *State) unlink(a Agent, r *agentRec) {
	id := r.cell
	if id == noCell {
		return
	}
	r.cell = noCell
	c := &s.cellRecs[id]
	c.n--
	cl := &s.classes[r.class]
	switch {
	case c.first != a:
		prev := &s.agents[r.prev]
		prev.next, prev.nextStamp = r.next, r.nextStamp
	case c.n == 0:
		s.closeCell(cl, c)
	default:
		c.first, cl.cells[c.pos].stamp = r.next, r.nextStamp
	}
	if r.next != Nobody {
		s.agents[r.next].prev = r.prev // the first one's is not read
	} else {
		c.last = r.prev
	}
	for m := r.room; m != 0; m &= m - 1 {
		ch := bits.TrailingZeros8(m)
		p := &s.pools[ch][r.class]
		p.n--
		if p.n == 0 {
			s.filled[ch].clear(int(r.class))
			s.fills[ch]--
		}
		if p.stamp == r.stamp {
			p.find(cl, ch)
		}
	}
}

// find finds the head of a pool anew.
func (p *poolRec) find(cl *classRec, ch int) {
	p.stamp, p.cell = noStamp, noCell
	if p.n == 0 {
		return
	}
	for i := range cl.cells[:cl.open] {
		if x := &cl.cells[i]; x.room>>ch&1 == 1 && x.stamp < p.stamp {
			p.stamp, p.cell = x.stamp, x.cell
		}
	}
}
