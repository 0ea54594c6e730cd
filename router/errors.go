package router

import "errors"

// Errors of this package. Methods also return, wrapped with the name of what
// they are about, [contact.ErrNoAgent], [contact.ErrNoContact],
// [contact.ErrOfferGone], [contact.ErrNotYours] and [contact.ErrBadCommand].
var (
	ErrStopped       = errors.New("router is stopped")
	ErrNoQueue       = errors.New("no such queue")
	ErrNoChannel     = errors.New("channel is not routed")
	ErrFull          = errors.New("router is full")
	ErrAlreadyPlaced = errors.New("contact is already placed")
	ErrNoDecision    = errors.New("decision is no longer known")
	ErrQueueFull     = errors.New("the queue's waiting room is full")
	ErrNoProfile     = errors.New("no such routing profile")
	ErrRestart       = errors.New("needs a restart")
	errOverflowRing  = errors.New("overflows in a ring")
)
