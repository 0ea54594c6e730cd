package desk

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/coder/websocket"

	"filo/contact"
	"filo/router"
)

// seat is the desk of one signed-in user: what it shows, and the sockets that
// show it. Its goroutine, run, owns every field below the line; others reach
// them through do.
type seat struct {
	d        *Desk
	user     *User
	id       contact.AgentID
	inbox    chan func(context.Context)
	wake     chan struct{} // capacity 1: news in the cells below mu
	news     chan news
	started  chan struct{} // closed when the agent is signed in, or startErr says why not
	startErr error
	done     chan struct{} // closed when run has returned

	mu    sync.Mutex // cells that others write without waiting
	line  *bool
	calls map[contact.ID]contact.CallState
	heard []contact.Monitoring // what a supervisor came to follow, or no longer does

	// owned by run
	log        *slog.Logger
	stream     *stream
	events     <-chan router.AgentEvent
	unwatch    func()
	followers  sync.WaitGroup
	state      router.AgentEvent // newest
	lastAgent  []byte            // as it was last sent
	items      map[contact.ID]*item
	ended      ended  // what closed a moment ago
	shownWait  string // queues as they were last sent, without running times
	shownFloor string // floor as it was last sent
	shownBoard uint64 // version of the board that was last looked at
	goneSince  time.Time
	monitor    *monitorJSON // what a supervisor follows, nil for nothing
	lost       bool         // the router was told that nobody sits here
	left       bool         // signed out: run ends
}

func newSeat(d *Desk, u *User) *seat {
	return &seat{
		d: d, user: u, id: contact.AgentID(u.User),
		inbox: make(chan func(context.Context), 16), wake: make(chan struct{}, 1), news: make(chan news, 64),
		started: make(chan struct{}), done: make(chan struct{}),
		calls:  map[contact.ID]contact.CallState{},
		log:    d.log.With(slog.String("agent_id", u.User)),
		stream: newStream(d.cfg.Socket.Replay, d.now(), d.metrics),
		items:  map[contact.ID]*item{}, goneSince: d.now(),
	}
}

// abandon ends a seat whose run was never started.
func (s *seat) abandon() { close(s.done) }

