package core

import (
	"slices"
	"time"
)

// dice is a source of choices: random ones in the property test, bytes in the
// fuzz test.
type dice interface {
	IntN(n int) int // 0 to n-1
}

// draws makes definitions small enough that everything collides.
type draws struct {
	dice
	even bool // all work types age like time, without a reserve: the short cuts of the State
}

// chance is true in one of n cases.
func (d draws) chance(n int) bool { return d.IntN(n) == 0 }

func (d draws) pick(of ...int) int { return of[d.IntN(len(of))] }

func (d draws) nanos(of ...int) time.Duration { return time.Duration(d.pick(of...)) }

func (d draws) config() Config {
	cfg := Config{
		RONALimit: d.IntN(3), PriorityStep: d.nanos(7, 0, 2, 2, 1, int(year/2)), MaxPriority: 3, MaxAgents: 64, MaxContacts: 256,
		Exclude: d.nanos(0, 25, 8),
		Channels: []ChannelRule{
			{Weight: 6, Limit: d.pick(0, 9)}, {Weight: 2, Limit: 4 + d.IntN(3)}, {Weight: 1, Limit: d.pick(0, 0, 3)},
		},
	}
	if d.chance(2) {
		cfg.Channels[0].Interrupts = uint8(d.pick(2, 4, 6, 7))
		cfg.Channels[d.pick(1, 2)].Interrupts = uint8(d.pick(0, 4, 2))
	}
	return cfg
}

func (d draws) step(skills int) Step {
	s := Step{After: d.nanos(0, 5, 10, 20, 33, -1)}
	for range d.pick(0, 1, 1, 2) {
		var c Clause
		for range d.pick(1, 1, 2, 3) {
			c = append(c, Requirement{Skill: Skill(d.IntN(skills)), Min: uint8(20 * d.IntN(5))})
		}
		s.Needs = append(s.Needs, c)
	}
	if d.chance(5) {
		for range d.pick(1, 2, 4) {
			s.Agents = append(s.Agents, Agent(d.pick(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 1000))) // the last is nobody
		}
	}
	if d.chance(40) {
		s.Needs = append(s.Needs, Clause{})
	}
	return s
}

func (d draws) steps(skills int) (steps []Step) {
	for range d.pick(0, 1, 1, 2, 3, 4) {
		steps = append(steps, d.step(skills))
	}
	return steps
}

func (d draws) profile(skills int) Profile {
	p := Profile{Capacity: 2 + d.IntN(11)}
	for ch := range 3 {
		p.Caps[ch] = uint16(d.pick(1, 1, 2, 3, 0))
	}
	for k := range skills {
		if !d.chance(3) {
			p.Skills = append(p.Skills, Proficiency{Skill: Skill(k), Level: uint8(20 * d.IntN(6)), Reserve: d.chance(4)})
		}
	}
	if d.chance(20) && len(p.Skills) > 0 { // twice
		x := p.Skills[0]
		p.Skills = append(p.Skills, Proficiency{x.Skill, x.Level + uint8(d.pick(0, 20)), !x.Reserve})
	}
	if d.chance(2) {
		return p
	}
	for range 1 + d.IntN(4) {
		p.Queues = append(p.Queues, QueueRule{
			Queue: Queue(d.IntN(3)), Rank: uint8(d.IntN(3)), Delay: d.nanos(0, 0, 0, 5, 6, 30, int(2*year)),
		})
	}
	return p
}

// like changes one thing in a plan, alike in a profile, so that interning has to
// tell them apart.
func (d draws) like(steps []Step) []Step {
	steps = slices.Clone(steps)
	if len(steps) == 0 {
		return []Step{{}}
	}
	s := &steps[d.IntN(len(steps))]
	switch d.IntN(4) {
	case 0:
		s.After++
	case 1:
		s.Agents = append(slices.Clone(s.Agents), Agent(d.IntN(10)))
	case 2:
		s.Needs = append(slices.Clone(s.Needs), Clause{{Skill: 0, Min: 20}})
	case 3:
		slices.Reverse(steps)
	}
	return steps
}

func (d draws) alike(p Profile) Profile {
	p.Skills, p.Queues = slices.Clone(p.Skills), slices.Clone(p.Queues)
	skill, queue := d.IntN(max(len(p.Skills), 1)), d.IntN(max(len(p.Queues), 1))
	switch change := d.IntN(6); {
	case change == 0:
		p.Caps[d.IntN(3)]++
	case change == 1:
		p.Capacity++
	case change == 2 && len(p.Skills) > 0:
		p.Skills[skill].Level += 20
	case change == 3 && len(p.Queues) > 0:
		p.Queues[queue].Rank++
	case change == 4 && len(p.Queues) > 0:
		p.Queues[queue].Delay += 5
	case len(p.Skills) > 0:
		p.Skills[skill].Reserve = !p.Skills[skill].Reserve
	}
	return p
}

func (d draws) workType(types, plans int) WorkType {
	w := WorkType{
		Queue: Queue(d.IntN(3)), Channel: Channel(d.pick(0, 1, 2, 2, 1, 0, 9)), Select: Select(d.IntN(3)), Load: Load(d.IntN(3)),
		Patience: d.nanos(0, 0, 2, 7, 20, 45, int(year), -4), Rate: uint8(d.pick(0, 16, 16, 1, 5, 32, 64, 255)), Saturate: d.nanos(0, 0, 9, 30),
		Promote: d.nanos(0, 0, 6, 15), OfferTimeout: d.nanos(20, 8, 5, 3, 0),
		Wrap: Wrap(d.IntN(4)), WrapUp: d.nanos(9, 0, 4), WrapMax: d.nanos(0, 12, 5),
		Reserve: uint32(d.pick(0, 0, 0, 1, 2)), Overload: uint32(d.pick(0, 1, 2, 3)), Room: Room(d.pick(0, 0, 1, 2)),
	}
	if d.even {
		w.Rate, w.Saturate, w.Reserve = 0, 0, 0
	}
	if d.chance(2) {
		w.Overflow = Overflow{
			On: true, Type: Type(d.IntN(types + 1)), Plan: Plan(d.IntN(plans + 1)), After: d.nanos(0, 0, 10, 26, -3),
			AfterHold: d.chance(2),
		}
	}
	return w
}
