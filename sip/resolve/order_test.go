package resolve

import (
	"math/rand/v2"
	"net"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestOrderIsFair: the first of a priority is drawn by its weight.
func TestOrderIsFair(t *testing.T) {
	records := []*net.SRV{
		{Target: "backup", Priority: 2, Weight: 100},
		{Target: "large", Priority: 1, Weight: 60},
		{Target: "small", Priority: 1, Weight: 20},
		{Target: "none", Priority: 1, Weight: 0},
	}
	r := rand.New(rand.NewPCG(1, 2))
	first := map[string]int{}
	const draws = 20_000
	for range draws {
		o := Order(records, r.IntN)
		require.Equal(t, "backup", o[3].Target)
		first[o[0].Target]++
	}
	require.InDelta(t, 0.75, float64(first["large"])/draws, 0.02)
	require.InDelta(t, 0.25, float64(first["small"])/draws, 0.02)
	require.Positive(t, first["none"], "a small chance, as the RFC has it")
}

// TestOrderKeepsAll: any records come out once each, by priority, and the
// argument is as it was.
func TestOrderKeepsAll(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		records := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) *net.SRV {
			return &net.SRV{Priority: rapid.Uint16Range(0, 3).Draw(t, "priority"), Weight: rapid.Uint16().Draw(t, "weight")}
		}), 0, 20).Draw(t, "records")
		before := slices.Clone(records)
		o := Order(records, func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "draw") })
		require.ElementsMatch(t, records, o)
		require.Equal(t, before, records)
		for i := 1; i < len(o); i++ {
			require.LessOrEqual(t, o[i-1].Priority, o[i].Priority)
		}
	})
}
