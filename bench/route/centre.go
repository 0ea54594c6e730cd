package route

import (
	"time"

	"filo/router/core"
)

// Channels and work types of the measured State, and times in it.
const (
	calls core.Channel = iota
	mail

	onlyCalls = 1 << calls
	both      = 1<<calls | 1<<mail

	capacity = 100 // units: what one contact takes, of either channel
	epoch    = int64(1e18)
	apart    = int64(time.Millisecond) // of arrivals

	priorityStep = time.Minute
)

// centre is a State that holds a world. Everything that it takes to define
// one is in this file.
type centre struct {
	state  *core.State
	now    int64
	plans  []core.Plan // by kind
	anyone core.Plan
	out    []core.Effect
}

// newCentre signs every agent in, not ready and for calls only.
func newCentre(w *world) *centre {
	c := &centre{now: epoch, out: make([]core.Effect, 0, 64)}
	rule := core.ChannelRule{Weight: capacity}
	c.state = core.New(core.Config{Channels: []core.ChannelRule{calls: rule, mail: rule}, PriorityStep: priorityStep})
	for _, channel := range []core.Channel{calls, mail} { // the handles of the types are those of the channels
		c.state.WorkType(core.WorkType{
			Channel: channel, OfferTimeout: 20 * time.Second, WrapUp: time.Hour, Patience: 20 * time.Second,
		})
	}
	classes := make([]core.Class, len(w.profiles))
	for i, p := range w.profiles {
		classes[i] = c.state.Class(profileOf(p))
	}
	c.anyone = c.state.Plan(nil)
	c.plans = make([]core.Plan, len(w.kinds))
	for i, k := range w.kinds {
		c.plans[i] = c.state.Plan([]core.Step{{Needs: core.All(needsOf(k)...)}})
	}
	for a, p := range w.agents {
		c.apply(core.Command{Op: core.OpSignIn, Agent: core.Agent(a), Class: classes[p], Channels: onlyCalls})
	}
	if len(w.kinds) < distinctArrivals {
		c.useAll(w)
	}
	return c
}

// useAll lets a contact of every kind wait once, while nobody is ready, and
// then every agent be ready once: a centre that has been open for a while has
// met all that repeats.
func (c *centre) useAll(w *world) {
	for i, k := range w.kinds {
		for _, channel := range []core.Channel{calls, mail} {
			c.apply(c.arrival(0, channel, c.plans[i], k.priority))
			c.apply(core.Command{Op: core.OpWithdraw})
		}
	}
	for a := range w.agents {
		for _, cmd := range []core.Command{
			{Op: core.OpReady},
			{Op: core.OpReach, Channels: both},
			{Op: core.OpReach, Channels: onlyCalls},
			{Op: core.OpNotReady, Reason: core.ReasonUser},
		} {
			cmd.Agent = core.Agent(a) //nolint:gosec // an agent
			c.apply(cmd)
		}
	}
}

func profileOf(p profile) core.Profile {
	made := core.Profile{Capacity: capacity}
	made.Caps[calls], made.Caps[mail] = 1, 1
	for skill, level := range p {
		if level > 0 {
			made.Skills = append(made.Skills, core.Proficiency{Skill: core.Skill(skill), Level: level})
		}
	}
	return made
}

func needsOf(k kind) []core.Requirement {
	needs := make([]core.Requirement, len(k.needs))
	for i, n := range k.needs {
		needs[i] = core.Requirement{Skill: core.Skill(n.skill), Min: n.min} //nolint:gosec // at most maxSkills
	}
	return needs
}

// arrival is the command of a contact that arrives now.
func (c *centre) arrival(x core.Contact, typ core.Channel, plan core.Plan, priority int) core.Command {
	return core.Command{
		Op: core.OpArrive, Contact: x, Type: core.Type(typ), Plan: plan, Priority: int16(priority), //nolint:gosec // few
		Tier: 1, Time: c.now, Agent: core.Nobody,
	}
}

// apply runs a command at the present time and keeps its effects.
func (c *centre) apply(cmd core.Command) { c.out = c.state.Apply(c.now, cmd, c.out[:0]) }

// timed is apply, and returns the ticks that it took.
func (c *centre) timed(cmd core.Command) uint64 {
	from := ticks()
	c.out = c.state.Apply(c.now, cmd, c.out[:0])
	return ticks() - from
}

// offer returns the offer among the last effects, nil if there is none.
func (c *centre) offer() *core.Effect {
	for i := range c.out {
		if c.out[i].Kind == core.Offer {
			return &c.out[i]
		}
	}
	return nil
}

// worth is the waiting time that a priority stands for.
func worth(priority int) int64 { return int64(priority) * int64(priorityStep) }
