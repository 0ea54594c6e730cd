package sim

import (
	"math"
	"math/bits"
)

// histogram counts times in buckets that are narrow in relation to what they
// hold: 64 to each power of two, so that a quantile is exact to 0.8 %, and by
// interpolation mostly far better.
type histogram struct {
	zero    int64 // contacts that did not wait at all
	n       int64
	buckets [bucketCount]uint32
}

const (
	subBits     = 6
	bucketCount = (64 - subBits) << subBits
)

// bucketOf returns the bucket of a positive number of ticks.
func bucketOf(ticks int64) int {
	u := uint64(ticks) //nolint:gosec // positive
	if u < 1<<subBits {
		return int(u) //nolint:gosec // small
	}
	shift := bits.Len64(u) - subBits - 1
	return shift<<subBits + int(u>>shift) //nolint:gosec // far fewer than 2^31
}

// bucketStart returns the least number of ticks of bucket i.
func bucketStart(i int) float64 {
	if i < 1<<subBits {
		return float64(i)
	}
	shift := i>>subBits - 1
	return math.Ldexp(float64(i-shift<<subBits), shift)
}

func (h *histogram) add(ticks int64) {
	h.n++
	if ticks <= 0 {
		h.zero++
		return
	}
	h.buckets[bucketOf(ticks)]++
}

func (h *histogram) merge(o *histogram) {
	h.n += o.n
	h.zero += o.zero
	for i, n := range o.buckets {
		h.buckets[i] += n
	}
}

// quantile returns the time that a share p of the contacts does not exceed, in
// ticks; NaN without contacts.
func (h *histogram) quantile(p float64) float64 {
	if h.n == 0 {
		return math.NaN()
	}
	rank := p * float64(h.n)
	sum := float64(h.zero)
	if rank <= sum {
		return 0
	}
	last := 0.0
	for i, n := range h.buckets {
		if n == 0 {
			continue
		}
		from, to := bucketStart(i), bucketStart(i+1)
		if rank <= sum+float64(n) {
			return from + (to-from)*(rank-sum)/float64(n)
		}
		sum += float64(n)
		last = to
	}
	return last
}

// below returns the share of contacts whose time is at most ticks.
func (h *histogram) below(ticks float64) float64 {
	if h.n == 0 {
		return math.NaN()
	}
	sum := float64(h.zero)
	for i, n := range h.buckets {
		from := bucketStart(i)
		if from > ticks {
			break
		}
		sum += float64(n) * min(1, (ticks-from)/(bucketStart(i+1)-from))
	}
	return sum / float64(h.n)
}
