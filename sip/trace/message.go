package trace

import (
	"net/netip"
	"time"
)

// Message is one SIP message as it was on the wire, or would have been before
// encryption and framing.
type Message struct {
	At      time.Time // when it was read or handed to the socket; zero: now
	In      bool      // towards us
	Network string    // "udp", "tcp", "tls", "ws" or "wss"
	// Local and Remote are the ends of the socket. They may be invalid where
	// they are not known.
	Local, Remote netip.AddrPort
	// Data is the whole message. It is the caller's again when Tap returns.
	Data []byte
}

// Tap hears every message that the transports read and write. It must not
// block and must not keep Data.
type Tap interface {
	Message(m Message)
}
