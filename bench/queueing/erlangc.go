package queueing

import "math"

// Waiting is the queue M/M/n, made by [ErlangC]. Without as many agents as
// erlangs it has no steady state: everybody waits, for ever.
type Waiting struct {
	load  Load
	n     int
	waits float64
}

// ErlangC returns the queue of n agents whose callers wait without end.
func ErlangC(n int, l Load) Waiting {
	w := Waiting{load: l, n: n, waits: 1}
	if w.slack() > 0 {
		b, rho := ErlangB(n, l.Erlangs()), l.Erlangs()/float64(n)
		w.waits = b / (1 - rho + rho*b)
	}
	return w
}

// slack is the rate at which a queue gets shorter: what n agents end above
// what comes in.
func (w Waiting) slack() float64 { return float64(w.n)*w.load.Mu - w.load.Lambda }

// Waits implements Queue.
func (w Waiting) Waits() float64 { return w.waits }

// MeanWait implements Queue.
func (w Waiting) MeanWait() float64 {
	if w.slack() <= 0 {
		return math.Inf(1)
	}
	return w.waits / w.slack()
}

// ASA implements Queue: everybody is answered.
func (w Waiting) ASA() float64 { return w.MeanWait() }

// Within implements Queue.
func (w Waiting) Within(t float64) float64 {
	if w.slack() <= 0 {
		return 0
	}
	return 1 - w.waits*math.Exp(-w.slack()*max(t, 0))
}

// Answered implements Queue.
func (w Waiting) Answered(t float64) float64 { return w.Within(t) }

// Quantile implements Queue.
func (w Waiting) Quantile(p float64) float64 {
	switch {
	case p <= 1-w.waits:
		return 0
	case w.slack() <= 0:
		return math.Inf(1)
	}
	return math.Log(w.waits/(1-p)) / w.slack()
}

// Abandons implements Queue: nobody does.
func (w Waiting) Abandons() float64 { return 0 }

// Occupancy implements Queue.
func (w Waiting) Occupancy() float64 {
	if w.slack() <= 0 {
		return 1
	}
	return w.load.Erlangs() / float64(w.n)
}
