package core

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"time"
)

// A snapshot is everything that the State knows, in an order that does not
// depend on how it came to know it: two States that decide the same from now
// on have the same snapshot. What can be worked out from the rest (cells,
// lanes, fits, heaps) is left out and worked out anew.

const snapshotVersion = 2

// ErrSnapshot is wrapped by the errors of [Restore].
var ErrSnapshot = errors.New("not a snapshot of a routing core")

// AppendBinary appends a snapshot to dst. It never fails.
func (s *State) AppendBinary(dst []byte) ([]byte, error) {
	c := codec{buf: dst, write: true}
	c.state(s)
	return c.buf, nil
}

// Restore returns the State of a snapshot. The caller may change data
// afterwards. Errors wrap [ErrSnapshot] and tell what was being read.
func Restore(data []byte) (s *State, err error) {
	c := codec{buf: data}
	s = &State{}
	c.state(s)
	if c.err == nil && len(c.buf) > 0 {
		c.fail("end", "%d bytes are left", len(c.buf))
	}
	if c.err != nil {
		return nil, c.err
	}
	return s, nil
}

var digestSeed = maphash.MakeSeed()

// Digest is a hash of the snapshot, of this process: equal States have equal
// digests.
func (s *State) Digest() uint64 {
	data, _ := s.AppendBinary(nil)
	return maphash.Bytes(digestSeed, data)
}

// codec goes through a State both ways: each method writes its argument, or
// reads it. After an error it reads zeros.
type codec struct {
	buf   []byte
	write bool
	err   error
}

func (c *codec) fail(what, format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf("%w: %s: %s", ErrSnapshot, what, fmt.Sprintf(format, args...))
	}
}

func (c *codec) u64(x *uint64) {
	if c.write {
		c.buf = binary.AppendUvarint(c.buf, *x)
		return
	}
	v, n := binary.Uvarint(c.buf)
	if n <= 0 || c.err != nil {
		c.fail("number", "cut off")
		*x, c.buf = 0, nil
		return
	}
	*x, c.buf = v, c.buf[n:]
}

// number is any integer. One that does not fit its type is an error.
func number[T ~int | ~int16 | ~int32 | ~int64 | ~uint8 | ~uint16 | ~uint32](c *codec, x *T) {
	v := int64(*x)
	u := uint64(v)<<1 ^ uint64(v>>63) //nolint:gosec // zigzag
	c.u64(&u)
	if c.write {
		return
	}
	v = int64(u>>1) ^ -int64(u&1) //nolint:gosec // as above
	*x = T(v)
	if int64(*x) != v {
		c.fail("number", "%d is too large", v)
		*x = 0
	}
}

func (c *codec) bool(x *bool) {
	n := oneIf(*x)
	number(c, &n)
	if !c.write {
		*x = n != 0
	}
}

// length is how many things follow; each takes a byte at least.
func (c *codec) length(n int) int {
	number(c, &n)
	if n < 0 || !c.write && n > len(c.buf) {
		c.fail("length", "%d with %d bytes left", n, len(c.buf))
		return 0
	}
	return n
}

// each goes through a list, making it as long as it was.
func each[T any](c *codec, list *[]T, f func(*T)) {
	n := c.length(len(*list))
	if !c.write {
		*list = make([]T, n)
	}
	for i := range *list {
		f(&(*list)[i])
	}
}

func (c *codec) state(s *State) {
	version := snapshotVersion
	number(c, &version)
	if version != snapshotVersion {
		c.fail("version", "%d is not %d", version, snapshotVersion)
		return
	}
	cfg := s.cfg
	c.config(&cfg)
	if !c.write {
		*s = *New(cfg)
	}
	number(c, &s.now)
	number(c, &s.origin)
	c.bool(&s.begun)
	c.definitions(s)
	for i := range s.roomSize {
		number(c, &s.roomSize[i])
	}
	c.people(s)
	c.work(s)
	c.u64(&s.stamps)
	c.u64(&s.arrivals)
	c.u64(&s.offers)
	c.u64(&s.tseq) // after the timers, which need their own
	if !c.write && c.err == nil {
		s.soonest()
	}
}

