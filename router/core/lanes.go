package core

// A lane holds the waiting contacts that share everything in the published
// order but their time: work type, plan, priority, tier, band and, if they are
// held, their agent. So it is sorted by (E, seq), which is its order by
// (V, E, seq) at any time; its head is the best of it, and the best of all is
// the best of the heads. The head is also the first to reach the next band.
type laneKey struct {
	course   courseID
	priority int16
	tier     uint8 // on arrival; 0 once it lost its agent
	band     uint8
	only     Agent // held for; Nobody: anybody
}

type laneID uint32

const noLane = ^laneID(0)

type laneRec struct {
	laneKey
	typ      Type
	fit      fitID
	channel  Channel
	last     Contact
	bank     bankID // of a lane for anybody
	marked   uint32 // contacts with exclusions
	base     int64  // of keys
	typePos  int32  // in the type's lanes; -1: the record is free
	heldNext laneID // of the agent's lanes
	heldPrev laneID
	bandAt   int64  // when the head's band ends, or sooner; see arm
	bandSeq  uint64 // seq of that head
	bandPos  int32  // in the heap of bands; -1: not there
}

// lanes are kept as arrays by lane, so that looking for the best head runs
// through few cache lines. The key of a lane's head is its tier and V; of an
// aged lane, whose V does not grow like time, it is the head's age instead.
type lanes struct {
	laneRecs  []laneRec
	laneHead  []int64
	laneFirst []Contact
	laneN     []uint32
	laneIndex map[uint64]laneID  // those for anybody; looked up only
	heldIndex map[laneKey]laneID // the others; as above
	laneIdle  []laneID           // free records
	laneLimit int                // lanes from which on empty ones are taken away
	laneHand  int                // where to look for them
	bandHeap  []laneID
}

// manyLanes is how many lanes may be there although they are empty.
const manyLanes = 1 << 16

func (x *lanes) init() {
	x.laneIndex = map[uint64]laneID{}
	x.heldIndex = map[laneKey]laneID{}
	x.laneLimit = manyLanes
}

// Keys are the tier above V, counted from the State's first time and half of
// what the bits hold, so that they are not negative.
const (
	tierShift = 59
	middle    = 1 << (tierShift - 1)
)

func key(tier uint8, v int64) int64 {
	return int64(tier)<<tierShift | min(max(v+middle, 0), 1<<tierShift-1)
}

func (k laneKey) hash() uint64 {
	return uint64(k.course)<<32 | uint64(uint16(k.priority))<<16 | uint64(k.tier)<<8 | uint64(k.band) //nolint:gosec // bits
}

// laneKeyOf returns the key of the lane in which the contact waits, or would.
func (s *State) laneKeyOf(c Contact, r *contactRec) laneKey {
	k := laneKey{course: r.course, priority: r.priority, tier: r.tier, band: r.band, only: Nobody}
	if r.flags&isLost != 0 {
		k.tier = 0
	}
	if r.flags&isHeld != 0 {
		k.only = s.contactsCold[c].pref
	}
	return k
}

func (s *State) laneOf(k laneKey) laneID {
	if k.only != Nobody {
		return s.heldLane(k)
	}
	if l, ok := s.laneIndex[k.hash()]; ok {
		return l
	}
	id := s.addLane(k)
	s.laneIndex[k.hash()] = id
	s.join(id)
	return id
}

// heldLane returns a lane of contacts that are held for an agent. It is there
// while it has contacts.
func (s *State) heldLane(k laneKey) laneID {
	if id, ok := s.heldIndex[k]; ok {
		return id
	}
	id := s.addLane(k)
	s.heldIndex[k] = id
	lane, ag := &s.laneRecs[id], &s.agents[k.only]
	lane.heldNext = ag.held
	if ag.held != noLane {
		s.laneRecs[ag.held].heldPrev = id
	}
	ag.held = id
	return id
}

