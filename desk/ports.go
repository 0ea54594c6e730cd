package desk

import (
	"context"
	"time"

	"filo/contact"
	"filo/journey"
	"filo/measure"
	"filo/router"
)

// Agents is how the desk speaks of agents to the router.
type Agents interface {
	SignIn(ctx context.Context, a router.Agent) error
	SignOut(ctx context.Context, id contact.AgentID) error
	SetReady(ctx context.Context, id contact.AgentID, ready bool, reason string) error
	SetReachable(ctx context.Context, id contact.AgentID, ch contact.Channel, on bool) error
	Vanished(ctx context.Context, id contact.AgentID) error
	Watch(id contact.AgentID) (events <-chan router.AgentEvent, cancel func())
}

// Offers is what an agent does with offers and contacts in the router.
type Offers interface {
	Accept(ctx context.Context, offer contact.OfferID, agent contact.AgentID) error
	Reject(ctx context.Context, offer contact.OfferID, agent contact.AgentID, reason string) error
	EndWrapUp(ctx context.Context, agent contact.AgentID, id contact.ID) error
	ExtendWrapUp(ctx context.Context, agent contact.AgentID, id contact.ID, d time.Duration) error
}

// Board is what supervisors see of the router.
type Board interface {
	Snapshot(ctx context.Context) (router.Snapshot, error)
	Decisions(ctx context.Context, n int) ([]router.Decision, error)
}

// Router is all that the desk needs of the router: a *router.Router.
type Router interface {
	Agents
	Offers
	Board
}

// Reader reads a customer's thread as one agent may see it.
type Reader interface {
	View(ctx context.Context, req journey.ViewRequest) (journey.View, error)
	// ContentFor returns a body or attachment of the contact's own customer, if
	// the tier opens it.
	ContentFor(ctx context.Context, req journey.ViewRequest, ref string) (journey.Content, error)
	Subscribe(customer contact.CustomerID) (events <-chan journey.Event, cancel func())
	Show(e journey.Event, tier contact.Tier) (journey.ThreadEvent, bool)
}

// Thread is all that the desk needs of the journey: a *journey.Journey.
type Thread interface {
	Reader
	// Verify records, for the audit, that the agent made sure who the customer is.
	Verify(ctx context.Context, id contact.ID, customer contact.CustomerID, agent contact.AgentID, method string) error
	MarkAnswered(ctx context.Context, events []string, by string) error
}

// Calls takes commands on calls: the voice conductor.
type Calls interface {
	Command(ctx context.Context, id contact.ID, cmd contact.CallCommand) error
	// Dials reports whether agents may transfer to numbers outside.
	Dials() bool
	// Records reports whether calls can be recorded.
	Records() bool
	// WrapUp puts the agent's outcome on the thread.
	WrapUp(ctx context.Context, card *contact.Card, n contact.WrapUpNote) error
}

// Messages answers and closes message contacts: the message conductor.
type Messages interface {
	// Reply sends an answer and returns its event's id once the provider took it.
	Reply(ctx context.Context, r contact.Reply) (event string, err error)
	Close(ctx context.Context, n contact.WrapUpNote) error
	// Release puts the contacts of an agent who left back into their queues.
	Release(ctx context.Context, agent contact.AgentID) error
	// Answered tells that messages were answered elsewhere, in a call for example.
	Answered(ctx context.Context, events []string) error
}

// Lines knows which agents can be reached by voice now: a browser line stands,
// or a SIP phone is registered. Changes are told by [Desk.LineChanged].
type Lines interface {
	LineUp(agent contact.AgentID) bool
}

// Measure is where the floor's figures come from: a *measure.Engine.
type Measure interface {
	Queues(now, since time.Time) []measure.QueueStats
}
