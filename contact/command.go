package contact

import "errors"

// Verb is what an agent asks of a call.
type Verb string

// Verbs of CallCommand.
const (
	Hold        Verb = "hold"
	Resume      Verb = "resume"
	Mute        Verb = "mute"
	Unmute      Verb = "unmute"
	HangUp      Verb = "hangup"
	SendDigits  Verb = "digits"       // Digits: 0-9 * # A-D
	WrongReason Verb = "wrong_reason" // the skip was wrong: counted; the call goes on
)

// CallCommand is one request to the goroutine that owns a call.
type CallCommand struct {
	Verb   Verb
	Agent  AgentID // who asks; must be on the call
	Digits string
}

// Errors that commands on contacts return.
var (
	ErrNoContact  = errors.New("no such contact")
	ErrNotYours   = errors.New("contact belongs to another agent")
	ErrOfferGone  = errors.New("offer is gone")
	ErrBadCommand = errors.New("command not possible in this state")
	ErrNoAgent    = errors.New("no such agent")
)

// Reply is an agent's answer on a message channel.
type Reply struct {
	Contact ID
	Agent   AgentID
	Body    string // plain text, UTF-8, at most 64 KiB
	Close   bool   // also end the contact
}

// WrapUpNote is what an agent says of a contact that ended.
type WrapUpNote struct {
	Contact     ID
	Agent       AgentID
	Disposition string
	Reached     bool // the disposition says that the customer's goal is reached
	Note        string
	Answered    []string // journey events that are answered by this contact
}
