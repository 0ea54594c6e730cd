package message

import (
	"sync"

	"filo/contact"
)

// ended is what a late note needs of a contact that is over.
type ended struct {
	id       contact.ID
	customer contact.CustomerID
	channel  contact.Channel
	agent    contact.AgentID
	key      string // of its thread
}

// recent remembers the last contacts that ended: a contact without wrap-up is
// gone from the router before its agent has chosen a disposition.
type recent struct {
	mu   sync.Mutex
	ring []ended
	next int
	at   map[contact.ID]int
	by   map[string]contact.AgentID // who had the thread last
}

func newRecent(n int) *recent {
	return &recent{ring: make([]ended, n), at: make(map[contact.ID]int, n), by: make(map[string]contact.AgentID, n)}
}

func (r *recent) add(e ended) {
	r.mu.Lock()
	defer r.mu.Unlock()
	old := r.ring[r.next]
	delete(r.at, old.id)
	delete(r.by, old.key)
	if e.agent != "" {
		r.by[e.key] = e.agent
	}
	r.ring[r.next] = e
	r.at[e.id] = r.next
	r.next = (r.next + 1) % len(r.ring)
}

// take returns the contact once.
func (r *recent) take(id contact.ID) (ended, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	i, ok := r.at[id]
	if !ok {
		return ended{}, false
	}
	delete(r.at, id)
	return r.ring[i], true
}

// agent returns who had the thread last, "" when that is long ago.
func (r *recent) agent(key string) contact.AgentID {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.by[key]
}
