package web

import (
	"errors"
	"fmt"
)

// Errors of this package.
var (
	ErrWriteKey  = errors.New("write key is missing or unknown")
	ErrOrigin    = errors.New("origin is not allowed")
	ErrRate      = errors.New("too many requests")
	ErrTooBig    = errors.New("body is too big")
	ErrMediaType = errors.New("body is not JSON")
	// ErrNoToken means that a request carries no call token at all: somebody
	// else may know how to authorise it.
	ErrNoToken   = errors.New("no call token")
	ErrUsedToken = errors.New("call token was used before")
)

// fieldError names what is wrong with a request and where.
type fieldError struct{ path, text string }

func (e *fieldError) Error() string { return e.path + ": " + e.text }

func wrong(path, format string, args ...any) error {
	return &fieldError{path: path, text: fmt.Sprintf(format, args...)}
}
