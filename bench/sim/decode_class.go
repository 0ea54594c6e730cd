package sim

import (
	"math"
	"slices"
	"strings"
)

func newClass(name string) class {
	return class{
		name: name, comes: nobody{}, service: exponential(1), target: math.NaN(),
		tier: 1, ageing: 1, room: -1, steps: []step{{}},
	}
}

// class reads a class: first the defaults, then its own keys.
func (d *decoder) class(name string, v, defaults, places value) {
	i := d.classNamed(v, name)
	c := &d.sc.classes[i]
	if places.node != nil {
		c.room = len(d.sc.rooms) - 1
	}
	keys := d.classKeys(c)
	given := map[string]bool{}
	note := func(key string, _ value) { given[key] = true }
	if defaults.node != nil {
		defaults.fields(keys)
		defaults.entries(note)
	}
	v.fields(keys)
	v.entries(note)
	for _, key := range []string{"arrivals", "service"} {
		if !given[key] {
			v.failf("%s is needed", key)
		}
	}
}

// classKeys are the keys of a class and what each one reads.
func (d *decoder) classKeys(c *class) map[string]func(value) {
	channels := make([]string, len(d.sc.channels))
	for i, ch := range d.sc.channels {
		channels[i] = ch.name
	}
	return map[string]func(value){
		"arrivals": func(v value) { c.comes = d.process(v, c.name) },
		"service":  func(v value) { c.service = d.dist(v) },
		"patience": func(v value) { c.patience = d.dist(v) },
		"wrap_up":  func(v value) { c.wrapUp = d.dist(v) },
		"retry":    func(v value) { c.retry = d.retry(v) },
		"target":   func(v value) { c.target = v.span() },

		"channel":  func(v value) { c.channel = v.oneOf(channels...) },
		"needs":    func(v value) { c.steps[0].needs = d.needs(v) },
		"agents":   func(v value) { c.steps[0].agents = d.only(v) },
		"steps":    func(v value) { d.steps(c, v) },
		"priority": func(v value) { c.priority = v.whole(-500, 500) },
		"tier":     func(v value) { c.tier = v.whole(0, 15) },
		"select":   func(v value) { c.sel = v.oneOf(selections...) },
		"load":     func(v value) { c.load = v.oneOf(loads...) },
		"deadline": func(v value) { c.deadline = v.span() },
		"ageing":   func(v value) { c.ageing = v.sixteenths() },
		"saturate": func(v value) { c.saturate = v.span() },
		"promote":  func(v value) { c.promote = v.span() },
		"reserve":  func(v value) { c.reserve = v.whole(0, math.MaxInt32) },
		"overload": func(v value) { c.overload = v.whole(0, math.MaxInt32) },
		"places":   func(v value) { d.places(c, v) },
		"room":     func(v value) { c.room = d.roomNamed(v) },
		"overflow": func(v value) { c.overflow = d.overflow(v) },
		"prefers":  func(v value) { c.prefers = d.prefers(v) },
	}
}

// sixteenths reads a number that the core can hold.
func (v value) sixteenths() float64 {
	x := v.number(1.0/16, 255.0/16)
	if x*16 != math.Trunc(x*16) {
		v.failf("should be a multiple of 1/16, such as %g", math.Round(x*16)/16)
	}
	return x
}

// places gives the class a waiting room of its own.
func (d *decoder) places(c *class, v value) {
	if v.text() == "unlimited" {
		c.room = -1
		return
	}
	d.sc.rooms = append(d.sc.rooms, room{name: c.name, size: v.whole(0, math.MaxInt32)})
	c.room = len(d.sc.rooms) - 1
}

// needs reads what a contact asks for: a list of which every element must be
// met. An element is a skill, {skill: minimum, ...} or a list of which one is
// enough.
func (d *decoder) needs(v value) []clause {
	var all []clause
	read := func(v value) {
		if v.isList() {
			var any clause
			v.items(func(v value) { any = append(any, d.requirements(v)...) })
			all = append(all, any)
			return
		}
		for _, r := range d.requirements(v) {
			all = append(all, clause{r})
		}
	}
	v.items(read)
	return all
}

