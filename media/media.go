package media

import (
	"context"
	"net/netip"
	"time"
)

// Kind says how packets of an endpoint travel.
type Kind int

// The kinds of endpoint.
const (
	RTP    Kind = iota + 1 // plain RTP over UDP
	WebRTC                 // ICE and DTLS-SRTP
)

// String returns "rtp" or "webrtc"; it is also the metrics label.
func (k Kind) String() string {
	if k == WebRTC {
		return "webrtc"
	}
	return "rtp"
}

// Options of one endpoint.
type Options struct {
	// IdleLine marks the persistent leg of a signed-in agent: it has no RTP
	// time-out while it is alone, and nothing is sent to it until it shares a
	// room with another member or plays.
	IdleLine bool
	// Label goes into log records as leg_id.
	Label string
	// Source is the address that the signalling came from, or goes to. RTP may be
	// latched to it as well as to the address in the SDP, and it decides which
	// address of ours the far side is told: Config.Bind if it is loopback or in
	// Config.LocalNetworks. The zero value means unknown, and not local.
	Source netip.Addr
	// Advertise is what far sides that are not local are told in place of
	// Config.Advertise: a trunk may reach us by another NAT. The zero value
	// means Config.Advertise.
	Advertise netip.Addr
	// Codecs are taken and offered in this order; nil means PCMU, PCMA.
	Codecs []Codec
}

// Endpoint is one leg's audio. It is control only and safe for concurrent use.
// Nothing blocks longer than its context, and no method waits for a peer.
type Endpoint interface {
	// Accept gives the remote answer to our offer (Offer or Hold). The answer
	// of a provisional response may be followed by the final one.
	Accept(answer []byte) error
	// Facing says who the far side of an offer is, when that was not known as
	// it was made: its Options.Source and Options.Advertise. It returns the offer
	// as that far side is to be told. A call that rings in several places has
	// several; the last one said counts, so say again who answered before Accept.
	Facing(source, advertise netip.Addr) (offer []byte)
	// Reoffer answers a new offer of the far side: hold, resume, a new
	// address, an ICE restart. It takes the place of an unanswered offer of
	// ours. After an error the endpoint is unchanged.
	Reoffer(offer []byte) (answer []byte, err error)
	// Hold makes our own new offer: sendonly (on) or sendrecv (off). The
	// answer goes to Accept.
	Hold(on bool) (offer []byte, err error)
	// Play sends p in 20 ms frames. It returns nil at the end, ctx.Err() when
	// stopped, ErrInterrupted when a newer Play took over and ErrClosed.
	// While it plays the far side hears only p, also in a room.
	Play(ctx context.Context, p Prompt) error
	// Digits delivers each RFC 4733 key once, when it is first seen. A reader
	// that is late loses the oldest. The channel is never closed.
	Digits() <-chan Digit
	// SendDigits sends keys (0-9 * # A-D) as RFC 4733 events, 100 ms each, 80 ms apart.
	SendDigits(ctx context.Context, keys string) error
	// Mute silences what this endpoint says into its room.
	Mute(on bool)
	// Stats is a snapshot of the counters.
	Stats() Stats
	// Events is bounded; a late reader loses the oldest. It is never closed.
	Events() <-chan Event
	// LocalAddr is where the far side is told to send RTP; for WebRTC the shared
	// UDP port.
	LocalAddr() netip.AddrPort
	// Kind says how the packets travel.
	Kind() Kind
	// Close frees port and goroutines; it is idempotent. It leaves the room first.
	Close() error
}

// Digit is one DTMF key.
type Digit struct {
	Key rune // 0-9 * # A-D
	At  time.Time
}

// EventKind is what happened to an endpoint.
type EventKind int

// The events of an endpoint.
const (
	// Connected: ICE and DTLS are up, or for plain RTP the first packet came.
	Connected EventKind = iota + 1
	// Timeout: no RTP for Config.RTPTimeout (or InitialRTPTimeout).
	Timeout
	// Failed: ICE or DTLS is lost for good.
	Failed
)

// String returns a word for logs.
func (k EventKind) String() string {
	switch k {
	case Connected:
		return "connected"
	case Timeout:
		return "timeout"
	case Failed:
		return "failed"
	}
	return "unknown"
}

// Event is one change of an endpoint's transport.
type Event struct {
	Kind EventKind
	At   time.Time
}

// Stats are the counters of one endpoint. Zero times mean "not yet".
type Stats struct {
	Kind                  Kind
	Codec                 Codec // what we send
	PacketsIn, PacketsOut uint64
	BytesIn, BytesOut     uint64 // RTP payload bytes
	Lost                  uint64 // expected minus received, never negative (RFC 3550 A.3)
	Jitter                time.Duration
	RemoteLost            uint64        // as the far side's reports say
	RoundTrip             time.Duration // from RTCP; 0 when unknown
	Refused               uint64        // packets dropped because of their source address

	FirstRTPIn, FirstRTPOut time.Time
	LastRTPIn               time.Time
	// Since the endpoint last joined a room: the first packet that came from
	// it and the first that went to it from the room.
	Joined                    time.Time
	JoinFirstIn, JoinFirstOut time.Time
}
