package transport

import (
	"net/netip"
	"time"
)

// Gate decides about messages before they are parsed, and about connections.
// Its methods are called for all that arrives: they must be cheap and must not
// block.
type Gate interface {
	// Message is asked about each message as it was read; wait is how long it
	// lay in the kernel's queue, 0 where that is not known.
	Message(f Flow, data []byte, wait time.Duration) Verdict
	// Connection is asked about each connection that comes; false closes it.
	Connection(from netip.Addr) bool
}

// Verdict is what becomes of a message. The zero value lets it pass.
type Verdict struct {
	// Drop forgets it without an answer.
	Drop bool
	// Busy answers a request by 503 with this Retry-After, in seconds, without
	// any state (RFC 3261 section 21.5.4).
	Busy int
}

// open lets everything pass.
type open struct{}

func (open) Message(Flow, []byte, time.Duration) Verdict { return Verdict{} }
func (open) Connection(netip.Addr) bool                  { return true }
