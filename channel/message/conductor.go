package message

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"filo/contact"
	"filo/measure"
)

// Measure takes the record of every contact when it is over.
type Measure interface {
	Record(s measure.Segment)
}

// Deps are what a Conductor needs from outside.
type Deps struct {
	Journey    Journey
	Router     Router
	Measure    Measure // may be nil
	Connectors map[contact.Channel]Connector
	// Owner names the agent who ought to be asked first about a customer: the
	// owner of the open case or the last agent; "" for nobody. May be nil.
	Owner    func(ctx context.Context, customer contact.CustomerID) contact.AgentID
	Log      *slog.Logger
	Registry prometheus.Registerer
	Now      func() time.Time // time.Now when nil
}

// stripes is how many threads can be changed at one time.
const stripes = 64

// Conductor owns every open asynchronous contact.
type Conductor struct {
	cfg     Config
	journey Journey
	router  Router
	measure Measure
	links   map[contact.Channel]Connector
	owner   func(ctx context.Context, customer contact.CustomerID) contact.AgentID
	log     *slog.Logger
	metrics *metrics
	now     func() time.Time

	seed  maphash.Seed
	locks [stripes]chan struct{} // one per hash of a thread's key; holds up its changes

	starts   chan *conversation // to Run, which owns their goroutines
	ready    chan struct{}      // closed when the open contacts are restored
	stopping chan struct{}      // closed when Run takes no more

	mu      sync.Mutex
	open    map[contact.ID]*conversation
	threads map[string]*conversation
	notes   *recent // contacts that ended lately and may still get their note
}

// New checks cfg and returns a Conductor that works once Run is called.
func New(cfg Config, deps Deps) (*Conductor, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if deps.Journey == nil || deps.Router == nil {
		return nil, errors.New("message: Deps.Journey and Deps.Router are required") //nolint:err113 // a mistake of the program
	}
	c := &Conductor{
		cfg: cfg, journey: deps.Journey, router: deps.Router, measure: deps.Measure,
		links: deps.Connectors, owner: deps.Owner, log: deps.Log, now: deps.Now,
		metrics: newMetrics(deps.Registry), seed: maphash.MakeSeed(),
		starts: make(chan *conversation), ready: make(chan struct{}), stopping: make(chan struct{}),
		open: make(map[contact.ID]*conversation), threads: make(map[string]*conversation),
		notes: newRecent(1024),
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	if c.now == nil {
		c.now = time.Now
	}
	for i := range c.locks {
		c.locks[i] = make(chan struct{}, 1)
	}
	return c, nil
}

// Run restores the open contacts and serves until ctx ends; it returns after
// the goroutine of every contact has ended. The contacts themselves stay open
// and come back with the next start.
func (c *Conductor) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	defer close(c.stopping)
	restored, err := c.restore(ctx)
	if err != nil {
		return fmt.Errorf("restore open contacts: %w", err)
	}
	c.reattach(ctx, restored, &wg)
	close(c.ready)
	for {
		select {
		case <-ctx.Done():
			return nil
		case v := <-c.starts:
			wg.Go(func() { v.run(ctx) })
		}
	}
}

// reattach starts the goroutines of the restored contacts. When those that
// kept their place over the restart have it again, the router is told.
func (c *Conductor) reattach(ctx context.Context, restored []*conversation, wg *sync.WaitGroup) {
	orphans := map[contact.ID]bool{}
	for _, id := range c.router.Orphans() {
		orphans[id] = true
	}
	var placing sync.WaitGroup
	for _, v := range restored {
		if orphans[v.open.ID] {
			v.orphan = true
			placing.Add(1)
			v.settled = sync.OnceFunc(placing.Done)
		}
		wg.Go(func() { v.run(ctx) })
	}
	wg.Go(func() {
		placing.Wait()
		c.router.Reconciled()
	})
}

// Ready is closed when the open contacts are restored.
func (c *Conductor) Ready() <-chan struct{} { return c.ready }

// restore reads the open contacts of the channels that have a conductor here.
func (c *Conductor) restore(ctx context.Context) ([]*conversation, error) {
	list, err := c.journey.OpenContacts(ctx)
	if err != nil {
		return nil, err //nolint:wrapcheck // the caller says what was tried
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	all := make([]*conversation, 0, len(list))
	for _, oc := range list {
		if oc.Channel == contact.Voice {
			continue
		}
		v := newConversation(c, oc)
		c.register(v)
		all = append(all, v)
	}
	c.log.InfoContext(ctx, "open contacts restored", "count", len(all))
	return all, nil
}

// register makes v known; the caller holds c.mu.
func (c *Conductor) register(v *conversation) {
	c.open[v.open.ID] = v
	c.threads[v.key] = v
	c.metrics.moved(v.open.Channel, "", waiting)
}

// begin makes v known and hands it to Run. When Run is stopping, the contact
// is durable already and comes back with the next start.
func (c *Conductor) begin(v *conversation) {
	c.mu.Lock()
	c.register(v)
	c.mu.Unlock()
	select {
	case c.starts <- v:
	case <-c.stopping:
	}
}

// forget ends the part of v that can be found; what is over no longer joins
// messages.
func (c *Conductor) forget(v *conversation) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.threads[v.key] == v {
		delete(c.threads, v.key)
	}
	if c.open[v.open.ID] == v {
		delete(c.open, v.open.ID)
	}
}

// detach lets the next message of the thread open a contact of its own.
func (c *Conductor) detach(v *conversation) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.threads[v.key] == v {
		delete(c.threads, v.key)
	}
}

func (c *Conductor) byID(id contact.ID) *conversation {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.open[id]
}

func (c *Conductor) byThread(key string) *conversation {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.threads[key]
}

// lock holds up other changes of the thread until unlock is called.
func (c *Conductor) lock(ctx context.Context, key string) (unlock func(), err error) {
	l := c.locks[maphash.String(c.seed, key)%stripes]
	select {
	case l <- struct{}{}:
		return func() { <-l }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}
