package route

import (
	"math/rand/v2"
	"slices"
	"time"
)

// MemorySize is at least four times the last cache of today's processors.
const MemorySize = 256 << 20

// Memory is a ring of cache lines in random order, much larger than caches.
// Walking along it, each load has to wait for the one before.
type Memory struct {
	ring []line
	at   uint32
}

type line struct {
	next uint32
	_    [60]byte
}

// NewMemory returns a ring of so many bytes. Four times the largest cache or
// more make nearly every load one from memory.
func NewMemory(bytes int) *Memory {
	m := &Memory{ring: make([]line, max(bytes/64, 1))}
	order := make([]uint32, len(m.ring))
	for i := range order {
		order[i] = uint32(i) //nolint:gosec // 256 GiB
	}
	r := rand.New(rand.NewPCG(1, 1)) //nolint:gosec // any order
	r.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	for i, x := range order {
		m.ring[x].next = order[(i+1)%len(order)]
	}
	return m
}

// Load returns the nanoseconds of one load that depends on the one before it,
// cache and address translation missed: the median of several walks.
func (m *Memory) Load() float64 {
	const walks, steps = 9, 20_000
	times := make([]float64, walks)
	for i := range times {
		start, at := time.Now(), m.at
		for range steps {
			at = m.ring[at].next
		}
		times[i] = float64(time.Since(start)) / steps
		m.at = at
	}
	slices.Sort(times)
	return times[walks/2]
}
