package sim

import (
	"hash/fnv"
	"math/rand/v2"
)

// purpose keeps the random numbers of one class or group apart: each purpose
// has a stream of its own, so that a draw more or less of one changes no other.
type purpose string

const (
	forArrivals purpose = "arrivals"
	forService  purpose = "service"
	forPatience purpose = "patience"
	forWrapUp   purpose = "wrap_up"
	forRetry    purpose = "retry"
	forPrefers  purpose = "prefers"
	forAnswer   purpose = "answer"
)

// stream returns the random numbers of an owner (a class or group, by name) in
// one replication. A scenario that gains a class leaves the others' streams as
// they are.
func stream(seed uint64, replication int, owner string, p purpose) *rand.Rand {
	h := fnv.New64a()
	_, _ = h.Write([]byte(owner))
	_, _ = h.Write([]byte{0})
	_, _ = h.Write([]byte(p))
	// PCG's low word runs on its own, so that states which differ in the high
	// word only are related: both have to be scattered.
	high := scatter(scatter(seed) + uint64(replication)) //nolint:gosec // not negative
	high = scatter(high + h.Sum64())
	return rand.New(rand.NewPCG(high, scatter(high))) //nolint:gosec // a simulation, not a secret
}

// scatter is a step of SplitMix64: near numbers become unrelated ones.
func scatter(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
