package ivr

import (
	"slices"
	"strings"
	"time"

	"github.com/expr-lang/expr"
	"go.yaml.in/yaml/v4"

	"filo/contact"
)

// kinds of steps in the order in which messages list them.
var kinds = []string{"say", "play", "menu", "collect", "branch", "set", "language", "answer", "enqueue", "transfer", "hangup"}

func (p *flowParser) steps(n node) {
	for _, e := range n.entries() {
		if !namePattern.MatchString(e.key) {
			p.faults.add(e.line, n.path, "bad step name %q", e.key)
			continue
		}
		s := &step{id: e.key, line: e.line}
		p.flow.steps[e.key] = s
		p.flow.order = append(p.flow.order, e.key)
		p.step(e.value, s)
	}
	if len(p.flow.order) == 0 {
		n.fail("a flow needs a step")
	}
	if len(p.flow.order) > maxSteps {
		n.fail("more than %d steps", maxSteps)
	}
	for i, id := range p.flow.order {
		p.following(p.flow.steps[id], p.flow.order[i+1:])
	}
}

// following gives s the step below it as its next, unless it names one.
func (p *flowParser) following(s *step, below []string) {
	if s.does == nil || s.next != "" || ends(s.kind) {
		return
	}
	if len(below) == 0 {
		p.faults.add(s.line, "steps."+s.id, `the last step needs "next", or must end the flow`)
		return
	}
	s.next = below[0]
}

func ends(kind string) bool { return kind == "enqueue" || kind == "transfer" || kind == "hangup" }

// step reads one step: one key that says what it does, and perhaps "next".
func (p *flowParser) step(n node, s *step) {
	fields := n.fields(append(slices.Clone(kinds), "next", "barge_in")...)
	for _, kind := range kinds {
		body, ok := fields[kind]
		if !ok {
			continue
		}
		if s.kind != "" {
			body.fail("a step does one thing: %s or %s", s.kind, kind)
			return
		}
		s.kind = kind
		s.does = p.action(kind, body, fields)
	}
	if s.kind == "" {
		n.fail("a step needs one of %s", strings.Join(kinds, ", "))
		return
	}
	if barge, ok := fields["barge_in"]; ok && s.kind != "say" && s.kind != "play" {
		barge.fail("belongs to say and play here; menu and collect have their own")
	}
	if next, ok := fields["next"]; ok {
		s.next = p.target(next)
		if ends(s.kind) || s.kind == "menu" {
			next.fail("%s has no next step", s.kind)
		}
	}
}

func (p *flowParser) action(kind string, body node, fields map[string]node) action {
	switch kind {
	case "say", "play":
		return p.say(kind, body, fields)
	case "menu":
		return p.menu(body)
	case "collect":
		return p.collect(body)
	case "branch":
		return p.branch(body)
	case "set":
		return p.set(body)
	case "language":
		l := &language{}
		p.language(body, l)
		return l
	case "answer":
		if !body.is(yaml.ScalarNode) || body.Tag != "!!null" {
			body.fail("takes nothing")
		}
		return answer{}
	case "enqueue":
		return p.enqueue(body)
	case "transfer":
		t := &transfer{}
		to := body.fields("to")
		if n, ok := to["to"]; ok {
			p.value(n, &t.to)
		} else {
			body.fail(`key "to" is missing`)
		}
		return t
	default:
		h := &hangup{}
		if !body.is(yaml.ScalarNode) || body.Tag != "!!null" {
			p.speech(body, &h.speech)
		}
		return h
	}
}

func (p *flowParser) say(kind string, body node, fields map[string]node) action {
	s := &say{bargeIn: true}
	if kind == "play" {
		id := body.text()
		if id != "" && !namePattern.MatchString(id) {
			body.fail("bad name of a sound file %q", id)
		}
		s.speech = speech{{id: id, line: body.Line}}
	} else {
		p.speech(body, &s.speech)
	}
	if n, ok := fields["barge_in"]; ok {
		s.bargeIn = n.flag()
	}
	return s
}

// ask reads what menu and collect have in common.
func (p *flowParser) ask(body node, f map[string]node) ask {
	a := ask{bargeIn: true, retries: 2, timeout: 5 * time.Second}
	if n, ok := f["barge_in"]; ok {
		a.bargeIn = n.flag()
	}
	if n, ok := f["retries"]; ok {
		a.retries = n.number(0, 9)
	}
	if n, ok := f["timeout"]; ok {
		a.timeout = n.duration(500*time.Millisecond, time.Minute)
	}
	if n, ok := f["on_fail"]; ok {
		a.onFail = p.exit(n)
	} else {
		body.fail(`key "on_fail" is missing: the step after the last retry`)
	}
	return a
}

// questions reads the prompts of a menu or collect into a, which must not move afterwards.
func (p *flowParser) questions(body node, f map[string]node, a *ask) {
	if n, ok := f["prompt"]; ok {
		p.speech(n, &a.prompt)
	} else {
		body.fail(`key "prompt" is missing`)
	}
	if n, ok := f["invalid"]; ok {
		p.speech(n, &a.invalid)
	}
	if n, ok := f["no_input"]; ok {
		p.speech(n, &a.noInput)
	}
}

