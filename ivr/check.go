package ivr

import "slices"

// check finds what only the whole flow shows: steps that nothing leads to,
// loops that never wait for the caller, steps from which there is no end.
func (p *flowParser) check() {
	reached := p.reach()
	for _, id := range p.flow.order {
		s := p.flow.steps[id]
		switch {
		case !reached[id]:
			p.faults.add(s.line, "steps."+id, "nothing leads to this step")
		case !p.canEnd(id, map[string]bool{}):
			p.faults.add(s.line, "steps."+id, "no way from here ends the flow")
		}
	}
	p.loops()
}

// ways lists the steps that s may lead to.
func (f *Flow) ways(s *step) []string {
	var ids []string
	for _, e := range s.does.exits() {
		ids = append(ids, e.to)
	}
	if s.next != "" && !slices.Contains(ids, s.next) {
		ids = append(ids, s.next)
	}
	return ids
}

func (p *flowParser) reach() map[string]bool {
	reached := make(map[string]bool)
	todo := []string{p.flow.start}
	if p.flow.onError != "" {
		todo = append(todo, p.flow.onError)
	}
	for len(todo) > 0 {
		id := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if !reached[id] {
			reached[id] = true
			todo = append(todo, p.flow.ways(p.flow.steps[id])...)
		}
	}
	return reached
}

func (p *flowParser) canEnd(id string, seen map[string]bool) bool {
	s := p.flow.steps[id]
	if ends(s.kind) {
		return true
	}
	seen[id] = true
	return slices.ContainsFunc(p.flow.ways(s), func(to string) bool {
		return !seen[to] && p.canEnd(to, seen)
	})
}

// loops finds the circles of steps that take no input: they would run until
// MaxSteps whatever the caller does.
func (p *flowParser) loops() {
	const open, done = 1, 2
	state := make(map[string]int)
	var visit func(id string, from *step)
	visit = func(id string, from *step) {
		s := p.flow.steps[id]
		if s.kind == "menu" || s.kind == "collect" || state[id] == done {
			return
		}
		if state[id] == open {
			p.faults.add(from.line, "steps."+from.id, "goes back to %q without waiting for the caller: an endless loop", id)
			return
		}
		state[id] = open
		for _, to := range p.flow.ways(s) {
			visit(to, s)
		}
		state[id] = done
	}
	for _, id := range p.flow.order {
		visit(id, nil)
	}
}
