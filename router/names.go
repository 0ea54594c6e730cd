package router

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"filo/contact"
	"filo/router/core"
)

// names maps what the outside calls things to the core's handles.
type names struct {
	channels   []contact.Channel // by core.Channel, sorted by name
	queues     []*queue          // sorted by name
	queueBy    map[string]*queue
	skills     map[string]core.Skill
	skillNames []string // by core.Skill
	agents     map[contact.AgentID]*agent
	byHandle   []*agent
}

// queue is one configured queue. Its counts are those of its contacts.
type queue struct {
	name   string
	cfg    Queue
	needs  []core.Requirement
	plan   core.Plan
	types  []core.Type // by core.Channel
	count  map[contact.State]int
	depth  prometheus.Gauge
	waits  prometheus.Observer
	last   time.Time     // when a contact was last served
	gap    time.Duration // smoothed time between two that were served
	target time.Duration
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
}

// maxAgents bounds the agents that are ever heard of.
const maxAgents = 1 << 17

// define turns the configuration into the core's definitions.
func (l *loop) define() {
	cfg := l.r.cfg
	l.channels = slices.Sorted(maps.Keys(cfg.Channels))
	rules := make([]core.ChannelRule, len(l.channels))
	for i, ch := range l.channels {
		rules[i] = core.ChannelRule{Weight: cfg.Channels[ch].Weight, Limit: cfg.Channels[ch].Limit}
	}
	l.core = core.New(core.Config{
		Channels: rules, RONALimit: cfg.RONALimit, PriorityStep: cfg.PriorityStep, Exclude: cfg.RefusalPause,
		MaxPriority: 2 * maxPriority, MaxAgents: maxAgents, MaxContacts: uint32(cfg.MaxContacts), //nolint:gosec // validated
	})
	l.skills = map[string]core.Skill{}
	l.agents = map[contact.AgentID]*agent{}
	l.queueBy = map[string]*queue{}
	for _, name := range slices.Sorted(maps.Keys(cfg.Queues)) {
		l.defineQueue(name, cfg.Queues[name])
	}
}

func (l *loop) defineQueue(name string, cfg Queue) {
	q := &queue{name: name, cfg: cfg, count: map[contact.State]int{}, target: cfg.Target}
	q.depth, q.waits = l.m.queue(name)
	q.needs = l.requirements(nil, cfg.Skills)
	q.plan = l.plan(q.needs)
	for i, ch := range l.channels {
		q.types = append(q.types, l.core.WorkType(workType(i, l.r.cfg.Channels[ch], cfg)))
	}
	l.queues = append(l.queues, q)
	l.queueBy[name] = q
}

func workType(ch int, c Channel, q Queue) core.WorkType {
	first := func(a, b time.Duration) time.Duration {
		if a != 0 {
			return a
		}
		return b
	}
	return core.WorkType{
		Channel: core.Channel(ch), //nolint:gosec // at most eight
		Select: map[Select]core.Select{
			"": core.MostProficient, Proficient: core.MostProficient,
			LeastFlexible: core.LeastFlexible, LongestIdle: core.LongestIdle,
		}[q.Select],
		Load: map[Load]core.Load{
			"": core.LeastLoaded, LeastLoaded: core.LeastLoaded, MostLoaded: core.MostLoaded, AnyLoad: core.AnyLoad,
		}[q.Load],
		Patience:     first(q.Patience, c.Patience),
		OfferTimeout: first(q.OfferTimeout, c.OfferTimeout),
		WrapUp:       max(0, first(q.WrapUp, c.WrapUp)),
	}
}

// skill interns a skill's name.
func (l *loop) skill(name string) core.Skill {
	k, ok := l.skills[name]
	if !ok {
		k = core.Skill(len(l.skills)) //nolint:gosec // far fewer
		l.skills[name] = k
		l.skillNames = append(l.skillNames, name)
	}
	return k
}

func (l *loop) requirements(base []core.Requirement, more []contact.Skill) []core.Requirement {
	needs := slices.Clone(base)
	for _, s := range more {
		needs = append(needs, core.Requirement{Skill: l.skill(s.Name), Min: s.Min})
	}
	return needs
}

// plan asks for all of the requirements, however old a contact is.
func (l *loop) plan(needs []core.Requirement) core.Plan {
	return l.core.Plan([]core.Step{{Needs: core.All(needs...)}})
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
	a := &agent{
		handle: core.Agent(len(l.byHandle)), //nolint:gosec // bounded above
		spec:   Agent{ID: id, Name: string(id)}, since: l.r.now(),
	}
	for i, ch := range l.channels {
		if ch != contact.Voice { // voice needs a line
			a.reach |= 1 << i
		}
	}
	l.agents[id] = a
	l.byHandle = append(l.byHandle, a)
	l.m.agents[core.LoggedOut].Inc()
	return a, nil
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
		p.Skills = append(p.Skills, core.Proficiency{Skill: l.skill(name), Level: a.Skills[name]})
	}
	return p
}

// served notes that a contact of the queue was served, for the estimated wait.
func (q *queue) served(now time.Time) {
	if gap := now.Sub(q.last); !q.last.IsZero() && gap < 10*time.Minute {
		if q.gap == 0 {
			q.gap = gap
		}
		q.gap += (gap - q.gap) / 8
	}
	q.last = now
}
