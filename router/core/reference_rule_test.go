package core

import "slices"

// Words, Eligible and the two orders, for the reference.

func (m *reference) age(ci Contact) int64 { return min(m.now-m.contacts[ci].enqueued, year) }

// eachBoundary calls yield for the ages at which something about the contact
// changes, in no order.
func (m *reference) eachBoundary(ci Contact, yield func(age int64)) {
	c := &m.contacts[ci]
	t := &m.types[c.typ]
	for _, s := range m.plans[c.plan] {
		yield(int64(s.After))
	}
	for k := 1; k < MaxTier && t.Promote > 0; k++ {
		yield(int64(k) * int64(t.Promote))
	}
	if t.Overflow.On {
		yield(int64(t.Overflow.After))
	}
	for i := range m.classes {
		for _, q := range m.classes[i].Queues {
			if q.Queue == t.Queue {
				yield(int64(q.Delay))
			}
		}
	}
}

// bandDue returns the time of the next boundary of the contact, or refNever.
func (m *reference) bandDue(ci Contact) int64 {
	next := refNever
	m.eachBoundary(ci, func(age int64) {
		if age > m.contacts[ci].band && age <= year {
			next = min(next, m.contacts[ci].enqueued+age)
		}
	})
	return next
}

func (m *reference) step(ci Contact) Step {
	c := &m.contacts[ci]
	step := Step{}
	for _, s := range m.plans[c.plan] {
		if int64(s.After) <= c.band {
			step = s
		}
	}
	return step
}

func (m *reference) tier(ci Contact) uint8 {
	c := &m.contacts[ci]
	if c.lost {
		return 0
	}
	tier := c.tier
	promote := int64(m.types[c.typ].Promote)
	for k := int64(1); promote > 0 && tier > 1 && k*promote <= c.band; k++ {
		tier--
	}
	return tier
}

// virtual is key V. What grows as time does is left out: that goes on for ever.
func (m *reference) virtual(ci Contact) int64 {
	c := &m.contacts[ci]
	t := m.types[c.typ]
	if t.Rate == RateOne && t.Saturate == 0 {
		return c.enqueued - m.boost(ci) + int64(t.Patience)
	}
	return m.now - refAged(t.Rate, m.ripe(ci)) - m.boost(ci) + int64(t.Patience)
}

func (m *reference) boost(ci Contact) int64 {
	return min(max(int64(m.contacts[ci].priority)*int64(m.cfg.PriorityStep), -year), year)
}

// ripe is the age up to which urgency grows.
func (m *reference) ripe(ci Contact) int64 {
	if s := m.types[m.contacts[ci].typ].Saturate; s > 0 {
		return min(m.age(ci), int64(s))
	}
	return m.age(ci)
}

func refAged(rate uint8, age int64) int64 { return min(int64(rate)*age/RateOne, year) }

func (m *reference) waiting(t Type) (n uint32) {
	for i := range m.contacts {
		if c := &m.contacts[i]; c.phase == PhaseWaiting && c.typ == t {
			n++
		}
	}
	return n
}

func (m *reference) overloaded(t Type) bool {
	return m.types[t].Overload > 0 && m.waiting(t) >= m.types[t].Overload
}

func refMeets(clause Clause, skills []Proficiency, reserve bool) bool {
	for _, r := range clause {
		for _, x := range skills {
			if x.Skill == r.Skill && x.Level >= r.Min && (reserve || !x.Reserve) {
				return true
			}
		}
	}
	return false
}

func (m *reference) meets(ai Agent, ci Contact) bool {
	step := m.step(ci)
	if len(step.Agents) > 0 && !slices.Contains(step.Agents, ai) {
		return false
	}
	reserve := m.overloaded(m.contacts[ci].typ)
	for _, clause := range step.Needs {
		if !refMeets(clause, m.classes[m.agents[ai].class].Skills, reserve) {
			return false
		}
	}
	return true
}

// rule returns what the agent's profile says of the contact's queue.
func (m *reference) rule(ai Agent, ci Contact) (QueueRule, bool) {
	rules := m.classes[m.agents[ai].class].Queues
	for _, q := range rules {
		if q.Queue == m.types[m.contacts[ci].typ].Queue {
			return q, true
		}
	}
	return QueueRule{}, len(rules) == 0
}

func (m *reference) serves(ai Agent, ci Contact) bool {
	rule, ok := m.rule(ai, ci)
	return ok && int64(rule.Delay) <= m.contacts[ci].band
}

