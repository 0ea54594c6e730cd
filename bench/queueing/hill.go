package queueing

import (
	"math"
	"slices"
)

// hill is the function exp(g(v) - top) of v >= 0, where
//
//	g(v) = rise (1-exp(-bend v))/bend - fall v
//
// is concave and top its maximum: it rises to 1 once and falls for ever.
type hill struct {
	rise, bend, fall float64
	at, top          float64 // where the maximum is, and what g is there
}

func newHill(rise, bend, fall float64) hill {
	h := hill{rise: rise, bend: bend, fall: fall}
	if rise > fall {
		h.at = math.Log(rise/fall) / bend
		h.top = -rise*math.Expm1(-bend*h.at)/bend - fall*h.at
	}
	return h
}

// drop is top - g(v). Near a top beyond 0, where rise exp(-bend at) = fall, it
// is not the difference of large numbers.
func (h hill) drop(v float64) float64 {
	if h.at == 0 {
		return h.fall*v + h.rise*math.Expm1(-h.bend*v)/h.bend
	}
	u := h.bend * (v - h.at)
	return h.fall / h.bend * (math.Expm1(-u) + u)
}

// integral is that of the function times weight (nil: 1) from low to high. The
// weight may change as fast as exp(-bend v).
func (h hill) integral(low, high float64, weight func(v float64) float64) float64 {
	from, to := h.feet()
	from, to = max(from, low), min(to, high)
	if from >= to {
		return 0
	}
	cuts := []float64{from}
	for k := 1.0; k <= 64; k *= 2 {
		cuts = append(cuts, from+k/h.bend)
	}
	cuts = append(cuts, h.at, to)
	slices.Sort(cuts)
	return integrate(cuts, from, to, func(v float64) float64 {
		f := math.Exp(-h.drop(v))
		if weight != nil {
			f *= weight(v)
		}
		return f
	})
}

// feet are where the hill has become negligible: less than 1e-20 of its top.
func (h hill) feet() (left, right float64) {
	const negligible = 46
	if h.drop(0) > negligible {
		left = crossing(h.at, 0, func(v float64) bool { return h.drop(v) > negligible })
	}
	width := 1 / max(h.fall, h.bend)
	for h.drop(h.at+width) <= negligible {
		width *= 2
	}
	return left, crossing(h.at, h.at+width, func(v float64) bool { return h.drop(v) > negligible })
}

// crossing finds where, on the way from inside to outside, reached turns true,
// by halving. It returns a place that has been reached, a thousandth of the way
// too far at most: feet need not be exact.
func crossing(inside, outside float64, reached func(v float64) bool) float64 {
	for range 10 {
		middle := (inside + outside) / 2
		if reached(middle) {
			outside = middle
		} else {
			inside = middle
		}
	}
	return outside
}
