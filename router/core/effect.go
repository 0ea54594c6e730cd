package core

// EffectKind says what an Effect tells.
type EffectKind uint8

// Kinds of Effect, with the fields that each one fills. Contact and Agent are
// filled wherever there is one.
const (
	Refused    EffectKind = iota // the command had no effect: Op, Code
	Waiting                      // the contact waits for an agent
	Offer                        // Contact is offered to Agent: Offer, Time (deadline) and the reason: Key, Chose, Considered, NextAgent, NextContact, Load, Since
	OfferEnded                   // Offer, How
	Released                     // a contact was taken from Agent (requeue, transfer, hand-over)
	WrapUp                       // after-contact work: Time (deadline; 0: the agent ends it)
	Closed                       // the contact is over, its handle free; Agent is Nobody if none served it; Code is Full if it was turned away
	Moved                        // overflow took the contact to Type
	Parked                       // Agent keeps the contact, without its units
	Resumed                      // and has its units again
	AgentState                   // Agent: State, Ready, Reason
)

// How is how an offer ended.
type How uint8

// Ends of an offer.
const (
	Accepted How = iota
	Rejected
	Expired
	Withdrawn
	Revoked
)

var howNames = [...]string{"accepted", "rejected", "expired", "withdrawn", "revoked"}

// String returns the end's name, for scripts and metric labels.
func (h How) String() string { return howNames[h] }

// Code is why a command was refused.
type Code uint8

// Codes.
const (
	BadCommand Code = iota + 1 // unknown operation or undefined handle
	NoAgent                    // not signed in
	NoContact                  // the handle is free
	InUse                      // the contact's handle is not free
	BadState                   // not possible in the contact's or agent's state
	OfferGone                  // the offer is not pending, or not this agent's
	NoRoom                     // the agent has no room for the contact
	Full                       // the waiting room is full
)

var codeNames = [...]string{"ok", "bad_command", "no_agent", "no_contact", "in_use", "bad_state", "offer_gone", "no_room", "full"}

// String returns the code's name, for scripts and metric labels.
func (c Code) String() string { return codeNames[c] }

// Status is what an agent does.
type Status uint8

// Statuses of an agent.
const (
	LoggedOut Status = iota
	NotReady
	Ready
	Reserved
	Busy
	WrappingUp
	numStatus
)

// NumStatus is how many statuses there are.
const NumStatus = int(numStatus)

var statusNames = [...]string{"logged_out", "not_ready", "ready", "reserved", "busy", "wrap_up"}

// String returns the field's word, as in contact.AgentState.
func (s Status) String() string { return statusNames[s] }

// Key is what decided between the chosen one and the next.
type Key uint8

// Keys, in words of the published order.
const (
	KeyOnly        Key = iota // there was no other
	KeyPreferred              // P
	KeyProficiency            // G, most proficient
	KeyFlexibility            // G, least flexible
	KeyLoad                   // L
	KeyIdle                   // I
	KeyHeld                   // H
	KeyTier                   // T
	KeyRank                   // R
	KeyDeadline               // V
	KeyAge                    // E
	KeyArrival                // seq
)

var keyNames = [...]string{
	"only", "preferred", "proficiency", "flexibility", "load", "longest_idle",
	"held", "tier", "rank", "deadline", "age", "arrival",
}

// String returns the key's name.
func (k Key) String() string { return keyNames[k] }

// Effect is one thing that shall happen or has happened. It is a value.
type Effect struct {
	Offer       uint64
	Time        int64
	Since       int64 // Offer: when the agent's load or availability had last changed
	Contact     Contact
	Agent       Agent
	NextAgent   Agent   // Offer to the best agent: who came second, or Nobody
	NextContact Contact // Offer of the best contact: which came second, or Nothing
	Type        Type    // Moved
	Considered  uint32  // Offer to the best agent: how many were eligible; see Explain for contacts
	Load        uint16  // Offer: the agent's used units before it
	Kind        EffectKind
	Op          Op
	Code        Code
	How         How
	Key         Key
	Chose       Side
	State       Status
	Ready       bool
	Reason      Reason
}

// Side is which side of a pair was chosen.
type Side uint8

// Sides.
const (
	ChoseAgent   Side = iota // a contact became routable and got its best agent
	ChoseContact             // an agent gained room and took its best contact
)
