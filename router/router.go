package router

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"filo/contact"
)

// Deps are what a Router needs from outside.
type Deps struct {
	Log      *slog.Logger
	Registry prometheus.Registerer
	Now      func() time.Time // time.Now when nil; must carry a monotonic reading
	Epoch    uint32           // of this start: offers of other starts are gone
}

// Agent is who signs in.
type Agent struct {
	ID       contact.AgentID
	Name     string // to show
	Skills   map[string]uint8
	Capacity int                     // units; 0 is Config.Capacity
	Caps     map[contact.Channel]int // contacts at a time; what is missing is the channel's; 0 is none
}

// Request asks for an agent.
type Request struct {
	Card       *contact.Card // not nil; Contact and Channel are set; never changed afterwards
	Target     contact.Target
	EnqueuedAt time.Time // age that the contact brings along; zero or future: now
}

// Router is the loop and its API.
type Router struct{ cfg Config }

// New checks cfg and returns a Router that serves once Run is called.
func New(cfg Config, deps Deps) (*Router, error) { return &Router{cfg: cfg}, cfg.Validate() }

// Run is the one goroutine; it returns nil when ctx ends.
func (r *Router) Run(ctx context.Context) error { <-ctx.Done(); return nil }

// Place puts a contact into its queue and returns at once.
func (r *Router) Place(ctx context.Context, req Request) (*Ticket, error) { return nil, ErrStopped }

// Ticket is the owner's hold on a placed contact.
type Ticket struct{ events chan Event }

// Events tells what happens to the contact; it is closed after Closed.
func (t *Ticket) Events() <-chan Event { return t.events }

// Position returns the place in the queue (1 is next; 0 while an offer is
// pending) and the estimated wait.
func (t *Ticket) Position(ctx context.Context) (pos int, wait time.Duration, err error) {
	return 0, 0, ErrStopped
}

// Withdraw takes back a contact that waits or is offered.
func (t *Ticket) Withdraw(ctx context.Context, res contact.Result) error { return ErrStopped }

// Requeue takes a connected contact from its agent: it waits again, with its
// age and before all others. exclude, if not nil, is not offered it.
func (t *Ticket) Requeue(ctx context.Context, exclude *contact.AgentID) error { return ErrStopped }

// End says that the conversation is over; wrap-up starts.
func (t *Ticket) End(ctx context.Context, res contact.Result) error { return ErrStopped }

// Accept takes an offer.
func (r *Router) Accept(ctx context.Context, id contact.OfferID, agent contact.AgentID) error {
	return ErrStopped
}

// Reject refuses an offer.
func (r *Router) Reject(ctx context.Context, id contact.OfferID, agent contact.AgentID, reason string) error {
	return ErrStopped
}

// SignIn makes an agent known, not ready.
func (r *Router) SignIn(ctx context.Context, a Agent) error { return ErrStopped }

// SignOut ends the agent's work.
func (r *Router) SignOut(ctx context.Context, id contact.AgentID) error { return ErrStopped }

// SetReady makes an agent ready, or not ready for a reason.
func (r *Router) SetReady(ctx context.Context, id contact.AgentID, ready bool, reason string) error {
	return ErrStopped
}

// SetReachable says whether a channel reaches the agent: voice needs a line.
func (r *Router) SetReachable(ctx context.Context, id contact.AgentID, ch contact.Channel, on bool) error {
	return ErrStopped
}

// Vanished says that the agent's desk is gone: pending offers are revoked and
// the agent becomes not ready.
func (r *Router) Vanished(ctx context.Context, id contact.AgentID) error { return ErrStopped }

// EndWrapUp ends the wrap-up of a contact early.
func (r *Router) EndWrapUp(ctx context.Context, id contact.AgentID, c contact.ID) error {
	return ErrStopped
}

// ExtendWrapUp prolongs the wrap-up of a contact by d.
func (r *Router) ExtendWrapUp(ctx context.Context, id contact.AgentID, c contact.ID, d time.Duration) error {
	return ErrStopped
}

// Watch follows an agent. The first event is the current state, then what the
// agent has. A watcher that falls behind finds the channel closed and watches
// again. cancel may be called more than once.
func (r *Router) Watch(id contact.AgentID) (events <-chan AgentEvent, cancel func()) {
	return nil, func() {}
}

// Snapshot returns the whole router at one moment.
func (r *Router) Snapshot(ctx context.Context) (Snapshot, error) { return Snapshot{}, ErrStopped }

// Why explains an offer, if it is among the last 1,024.
func (r *Router) Why(ctx context.Context, id contact.OfferID) (contact.Why, error) {
	return contact.Why{}, ErrStopped
}

// Decisions returns the last n decisions, the newest first.
func (r *Router) Decisions(ctx context.Context, n int) ([]Decision, error) {
	return nil, ErrStopped
}
