package core

// A lane holds the waiting contacts that share everything in the published
// order but their time: so it is sorted by (V, seq), its head is the best of
// it, and the best of all is the best of the heads.
type laneKey struct {
	typ      Type
	sig      Sig
	priority int16
	tier     uint8
}

type laneID uint32

type laneRec struct {
	laneKey
	contactList
}

type lanes struct {
	laneRecs  []laneRec
	laneIndex map[laneKey]laneID  // looked up only
	open      [MaxChannels]bitset // lanes that are not empty
}

// contactList is an intrusive list, sorted by (T, V, seq).
type contactList struct {
	first, last Contact
	n           uint32
}

var emptyList = contactList{first: Nothing, last: Nothing}

func (s *State) laneFor(r *contactRec) laneID {
	key := laneKey{typ: r.typ, sig: r.sig, priority: r.priority, tier: r.tier}
	if l, ok := s.laneIndex[key]; ok {
		return l
	}
	i := len(s.laneRecs)
	s.laneRecs = append(s.laneRecs, laneRec{laneKey: key, contactList: emptyList})
	s.laneIndex[key] = laneID(i) //nolint:gosec // at most one per contact
	for ch := range s.open {
		s.open[ch].grow(i + 1)
	}
	row := s.sigs[key.sig].row
	for cl := range s.classes {
		s.classes[cl].col.grow(i + 1)
		if row.has(cl) {
			s.classes[cl].col.set(i)
		}
	}
	return laneID(i) //nolint:gosec // as above
}

// enqueue lets the contact wait: in its preferred agent's list while it is
// held, else in its lane.
func (s *State) enqueue(c Contact) {
	r := &s.contacts[c]
	r.phase = PhaseWaiting
	if r.held {
		s.insert(&s.agents[r.pref].held, c)
		r.timer = s.start(r.holdUntil, holdTimer, c, noExcl)
		return
	}
	l := &s.laneRecs[r.lane]
	s.insert(&l.contactList, c)
	s.open[s.types[l.typ].Channel].set(int(r.lane))
}

func (s *State) dequeue(c Contact) {
	r := &s.contacts[c]
	if r.held {
		s.stop(&r.timer)
		s.remove(&s.agents[r.pref].held, c)
		return
	}
	l := &s.laneRecs[r.lane]
	s.remove(&l.contactList, c)
	if l.n == 0 {
		s.open[s.types[l.typ].Channel].clear(int(r.lane))
	}
}

// before is the order (T, V, seq).
func (s *State) before(a, b Contact) bool {
	x, y := &s.contacts[a], &s.contacts[b]
	if x.tier != y.tier {
		return x.tier < y.tier
	}
	if x.v != y.v {
		return x.v < y.v
	}
	return x.seq < y.seq
}

// insert looks for the place from both ends: new contacts belong near the
// tail, those that come back near the head.
func (s *State) insert(l *contactList, c Contact) {
	after := l.last // c goes behind it
	for f := l.first; after != Nothing && s.before(c, after); after = s.contacts[after].prev {
		if s.before(c, f) {
			after = s.contacts[f].prev
			break
		}
		f = s.contacts[f].next
	}
	r := &s.contacts[c]
	r.prev = after
	if after == Nothing {
		r.next, l.first = l.first, c
	} else {
		r.next, s.contacts[after].next = s.contacts[after].next, c
	}
	if r.next == Nothing {
		l.last = c
	} else {
		s.contacts[r.next].prev = c
	}
	l.n++
}

func (s *State) remove(l *contactList, c Contact) {
	r := &s.contacts[c]
	if r.prev != Nothing {
		s.contacts[r.prev].next = r.next
	} else {
		l.first = r.next
	}
	if r.next != Nothing {
		s.contacts[r.next].prev = r.prev
	} else {
		l.last = r.prev
	}
	l.n--
}
