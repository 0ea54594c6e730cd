package measure

import (
	"cmp"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"filo/contact"
)

// Deps are what an Engine needs from outside.
type Deps struct {
	Log      *slog.Logger
	Registry prometheus.Registerer
	Now      func() time.Time         // time.Now when nil
	Targets  map[string]time.Duration // service-level threshold of calls, by queue
}

// Engine keeps the records of the last Config.Keep segments and the time that
// agents spent in each state. It is safe for concurrent use.
type Engine struct {
	cfg  Config
	deps Deps
	m    *metrics

	mu     sync.RWMutex
	ring   []entry
	next   int // where the next new segment goes
	index  map[key]int
	newest map[contact.ID]int // highest N of each contact that is kept

	agents map[contact.AgentID]agentState
	spent  map[contact.AgentState]time.Duration // in states that are over
}

type key struct {
	contact contact.ID
	n       int
}

type entry struct {
	Segment
	used bool
	counted
}

type agentState struct {
	state contact.AgentState
	since time.Time
}

// New returns an Engine without records.
func New(cfg Config, deps Deps) (*Engine, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if deps.Now == nil {
		deps.Now = time.Now
	}
	if deps.Registry == nil {
		deps.Registry = prometheus.NewRegistry()
	}
	e := &Engine{
		cfg: cfg, deps: deps, index: map[key]int{}, newest: map[contact.ID]int{},
		agents: map[contact.AgentID]agentState{}, spent: map[contact.AgentState]time.Duration{},
	}
	m, err := newMetrics(deps.Registry, e)
	if err != nil {
		return nil, fmt.Errorf("measure metrics: %w", err)
	}
	e.m = m
	return e, nil
}

// Record stores a segment, or a new version of one: Contact and N are the key.
// Late versions are welcome; what was counted once is not counted again.
func (e *Engine) Record(s Segment) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.record(s)
}

// Update changes the newest segment of a contact that the agent answered, or
// nobody if by is "". It reports whether there is one. change must not call the
// Engine.
func (e *Engine) Update(id contact.ID, by contact.AgentID, change func(*Segment)) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	newest, ok := e.newest[id]
	for n := newest; ok && n >= 0; n-- {
		i, kept := e.index[key{id, n}]
		if !kept || e.ring[i].Agent != by {
			continue
		}
		s := e.ring[i].Segment
		change(&s)
		s.Contact, s.N = id, n
		e.record(s)
		return true
	}
	return false
}

func (e *Engine) record(s Segment) {
	k := key{s.Contact, s.N}
	i, ok := e.index[k]
	if !ok {
		i = e.slot()
		e.index[k] = i
		e.newest[s.Contact] = max(e.newest[s.Contact], s.N)
		e.ring[i] = entry{used: true}
	}
	e.ring[i].Segment = s
	e.m.count(&e.ring[i], e.target(s.Queue, s.Channel), e.cfg.ShortAbandon)
}

// slot returns the place of a new segment, the oldest one's when all are taken.
func (e *Engine) slot() int {
	if len(e.ring) < e.cfg.Keep {
		e.ring = append(e.ring, entry{})
		return len(e.ring) - 1
	}
	i := e.next
	e.next = (e.next + 1) % len(e.ring)
	old := &e.ring[i]
	delete(e.index, key{old.Contact, old.N})
	if e.newest[old.Contact] == old.N {
		delete(e.newest, old.Contact)
	}
	return i
}

// Segments returns what is kept of a contact, by N.
func (e *Engine) Segments(id contact.ID) []Segment {
	e.mu.RLock()
	defer e.mu.RUnlock()
	var list []Segment
	for n := range e.newest[id] + 1 {
		if i, ok := e.index[key{id, n}]; ok {
			list = append(list, e.ring[i].Segment)
		}
	}
	return list
}

// target is the service-level threshold of a queue and channel.
func (e *Engine) target(queue string, ch contact.Channel) time.Duration {
	if t := e.deps.Targets[queue]; t > 0 && ch == contact.Voice {
		return t
	}
	if t := e.cfg.Targets[ch]; t > 0 {
		return t
	}
	return 20 * time.Second
}

// QueueStats are the figures of one queue and channel.
type QueueStats struct {
	Queue   string
	Channel contact.Channel
	Target  time.Duration // T
	Figures
}

// Queues returns the figures of each queue over the kept segments that were
// enqueued at or after since, by queue and channel. Segments that never waited
// for an agent are left out.
func (e *Engine) Queues(now, since time.Time) []QueueStats {
	type of struct {
		queue   string
		channel contact.Channel
	}
	tallies := map[of]*tally{}
	e.each(since, func(s *Segment) {
		k := of{s.Queue, s.Channel}
		t := tallies[k]
		if t == nil {
			t = &tally{}
			tallies[k] = t
		}
		t.add(s, now, e.target(s.Queue, s.Channel), e.cfg.ShortAbandon)
	})
	list := make([]QueueStats, 0, len(tallies))
	for k, t := range tallies {
		list = append(list, QueueStats{Queue: k.queue, Channel: k.channel, Target: e.target(k.queue, k.channel), Figures: t.figures()})
	}
	slices.SortFunc(list, func(a, b QueueStats) int {
		return cmp.Or(cmp.Compare(a.Queue, b.Queue), cmp.Compare(a.Channel, b.Channel))
	})
	return list
}

// Overall returns the figures over all queues, each segment against its own
// threshold; of the channels given, or of all.
func (e *Engine) Overall(now, since time.Time, channels ...contact.Channel) Figures {
	var t tally
	e.each(since, func(s *Segment) {
		if len(channels) == 0 || slices.Contains(channels, s.Channel) {
			t.add(s, now, e.target(s.Queue, s.Channel), e.cfg.ShortAbandon)
		}
	})
	return t.figures()
}

func (e *Engine) each(since time.Time, f func(*Segment)) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	for i := range e.ring {
		if s := &e.ring[i]; s.used && !s.EnqueuedAt.IsZero() && !s.EnqueuedAt.Before(since) {
			f(&s.Segment)
		}
	}
}

// AgentState says that the agent is in state from at on.
func (e *Engine) AgentState(id contact.AgentID, state contact.AgentState, at time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if was, ok := e.agents[id]; ok {
		e.spent[was.state] += max(0, at.Sub(was.since))
	}
	if state == contact.LoggedOut {
		delete(e.agents, id)
		return
	}
	e.agents[id] = agentState{state, at}
}

// AgentTime returns the time that all agents spent in each state up to now,
// since the start; logged_out is not counted.
func (e *Engine) AgentTime(now time.Time) map[contact.AgentState]time.Duration {
	e.mu.RLock()
	defer e.mu.RUnlock()
	sum := make(map[contact.AgentState]time.Duration, len(e.spent))
	for s, d := range e.spent {
		sum[s] += d
	}
	for _, a := range e.agents {
		sum[a.state] += max(0, now.Sub(a.since))
	}
	return sum
}
