package sim

import (
	"math"
	"slices"
)

// onDuty returns how many agents of the group are on duty at a time: shifts
// that overlap add up.
func (g *group) onDuty(at float64) int {
	if g.shifts == nil {
		return g.count
	}
	if g.period > 0 {
		at = math.Mod(at, g.period)
	}
	n := 0
	for _, s := range g.shifts {
		if s.from <= at && at < s.to {
			n += s.agents
		}
	}
	return n
}

// changes returns the times within a period at which shifts begin or end.
func (g *group) changes() []float64 {
	var at []float64
	for _, s := range g.shifts {
		at = append(at, s.from)
		if !math.IsInf(s.to, 1) {
			at = append(at, s.to)
		}
	}
	slices.Sort(at)
	return slices.Compact(at)
}

// nextChange returns when the k-th change happens, counted over all periods;
// false when there is none any more.
func (g *group) nextChange(k int) (float64, bool) {
	at := g.changes()
	switch {
	case k < len(at):
		return at[k], true
	case g.period > 0 && len(at) > 0:
		return float64(k/len(at))*g.period + at[k%len(at)], true
	default:
		return 0, false
	}
}

// dutyAfter returns how many agents are on duty after the k-th change.
func (g *group) dutyAfter(k int) int {
	at := g.changes()
	return g.onDuty(at[k%len(at)])
}
