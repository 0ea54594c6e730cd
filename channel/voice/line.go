package voice

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

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

// lines are the standing lines, one for an agent. A slot stays: there are as
// many as agents.
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

// set gives the slot a line, or none, and wakes who follows it.
func (s *slot) set(next *line) {
	s.line = next
	close(s.changed)
	s.changed = make(chan struct{})
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
	old = s.line
	s.set(next)
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
	s.set(nil)
	return true
}

// claim gives the agent's line to a call until release; nil when there is none
// or another call is on it.
func (l *lines) claim(agent contact.AgentID) (*line, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.slot(agent)
	if s.line == nil || s.busy {
		return nil, nil
	}
	s.busy = true
	return s.line, s.changed
}

func (l *lines) release(agent contact.AgentID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.slot(agent).busy = false
}

// inUse reports whether a call is on the agent's line.
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
	if !c.deps.Agents.Known(agent) || c.deps.Agents.Phone(agent) {
		refuseLeg(ctx, log, leg, codeForbidden)
		return
	}
	if old, busy := c.lines.inUse(agent); busy && !c.silent(old.ep) && info.Headers[headerTakeover] == "" {
		refuseLeg(ctx, log, leg, codeBusy)
		return
	}
	ep, err := c.answerLine(ctx, leg)
	if err != nil {
		log.Warn("line not answered", "error", err)
		refuseLeg(context.WithoutCancel(ctx), log, leg, codeOf(err))
		return
	}
	defer closeEndpoint(log, ep)
	if !awaitConnected(ctx, ep) {
		log.Info("line did not connect")
		return
	}
	l := &line{agent: agent, leg: leg, ep: ep}
	if old := c.lines.put(agent, l); old != nil {
		hangup(ctx, log, old.leg, "replaced by a newer line", nil)
	}
	c.tellLine(agent)
	c.metrics.lines.Inc()
	defer c.metrics.lines.Dec()
	holdLine(ctx, ep)
	if c.lines.drop(l) {
		c.tellLine(agent)
	}
}

// answerLine takes the browser's offer; there is none of ours for a line.
func (c *Conductor) answerLine(ctx context.Context, leg *sip.Leg) (media.Endpoint, error) {
	if len(leg.Offer()) == 0 {
		return nil, fmt.Errorf("no offer: %w", media.ErrNotAcceptable)
	}
	ep, sdp, err := c.deps.Media.Answer(ctx, leg.Offer(), media.Options{
		IdleLine: true, Label: leg.ID(), Source: sourceOf(leg.Info()),
	})
	if err != nil {
		return nil, err //nolint:wrapcheck // says what it is
	}
	leg.OnReoffer(ep.Reoffer)
	if err := leg.Answer(ctx, sdp); err != nil {
		return nil, errors.Join(err, ep.Close())
	}
	return ep, nil
}

// connectTime bounds the wait for ICE and DTLS of a new line.
const connectTime = 15 * time.Second

// awaitConnected waits until packets can flow.
func awaitConnected(ctx context.Context, ep media.Endpoint) bool {
	ctx, cancel := context.WithTimeout(ctx, connectTime)
	defer cancel()
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
func holdLine(ctx context.Context, ep media.Endpoint) {
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

// firstAudio is how long a browser may take to send after it was joined to a
// call: until then its line sent nothing.
const firstAudio = 2 * time.Second

// silent reports that no audio has come over ep for too long. It reads the
// clock of the media, which no configuration sets back.
func (c *Conductor) silent(ep media.Endpoint) bool {
	s, limit := ep.Stats(), c.cfg.LineSilence
	last := s.LastRTPIn
	if s.Joined.After(last) {
		last, limit = s.Joined, max(limit, firstAudio)
	}
	return time.Since(last) > limit
}
