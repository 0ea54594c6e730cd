package queueing

import (
	"fmt"
	"math"
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// printed is half a unit of the last of so many decimals.
func printed(decimals int) float64 { return .51 * math.Pow(10, -float64(decimals)) }

func TestErlangB(t *testing.T) {
	for _, c := range []struct {
		n       int
		a, want float64
	}{
		{20, 12.031, .01000259},
		{100, 84.064, .00999968},
		{10, 10, .21458234},
	} {
		require.InDelta(t, c.want, ErlangB(c.n, c.a), printed(8))
	}
	require.InDelta(t, 1, ErlangB(0, 5), 0)
	require.InDelta(t, .5, ErlangB(1, 1), 1e-15)
	require.Zero(t, ErlangB(10_000, 1), "less than any float")
}

// The recursion in 300 bits.
func TestErlangBLarge(t *testing.T) {
	const bits = 300
	for _, c := range []struct {
		n int
		a float64
	}{{1000, 900}, {10_000, 9_900}, {10_000, 10_000}, {10_000, 12_000}, {10_000, 9_000}} {
		a, b := new(big.Float).SetPrec(bits).SetFloat64(c.a), new(big.Float).SetPrec(bits).SetInt64(1)
		for k := 1; k <= c.n; k++ {
			ab := new(big.Float).Mul(a, b)
			sum := new(big.Float).Add(new(big.Float).SetPrec(bits).SetInt64(int64(k)), ab)
			b = new(big.Float).Quo(ab, sum)
		}
		want, _ := b.Float64()
		require.InEpsilon(t, want, ErlangB(c.n, c.a), 1e-12, "%+v", c)
	}
}

func TestErlangC(t *testing.T) {
	q := ErlangC(12, Load{10, 1})
	require.InDelta(t, .44938822, q.Waits(), printed(8))
	require.InDelta(t, .22469411, q.MeanWait(), printed(8))
	require.InDelta(t, .63207204, q.Within(.1), printed(8))
	require.InDelta(t, 10./12, q.Occupancy(), 1e-15)

	q = ErlangC(50, Load{48. / 60, 1. / 60}) // a second
	require.InDelta(t, .69445561, q.Waits(), printed(8))
	require.InDelta(t, 20.834, q.MeanWait(), printed(3))
	require.InDelta(t, 58.139, q.Quantile(.9), printed(3))
	require.Zero(t, q.Quantile(.3), "found an agent")
	require.Zero(t, q.Abandons())

	q = ErlangC(10, Load{10, 1})
	require.InDelta(t, 1, q.Waits(), 0)
	require.True(t, math.IsInf(q.MeanWait(), 1))
	require.True(t, math.IsInf(q.Quantile(.5), 1))
	require.Zero(t, q.Answered(1e9))
	require.InDelta(t, 1, q.Occupancy(), 0)
	require.InDelta(t, 1, ErlangC(0, Load{10, 1}).Waits(), 0)
}

func TestErlangA(t *testing.T) {
	for _, c := range []struct {
		n                               int
		lambda, waits, abandons, ew, on float64
	}{
		{50, 48, .46777407, .03091225, .06182450, .930324},
		{10, 12, .85038495, .19565594, .39131189, .965213},
	} {
		q := ErlangA(c.n, Load{c.lambda, 1}, .5)
		require.InDelta(t, c.waits, q.Waits(), printed(8))
		require.InDelta(t, c.abandons, q.Abandons(), printed(8))
		require.InDelta(t, c.ew, q.MeanWait(), printed(8))
		require.InDelta(t, c.on, q.Occupancy(), printed(6))
	}
}

func TestFinite(t *testing.T) {
	q := Finite(90, 120, Load{8.4, .1})
	require.InDelta(t, .003643, q.Blocked(), printed(6))
	require.InDelta(t, .378322, q.Delayed(), printed(6))
	require.InDelta(t, .450023, q.MeanWait(), printed(6))
	require.InDelta(t, 84*(1-.003643)/90, q.Occupancy(), 1e-6)
}

// chain is the birth and death process itself, summed up state by state from
// the one that weighs most.
type chain struct{ waits, waiting, busy float64 }

func newChain(n int, l Load, theta float64, places int) (c chain, blocked float64) {
	ends := func(k int) float64 { return float64(min(k, n))*l.Mu + float64(max(k-n, 0))*theta }
	mode := 0
	for mode < places && l.Lambda > ends(mode+1) {
		mode++
	}
	p := map[int]float64{mode: 1}
	sum := 1.0
	for k, w := mode, 1.0; k < places && w > 1e-25; k++ {
		w *= l.Lambda / ends(k+1)
		p[k+1] = w
		sum += w
	}
	for k, w := mode, 1.0; k > 0 && w > 1e-25; k-- {
		w *= ends(k) / l.Lambda
		p[k-1] = w
		sum += w
	}
	for k, w := range p {
		c.busy += w / sum * float64(min(k, n))
		if k >= n {
			c.waits += w / sum
			c.waiting += w / sum * float64(k-n)
		}
	}
	return c, p[places] / sum
}

func near(t interface {
	require.TestingT
	Helper()
}, want, got float64, args ...any,
) {
	t.Helper()
	require.InDelta(t, want, got, 1e-10*(1+math.Abs(want)), args...)
}

func TestChains(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 300).Draw(t, "n")
		l := Load{rapid.Float64Range(.05, 2).Draw(t, "rho") * float64(n), 1}
		theta := math.Exp(rapid.Float64Range(-4, 4).Draw(t, "log theta"))

		a := ErlangA(n, l, theta)
		c, _ := newChain(n, l, theta, 1<<30)
		near(t, c.waits, a.Waits())
		near(t, c.waiting/l.Lambda, a.MeanWait())
		near(t, theta*c.waiting/l.Lambda, a.Abandons())
		near(t, c.busy/float64(n), a.Occupancy())
		near(t, 1-a.Abandons(), a.Answered(math.Inf(1)), "who does not give up is answered")

		places := n + rapid.IntRange(0, 200).Draw(t, "waiting places")
		f := Finite(n, places, l)
		c, blocked := newChain(n, l, 0, places)
		near(t, blocked, f.Blocked())
		near(t, c.waits, f.AllBusy())
		near(t, (c.waits-blocked)/(1-blocked), f.Waits())
		near(t, c.waiting/l.Lambda/(1-blocked), f.MeanWait())
		near(t, c.busy/float64(n), f.Occupancy())

		if l.Lambda < .99*float64(n) {
			w := ErlangC(n, l)
			c, _ := newChain(n, l, 0, 1<<30)
			near(t, c.waits, w.Waits())
			near(t, c.waiting/l.Lambda, w.MeanWait())
		}
	})
}

