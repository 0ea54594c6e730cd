package sim

import (
	"math"
	"math/rand/v2"
)

// arrival is one contact that comes, at a time in units since the start. A
// service time or patience below 0 is to be drawn.
type arrival struct{ at, service, patience float64 }

// process describes how the contacts of a class arrive.
type process interface {
	// start returns a source of one replication.
	start() source
	// perUnit is the long-run number of arrivals in a unit of time; 0 when the
	// process ends by itself.
	perUnit() float64
	// last is when the process ends; infinite when it does not.
	last() float64
}

// source gives arrivals in the order of time.
type source interface {
	next(r *rand.Rand) (arrival, bool)
}

// renewal has independent times between arrivals; exponential ones make it a
// Poisson process.
type renewal struct{ between dist }

func (p renewal) perUnit() float64 { return 1 / p.between.mean() }
func (p renewal) last() float64    { return math.Inf(1) }
func (p renewal) start() source    { return &renewalSource{between: p.between} }

type renewalSource struct {
	between dist
	now     float64
}

func (s *renewalSource) next(r *rand.Rand) (arrival, bool) {
	s.now += s.between.draw(r)
	return arrival{s.now, -1, -1}, true
}

// piecewise is a Poisson process with a rate for each span of time.
type piecewise struct {
	from   []float64 // ascending, the first is 0
	rate   []float64
	period float64 // after which the rates repeat; 0: never, the last one stays
}

func (p piecewise) start() source { return &piecewiseSource{piecewise: p} }

func (p piecewise) perUnit() float64 {
	if p.period == 0 {
		return p.rate[len(p.rate)-1]
	}
	sum := 0.0
	for i, rate := range p.rate {
		sum += rate * (p.end(i) - p.from[i])
	}
	return sum / p.period
}

func (p piecewise) last() float64 {
	if p.period == 0 && p.rate[len(p.rate)-1] == 0 {
		return p.from[len(p.from)-1]
	}
	return math.Inf(1)
}

// end returns where span i ends within a period.
func (p piecewise) end(i int) float64 {
	switch {
	case i+1 < len(p.from):
		return p.from[i+1]
	case p.period > 0:
		return p.period
	default:
		return math.Inf(1)
	}
}

type piecewiseSource struct {
	piecewise
	now   float64
	cycle float64 // start of the period
	i     int
}

// next spends an exponential amount of expected arrivals, span by span.
func (s *piecewiseSource) next(r *rand.Rand) (arrival, bool) {
	mass := r.ExpFloat64()
	for {
		end := s.cycle + s.end(s.i)
		here := s.rate[s.i] * (end - s.now)
		if mass < here {
			s.now += mass / s.rate[s.i]
			return arrival{s.now, -1, -1}, true
		}
		if math.IsInf(end, 1) {
			return arrival{}, false // the last rate is 0
		}
		mass -= here
		s.now = end
		if s.i++; s.i == len(s.rate) {
			s.i, s.cycle = 0, s.cycle+s.period
		}
	}
}

// trace is arrivals that were recorded.
type trace []arrival

func (p trace) perUnit() float64 { return 0 }
func (p trace) last() float64    { return p[len(p)-1].at }
func (p trace) start() source    { return &traceSource{rest: p} }

type traceSource struct{ rest trace }

func (s *traceSource) next(*rand.Rand) (arrival, bool) {
	if len(s.rest) == 0 {
		return arrival{}, false
	}
	a := s.rest[0]
	s.rest = s.rest[1:]
	return a, true
}

// nobody never comes: the class is fed by retrials and overflow only.
type nobody struct{}

func (nobody) perUnit() float64                { return 0 }
func (nobody) last() float64                   { return 0 }
func (nobody) start() source                   { return nobody{} }
func (nobody) next(*rand.Rand) (arrival, bool) { return arrival{}, false }
