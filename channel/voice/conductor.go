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
	// Known reports whether there is such an agent.
	Known(id contact.AgentID) bool
	// Phone reports whether the agent answers on a SIP phone rather than on a
	// browser line.
	Phone(id contact.AgentID) bool
	// Name is the agent's name to show.
	Name(id contact.AgentID) string
}

// Watcher is told what agents and supervisors should see. Its methods must not
// block.
type Watcher interface {
	LineChanged(agent contact.AgentID, up bool)
	// CallChanged tells how a call of the agent stands.
	CallChanged(agent contact.AgentID, id contact.ID, s contact.CallState)
	// MonitorChanged tells a supervisor what he or she follows.
	MonitorChanged(supervisor contact.AgentID, m contact.Monitoring)
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
	Trace    Trace // nil: none
	Flows    map[string]*ivr.Flow
	Prompts  *ivr.Prompts
}

// Conductor conducts all calls of a node. Serve is the sip.Handler.
type Conductor struct {
	cfg     Config
	deps    Deps
	log     *slog.Logger
	now     func() time.Time
	trace   Trace
	metrics *metrics
	prompts *promptCache
	music   media.Prompt
	numbers map[string]Number // as configured, and in E.164
	lines   lines
	inboxes inboxes
	idle    idle

	lineNews sync.Mutex // what the Watcher is told of lines is in order

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
	if deps.Trace == nil {
		deps.Trace = untraced{}
	}
	c := &Conductor{
		cfg: cfg, deps: deps, log: deps.Log, now: deps.Now, trace: deps.Trace,
		metrics: newMetrics(deps.Registry),
		prompts: newPromptCache(deps.Prompts),
		lines:   lines{slots: map[contact.AgentID]*slot{}},
		inboxes: inboxes{m: map[contact.ID]inbox{}},
		numbers: map[string]Number{},
		stop:    make(chan struct{}),
	}
	if _, ok := deps.Flows[cfg.DefaultFlow]; !ok {
		return nil, fmt.Errorf("default_flow: no flow named %q", cfg.DefaultFlow)
	}
	for number, n := range cfg.Numbers {
		if _, ok := deps.Flows[n.Flow]; n.Flow != "" && !ok {
			return nil, fmt.Errorf("numbers.%s.flow: no flow named %q", number, n.Flow)
		}
		if e164, ok := journey.NormalPhone(number, ""); ok {
			c.numbers[e164] = n
		}
	}
	for number, n := range cfg.Numbers {
		c.numbers[number] = n // as it is written wins
	}
	music, err := c.prompts.load(ctx, ivr.Prompt{ID: cfg.Music})
	if err != nil {
		return nil, fmt.Errorf("music: %w", err)
	}
	c.music = music.Looped()
	for _, lost := range deps.Router.Lost() {
		c.lost(lost)
	}
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
	switch info := leg.Info(); {
	case info.Replaces != nil: // a call in whose place none of ours may be put
		refuseLeg(ctx, c.log, leg, codeBusy)
	case info.User != "" && info.Called == c.cfg.LineUser:
		c.serveLine(ctx, leg)
	default:
		if id, ok := c.inboxes.callOf(contact.AgentID(info.User)); ok && info.User != "" {
			c.serveSecond(ctx, leg, id)
			return
		}
		c.serveCall(ctx, leg)
	}
}

// trunk is the trunk that a call came by, as it is configured now; nothing of it
// for other calls.
func (c *Conductor) trunk(info sip.Info) sip.Trunk {
	t, _ := c.deps.UA.Trunk(info.Trunk)
	return t
}

// number finds what is configured for a called number: as it was dialled, else
// in E.164 by the trunk's region.
func (c *Conductor) number(called, region string) Number {
	if n, ok := c.numbers[called]; ok {
		return n
	}
	if e164, ok := journey.NormalPhone(called, region); ok {
		return c.numbers[e164]
	}
	return Number{}
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
				c.tellLine(agent)
			}
		}
	}
}

// tellLine tells the desk how the agent's line stands now: whoever tells last
// tells the newest.
func (c *Conductor) tellLine(agent contact.AgentID) {
	c.lineNews.Lock()
	defer c.lineNews.Unlock()
	c.deps.Watcher.LineChanged(agent, c.LineUp(agent))
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
		hangup(ctx, c.log, l.leg, "signed out", nil)
	}
}
