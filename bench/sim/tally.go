package sim

import "math"

// gauge is a quantity that stays the same between events; its integral over
// time is what averages are made of.
type gauge struct {
	level int64
	since int64
	area  float64 // of level over ticks, since the last take
}

// add changes the level at a time.
func (g *gauge) add(now, by int64) {
	g.area += float64(g.level) * float64(now-g.since)
	g.since = now
	g.level += by
}

// take returns the integral since the last take.
func (g *gauge) take(now int64) float64 {
	g.add(now, 0)
	area := g.area
	g.area = 0
	return area
}

// counts are what happened to the contacts of a class.
type counts struct {
	Arrived   int64 `json:"arrived"` // attempts, retrials included
	Served    int64 `json:"served"`
	Abandoned int64 `json:"abandoned"`
	Blocked   int64 `json:"blocked"`  // found no waiting place
	Unserved  int64 `json:"unserved"` // still waited when the simulation ended
	Retried   int64 `json:"retried"`  // of Arrived: second and further attempts
}

func (c *counts) add(o *counts) {
	c.Arrived += o.Arrived
	c.Served += o.Served
	c.Abandoned += o.Abandoned
	c.Blocked += o.Blocked
	c.Unserved += o.Unserved
	c.Retried += o.Retried
}

// classTally is what was seen of a class in one batch. Sums are in ticks.
type classTally struct {
	counts
	queued     int64 // found nobody free, and were not blocked
	due        int64 // whose fate is known, of classes with a target
	within     int64 // of them, served within the target
	wait       float64
	waitServed float64
	service    float64
	queueArea  float64
	waits      histogram
}

func (c *classTally) merge(o *classTally) {
	c.counts.add(&o.counts)
	c.queued += o.queued
	c.due += o.due
	c.within += o.within
	c.wait += o.wait
	c.waitServed += o.waitServed
	c.service += o.service
	c.queueArea += o.queueArea
	c.waits.merge(&o.waits)
}

// admitted are the contacts that were not blocked and whose fate is known.
func (c *classTally) admitted() float64 { return float64(c.Served + c.Abandoned + c.Unserved) }

// decided are all contacts whose fate is known.
func (c *classTally) decided() float64 { return c.admitted() + float64(c.Blocked) }

// groupTally is what was seen of a group of agents in one batch.
type groupTally struct {
	used  float64 // integral of units in use
	units float64 // integral of units on duty
	staff float64 // integral of agents on duty
	taken int64   // contacts served
}

func (g *groupTally) merge(o *groupTally) {
	g.used += o.used
	g.units += o.units
	g.staff += o.staff
	g.taken += o.taken
}

// tally is one observation: a replication, or a batch of the only one.
type tally struct {
	ticks   float64 // how long it took
	full    float64 // of them, with no unit of any agent on duty free
	classes []classTally
	groups  []groupTally
}

func newTally(classes, groups int) *tally {
	return &tally{classes: make([]classTally, classes), groups: make([]groupTally, groups)}
}

func (t *tally) merge(o *tally) {
	t.ticks += o.ticks
	t.full += o.full
	for i := range t.classes {
		t.classes[i].merge(&o.classes[i])
	}
	for i := range t.groups {
		t.groups[i].merge(&o.groups[i])
	}
}

// all returns the sum of the classes and of the groups.
func (t *tally) all() (classTally, groupTally) {
	var c classTally
	for i := range t.classes {
		c.merge(&t.classes[i])
	}
	var g groupTally
	for i := range t.groups {
		g.merge(&t.groups[i])
	}
	return c, g
}

// ratio is a/b, NaN without a base.
func ratio(a, b float64) float64 {
	if b == 0 {
		return math.NaN()
	}
	return a / b
}
