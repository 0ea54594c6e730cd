package journeytest

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"filo/contact"
	"filo/journey"
)

// HotSuite is the contract of a Hot. open returns an empty one that has room
// for all entries of the suite.
func HotSuite(t *testing.T, open func(t *testing.T) journey.Hot) {
	t.Run("misses are ErrNotHot", func(t *testing.T) {
		hot := open(t)
		_, err := hot.Get(t.Context(), "u_nobody")
		require.ErrorIs(t, err, journey.ErrNotHot)
		_, err = hot.Find(t.Context(), journey.Identity{Type: journey.Phone, Value: "+390000"})
		require.ErrorIs(t, err, journey.ErrNotHot)
		require.NoError(t, hot.Stale(t.Context(), "u_nobody"))
		require.NoError(t, hot.Stale(t.Context()))
	})
	t.Run("an identity moves to who claimed it last", func(t *testing.T) {
		hot := open(t)
		id := journey.Identity{Type: journey.Mail, Value: "a@example.it"}
		require.NoError(t, hot.Put(t.Context(), journey.HotEntry{Customer: "u_1", Version: 1, Data: []byte("one")}, []journey.Identity{id}))
		require.NoError(t, hot.Put(t.Context(), journey.HotEntry{Customer: "u_2", Version: 2, Data: []byte("two")}, []journey.Identity{id}))
		e, err := hot.Find(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, "two", string(e.Data))
		other := journey.Identity{Type: journey.UserID, Value: id.Value}
		_, err = hot.Find(t.Context(), other)
		require.ErrorIs(t, err, journey.ErrNotHot, "types are apart")
	})
	t.Run("keeps no slice of its caller", func(t *testing.T) {
		hot := open(t)
		data := []byte("kept")
		require.NoError(t, hot.Put(t.Context(), journey.HotEntry{Customer: "u_1", Version: 1, Data: data}, nil))
		data[0] = 'X'
		e, err := hot.Get(t.Context(), "u_1")
		require.NoError(t, err)
		require.Equal(t, "kept", string(e.Data))
	})
	t.Run("model", func(t *testing.T) {
		n := 0
		rapid.Check(t, func(rt *rapid.T) {
			n++
			m := &hotModel{t: t, hot: open(t), space: fmt.Sprintf("%d-", n), entries: map[contact.CustomerID]journey.HotEntry{}, ids: map[journey.Identity]contact.CustomerID{}}
			rt.Repeat(map[string]func(*rapid.T){"put": m.put, "stale": m.stale, "": m.check})
		})
	})
}

// hotModel is a Hot as plain maps. Customers are named apart in each run, so
// that runs may share one server.
type hotModel struct {
	t       *testing.T
	hot     journey.Hot
	space   string
	entries map[contact.CustomerID]journey.HotEntry
	ids     map[journey.Identity]contact.CustomerID
	version uint64
}

func (m *hotModel) customer(rt *rapid.T) contact.CustomerID {
	return contact.CustomerID("u_" + m.space + rapid.SampledFrom([]string{"a", "b", "c"}).Draw(rt, "customer"))
}

func (m *hotModel) put(rt *rapid.T) {
	c := m.customer(rt)
	old, had := m.entries[c]
	m.version++
	e := journey.HotEntry{Customer: c, Version: m.version, Data: rapid.SliceOf(rapid.Byte()).Draw(rt, "data")}
	switch rapid.SampledFrom([]string{"record", "amend", "late", "lost"}).Draw(rt, "how") {
	case "amend":
		e.Prev = old.Version
	case "late":
		e.Version = rapid.Uint64Range(1, m.version).Draw(rt, "version")
	case "lost":
		e.Prev = old.Version + 1000
	}
	if !had {
		e.Prev = 0
	}
	id := journey.Identity{Type: journey.Phone, Value: "+39" + m.space + rapid.SampledFrom([]string{"1", "2", "3"}).Draw(rt, "phone")}
	err := m.hot.Put(m.t.Context(), e, []journey.Identity{id})
	if had && !e.Supersedes(old.Version) {
		require.ErrorIs(rt, err, journey.ErrConflict)
		return
	}
	require.NoError(rt, err)
	m.entries[c], m.ids[id] = e, c
	for other, owner := range m.ids {
		if owner == c && other != id {
			delete(m.ids, other) // whether an old key still finds it is open
		}
	}
}

func (m *hotModel) stale(rt *rapid.T) {
	c := m.customer(rt)
	require.NoError(rt, m.hot.Stale(m.t.Context(), c))
	e, err := m.hot.Get(m.t.Context(), c)
	require.True(rt, errors.Is(err, journey.ErrNotHot) || err == nil && e.Stale, "old entries are marked or gone")
	if _, had := m.entries[c]; had {
		m.version++
		fresh := journey.HotEntry{Customer: c, Version: m.version, Data: []byte("fresh")}
		require.NoError(rt, m.hot.Put(m.t.Context(), fresh, nil))
		m.entries[c] = fresh
		for id, owner := range m.ids {
			if owner == c {
				delete(m.ids, id)
			}
		}
	}
}

func (m *hotModel) check(rt *rapid.T) {
	for c, want := range m.entries {
		got, err := m.hot.Get(m.t.Context(), c)
		require.NoError(rt, err)
		require.Equal(rt, want.Version, got.Version)
		require.Equal(rt, string(want.Data), string(got.Data))
		require.False(rt, got.Stale)
	}
	for id, c := range m.ids {
		got, err := m.hot.Find(m.t.Context(), id)
		require.NoError(rt, err)
		require.Equal(rt, c, got.Customer)
	}
}
