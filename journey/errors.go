package journey

import "errors"

// Errors of the journey and of its stores.
var (
	// ErrUnknown is returned for an identity, customer, event or content that the Record does not hold.
	ErrUnknown = errors.New("not on record")
	// ErrNotHot is returned by Hot for what it does not hold. It is no fault.
	ErrNotHot = errors.New("not in the hot store")
	// ErrConflict is returned by Hot.Put when somebody else was first.
	ErrConflict = errors.New("hot entry changed meanwhile")
	// ErrBadEvent is returned by Ingest for an event that can never be stored. Trying again is useless.
	ErrBadEvent = errors.New("bad event")
	// ErrBadToken is returned for a call token or signed link that we did not sign, that expired or was used.
	ErrBadToken = errors.New("bad token")
	// ErrClosed is returned for content that the tier does not open.
	ErrClosed = errors.New("closed at this tier")
	// ErrStopped is returned after the store or the journey was closed.
	ErrStopped = errors.New("journey stopped")
)