// requirements reads a skill or {skill: minimum, ...}.
func (d *decoder) requirements(v value) []requirement {
	if !v.isMap() {
		return []requirement{{d.skill(v, v.text()), 1}}
	}
	var rs []requirement
	v.entries(func(name string, v value) {
		rs = append(rs, requirement{d.skill(v, name), uint8(v.whole(1, 100))}) //nolint:gosec // 1 to 100
	})
	return rs
}

// skill is a skill that some agents ought to have.
func (d *decoder) skill(v value, name string) int {
	i, ok := d.skills[name]
	if !ok {
		v.failf("no agent has the skill %q", name)
	}
	return i
}

// only reads the groups that alone may serve.
func (d *decoder) only(v value) []int {
	var groups []int
	v.items(func(v value) { groups = append(groups, d.groupNamed(v)) })
	return groups
}

// steps reads what is needed from an age on; "needs" of the class is the step
// at age 0, unless the list has its own.
func (d *decoder) steps(c *class, v value) {
	c.steps = c.steps[:1] // not those of the defaults
	v.items(func(v value) {
		var s step
		v.fields(map[string]func(value){
			"after":  func(v value) { s.after = v.span() },
			"needs":  func(v value) { s.needs = d.needs(v) },
			"agents": func(v value) { s.agents = d.only(v) },
		})
		if s.after == 0 {
			c.steps[0] = s
			return
		}
		c.steps = append(c.steps, s)
	})
}

func (d *decoder) retry(v value) retry {
	r := retry{most: math.MaxInt32, blocked: true, abandoned: true}
	v.fields(map[string]func(value){
		"share": func(v value) { r.share = v.share() },
		"after": func(v value) { r.after = d.dist(v) },
		"most":  func(v value) { r.most = v.whole(1, 255) },
		"of": func(v value) {
			i := v.oneOf("all", "blocked", "abandoned")
			r.blocked, r.abandoned = i != 2, i != 1
		},
	})
	if r.after == nil {
		v.failf("after is needed: the time until the next attempt")
		r.after = fixed(1)
	}
	return r
}

func (d *decoder) overflow(v value) overflow {
	var o overflow
	target := func(v value) { o.to, o.index = v.text(), d.classNamed(v, v.text()) }
	if !v.isMap() {
		target(v)
		return o
	}
	v.fields(map[string]func(value){
		"to":         target,
		"after":      func(v value) { o.after = v.span() },
		"after_hold": func(v value) { o.afterHold = v.yes() },
	})
	if o.to == "" {
		v.failf("to is needed: the class whose queue takes the contacts")
	}
	return o
}

func (d *decoder) prefers(v value) prefers {
	p := prefers{share: 1}
	v.fields(map[string]func(value){
		"agents": func(v value) { p.group, p.index = v.text(), d.groupNamed(v) },
		"share":  func(v value) { p.share = v.share() },
		"hold": func(v value) {
			if v.text() == "forever" {
				p.hold = forever
				return
			}
			p.hold = v.span()
		},
	})
	if p.group == "" {
		v.failf("agents is needed: the group of the preferred agents")
	}
	return p
}

// group reads a group of agents.
func (d *decoder) group(name string, v value) {
	var g *group
	for i := range d.sc.groups {
		if d.sc.groups[i].name == name {
			g = &d.sc.groups[i]
		}
	}
	*g = group{name: name, count: -1, capacity: 1, caps: slices.Repeat([]int{-1}, len(d.sc.channels)), speed: make([]float64, len(d.sc.classes)), period: d.period}
	for i := range g.speed {
		g.speed[i] = 1
	}
	if !v.isMap() {
		g.count = v.whole(0, 1_000_000)
		return
	}
	v.fields(map[string]func(value){
		"count":    func(v value) { g.count = v.whole(0, 1_000_000) },
		"skills":   func(v value) { d.proficiencies(g, v, false) },
		"standby":  func(v value) { d.proficiencies(g, v, true) },
		"capacity": func(v value) { g.capacity = v.whole(1, 30_000) },
		"caps":     func(v value) { d.caps(g, v) },
		"serves":   func(v value) { d.serves(g, v) },
		"speed":    func(v value) { d.speed(g, v) },
		"answer":   func(v value) { g.answer = d.dist(v) },
		"refuse":   func(v value) { g.refuse = v.share() },
		"ignore":   func(v value) { g.ignore = v.share() },
		"shifts":   func(v value) { d.shifts(g, v) },
		"period":   func(v value) { g.period = v.span() },
	})
	d.finishGroup(g, v)
}

