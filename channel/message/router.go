package message

import (
	"context"

	"filo/contact"
	"filo/router"
)

// Router is what the conductor needs of the router; see [FromRouter].
type Router interface {
	Place(ctx context.Context, req router.Request) (Ticket, error)
	EndWrapUp(ctx context.Context, agent contact.AgentID, id contact.ID) error
	Watch(agent contact.AgentID) (events <-chan router.AgentEvent, cancel func())
	// Orphans are contacts that have kept their place over a restart, and
	// Reconciled says that they are placed again; see router.Router.
	Orphans() []contact.ID
	Reconciled()
}

// Ticket is the conductor's hold on a placed contact: a *router.Ticket.
type Ticket interface {
	Events() <-chan router.Event
	Withdraw(ctx context.Context, res contact.Result) error
	Requeue(ctx context.Context, exclude *contact.AgentID) error
	End(ctx context.Context, res contact.Result) error
}

// FromRouter adapts the router itself.
func FromRouter(r *router.Router) Router { return routed{r} }

type routed struct{ r *router.Router }

func (a routed) Place(ctx context.Context, req router.Request) (Ticket, error) {
	t, err := a.r.Place(ctx, req)
	if err != nil {
		return nil, err //nolint:wrapcheck // an adapter adds nothing
	}
	return t, nil
}

func (a routed) Orphans() []contact.ID { return a.r.Orphans() }
func (a routed) Reconciled()           { a.r.Reconciled() }

func (a routed) EndWrapUp(ctx context.Context, agent contact.AgentID, id contact.ID) error {
	return a.r.EndWrapUp(ctx, agent, id) //nolint:wrapcheck // an adapter adds nothing
}

func (a routed) Watch(agent contact.AgentID) (events <-chan router.AgentEvent, cancel func()) {
	return a.r.Watch(agent)
}
