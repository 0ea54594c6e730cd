package core

import "slices"

// A bank is the lanes for anybody that share their fit and work type: whom they
// may go to. An agent looks at one head a bank. The head of a plain bank is
// kept; that of an odd one takes a closer look, lane by lane: its work type is
// aged, so that V does not grow like time, or has a reserve, or one of its
// waiting contacts excludes agents.
type bankKey struct {
	fit fitID
	typ Type
}

type bankID uint32

const noBank = ^bankID(0)

type bankRec struct {
	bankKey
	lanes  []laneID
	open   uint32 // lanes that are not empty
	marked uint32 // contacts with exclusions
}

// banks are kept as arrays by bank, so that looking for the best head runs
// through few cache lines.
type banks struct {
	bankRecs  []bankRec
	bankHead  []int64             // least key of the lanes' heads; never for an empty or odd bank
	bankLane  []laneID            // whose it is
	bankIndex map[bankKey]bankID  // looked up only
	bankIdle  []bankID            // free records
	open      [MaxChannels]bitset // banks that are not empty
	opens     [MaxChannels]int    // how many
	nearBanks []bankID            // see banksFor
	odd       bitset
	odds      int    // banks in odd
	over      bitset // banks of overloaded work types
}

func (x *banks) init() { x.bankIndex = map[bankKey]bankID{} }

func (s *State) bankFor(k bankKey) bankID {
	if id, ok := s.bankIndex[k]; ok {
		return id
	}
	var id bankID
	if n := len(s.bankIdle); n > 0 {
		id, s.bankIdle = s.bankIdle[n-1], s.bankIdle[:n-1]
	} else {
		id = bankID(len(s.bankRecs)) //nolint:gosec // at most one per lane
		s.bankRecs = append(s.bankRecs, bankRec{})
		s.bankHead = append(s.bankHead, never)
		s.bankLane = append(s.bankLane, noLane)
		for ch := range s.cfg.Channels {
			s.open[ch].grow(int(id) + 1)
		}
		s.odd.grow(int(id) + 1)
		s.over.grow(int(id) + 1)
	}
	s.bankRecs[id] = bankRec{bankKey: k, lanes: s.bankRecs[id].lanes}
	s.bankIndex[k] = id
	s.classify(id)
	if s.types[k.typ].overloaded() {
		s.over.set(int(id))
	}
	f := &s.fits[k.fit]
	f.banks = append(f.banks, id)
	for _, cl := range f.who(true).list {
		s.showBank(id, f, cl)
	}
	return id
}

// showBank lets a class that fits the bank know it.
func (s *State) showBank(id bankID, f *fitRec, cl Class) {
	if f.plain.has(cl) {
		s.classes[cl].banks.add(id)
	} else {
		s.classes[cl].reserves.add(uint32(id))
	}
}

// dropBank takes away a bank that has no lanes.
func (s *State) dropBank(id bankID) {
	k := s.bankRecs[id].bankKey
	f := &s.fits[k.fit]
	for _, cl := range f.who(true).list {
		s.classes[cl].banks.remove(id)
		s.classes[cl].reserves.remove(uint32(id))
	}
	i := slices.Index(f.banks, id)
	f.banks = slices.Delete(f.banks, i, i+1)
	if s.odd.has(int(id)) {
		s.odd.clear(int(id))
		s.odds--
	}
	s.over.clear(int(id))
	delete(s.bankIndex, k)
	s.bankIdle = append(s.bankIdle, id)
}

// join puts a lane, which may have contacts, into its bank.
func (s *State) join(l laneID) {
	lane := &s.laneRecs[l]
	lane.bank = s.bankFor(bankKey{fit: lane.fit, typ: lane.typ})
	b := &s.bankRecs[lane.bank]
	b.lanes = append(b.lanes, l)
	if s.laneN[l] > 0 {
		b.marked += lane.marked
		s.classify(lane.bank)
		s.laneOpens(l, lane)
	}
}

// part takes a lane out of its bank.
func (s *State) part(l laneID) {
	lane := &s.laneRecs[l]
	b := &s.bankRecs[lane.bank]
	for i, x := range b.lanes {
		if x == l {
			b.lanes[i] = b.lanes[len(b.lanes)-1]
			b.lanes = b.lanes[:len(b.lanes)-1]
			break
		}
	}
	if s.laneN[l] > 0 {
		b.marked -= lane.marked
		s.laneCloses(l, lane)
		s.classify(lane.bank)
	}
	if len(b.lanes) == 0 {
		s.dropBank(lane.bank)
	}
}

// laneOpens notes that a lane is not empty any more.
func (s *State) laneOpens(l laneID, lane *laneRec) {
	b := &s.bankRecs[lane.bank]
	if b.open == 0 {
		s.open[lane.channel].set(int(lane.bank))
		s.opens[lane.channel]++
	}
	b.open++
	s.headComes(l, lane)
}

// laneCloses notes that a lane is empty, or leaves its bank.
func (s *State) laneCloses(l laneID, lane *laneRec) {
	b := &s.bankRecs[lane.bank]
	b.open--
	if b.open == 0 {
		s.open[lane.channel].clear(int(lane.bank))
		s.opens[lane.channel]--
	}
	s.headGoes(l, lane)
}

// headComes notes that a lane has a head that is before the one it had.
func (s *State) headComes(l laneID, lane *laneRec) {
	id := lane.bank
	if s.odds > 0 && s.odd.has(int(id)) {
		return
	}
	k, best := s.laneHead[l], s.bankHead[id]
	if k < best || k == best && s.bankLane[id] != l && s.older(s.laneFirst[l], s.laneFirst[s.bankLane[id]]) {
		s.bankHead[id], s.bankLane[id] = k, l
	}
}

// headGoes notes that a lane has lost its head.
func (s *State) headGoes(l laneID, lane *laneRec) {
	if s.bankLane[lane.bank] == l {
		s.findHead(lane.bank)
	}
}

// findHead finds the head of a bank anew.
func (s *State) findHead(id bankID) {
	head, at := never, noLane
	if !s.odd.has(int(id)) {
		for _, l := range s.bankRecs[id].lanes {
			k := s.laneHead[l]
			if k < head || k == head && k != never && s.older(s.laneFirst[l], s.laneFirst[at]) {
				head, at = k, l
			}
		}
	}
	s.bankHead[id], s.bankLane[id] = head, at
}

// classify finds out whether a bank is odd.
func (s *State) classify(id bankID) {
	b := &s.bankRecs[id]
	t := &s.types[b.typ]
	now := t.aged || t.Reserve > 0 || b.marked > 0
	if now == s.odd.has(int(id)) {
		return
	}
	if now {
		s.odd.set(int(id))
		s.odds++
	} else {
		s.odd.clear(int(id))
		s.odds--
	}
	s.findHead(id)
}
