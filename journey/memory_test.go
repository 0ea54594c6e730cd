package journey_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"filo/contact"
	"filo/journey"
	"filo/journey/journeytest"
)

func TestMemoryIsHot(t *testing.T) {
	journeytest.HotSuite(t, func(*testing.T) journey.Hot { return journey.NewMemory(0) })
}

func TestMemoryIsBounded(t *testing.T) {
	m := journey.NewMemory(10)
	for i := range 100 {
		c := contact.CustomerID(fmt.Sprint("u_", i))
		id := journey.Identity{Type: journey.Phone, Value: fmt.Sprint("+39", i)}
		require.NoError(t, m.Put(t.Context(), journey.HotEntry{Customer: c, Version: 1}, []journey.Identity{id}))
		_, err := m.Get(t.Context(), "u_0")
		require.NoError(t, err, "what is asked for stays")
	}
	require.Equal(t, 10, m.Len())
	_, err := m.Find(t.Context(), journey.Identity{Type: journey.Phone, Value: "+3950"})
	require.ErrorIs(t, err, journey.ErrNotHot)
}
