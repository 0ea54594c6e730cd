package staff

import (
	"math"
	"strconv"

	"filo/bench/queueing"
)

// Figure is a number that may be infinite or unknown, which JSON has no word
// for: it is null there.
type Figure float64

// MarshalJSON implements json.Marshaler.
func (f Figure) MarshalJSON() ([]byte, error) {
	if math.IsInf(float64(f), 0) || math.IsNaN(float64(f)) {
		return []byte("null"), nil
	}
	return strconv.AppendFloat(nil, float64(f), 'g', 8, 64), nil
}

// Measures are what an interval is like with a number of agents. Times are in
// seconds, the rest are shares.
type Measures struct {
	Agents    int    `json:"agents"`
	Level     Figure `json:"service_level"` // null when no time is asked for
	ASA       Figure `json:"asa_s"`         // of those who are answered
	Waits     Figure `json:"wait_probability"`
	P90       Figure `json:"wait_p90_s"` // of all, those who give up too
	Abandons  Figure `json:"abandon"`
	Occupancy Figure `json:"occupancy"`
}

// measures says what n agents are for the interval. Without contacts there is
// nothing to say.
func (iv Interval) measures(n int, t Target) Measures {
	m := Measures{Agents: n, Level: Figure(math.NaN()), ASA: Figure(math.NaN()), P90: Figure(math.NaN())}
	switch {
	case iv.Contacts == 0:
		return m
	case n == 0: // nobody is answered
		m.Waits = 1
		m.ASA, m.P90 = Figure(math.Inf(1)), Figure(math.Inf(1))
		if iv.Patience > 0 {
			m.P90, m.Abandons = Figure(math.Ln10*iv.Patience.Seconds()), 1
		}
		if t.Level > 0 {
			m.Level = 0
		}
		return m
	}
	q := iv.queue(n)
	m.ASA, m.Waits, m.P90 = Figure(q.ASA()), Figure(q.Waits()), Figure(q.Quantile(.9))
	m.Abandons, m.Occupancy = Figure(q.Abandons()), Figure(q.Occupancy())
	if t.Level > 0 {
		m.Level = Figure(q.Answered(t.Within.Seconds()))
	}
	return m
}

func (iv Interval) queue(n int) queueing.Queue {
	load := queueing.Load{Lambda: iv.Contacts / iv.Length.Seconds(), Mu: 1 / iv.Handle.Seconds()}
	if iv.Patience > 0 {
		return queueing.ErlangA(n, load, 1/iv.Patience.Seconds())
	}
	return queueing.ErlangC(n, load)
}
