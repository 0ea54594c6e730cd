package voice

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"filo/contact"
	"filo/ivr"
	"filo/journey"
	"filo/measure"
	"filo/media"
	"filo/router"
	"filo/sip"
)

// Journey is what the conductor asks of the thread.
type Journey interface {
	Arrived(ctx context.Context, a journey.Arrival) contact.Context
	Ingest(ctx context.Context, e journey.Event) (journey.Receipt, error)
	CountDecision(rule, result string)
}

// Agents tells how an agent is reached.
type Agents interface {
	// Phone reports whether the agent answers on a SIP phone rather than on a
	// browser line.
	Phone(id contact.AgentID) bool
	// Name is the agent's name to show.
	Name(id contact.AgentID) string
}

// Watcher is told what agents should see. Its methods must not block.
type Watcher interface {
	LineChanged(agent contact.AgentID, up bool)
	CallChanged(id contact.ID, s CallState)
}

// CallState is what a desk shows of a connected call.
type CallState struct {
	Hold, Muted, LineLost bool
}

// Deps are what a Conductor needs from outside.
type Deps struct {
	Log      *slog.Logger
	Registry prometheus.Registerer
	Now      func() time.Time // time.Now when nil
	UA       *sip.UA
	Media    *media.Engine
	Router   *router.Router
	Journey  Journey
	Measure  *measure.Engine
	Agents   Agents
	Watcher  Watcher
	Trunks   []sip.Trunk
	Flows    map[string]*ivr.Flow
	Prompts  *ivr.Prompts
}

// Conductor conducts all calls of a node. Serve is the sip.Handler.
type Conductor struct {
	cfg     Config
	deps    Deps
	log     *slog.Logger
	now     func() time.Time
	metrics *metrics
	prompts *promptCache
	music   media.Prompt
	trunks  map[string]sip.Trunk
	lines   lines

	mu      sync.Mutex
	calls   map[contact.ID]chan<- command
	serving int           // calls from their INVITE on, those being answered too
	idle    chan struct{} // closed when serving falls to 0; nil while nobody waits for it

	stop  chan struct{}
	once  sync.Once
	after sync.WaitGroup // what outlives a call: the stamp at the end of wrap-up
}

// New returns a Conductor, or what is wrong with the configuration: a flow or
// the music that does not exist.
func New(ctx context.Context, cfg Config, deps Deps) (*Conductor, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if deps.Now == nil {
		deps.Now = time.Now
	}
	c := &Conductor{
		cfg: cfg, deps: deps, log: deps.Log, now: deps.Now,
		metrics: newMetrics(deps.Registry),
		prompts: newPromptCache(deps.Prompts),
		trunks:  map[string]sip.Trunk{},
		lines:   lines{slots: map[contact.AgentID]*slot{}},
		calls:   map[contact.ID]chan<- command{},
		stop:    make(chan struct{}),
	}
	for _, t := range deps.Trunks {
		c.trunks[t.Name] = t
	}
	if _, ok := deps.Flows[cfg.DefaultFlow]; !ok {
		return nil, fmt.Errorf("default_flow: no flow named %q", cfg.DefaultFlow)
	}
	for number, n := range cfg.Numbers {
		if _, ok := deps.Flows[n.Flow]; n.Flow != "" && !ok {
			return nil, fmt.Errorf("numbers.%s.flow: no flow named %q", number, n.Flow)
		}
	}
	music, err := c.prompts.load(ctx, ivr.Prompt{ID: cfg.Music})
	if err != nil {
		return nil, fmt.Errorf("music: %w", err)
	}
	c.music = music.Looped()
	return c, nil
}

// Close ends what outlives calls and waits for it. Call it after the UA has
// stopped serving.
func (c *Conductor) Close() {
	c.once.Do(func() { close(c.stop) })
	c.after.Wait()
}

// Serve conducts one inbound leg to its end: a customer's call or an agent's
// line. It is the sip.Handler.
func (c *Conductor) Serve(ctx context.Context, leg *sip.Leg) {
	if info := leg.Info(); info.User != "" && info.Called == c.cfg.LineUser {
		c.serveLine(ctx, leg)
		return
	}
	c.count(+1)
	defer c.count(-1)
	c.serveCall(ctx, leg)
}

func (c *Conductor) count(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.serving += n
	if c.serving == 0 && c.idle != nil {
		close(c.idle)
		c.idle = nil
	}
}

// AwaitIdle returns when no customer's call is left, or with the cause of
// ctx's end. Agents' lines do not count: they stand as long as the desks do.
func (c *Conductor) AwaitIdle(ctx context.Context) error {
	for {
		c.mu.Lock()
		if c.serving == 0 {
			c.mu.Unlock()
			return nil
		}
		if c.idle == nil {
			c.idle = make(chan struct{})
		}
		idle := c.idle
		c.mu.Unlock()
		select {
		case <-idle:
		case <-ctx.Done():
			return fmt.Errorf("wait for calls: %w", context.Cause(ctx))
		}
	}
}

type command struct {
	contact.CallCommand
	done chan<- error // buffered
}

// Command passes an agent's wish to the goroutine that owns the call and
// returns what it said: contact.ErrNoContact, ErrNotYours, ErrBadCommand or nil.
func (c *Conductor) Command(ctx context.Context, id contact.ID, cmd contact.CallCommand) error {
	c.mu.Lock()
	calls, ok := c.calls[id]
	c.mu.Unlock()
	if !ok {
		return fmt.Errorf("%s call %s: %w", cmd.Verb, id, contact.ErrNoContact)
	}
	done := make(chan error, 1)
	select {
	case calls <- command{CallCommand: cmd, done: done}:
	case <-ctx.Done():
		return fmt.Errorf("%s call %s: %w", cmd.Verb, id, context.Cause(ctx))
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("%s call %s: %w", cmd.Verb, id, context.Cause(ctx))
	}
}

func (c *Conductor) register(id contact.ID, ch chan<- command) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls[id] = ch
}

func (c *Conductor) unregister(id contact.ID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.calls, id)
}

// FollowPhones tells the desk of agents' SIP phones that register or leave,
// until ctx ends.
func (c *Conductor) FollowPhones(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case e := <-c.deps.UA.Registered():
			if agent := contact.AgentID(e.User); c.deps.Agents.Phone(agent) {
				c.deps.Watcher.LineChanged(agent, c.deps.UA.Bindings(e.User) > 0)
			}
		}
	}
}

// LineUp reports whether the agent can be reached by voice: a browser line
// stands, or a SIP phone is registered.
func (c *Conductor) LineUp(agent contact.AgentID) bool {
	if c.deps.Agents.Phone(agent) {
		return c.deps.UA.Bindings(string(agent)) > 0
	}
	l, _ := c.lines.current(agent)
	return l != nil
}

// DropLine hangs up the browser line of an agent who signed out.
func (c *Conductor) DropLine(ctx context.Context, agent contact.AgentID) {
	if l, _ := c.lines.current(agent); l != nil {
		hangup(ctx, c.log, l.leg, "signed out")
	}
}

// Calls is the number of calls being conducted.
func (c *Conductor) Calls() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.calls)
}
