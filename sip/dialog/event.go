package dialog

// Event is something that happens to the dialog: a [Request] or [Response]
// received, a command of the application, or a [Tick].
type Event interface{ event() }

// Tick lets the time pass.
type Tick struct{}

// Invite opens the dialog as the caller.
type Invite struct {
	Target  string // the request URI
	SDP     []byte // our offer; nil leaves it to the far side
	Headers map[string]string
}

// Ring tells the caller that the phone rings: 180.
type Ring struct{}

// Progress tells the caller how it goes, with media before the answer: 183 and
// our session description. It is sent reliably when the caller can.
type Progress struct{ SDP []byte }

// Answer accepts the call with our session description: the answer to the
// caller's offer, or our offer when there was none. After Progress with a
// description, that one counts. The 200 waits until a reliable provisional
// response with a description is acknowledged.
type Answer struct{ SDP []byte }

// Hangup ends the call by what its state requires: a refusal, CANCEL or BYE.
type Hangup struct {
	Status  int    // of a refusal; 0: 603
	Phrase  string // of a refusal
	Reason  string // Reason header
	Headers map[string]string
	// Now: BYE does not wait for the ACK of our 2xx, although the standard wants
	// it to. There is no time.
	Now bool
}

// Offer wants to change the session. It waits for its turn; the outcome is
// [Answered] or [Failed].
type Offer struct{ SDP []byte }

// Withdraw gives up the [Offer] that has no outcome yet. An answer that
// crosses it counts.
type Withdraw struct{}

// Accept answers what was [Offered] under this tag.
type Accept struct {
	Tag string
	SDP []byte
}

// Decline refuses what was [Offered] under this tag, with this status if the
// message that made the offer allows it. 0: 488.
type Decline struct {
	Tag    string
	Status int
}

// Refer asks the far side to call somebody else. The outcome is [Transfer].
type Refer struct {
	To      string // Refer-To
	Headers map[string]string
}

// Notify tells the far side what became of the transfer that it asked for. A
// final status ends the matter.
type Notify struct{ Status int }

func (Tick) event()     {}
func (Request) event()  {}
func (Response) event() {}
func (Invite) event()   {}
func (Ring) event()     {}
func (Progress) event() {}
func (Answer) event()   {}
func (Hangup) event()   {}
func (Offer) event()    {}
func (Withdraw) event() {}
func (Accept) event()   {}
func (Decline) event()  {}
func (Refer) event()    {}
func (Notify) event()   {}