func (s *State) addLane(k laneKey) laneID {
	if len(s.laneIdle) == 0 && len(s.laneRecs) >= s.laneLimit {
		s.reclaim()
	}
	var id laneID
	if n := len(s.laneIdle); n > 0 {
		id, s.laneIdle = s.laneIdle[n-1], s.laneIdle[:n-1]
	} else {
		id = laneID(len(s.laneRecs)) //nolint:gosec // at most one per contact, or manyLanes
		s.laneRecs = append(s.laneRecs, laneRec{})
		s.laneHead = append(s.laneHead, never)
		s.laneFirst = append(s.laneFirst, Nothing)
		s.laneN = append(s.laneN, 0)
	}
	s.laneRecs[id] = s.newLane(k)
	t := &s.types[s.laneRecs[id].typ]
	s.laneRecs[id].typePos = int32(len(t.lanes)) //nolint:gosec // as above
	t.lanes = append(t.lanes, id)
	return id
}

// newLane returns the record of an empty lane.
func (s *State) newLane(k laneKey) laneRec {
	co := &s.courses[k.course]
	b := &co.bands[k.band]
	t := &s.types[co.typ]
	return laneRec{
		laneKey: k, typ: co.typ, fit: b.fit, channel: t.Channel, last: Nothing, bandPos: -1, bank: noBank,
		base:     key(rise(k.tier, b.promoted), 0) - s.boost(k.priority) + t.slack - s.origin,
		heldNext: noLane, heldPrev: noLane,
	}
}

// reclaim takes away empty lanes, looking at a few each time.
func (s *State) reclaim() {
	const few = 8
	for range min(few, len(s.laneRecs)) {
		s.laneHand++
		if s.laneHand >= len(s.laneRecs) {
			s.laneHand = 0
		}
		id := laneID(s.laneHand) //nolint:gosec // a lane
		if lane := &s.laneRecs[id]; s.laneN[id] == 0 && lane.typePos >= 0 {
			s.dropLane(id, lane)
		}
	}
}

// rise is the tier of a contact after promotions.
func rise(tier, promoted uint8) uint8 {
	if tier <= promoted {
		return min(tier, 1)
	}
	return max(tier-promoted, 1)
}

func (s *State) boost(priority int16) int64 {
	return min(max(int64(priority)*int64(s.cfg.PriorityStep), -year), year)
}

// raw is what laneHead holds for a contact of the lane.
func (s *State) raw(lane *laneRec, enqueued int64) int64 {
	if s.types[lane.typ].aged {
		return enqueued
	}
	return lane.base + enqueued
}

// keyOf returns tier and V of a contact of the lane, now.
func (s *State) keyOf(lane *laneRec, raw int64) int64 {
	t := &s.types[lane.typ]
	if !t.aged {
		return raw
	}
	age := min(s.now-raw, year)
	if t.Saturate > 0 {
		age = min(age, int64(t.Saturate))
	}
	return lane.base + s.now - t.grown(age)
}

// grown is how much more urgent an age makes a contact.
func (t *typeRec) grown(age int64) int64 { return min(int64(t.Rate)*age/RateOne, year) }

// enter lets the contact wait in its lane.
func (s *State) enter(c Contact) {
	r := &s.contacts[c]
	r.phase = PhaseWaiting
	id := s.laneOf(s.laneKeyOf(c, r))
	r.lane = id
	lane := &s.laneRecs[id]
	t := &s.types[lane.typ]
	t.waiting++
	s.inRoom[t.Room]++
	s.insert(id, lane, c, r)
	s.laneN[id]++
	if r.excl != noExcl {
		s.mark(lane, t, 1)
	}
	if lane.only == Nobody {
		if s.laneN[id] == 1 {
			s.laneOpens(id, lane)
		} else if s.laneFirst[id] == c {
			s.headComes(id, lane)
		}
	} else if until := s.contactsCold[c].holdUntil; until != never {
		r.timer = s.start(0, until, holdTimer, c, 0)
	}
	if t.Overload > 0 && t.waiting == t.Overload {
		s.setOver(t, true)
	}
}

// leave takes the contact out of its lane.
func (s *State) leave(c Contact) {
	r := &s.contacts[c]
	id := r.lane
	lane := &s.laneRecs[id]
	t := &s.types[lane.typ]
	if t.Overload > 0 && t.waiting == t.Overload {
		s.setOver(t, false)
	}
	t.waiting--
	s.inRoom[t.Room]--
	first := s.laneFirst[id] == c
	s.remove(id, lane, c, r)
	s.laneN[id]--
	if r.excl != noExcl {
		s.mark(lane, t, ^uint32(0))
	}
	r.phase = phaseNowhere
	if lane.only == Nobody {
		if s.laneN[id] == 0 {
			s.laneCloses(id, lane)
		} else if first {
			s.headGoes(id, lane)
		}
		return
	}
	s.stop(&r.timer)
	if s.laneN[id] == 0 {
		s.dropLane(id, lane)
	}
}

