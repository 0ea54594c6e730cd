package core

import "slices"

// reference is the engine written from the definition in doc.go as plain
// loops over everything: no lists, no lanes, no heads. It is slow and obvious;
// the property test holds the State to it, effect by effect.
type reference struct {
	cfg      Config
	now      int64
	sigs     [][]Requirement
	classes  []Profile
	types    []WorkType
	agents   []refAgent
	contacts []refContact
	timers   []refTimer

	stamps, arrivals, offers, tseq uint64
	out                            []Effect
	overload                       []Effect // offers beyond a capacity or cap; must stay empty
}

type refAgent struct {
	signedIn, ready, leaving bool
	class                    Class
	reach                    uint8
	reason                   Reason
	rona                     int
	stamp                    uint64
	since                    int64
	told                     *Effect
	had                      []Contact // newest first
}

type refContact struct {
	phase              Phase
	typ                Type
	sig                Sig
	tier               uint8
	at, virtual        int64
	seq, offer         uint64
	pref, agent        Agent
	held               bool
	holdUntil, wrapEnd int64
	excluded           []Agent
}

type refTimer struct {
	at    int64
	seq   uint64
	kind  timerKind
	c     Contact
	agent Agent // of an exclusion
}

func (m *reference) apply(now int64, cmd Command) []Effect {
	m.now = max(m.now, now)
	m.out = nil
	for {
		i := -1
		for j, t := range m.timers {
			if t.at <= m.now && (i < 0 || t.at < m.timers[i].at || t.at == m.timers[i].at && t.seq < m.timers[i].seq) {
				i = j
			}
		}
		if i < 0 {
			break
		}
		t := m.timers[i]
		m.timers = slices.Delete(m.timers, i, i+1)
		m.fire(t)
	}
	if code := m.do(cmd); code != 0 {
		m.emit(Effect{Kind: Refused, Op: cmd.Op, Code: code, Contact: cmd.Contact, Agent: cmd.Agent, Offer: cmd.Offer})
	}
	return m.out
}

func (m *reference) emit(e Effect) { m.out = append(m.out, e) }

func (m *reference) start(at int64, kind timerKind, c Contact, a Agent) {
	m.tseq++
	m.timers = append(m.timers, refTimer{at, m.tseq, kind, c, a})
}

// stop ends the contact's own timer; exclusions only when all is true.
func (m *reference) stop(c Contact, all bool) {
	m.timers = slices.DeleteFunc(m.timers, func(t refTimer) bool {
		return t.c == c && (all || t.kind != exclusionTimer)
	})
}

func (m *reference) fire(t refTimer) {
	c := &m.contacts[t.c]
	switch t.kind {
	case holdTimer:
		c.held = false
		m.route(t.c)
	case offerTimer:
		a := &m.agents[c.agent]
		a.rona++
		if m.cfg.RONALimit > 0 && a.rona >= m.cfg.RONALimit && !a.leaving {
			a.ready, a.reason = false, ReasonRONA
		}
		m.refuse(t.c, Expired)
	case wrapTimer:
		m.finish(t.c)
	case exclusionTimer:
		c.excluded = slices.DeleteFunc(c.excluded, func(a Agent) bool { return a == t.agent })
		if c.phase == PhaseWaiting && m.bestAgent(t.c) != Nobody {
			m.route(t.c)
		}
	}
}

// --- the definition

func (m *reference) used(a Agent) (units int, count [MaxChannels]uint16) {
	for i := range m.contacts {
		if c := &m.contacts[i]; c.phase >= PhaseOffered && c.agent == a {
			ch := m.types[c.typ].Channel
			units += m.cfg.Channels[ch].Weight
			count[ch]++
		}
	}
	return units, count
}

func level(p Profile, k Skill) uint8 {
	var best uint8
	for _, x := range p.Skills {
		if x.Skill == k {
			best = max(best, x.Level)
		}
	}
	return best
}

func (m *reference) eligible(ci Contact, ai Agent) bool {
	c, a := &m.contacts[ci], &m.agents[ai]
	ch := m.types[c.typ].Channel
	p, rule := m.classes[a.class], m.cfg.Channels[ch]
	if !a.signedIn || !a.ready || a.leaving || a.reach>>ch&1 == 0 {
		return false
	}
	limit := p.Capacity
	if rule.Limit > 0 && rule.Limit < limit {
		limit = rule.Limit
	}
	units, count := m.used(ai)
	if units+rule.Weight > limit || count[ch] >= p.Caps[ch] {
		return false
	}
	for _, n := range m.sigs[c.sig] {
		if level(p, n.Skill) < max(n.Min, 1) {
			return false
		}
	}
	if slices.Contains(c.excluded, ai) {
		return false
	}
	return !c.held || c.pref == ai
}