// run serves the seat until its agent leaves or ctx ends.
func (s *seat) run(ctx context.Context) {
	defer close(s.done)
	defer s.d.leave(s)
	defer s.followers.Wait()
	defer s.close()
	err := s.signIn(ctx)
	s.startErr = err
	close(s.started)
	if err != nil {
		return
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for !s.left {
		select {
		case <-ctx.Done():
			return
		case f := <-s.inbox:
			f(ctx)
		case e, ok := <-s.events:
			s.routed(ctx, e, ok)
		case n := <-s.news:
			s.happened(n)
		case <-s.wake:
			s.absorb(ctx)
		case <-timer.C:
			s.due(ctx)
		}
		timer.Reset(s.nextDue())
	}
}

// close ends subscriptions, and the sockets of a seat that stops for another
// reason than its agent: they come back.
func (s *seat) close() {
	if s.unwatch != nil {
		s.unwatch()
	}
	for _, it := range s.items {
		it.stop()
	}
	for sock := range s.stream.sockets {
		s.stream.detach(sock)
		sock.close(websocket.StatusGoingAway, "stopping")
	}
}

// signIn makes the agent known to the router and starts to follow.
func (s *seat) signIn(ctx context.Context) error {
	s.state = router.AgentEvent{Kind: router.StateEvent, Agent: s.id, State: contact.LoggedOut, Since: s.d.now()}
	if !s.user.takesContacts() {
		return nil
	}
	if err := s.d.deps.Router.SignIn(ctx, s.user.agent()); err != nil {
		return fmt.Errorf("sign in: %w", err)
	}
	s.log.LogAttrs(ctx, slog.LevelInfo, "agent signed in")
	s.watch()
	// The router answers in order: after this, what the agent has now has come.
	if err := s.d.deps.Router.SetReachable(ctx, s.id, contact.Voice, s.d.lineUp(s.id)); err != nil {
		return fmt.Errorf("set reachable: %w", err)
	}
	s.catchUp(ctx)
	return nil
}

// catchUp takes what the router has told but the seat not yet seen: the router
// tells before it answers, so who was just told "accepted" finds the contact
// accepted here too.
func (s *seat) catchUp(ctx context.Context) {
	for {
		select {
		case e, ok := <-s.events:
			if !ok {
				return // run watches again
			}
			s.routed(ctx, e, ok)
		default:
			return
		}
	}
}

func (s *seat) watch() {
	if s.unwatch != nil {
		s.unwatch()
	}
	s.events, s.unwatch = s.d.deps.Router.Watch(s.id)
}

// do runs f in the seat's goroutine and waits for it.
func (s *seat) do(ctx context.Context, f func(ctx context.Context)) error {
	ran := make(chan struct{})
	job := func(ctx context.Context) {
		defer close(ran)
		s.catchUp(ctx)
		f(ctx)
	}
	select {
	case s.inbox <- job:
	case <-s.done:
		return ErrStopped
	case <-ctx.Done():
		return fmt.Errorf("desk busy: %w", ctx.Err())
	}
	// Once queued, f uses the caller's variables: it must have run, or never run.
	select {
	case <-ran:
		return nil
	case <-s.done:
	}
	select {
	case <-ran:
		return nil
	default:
		return ErrStopped
	}
}

// setLine, setCall and setMonitor write the newest state into a cell; the seat
// takes it when it can. They never block.
func (s *seat) setLine(up bool) {
	s.mu.Lock()
	s.line = &up
	s.mu.Unlock()
	s.nudge()
}

func (s *seat) setCall(id contact.ID, c contact.CallState) {
	s.mu.Lock()
	s.calls[id] = c
	s.mu.Unlock()
	s.nudge()
}

func (s *seat) setMonitor(m contact.Monitoring) {
	s.mu.Lock()
	s.heard = append(s.heard, m)
	s.mu.Unlock()
	s.nudge()
}

func (s *seat) nudge() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// absorb takes what others left in the cells.
func (s *seat) absorb(ctx context.Context) {
	s.mu.Lock()
	line, calls, heard := s.line, maps.Clone(s.calls), s.heard
	s.line, s.heard = nil, nil
	clear(s.calls)
	s.mu.Unlock()
	if line != nil {
		s.lineChanged(ctx, *line)
	}
	if len(calls) > 0 {
		s.catchUp(ctx) // who tells of a call has heard of it from the router
	}
	for id, c := range calls {
		if it := s.items[id]; it != nil && it.call != c {
			it.call = c
			if it.had != nil {
				s.pushContact(it)
			}
		}
	}
	for _, m := range heard {
		s.monitors(m)
	}
	s.showBoard()
}

func (s *seat) lineChanged(ctx context.Context, up bool) {
	s.push(frameLine, frameLine, upJSON{Up: up})
	if !s.user.takesContacts() {
		return
	}
	if err := s.d.deps.Router.SetReachable(ctx, s.id, contact.Voice, s.d.lineUp(s.id)); err != nil && ctx.Err() == nil {
		s.log.LogAttrs(ctx, slog.LevelWarn, "line is not known to the router", slog.String("error", err.Error()))
	}
}

// routed takes one event of the router.
func (s *seat) routed(ctx context.Context, e router.AgentEvent, ok bool) {
	if !ok {
		s.rewatch(ctx)
		return
	}
	s.state = e
	switch e.Kind {
	case router.OfferEvent:
		s.offered(ctx, e.Offer)
	case router.OfferGoneEvent:
		s.offerGone(e.Offer)
	case router.ContactEvent:
		s.contactChanged(ctx, e.Contact)
	case router.StateEvent:
	}
	s.pushAgent()
}

// rewatch follows the router again after the seat fell behind, and drops what
// is over by now: the router tells again only what still is.
func (s *seat) rewatch(ctx context.Context) {
	s.watch()
	snap, err := s.d.deps.Router.Snapshot(ctx)
	if err != nil {
		if ctx.Err() == nil {
			s.log.LogAttrs(ctx, slog.LevelError, "desk lost the router", slog.String("error", err.Error()))
		}
		s.left = true
		return
	}
	offers, contacts := map[contact.OfferID]bool{}, map[contact.ID]bool{}
	for _, a := range snap.Agents {
		if a.ID != s.id {
			continue
		}
		for _, o := range a.Offers {
			offers[o] = true
		}
		for _, c := range a.Contacts {
			contacts[c.ID] = true
		}
	}
	for id, it := range s.items {
		switch {
		case it.offer != nil && !offers[it.offer.ID] && !contacts[id]:
			s.dropOffer(it, "withdrawn")
		case it.had != nil && !contacts[id]:
			s.dropContact(it)
		}
	}
}

// push makes a frame; that it cannot be encoded is a mistake in the program.
func (s *seat) push(kind, key string, data any) {
	if err := s.stream.push(kind, key, data); err != nil {
		s.log.Error("frame not sent", slog.String("error", err.Error()))
	}
}

// pushAgent sends the agent's state, when it changed.
func (s *seat) pushAgent() {
	a := s.agentJSON()
	b, err := json.Marshal(a)
	if err != nil || string(b) == string(s.lastAgent) {
		return
	}
	s.lastAgent = b
	s.push(frameAgent, frameAgent, a)
}

func (s *seat) agentJSON() agentJSON {
	a := agentJSON{
		ID: s.id, Name: s.user.Name, State: s.state.State, Ready: s.state.Ready, Reason: s.state.Reason,
		Since: stamp(s.state.Since), Capacity: map[contact.Channel][2]int{},
	}
	for _, slot := range s.state.Slots {
		a.Capacity[slot.Channel] = [2]int{slot.Used, slot.Max}
	}
	return a
}
