package queueing

import "math"

// Queue is a model in steady state.
type Queue interface {
	// Waits returns the share of arrivals that have to wait at all; of those
	// that come in, where there are places that may be taken.
	Waits() float64
	// MeanWait returns the mean wait of all that come in, of those who find an
	// agent at once and who give up as well. It may be infinite.
	MeanWait() float64
	// ASA returns the mean wait of those who are answered, the average speed of
	// answer. It may be infinite.
	ASA() float64
	// Within returns the share whose wait is over by t, whether an agent
	// answered or they gave up: P(W <= t).
	Within(t float64) float64
	// Answered returns the share of all that come in who are answered within t.
	Answered(t float64) float64
	// Quantile returns the time in which the wait of a share p of them is
	// over, at p in [0, 1). It may be infinite.
	Quantile(p float64) float64
	// Abandons returns the share that gives up.
	Abandons() float64
	// Occupancy returns the share of their time that agents are busy.
	Occupancy() float64
}

// Load is what comes in, in one unit of time.
type Load struct {
	Lambda float64 // arrivals, > 0
	Mu     float64 // contacts that one agent ends, > 0: one over the mean handle time
}

// Erlangs returns the offered load: how many agents are busy on average when
// nobody is lost.
func (l Load) Erlangs() float64 { return l.Lambda / l.Mu }

// ErlangB returns the share of arrivals that find n agents busy when an offered
// load of a erlangs comes in and nobody waits.
func ErlangB(n int, a float64) float64 { return 1 / inverseB(n, a) }

// inverseB is 1/B by 1/B(k) = 1 + k/a x 1/B(k-1), which only adds what is
// positive. It is infinite where B is less than any float.
func inverseB(n int, a float64) float64 {
	x := 1.0
	for k := 1; k <= n && !math.IsInf(x, 1); k++ {
		x = 1 + float64(k)/a*x
	}
	return x
}
