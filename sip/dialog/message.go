package dialog

import "time"

// Method is a request method, in capitals.
type Method string

// The methods that the machine knows. It hands on all others.
const (
	INVITE Method = "INVITE"
	ACK    Method = "ACK"
	CANCEL Method = "CANCEL"
	BYE    Method = "BYE"
	PRACK  Method = "PRACK"
	UPDATE Method = "UPDATE"
	REFER  Method = "REFER"
	NOTIFY Method = "NOTIFY"
)

// Extensions is a set of option tags.
type Extensions uint8

// The option tags that change what the machine does.
const (
	Rel100 Extensions = 1 << iota // 100rel, RFC 3262
	Timer                         // timer, RFC 4028
)

// Route is a URI of a route set.
type Route struct {
	URI   string
	Loose bool // it has the lr parameter (RFC 3261 section 19.1.1)
}

// Refresher says which side of a transaction refreshes the session (RFC 4028
// section 4): the one that sent the request, or the one that answered it.
type Refresher string

// The values of the refresher parameter; "" leaves it open.
const (
	ByClient Refresher = "uac"
	ByServer Refresher = "uas"
)

// SessionTimer is what RFC 4028 puts into a message. On the wire these are
// whole seconds.
type SessionTimer struct {
	Expires   time.Duration // Session-Expires; 0: none
	Refresher Refresher
	Min       time.Duration // Min-SE; 0: none
}

// Header is what the machine reads and writes in every message. The driver
// adds the rest, our Contact among it.
type Header struct {
	CSeq    uint32 // below 1<<31
	FromTag string
	ToTag   string
	// Contact is the remote target in a message received; "" when there is
	// none, or when the method does not change targets.
	Contact string
	// Routes is Record-Route in a message received, topmost first, and Route in
	// a request sent.
	Routes []Route
	// Supported and Require list the option tags above.
	Supported, Require Extensions
	// Updates: the Allow header names UPDATE.
	Updates bool
	// SDP is the session description; nil: none. It is never looked into, nor
	// written to.
	SDP   []byte
	Timer SessionTimer
}

// RAck names the provisional response that a PRACK is for (RFC 3262 section
// 7.2).
type RAck struct {
	RSeq, CSeq uint32
	Method     Method
}

// Request is a request that opens the dialog or belongs to it; as an event it
// was received, as an effect it shall be sent. An effect begins a client
// transaction, with two exceptions: ACK goes to the transport as it is, and
// CANCEL belongs to the INVITE of the same CSeq, whose target, route and
// branch it takes.
type Request struct {
	Header
	Method Method
	// Tx is how the driver knows the transaction of a request received. The
	// machine hands it back in its responses and does not look at it.
	Tx any
	// Target is the request URI of what we send, and Next the URI that decides
	// where it goes (RFC 3261 section 8.1.2). CANCEL goes where its INVITE went.
	Target, Next string
	// Again: it was sent before as it is (an ACK).
	Again bool
	RAck  RAck // of PRACK
	// Unknown are the required option tags that the driver does not know
	// (received).
	Unknown []string
	// Refuse is the status with which the driver wants a request received to
	// be refused for reasons of its own; 0: it has none. The machine does so
	// when no rule of the dialog comes first.
	Refuse int
	// ReferTo is the target of REFER, as it is written.
	ReferTo string
	// Event is the id of the subscription that a NOTIFY is for: the CSeq of its
	// REFER, or 0 for the only one.
	Event uint32
	// Status is what a NOTIFY reports: the status line of its sipfrag.
	Status int
	// Final: the NOTIFY ends the subscription. For how long it lasts otherwise
	// is Expires.
	Final   bool
	Expires time.Duration
	// Reason and Headers are the application's, for CANCEL, BYE, INVITE and
	// REFER that are sent.
	Reason  string
	Headers map[string]string

	tries int // how often it was sent again
}

// Response is a response, received (an event) or to be sent (an effect).
type Response struct {
	Header
	Status int    // 100..699
	Phrase string // "": the usual one
	Method Method // of its CSeq
	Tx     any    // sent: that of the request
	RSeq   uint32 // of a reliable provisional response; 0: unreliable
	// RetryAfter is 0 when there is no such header; whole seconds.
	RetryAfter time.Duration
	// Unsupported lists option tags, in a 420 that is sent.
	Unsupported []string
	// Local: nobody sent it. It stands for a transaction without an answer
	// (408) or a transport that failed (503), RFC 3261 section 8.1.3.1.
	Local bool
	// Retry: the driver can satisfy what this response asks for, typically by
	// credentials, if it may send the request again. The machine does, with
	// the next CSeq.
	Retry bool
	// Again: it was sent before as it is (a 2xx or a reliable 1xx).
	Again bool
	// Reason and Headers are the application's, in a refusal that is sent.
	Reason  string
	Headers map[string]string
}

func (r *Response) provisional() bool { return r.Status < 200 }

func (r *Response) success() bool { return r.Status >= 200 && r.Status < 300 }
