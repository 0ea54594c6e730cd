package journey

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"filo/contact"
)

const (
	maxOwed   = 50_000
	owedPause = 250 * time.Millisecond
)

// owed are the hot entries that are old, and that a hot store which was down
// does not know to be old. Until it does, this node does not believe them.
type owed struct {
	mu  sync.Mutex
	set map[contact.CustomerID]bool
	all bool // more than maxOwed
}

func (o *owed) add(cs ...contact.CustomerID) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.set == nil {
		o.set = make(map[contact.CustomerID]bool)
	}
	for _, c := range cs {
		o.set[c] = true
	}
	if len(o.set) > maxOwed {
		o.all = true
	}
}

func (o *owed) remove(c contact.CustomerID) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.set, c)
}

func (o *owed) has(c contact.CustomerID) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.all || o.set[c]
}

func (o *owed) some(n int) []contact.CustomerID {
	o.mu.Lock()
	defer o.mu.Unlock()
	list := make([]contact.CustomerID, 0, min(n, len(o.set)))
	for c := range maps.Keys(o.set) {
		if len(list) == n {
			break
		}
		list = append(list, c)
	}
	if len(o.set) == 0 {
		o.all = false
	}
	return list
}

// settle tells the hot store what it missed, as soon as it listens.
func (j *Journey) settle(ctx context.Context) {
	tick := time.NewTicker(owedPause)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for list := range slices.Chunk(j.owed.some(1000), 100) {
			if j.hot.Stale(ctx, list...) != nil {
				break
			}
			for _, c := range list {
				j.owed.remove(c)
			}
		}
	}
}
