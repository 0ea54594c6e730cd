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
}

// recent remembers the last contacts that ended: a contact without wrap-up is
// gone from the router before its agent has chosen a disposition.
type recent struct {
	mu   sync.Mutex
	ring []ended
	next int
	at   map[contact.ID]int
}

func newRecent(n int) *recent {
	return &recent{ring: make([]ended, n), at: make(map[contact.ID]int, n)}
}

func (r *recent) add(e ended) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.at, r.ring[r.next].id)
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