// The offered wait of Erlang A by incomplete gamma functions, in Palm's series
// A(x, y) = sum of y^j/((x+1)...(x+j)).
func TestErlangAWaits(t *testing.T) {
	palm := func(x, y float64) float64 {
		sum, term := 1.0, 1.0
		for j := 1; term > 1e-18*sum; j++ {
			term *= y / (x + float64(j))
			sum += term
		}
		return sum
	}
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 100).Draw(t, "n")
		l := Load{rapid.Float64Range(.3, 1.5).Draw(t, "rho") * float64(n), 1}
		theta := math.Exp(rapid.Float64Range(-2, 3).Draw(t, "log theta"))
		at := rapid.Float64Range(0, 3).Draw(t, "t") / math.Sqrt(float64(n)*theta)
		q := ErlangA(n, l, theta)

		x, y, left := float64(n)/theta, l.Lambda/theta, math.Exp(-theta*at)
		b := ErlangB(n, l.Lambda)
		whole := palm(x, y)
		near(t, whole*b/(1+(whole-1)*b), q.Waits())
		// gamma(x, y) = y^x exp(-y)/x A(x, y)
		part := math.Exp(x*math.Log(left)+y*(1-left)) * palm(x, y*left) / whole
		near(t, q.Waits()*part*left, 1-q.Within(at), "P(W > t) = P(V > t) P(patience > t)")
		// served and waited: (gamma(x+1, y) - gamma(x+1, y left)) / (y gamma(x, y))
		served := x / (x + 1) * (palm(x+1, y) - math.Exp((x+1)*math.Log(left)+y*(1-left))*palm(x+1, y*left)) / whole
		near(t, 1-q.Waits()+q.Waits()*served, q.Answered(at))
		require.LessOrEqual(t, q.ASA()*(1-q.Abandons()), q.MeanWait()+1e-12, "who gives up has waited too")
	})
}

// queues are one of each kind that has a steady state.
func queues(n int, l Load, theta float64) map[string]Queue {
	all := map[string]Queue{"a": ErlangA(n, l, theta), "finite": Finite(n, n+n/2, l)}
	if l.Erlangs() < float64(n) {
		all["c"] = ErlangC(n, l)
	}
	return all
}

func TestDistributions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 50).Draw(t, "n")
		l := Load{rapid.Float64Range(.3, 1.5).Draw(t, "rho") * float64(n), 1}
		theta := rapid.Float64Range(.1, 5).Draw(t, "theta")
		for name, q := range queues(n, l, theta) {
			before := 0.0
			for _, at := range []float64{0, .01, .1, .5, 2, 10} {
				p := q.Within(at)
				require.GreaterOrEqual(t, p+1e-12, before, name)
				require.LessOrEqual(t, p, 1+1e-12, name)
				require.LessOrEqual(t, q.Answered(at), p+1e-10, name)
				before = p
			}
			near(t, 1-q.Waits(), q.Within(0), name)
			for _, p := range []float64{.5, .9, .99} {
				if at := q.Quantile(p); at > 0 {
					require.InDelta(t, p, q.Within(at), 1e-9, name)
				} else {
					require.GreaterOrEqual(t, q.Within(0), p-1e-12, name)
				}
			}
			if name != "a" { // an integral of integrals takes too long
				near(t, q.MeanWait(), meanOf(q), name, "the mean is the area over the distribution")
			}
		}
	})
}

