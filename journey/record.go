package journey

import (
	"context"
	"time"

	"filo/contact"
)

// Record is the durable truth: what it acknowledged survives kill -9.
type Record interface {
	Threads
	Contacts
	Ledger
}

// Threads keeps people and what happened with them.
type Threads interface {
	// Append stores one event with its contents, evidence and outbox line in
	// one durable commit. The event was prepared by Ingest: it has an id, and
	// its identities are normalised. A second (Source, SourceID) changes
	// nothing and is answered with the first one's id.
	Append(ctx context.Context, e Event, profile Profile) (Appended, error)
	// Relate adds evidence, or revokes every edge of that source between the
	// two identities and sets them apart, and computes the people anew.
	// Evidence by an agent undoes the setting apart.
	Relate(ctx context.Context, ev Evidence, revoke bool) (Touched, error)
	// Dossier reads what is known of one person and of those that evidence
	// ties to it. The error is ErrUnknown when there is nobody.
	Dossier(ctx context.Context, key Key) (Dossier, error)
	// Events pages backwards through the events of the given leaves, newest
	// first. earlier counts what is before the page.
	Events(ctx context.Context, leaves []contact.CustomerID, before string, limit int) (page []Event, earlier int, err error)
	// Event finds one event by its id, or by its source and source id. ErrUnknown when there is none.
	Event(ctx context.Context, ref EventRef) (Event, error)
	// Content reads one body. ErrUnknown when there is none.
	Content(ctx context.Context, ref string) (Content, error)
	// Answer marks inbound messages as answered at the given time. Events that
	// are unknown or answered are left alone.
	Answer(ctx context.Context, events []string, by string, at time.Time) (Touched, error)
}

// Contacts keeps the asynchronous contacts that are not yet closed.
type Contacts interface {
	SaveContact(ctx context.Context, c OpenContact) error
	// OpenContacts returns those of the customers, or all, the oldest first.
	OpenContacts(ctx context.Context, of ...contact.CustomerID) ([]OpenContact, error)
	CloseContact(ctx context.Context, id contact.ID) error
}

// Ledger keeps what must be provable, used once, or passed on.
type Ledger interface {
	// Audit stores one line of who saw or did what.
	Audit(ctx context.Context, a AuditLine) error
	// Verified returns the newest verification of the contact, ErrUnknown when there is none.
	Verified(ctx context.Context, id contact.ID) (AuditLine, error)
	// Once reports whether key is used for the first time. Keys may be forgotten after until.
	Once(ctx context.Context, key string, until time.Time) (bool, error)
	// Outbox returns up to limit committed events after seq, in order, for the feed.
	Outbox(ctx context.Context, after uint64, limit int) ([]Outgoing, error)
	// Forget drops outbox lines up to seq.
	Forget(ctx context.Context, seq uint64) error
}

// Key names a person: by an identity, or by any customer id ever given out.
type Key struct {
	Identity Identity
	Customer contact.CustomerID
}

// EventRef names an event: by ID, or by Source and SourceID.
type EventRef struct{ ID, Source, SourceID string }

// Profile is what an event says of the person; fields are empty when it says nothing.
type Profile struct {
	Name  string
	Rank  int // of the source of Name: a lower one never replaces a higher one
	Lang  string
	Agent contact.AgentID // who spoke or wrote with the customer
}

// Appended is the answer of Threads.Append.
type Appended struct {
	Receipt Receipt
	Event   Event // as stored: with Customer (the leaf), Thread, Answered
	Touched Touched
	Rewrite bool   // edges, members, profiles or other events changed: dossiers must be read anew
	Seq     uint64 // place in the outbox
}

// Touched tells whose dossiers a change concerns.
type Touched struct {
	Roots  []contact.CustomerID // people
	Leaves []contact.CustomerID // every leaf of theirs, roots included: ids by which somebody may follow them
}

// Outgoing is one line of the outbox.
type Outgoing struct {
	Seq    uint64
	Event  Event
	Leaves []contact.CustomerID // see Touched
}

// AuditLine is one line of the audit.
type AuditLine struct {
	At       time.Time
	Agent    contact.AgentID
	Customer contact.CustomerID
	Contact  contact.ID
	Tier     contact.Tier
	Action   string // "view", "content", "verify", "revoke"
	Detail   string
}

// Dossier is everything that a decision about one person needs: the
// identities tied to that person, the evidence between them and what happened
// lately. It is a snapshot that nobody changes; what it is worth depends on
// the time at which it is judged.
type Dossier struct {
	Customer contact.CustomerID // the person asked for
	Version  uint64             // outbox sequence of the newest change in it
	Leaves   []Leaf             // those of the person first
	Edges    []Edge
	Recent   []Event // oldest first; Event.Customer is the leaf
}

// Leaf is one identity with its own history. People are sets of leaves with
// the same Root, so that events never move when people are joined or parted.
type Leaf struct {
	ID       contact.CustomerID
	Root     contact.CustomerID // the person: the oldest leaf's id
	Identity Identity           // zero for somebody without any usable identity
	Profile  Profile
	Since    time.Time
	Events   int
	Channels []contact.Channel
	Texted   bool // an SMS went to or came from this number
	Called   bool // a call came from this number
}

// Edge is one piece of evidence between two leaves.
type Edge struct {
	A, B       contact.CustomerID // A < B
	Source     string
	Confidence float64
	At         time.Time
}
