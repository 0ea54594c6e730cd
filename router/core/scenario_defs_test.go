package core

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stretchr/testify/require"
)

// --- definitions

// queue is a work type with the plan of its contacts.
type queue struct {
	typ  Type
	plan []Step
}

func (p *player) define(s script) bool {
	switch s.words[0] {
	case "config":
		p.configure(s)
	case "channel":
		p.channel(s)
	case "plan":
		name := s.words[1]
		p.plans[name] = append(p.plans[name], p.step(s))
	case "queue":
		p.queue(s)
	case "agent":
		p.profiles[s.words[1]] = s
		p.agents.handle(s.words[1])
	default:
		return false
	}
	return true
}

func (p *player) configure(s script) {
	p.cfg.RONALimit = p.number(s.args["rona"])
	p.cfg.Exclude = p.duration(s.args["exclude"])
	if step := s.args["step"]; step != "" {
		p.cfg.PriorityStep = p.duration(step)
	}
}

func (p *player) channel(s script) {
	p.channels = append(p.channels, s.words[1])
	rule := ChannelRule{Weight: p.number(s.args["weight"]), Limit: p.number(s.args["limit"])}
	if x := s.args["interrupts"]; x != "" {
		rule.Interrupts = p.reachOf(x)
	}
	p.cfg.Channels = append(p.cfg.Channels, rule)
}

func (p *player) queue(s script) {
	name := s.words[1]
	group := s.args["group"]
	if group == "" {
		group = name
	}
	room := Room(0)
	if x := s.args["room"]; x != "" {
		room = p.rooms.handle(x)
	}
	offer := 20 * time.Second
	if x := s.args["offer"]; x != "" {
		offer = p.duration(x)
	}
	q := queue{plan: p.steps(s)}
	q.typ = p.started().WorkType(WorkType{
		Queue: p.groups.handle(group), Channel: p.channelOf(s.args["channel"]),
		Select:   map[string]Select{"": LongestIdle, "idle": LongestIdle, "proficient": MostProficient, "flexible": LeastFlexible}[s.args["select"]],
		Load:     map[string]Load{"": AnyLoad, "any": AnyLoad, "least": LeastLoaded, "most": MostLoaded}[s.args["load"]],
		Patience: p.duration(s.args["patience"]), Rate: uint8(p.number(s.args["rate"])), Saturate: p.duration(s.args["saturate"]),
		Promote: p.duration(s.args["promote"]), OfferTimeout: offer,
		Wrap:   map[string]Wrap{"": WrapTimed, "timed": WrapTimed, "forced": WrapForced, "open": WrapOpen, "optional": WrapOptional}[s.args["wrapkind"]],
		WrapUp: p.duration(s.args["wrap"]), WrapMax: p.duration(s.args["wrapmax"]),
		Reserve: uint32(p.number(s.args["reserve"])), Overload: uint32(p.number(s.args["overload"])), Room: room,
		Overflow: p.overflow(s),
	})
	p.types = append(p.types, name)
	p.queues[name] = q
}

func (p *player) overflow(s script) Overflow {
	name := s.args["overflow"]
	if name == "" {
		return Overflow{}
	}
	q, ok := p.queues[name]
	require.True(p.t, ok, "queue %s is not defined", name)
	return Overflow{
		On: true, Type: q.typ, Plan: p.started().Plan(q.plan),
		After: p.duration(s.args["overflowafter"]), AfterHold: s.args["afterhold"] == "yes",
	}
}

// --- plans

// steps are those of the line's plan=, or one by its needs= and agents=.
func (p *player) steps(s script) []Step {
	name := s.args["plan"]
	if name == "" {
		return []Step{p.step(s)}
	}
	steps, ok := p.plans[name]
	require.True(p.t, ok, "plan %s is not defined", name)
	return steps
}

