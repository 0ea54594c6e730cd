package journey

import (
	"time"

	"filo/contact"
)

// Event is one touchpoint on a thread: a page view, a form step, a mail, an
// SMS, a call, a note. Events are ordered by (OccurredAt, ID); an event that
// arrives late takes its place in the past.
type Event struct {
	ID         string             // assigned by Ingest when empty; sorts by time
	Source     string             // connector that made it: "web", "email", "sms", "voice", "desk"
	SourceID   string             // that source's own id; (Source, SourceID) is delivered at most once
	Customer   contact.CustomerID // resolved by Ingest from Identities when empty
	Identities []Identity         // who is meant, best first
	OccurredAt time.Time
	ReceivedAt time.Time
	Channel    contact.Channel
	Dir        contact.Direction
	Kind       Kind
	Reason     string            // code of what it is about: "checkout", "delivery", ...
	Stage      string            // step in the customer's goal: "payment"
	Summary    string            // one line for people, no more than 200 characters; in the customer's words where there are any
	Attrs      map[string]string // flat facts; the keys of each Kind are listed at its constant
	ContentRef string            // body or attachment in the Record, "" for none
	CaseID     string
	Contact    contact.ID // of which it was part, "" for none
	InReplyTo  string     // id of the event that this one answers, "" for none
	Thread     string     // conversation of a message; Ingest fills it: SMS by number, mails by InReplyTo
	Answered   time.Time  // when an inbound message was answered, zero while nobody did; kept by the Record
	Evidence   []Evidence // why Identities are one person, beyond what Ingest derives from Kind and Attrs
	Contents   []Content  // bodies, stored in the same commit: what people read first, then the raw original. ContentRef is set to the first
}

// Content is one body, attachment or raw original of an event.
type Content struct {
	Type     string // media type
	Name     string // file name, "" for bodies
	Data     []byte
	Event    string             // the event that it belongs to; set when read
	Customer contact.CustomerID // whose it is; set when read
}

// Kind is what sort of touchpoint an event is.
type Kind string

// Kinds of event, with the Attrs that they carry.
const (
	KindPage      Kind = "page"           // path, title, referrer
	KindLink      Kind = "link_opened"    // message (id of the mail event), path
	KindStep      Kind = "step"           // form, step, step_no, steps, filled "a,b", empty "c,d", field.<name> values, value, currency, cart "name|price;name|price"
	KindAbandoned Kind = "form_abandoned" // as KindStep; derived when a step got no successor
	KindOrder     Kind = "order"          // order, value, currency: the goal of KindStep's form is reached
	KindError     Kind = "error"          // form, step, message
	KindMessage   Kind = "message"        // e-mail and SMS: subject, from, from_name, to, agent (who wrote it), queue; quiet "1" when nobody has to answer
	KindCall      Kind = "call"           // agent, result, talk (seconds), skipped, rule, disposition
	KindNote      Kind = "note"           // agent
	KindVerified  Kind = "verified"       // agent, method
	KindIdentify  Kind = "identify"       // name, first_name, last_name, email, phone, lang: who somebody says to be; not shown on the thread
)

// Identity is one name by which a person is known on some channel.
type Identity struct {
	Type  IdentityType
	Value string // normalised: E.164, lower-case address, cookie
}

// IdentityType is the sort of an identity.
type IdentityType string

// Identity types.
const (
	Phone     IdentityType = "phone"     // E.164 with leading +
	Mail      IdentityType = "email"     // lower case
	Anonymous IdentityType = "anonymous" // cookie of our tracker
	UserID    IdentityType = "user"      // the company's own customer number
)

// Evidence is one reason to believe that two identities are one person. It is
// an edge of the identity graph, kept with its source so that it can be
// revoked.
type Evidence struct {
	A, B       Identity
	Source     string  // "form_phone", "verified_identify", "sms_thread", "signed_link", "call_token", "agent", ...
	Confidence float64 // 0..1
	At         time.Time
}

// Receipt acknowledges an event. When it is returned the event is on disk.
type Receipt struct {
	ID        string
	Customer  contact.CustomerID
	Duplicate bool // (Source, SourceID) had been delivered before; ID is the first one's
}

// Arrival is what the signalling tells about a call that has just arrived.
type Arrival struct {
	Contact     contact.ID
	Caller      string // as received: any national or international form, "" when withheld
	Called      string
	Trunk       string
	Trusted     bool   // the trunk's caller numbers can be believed
	Attestation string // "A", "B", "C" or ""
	Region      string // default region of numbers, ISO 3166 ("IT")
	Withheld    bool
	Token       string // click-to-call token of a browser caller, "" for none
	At          time.Time
}

// OpenContact is an asynchronous contact that is not yet closed. It is durable,
// so that it comes back after a restart with its age.
type OpenContact struct {
	ID         contact.ID
	Customer   contact.CustomerID
	Channel    contact.Channel
	Target     contact.Target
	EnqueuedAt time.Time
	Event      string // that opened it
	Subject    string
	Peer       string          // the other side's address, in clear
	Agent      contact.AgentID // who has it, "" while it waits
}
