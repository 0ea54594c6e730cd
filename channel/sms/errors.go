package sms

import "errors"

// Errors of this package.
var (
	ErrBadSignature = errors.New("webhook signature does not match")
	ErrBadBody      = errors.New("webhook body is malformed")
	ErrTooLong      = errors.New("text is longer than the provider takes")
	ErrNoNumber     = errors.New("number is not configured")
	ErrProvider     = errors.New("provider refused the message")
)
