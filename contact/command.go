package contact

import "errors"

// Verb is what an agent or supervisor asks of a call.
type Verb string

// Verbs of CallCommand.
const (
	Hold        Verb = "hold"
	Resume      Verb = "resume"
	Mute        Verb = "mute"
	Unmute      Verb = "unmute"
	HangUp      Verb = "hangup"       // the agent leaves; with a consulted party on the call, the caller goes on with that one
	SendDigits  Verb = "digits"       // Digits: 0-9 * # A-D
	WrongReason Verb = "wrong_reason" // the skip was wrong: counted; the call goes on

	Transfer   Verb = "transfer"   // To: the agent leaves at once
	Consult    Verb = "consult"    // To: the caller hears music, the agent talks with the consulted
	Swap       Verb = "swap"       // between caller and consulted
	Conference Verb = "conference" // all three hear each other
	Complete   Verb = "complete"   // the agent leaves; caller and consulted go on
	Drop       Verb = "drop"       // the consulted leaves; back to the caller

	Record       Verb = "record"
	RecordPause  Verb = "record_pause" // for card data
	RecordResume Verb = "record_resume"
	RecordStop   Verb = "record_stop"

	Monitor Verb = "monitor" // Mode: a supervisor joins, changes or leaves
)

// MonitorMode is how a supervisor takes part in a call.
type MonitorMode string

// Modes of Monitor.
const (
	Listen     MonitorMode = "listen"  // hears the agent and whom the agent hears
	Whisper    MonitorMode = "whisper" // as Listen, and only the agent hears the supervisor
	Barge      MonitorMode = "barge"   // as Listen, and everybody hears the supervisor
	MonitorOff MonitorMode = "off"
)

// Destination is to whom a call is transferred, or who is consulted. One of
// its fields is set.
type Destination struct {
	Agent  AgentID `json:"agent,omitempty"`
	Queue  string  `json:"queue,omitempty"`
	Number string  `json:"number,omitempty"`
}

// Valid reports whether d names exactly one destination.
func (d Destination) Valid() bool {
	n := 0
	for _, s := range []string{string(d.Agent), d.Queue, d.Number} {
		if s != "" {
			n++
		}
	}
	return n == 1
}

// CallCommand is one request to the goroutine that owns a call.
type CallCommand struct {
	Verb   Verb
	Agent  AgentID // who asks; must be on the call, but for Monitor
	Digits string
	To     Destination // of Transfer and Consult
	Mode   MonitorMode // of Monitor
}

// CallState is how a connected call stands, as its agent sees it. It is
// comparable: a desk is told when it changed.
type CallState struct {
	Hold      bool // the caller hears music because the agent wished so
	Muted     bool
	LineLost  bool // the agent's own line
	Recording RecordingState
	Consult   ConsultState
	Monitor   MonitorState
}

// RecordingState says whether a call is being recorded.
type RecordingState string

// Recording states.
const (
	RecordingOff    RecordingState = "" // "off" in the API
	RecordingOn     RecordingState = "on"
	RecordingPaused RecordingState = "paused"
)

// ConsultState is the consultation of a call; the zero value: none.
type ConsultState struct {
	To    Destination // as it was asked for
	Name  string      // of the agent who was found; "" for a number, and while nobody is
	Stage ConsultStage
}

// ConsultStage is where a consultation stands.
type ConsultStage string

// Stages of a consultation.
const (
	ConsultRinging    ConsultStage = "ringing"
	ConsultTalking    ConsultStage = "talking"    // agent and consulted; the caller hears music
	ConsultHeld       ConsultStage = "held"       // agent and caller; the consulted hears music
	ConsultConference ConsultStage = "conference" // all three
)

// MonitorState is a supervisor on a call; the zero value: nobody.
type MonitorState struct {
	Mode MonitorMode
	Name string
}

// Monitoring is what a supervisor follows; Mode is MonitorOff when it is over.
type Monitoring struct {
	Contact ID
	Mode    MonitorMode
	Agent   AgentID // who talks to the customer
}

// Errors that commands on contacts return.
var (
	ErrNoContact  = errors.New("no such contact")
	ErrNotYours   = errors.New("contact belongs to another agent")
	ErrOfferGone  = errors.New("offer is gone")
	ErrBadCommand = errors.New("command not possible in this state")
	ErrNoAgent    = errors.New("no such agent")
	// ErrNoTarget: nobody can be reached there: an agent who is signed out or is
	// the one who asks, a queue that does not exist, a number without a trunk.
	ErrNoTarget = errors.New("no such destination")
	// ErrBarred: the number may not be dialled.
	ErrBarred = errors.New("number may not be dialled")
	// ErrLineBusy: who asks has no line that is free.
	ErrLineBusy = errors.New("no line is free")
	// ErrNotPossible: this installation cannot do it.
	ErrNotPossible = errors.New("not possible here")
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
