package contact

import "time"

// Card is what travels with a contact through the router to whoever shows it:
// opaque to the router, never changed after it was placed.
type Card struct {
	Contact  ID
	Channel  Channel
	Customer CustomerID
	Queue    string
	Subject  string    // mail subject or first words of an SMS; "" for calls
	Peer     string    // the other side's address in clear; masked before it is shown
	Event    string    // id of the journey event that opened it, "" for calls
	Arrived  time.Time // when the contact reached us
	Context  Context
	// SkippedIVR tells that the flow was not run because of Context.Decision.
	SkippedIVR bool
	// Digits are the choices made in the flow, as "menu=1" pairs.
	Digits []string
	// Consult is set where an agent asks another for help with a call: the
	// customer, context and peer of the card are those of that call.
	Consult *ConsultOf
}

// ConsultOf says for which contact somebody is consulted, and by whom.
type ConsultOf struct {
	Contact ID
	By      AgentID
	Name    string // of By, to show
}

// Why explains one routing decision, as data. Words are made where it is shown.
type Why struct {
	Offer      OfferID       `json:"offer"`
	Key        string        `json:"key"` // the key that decided: "only", "preferred", "proficiency", "flexibility", "load", "longest_idle"
	Considered int           `json:"considered"`
	Took       time.Duration `json:"took"` // of the decision itself
	Waited     time.Duration `json:"waited"`
	// Contacts and ContactKey are set when an agent gained room and took the
	// best of the waiting contacts: how many were compared, and what put this one
	// first: "only", "held", "tier", "rank", "deadline", "age", "arrival". Next is
	// the contact that came second and, where the deadline decided, Lead is by
	// how much.
	Contacts   int           `json:"contacts,omitempty"`
	ContactKey string        `json:"contact_key,omitempty"`
	Next       ID            `json:"next,omitempty"`
	Lead       time.Duration `json:"lead,omitempty"`
	// Priority is the sum of what Raised it; Ahead is the waiting time that it
	// stood for.
	Priority int           `json:"priority,omitempty"`
	Ahead    time.Duration `json:"ahead,omitempty"`
	Raised   []Raise       `json:"raised,omitempty"`
	Tier     int           `json:"tier,omitempty"`     // 1 goes first; 0: it had lost its agent
	Step     int           `json:"step,omitempty"`     // how often what it needs was relaxed
	Overload bool          `json:"overload,omitempty"` // skills held in reserve counted

	Agents []WhyAgent     `json:"agents"` // the winner first, then by preference, then the excluded; at most 16
	More   int            `json:"more"`   // agents left off Agents
	Counts map[string]int `json:"counts"` // agents looked at, by verdict
}

// Raise is one thing that changed a contact's priority.
type Raise struct {
	By     string `json:"by"` // "queue", or "rule" or "flow" that sent it there
	Name   string `json:"name,omitempty"`
	Points int    `json:"points"`
}

// WhyAgent is one agent in a Why.
type WhyAgent struct {
	Agent   AgentID       `json:"agent"`
	Name    string        `json:"name"`
	Skills  []SkillLevel  `json:"skills"` // of the required skills
	Idle    time.Duration `json:"idle"`
	Load    int           `json:"load"`
	Verdict string        `json:"verdict"` // "chosen", "eligible", "skill", "queue", "not_ready", "channel", "busy", "capacity", "excluded", "held", "reserved"
}

// SkillLevel is an agent's proficiency in a skill.
type SkillLevel struct {
	Name  string `json:"name"`
	Level uint8  `json:"level"`
}
