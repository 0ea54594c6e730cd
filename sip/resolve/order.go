package resolve

import (
	"cmp"
	"net"
	"slices"
)

// Order sorts SRV records as they are to be tried (RFC 2782): lower priorities
// first, and within one priority by lot, each with the chance that its weight
// has among those left. draw(n) is a uniform number in [0, n).
func Order(records []*net.SRV, draw func(n int) int) []*net.SRV {
	sorted := slices.Clone(records)
	slices.SortStableFunc(sorted, func(a, b *net.SRV) int {
		// Weight 0 stands first, so that it has a chance at all beside others.
		return cmp.Or(cmp.Compare(a.Priority, b.Priority), cmp.Compare(min(a.Weight, 1), min(b.Weight, 1)))
	})
	for from := 0; from < len(sorted); {
		to := from
		for to < len(sorted) && sorted[to].Priority == sorted[from].Priority {
			to++
		}
		shuffle(sorted[from:to], draw)
		from = to
	}
	return sorted
}

// shuffle puts records of one priority into an order by their weights.
func shuffle(records []*net.SRV, draw func(n int) int) {
	for len(records) > 1 {
		sum := 0
		for _, r := range records {
			sum += int(r.Weight)
		}
		i, left := 0, draw(sum+1)
		for left > int(records[i].Weight) {
			left -= int(records[i].Weight)
			i++
		}
		chosen := records[i]
		copy(records[1:i+1], records[:i])
		records[0] = chosen
		records = records[1:]
	}
}

// Last moves the hops that failed to the end and keeps the order otherwise.
func Last(hops []Hop, failed func(Hop) bool) []Hop {
	sorted := make([]Hop, 0, len(hops))
	var bad []Hop
	for _, h := range hops {
		if failed(h) {
			bad = append(bad, h)
		} else {
			sorted = append(sorted, h)
		}
	}
	return append(sorted, bad...)
}
