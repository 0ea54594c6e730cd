package core

import (
	"encoding/binary"
	"slices"
	"time"
)

// defs are the interned constants that commands refer to by handle.
type defs struct {
	plans      []planRec
	planIndex  map[string]Plan
	classes    []classRec
	classIndex map[string]Class
	types      []typeRec
	solo       []bool // by Agent: named by a step, so of a class of his or her own

	sigs     []sigRec
	sigIndex map[string]sigID
	fits     []fitRec
	fitIndex map[fitKey]fitID
	skills   map[Skill]*skillRec // looked up only
	anyone   []fitID             // that ask for no skill
	scored   []fitID             // that know the scores of classes

	courses     []course
	courseIndex map[courseKey]courseID
	delays      map[Queue][]int64 // of profiles; looked up only
}

func (d *defs) init() {
	d.planIndex = map[string]Plan{}
	d.classIndex = map[string]Class{}
	d.sigIndex = map[string]sigID{}
	d.fitIndex = map[fitKey]fitID{}
	d.skills = map[Skill]*skillRec{}
	d.courseIndex = map[courseKey]courseID{}
	d.delays = map[Queue][]int64{}
}

type planRec struct {
	steps  []planStep
	typ    Type // of the course that was looked up last
	course courseID
}

type planStep struct {
	after int64
	sig   sigID
}

type classRec struct {
	capacity int32
	caps     [MaxChannels]uint8
	ranked   bool            // gives ranks to queues
	cells    []cellRef       // those with agents first
	open     int             // how many they are
	banks    members[bankID] // that the class fits
	reserves set             // banks that it fits only with its reserve skills
	skills   []Proficiency   // sorted by skill
	queues   []QueueRule     // sorted by queue; empty: all
	solo     Agent           // who the class is for, if it is for one only
}

type typeRec struct {
	WorkType
	slack     int64 // Patience
	offerList listID
	wrapList  listID
	aged      bool // V does not grow like time
	waiting   uint32
	marked    uint32 // of these, with exclusions
	lanes     []laneID
}

// WorkType defines what the contacts of one queue and channel share. Each call
// gives a new handle. What is out of range is clamped; an Overflow to what is
// not defined is none. To change the settings of a queue, define a new work
// type and take the contacts there with OpMove.
func (s *State) WorkType(w WorkType) Type {
	if int(w.Channel) >= len(s.cfg.Channels) {
		w.Channel = 0
	}
	if w.Rate == 0 {
		w.Rate = RateOne
	}
	for _, d := range []*time.Duration{&w.Patience, &w.Saturate, &w.Promote, &w.OfferTimeout, &w.WrapUp, &w.WrapMax, &w.Overflow.After} {
		*d = within(*d)
	}
	w.OfferTimeout = max(w.OfferTimeout, 1)
	if !w.Overflow.On || int(w.Overflow.Type) >= len(s.types) || int(w.Overflow.Plan) >= len(s.plans) {
		w.Overflow = Overflow{}
	}
	s.types = append(s.types, typeRec{
		WorkType: w, slack: int64(w.Patience), aged: w.Rate != RateOne || w.Saturate > 0,
		offerList: s.listOf(int64(w.OfferTimeout)), wrapList: s.listOf(int64(w.WrapUp)),
	})
	typ := Type(len(s.types) - 1) //nolint:gosec // far fewer
	if w.Reserve > 0 {
		s.reserved = append(s.reserved, typ)
	}
	return typ
}

// within clamps a duration to 0..year.
func within(d time.Duration) time.Duration { return min(max(d, 0), time.Duration(year)) }

// Plan interns the steps by which a contact's needs change with its age. They
// are sorted by After; of two with the same After the later one counts, and
// the first begins at 0. Without steps everybody will do. Definitions decide
// nothing: they may be made at any time, and the same ones in the same order
// give the same handles. They stay for as long as the State does: some hundred
// bytes for each plan, work type and profile that was ever seen.
func (s *State) Plan(steps []Step) Plan {
	list := make([]planStep, 0, len(steps)+1)
	for _, st := range steps {
		list = append(list, planStep{after: int64(within(st.After)), sig: s.signature(st.Needs, st.Agents)})
	}
	slices.SortStableFunc(list, func(a, b planStep) int { return int(min(max(a.after-b.after, -1), 1)) })
	if len(list) == 0 {
		list = append(list, planStep{sig: s.signature(nil, nil)})
	}
	list = lastOfEach(list)
	list[0].after = 0
	var key []byte
	for _, st := range list {
		key = binary.LittleEndian.AppendUint64(key, uint64(st.after)) //nolint:gosec // not negative
		key = binary.LittleEndian.AppendUint32(key, uint32(st.sig))
	}
	if p, ok := s.planIndex[string(key)]; ok {
		return p
	}
	p := Plan(len(s.plans)) //nolint:gosec // far fewer
	s.plans = append(s.plans, planRec{steps: list, typ: NoType})
	s.planIndex[string(key)] = p
	return p
}

