package sim

import (
	"encoding/json"
	"math"
	"strconv"
)

// Estimate is a figure and half the length of its 95 % confidence interval.
// Either is NaN where there is nothing to say, and null in JSON.
type Estimate struct {
	Mean, Half float64

	each []float64 // the single observations
}

// MarshalJSON writes {"mean": ..., "half": ...}.
func (e Estimate) MarshalJSON() ([]byte, error) {
	b := append([]byte(`{"mean":`), number(e.Mean)...)
	b = append(append(b, `,"half":`...), number(e.Half)...)
	return append(b, '}'), nil
}

func number(x float64) string {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return "null"
	}
	return strconv.FormatFloat(x, 'g', 10, 64)
}

// Measures are figures by name.
type Measures map[string]Estimate

// ClassResult is what the contacts of a class saw, or all of them.
type ClassResult struct {
	Name     string   `json:"-"`
	Counts   counts   `json:"counts"`
	Measures Measures `json:"-"`

	tally classTally
}

// MarshalJSON writes the measures beside the counts.
func (c ClassResult) MarshalJSON() ([]byte, error) {
	return marshalWith(c.Measures, "counts", c.Counts)
}

// GroupResult is what a group of agents did, or all of them.
type GroupResult struct {
	Name     string
	Agents   int
	Measures Measures
}

// MarshalJSON writes the measures beside the number of agents.
func (g GroupResult) MarshalJSON() ([]byte, error) {
	return marshalWith(g.Measures, "agents", g.Agents)
}

func marshalWith(m Measures, key string, v any) ([]byte, error) {
	all := map[string]any{key: v}
	for name, e := range m {
		all[name] = e
	}
	return json.Marshal(all)
}

// Result is what a simulation saw. All times are in units.
type Result struct {
	Scenario     *Scenario
	Seed         uint64
	Replications int
	Batches      int     // of the only replication, else 1
	Contacts     int64   // arrivals, warm-up and retrials included
	Wall         float64 // seconds
	Classes      []ClassResult
	Groups       []GroupResult
	All          ClassResult // of every class, with the measures of all agents
	Expect       []Verdict
	Pass         bool // every expectation is met

	series series
}

// MarshalJSON writes the report as one object; classes and groups by name.
func (r *Result) MarshalJSON() ([]byte, error) {
	classes, groups := map[string]ClassResult{}, map[string]GroupResult{}
	for _, c := range r.Classes {
		classes[c.Name] = c
	}
	for _, g := range r.Groups {
		groups[g.Name] = g
	}
	expect := r.Expect
	if expect == nil {
		expect = []Verdict{}
	}
	return json.Marshal(struct {
		Scenario     string                 `json:"scenario"`
		Unit         string                 `json:"unit"`
		Seed         uint64                 `json:"seed"`
		Replications int                    `json:"replications"`
		Batches      int                    `json:"batches"`
		Contacts     int64                  `json:"contacts"`
		Wall         float64                `json:"wall_s"`
		PerSecond    float64                `json:"contacts_per_s"`
		Classes      map[string]ClassResult `json:"classes"`
		Groups       map[string]GroupResult `json:"groups"`
		All          ClassResult            `json:"all"`
		Expect       []Verdict              `json:"expect"`
		Pass         bool                   `json:"pass"`
	}{
		r.Scenario.Name, r.Scenario.Unit.String(), r.Seed, r.Replications, r.Batches, r.Contacts, r.Wall,
		math.Round(float64(r.Contacts) / r.Wall), classes, groups, r.All, expect, r.Pass,
	})
}

// measure works out every figure: from all observations together, with the
// spread of the single ones as its uncertainty.
func (r *Result) measure(sc *Scenario, each []*tally) {
	unit := sc.ticks()
	pool := newTally(len(sc.classes), len(sc.groups))
	pooled := make([]struct {
		c classTally
		g groupTally
	}, len(each))
	for i, t := range each {
		pool.merge(t)
		pooled[i].c, pooled[i].g = t.all()
	}
	for i := range sc.classes {
		r.Classes = append(r.Classes, ClassResult{
			Name: sc.classes[i].name, Counts: pool.classes[i].counts, tally: pool.classes[i],
			Measures: classEstimates(&pool.classes[i], pool, each, unit, func(k int) *classTally { return &each[k].classes[i] }),
		})
	}
	for i := range sc.groups {
		r.Groups = append(r.Groups, GroupResult{
			Name: sc.groups[i].name, Agents: sc.groups[i].count,
			Measures: groupEstimates(&pool.groups[i], pool, each, func(k int) *groupTally { return &each[k].groups[i] }),
		})
	}
	c, g := pool.all()
	r.All = ClassResult{
		Name: "all", Counts: c.counts, tally: c,
		Measures: classEstimates(&c, pool, each, unit, func(k int) *classTally { return &pooled[k].c }),
	}
	for name, e := range groupEstimates(&g, pool, each, func(k int) *groupTally { return &pooled[k].g }) {
		r.All.Measures[name] = e
	}
	r.All.Measures[allBusy] = estimate(ratio(pool.full, pool.ticks), len(each), func(k int) float64 { return ratio(each[k].full, each[k].ticks) })
}

func estimate(mean float64, n int, single func(k int) float64) Estimate {
	xs := make([]float64, n)
	for k := range xs {
		xs[k] = single(k)
	}
	return Estimate{mean, halfWidth(xs), xs}
}

func classEstimates(c *classTally, pool *tally, each []*tally, unit float64, single func(k int) *classTally) Measures {
	m := Measures{}
	for _, x := range classMeasures {
		m[x.name] = estimate(x.of(c, pool.ticks, unit), len(each), func(k int) float64 {
			return x.of(single(k), each[k].ticks, unit)
		})
	}
	return m
}

func groupEstimates(g *groupTally, pool *tally, each []*tally, single func(k int) *groupTally) Measures {
	m := Measures{}
	for _, x := range groupMeasures {
		m[x.name] = estimate(x.of(g, pool.ticks), len(each), func(k int) float64 { return x.of(single(k), each[k].ticks) })
	}
	return m
}
