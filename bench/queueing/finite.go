package queueing

import "math"

// Bounded is the queue M/M/n/K, made by [Finite]. Its measures as a [Queue] are
// those of the callers who get in.
type Bounded struct {
	load      Load
	n, places int
	below     float64   // probability that an agent is free
	busy      []float64 // probability that all are and i callers wait
}

// Finite returns the queue of n > 0 agents with places >= n for callers, those
// who are being served included. Who finds no place is turned away.
func Finite(n, places int, l Load) Bounded {
	q := Bounded{load: l, n: n, places: places, busy: make([]float64, places-n+1)}
	// In units of the state that weighs most, all agents busy or all places
	// taken, so that nothing grows without bound.
	rho := l.Erlangs() / float64(n)
	last := places - n
	if rho <= 1 {
		last = 0
	}
	weigh := func(i int) float64 { return math.Pow(rho, float64(i-last)) }
	q.below = (inverseB(n, l.Erlangs()) - 1) * weigh(0)
	if math.IsNaN(q.below) || math.IsInf(q.below, 1) {
		q.below = math.MaxFloat64 // B is less than any float: an agent is always free
	}
	sum := q.below
	for i := range q.busy {
		q.busy[i] = weigh(i)
		sum += q.busy[i]
	}
	q.below /= sum
	for i := range q.busy {
		q.busy[i] /= sum
	}
	return q
}

// Blocked returns the share of all arrivals that is turned away.
func (q Bounded) Blocked() float64 { return q.busy[q.places-q.n] }

// AllBusy returns the share of time in which no agent is free.
func (q Bounded) AllBusy() float64 { return 1 - q.below }

// enters is the share of arrivals who get in.
func (q Bounded) enters() float64 {
	in := q.below
	for _, p := range q.busy[:q.places-q.n] {
		in += p
	}
	return in
}

// Delayed returns the share of all arrivals, those turned away included, that
// gets in and has to wait.
func (q Bounded) Delayed() float64 { return q.Waits() * q.enters() }

// Waits implements Queue.
func (q Bounded) Waits() float64 {
	var all float64
	for _, p := range q.busy[:q.places-q.n] {
		all += p
	}
	return all / q.enters()
}

// MeanWait implements Queue.
func (q Bounded) MeanWait() float64 {
	var ahead float64 // ends of service that a caller has to wait for
	for i, p := range q.busy[:q.places-q.n] {
		ahead += p * float64(i+1)
	}
	return ahead / q.enters() / (float64(q.n) * q.load.Mu)
}

// ASA implements Queue: everybody is answered.
func (q Bounded) ASA() float64 { return q.MeanWait() }

// Within implements Queue.
func (q Bounded) Within(t float64) float64 {
	// Behind i others a caller waits for i+1 ends of service, which come as a
	// Poisson process: longer than t if at most i come by then.
	ends := float64(q.n) * q.load.Mu * max(t, 0)
	var late, atMost float64
	for i, p := range q.busy[:q.places-q.n] {
		atMost += poisson(ends, i)
		late += p * min(atMost, 1)
	}
	return 1 - late/q.enters()
}

// poisson is the probability of k events when the mean is m.
func poisson(m float64, k int) float64 {
	if m == 0 {
		if k == 0 {
			return 1
		}
		return 0
	}
	lg, _ := math.Lgamma(float64(k + 1))
	return math.Exp(float64(k)*math.Log(m) - m - lg)
}

// Answered implements Queue: nobody gives up.
func (q Bounded) Answered(t float64) float64 { return q.Within(t) }

// Quantile implements Queue.
func (q Bounded) Quantile(p float64) float64 {
	if p <= 1-q.Waits() {
		return 0
	}
	high := 1 / (float64(q.n) * q.load.Mu)
	for q.Within(high) < p {
		high *= 2
	}
	return invert(p, high, q.Within)
}

// invert returns the least t up to high with f(t) >= p, where f grows.
func invert(p, high float64, f func(t float64) float64) float64 {
	low := 0.0
	for high-low > 1e-14*high {
		if middle := (low + high) / 2; f(middle) < p {
			low = middle
		} else {
			high = middle
		}
	}
	return high
}

// Abandons implements Queue: nobody does.
func (q Bounded) Abandons() float64 { return 0 }

// Occupancy implements Queue.
func (q Bounded) Occupancy() float64 { return q.load.Erlangs() * q.enters() / float64(q.n) }
