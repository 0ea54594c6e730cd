package contact

import "time"

// Channel is the medium of a contact or touchpoint.
type Channel string

// The channels of today. A new one needs a name here, its routing settings in
// the configuration and a connector; the core treats all alike.
const (
	Voice Channel = "voice"
	Email Channel = "email"
	SMS   Channel = "sms"
	Web   Channel = "web"
)

// Direction tells who moved: the customer towards us, we towards the
// customer, or nobody in particular (a page view, a form).
type Direction string

// Directions.
const (
	Inbound  Direction = "in"
	Outbound Direction = "out"
	Indirect Direction = "indirect"
)

// State is where a contact stands between its arrival and its end.
type State string

// Contact states, in the order in which they usually follow.
const (
	InFlow    State = "in_flow"
	Queued    State = "queued"
	Offered   State = "offered"
	Connected State = "connected"
	Parked    State = "parked" // its agent keeps it for days, without holding capacity
	WrapUp    State = "wrap_up"
	Closed    State = "closed"
)

// Result is how a contact ended.
type Result string

// Results.
const (
	Handled     Result = "handled"
	Abandoned   Result = "abandoned"
	Overflowed  Result = "overflowed"
	Transferred Result = "transferred"
	InFlowEnd   Result = "ended_in_flow" // the flow itself said goodbye
	Failed      Result = "failed"        // we could not serve it: no media, no store, a bug
	LostRestart Result = "lost_restart"  // as failed: the program ended with it
)

// AgentState is what an agent does, as shown to people.
type AgentState string

// Agent states.
const (
	LoggedOut   AgentState = "logged_out"
	NotReady    AgentState = "not_ready"
	Ready       AgentState = "ready"
	Reserved    AgentState = "reserved"
	Busy        AgentState = "busy"
	AgentWrapUp AgentState = "wrap_up"
)

// Skill is a requirement: the named skill with at least Min proficiency (0-100),
// or any one of several.
type Skill struct {
	Name string `json:"name,omitempty" yaml:"name,omitempty"`
	Min  uint8  `json:"min,omitempty" yaml:"min,omitempty"`
	// Any, instead of Name and Min: one of these is enough. They have no
	// alternatives of their own.
	Any []Skill `json:"any,omitempty" yaml:"any,omitempty"`
	// DropAfter is the waiting time after which the requirement is dropped, 0
	// for never.
	DropAfter time.Duration `json:"drop_after,omitempty" yaml:"drop_after,omitempty"`
}

// Tier is how much may be said or shown, by the proof of identity.
type Tier uint8

// Disclosure tiers.
const (
	D0 Tier = iota // withheld, failed or unknown: generic treatment
	D1             // caller ID matches: routing and the silent skip, nothing personal
	D2             // combined evidence >= .90 on a trusted trunk: name, stage, thread; sensitive fields masked
	D3             // session token, one-time code or the agent's verification: everything
)

// String prints "D0" to "D3".
func (t Tier) String() string { return "D" + string('0'+rune(min(t, D3))) }
