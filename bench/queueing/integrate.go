package queueing

import "math"

// Nodes in (0, 1] and weights of the rule of Kronrod with 15 points, whose odd
// ones (and the middle) are those of Gauss with 7. See R. Piessens and others,
// QUADPACK, 1983.
var (
	kronrodNodes = [8]float64{
		0.991455371120812639206854697526329, 0.949107912342758524526189684047851,
		0.864864423359769072789712788640926, 0.741531185599394439863864773280788,
		0.586087235467691130294144691258130, 0.405845151377397166906606412076961,
		0.207784955007898467600689403773245, 0,
	}
	kronrodWeights = [8]float64{
		0.022935322010529224963732008058970, 0.063092092629978553290700663189204,
		0.104790010322250183839876322541518, 0.140653259715525918745189590510238,
		0.169004726639267902826583426598550, 0.190350578064785409913256402421014,
		0.204432940075298892414161999234649, 0.209482141084727828012999174891714,
	}
	gaussWeights = [4]float64{
		0.129484966168869693270611432679082, 0.279705391489276667901467771423780,
		0.381830050505118944950369775488975, 0.417959183673469387755102040816327,
	}
)

// kronrod is the integral of f from a to b, and that of the coarser rule.
func kronrod(f func(float64) float64, a, b float64) (fine, coarse float64) {
	middle, half := (a+b)/2, (b-a)/2
	for i, x := range kronrodNodes {
		y := f(middle - half*x)
		if x != 0 {
			y += f(middle + half*x)
		}
		fine += kronrodWeights[i] * y
		if i%2 == 1 {
			coarse += gaussWeights[i/2] * y
		}
	}
	return fine * half, coarse * half
}

// integrate is the integral of f >= 0 from low to high, where f is smooth
// between the cuts, which are sorted and among which those two are.
func integrate(cuts []float64, low, high float64, f func(float64) float64) float64 {
	var sum float64
	parts := make([]float64, len(cuts))
	for i := 1; i < len(cuts); i++ {
		parts[i], _ = kronrod(f, max(cuts[i-1], low), min(cuts[i], high))
		sum += max(parts[i], 0)
	}
	var exact float64
	for i := 1; i < len(cuts); i++ {
		a, b := max(cuts[i-1], low), min(cuts[i], high)
		if a < b {
			exact += refine(f, a, b, sum, 0)
		}
	}
	return exact
}

// refine halves a stretch until both rules agree, compared with the whole. The
// finer one is much better than their difference.
func refine(f func(float64) float64, a, b, whole float64, depth int) float64 {
	const tolerance, deepest = 1e-11, 40
	fine, coarse := kronrod(f, a, b)
	if math.Abs(fine-coarse) <= tolerance*max(whole, fine) || depth == deepest {
		return fine
	}
	middle := (a + b) / 2
	return refine(f, a, middle, whole, depth+1) + refine(f, middle, b, whole, depth+1)
}
