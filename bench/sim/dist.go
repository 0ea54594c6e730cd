package sim

import (
	"math"
	"math/rand/v2"
	"sort"
)

// dist is a distribution of times that are not negative, in units.
type dist interface {
	draw(r *rand.Rand) float64
	mean() float64
}

// fixed is always the same time.
type fixed float64

func (d fixed) draw(*rand.Rand) float64 { return float64(d) }
func (d fixed) mean() float64           { return float64(d) }

// exponential has the mean that it is.
type exponential float64

func (d exponential) draw(r *rand.Rand) float64 { return float64(d) * r.ExpFloat64() }
func (d exponential) mean() float64             { return float64(d) }

// erlang is the sum of k exponential phases of mean phase.
type erlang struct {
	k     int
	phase float64
}

func (d erlang) draw(r *rand.Rand) float64 {
	sum := 0.0
	for range d.k {
		sum += r.ExpFloat64()
	}
	return d.phase * sum
}

func (d erlang) mean() float64 { return float64(d.k) * d.phase }

// lognormal is e to the power of a normal variable.
type lognormal struct{ mu, sigma float64 }

// newLognormal has the mean and the coefficient of variation.
func newLognormal(mean, cv float64) lognormal {
	s2 := math.Log1p(cv * cv)
	return lognormal{mu: math.Log(mean) - s2/2, sigma: math.Sqrt(s2)}
}

func (d lognormal) draw(r *rand.Rand) float64 { return math.Exp(d.mu + d.sigma*r.NormFloat64()) }
func (d lognormal) mean() float64             { return math.Exp(d.mu + d.sigma*d.sigma/2) }

// uniform lies between from and to.
type uniform struct{ from, to float64 }

func (d uniform) draw(r *rand.Rand) float64 { return d.from + (d.to-d.from)*r.Float64() }
func (d uniform) mean() float64             { return (d.from + d.to) / 2 }

// weibull has a falling hazard with a shape below 1, a rising one above.
type weibull struct{ shape, scale float64 }

func (d weibull) draw(r *rand.Rand) float64 { return d.scale * math.Pow(r.ExpFloat64(), 1/d.shape) }
func (d weibull) mean() float64             { return d.scale * math.Gamma(1+1/d.shape) }

// mixture draws from one of its parts, chosen by their probabilities.
type mixture struct {
	upTo  []float64 // cumulative; the last is 1
	parts []dist
}

func newMixture(weights []float64, parts []dist) mixture {
	return mixture{upTo: cumulate(weights), parts: parts}
}

// newHyper is a mixture of two exponentials with balanced means and a
// coefficient of variation of at least 1.
func newHyper(mean, cv float64) mixture {
	c2 := cv * cv
	p := (1 + math.Sqrt((c2-1)/(c2+1))) / 2
	return newMixture([]float64{p, 1 - p}, []dist{exponential(mean / (2 * p)), exponential(mean / (2 * (1 - p)))})
}

func (d mixture) draw(r *rand.Rand) float64 { return d.parts[choose(d.upTo, r)].draw(r) }

func (d mixture) mean() float64 {
	sum, before := 0.0, 0.0
	for i, p := range d.parts {
		sum += (d.upTo[i] - before) * p.mean()
		before = d.upTo[i]
	}
	return sum
}

// empirical draws one of the values that were seen.
type empirical struct {
	upTo   []float64
	values []float64
}

// newEmpirical weighs every value alike without weights.
func newEmpirical(values, weights []float64) empirical {
	if weights == nil {
		weights = make([]float64, len(values))
		for i := range weights {
			weights[i] = 1
		}
	}
	return empirical{upTo: cumulate(weights), values: values}
}

func (d empirical) draw(r *rand.Rand) float64 { return d.values[choose(d.upTo, r)] }

func (d empirical) mean() float64 {
	sum, before := 0.0, 0.0
	for i, x := range d.values {
		sum += (d.upTo[i] - before) * x
		before = d.upTo[i]
	}
	return sum
}

// cumulate turns weights into a distribution function that ends in exactly 1.
func cumulate(weights []float64) []float64 {
	total := 0.0
	for _, w := range weights {
		total += w
	}
	upTo := make([]float64, len(weights))
	sum := 0.0
	for i, w := range weights {
		sum += w
		upTo[i] = sum / total
	}
	upTo[len(upTo)-1] = 1
	return upTo
}

func choose(upTo []float64, r *rand.Rand) int {
	u := r.Float64()
	return sort.Search(len(upTo)-1, func(i int) bool { return u < upTo[i] })
}
