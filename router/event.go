package router

import (
	"time"

	"filo/contact"
)

// EventKind says what happened to a contact.
type EventKind string

// Kinds of Event. After an offer ended as Rejected, Expired or Revoked the
// contact waits on in its old place; nothing is asked of its owner.
const (
	Offered  EventKind = "offered"
	Accepted EventKind = "accepted" // the agent takes it: connect them
	Rejected EventKind = "rejected"
	Expired  EventKind = "expired" // RONA: the agent did not answer in time
	Revoked  EventKind = "revoked" // the agent vanished, lost the line or signed out during the offer
	Moved    EventKind = "moved"   // overflow took it to Queue, with its age
	Closed   EventKind = "closed"  // over, wrap-up included; the last event before the channel is closed
)

// Event is what a Ticket's owner is told, in the order of the loop.
type Event struct {
	Kind    EventKind
	Offer   contact.OfferID // zero for Closed
	Agent   contact.AgentID // "" for Closed of a contact that nobody served
	At      time.Time
	Expires time.Time   // of Offered
	Why     contact.Why // of Offered and Accepted
	Queue   string      // of Moved
}

// AgentEventKind says what an AgentEvent is about.
type AgentEventKind string

// Kinds of AgentEvent.
const (
	StateEvent     AgentEventKind = "state"      // State, Ready, Reason, Since
	OfferEvent     AgentEventKind = "offer"      // Offer
	OfferGoneEvent AgentEventKind = "offer_gone" // Offer, with Gone
	ContactEvent   AgentEventKind = "contact"    // Contact
)

// AgentEvent is what an agent's desk is told, in the order of the loop. State,
// Ready, Reason and Since are always those of the moment.
type AgentEvent struct {
	Kind    AgentEventKind
	Agent   contact.AgentID
	State   contact.AgentState
	Ready   bool   // what the agent asked for; a busy agent who is not ready gets no more
	Reason  string // of not being ready
	Since   time.Time
	Slots   []Slot        // by channel; never changed after it was sent
	Offer   *Offer        // never changed after it was sent
	Contact *AgentContact // never changed after it was sent
}

// Offer is a reservation of an agent for a contact.
type Offer struct {
	ID      contact.OfferID
	Contact contact.ID
	Agent   contact.AgentID
	Card    *contact.Card
	Made    time.Time
	Expires time.Time
	Timeout time.Duration
	Why     contact.Why
	Next    string // name of the agent who would be next, "" for nobody
	Gone    string // of OfferGoneEvent: "accepted", "rejected", "expired", "withdrawn", "revoked"
}

// AgentContact is a contact that an agent has.
type AgentContact struct {
	ID         contact.ID
	Card       *contact.Card
	Phase      contact.State // Connected, WrapUp, Closed; Queued when it was taken back
	Since      time.Time     // of the phase
	WrapUpEnds time.Time     // of WrapUp
	Result     contact.Result
}

// Slot is an agent's room for contacts of one channel.
type Slot struct {
	Channel   contact.Channel
	Used, Max int
	Reachable bool // false: for voice, no line is up
}

// Decision is one offer that was made, and why.
type Decision struct {
	Offer   contact.OfferID
	Contact contact.ID
	Channel contact.Channel
	Queue   string
	Agent   contact.AgentID
	Name    string // of the agent
	At      time.Time
	Why     contact.Why
}

// Snapshot is the whole router at one moment.
type Snapshot struct {
	At     time.Time
	Queues []QueueSnapshot // by name
	Agents []AgentSnapshot // by id; agents that were signed in once
}

// QueueSnapshot is one queue at one moment.
type QueueSnapshot struct {
	Name      string
	Label     map[string]string
	Target    time.Duration
	Waiting   []WaitingContact // in the order in which they would be served
	Offered   int              // offers pending
	Connected int
	WrapUp    int
	Longest   time.Duration // wait of the one who waits longest
	Overtake  time.Duration // starvation bound: only who comes less than this after a contact can go before it; the largest duration: none
	On        int           // signed-in agents with the queue's skills
	Ready     int           // of these, ready and with room for one more contact of some channel
}

// WaitingContact is one contact that waits, an offer pending or not.
type WaitingContact struct {
	Contact  contact.ID
	Channel  contact.Channel
	Since    time.Time // enqueued
	Deadline time.Time // Since plus the patience of its work type
	Priority int
	Offered  bool
}

// AgentSnapshot is one agent at one moment.
type AgentSnapshot struct {
	ID       contact.AgentID
	Name     string
	Skills   map[string]uint8
	State    contact.AgentState
	Ready    bool
	Reason   string
	Since    time.Time
	Load     int // units in use
	Capacity int
	Slots    []Slot // by channel
	Contacts []AgentContact
	Offers   []contact.OfferID
}