// agentKey is (P, G, L, I, id).
func (m *reference) agentKey(ci Contact, ai Agent) [5]int64 {
	c, a := &m.contacts[ci], &m.agents[ai]
	t, p := m.types[c.typ], m.classes[a.class]
	var k [5]int64
	if c.pref != ai {
		k[0] = 1
	}
	switch t.Select {
	case MostProficient:
		skills := map[Skill]bool{}
		for _, n := range m.sigs[c.sig] {
			if !skills[n.Skill] {
				k[1] -= int64(level(p, n.Skill))
			}
			skills[n.Skill] = true
		}
	case LeastFlexible:
		skills := map[Skill]bool{}
		for _, x := range p.Skills {
			if x.Level > 0 {
				skills[x.Skill] = true
			}
		}
		k[1] = int64(len(skills))
	}
	units, _ := m.used(ai)
	switch t.Load {
	case LeastLoaded:
		k[2] = int64(units)
	case MostLoaded:
		k[2] = -int64(units)
	}
	k[3], k[4] = int64(a.stamp), int64(ai) //nolint:gosec // small
	return k
}

// contactKey is (H, T, V, seq).
func (m *reference) contactKey(ci Contact, ai Agent) [4]int64 {
	c := &m.contacts[ci]
	k := [4]int64{1, int64(c.tier), c.virtual, int64(c.seq)} //nolint:gosec // small
	if c.held && c.pref == ai {
		k[0] = 0
	}
	return k
}

func (m *reference) ranked(c Contact) (list []Agent) {
	for a := range m.agents {
		if m.eligible(c, Agent(a)) {
			list = append(list, Agent(a))
		}
	}
	slices.SortFunc(list, func(x, y Agent) int {
		kx, ky := m.agentKey(c, x), m.agentKey(c, y)
		return slices.Compare(kx[:], ky[:])
	})
	return list
}

func (m *reference) bestAgent(c Contact) Agent {
	if list := m.ranked(c); len(list) > 0 {
		return list[0]
	}
	return Nobody
}

func (m *reference) candidates(a Agent) (list []Contact) {
	for c := range m.contacts {
		if m.contacts[c].phase == PhaseWaiting && m.eligible(Contact(c), a) {
			list = append(list, Contact(c))
		}
	}
	slices.SortFunc(list, func(x, y Contact) int {
		kx, ky := m.contactKey(x, a), m.contactKey(y, a)
		return slices.Compare(kx[:], ky[:])
	})
	return list
}

// --- the event rule

func (m *reference) touch(a Agent) {
	m.stamps++
	m.agents[a].stamp, m.agents[a].since = m.stamps, m.now
}

// route offers the contact or lets it wait in its place.
func (m *reference) route(ci Contact) {
	c := &m.contacts[ci]
	m.stop(ci, false)
	if c.held && (c.holdUntil <= m.now || !m.agents[c.pref].signedIn || m.agents[c.pref].leaving) {
		c.held = false
	}
	list := m.ranked(ci)
	if len(list) == 0 {
		c.phase = PhaseWaiting
		if c.held {
			m.start(c.holdUntil, holdTimer, ci, Nobody)
		}
		m.emit(Effect{Kind: Waiting, Contact: ci, Agent: Nobody})
		return
	}
	e := Effect{Considered: uint32(len(list)), NextAgent: Nobody, NextContact: Nothing, Chose: ChoseAgent} //nolint:gosec // small
	if c.held {
		e.Key = KeyPreferred
	}
	if len(list) > 1 {
		e.NextAgent = list[1]
		x, y := m.agentKey(ci, list[0]), m.agentKey(ci, list[1])
		switch sel := m.types[c.typ].Select; {
		case x[0] != y[0]:
			e.Key = KeyPreferred
		case x[1] != y[1] && sel == LeastFlexible:
			e.Key = KeyFlexibility
		case x[1] != y[1]:
			e.Key = KeyProficiency
		case x[2] != y[2]:
			e.Key = KeyLoad
		default:
			e.Key = KeyIdle
		}
	}
	m.offer(ci, list[0], e)
}