func (c *codec) config(x *Config) {
	each(c, &x.Channels, func(r *ChannelRule) {
		number(c, &r.Weight)
		number(c, &r.Limit)
		number(c, &r.Interrupts)
	})
	number(c, &x.RONALimit)
	number(c, &x.PriorityStep)
	number(c, &x.MaxPriority)
	number(c, &x.Exclude)
	number(c, &x.MaxAgents)
	number(c, &x.MaxContacts)
}

// definitions are made again in their old order, so that their handles are
// the same. Work types refer to plans and to work types before them, plans and
// classes to nothing.
func (c *codec) definitions(s *State) {
	plans := make([][]Step, len(s.plans))
	for i := range s.plans {
		plans[i] = s.stepsOf(Plan(i)) //nolint:gosec // a plan
	}
	each(c, &plans, func(steps *[]Step) { each(c, steps, c.step) })
	for i := range plans {
		if !c.write && int(s.Plan(plans[i])) != i {
			c.fail("plan", "%d is another one again", i)
		}
	}
	profiles := slices.Clone(s.classes)
	each(c, &profiles, c.class)
	for i := range profiles {
		if !c.write && int(s.addClass(profiles[i])) != i {
			c.fail("class", "%d is another one again", i)
		}
	}
	types := make([]WorkType, len(s.types))
	for i := range s.types {
		types[i] = s.types[i].WorkType
	}
	each(c, &types, c.workType)
	for i := range types {
		if !c.write {
			s.WorkType(types[i])
		}
	}
	each(c, &s.solo, c.bool)
}

// stepsOf is the plan as it could be defined.
func (s *State) stepsOf(p Plan) []Step {
	list := make([]Step, len(s.plans[p].steps))
	for i, st := range s.plans[p].steps {
		sig := &s.sigs[st.sig]
		list[i] = Step{After: time.Duration(st.after), Needs: sig.needs, Agents: sig.agents}
	}
	return list
}

func (c *codec) step(x *Step) {
	number(c, &x.After)
	each(c, &x.Needs, func(cl *Clause) {
		each(c, (*[]Requirement)(cl), func(r *Requirement) {
			number(c, &r.Skill)
			number(c, &r.Min)
		})
	})
	each(c, &x.Agents, func(a *Agent) { number(c, a) })
}

func (c *codec) class(x *classRec) {
	each(c, &x.skills, func(p *Proficiency) {
		number(c, &p.Skill)
		number(c, &p.Level)
		c.bool(&p.Reserve)
	})
	each(c, &x.queues, func(q *QueueRule) {
		number(c, &q.Queue)
		number(c, &q.Rank)
		number(c, &q.Delay)
	})
	number(c, &x.capacity)
	for i := range x.caps {
		number(c, &x.caps[i])
	}
	number(c, &x.solo)
}

func (c *codec) workType(x *WorkType) {
	number(c, &x.Queue)
	number(c, &x.Channel)
	number(c, &x.Select)
	number(c, &x.Load)
	number(c, &x.Patience)
	number(c, &x.Rate)
	number(c, &x.Saturate)
	number(c, &x.Promote)
	number(c, &x.OfferTimeout)
	number(c, &x.Wrap)
	number(c, &x.WrapUp)
	number(c, &x.WrapMax)
	number(c, &x.Reserve)
	number(c, &x.Overload)
	number(c, &x.Room)
	c.bool(&x.Overflow.On)
	number(c, &x.Overflow.Type)
	number(c, &x.Overflow.Plan)
	number(c, &x.Overflow.After)
	c.bool(&x.Overflow.AfterHold)
}

// people are the agents. Their load follows from what they have.
func (c *codec) people(s *State) {
	each(c, &s.agents, func(r *agentRec) {
		if !c.write {
			*r = agentRec{first: Nothing, held: noLane, cell: noCell}
		}
		number(c, &r.flags)
		if r.flags&isKnown == 0 {
			return
		}
		number(c, &r.class)
		if int(r.class) >= len(s.classes) {
			c.fail("agent", "class %d is not defined", r.class)
			r.class = 0
		}
		c.u64(&r.stamp)
		number(c, &r.reach)
		number(c, &r.rona)
		number(c, &r.reason)
		number(c, &r.told)
	})
	if !c.write {
		s.agentsCold = make([]agentCold, len(s.agents))
	}
	for i := range s.agentsCold {
		number(c, &s.agentsCold[i].since)
	}
}

