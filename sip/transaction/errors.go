package transaction

import "errors"

// Why a request got no response, or a response could not be sent.
var (
	// ErrTimeout: no final response within 64*T1 (Timers B and F).
	ErrTimeout = errors.New("transaction timed out")
	// ErrClosed: the layer is closed.
	ErrClosed = errors.New("transaction layer is closed")
	// ErrTransport: the request could not be sent, or its connection is gone.
	ErrTransport = errors.New("transport failed")
	// ErrCancelled: the request has had its final response after a CANCEL.
	ErrCancelled = errors.New("request was cancelled")
	// ErrState: the transaction has had its final response.
	ErrState = errors.New("transaction is over")
	// ErrTooMany: the limit of transactions is reached.
	ErrTooMany = errors.New("too many transactions")
)