// lastOfEach keeps of the steps with one age the last.
func lastOfEach(list []planStep) []planStep {
	kept := list[:0]
	for i, st := range list {
		if i+1 == len(list) || list[i+1].after != st.after {
			kept = append(kept, st)
		}
	}
	return kept
}

// Class interns a profile. See Plan.
func (s *State) Class(p Profile) Class {
	c := classRec{solo: Nobody, capacity: int32(min(max(p.Capacity, 0), maxUnits))} //nolint:gosec // clamped
	for ch, n := range p.Caps {
		c.caps[ch] = uint8(min(n, MaxCap)) //nolint:gosec // clamped
	}
	c.skills = slices.DeleteFunc(slices.Clone(p.Skills), func(x Proficiency) bool { return x.Level == 0 })
	slices.SortStableFunc(c.skills, func(a, b Proficiency) int {
		switch {
		case a.Skill != b.Skill:
			return order(a.Skill, b.Skill)
		case a.Level != b.Level:
			return order(b.Level, a.Level) // the highest first: it stays
		case a.Reserve != b.Reserve && b.Reserve:
			return -1
		}
		return 0
	})
	c.skills = slices.CompactFunc(c.skills, func(a, b Proficiency) bool { return a.Skill == b.Skill })
	c.queues = slices.Clone(p.Queues)
	slices.SortStableFunc(c.queues, func(a, b QueueRule) int { return order(a.Queue, b.Queue) })
	c.queues = slices.CompactFunc(c.queues, func(a, b QueueRule) bool { return a.Queue == b.Queue })
	for i := range c.queues {
		c.queues[i].Delay = within(c.queues[i].Delay)
	}
	return s.addClass(c)
}

func order[T ~uint8 | ~uint16 | ~uint32](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// classFor is the class that an agent of class cl really has: one apart for
// who is named by a step.
func (s *State) classFor(a Agent, cl Class) Class {
	if int(a) >= len(s.solo) || !s.solo[a] {
		return cl
	}
	c := s.classes[cl]
	if c.solo == a {
		return cl
	}
	return s.addClass(classRec{
		skills: c.skills, queues: c.queues, capacity: c.capacity, caps: c.caps, solo: a,
	})
}

// name makes the agent one whom steps name.
func (s *State) name(a Agent) {
	for int(a) >= len(s.solo) {
		s.solo = append(s.solo, false)
	}
	if s.solo[a] {
		return
	}
	s.solo[a] = true
	if int(a) >= len(s.agents) || s.agents[a].flags&isKnown == 0 {
		return
	}
	r := &s.agents[a]
	s.unlink(a, r)
	r.class = s.classFor(a, r.class)
	s.link(a, r)
}

func (c *classRec) key() string {
	key := binary.LittleEndian.AppendUint32(nil, uint32(c.solo))
	key = binary.LittleEndian.AppendUint32(key, uint32(c.capacity)) //nolint:gosec // not negative
	key = append(key, c.caps[:]...)
	key = binary.LittleEndian.AppendUint32(key, uint32(len(c.skills))) //nolint:gosec // far fewer
	for _, x := range c.skills {
		key = append(binary.LittleEndian.AppendUint32(key, uint32(x.Skill)), x.Level, byte(oneIf(x.Reserve)))
	}
	for _, q := range c.queues {
		key = append(binary.LittleEndian.AppendUint16(key, uint16(q.Queue)), q.Rank)
		key = binary.LittleEndian.AppendUint64(key, uint64(q.Delay)) //nolint:gosec // not negative
	}
	return string(key)
}

func oneIf(b bool) uint8 {
	if b {
		return 1
	}
	return 0
}

func (s *State) addClass(c classRec) Class {
	key := c.key()
	if cl, ok := s.classIndex[key]; ok {
		return cl
	}
	for _, q := range c.queues {
		c.ranked = c.ranked || q.Rank > 0
	}
	i := len(s.classes)
	s.classes = append(s.classes, c)
	s.poolClass()
	cl := Class(i) //nolint:gosec // far fewer
	s.classIndex[key] = cl
	for _, q := range c.queues {
		if q.Delay > 0 {
			s.addDelay(q.Queue, int64(q.Delay))
		}
	}
	s.fitNew(cl)
	return cl
}

// proficiency returns the level in a skill, 0 for none, and whether it is held
// in reserve.
func (c *classRec) proficiency(k Skill) (level uint8, reserve bool) {
	for _, x := range c.skills {
		if x.Skill == k {
			return x.Level, x.Reserve
		}
	}
	return 0, false
}

// rule is what the class says of a queue; serves is false if it lists others
// only.
func (c *classRec) rule(q Queue) (r QueueRule, serves bool) {
	if len(c.queues) == 0 {
		return QueueRule{}, true
	}
	for _, r := range c.queues {
		if r.Queue == q {
			return r, true
		}
	}
	return QueueRule{}, false
}
