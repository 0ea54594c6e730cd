package message

import (
	"context"

	"filo/contact"
	"filo/journey"
)

// Inbound is one message as its connector understood it.
type Inbound struct {
	// Event is not yet ingested. Source, SourceID, Identities, Channel,
	// Summary and Attrs are the connector's; Contact is set here.
	Event journey.Event
	// Target is where the contact waits: of the inbox or number it was sent to.
	Target contact.Target
	// Thread is the conversation that the message belongs to, in the
	// connector's words; messages with the same Thread from the same Peer are
	// one contact while it is open. Not empty.
	Thread string
	Inbox  string // our own address or number that it was sent to
	Peer   string // the address or number that a reply goes to
	// Ref is how a reply names this message to the provider: the RFC 5322
	// Message-ID of a mail.
	Ref string
	// Refs are the messages before it on the thread, the oldest first.
	Refs    []string
	Subject string
	// Quiet messages go on the thread but nobody has to answer them: bounces,
	// automatic answers, newsletters. They never make a contact.
	Quiet bool
}

// Outgoing is one message for a connector to send.
type Outgoing struct {
	Contact  contact.ID
	Customer contact.CustomerID
	Agent    contact.AgentID
	Event    string // id that the message's event will have, for links in it
	Thread   string
	Inbox    string // our own address or number to send from
	Peer     string
	Subject  string // of the contact, without "Re:"
	Body     string // plain text, UTF-8
	Ref      string // of the message that it answers, "" for none
	Refs     []string
}

// Sent is what a connector knows of a message that it has handed over.
type Sent struct {
	SourceID string // the provider's or our own id of the message, for the thread
	Subject  string // as it was sent
	From     string // as it was sent
	Thread   string // that an answer will name, when the connector made one
}

// Connector sends messages on one channel. When Send returns nil the provider
// has taken the message over.
type Connector interface {
	Send(ctx context.Context, m Outgoing) (Sent, error)
}

// Journey is what the conductor needs of the journey: a *journey.Journey.
type Journey interface {
	Ingest(ctx context.Context, e journey.Event) (journey.Receipt, error)
	Event(ctx context.Context, id string) (journey.Event, error)
	FindMessage(ctx context.Context, source, sourceID string) (journey.Event, error)
	// Wrote tells who wrote an event and how far that is proved.
	Wrote(ctx context.Context, e journey.Event) contact.Context
	MarkAnswered(ctx context.Context, events []string, by string) error
	SaveContact(ctx context.Context, c journey.OpenContact) error
	OpenContacts(ctx context.Context) ([]journey.OpenContact, error)
	CloseContact(ctx context.Context, id contact.ID) error
}