// mark counts a waiting contact with exclusions, or no longer.
func (s *State) mark(lane *laneRec, t *typeRec, by uint32) {
	lane.marked += by
	t.marked += by
	if lane.only == Nobody {
		s.bankRecs[lane.bank].marked += by
		s.classify(lane.bank)
	}
}

// dropLane takes an empty lane away.
func (s *State) dropLane(id laneID, lane *laneRec) {
	if lane.only == Nobody {
		delete(s.laneIndex, lane.hash())
		s.part(id)
	} else {
		s.dropHeld(lane)
	}
	list := s.types[lane.typ].lanes
	end := list[len(list)-1]
	list[lane.typePos] = end
	s.laneRecs[end].typePos = lane.typePos
	s.types[lane.typ].lanes = list[:len(list)-1]
	lane.typePos = -1
	if lane.bandPos >= 0 {
		s.dropBand(int(lane.bandPos))
	}
	s.laneIdle = append(s.laneIdle, id)
}

// dropHeld takes a lane from the agent for whom its contacts were held.
func (s *State) dropHeld(lane *laneRec) {
	delete(s.heldIndex, lane.laneKey)
	if lane.heldPrev != noLane {
		s.laneRecs[lane.heldPrev].heldNext = lane.heldNext
	} else {
		s.agents[lane.only].held = lane.heldNext
	}
	if lane.heldNext != noLane {
		s.laneRecs[lane.heldNext].heldPrev = lane.heldPrev
	}
}

func (t *typeRec) overloaded() bool { return t.Overload > 0 && t.waiting >= t.Overload }

// setOver keeps the set of banks whose work types are overloaded.
func (s *State) setOver(t *typeRec, on bool) {
	for _, l := range t.lanes {
		switch b := s.laneRecs[l].bank; {
		case b == noBank:
		case on:
			s.over.set(int(b))
		default:
			s.over.clear(int(b))
		}
	}
}

// older is the order (E, seq).
func (s *State) older(a, b Contact) bool {
	x, y := &s.contacts[a], &s.contacts[b]
	if x.enqueued != y.enqueued {
		return x.enqueued < y.enqueued
	}
	return x.seq < y.seq
}

// insert looks for the place from both ends: new contacts belong near the
// tail, those that come back near the head.
func (s *State) insert(id laneID, lane *laneRec, c Contact, r *contactRec) {
	after := lane.last // c goes behind it
	for f := s.laneFirst[id]; after != Nothing && s.older(c, after); after = s.contacts[after].prev {
		if s.older(c, f) {
			after = s.beforeFirst(id, f)
			break
		}
		f = s.contacts[f].next
	}
	raw := s.raw(lane, r.enqueued)
	r.prev = after
	if after == Nothing {
		r.next, r.nextKey = s.laneFirst[id], s.laneHead[id]
		s.laneFirst[id], s.laneHead[id] = c, raw
		s.arm(id)
	} else {
		p := &s.contacts[after]
		r.next, r.nextKey = p.next, p.nextKey
		p.next, p.nextKey = c, raw
	}
	if r.next == Nothing {
		lane.last = c
	} else {
		s.contacts[r.next].prev = c
	}
}

// beforeFirst returns the contact before f, which the first one does not know.
func (s *State) beforeFirst(id laneID, f Contact) Contact {
	if f == s.laneFirst[id] {
		return Nothing
	}
	return s.contacts[f].prev
}

func (s *State) remove(id laneID, lane *laneRec, c Contact, r *contactRec) {
	first := s.laneFirst[id] == c
	if first {
		s.laneFirst[id], s.laneHead[id] = r.next, r.nextKey
	} else {
		p := &s.contacts[r.prev]
		p.next, p.nextKey = r.next, r.nextKey
	}
	switch {
	case r.next == Nothing && first:
		lane.last = Nothing
	case r.next == Nothing:
		lane.last = r.prev
	case first:
		s.contacts[r.next].prev = Nothing // not read, but it fetches the new head before it is wanted
	default:
		s.contacts[r.next].prev = r.prev
	}
}
