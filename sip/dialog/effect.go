package dialog

// Effect is something for the driver to do: a [Request] or [Response] to send,
// a transaction to [Abandon], or something to tell the application.
type Effect interface{ effect() }

// Abandon ends our INVITE transaction of this CSeq, which got no final response
// in the time of the RFC.
type Abandon struct{ CSeq uint32 }

// Provisional is a 1xx above 100 to our INVITE.
type Provisional struct {
	Status int
	Tag    string // of the branch; "" when it made no dialog
	// SDP is early media to prepare for: the answer, if nothing else comes.
	SDP []byte
}

// Confirmed says that the call is up. The caller is told with the first 2xx, the callee
// with its ACK.
type Confirmed struct{}

// Offered is an offer of the far side that waits for [Accept] or [Decline].
type Offered struct {
	Tag string // of the branch
	SDP []byte
}

// Answered is the far side's answer to our offer, the first or a later one.
// There is no SDP when the far side agreed without giving one.
type Answered struct {
	Tag string
	SDP []byte
	// Offer: it is the outcome of an [Offer]. Refresh: our offer repeated what
	// stood, to keep the session alive or because the far side asked for one.
	// Neither: it is the answer to the first offer.
	Offer, Refresh bool
}

// Failed is the outcome of an [Offer] that changed nothing.
type Failed struct {
	Status int // of the response; 487 when it was withdrawn
}

// Passed is a request within the dialog that only its order concerned us with;
// the driver answers it.
type Passed struct{ Request }

// Transferred says that the far side asks us to call somebody else (REFER). It has its
// 202; [Notify] tells it how it goes.
type Transferred struct{ Request }

// Transfer tells what becomes of our [Refer].
type Transfer struct {
	Status int
	Final  bool
}

// Ended says that the call is over, whatever is still owed to the peer. It comes
// once.
type Ended struct {
	Cause  Cause
	Status int // of the response that ended it, if one did
}

// Refused says that the command makes no sense in this state; nothing changed.
type Refused struct{ Event }

func (Request) effect()     {}
func (Response) effect()    {}
func (Abandon) effect()     {}
func (Provisional) effect() {}
func (Confirmed) effect()   {}
func (Offered) effect()     {}
func (Answered) effect()    {}
func (Failed) effect()      {}
func (Passed) effect()      {}
func (Transferred) effect() {}
func (Transfer) effect()    {}
func (Ended) effect()       {}
func (Refused) effect()     {}

// Cause is why a call ended.
type Cause int

// Why a call ended.
const (
	HungUp       Cause = iota + 1 // by our Hangup
	Bye                           // by the far side's BYE
	Cancelled                     // by the caller's CANCEL
	Rejected                      // the far side refused our INVITE, with Status
	Unacceptable                  // we refused their INVITE by a rule of the protocol, with Status
	Unanswered                    // no final response to our INVITE, or no answer of ours in time
	Unreachable                   // our INVITE could not be sent
	NoACK                         // no ACK for our 2xx
	NoPRACK                       // no PRACK for our reliable provisional response
	Gone                          // the far side does not know the dialog, or is silent: 481, 408
	Expired                       // nobody refreshed the session
	TooLong                       // the longest duration is over
	NoSession                     // an offer or answer is missing where the standard demands one
)

var causes = [...]string{
	HungUp: "hung up", Bye: "bye", Cancelled: "cancelled", Rejected: "rejected", Unacceptable: "unacceptable",
	Unanswered: "unanswered", Unreachable: "unreachable", NoACK: "no ack", NoPRACK: "no prack", Gone: "gone",
	Expired: "expired", TooLong: "too long", NoSession: "no session",
}

func (c Cause) String() string {
	if c > 0 && int(c) < len(causes) {
		return causes[c]
	}
	return "no cause"
}
