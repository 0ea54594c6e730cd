package queueing

import "math"

// Impatient is the queue M/M/n+M, made by [ErlangA].
type Impatient struct {
	load  Load
	n     int
	theta float64
	hill  hill
	waits float64
	total float64 // integral J of the hill
}

// ErlangA returns the queue of n > 0 agents whose callers have patience of the
// mean 1/theta, theta > 0. It has a steady state however few agents there are.
//
// The offered wait V, that of a caller with endless patience, has the density
// lambda p exp(g(v)) at v > 0, where g(v) = lambda (1-exp(-theta v))/theta -
// n mu v and p is the share of time in which all agents but one are busy. The
// measures are integrals over it.
func ErlangA(n int, l Load, theta float64) Impatient {
	q := Impatient{load: l, n: n, theta: theta, hill: newHill(l.Lambda, theta, float64(n)*l.Mu)}
	q.total = q.hill.integral(0, math.Inf(1), nil)
	// P(V > 0) = lambda J/(E + lambda J), where E = 1/B(n-1).
	e := inverseB(n-1, l.Erlangs())
	q.waits = 1 / (1 + e*math.Exp(-q.hill.top)/(l.Lambda*q.total))
	return q
}

// Waits implements Queue.
func (q Impatient) Waits() float64 { return q.waits }

// MeanWait implements Queue.
func (q Impatient) MeanWait() float64 {
	// A caller waits for the lesser of V and the patience, whose mean is that
	// of (1-exp(-theta V))/theta.
	spent := func(v float64) float64 { return -math.Expm1(-q.theta*v) / q.theta }
	return q.waits * q.hill.integral(0, math.Inf(1), spent) / q.total
}

// ASA implements Queue.
func (q Impatient) ASA() float64 {
	stays := func(v float64) float64 { return v * math.Exp(-q.theta*v) }
	return q.waits * q.hill.integral(0, math.Inf(1), stays) / q.total / q.Answered(math.Inf(1))
}

// Within implements Queue.
func (q Impatient) Within(t float64) float64 {
	return 1 - q.later(max(t, 0))*math.Exp(-q.theta*max(t, 0))
}

// later is P(V > t).
func (q Impatient) later(t float64) float64 {
	return q.waits * q.hill.integral(t, math.Inf(1), nil) / q.total
}

// Answered implements Queue.
func (q Impatient) Answered(t float64) float64 {
	stays := func(v float64) float64 { return math.Exp(-q.theta * v) }
	return 1 - q.waits + q.waits*q.hill.integral(0, max(t, 0), stays)/q.total
}

// Quantile implements Queue.
func (q Impatient) Quantile(p float64) float64 {
	if p <= 1-q.waits {
		return 0
	}
	// Nobody waits for longer than the patience, so that bounds it.
	return invert(p, -math.Log1p(-p)/q.theta, q.Within)
}

// Abandons implements Queue: by Little's law those who wait give up at the rate
// theta.
func (q Impatient) Abandons() float64 { return min(q.theta*q.MeanWait(), 1) }

// Occupancy implements Queue.
func (q Impatient) Occupancy() float64 {
	return min(q.load.Erlangs()*(1-q.Abandons())/float64(q.n), 1)
}
