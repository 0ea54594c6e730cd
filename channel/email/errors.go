package email

import "errors"

// Errors of this package.
var (
	ErrTooDeep     = errors.New("MIME nesting is too deep")
	ErrTooMany     = errors.New("too many MIME parts")
	ErrExpands     = errors.New("MIME content expands too much")
	ErrNotMail     = errors.New("not an Internet message")
	ErrNoFrom      = errors.New("no usable From address")
	ErrNoInbox     = errors.New("no such inbox")
	ErrBadAddress  = errors.New("bad mail address")
	ErrShortSecret = errors.New("signing secret is shorter than 32 bytes")
	ErrRelay       = errors.New("relay did not take the mail")
)
