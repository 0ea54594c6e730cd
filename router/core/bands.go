package core

// The heap of the lanes whose heads will reach another band, in the order
// (time, seq). A lane's entry may be too early, because its head has left: that
// is found out when its turn comes. It is never too late.

// arm puts the lane into the heap by its head.
func (s *State) arm(id laneID) {
	lane := &s.laneRecs[id]
	at, seq := s.bandEnds(id, lane)
	switch {
	case at == never:
		return
	case lane.bandPos < 0:
		lane.bandPos = int32(len(s.bandHeap)) //nolint:gosec // at most one per lane
		s.bandHeap = append(s.bandHeap, id)
	case at > lane.bandAt || at == lane.bandAt && seq >= lane.bandSeq:
		return
	}
	lane.bandAt, lane.bandSeq = at, seq
	s.bandUp(int(lane.bandPos))
	s.next = min(s.next, at)
}

// bandEnds returns when the lane's head reaches its next band, never if the
// lane is empty or the band the last.
func (s *State) bandEnds(id laneID, lane *laneRec) (at int64, seq uint64) {
	c := s.laneFirst[id]
	if c == Nothing {
		return never, 0
	}
	next := s.courses[lane.course].after(lane.band)
	if next == never {
		return never, 0
	}
	return s.contacts[c].enqueued + next, s.contacts[c].seq
}

// firstBand returns the lane whose head is the first to reach its next band.
func (s *State) firstBand() (laneID, int64) {
	for len(s.bandHeap) > 0 {
		id := s.bandHeap[0]
		lane := &s.laneRecs[id]
		at, seq := s.bandEnds(id, lane)
		switch {
		case at == never:
			s.dropBand(0)
		case at == lane.bandAt && seq == lane.bandSeq:
			return id, at
		default:
			lane.bandAt, lane.bandSeq = at, seq
			s.bandDown(0)
		}
	}
	return noLane, never
}

func (s *State) dropBand(i int) {
	h := s.bandHeap
	last := len(h) - 1
	s.laneRecs[h[i]].bandPos = -1
	if i < last {
		h[i] = h[last]
		s.laneRecs[h[i]].bandPos = int32(i) //nolint:gosec // a position in the heap
	}
	s.bandHeap = h[:last]
	if i < last {
		s.bandDown(i)
		s.bandUp(i)
	}
}

func (s *State) bandLess(i, j int) bool {
	a, b := &s.laneRecs[s.bandHeap[i]], &s.laneRecs[s.bandHeap[j]]
	return a.bandAt < b.bandAt || a.bandAt == b.bandAt && a.bandSeq < b.bandSeq
}

func (s *State) bandSwap(i, j int) {
	h := s.bandHeap
	h[i], h[j] = h[j], h[i]
	s.laneRecs[h[i]].bandPos, s.laneRecs[h[j]].bandPos = int32(i), int32(j) //nolint:gosec // positions in the heap
}

func (s *State) bandUp(i int) {
	for i > 0 {
		p := (i - 1) / 2
		if !s.bandLess(i, p) {
			return
		}
		s.bandSwap(i, p)
		i = p
	}
}

func (s *State) bandDown(i int) {
	for {
		c := 2*i + 1
		if c >= len(s.bandHeap) {
			return
		}
		if c+1 < len(s.bandHeap) && s.bandLess(c+1, c) {
			c++
		}
		if !s.bandLess(c, i) {
			return
		}
		s.bandSwap(i, c)
		i = c
	}
}
