package journey

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"filo/contact"
)

// defaultHot is how many people fit into the hot store.
const defaultHot = 200_000

// Memory is the in-process Hot: one encoded []byte per person, so that two
// hundred thousand of them cost the garbage collector little. The clock
// algorithm evicts what nobody asked for lately.
type Memory struct {
	limit int
	mu    sync.RWMutex
	slots []*slot
	hand  int
	byID  map[contact.CustomerID]int // index into slots
	ids   map[Identity]contact.CustomerID
}

type slot struct {
	entry HotEntry
	ids   []Identity
	used  atomic.Bool // since the hand passed
}

// NewMemory returns an empty Memory for at most limit people; less than 1
// means 200,000.
func NewMemory(limit int) *Memory {
	if limit < 1 {
		limit = defaultHot
	}
	return &Memory{limit: limit, byID: make(map[contact.CustomerID]int), ids: make(map[Identity]contact.CustomerID)}
}

// Find implements Hot.
func (m *Memory) Find(ctx context.Context, id Identity) (HotEntry, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	c, ok := m.ids[id]
	if !ok {
		return HotEntry{}, ErrNotHot
	}
	return m.get(c)
}

// Get implements Hot.
func (m *Memory) Get(ctx context.Context, c contact.CustomerID) (HotEntry, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.get(c)
}

func (m *Memory) get(c contact.CustomerID) (HotEntry, error) {
	i, ok := m.byID[c]
	if !ok {
		return HotEntry{}, ErrNotHot
	}
	m.slots[i].used.Store(true)
	return m.slots[i].entry, nil
}

// Put implements Hot.
func (m *Memory) Put(ctx context.Context, e HotEntry, ids []Identity) error {
	e.Data = slices.Clone(e.Data)
	m.mu.Lock()
	defer m.mu.Unlock()
	i, ok := m.byID[e.Customer]
	switch {
	case !ok:
		i = m.place(&slot{entry: e})
	case !e.Supersedes(m.slots[i].entry.Version):
		return fmt.Errorf("%w: version %d over %d", ErrConflict, e.Version, m.slots[i].entry.Version)
	default:
		m.forget(m.slots[i])
		m.slots[i].entry = e
	}
	m.slots[i].ids = slices.Clone(ids)
	for _, id := range ids {
		m.ids[id] = e.Customer
	}
	return nil
}

// place finds room for s and returns its index.
func (m *Memory) place(s *slot) int {
	i := len(m.slots)
	if i < m.limit {
		m.slots = append(m.slots, s)
	} else {
		i = m.evict()
		m.slots[i] = s
	}
	m.byID[s.entry.Customer] = i
	return i
}

// evict moves the hand to the next slot that nobody used since it passed.
func (m *Memory) evict() int {
	for {
		m.hand = (m.hand + 1) % len(m.slots)
		s := m.slots[m.hand]
		if !s.used.Swap(false) {
			m.forget(s)
			delete(m.byID, s.entry.Customer)
			return m.hand
		}
	}
}

// forget drops the identities that still point to s.
func (m *Memory) forget(s *slot) {
	for _, id := range s.ids {
		if m.ids[id] == s.entry.Customer {
			delete(m.ids, id)
		}
	}
}

// Stale implements Hot. Entries stay, as the answer when the Record has none in time.
func (m *Memory) Stale(ctx context.Context, cs ...contact.CustomerID) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range cs {
		if i, ok := m.byID[c]; ok {
			m.slots[i].entry.Stale = true
		}
	}
	return nil
}

// Len returns the number of people held.
func (m *Memory) Len() int {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return len(m.slots)
}
