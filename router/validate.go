package router

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"filo/contact"
	"filo/router/core"
)

// Bounds of the configuration.
const (
	maxPriority = 100
	maxUnits    = 1000
	maxChannels = core.MaxChannels
	maxRooms    = 255
	maxWaiting  = 1 << 24
	maxPeriod   = 30 * 24 * time.Hour
)

// mistakes gathers what is wrong; each begins with the key's path.
type mistakes struct{ list []error }

func (m *mistakes) add(key, format string, args ...any) {
	m.list = append(m.list, fmt.Errorf(key+": "+format, args...)) //nolint:err113 // the text is the value: key path and mistake
}

// within notes an integer that is out of bounds.
func (m *mistakes) within(key string, n, low, high int, unit string) {
	if n < low || n > high {
		m.add(key, "%d is not within %d..%d%s", n, low, high, unit)
	}
}

// period notes a duration that is negative or too long.
func (m *mistakes) period(key string, d time.Duration) {
	switch {
	case d < 0:
		m.add(key, "%v is negative", d)
	case d > maxPeriod:
		m.add(key, "%v is longer than %v", d, maxPeriod)
	}
}

func (m *mistakes) oneOf(key string, ok bool, got any, names string) {
	if !ok {
		m.add(key, "%q is none of %s", got, names)
	}
}

// Validate returns all mistakes, joined; each begins with the key's path.
func (c Config) Validate() error {
	var m mistakes
	m.within("rona_limit", c.RONALimit, 0, 100, "")
	m.period("refusal_pause", c.RefusalPause)
	if c.PriorityStep < 0 || c.PriorityStep > 24*time.Hour {
		m.add("priority_step", "%v is not within 0..24h", c.PriorityStep)
	}
	m.within("capacity", c.Capacity, 1, maxUnits, " units")
	m.within("max_contacts", c.MaxContacts, 1, maxWaiting, "")
	if n := len(c.Rooms); n > maxRooms {
		m.add("rooms", "%d rooms; at most %d are possible", n, maxRooms)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Rooms)) {
		m.within("rooms."+name, c.Rooms[name], 1, maxWaiting, " contacts")
	}
	if n := len(c.Channels); n == 0 || n > maxChannels {
		m.add("channels", "%d channels; between 1 and %d are possible", n, maxChannels)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Channels)) {
		c.checkChannel(&m, name)
	}
	if len(c.Queues) == 0 {
		m.add("queues", "at least one queue is needed")
	}
	for _, name := range slices.Sorted(maps.Keys(c.Queues)) {
		c.checkQueue(&m, name)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Profiles)) {
		c.checkProfile(&m, name)
	}
	if _, err := c.inOrder(); err != nil {
		m.list = append(m.list, err)
	}
	return errors.Join(m.list...)
}

func (c Config) checkChannel(m *mistakes, name contact.Channel) {
	key, ch := "channels."+string(name), c.Channels[name]
	m.within(key+".weight", ch.Weight, 1, maxUnits, " units")
	m.within(key+".cap", ch.Cap, 1, core.MaxCap, " contacts")
	m.within(key+".limit", ch.Limit, 0, maxUnits, " units")
	if ch.Limit > 0 && ch.Limit < ch.Weight {
		m.add(key+".limit", "%d is less than the weight %d: no contact would ever fit", ch.Limit, ch.Weight)
	}
	for i, other := range ch.Interrupts {
		if _, ok := c.Channels[other]; !ok || other == name {
			m.add(fmt.Sprintf("%s.interrupts[%d]", key, i), "%q is not another channel", other)
		}
	}
	m.period(key+".patience", ch.Patience)
	if ch.OfferTimeout < time.Second {
		m.add(key+".offer_timeout", "%v is shorter than 1s", ch.OfferTimeout)
	}
	m.period(key+".wrap_up", ch.WrapUp)
}

