package journey

import (
	"time"

	"filo/contact"
)

// ViewRequest asks for a customer's thread as one agent may see it.
type ViewRequest struct {
	Contact  contact.ID
	Customer contact.CustomerID
	Agent    contact.AgentID
	Context  contact.Context // of the contact; its Tier bounds what is disclosed
	Peer     string          // caller's or writer's address in clear, masked by the view
	Before   string          // event id: only earlier ones; "" for the newest
	Limit    int             // events, 1..200; 0 means 50
}

// View is a thread as one agent may see it. Fields that the proof of identity
// does not open are empty and named in Closed. It is the desk's wire form.
type View struct {
	Tier     string        `json:"tier"` // "D0".."D3"
	Name     string        `json:"name,omitempty"`
	Phone    string        `json:"phone,omitempty"` // masked below D3
	Email    string        `json:"email,omitempty"` // masked below D3
	Lang     string        `json:"lang,omitempty"`
	Proof    []ProofLine   `json:"proof"`
	Channels int           `json:"channels"`        // distinct channels on the thread
	Since    *time.Time    `json:"since,omitempty"` // first event
	LastWeb  *WebStep      `json:"last_web,omitempty"`
	Goal     *Goal         `json:"goal,omitempty"`
	Cases    []Case        `json:"cases"`
	Health   []HealthLine  `json:"health"`
	Events   []ThreadEvent `json:"events"`           // oldest first
	Earlier  int           `json:"earlier"`          // events before Events
	Closed   []string      `json:"closed,omitempty"` // "name", "email", "thread", "bodies", "fields", "goal"
	// Sentence is the whole offer in one sentence per language ("en", "it"),
	// to be read aloud: who, where stopped, how long ago, what is unanswered.
	Sentence map[string]string `json:"sentence"`
	// Headline is the same as parts, for the screen.
	Headline Headline `json:"headline"`
}

// Headline holds the facts of View.Sentence.
type Headline struct {
	Who        string      `json:"who,omitempty"`
	Reason     string      `json:"reason,omitempty"` // code: "abandoned-checkout"
	Stage      string      `json:"stage,omitempty"`
	StepNo     int         `json:"step_no,omitempty"`
	Steps      int         `json:"steps,omitempty"`
	StoppedAt  *time.Time  `json:"stopped_at,omitempty"`
	Value      string      `json:"value,omitempty"` // "84.90"
	Currency   string      `json:"currency,omitempty"`
	Unanswered *Unanswered `json:"unanswered,omitempty"`
}

// Unanswered is the oldest message of the customer that nobody answered.
type Unanswered struct {
	Event   string          `json:"event"`
	Channel contact.Channel `json:"channel"`
	Subject string          `json:"subject,omitempty"`
	Since   time.Time       `json:"since"`
}

// ProofLine is one piece of evidence in the customer card.
type ProofLine struct {
	Kind       string    `json:"kind"`
	Confidence float64   `json:"confidence"`
	At         time.Time `json:"at"`
	Counts     bool      `json:"counts"`
}

// WebStep is the last thing done on the web.
type WebStep struct {
	Page     string     `json:"page,omitempty"`
	Form     string     `json:"form,omitempty"`
	Step     string     `json:"step,omitempty"`
	StepNo   int        `json:"step_no,omitempty"`
	Steps    int        `json:"steps,omitempty"`
	At       time.Time  `json:"at"`
	Filled   []Field    `json:"filled"`
	Empty    []string   `json:"empty"`
	Cart     []CartItem `json:"cart"`
	Total    string     `json:"total,omitempty"`
	Currency string     `json:"currency,omitempty"`
	Errors   []string   `json:"errors,omitempty"`
}

// Field is one form field with its value; Value is masked below D3 and empty at D1.
type Field struct {
	Name  string `json:"name"`
	Value string `json:"value,omitempty"`
}

// CartItem is one line of a cart.
type CartItem struct {
	Name  string `json:"name"`
	Price string `json:"price"`
}

// Goal is what the customer is trying to reach.
type Goal struct {
	Name     string     `json:"name"` // "buy", "answer", "return"
	OpenedAt time.Time  `json:"opened_at"`
	Contacts int        `json:"contacts"`
	Reached  *time.Time `json:"reached,omitempty"`
}

// Case is one open problem.
type Case struct {
	ID       string          `json:"id"`
	Title    string          `json:"title"`
	Owner    contact.AgentID `json:"owner,omitempty"`
	OpenedAt time.Time       `json:"opened_at"`
	State    string          `json:"state"`
}

// HealthLine is one dated cause of how the relationship stands.
type HealthLine struct {
	Good bool      `json:"good"`
	Code string    `json:"code"` // "error_twice", "message_waited", "message_solved", "order", ...
	Text string    `json:"text,omitempty"`
	At   time.Time `json:"at"`
}

// ThreadEvent is one event as the desk draws it.
type ThreadEvent struct {
	ID       string            `json:"id"`
	At       time.Time         `json:"at"`
	Channel  contact.Channel   `json:"channel"`
	Dir      contact.Direction `json:"dir"`
	Kind     Kind              `json:"kind"`
	Title    string            `json:"title,omitempty"` // subject
	Text     string            `json:"text,omitempty"`  // summary or first lines, plain text
	Body     string            `json:"body,omitempty"`  // content ref, to be fetched and shown in the sandboxed frame
	Attrs    map[string]string `json:"attrs,omitempty"` // what the tier allows
	Contact  contact.ID        `json:"contact,omitempty"`
	Answered bool              `json:"answered"`         // inbound message that has an answer
	Closed   bool              `json:"closed,omitempty"` // content withheld by the tier
}
