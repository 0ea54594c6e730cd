package sim

import (
	"math"
	"time"
)

// Scenario is what a simulation plays, read from a file by [Load].
type Scenario struct {
	Name  string
	About string
	// Unit is the length of a unit of time; all times of the scenario and of
	// its results are in units.
	Unit time.Duration
	Seed uint64
	// Replications are independent runs, whose spread gives the confidence
	// intervals. With one only, its length is cut into batches instead.
	Replications int
	// Contacts are the arrivals of all replications together, warm-up
	// included; 0 when Duration ends them.
	Contacts int64
	Duration float64 // units, of each replication; 0: as long as Contacts last

	named    bool    // Unit was given: times are shown as durations
	warmup   float64 // units, or a share when warmShare
	share    bool
	interval float64 // units, of the series over time; 0: a 60th of the run

	priorityStep float64
	offer        offerRules
	channels     []channel
	rooms        []room
	classes      []class
	groups       []group
	skills       []string
	expect       []Expectation
}

// offerRules are what happens to offers that are not accepted at once.
type offerRules struct {
	timeout   float64 // 0: an offer waits without end
	exclude   float64 // 0: a refuser is never asked again
	ronaLimit int
	ronaPause dist // until an agent who let offers expire is ready again; nil: never
}

type channel struct {
	name       string
	weight     int
	limit      int
	interrupts []int
}

// room is a number of waiting places that classes share.
type room struct {
	name string
	size int // 0: nobody may wait
}

// requirement is a skill at a minimum; a clause is met by any of its own.
type requirement struct {
	skill int
	min   uint8
}

type clause []requirement

type step struct {
	after  float64
	needs  []clause
	agents []int // groups; nil: all
}

const forever = math.MaxFloat64

// class is a kind of contacts: one work type of the core.
type class struct {
	name     string
	comes    process
	service  dist
	patience dist // of the callers; nil: without end
	wrapUp   dist // nil: none
	retry    retry
	target   float64 // of the service level; NaN: none

	channel  int
	steps    []step
	priority int
	tier     int
	sel      int // index of selections
	load     int // index of loads
	deadline float64
	ageing   float64 // 1: a second counts as a second
	saturate float64
	promote  float64
	reserve  int
	overload int
	room     int // index of rooms, or -1
	overflow overflow
	prefers  prefers
}

// retry is how those come again who were not served.
type retry struct {
	share     float64
	after     dist
	most      int  // attempts after the first
	blocked   bool // who was blocked comes again
	abandoned bool
}

type overflow struct {
	to        string // class; "": none
	index     int
	after     float64
	afterHold bool
}

// prefers is a preferred agent, drawn among those of a group.
type prefers struct {
	group string // "": none
	index int
	share float64 // of the contacts that have one
	hold  float64
}

var (
	selections = []string{"longest_idle", "most_proficient", "least_flexible"}
	loads      = []string{"any", "least", "most"}
)

// group is a number of agents who are alike.
type group struct {
	name     string
	count    int
	skills   []proficiency
	capacity int
	caps     []int // by channel; -1: no bound but the capacity
	serves   []serve
	speed    []float64 // by class
	answer   dist      // from offer to acceptance; nil: at once
	refuse   float64   // probability
	ignore   float64   // probability that an offer is left to expire
	shifts   []shift   // nil: always on duty
	period   float64   // after which the shifts repeat; 0: never
}

type proficiency struct {
	skill   int
	level   uint8
	reserve bool
}

type serve struct {
	class int
	rank  int
	delay float64
}

// shift has agents on duty from a time to another.
type shift struct {
	from, to float64
	agents   int
}

// horizon is how long a replication is expected to last, in units.
func (sc *Scenario) horizon() float64 {
	if sc.Duration > 0 {
		return sc.Duration
	}
	rate, last := 0.0, 0.0
	for i := range sc.classes {
		p := sc.classes[i].comes
		rate += p.perUnit()
		if end := p.last(); !math.IsInf(end, 1) {
			last = max(last, end)
		}
	}
	if rate == 0 || sc.Contacts == 0 {
		return last
	}
	return float64(sc.Contacts) / float64(sc.Replications) / rate
}

// ticks is how many ticks of the core, which takes them for nanoseconds, a
// unit has: nanoseconds, unless so long a simulation would overflow.
func (sc *Scenario) ticks() float64 {
	const most = 1 << 59
	if h := sc.horizon(); h*float64(sc.Unit) > most {
		return most / h
	}
	return float64(sc.Unit)
}