func (p *flowParser) menu(body node) action {
	f := body.fields("prompt", "options", "timeout", "retries", "barge_in", "invalid", "no_input", "on_fail")
	m := &menu{ask: p.ask(body, f), options: map[rune]exit{}}
	p.questions(body, f, &m.ask)
	options, ok := f["options"]
	if !ok {
		body.fail(`key "options" is missing`)
		return m
	}
	for _, e := range options.entries() {
		if len(e.key) != 1 || !strings.Contains("0123456789*#", e.key) {
			p.faults.add(e.line, options.path, "%q is no key of a telephone: 0-9, *, #", e.key)
			continue
		}
		m.options[rune(e.key[0])] = p.exit(e.value)
	}
	if len(m.options) == 0 {
		options.fail("a menu needs an option")
	}
	return m
}

func (p *flowParser) collect(body node) action {
	f := body.fields("prompt", "into", "min", "max", "terminator", "timeout", "inter_digit", "retries",
		"barge_in", "invalid", "no_input", "on_fail", "accept", "secret")
	c := &collect{ask: p.ask(body, f), low: 1, high: 20, terminator: '#', interDigit: 3 * time.Second}
	p.questions(body, f, &c.ask)
	if n, ok := f["into"]; ok {
		c.into = p.variable(n, n.text())
	} else {
		body.fail(`key "into" is missing: the variable that takes the digits`)
	}
	if n, ok := f["max"]; ok {
		c.high = n.number(1, 64)
	}
	if n, ok := f["min"]; ok {
		c.low = n.number(1, c.high)
	}
	if n, ok := f["terminator"]; ok {
		c.terminator = terminator(n)
	}
	if n, ok := f["inter_digit"]; ok {
		c.interDigit = n.duration(200*time.Millisecond, time.Minute)
	}
	if n, ok := f["secret"]; ok {
		c.secret = n.flag()
	}
	if n, ok := f["accept"]; ok {
		p.expression(n, n.text(), &c.accept, expr.AsBool())
	}
	return c
}

func terminator(n node) rune {
	switch n.scalar() {
	case "#":
		return '#'
	case "*":
		return '*'
	case "none":
	default:
		n.fail(`should be "#", "*" or none`)
	}
	return 0
}

func (p *flowParser) branch(body node) action {
	items := body.items()
	b := &branch{cases: make([]branchCase, len(items))}
	if len(items) == 0 {
		body.fail("a branch needs a case")
	}
	for i, item := range items {
		f := item.fields("when", "next")
		if n, ok := f["when"]; ok {
			p.expression(n, n.text(), &b.cases[i].when, expr.AsBool())
		} else {
			item.fail(`key "when" is missing`)
		}
		if n, ok := f["next"]; ok {
			b.cases[i].to = p.exit(n)
		} else {
			item.fail(`key "next" is missing`)
		}
	}
	return b
}

func (p *flowParser) set(body node) action {
	entries := body.entries()
	s := &set{vars: make([]assignment, len(entries))}
	for i, e := range entries {
		s.vars[i].name = p.variable(e.value, e.key)
		p.value(e.value, &s.vars[i].value)
	}
	return s
}

func (p *flowParser) language(n node, l *language) {
	p.value(n, &l.lang)
	if lang, ok := l.lang.literal.(string); ok && !slices.Contains(p.flow.langs, lang) {
		n.fail("language %q is not among the flow's languages", lang)
	}
}

func (p *flowParser) enqueue(body node) action {
	e := &enqueue{}
	f := body.fields("queue", "skills", "priority", "preferred", "hold", "attributes")
	if n, ok := f["queue"]; ok {
		e.target.Queue = n.text()
	} else {
		body.fail(`key "queue" is missing`)
	}
	if n, ok := f["skills"]; ok {
		for _, item := range n.items() {
			e.target.Skills = append(e.target.Skills, skill(item))
		}
	}
	if n, ok := f["priority"]; ok {
		e.target.Priority = n.number(-100, 100)
	}
	if n, ok := f["hold"]; ok {
		e.target.Hold = n.duration(0, time.Hour)
	}
	if n, ok := f["preferred"]; ok {
		p.value(n, &e.preferred)
	}
	if n, ok := f["attributes"]; ok {
		entries := n.entries()
		e.attributes = make([]assignment, len(entries))
		for i, a := range entries {
			e.attributes[i].name = a.key
			p.value(a.value, &e.attributes[i].value)
		}
	}
	return e
}

// skill reads a name, or a name with the least proficiency, or alternatives.
func skill(n node) contact.Skill {
	if n.is(yaml.ScalarNode) {
		return contact.Skill{Name: n.text()}
	}
	var s contact.Skill
	f := n.fields("name", "min", "any", "drop_after")
	name, named := f["name"]
	choice, either := f["any"]
	switch {
	case named == either:
		n.fail(`one of the keys "name" and "any" is needed`)
	case named:
		s.Name = name.text()
	default:
		for _, item := range choice.items() {
			one := skill(item)
			if len(one.Any) > 0 || one.DropAfter > 0 {
				item.fail("an alternative is a name, with or without the least proficiency")
			}
			s.Any = append(s.Any, one)
		}
	}
	if after, ok := f["drop_after"]; ok {
		s.DropAfter = after.duration(time.Second, 24*time.Hour)
	}
	if low, ok := f["min"]; ok {
		s.Min = uint8(low.number(0, 100)) //nolint:gosec // number keeps it in 0 to 100
	}
	return s
}
