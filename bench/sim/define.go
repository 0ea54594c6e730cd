package sim

import (
	"math"
	"time"

	"filo/router/core"
)

// centre is a core with the definitions of a scenario. This file is all that
// knows how the words of a scenario become those of the core.
type centre struct {
	*core.State
	ticks    float64 // in a unit
	types    []core.Type
	arrive   []core.Command // by class; contact, time and preference are missing
	profiles []core.Class   // by group
	first    []core.Agent   // by group: its agents have the handles from here on
	weight   []int64        // by class: units
	reserved core.Contact   // handles below it are not to be used
	timed    bool           // the core may have deadlines of its own
	wraps    bool           // some class has work after its contacts
	classOf  []uint16       // by work type
}

// noEnd is a time that does not pass: more ticks than a scenario lasts, fewer
// than the core's year.
const noEnd = 1 << 54

// span turns units into ticks.
func (c *centre) span(units float64) int64 {
	if t := units * c.ticks; t < noEnd {
		return int64(math.Round(t))
	}
	return noEnd
}

func (c *centre) duration(units float64) time.Duration { return time.Duration(c.span(units)) }

// define builds the core of one replication.
func define(sc *Scenario) *centre {
	cfg := core.Config{
		RONALimit:    sc.offer.ronaLimit,
		PriorityStep: 0,
		MaxPriority:  500,
		MaxContacts:  1 << 26,
	}
	for _, ch := range sc.channels {
		rule := core.ChannelRule{Weight: ch.weight, Limit: ch.limit}
		for _, k := range ch.interrupts {
			rule.Interrupts |= 1 << k
		}
		cfg.Channels = append(cfg.Channels, rule)
	}
	c := &centre{ticks: sc.ticks()}
	cfg.PriorityStep = c.duration(sc.priorityStep)
	cfg.Exclude = c.duration(sc.offer.exclude)
	c.State = core.New(cfg)
	c.timed = sc.timed()
	c.agents(sc)
	c.classes(sc)
	c.rooms(sc)
	return c
}

// timed reports whether anything happens by time alone. What the simulation
// times itself, and offers that are accepted at once, does not count.
func (sc *Scenario) timed() bool {
	for i := range sc.classes {
		c := &sc.classes[i]
		if len(c.steps) > 1 || c.promote > 0 || c.overflow.after > 0 || c.prefers.group != "" {
			return true
		}
	}
	for i := range sc.groups {
		g := &sc.groups[i]
		if !g.direct() {
			return true
		}
		for _, s := range g.serves {
			if s.delay > 0 {
				return true
			}
		}
	}
	return false
}

// direct reports whether the agents accept every offer at once.
func (g *group) direct() bool { return g.answer == nil && g.refuse == 0 && g.ignore == 0 }

func (c *centre) agents(sc *Scenario) {
	var next core.Agent
	for i := range sc.groups {
		g := &sc.groups[i]
		p := core.Profile{Capacity: g.capacity}
		for ch := range sc.channels {
			p.Caps[ch] = core.MaxCap
			if g.caps[ch] >= 0 {
				p.Caps[ch] = uint16(g.caps[ch]) //nolint:gosec // at most MaxCap
			}
		}
		for _, s := range g.skills {
			p.Skills = append(p.Skills, core.Proficiency{Skill: core.Skill(s.skill), Level: s.level, Reserve: s.reserve}) //nolint:gosec // few
		}
		for _, s := range g.serves {
			p.Queues = append(p.Queues, core.QueueRule{Queue: core.Queue(s.class), Rank: uint8(s.rank), Delay: c.duration(s.delay)}) //nolint:gosec // within bounds
		}
		c.profiles = append(c.profiles, c.Class(p))
		c.first = append(c.first, next)
		next += core.Agent(g.count) //nolint:gosec // not negative
	}
}

