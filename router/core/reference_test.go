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