func (c Config) checkQueue(m *mistakes, name string) {
	key, q := "queues."+name, c.Queues[name]
	checkSkills(m, key+".skills", q.Skills)
	checkSteps(m, key+".steps", q.Steps)
	m.within(key+".priority", q.Priority, -maxPriority, maxPriority, "")
	m.within(key+".tier", q.Tier, 0, core.MaxTier, "")
	if q.Rate != 0 && (q.Rate < 1./core.RateOne || q.Rate > 15) {
		m.add(key+".rate", "%v is not within 1/16..15", q.Rate)
	}
	m.oneOf(key+".select", slices.Contains([]Select{"", Proficient, LeastFlexible, LongestIdle}, q.Select), q.Select,
		"proficient, least_flexible, longest_idle")
	m.oneOf(key+".load", slices.Contains([]Load{"", LeastLoaded, MostLoaded, AnyLoad}, q.Load), q.Load, "least, most, any")
	m.oneOf(key+".wrap", slices.Contains([]Wrap{"", TimedWrap, ForcedWrap, OpenWrap, OptionalWrap}, q.Wrap), q.Wrap,
		"timed, forced, open, optional")
	if q.OfferTimeout != 0 && q.OfferTimeout < time.Second {
		m.add(key+".offer_timeout", "%v is shorter than 1s", q.OfferTimeout)
	}
	for _, d := range []struct {
		key string
		d   time.Duration
	}{
		{".promote", q.Promote},
		{".patience", q.Patience},
		{".saturate", q.Saturate},
		{".hold", q.Hold},
		{".wrap_up_max", q.WrapUpMax},
		{".overflow.after", q.Overflow.After},
		{".target", q.Target},
	} {
		m.period(key+d.key, d.d)
	}
	m.within(key+".reserve", q.Reserve, 0, maxAgents, " agents")
	m.within(key+".overload", q.Overload, 0, maxWaiting, " contacts")
	if _, ok := c.Rooms[q.Room]; q.Room != "" && !ok {
		m.add(key+".room", "%q is not in rooms", q.Room)
	}
	if _, ok := c.Queues[q.Overflow.Queue]; q.Overflow.Queue != "" && !ok {
		m.add(key+".overflow.queue", "%q is not a queue", q.Overflow.Queue)
	}
	if q.Overflow.Queue == "" && (q.Overflow.After != 0 || q.Overflow.AfterHold) {
		m.add(key+".overflow", "a queue is needed")
	}
}

func checkSteps(m *mistakes, key string, steps []Step) {
	for i, s := range steps {
		key := fmt.Sprintf("%s[%d]", key, i)
		if s.After <= 0 {
			m.add(key+".after", "%v: a step comes after some waiting", s.After)
		} else {
			m.period(key+".after", s.After)
		}
		checkSkills(m, key+".skills", s.Skills)
		for j, a := range s.Agents {
			if a == "" {
				m.add(fmt.Sprintf("%s.agents[%d]", key, j), "is empty")
			}
		}
	}
}

func checkSkills(m *mistakes, key string, skills []contact.Skill) {
	for i, s := range skills {
		key := fmt.Sprintf("%s[%d]", key, i)
		m.period(key+".drop_after", s.DropAfter)
		if len(s.Any) == 0 {
			checkSkill(m, key, s)
			continue
		}
		if s.Name != "" || s.Min != 0 {
			m.add(key, "name and min are not possible beside any")
		}
		for j, one := range s.Any {
			key := fmt.Sprintf("%s.any[%d]", key, j)
			checkSkill(m, key, one)
			if len(one.Any) > 0 || one.DropAfter != 0 {
				m.add(key, "an alternative has a name and a min only")
			}
		}
	}
}

func checkSkill(m *mistakes, key string, s contact.Skill) {
	if s.Name == "" {
		m.add(key+".name", "is empty")
	}
	m.within(key+".min", int(s.Min), 0, 100, "")
}

func (c Config) checkProfile(m *mistakes, name string) {
	key, p := "profiles."+name+".queues", c.Profiles[name]
	if len(p.Queues) == 0 {
		m.add(key, "is empty: its agents would serve every queue")
	}
	for _, queue := range slices.Sorted(maps.Keys(p.Queues)) {
		if _, ok := c.Queues[queue]; !ok {
			m.add(key+"."+queue, "is not a queue")
		}
		m.within(key+"."+queue+".rank", p.Queues[queue].Rank, 0, 255, "")
		m.period(key+"."+queue+".delay", p.Queues[queue].Delay)
	}
}

// inOrder returns the queues' names so that each comes after the one that it
// overflows to; sorted otherwise.
func (c Config) inOrder() ([]string, error) {
	var list []string
	state := map[string]int{} // 1: on the way, 2: listed
	var visit func(name string) error
	visit = func(name string) error {
		switch state[name] {
		case 1:
			return fmt.Errorf("queues.%s.overflow.queue: %w", name, errOverflowRing)
		case 2:
			return nil
		}
		state[name] = 1
		if next := c.Queues[name].Overflow.Queue; next != "" {
			if _, ok := c.Queues[next]; ok {
				if err := visit(next); err != nil {
					return err
				}
			}
		}
		state[name] = 2
		list = append(list, name)
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(c.Queues)) {
		if err := visit(name); err != nil {
			return nil, err
		}
	}
	return list, nil
}
