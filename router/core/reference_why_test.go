package core

import "slices"

// Explain is the explanation of an offer, for the reference.
func (m *reference) Explain(offer Effect, dst []Candidate) ([]Candidate, Account) {
	ci := offer.Contact
	c := &m.contacts[ci]
	acc := Account{
		Overload: m.overloaded(c.typ), Tier: m.tier(ci),
		Boost: m.boost(ci),
	}
	for i, s := range m.plans[c.plan] {
		if int64(s.After) <= c.band {
			acc.Step = i
		}
	}
	dst = append(dst[:0], Candidate{Agent: offer.Agent, Load: offer.Load, Since: offer.Since})
	var list []Agent
	for i := range m.agents {
		a := Agent(i)
		if a == offer.Agent {
			acc.Agents[Chosen]++
		} else if m.agents[a].signedIn {
			acc.Agents[m.verdict(ci, a)]++
			list = append(list, a)
		}
	}
	slices.SortFunc(list, func(x, y Agent) int { return slices.Compare(m.whyKey(ci, x), m.whyKey(ci, y)) })
	for _, a := range list {
		units, _, _ := m.used(a, 0)
		dst = append(dst, Candidate{Agent: a, Verdict: m.verdict(ci, a), Load: uint16(units), Since: m.agents[a].since})
	}
	if offer.Chose == ChoseContact {
		acc.Contacts = 1 + m.rivals(offer.Agent)
	}
	return dst, acc
}

// whyKey sorts the agents of an explanation: who could have it, who has the
// skills, the others; each by (G, L, I).
func (m *reference) whyKey(ci Contact, a Agent) []int64 {
	group := int64(2)
	switch m.verdict(ci, a) {
	case Eligible:
		group = 1
	case LacksSkill, OtherQueues:
		group = 3
	}
	k := m.agentKey(ci, a)
	return []int64{group, k[refG], k[refL], k[refI]}
}

func (m *reference) verdict(ci Contact, a Agent) Verdict {
	c, r := &m.contacts[ci], &m.agents[a]
	t := m.types[c.typ]
	switch {
	case !m.meets(a, ci):
		return LacksSkill
	case !m.serves(a, ci):
		return OtherQueues
	case !r.ready:
		return IsNotReady
	case r.reach>>t.Channel&1 == 0:
		return Unreachable
	case !m.room(a, t.Channel) && len(r.has) > 0:
		return IsBusy
	case !m.room(a, t.Channel):
		return NoCapacity
	case slices.Contains(c.excluded, a):
		return IsExcluded
	case c.held && c.pref != a:
		return HeldForElse
	case !c.held && t.Reserve > 0 && len(m.pool(ci)) <= int(t.Reserve):
		return IsReserved
	}
	return Eligible
}

// rivals counts the waiting contacts that an agent could have, but for room,
// exclusions and reserves, and that are not held.
func (m *reference) rivals(a Agent) (n int) {
	r := &m.agents[a]
	for i := range m.contacts {
		ci := Contact(i)
		c := &m.contacts[ci]
		if c.phase != PhaseWaiting || c.held {
			continue
		}
		ch := m.types[c.typ].Channel
		if r.reach>>ch&1 == 1 && m.classes[r.class].Caps[ch] > 0 && m.meets(a, ci) && m.serves(a, ci) {
			n++
		}
	}
	return n
}
