package core

import (
	"strconv"
	"strings"
	"time"

	"github.com/stretchr/testify/require"
)

// --- definitions

func (p *player) define(s script) bool {
	switch s.words[0] {
	case "config":
		p.cfg.RONALimit = p.number(s.args["rona"])
		p.cfg.Exclude = p.duration(s.args["exclude"])
		if step := s.args["step"]; step != "" {
			p.cfg.PriorityStep = p.duration(step)
		}
	case "channel":
		p.channels = append(p.channels, s.words[1])
		p.cfg.Channels = append(p.cfg.Channels, ChannelRule{Weight: p.number(s.args["weight"]), Limit: p.number(s.args["limit"])})
	case "queue":
		s.typ = p.started().WorkType(WorkType{
			Channel:      p.channel(s.args["channel"]),
			Select:       map[string]Select{"": LongestIdle, "idle": LongestIdle, "proficient": MostProficient, "flexible": LeastFlexible}[s.args["select"]],
			Load:         map[string]Load{"": AnyLoad, "any": AnyLoad, "least": LeastLoaded, "most": MostLoaded}[s.args["load"]],
			Patience:     p.duration(s.args["patience"]),
			OfferTimeout: max(p.duration(s.args["offer"]), 20*time.Second*time.Duration(b2i(s.args["offer"] == ""))),
			WrapUp:       p.duration(s.args["wrap"]),
		})
		p.queues[s.words[1]] = s
	case "agent":
		p.profiles[s.words[1]] = s
	case "at":
		p.now = p.duration(s.words[1])
		return false
	default:
		return false
	}
	return true
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (p *player) number(s string) int {
	if s == "" {
		return 0
	}
	n, err := strconv.Atoi(s)
	require.NoError(p.t, err)
	return n
}

func (p *player) duration(s string) time.Duration {
	if s == "" {
		return 0
	}
	d, err := time.ParseDuration(s)
	require.NoError(p.t, err)
	return d
}

func (p *player) channel(name string) Channel {
	for i, ch := range p.channels {
		if ch == name {
			return Channel(i) //nolint:gosec // few
		}
	}
	require.Fail(p.t, "unknown channel", "%q", name)
	return 0
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

func (p *player) skill(name string) Skill {
	if _, ok := p.skills[name]; !ok {
		p.skills[name] = Skill(len(p.skills)) //nolint:gosec // few
	}
	return p.skills[name]
}

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
	p.pairs(s.args["caps"], 1, func(ch string, n int) { prof.Caps[p.channel(ch)] = uint16(n) }) //nolint:gosec // few
	p.pairs(s.args["skills"], 1, func(k string, n int) {
		prof.Skills = append(prof.Skills, Proficiency{p.skill(k), uint8(n)}) //nolint:gosec // at most 100
	})
	return p.started().Class(prof)
}

func (p *player) reachOf(text string) (mask uint8) {
	if text == "" {
		return 0xff
	}
	for ch := range strings.SplitSeq(text, ",") {
		if ch != "-" {
			mask |= 1 << p.channel(ch)
		}
	}
	return mask
}

func (p *player) agent(name string) Agent {
	if _, ok := p.agents[name]; !ok {
		p.agents[name] = Agent(len(p.names)) //nolint:gosec // few
		p.names = append(p.names, name)
	}
	return p.agents[name]
}

func (p *player) contact(name string) Contact {
	if _, ok := p.contacts[name]; !ok {
		p.contacts[name] = Contact(len(p.called)) //nolint:gosec // few
		p.called = append(p.called, name)
	}
	return p.contacts[name]
}