// plan is the queue's, or the line's own; with needs= every step asks for more.
func (p *player) plan(steps []Step, s script) Plan {
	if s.args["plan"] != "" {
		steps = p.plans[s.args["plan"]]
	}
	more := p.needs(s.args["needs"])
	steps = slices.Clone(steps)
	for i := range steps {
		steps[i].Needs = slices.Concat(steps[i].Needs, more)
	}
	return p.started().Plan(steps)
}

func (p *player) step(s script) Step {
	step := Step{After: p.duration(s.args["after"]), Needs: p.needs(s.args["needs"])}
	if who := s.args["agents"]; who != "" {
		for name := range strings.SplitSeq(who, ",") {
			step.Agents = append(step.Agents, p.agents.handle(name))
		}
	}
	return step
}

// needs reads "a:50|b,c": a at 50 or b, and c.
func (p *player) needs(text string) (clauses []Clause) {
	for all := range strings.SplitSeq(text, ",") {
		if all == "" {
			continue
		}
		var c Clause
		for any := range strings.SplitSeq(all, "|") {
			p.pairs(any, 1, func(k string, n int) { c = append(c, Requirement{p.skills.handle(k), uint8(n)}) })
		}
		clauses = append(clauses, c)
	}
	return clauses
}

// --- profiles

func (p *player) class(name string) Class {
	s, ok := p.profiles[name]
	require.True(p.t, ok, "agent %s is not defined", name)
	prof := Profile{Capacity: 100}
	if c := s.args["capacity"]; c != "" {
		prof.Capacity = p.number(c)
	}
	for i := range p.channels {
		prof.Caps[i] = 1
	}
	p.pairs(s.args["caps"], 1, func(ch string, n int) { prof.Caps[p.channelOf(ch)] = uint16(n) })
	p.pairs(s.args["skills"], 1, func(k string, n int) {
		prof.Skills = append(prof.Skills, Proficiency{Skill: p.skills.handle(k), Level: uint8(n)})
	})
	p.pairs(s.args["reserve"], 1, func(k string, n int) {
		prof.Skills = append(prof.Skills, Proficiency{Skill: p.skills.handle(k), Level: uint8(n), Reserve: true})
	})
	for item := range strings.SplitSeq(s.args["queues"], ",") {
		if item != "" {
			prof.Queues = append(prof.Queues, p.rule(item))
		}
	}
	return p.started().Class(prof)
}

// rule reads "sales:1+30s": rank 1, after 30 s.
func (p *player) rule(item string) QueueRule {
	item, delay, _ := strings.Cut(item, "+")
	r := QueueRule{Delay: p.duration(delay)}
	p.pairs(item, 0, func(name string, n int) { r.Queue, r.Rank = p.groups.handle(name), uint8(n) })
	return r
}

// --- words

func (p *player) number(s string) int {
	if s == "" {
		return 0
	}
	n, err := strconv.Atoi(s)
	require.NoError(p.t, err)
	return n
}

func (p *player) duration(s string) time.Duration {
	switch s {
	case "":
		return 0
	case "forever":
		return Forever
	}
	d, err := time.ParseDuration(s)
	require.NoError(p.t, err)
	return d
}

func (p *player) channelOf(name string) Channel {
	i := slices.Index(p.channels, name)
	require.GreaterOrEqual(p.t, i, 0, "unknown channel %q", name)
	return Channel(i)
}

// reachOf is a set of channels; all of them by default, none by "-".
func (p *player) reachOf(text string) (mask uint8) {
	if text == "" {
		return 0xff
	}
	for ch := range strings.SplitSeq(text, ",") {
		if ch != "-" {
			mask |= 1 << p.channelOf(ch)
		}
	}
	return mask
}

// pairs reads "a:50,b" as a=50 and b=other.
func (p *player) pairs(text string, other int, yield func(name string, n int)) {
	for item := range strings.SplitSeq(text, ",") {
		if item == "" {
			continue
		}
		name, n, ok := strings.Cut(item, ":")
		if ok {
			yield(name, p.number(n))
		} else {
			yield(name, other)
		}
	}
}