// used returns the units and the contacts by channel that the agent has, and
// the units of the channels in a bit set.
func (m *reference) used(ai Agent, channels uint8) (units, of int, count [MaxChannels]uint16) {
	for _, ci := range m.agents[ai].has {
		if m.contacts[ci].phase == PhaseParked {
			continue
		}
		ch := m.types[m.contacts[ci].typ].Channel
		units += m.cfg.Channels[ch].Weight
		if channels>>ch&1 == 1 {
			of += m.cfg.Channels[ch].Weight
		}
		count[ch]++
	}
	return units, of, count
}

func (m *reference) limit(ai Agent, ch Channel) int {
	limit := m.classes[m.agents[ai].class].Capacity
	if x := m.cfg.Channels[ch].Limit; x > 0 {
		limit = min(limit, x)
	}
	return limit
}

// fits is the load rule: units and caps.
func (m *reference) fits(ai Agent, ch Channel) bool {
	rule := m.cfg.Channels[ch]
	units, interrupted, count := m.used(ai, rule.Interrupts)
	return units-interrupted+rule.Weight <= m.limit(ai, ch) && count[ch] < m.classes[m.agents[ai].class].Caps[ch]
}

func (m *reference) room(ai Agent, ch Channel) bool {
	a := &m.agents[ai]
	return a.signedIn && a.ready && !a.leaving && a.reach>>ch&1 == 1 && m.fits(ai, ch)
}

func (m *reference) inPool(ci Contact, ai Agent) bool {
	return m.room(ai, m.types[m.contacts[ci].typ].Channel) && m.serves(ai, ci) && m.meets(ai, ci)
}

func (m *reference) pool(ci Contact) (list []Agent) {
	for a := range m.agents {
		if m.inPool(ci, Agent(a)) {
			list = append(list, Agent(a))
		}
	}
	return list
}

func (m *reference) eligible(ci Contact, ai Agent) bool {
	c := &m.contacts[ci]
	if !m.inPool(ci, ai) || slices.Contains(c.excluded, ai) {
		return false
	}
	if c.held {
		return c.pref == ai
	}
	reserve := int(m.types[c.typ].Reserve)
	return reserve == 0 || len(m.pool(ci)) > reserve
}

// Positions in the keys.
const (
	refP = iota
	refG
	refL
	refI
	refAgentID
)

const (
	refH = iota
	refT
	refR
	refV
	refE
	refSeq
)

// agentKey is (P, G, L, I, id).
func (m *reference) agentKey(ci Contact, ai Agent) (k [5]int64) {
	c, a := &m.contacts[ci], &m.agents[ai]
	if c.pref != ai {
		k[refP] = 1
	}
	skills := m.classes[a.class].Skills
	switch m.types[c.typ].Select {
	case MostProficient:
		for _, clause := range m.step(ci).Needs {
			best := int64(0)
			for _, r := range clause {
				for _, x := range skills {
					if x.Skill == r.Skill && x.Level >= r.Min {
						best = max(best, int64(x.Level))
					}
				}
			}
			k[refG] -= best
		}
	case LeastFlexible:
		k[refG] = int64(len(skills))
	}
	units, _, _ := m.used(ai, 0)
	switch m.types[c.typ].Load {
	case LeastLoaded:
		k[refL] = int64(units)
	case MostLoaded:
		k[refL] = -int64(units)
	}
	k[refI], k[refAgentID] = int64(a.stamp), int64(ai)
	return k
}

// contactKey is (H, T, R, V, E, seq).
func (m *reference) contactKey(ci Contact, ai Agent) (k [6]int64) {
	k = m.queueKey(ci)
	if c := &m.contacts[ci]; !c.held || c.pref != ai {
		k[refH] = 1
	}
	rule, _ := m.rule(ai, ci)
	k[refR] = int64(rule.Rank)
	return k
}

// queueKey is (T, V, E, seq), with nothing for H and R.
func (m *reference) queueKey(ci Contact) (k [6]int64) {
	c := &m.contacts[ci]
	k[refT], k[refV], k[refE], k[refSeq] = int64(m.tier(ci)), m.virtual(ci), c.enqueued, int64(c.seq)
	return k
}

// ranked returns the eligible agents, the best first.
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

// candidates returns the eligible contacts, the best first.
func (m *reference) candidates(a Agent) (list []Contact) {
	for c := range m.contacts {
		if m.contacts[c].phase == PhaseWaiting && m.eligible(Contact(c), a) {
			list = append(list, Contact(c))
		}
	}
	m.order(list, func(c Contact) [6]int64 { return m.contactKey(c, a) })
	return list
}

func (m *reference) order(list []Contact, key func(Contact) [6]int64) {
	slices.SortFunc(list, func(x, y Contact) int {
		kx, ky := key(x), key(y)
		return slices.Compare(kx[:], ky[:])
	})
}
