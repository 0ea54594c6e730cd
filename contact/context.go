package contact

import "time"

// Context is what is known about a caller when the call arrives: who, by
// which proof, and why he or she probably calls. The journey makes it inside
// the call's budget; the flow, the router's request and the desk read it. It
// is a value; nobody changes it after it was made.
type Context struct {
	Customer   CustomerID // empty when nobody matched
	Name       string     // filled at D2 and above only
	Lang       string     // BCP 47 primary tag, "" when unknown
	Tier       Tier
	Confidence float64 // 0..1, of the match between caller and customer
	Evidence   []Evidence
	Decision   Decision
	// Attributes are the flat facts that flows may branch on, for example
	// web.page, web.step, web.form, email.subject. Never shown to anybody.
	Attributes map[string]string
	Status     ContextStatus
	Took       time.Duration // of the look-up
}

// ContextStatus tells where a Context came from.
type ContextStatus string

// Context statuses; they are also the label values of the metrics.
const (
	ContextHot         ContextStatus = "hot"         // from the hot cache
	ContextRecord      ContextStatus = "record"      // from the Record, after a miss
	ContextStale       ContextStatus = "stale"       // from a cache known to be old
	ContextUnknown     ContextStatus = "unknown"     // nobody by that number
	ContextUnavailable ContextStatus = "unavailable" // no answer inside the budget
)

// Evidence is one proof that the caller is the customer.
type Evidence struct {
	Kind       string    `json:"kind"` // "ani_sms", "ani_verified", "form_phone", "signed_link", "call_token", ...
	Confidence float64   `json:"confidence"`
	At         time.Time `json:"at"`
	Counts     bool      `json:"counts"` // false: rests on the same number as a better one
}

// Action is what to do with a call before any menu.
type Action string

// Actions.
const (
	Skip Action = "skip" // straight to the queue, nothing personal said
	Ask  Action = "ask"  // one question that discloses nothing
	Menu Action = "menu" // the normal flow
)

// Decision is the journey's advice for one call, and the reason of it.
type Decision struct {
	Action     Action    `json:"action"`
	Rule       string    `json:"rule"`              // name of the rule that decided, "" for Menu
	Reason     string    `json:"reason"`            // code of the likely reason: "abandoned-checkout"
	Confidence float64   `json:"confidence"`        // of who and why together, 0..1
	Target     Target    `json:"target"`            // for Skip
	Choices    []Choice  `json:"choices,omitempty"` // for Ask: the keys 1..n in order
	Weaker     []string  `json:"weaker,omitempty"`  // rules that also matched, but weaker
	At         time.Time `json:"at"`                // of the activity that gave the reason
}

// Choice is one answer of the question that Ask puts.
type Choice struct {
	Rule   string            `json:"rule"`
	Reason string            `json:"reason"`
	Prompt map[string]string `json:"prompt"` // by language; discloses nothing personal
	Target Target            `json:"target"`
}

// Target is where a contact shall wait, and for whom.
type Target struct {
	Queue      string            `json:"queue"`
	Skills     []Skill           `json:"skills,omitempty"`
	Priority   int               `json:"priority,omitempty"`
	Preferred  AgentID           `json:"preferred,omitempty"` // last agent or case owner
	Hold       time.Duration     `json:"hold,omitempty"`      // how long to wait for Preferred alone
	Only       AgentID           `json:"only,omitempty"`      // nobody else may have it, with whatever skills; Skills, Preferred and Hold do not count
	Lang       string            `json:"lang,omitempty"`
	Attributes map[string]string `json:"attributes,omitempty"`
}
