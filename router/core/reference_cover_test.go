package core

import (
	"cmp"
	"slices"
)

// What really decided something, for the reference: the property test is worth
// only what it reaches, so it counts that.

// coverOffer looks at an offer that is about to be made.
func (m *reference) coverOffer(ci Contact, ai Agent, e Effect) {
	c, t := &m.contacts[ci], m.types[m.contacts[ci].typ]
	if e.Chose == ChoseAgent {
		m.saw("agent by " + e.Key.String())
		if e.Key == KeyLoad {
			m.saw(map[Load]string{LeastLoaded: "load: least", MostLoaded: "load: most"}[t.Load])
		}
	} else {
		m.saw("contact by " + e.Key.String())
	}
	if c.held {
		m.saw("hold: offered")
		if c.holdUntil == refNever {
			m.saw("hold: forever, offered")
		}
	}
	if !c.lost && m.tier(ci) < c.tier {
		m.saw("promotion: offered")
	}
	if units, _, _ := m.used(ai, 0); units+m.cfg.Channels[t.Channel].Weight > m.limit(ai, t.Channel) {
		m.saw("interrupts: offered")
	}
	if rule, _ := m.rule(ai, ci); rule.Delay > 0 {
		m.saw("delay: over, offered")
	}
	m.coverSkills(ci, ai)
	for _, other := range c.excluded {
		if m.inPool(ci, other) && !c.held {
			m.saw("exclusion: passed over")
		}
	}
}

func (m *reference) coverSkills(ci Contact, ai Agent) {
	skills := m.classes[m.agents[ai].class].Skills
	first, step := m.plans[m.contacts[ci].plan][0], m.step(ci)
	met := func(s Step, reserve bool) bool {
		return (len(s.Agents) == 0 || slices.Contains(s.Agents, ai)) &&
			!slices.ContainsFunc(s.Needs, func(x Clause) bool { return !refMeets(x, skills, reserve) })
	}
	if !met(step, false) {
		m.saw("reserve skill: offered")
	}
	if !met(first, true) {
		m.saw("step: offered to whom the first one would not have")
	}
	if len(step.Agents) > 0 {
		m.saw("step: named agent offered")
	}
	if len(step.Needs) > 1 {
		m.saw("needs: and")
	}
	for _, x := range step.Needs {
		if !refMeets(x[:1], skills, true) {
			m.saw("needs: or")
		}
	}
}

// coverWaiting looks at a contact that has no eligible agent and is to wait.
func (m *reference) coverWaiting(ci Contact) {
	c, t := &m.contacts[ci], m.types[m.contacts[ci].typ]
	pool := m.pool(ci)
	if len(pool) > 0 && c.held {
		m.saw("hold: others passed over")
	}
	if !c.held && len(pool) > 0 && len(pool) <= int(t.Reserve) {
		m.saw("reserve: agents left free")
	}
	for i := range m.agents {
		a := Agent(i)
		r := &m.agents[a]
		if r.signedIn && r.ready && r.reach>>t.Channel&1 == 1 && m.serves(a, ci) && m.meets(a, ci) && !m.fits(a, t.Channel) {
			m.coverFull(a, t.Channel)
		}
		if !m.room(a, t.Channel) {
			continue
		}
		if rule, ok := m.rule(a, ci); !ok {
			m.saw("queue: not served")
		} else if int64(rule.Delay) > c.band {
			m.saw("delay: not yet")
		}
		if m.serves(a, ci) && !m.meets(a, ci) {
			m.coverUnmet(ci, a)
		}
	}
}

func (m *reference) coverFull(a Agent, ch Channel) {
	units, _, count := m.used(a, 0)
	p := m.classes[m.agents[a].class]
	weight := m.cfg.Channels[ch].Weight
	switch {
	case units+weight > p.Capacity:
		m.saw("room: no capacity")
	case units+weight > m.limit(a, ch):
		m.saw("room: limit of the channel")
	case count[ch] >= p.Caps[ch]:
		m.saw("room: cap")
	}
}

func (m *reference) coverUnmet(ci Contact, a Agent) {
	step, skills := m.step(ci), m.classes[m.agents[a].class].Skills
	if len(step.Agents) > 0 && !slices.Contains(step.Agents, a) {
		m.saw("step: not among its agents")
		return
	}
	if !slices.ContainsFunc(step.Needs, func(x Clause) bool { return !refMeets(x, skills, true) }) {
		m.saw("reserve skill: not yet")
		return
	}
	if first := m.plans[m.contacts[ci].plan][0]; len(first.Agents) == 0 &&
		!slices.ContainsFunc(first.Needs, func(x Clause) bool { return !refMeets(x, skills, false) }) {
		m.saw("step: not nested, who met the first one does not meet it")
	}
}

// coverTook looks at an agent's choice among contacts, the best of which is
// about to be offered.
func (m *reference) coverTook(a Agent, list []Contact) {
	if len(list) < 2 || m.contacts[list[0]].held {
		return
	}
	x, y := list[0], list[1]
	cx, cy := &m.contacts[x], &m.contacts[y]
	tx, ty := m.types[cx.typ], m.types[cy.typ]
	switch m.contactReason(a, x, y) {
	case KeyTier:
		if cx.lost {
			m.saw("tier: the lost agent's first")
		} else if cx.tier >= cy.tier {
			m.saw("promotion: decided")
		}
	case KeyDeadline:
		if cx.priority != cy.priority {
			m.saw("deadline: priorities differ")
		}
		if tx.Patience != ty.Patience {
			m.saw("deadline: patience differs")
		}
		if tx.Rate != ty.Rate && m.gap(x, y, false, RateOne) > 0 {
			m.saw("rate: decided")
		}
		if m.gap(x, y, true, 0) > 0 {
			m.saw("saturation: decided")
		}
	}
}

// gap is V of x less V of y as it would be at another rate (0: their own), or
// without saturation.
func (m *reference) gap(x, y Contact, unsaturated bool, rate uint8) int64 {
	would := func(c Contact) int64 {
		own, age := m.types[m.contacts[c].typ].Rate, m.ripe(c)
		v := m.virtual(c) + refAged(own, age)
		if unsaturated {
			age = m.age(c)
		}
		return v - refAged(cmp.Or(rate, own), age)
	}
	return would(x) - would(y)
}
