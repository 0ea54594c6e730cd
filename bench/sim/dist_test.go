package sim

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

// readDist reads a distribution as a scenario has it.
func readDist(t *testing.T, text string) dist {
	t.Helper()
	sc, err := Parse("f.yaml", []byte("unit: 1m\nclasses: {c: {arrivals: 1, service: "+text+"}}\nagents: {a: 1}"), fstest.MapFS{
		"times.txt": {Data: []byte("minutes\n1\n\n120s\n3\n")},
	})
	require.NoError(t, err)
	return sc.classes[0].service
}

// TestDistributions: mean and coefficient of variation are what they ought to
// be, as drawn and as computed.
func TestDistributions(t *testing.T) {
	for _, tt := range []struct {
		text     string
		mean, cv float64
	}{
		{"3", 3, 0},
		{"90s", 1.5, 0},
		{"{fixed: 2}", 2, 0},
		{"{exp: 2}", 2, 1},
		{"{exp: {mean: 2}}", 2, 1},
		{"{exp: {rate: 4}}", 0.25, 1},
		{"{exp: {rate: 30/h}}", 2, 1},
		{"{erlang: {k: 4, mean: 2}}", 2, 0.5},
		{"{lognormal: {mean: 3, cv: 0.8}}", 3, 0.8},
		{"{lognormal: {mean: 3, sd: 2.4}}", 3, 0.8},
		{"{lognormal: {median: 1, sigma: 0.5}}", math.Exp(0.125), math.Sqrt(math.Expm1(0.25))},
		{"{lognormal: {mu: 1, sigma: 0.5}}", math.Exp(1.125), math.Sqrt(math.Expm1(0.25))},
		{"{uniform: [1, 3]}", 2, 1 / math.Sqrt(12)},
		{"{weibull: {shape: 1, mean: 2}}", 2, 1},
		{"{weibull: {shape: 2, scale: 2}}", math.Sqrt(math.Pi), math.Sqrt(4/math.Pi - 1)},
		{"{hyper: {mean: 2, cv: 2}}", 2, 2},
		{"{empirical: [1, 2, 3]}", 2, math.Sqrt(1. / 6)},
		{"{empirical: {file: times.txt}}", 2, math.Sqrt(1. / 6)},
		{"{empirical: {values: [0, 4], weights: [1, 3]}}", 3, math.Sqrt(3) / 3},
		{"{mix: [{share: 0.5, of: 0}, {share: 50%, of: {exp: 2}}]}", 1, math.Sqrt(3)},
	} {
		t.Run(tt.text, func(t *testing.T) {
			d := readDist(t, tt.text)
			require.InDelta(t, tt.mean, d.mean(), 1e-9)
			r := stream(1, 0, "c", forService)
			sum, squares, least := 0.0, 0.0, inf
			const n = 200_000
			for range n {
				x := d.draw(r)
				least = min(least, x)
				sum += x
				squares += x * x
			}
			mean := sum / n
			require.GreaterOrEqual(t, least, 0.0)
			require.InDelta(t, tt.mean, mean, 0.02*tt.mean)
			require.InDelta(t, tt.cv, math.Sqrt(max(squares/n-mean*mean, 0))/mean, 0.03*tt.cv+1e-6)
		})
	}
}

// arrivalsOf draws the arrivals of one run up to a time.
func arrivalsOf(p process, until float64, r *rand.Rand) []float64 {
	var at []float64
	for s := p.start(); ; {
		a, ok := s.next(r)
		if !ok || a.at >= until {
			return at
		}
		at = append(at, a.at)
	}
}

// TestPiecewise: as many arrivals in each span as its rate says, and a
// variance like a Poisson process has.
func TestPiecewise(t *testing.T) {
	p := piecewise{from: []float64{0, 2, 5}, rate: []float64{3, 0, 1}, period: 10}
	require.InDelta(t, 1.1, p.perUnit(), 1e-12)
	var counts [3][]float64
	for k := range 2000 {
		var n [3]float64
		for _, at := range arrivalsOf(p, 20, stream(1, k, "c", forArrivals)) {
			at = math.Mod(at, 10)
			switch {
			case at < 2:
				n[0]++
			case at < 5:
				n[1]++
			default:
				n[2]++
			}
		}
		for i := range n {
			counts[i] = append(counts[i], n[i])
		}
	}
	for i, want := range []float64{12, 0, 10} {
		sum, squares := 0.0, 0.0
		for _, x := range counts[i] {
			sum += x
			squares += x * x
		}
		n := float64(len(counts[i]))
		mean := sum / n
		require.InDelta(t, want, mean, 0.3)
		require.InDelta(t, want, squares/n-mean*mean, 0.12*want)
	}
	once := piecewise{from: []float64{0, 2}, rate: []float64{3, 0}}
	require.InDelta(t, 2, once.last(), 0)
	require.NotEmpty(t, arrivalsOf(once, inf, stream(1, 0, "c", forArrivals)))
}

// TestStreams: streams differ by seed, replication, owner and purpose, and
// their first numbers have nothing in common.
func TestStreams(t *testing.T) {
	var first []uint64
	for seed := range uint64(4) {
		for rep := range 50 {
			for _, owner := range []string{"a", "b"} {
				for _, p := range []purpose{forArrivals, forService} {
					first = append(first, stream(seed, rep, owner, p).Uint64())
				}
			}
		}
	}
	ones := 0
	for i := 1; i < len(first); i++ {
		for x := first[i] ^ first[i-1]; x != 0; x &= x - 1 {
			ones++
		}
	}
	require.InDelta(t, 32, float64(ones)/float64(len(first)-1), 0.8, "half of the bits differ")
	slices.Sort(first)
	require.Len(t, slices.Compact(first), 4*50*2*2)
}
