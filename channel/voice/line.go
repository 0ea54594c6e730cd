package voice

import (
	"context"
	"sync"

	"filo/contact"
	"filo/media"
	"filo/sip"
)

// line is the persistent browser leg of one signed-in agent.
type line struct {
	agent contact.AgentID
	leg   *sip.Leg
	ep    media.Endpoint
}

// lines are the standing lines, one for an agent.
type lines struct {
	mu    sync.Mutex
	slots map[contact.AgentID]*slot
}

type slot struct {
	line    *line         // nil while there is none
	busy    bool          // a call uses it
	changed chan struct{} // closed when line changes
}

func (l *lines) slot(agent contact.AgentID) *slot {
	s, ok := l.slots[agent]
	if !ok {
		s = &slot{changed: make(chan struct{})}
		l.slots[agent] = s
	}
	return s
}

// current returns the agent's line, nil for none, and a channel that is closed
// at its next change.
func (l *lines) current(agent contact.AgentID) (*line, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.slot(agent)
	return s.line, s.changed
}

// put makes next the agent's line and returns the one that it replaces.
func (l *lines) put(agent contact.AgentID, next *line) (old *line) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.slot(agent)
	old, s.line = s.line, next
	close(s.changed)
	s.changed = make(chan struct{})
	return old
}

// drop removes gone if it still is the agent's line.
func (l *lines) drop(gone *line) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.slot(gone.agent)
	if s.line != gone {
		return false
	}
	s.line = nil
	close(s.changed)
	s.changed = make(chan struct{})
	return true
}

// use marks the agent's line as taken by a call, or free again.
func (l *lines) use(agent contact.AgentID, busy bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.slot(agent).busy = busy
}

// inUse reports whether a call is on the agent's line and audio still comes
// over it: such a line is not given away without a confirmation.
func (l *lines) inUse(agent contact.AgentID) (*line, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.slot(agent)
	return s.line, s.line != nil && s.busy
}

// headerTakeover is set by a desk whose user confirmed that the line of
// another window shall be taken over during a call.
const headerTakeover = "X-Filo-Takeover"

// serveLine keeps an agent's line until the browser or the server ends it. A
// newer line of the same agent replaces an idle one, and a silent one: after a
// reload the old one is still there but nobody is behind it.
func (c *Conductor) serveLine(ctx context.Context, leg *sip.Leg) {
	info := leg.Info()
	agent := contact.AgentID(info.User)
	log := c.log.With("leg_id", leg.ID(), "agent_id", string(agent))
	if old, busy := c.lines.inUse(agent); busy && !c.silent(old.ep) && info.Headers[headerTakeover] == "" {
		reject(ctx, log, leg, 486, "Line in use")
		return
	}
	ep, sdp, err := c.deps.Media.Answer(ctx, leg.Offer(), media.Options{IdleLine: true, Label: leg.ID()})
	if err != nil {
		log.Warn("line refused", "error", err)
		reject(ctx, log, leg, statusOf(err), "")
		return
	}
	defer closeEndpoint(log, ep)
	leg.OnReoffer(ep.Reoffer)
	if err := leg.Answer(ctx, sdp); err != nil {
		log.Warn("line not answered", "error", err)
		return
	}
	if !c.awaitConnected(ctx, ep) {
		return
	}
	l := &line{agent: agent, leg: leg, ep: ep}
	if old := c.lines.put(agent, l); old != nil {
		hangup(ctx, log, old.leg, "replaced by a newer line")
	}
	c.deps.Watcher.LineChanged(agent, true)
	c.metrics.lines.Inc()
	defer c.metrics.lines.Dec()
	c.holdLine(ctx, ep)
	if c.lines.drop(l) {
		c.deps.Watcher.LineChanged(agent, false)
	}
}

// awaitConnected waits until packets can flow.
func (c *Conductor) awaitConnected(ctx context.Context, ep media.Endpoint) bool {
	for {
		select {
		case <-ctx.Done():
			return false
		case e := <-ep.Events():
			switch e.Kind {
			case media.Connected:
				return true
			case media.Failed, media.Timeout:
				return false
			}
		}
	}
}

// holdLine returns when the line is over.
func (c *Conductor) holdLine(ctx context.Context, ep media.Endpoint) {
	for {
		select {
		case <-ctx.Done():
			return
		case e := <-ep.Events():
			if e.Kind == media.Failed {
				return
			}
		}
	}
}

// silent reports that no audio came over ep for a while.
func (c *Conductor) silent(ep media.Endpoint) bool {
	return c.now().Sub(ep.Stats().LastRTPIn) > c.cfg.LineSilence
}
