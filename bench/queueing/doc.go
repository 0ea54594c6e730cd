// Package queueing has the closed forms of the queues that contact centres
// are planned by: Poisson arrivals, exponential service and patience, first
// come first served, in steady state.
//
//	[ErlangB]  M/M/n/n: nobody waits, who finds all agents busy is lost
//	[ErlangC]  M/M/n: everybody waits, without end
//	[ErlangA]  M/M/n+M: callers hang up when their patience ends
//	[Finite]   M/M/n/K: everybody waits, as long as there is a place
//
// A model is a [Queue] of measures; times are in the unit of the rates:
// seconds for rates a second. Each figure is exact up to the rounding of
// float64, about 1e-12, for up to tens of thousands of agents: sums are of
// positive terms, recursions run in the direction in which errors shrink,
// powers stay in logarithms, and the integrals of Erlang A are by Gauss and
// Legendre's rule where the integrand counts.
//
// # Sources
//
//   - A. K. Erlang, Solution of some problems in the theory of probabilities
//     of significance in automatic telephone exchanges, 1917: B and C.
//   - D. L. Jagerman, Some properties of the Erlang loss function, Bell System
//     Technical Journal 53, 1974: the recursion of 1/B.
//   - C. Palm, Research on telephone traffic carried by full availability
//     groups, Tele 1, 1957: Erlang A.
//   - F. Baccelli, G. Hebuterne, On queues with impatient customers, 1981: the
//     distribution of the offered wait.
//   - S. Zeltyn, A. Mandelbaum, Call centers with impatient customers:
//     many-server asymptotics of the M/M/n+G queue, Queueing Systems 51, 2005:
//     the measures of Erlang A by the integrals J and E.
//   - L. Kleinrock, Queueing Systems I, 1975, chapter 3: M/M/n/K.
package queueing
