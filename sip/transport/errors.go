package transport

import "errors"

// Why a message was not sent, or a connection ended.
var (
	// ErrClosed: the connection, or the whole layer, is closed.
	ErrClosed = errors.New("connection is closed")
	// ErrQueueFull: the peer takes messages slower than we send them; the
	// message was dropped.
	ErrQueueFull = errors.New("queue of the connection is full")
	// ErrTooMany: the limit of connections is reached.
	ErrTooMany = errors.New("too many connections")
	// ErrTooLarge: a message is larger than Options.MaxMessage.
	ErrTooLarge = errors.New("message is too large")
	// ErrIdle: nothing came for as long as Options.Idle.
	ErrIdle = errors.New("connection is idle")

	errFraming   = errors.New("stream lost its framing")
	errNoNetwork = errors.New("network cannot be dialled")
)
