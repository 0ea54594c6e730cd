package router

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"filo/contact"
	"filo/router/journal"
)

// Deps are what a Router needs from outside.
type Deps struct {
	Log      *slog.Logger
	Registry prometheus.Registerer
	Now      func() time.Time // time.Now when nil; must carry a monotonic reading
	Epoch    uint32           // of this start: offers of other starts are gone
	// OnAgentState, if not nil, is told of each change of an agent's state, in
	// the loop: it must return at once.
	OnAgentState func(id contact.AgentID, state contact.AgentState, at time.Time)
	// RestartHold is how long agents who were signed in before a restart stay
	// so, not ready, and a message that was theirs waits for them alone. It
	// matters with a journal.
	RestartHold time.Duration
}

// Agent is who signs in.
type Agent struct {
	ID       contact.AgentID
	Name     string                  // to show
	Skills   map[string]uint8        // proficiency, 1 to 100
	Reserve  []string                // skills that count only while a queue is overloaded
	Profile  string                  // of Config.Profiles; "": every queue
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
type Router struct {
	cfg     Config
	log     *slog.Logger
	now     func() time.Time
	epoch   uint32
	onState func(contact.AgentID, contact.AgentState, time.Time)
	hold    time.Duration // RestartHold
	journal *journal.Journal
	cmds    chan *request
	stopped chan struct{}
	pool    sync.Pool // of *request
	loop    *loop     // touched by Run only, after New
	past    restored
}

// request is one command on its way to the loop.
type request struct {
	do   func(*loop) error
	done chan error // one place: the loop never waits
}

// queuedCommands is how many commands may wait for the loop before their
// callers do.
const queuedCommands = 1024

// New checks cfg and returns a Router that serves once Run is called. With a
// journal it goes on where the router before it stopped, or was killed; see
// [Router.Orphans] and [Router.Lost]. A journal that another process uses, that
// is damaged or of another format is an error: to begin without the waiting
// places that it has, move its directory away. Run or Close must follow.
func New(cfg Config, deps Deps) (*Router, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if deps.Log == nil {
		deps.Log = slog.New(slog.DiscardHandler)
	}
	if deps.Registry == nil {
		deps.Registry = prometheus.NewRegistry()
	}
	if deps.Now == nil {
		deps.Now = time.Now
	}
	r := &Router{
		cfg: cfg, log: deps.Log, now: deps.Now, epoch: deps.Epoch, onState: deps.OnAgentState, hold: deps.RestartHold,
		cmds: make(chan *request, queuedCommands), stopped: make(chan struct{}),
		pool: sync.Pool{New: func() any { return &request{done: make(chan error, 1)} }},
	}
	m, err := newMetrics(deps.Registry)
	if err != nil {
		return nil, fmt.Errorf("router metrics: %w", err)
	}
	r.loop = newLoop(r, m)
	if cfg.Journal.Dir == "" {
		r.loop.fresh()
		return r, nil
	}
	if err := r.recover(deps); err != nil {
		return nil, fmt.Errorf("routing journal %s: %w", cfg.Journal.Dir, errors.Join(err, r.Close()))
	}
	return r, nil
}

// Run is the one goroutine; it returns when ctx ends. Call it once. The
// channels of Watch are closed then; those of Tickets are not: their owners
// stop by their own contexts.
func (r *Router) Run(ctx context.Context) error {
	r.loop.run(ctx)
	close(r.stopped)
	return r.Close()
}

// Close frees what New opened, for a Router that is not run; Run does it itself.
func (r *Router) Close() error {
	if r.journal == nil {
		return nil
	}
	return r.journal.Close()
}

// do lets the loop run f and returns its error. An ended ctx only matters
// until the loop has the command: after that its outcome is known.
func (r *Router) do(ctx context.Context, f func(*loop) error) error {
	q, ok := r.pool.Get().(*request)
	if !ok {
		return errors.New("router: foreign value in pool")
	}
	q.do = f
	select {
	case r.cmds <- q:
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-r.stopped:
		return ErrStopped
	}
	select {
	case err := <-q.done:
		q.do = nil
		r.pool.Put(q)
		return err
	case <-r.stopped:
	}
	select {
	case err := <-q.done:
		return err
	default:
		return ErrStopped
	}
}
