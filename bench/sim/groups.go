package sim

import "slices"

// Group is a group of agents of a scenario.
type Group struct {
	Name   string
	Agents int
	Least  int  // 1 if contacts prefer one of its agents
	Shifts bool // how many are there is said by shifts
}

// Groups returns the groups of agents in the order of the scenario.
func (sc *Scenario) Groups() []Group {
	list := make([]Group, len(sc.groups))
	for i, g := range sc.groups {
		list[i] = Group{Name: g.name, Agents: g.count, Shifts: g.shifts != nil}
	}
	for i := range sc.classes {
		if p := sc.classes[i].prefers; p.group != "" {
			list[p.index].Least = 1
		}
	}
	return list
}

// WithAgents returns the scenario with other numbers of agents, one for each
// group. Those of groups with shifts stay as they are.
func (sc *Scenario) WithAgents(agents []int) *Scenario {
	other := *sc
	other.groups = slices.Clone(sc.groups)
	for i, n := range agents {
		if g := &other.groups[i]; g.shifts == nil {
			g.count = n
		}
	}
	return &other
}
