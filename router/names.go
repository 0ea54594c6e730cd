package router

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"filo/contact"
	"filo/router/core"
)

// names maps what the outside calls things to the core's handles.
type names struct {
	channels   []contact.Channel // by core.Channel, sorted by name
	queues     []*queue          // sorted by name
	queueBy    map[string]*queue
	queueIDs   map[string]core.Queue // of every queue that ever was
	queueByID  []*queue              // by core.Queue; nil for those that are no more since a restart
	rooms      map[string]core.Room  // as queueIDs
	skills     map[string]core.Skill
	skillNames []string // by core.Skill
	agents     map[contact.AgentID]*agent
	byHandle   []*agent
}

// agent is one agent who was ever heard of.
type agent struct {
	handle   core.Agent
	spec     Agent
	class    core.Class
	caps     [core.MaxChannels]uint16
	reach    uint8
	state    core.Status
	ready    bool
	code     core.Reason
	note     string // the agent's own words for not being ready
	news     uint64 // states that the core told
	since    time.Time
	watchers []*watcher
	heldTill uint64 // what is told of the agent waits for this record
	unsaid   int    // events that wait
	absent   bool   // signed in before the restart, not yet after it
}

// maxAgents bounds the agents that are ever heard of.
const maxAgents = 1 << 17

func newNames(channels []contact.Channel) names {
	return names{
		channels: channels, queueBy: map[string]*queue{}, queueIDs: map[string]core.Queue{}, rooms: map[string]core.Room{},
		skills: map[string]core.Skill{}, agents: map[contact.AgentID]*agent{},
	}
}

// sortedChannels are the channels by handle.
func (c Config) sortedChannels() []contact.Channel { return slices.Sorted(maps.Keys(c.Channels)) }

// rules are the constants of a State.
func (c Config) rules() core.Config {
	channels := c.sortedChannels()
	rules := make([]core.ChannelRule, len(channels))
	for i, name := range channels {
		ch := c.Channels[name]
		rules[i] = core.ChannelRule{Weight: ch.Weight, Limit: ch.Limit}
		for _, other := range ch.Interrupts {
			rules[i].Interrupts |= 1 << slices.Index(channels, other)
		}
	}
	return core.Config{
		Channels: rules, RONALimit: c.RONALimit, PriorityStep: c.PriorityStep, Exclude: c.RefusalPause,
		MaxPriority: 2 * maxPriority, MaxAgents: maxAgents, MaxContacts: uint32(c.MaxContacts), //nolint:gosec // validated
	}
}

// skill interns a skill's name.
func (l *loop) skill(name string) core.Skill {
	k, ok := l.skills[name]
	if !ok {
		k = core.Skill(len(l.skills)) //nolint:gosec // far fewer
		l.skills[name] = k
		l.skillNames = append(l.skillNames, name)
		l.note(skillNote, uint32(k), name)
	}
	return k
}

// channel returns the core's handle of ch.
func (l *loop) channel(ch contact.Channel) (core.Channel, error) {
	i := slices.Index(l.channels, ch)
	if i < 0 {
		return 0, fmt.Errorf("channel %q: %w", ch, ErrNoChannel)
	}
	return core.Channel(i), nil //nolint:gosec // at most eight
}

// agent returns the entry of an agent, a new one when it was never heard of.
func (l *loop) agent(id contact.AgentID) (*agent, error) {
	if a := l.agents[id]; a != nil {
		return a, nil
	}
	if len(l.byHandle) >= maxAgents {
		return nil, fmt.Errorf("agent %q: %w", id, ErrFull)
	}
	a := l.newAgent(Agent{ID: id, Name: string(id)})
	l.m.agents[core.LoggedOut].Inc()
	l.noteAgent(a)
	return a, nil
}

// newAgent makes an entry with the next handle.
func (l *loop) newAgent(spec Agent) *agent {
	a := &agent{handle: core.Agent(len(l.byHandle)), spec: spec, since: l.r.now()} //nolint:gosec // bounded by the callers
	for i, ch := range l.channels {
		if ch != contact.Voice { // voice needs a line
			a.reach |= 1 << i
		}
	}
	l.agents[spec.ID] = a
	l.byHandle = append(l.byHandle, a)
	return a
}

// known returns an agent that must have been heard of.
func (l *loop) known(id contact.AgentID) (*agent, error) {
	if a := l.agents[id]; a != nil {
		return a, nil
	}
	return nil, fmt.Errorf("agent %q: %w", id, contact.ErrNoAgent)
}

// profile is what the core needs to know of an agent.
func (l *loop) profile(a Agent) core.Profile {
	p := core.Profile{Capacity: a.Capacity}
	if p.Capacity == 0 {
		p.Capacity = l.r.cfg.Capacity
	}
	for i, ch := range l.channels {
		n, ok := a.Caps[ch]
		if !ok {
			n = l.r.cfg.Channels[ch].Cap
		}
		p.Caps[i] = uint16(min(max(n, 0), 1000)) //nolint:gosec // clamped
	}
	for _, name := range slices.Sorted(maps.Keys(a.Skills)) {
		p.Skills = append(p.Skills, core.Proficiency{
			Skill: l.skill(name), Level: a.Skills[name], Reserve: slices.Contains(a.Reserve, name),
		})
	}
	profile := l.r.cfg.Profiles[a.Profile]
	for _, name := range slices.Sorted(maps.Keys(profile.Queues)) {
		q := profile.Queues[name]
		p.Queues = append(p.Queues, core.QueueRule{Queue: l.queueID(name), Rank: uint8(q.Rank), Delay: q.Delay}) //nolint:gosec // validated
	}
	return p
}
