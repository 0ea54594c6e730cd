package message

import "errors"

// Errors of this package. Methods also return, wrapped, [contact.ErrNoContact],
// [contact.ErrNotYours] and [contact.ErrBadCommand].
var (
	ErrNoConnector = errors.New("channel has no connector")
	ErrEmptyReply  = errors.New("reply is empty")
	ErrReplyTooBig = errors.New("reply is too long")
	ErrNotUTF8     = errors.New("reply is not valid UTF-8")
	ErrNotRecorded = errors.New("reply was sent but is not on the thread")
	ErrNoThread    = errors.New("message names no thread")
	// ErrUndeliverable wraps what a connector says of a message that its
	// provider refused for good: trying again does not help.
	ErrUndeliverable = errors.New("message cannot be delivered")
)