// finishGroup settles how many agents there are.
func (d *decoder) finishGroup(g *group, v value) {
	for i := range g.shifts {
		s := &g.shifts[i]
		if s.agents < 0 {
			s.agents = max(g.count, 1)
		}
		if g.period > 0 && s.to > g.period && !math.IsInf(s.to, 1) {
			v.failf("shifts[%d]: ends after the period of %g units", i, g.period)
		}
	}
	most := 0
	for _, at := range g.changes() {
		most = max(most, g.onDuty(at))
	}
	switch {
	case g.count < 0 && g.shifts == nil:
		g.count = 1
	case g.count < 0:
		g.count = most
	case most > g.count:
		v.failf("shifts: %d agents on duty, but count is %d", most, g.count)
	}
}

// proficiencies reads a list of skills, each 100, or {skill: level}.
func (d *decoder) proficiencies(g *group, v value, reserve bool) {
	add := func(name string, v value, level int) {
		if name == "" || strings.TrimSpace(name) != name {
			v.failf("%q is not the name of a skill", name)
		}
		i, ok := d.skills[name]
		if !ok {
			i = len(d.sc.skills)
			d.skills[name] = i
			d.sc.skills = append(d.sc.skills, name)
		}
		g.skills = append(g.skills, proficiency{i, uint8(level), reserve}) //nolint:gosec // 1 to 100
	}
	if v.isMap() {
		v.entries(func(name string, v value) { add(name, v, v.whole(1, 100)) })
		return
	}
	v.items(func(v value) { add(v.text(), v, 100) })
}

// caps reads how many contacts at a time: of every channel, or by channel.
func (d *decoder) caps(g *group, v value) {
	if !v.isMap() {
		n := v.whole(1, 255)
		for i := range g.caps {
			g.caps[i] = n
		}
		return
	}
	known := map[string]func(value){}
	for i, ch := range d.sc.channels {
		known[ch.name] = func(v value) { g.caps[i] = v.whole(0, 255) }
	}
	v.fields(known)
}

// serves reads the classes that a group serves at all: a list, or by class a
// rank or {rank, delay}.
func (d *decoder) serves(g *group, v value) {
	if !v.isMap() {
		v.items(func(v value) { g.serves = append(g.serves, serve{class: d.classNamed(v, v.text())}) })
		return
	}
	v.entries(func(name string, v value) {
		s := serve{class: d.classNamed(v, name)}
		if v.isMap() {
			v.fields(map[string]func(value){
				"rank":  func(v value) { s.rank = v.whole(0, 255) },
				"delay": func(v value) { s.delay = v.span() },
			})
		} else if !v.isNull() {
			s.rank = v.whole(0, 255)
		}
		g.serves = append(g.serves, s)
	})
}

// speed reads how fast agents work: of every class, or by class.
func (d *decoder) speed(g *group, v value) {
	if !v.isMap() {
		x := v.number(1e-9, 1e9)
		for i := range g.speed {
			g.speed[i] = x
		}
		return
	}
	v.entries(func(name string, v value) { g.speed[d.classNamed(v, name)] = v.number(1e-9, 1e9) })
}

// shifts reads when agents are on duty.
func (d *decoder) shifts(g *group, v value) {
	v.items(func(v value) {
		s := shift{agents: -1, to: math.Inf(1)}
		v.fields(map[string]func(value){
			"from":   func(v value) { s.from = v.span() },
			"to":     func(v value) { s.to = v.span() },
			"agents": func(v value) { s.agents = v.whole(0, 1_000_000) },
		})
		if s.to <= s.from {
			v.failf("to should be after from")
		}
		g.shifts = append(g.shifts, s)
	})
}
