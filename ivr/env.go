package ivr

import (
	"context"
	"time"

	"filo/contact"
)

// Port is the caller's line as a flow sees it.
type Port interface {
	// Play plays one prompt to its end, or until ctx is over.
	Play(ctx context.Context, p Prompt) error
	// Digits delivers the keys that the caller presses: 0-9, *, #, A-D. Keys
	// pressed before they are wanted stay in the channel.
	Digits() <-chan rune
}

// Waiter is a Port that itself decides how long silence is. The terminal is
// one: there, an empty line is a time-out.
type Waiter interface {
	// Wait returns the next key; ok is false when none came within timeout.
	// Begun tells that keys of the same input were typed already.
	Wait(ctx context.Context, timeout time.Duration, begun bool) (key rune, ok bool, err error)
}

// Answerer is a Port whose call may not be answered yet.
type Answerer interface {
	// Answer answers the call; again it does nothing.
	Answer(ctx context.Context) error
}

// Env is what a flow knows about the call.
type Env struct {
	Caller  Caller
	Context contact.Context
	Now     time.Time      // time of the call, for the flow's expressions; zero: time.Now
	Vars    map[string]any // initial values over the flow's own
	Lang    string         // wanted language; the flow's default when it does not speak it
	// Trace, if not nil, is told of every step before it runs.
	Trace func(step, kind string)
}

// Caller is what the network says of the call.
type Caller struct {
	Number      string `expr:"number"` // E.164 where it could be normalised, "" when withheld
	Name        string `expr:"name"`
	Called      string `expr:"called"` // the number that was dialled
	Trunk       string `expr:"trunk"`
	Attestation string `expr:"attestation"` // A, B, C or ""
	Withheld    bool   `expr:"withheld"`
}

// OutcomeKind is how a flow ended.
type OutcomeKind string

// Outcomes of a flow.
const (
	Enqueue  OutcomeKind = "enqueue"  // wait for an agent: Target
	Transfer OutcomeKind = "transfer" // to another number: TransferTo
	Hangup   OutcomeKind = "hangup"   // said goodbye
)

// Outcome is what a flow decided.
type Outcome struct {
	Kind       OutcomeKind
	Target     contact.Target // for Enqueue; its Lang is the language that was spoken
	TransferTo string         // for Transfer: a number or a sip: URI
	Digits     []string       // the choices made, as "step=digits"
	Vars       map[string]any // all variables as the flow left them
	Lang       string         // the language that was spoken last
	Steps      int            // how many steps it took
	// Unplayed are the errors of prompts that could not be played; the flow
	// went on without them.
	Unplayed []error
}