// saved is a contact in a snapshot.
type saved struct {
	contactRec
	contactCold
	plan     Plan
	since    int64 // age at which its band began
	at       int64 // of its timer; 0: none
	started  uint64
	kind     timerKind
	what     uint64
	excluded []savedExclusion // the oldest first
}

type savedExclusion struct {
	agent   Agent
	at      int64
	started uint64
}

// work are the contacts, and in which order agents have them.
func (c *codec) work(s *State) {
	list := make([]saved, len(s.contacts))
	for i := range s.contacts {
		list[i] = s.saved(Contact(i)) //nolint:gosec // a contact
	}
	each(c, &list, c.contact)
	has := make([][]Contact, len(s.agents))
	for a := range s.agents {
		s.Has(Agent(a), func(x Contact) bool { has[a] = append(has[a], x); return true }) //nolint:gosec // an agent
	}
	for a := range has {
		each(c, &has[a], func(x *Contact) { number(c, x) })
	}
	if !c.write && c.err == nil {
		c.restore(s, list, has)
	}
}

func (s *State) saved(x Contact) saved {
	v := saved{contactRec: s.contacts[x], contactCold: s.contactsCold[x]}
	if v.phase == PhaseFree {
		return v
	}
	v.plan, v.since = s.courses[v.course].plan, s.bandOf(&v.contactRec).age
	if v.timer != noTimer {
		t := &s.timerRecs[v.timer]
		v.at, v.started, v.kind, v.what = t.at, t.seq, t.kind, t.what
	}
	for e := v.excl; e != noExcl; e = s.exclRecs[e].next {
		x := savedExclusion{agent: s.exclRecs[e].agent}
		if id := s.exclRecs[e].timer; id != noTimer {
			x.at, x.started = s.timerRecs[id].at, s.timerRecs[id].seq
		}
		v.excluded = append(v.excluded, x)
	}
	slices.Reverse(v.excluded)
	return v
}

func (c *codec) contact(v *saved) {
	number(c, &v.phase)
	if v.phase == PhaseFree {
		return
	}
	number(c, &v.flags)
	number(c, &v.enqueued)
	c.u64(&v.seq)
	number(c, &v.typ)
	number(c, &v.plan)
	number(c, &v.agent)
	number(c, &v.priority)
	number(c, &v.tier)
	number(c, &v.since)
	if v.flags&(hasPreferred|isHeld) != 0 {
		number(c, &v.pref)
	}
	if v.flags&isHeld != 0 {
		number(c, &v.holdUntil)
	}
	number(c, &v.at)
	if v.at != 0 {
		c.u64(&v.started)
		number(c, &v.kind)
		c.u64(&v.what)
	}
	each(c, &v.excluded, func(x *savedExclusion) {
		number(c, &x.agent)
		number(c, &x.at)
		c.u64(&x.started)
	})
}

// restore puts agents and contacts where they were.
func (c *codec) restore(s *State, list []saved, has [][]Contact) {
	s.contacts = make([]contactRec, len(list))
	s.contactsCold = make([]contactCold, len(list))
	for i := range list {
		if s.contacts[i].agent = Nobody; list[i].phase != PhaseFree {
			c.place(s, Contact(i), &list[i]) //nolint:gosec // a contact
		}
	}
	if c.err == nil {
		c.hand(s, has)
	}
	if c.err == nil {
		s.queue(list)
		s.run(list)
	}
}

// place brings back the contact itself and who is excluded.
func (c *codec) place(s *State, x Contact, v *saved) {
	if !v.possible(s) {
		c.fail("contact", "%d cannot be: %+v", x, *v)
		return
	}
	r := &s.contacts[x]
	*r = v.contactRec
	r.next, r.prev, r.timer, r.excl = Nothing, Nothing, noTimer, noExcl
	s.contactsCold[x] = v.contactCold
	s.aim(r, v.typ, v.plan)
	r.band = s.courses[r.course].bandAt(v.since)
	for _, e := range v.excluded {
		s.exclRecs = append(s.exclRecs, exclRec{agent: e.agent, next: r.excl, timer: noTimer})
		r.excl = exclID(len(s.exclRecs) - 1) //nolint:gosec // bounded like the contacts
	}
}

