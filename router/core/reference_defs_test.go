package core

import (
	"cmp"
	"reflect"
	"slices"
	"time"
)

// The definitions, for the reference: brought into range, then kept as they are.

func refDuration(d time.Duration) time.Duration { return min(max(d, 0), time.Duration(year)) }

// Plan is State.Plan.
func (m *reference) Plan(steps []Step) Plan {
	var plan []Step
	for _, s := range steps {
		clean := Step{After: refDuration(s.After), Agents: slices.Clone(s.Agents)}
		for _, clause := range s.Needs {
			alternatives := Clause{}
			for _, r := range clause {
				alternatives = append(alternatives, Requirement{r.Skill, max(r.Min, 1)})
			}
			clean.Needs = append(clean.Needs, alternatives)
		}
		plan = append(plan, clean)
	}
	slices.SortStableFunc(plan, func(a, b Step) int { return cmp.Compare(a.After, b.After) })
	for i := len(plan) - 2; i >= 0; i-- {
		if plan[i].After == plan[i+1].After {
			plan = slices.Delete(plan, i, i+1)
		}
	}
	if len(plan) == 0 {
		plan = []Step{{}}
	}
	plan[0].After = 0
	for i := range m.plans {
		if reflect.DeepEqual(m.plans[i], plan) {
			return Plan(i)
		}
	}
	m.plans = append(m.plans, plan)
	return Plan(len(m.plans) - 1)
}

// Class is State.Class.
func (m *reference) Class(p Profile) Class {
	p.Capacity = min(max(p.Capacity, 0), maxUnits)
	for ch := range p.Caps {
		p.Caps[ch] = min(p.Caps[ch], MaxCap)
	}
	p.Skills = refSkills(p.Skills)
	p.Queues = refQueues(p.Queues)
	for i := range m.classes {
		if reflect.DeepEqual(m.classes[i], p) {
			return Class(i)
		}
	}
	m.classes = append(m.classes, p)
	return Class(len(m.classes) - 1)
}

// refSkills drops those of level 0 and keeps of equal skills the highest level,
// of equal levels the one that is no reserve.
func refSkills(list []Proficiency) (skills []Proficiency) {
	best := func(x Proficiency) bool {
		for _, y := range list {
			if x.Skill == y.Skill && (y.Level > x.Level || y.Level == x.Level && x.Reserve && !y.Reserve) {
				return false
			}
		}
		return true
	}
	for _, x := range list {
		if x.Level > 0 && best(x) && !slices.Contains(skills, x) {
			skills = append(skills, x)
		}
	}
	slices.SortFunc(skills, func(a, b Proficiency) int { return cmp.Compare(a.Skill, b.Skill) })
	return skills
}

// refQueues keeps the first rule for each queue.
func refQueues(list []QueueRule) (rules []QueueRule) {
	for _, x := range list {
		x.Delay = refDuration(x.Delay)
		if !slices.ContainsFunc(rules, func(y QueueRule) bool { return x.Queue == y.Queue }) {
			rules = append(rules, x)
		}
	}
	slices.SortFunc(rules, func(a, b QueueRule) int { return cmp.Compare(a.Queue, b.Queue) })
	return rules
}

// WorkType is State.WorkType.
func (m *reference) WorkType(w WorkType) Type {
	if int(w.Channel) >= len(m.cfg.Channels) {
		w.Channel = 0
	}
	if w.Rate == 0 {
		w.Rate = RateOne
	}
	w.OfferTimeout = max(refDuration(w.OfferTimeout), 1)
	for _, d := range []*time.Duration{&w.Patience, &w.Saturate, &w.Promote, &w.WrapUp, &w.WrapMax, &w.Overflow.After} {
		*d = refDuration(*d)
	}
	if int(w.Overflow.Type) >= len(m.types) || int(w.Overflow.Plan) >= len(m.plans) {
		w.Overflow.On = false
	}
	m.types = append(m.types, w)
	return Type(len(m.types) - 1)
}
