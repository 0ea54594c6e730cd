package journey

import (
	"context"

	"filo/contact"
)

// Hot is the cache of dossiers in front of the Record: bounded, lossy and
// quick. It holds one encoded Dossier per person. Implementations are safe for
// concurrent use; none may keep a caller's slices.
type Hot interface {
	// Find returns the entry of the person known by id, or ErrNotHot.
	Find(ctx context.Context, id Identity) (HotEntry, error)
	// Get returns the entry of the person, or ErrNotHot.
	Get(ctx context.Context, c contact.CustomerID) (HotEntry, error)
	// Put stores an entry and points ids to it. ErrConflict when the entry
	// that is there is not the one that e was made from (e.Prev), or, for an
	// entry made from the Record, when a newer one is there.
	Put(ctx context.Context, e HotEntry, ids []Identity) error
	// Stale marks entries as known to be old; a store may as well drop them.
	Stale(ctx context.Context, cs ...contact.CustomerID) error
}

// HotEntry is one encoded Dossier.
type HotEntry struct {
	Customer contact.CustomerID
	Version  uint64 // outbox sequence of the newest change in it
	Prev     uint64 // for Put: version that it was made from; 0: made from the Record
	Stale    bool   // known to be old
	Data     []byte // not to be changed
}

// Supersedes reports whether Put may replace an entry of the given version by e.
func (e HotEntry) Supersedes(version uint64) bool {
	if e.Prev != 0 {
		return version == e.Prev
	}
	return version <= e.Version
}