// classes defines work types; those that others overflow to come first.
func (c *centre) classes(sc *Scenario) {
	n := len(sc.classes)
	c.types, c.arrive, c.weight = make([]core.Type, n), make([]core.Command, n), make([]int64, n)
	done := make([]bool, n)
	var add func(i int)
	add = func(i int) {
		if done[i] {
			return
		}
		done[i] = true
		if o := sc.classes[i].overflow; o.to != "" {
			add(o.index)
		}
		c.class(sc, i)
	}
	for i := range sc.classes {
		c.wraps = c.wraps || sc.classes[i].wrapUp != nil
	}
	for i := range sc.classes {
		add(i)
	}
}

func (c *centre) class(sc *Scenario, i int) {
	x := &sc.classes[i]
	w := core.WorkType{
		Queue: core.Queue(i), Channel: core.Channel(x.channel), Select: core.Select(x.sel), Load: core.Load(x.load), //nolint:gosec // few
		Patience: c.duration(x.deadline), Rate: uint8(math.Round(x.ageing * core.RateOne)),
		Saturate: c.duration(x.saturate), Promote: c.duration(x.promote),
		OfferTimeout: noEnd, Reserve: uint32(x.reserve), Overload: uint32(x.overload), Room: core.Room(x.room + 1), //nolint:gosec // within bounds
	}
	if sc.offer.timeout > 0 {
		w.OfferTimeout = c.duration(sc.offer.timeout)
	}
	if c.wraps {
		w.Wrap = core.WrapOpen // the simulation ends it: it may be of any distribution
	}
	if o := x.overflow; o.to != "" {
		w.Overflow = core.Overflow{On: true, Type: c.types[o.index], Plan: c.arrive[o.index].Plan, After: c.duration(o.after), AfterHold: o.afterHold}
	}
	c.types[i] = c.WorkType(w)
	c.classOf = append(c.classOf, uint16(i)) //nolint:gosec // few
	c.weight[i] = int64(sc.channels[x.channel].weight)
	c.arrive[i] = core.Command{
		Op: core.OpArrive, Type: c.types[i], Plan: c.plan(sc, x.steps), Agent: core.Nobody,
		Tier: uint8(x.tier), Priority: int16(x.priority), //nolint:gosec // within bounds
	}
}

func (c *centre) plan(sc *Scenario, steps []step) core.Plan {
	var list []core.Step
	for _, s := range steps {
		st := core.Step{After: c.duration(s.after)}
		for _, any := range s.needs {
			cl := core.Clause{}
			for _, r := range any {
				cl = append(cl, core.Requirement{Skill: core.Skill(r.skill), Min: r.min}) //nolint:gosec // few
			}
			st.Needs = append(st.Needs, cl)
		}
		for _, g := range s.agents {
			for k := range sc.groups[g].count {
				st.Agents = append(st.Agents, c.first[g]+core.Agent(k)) //nolint:gosec // not negative
			}
		}
		list = append(list, st)
	}
	return c.Plan(list)
}

// rooms sets the sizes of waiting rooms. To the core 0 is boundless, so where
// nobody may wait the only place is taken for good, by a contact that nobody
// can serve.
func (c *centre) rooms(sc *Scenario) {
	for i, r := range sc.rooms {
		room := core.Room(i + 1)                                                                 //nolint:gosec // at most 250
		c.Apply(0, core.Command{Op: core.OpRoom, Room: room, Size: uint32(max(r.size, 1))}, nil) //nolint:gosec // not negative
		if r.size > 0 {
			continue
		}
		typ := c.WorkType(core.WorkType{Room: room, Queue: core.Queue(len(sc.classes)), OfferTimeout: noEnd}) //nolint:gosec // few
		plan := c.Plan([]core.Step{{Needs: []core.Clause{{}}}})
		c.Apply(0, core.Command{Op: core.OpArrive, Contact: c.reserved, Type: typ, Plan: plan, Agent: core.Nobody}, nil)
		c.reserved++
	}
}
