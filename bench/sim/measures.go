package sim

// kind is how a measure is written and compared.
type kind uint8

const (
	aTime   kind = iota // units
	aShare              // 0 to 1
	aNumber             // a mean number
	aRate               // per unit
)

// classMeasure is one figure of a class, worked out from a tally; unit is the
// number of ticks in a unit.
type classMeasure struct {
	name string
	kind kind
	of   func(t *classTally, ticks, unit float64) float64
}

func quantile(p float64) func(t *classTally, _, unit float64) float64 {
	return func(t *classTally, _, unit float64) float64 { return t.waits.quantile(p) / unit }
}

// classMeasures are documented in configs/sim/README.md; their names are those
// of the JSON report and of expectations.
var classMeasures = []classMeasure{
	{"wait", aTime, func(t *classTally, _, unit float64) float64 { return ratio(t.wait, t.admitted()) / unit }},
	{"wait_served", aTime, func(t *classTally, _, unit float64) float64 { return ratio(t.waitServed, float64(t.Served)) / unit }},
	{"wait_queued", aTime, func(t *classTally, _, unit float64) float64 { return ratio(t.wait, float64(t.queued)) / unit }},
	{"wait_p50", aTime, quantile(.5)},
	{"wait_p90", aTime, quantile(.9)},
	{"wait_p95", aTime, quantile(.95)},
	{"wait_p99", aTime, quantile(.99)},
	{"p_wait", aShare, func(t *classTally, _, _ float64) float64 { return ratio(float64(t.queued), t.decided()) }},
	{"p_abandon", aShare, func(t *classTally, _, _ float64) float64 { return ratio(float64(t.Abandoned), t.decided()) }},
	{"p_block", aShare, func(t *classTally, _, _ float64) float64 { return ratio(float64(t.Blocked), t.decided()) }},
	{"service_level", aShare, func(t *classTally, _, _ float64) float64 { return ratio(float64(t.within), float64(t.due)) }},
	{"queue", aNumber, func(t *classTally, ticks, _ float64) float64 { return ratio(t.queueArea, ticks) }},
	{"service", aTime, func(t *classTally, _, unit float64) float64 { return ratio(t.service, float64(t.Served)) / unit }},
	{"throughput", aRate, func(t *classTally, ticks, unit float64) float64 { return ratio(float64(t.Served), ticks/unit) }},
}

// groupMeasure is one figure of a group of agents.
type groupMeasure struct {
	name string
	kind kind
	of   func(t *groupTally, ticks float64) float64
}

var groupMeasures = []groupMeasure{
	{"utilisation", aShare, func(t *groupTally, _ float64) float64 { return ratio(t.used, t.units) }},
	{"on_duty", aNumber, func(t *groupTally, ticks float64) float64 { return ratio(t.staff, ticks) }},
	{"busy", aNumber, func(t *groupTally, ticks float64) float64 { return ratio(t.used, ticks) }},
}

// allBusy is the share of time in which no agent on duty has a free unit; it
// stands beside the measures of everything together.
const allBusy = "all_busy"