func (m *reference) drain(a Agent) {
	for {
		list := m.candidates(a)
		if len(list) == 0 {
			return
		}
		e := Effect{NextAgent: Nobody, NextContact: Nothing, Chose: ChoseContact}
		c := &m.contacts[list[0]]
		if c.held {
			e.Key = KeyHeld
		} else if len(list) > 1 {
			e.NextContact = list[1]
			x, y := m.contactKey(list[0], a), m.contactKey(list[1], a)
			switch {
			case x[1] != y[1]:
				e.Key = KeyTier
			case x[2] != y[2]:
				e.Key = KeyDeadline
			default:
				e.Key = KeyArrival
			}
		}
		m.stop(list[0], false)
		m.offer(list[0], a, e)
	}
}

func (m *reference) offer(ci Contact, ai Agent, e Effect) {
	c, a := &m.contacts[ci], &m.agents[ai]
	units, _ := m.used(ai)
	m.offers++
	c.phase, c.agent, c.offer = PhaseOffered, ai, m.offers
	e.Kind, e.Contact, e.Agent, e.Offer = Offer, ci, ai, m.offers
	e.Time = m.now + int64(m.types[c.typ].OfferTimeout)
	e.Load, e.Since = uint16(units), a.since //nolint:gosec // small
	m.start(e.Time, offerTimer, ci, Nobody)
	a.had = append([]Contact{ci}, a.had...)
	m.touch(ai)
	m.emit(e)
	p := m.classes[a.class]
	if now, count := m.used(ai); now > p.Capacity || count[m.types[c.typ].Channel] > p.Caps[m.types[c.typ].Channel] {
		m.overload = append(m.overload, e)
	}
	m.tell(ai)
}

func (m *reference) endOffer(ci Contact, how How) {
	c := &m.contacts[ci]
	m.stop(ci, false)
	m.emit(Effect{Kind: OfferEnded, Contact: ci, Agent: c.agent, Offer: c.offer, How: how})
}

func (m *reference) release(ci Contact) {
	c := &m.contacts[ci]
	a := c.agent
	m.agents[a].had = slices.DeleteFunc(m.agents[a].had, func(x Contact) bool { return x == ci })
	c.phase, c.agent = PhaseFree, Nobody
	m.touch(a)
}

func (m *reference) exclude(ci Contact, a Agent) {
	c := &m.contacts[ci]
	if c.pref == a {
		c.held = false
	}
	if slices.Contains(c.excluded, a) {
		return
	}
	c.excluded = append(c.excluded, a)
	if m.cfg.Exclude > 0 {
		m.start(m.now+int64(m.cfg.Exclude), exclusionTimer, ci, a)
	}
}

func (m *reference) refuse(ci Contact, how How) {
	a := m.contacts[ci].agent
	m.endOffer(ci, how)
	m.release(ci)
	m.exclude(ci, a)
	m.route(ci)
	m.settle(a)
}

func (m *reference) revoke(a Agent, channels uint8) {
	for {
		i := slices.IndexFunc(m.agents[a].had, func(c Contact) bool {
			return m.contacts[c].phase == PhaseOffered && channels>>m.types[m.contacts[c].typ].Channel&1 == 1
		})
		if i < 0 {
			return
		}
		c := m.agents[a].had[i]
		m.endOffer(c, Revoked)
		m.release(c)
		m.route(c)
	}
}

func (m *reference) finish(ci Contact) {
	a := m.contacts[ci].agent
	m.release(ci)
	m.close(ci, a)
	m.settle(a)
}

func (m *reference) close(ci Contact, served Agent) {
	m.stop(ci, true)
	m.contacts[ci] = refContact{agent: Nobody, pref: Nobody}
	m.emit(Effect{Kind: Closed, Contact: ci, Agent: served})
}

func (m *reference) settle(a Agent) {
	m.drain(a)
	r := &m.agents[a]
	if r.leaving && len(r.had) == 0 {
		r.signedIn, r.leaving, r.reason = false, false, ReasonNone
	}
	m.tell(a)
}

func (m *reference) status(a Agent) Status {
	r := &m.agents[a]
	var n [5]int
	for _, c := range r.had {
		n[m.contacts[c].phase]++
	}
	switch {
	case !r.signedIn:
		return LoggedOut
	case n[PhaseConnected] > 0:
		return Busy
	case n[PhaseOffered] > 0:
		return Reserved
	case n[PhaseWrapUp] > 0:
		return WrappingUp
	case r.ready:
		return Ready
	}
	return NotReady
}

func (m *reference) tell(a Agent) {
	r := &m.agents[a]
	e := Effect{Kind: AgentState, Agent: a, State: m.status(a), Ready: r.ready, Reason: r.reason, Contact: Nothing}
	if r.told == nil || *r.told != e {
		r.told = &e
		m.emit(e)
	}
}