// meanOf integrates P(W > t).
func meanOf(q Queue) float64 {
	end := q.Quantile(1 - 1e-13)
	cuts := []float64{0}
	for _, p := range []float64{.3, .6, .9, .99, .9999, .999999} {
		cuts = append(cuts, q.Quantile(p))
	}
	cuts = append(cuts, end)
	return integrate(cuts, 0, end, func(v float64) float64 { return 1 - q.Within(v) })
}

// One more agent never makes anything worse for callers.
func TestMoreAgentsAreBetter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 400).Draw(t, "n")
		l := Load{rapid.Float64Range(.3, 1.3).Draw(t, "rho") * float64(n), 1}
		theta := rapid.Float64Range(.05, 5).Draw(t, "theta")
		more := queues(n+1, l, theta)
		for name, q := range queues(n, l, theta) {
			if name == "finite" {
				continue // there more get in
			}
			const rounding = 1e-11
			require.LessOrEqual(t, more[name].Waits(), q.Waits()+rounding, name)
			require.LessOrEqual(t, more[name].Abandons(), q.Abandons()+rounding, name)
			require.LessOrEqual(t, more[name].Occupancy(), q.Occupancy()+rounding, name)
			require.GreaterOrEqual(t, more[name].Answered(.2)+rounding, q.Answered(.2), name)
			require.LessOrEqual(t, more[name].MeanWait(), q.MeanWait()+rounding, name)
			require.LessOrEqual(t, more[name].ASA(), q.ASA()+rounding, name)
		}
	})
}

// Ten thousand agents, from patience of a moment to nearly endless.
func TestLarge(t *testing.T) {
	const n = 10_000
	for _, rho := range []float64{.5, .95, .99, 1, 1.01, 1.5} {
		for _, theta := range []float64{100, 1, .01, 1e-4} {
			t.Run(fmt.Sprint(rho, theta), func(t *testing.T) {
				l := Load{rho * n, 1}
				q := ErlangA(n, l, theta)
				c, _ := newChain(n, l, theta, 1<<30)
				near(t, c.waits, q.Waits())
				near(t, c.waiting/l.Lambda, q.MeanWait())
				near(t, 1-q.Abandons(), q.Answered(math.Inf(1)))
				require.Less(t, q.Answered(.1), 1+1e-12)
			})
		}
		f := Finite(n, 2*n, Load{rho * n, 1})
		c, blocked := newChain(n, Load{rho * n, 1}, 0, 2*n)
		near(t, blocked, f.Blocked())
		near(t, c.waiting/(rho*n)/(1-blocked), f.MeanWait())
	}
	q := ErlangC(n, Load{9_900, 1})
	c, _ := newChain(n, Load{9_900, 1}, 0, 1<<30)
	near(t, c.waits, q.Waits())
	near(t, c.waiting/9_900, q.MeanWait())
	require.InDelta(t, 0, Finite(n, n+5, Load{1, 1}).Waits(), 1e-300, "B is less than any float")
}

// Endless patience is Erlang C; no patience is Erlang B.
func TestLimitsOfPatience(t *testing.T) {
	l := Load{48, 1}
	require.InDelta(t, ErlangC(50, l).Waits(), ErlangA(50, l, 1e-9).Waits(), 1e-6)
	require.InDelta(t, ErlangC(50, l).MeanWait(), ErlangA(50, l, 1e-9).MeanWait(), 1e-6)
	require.InDelta(t, ErlangC(50, l).Within(.3), ErlangA(50, l, 1e-9).Within(.3), 1e-6)
	require.InDelta(t, ErlangB(50, 48), ErlangA(50, l, 1e9).Abandons(), 1e-6)
	require.InDelta(t, ErlangB(50, 48), Finite(50, 50, l).Blocked(), 1e-14)
	require.InDelta(t, ErlangC(50, l).MeanWait(), Finite(50, 2000, l).MeanWait(), 1e-12)
}

// The nodes and weights are exact for polynomials of degree 22 and 13.
func TestKronrod(t *testing.T) {
	for degree := range 23 {
		fine, coarse := kronrod(func(x float64) float64 { return math.Pow(x, float64(degree)) }, 0, 2)
		want := math.Pow(2, float64(degree+1)) / float64(degree+1)
		require.InEpsilon(t, want, fine, 1e-14)
		if degree <= 13 {
			require.InEpsilon(t, want, coarse, 1e-14)
		}
	}
}

// The mean wait of the answered is the area over their distribution.
func TestASA(t *testing.T) {
	for _, q := range []Impatient{ErlangA(50, Load{48, 1}, .5), ErlangA(10, Load{12, 1}, .5), ErlangA(3, Load{1, 1}, 9)} {
		all := q.Answered(math.Inf(1))
		cuts := []float64{0, .05, .2, 1, 5, 40}
		near(t, integrate(cuts, 0, 40, func(v float64) float64 { return 1 - q.Answered(v)/all }), q.ASA())
	}
}