// possible reports whether what the contact refers to is there.
func (v *saved) possible(s *State) bool {
	agents := len(s.agents)
	switch {
	case int(v.typ) >= len(s.types), int(v.plan) >= len(s.plans), v.phase >= phaseNowhere, v.since < 0:
		return false
	case v.phase == PhaseWaiting && (v.agent != Nobody || v.flags&isHeld != 0 && int(v.pref) >= agents):
		return false
	case v.phase != PhaseWaiting && int(v.agent) >= agents:
		return false
	case v.flags&hasPreferred != 0 && int(v.pref) >= agents:
		return false
	}
	return (v.phase != PhaseOffered || v.at != 0) && v.kind <= wrapTimer
}

// hand gives the agents what they had, and puts them into their cells.
func (c *codec) hand(s *State, has [][]Contact) {
	order := make([]Agent, len(s.agents))
	for a := range s.agents {
		order[a] = Agent(a) //nolint:gosec // an agent
		for _, x := range slices.Backward(has[a]) {
			if int(x) >= len(s.contacts) || s.contacts[x].phase == PhaseFree || s.contacts[x].agent != order[a] {
				c.fail("agent", "%d does not have contact %d", a, x)
				return
			}
			s.take(x, order[a])
		}
	}
	slices.SortFunc(order, func(a, b Agent) int {
		if s.agents[a].stamp < s.agents[b].stamp {
			return -1
		}
		return 1
	})
	for _, a := range order {
		if r := &s.agents[a]; r.flags&isKnown != 0 {
			s.link(a, r)
		}
	}
}

// take lets the agent have a contact again.
func (s *State) take(x Contact, a Agent) {
	r, ag := &s.contacts[x], &s.agents[a]
	s.give(x, r, a, ag)
	if r.phase == PhaseParked {
		return
	}
	ch := s.types[r.typ].Channel
	ag.used += uint16(s.cfg.Channels[ch].Weight) //nolint:gosec // it fitted
	ag.count[ch]++
	switch r.phase {
	case PhaseOffered:
		ag.offers++
	case PhaseConnected:
		ag.live++
	case PhaseWrapUp:
		ag.wraps++
	}
}

// queue lets the contacts wait that did.
func (s *State) queue(list []saved) {
	var waiting []Contact
	for i := range list {
		if list[i].phase == PhaseWaiting {
			waiting = append(waiting, Contact(i)) //nolint:gosec // a contact
		}
	}
	slices.SortFunc(waiting, func(a, b Contact) int {
		if s.older(a, b) {
			return -1
		}
		return 1
	})
	for _, x := range waiting {
		cold := &s.contactsCold[x]
		until := cold.holdUntil
		cold.holdUntil = never // its timer comes with the others
		s.enter(x)
		cold.holdUntil = until
	}
}

// run starts the timers in their old order.
func (s *State) run(list []saved) {
	var timers []timerRec
	for i := range list {
		v, x := &list[i], Contact(i) //nolint:gosec // a contact
		if v.phase == PhaseFree {
			continue
		}
		if v.at != 0 {
			timers = append(timers, timerRec{at: v.at, seq: v.started, kind: v.kind, contact: x, what: v.what})
		}
		e := s.contacts[x].excl
		for _, y := range slices.Backward(v.excluded) {
			if y.at != 0 {
				timers = append(timers, timerRec{at: y.at, seq: y.started, kind: exclusionTimer, contact: x, what: uint64(e)}) //nolint:gosec // not negative
			}
			e = s.exclRecs[e].next
		}
	}
	slices.SortFunc(timers, func(a, b timerRec) int {
		if a.seq < b.seq {
			return -1
		}
		return 1
	})
	for _, t := range timers {
		s.tseq = t.seq - 1
		id := s.start(0, t.at, t.kind, t.contact, t.what)
		if t.kind == exclusionTimer {
			s.exclRecs[t.what].timer = id
		} else {
			s.contacts[t.contact].timer = id
		}
	}
}
