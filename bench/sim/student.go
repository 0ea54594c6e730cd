package sim

import "math"

// student are the 97.5 % quantiles of Student's t with 1 to 30 degrees of
// freedom.
var student = [...]float64{
	12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622, 2.2281,
	2.2010, 2.1788, 2.1604, 2.1448, 2.1314, 2.1199, 2.1098, 2.1009, 2.0930, 2.0860,
	2.0796, 2.0739, 2.0687, 2.0639, 2.0595, 2.0555, 2.0518, 2.0484, 2.0452, 2.0423,
}

// studentT returns the 97.5 % quantile; above 30 degrees of freedom by two
// terms of the Cornish-Fisher expansion (exact to 1e-4).
func studentT(df int) float64 {
	if df <= len(student) {
		return student[df-1]
	}
	const z = 1.959964
	n := float64(df)
	return z + (z*z*z+z)/(4*n) + (5*z*z*z*z*z+16*z*z*z+3*z)/(96*n*n)
}

// halfWidth returns half the length of the 95 % confidence interval of the
// mean of independent observations; NaN when there are fewer than two.
func halfWidth(xs []float64) float64 {
	var n, mean, m2 float64
	for _, x := range xs {
		if math.IsNaN(x) {
			continue
		}
		n++
		d := x - mean
		mean += d / n
		m2 += d * (x - mean)
	}
	if n < 2 {
		return math.NaN()
	}
	return studentT(int(n)-1) * math.Sqrt(m2/(n-1)/n)
}
