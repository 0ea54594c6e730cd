package desk

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"filo/contact"
	"filo/desk/web"
	"filo/router"
)

// Deps are what a Desk needs from outside. Log, Router and Thread are
// required; without the others what they do answers 409.
type Deps struct {
	Log      *slog.Logger
	Registry prometheus.Registerer // nil: no metrics
	Now      func() time.Time      // time.Now when nil
	Users    *Users                // nil: from Config.UsersFile
	Router   Router
	Thread   Thread
	Calls    Calls
	Messages Messages
	Lines    Lines // nil: every line counts as up
	Measure  Measure
	Trace    Trace
	// DropLine, if set, is told to end the line of an agent who signed out.
	DropLine func(ctx context.Context, id contact.AgentID)
	// Routing is the router's configuration: labels, skills, targets and
	// patience of the queues are read from it.
	Routing router.Config
	// Files are the built pages; nil: those in the program.
	Files fs.FS
}

// Desk is the API and the event sockets. Its Handler serves once Run is called.
type Desk struct {
	cfg      Config
	deps     Deps
	log      *slog.Logger
	now      func() time.Time
	users    *Users
	metrics  *metrics
	sessions *sessions
	throttle *throttle
	nobody   hash          // checked in place of an unknown user's
	hashing  chan struct{} // one slot for each password check at a time
	pages    *pages
	starts   chan *seat
	stopped  chan struct{} // closed when Run returns
	nudged   chan struct{} // capacity 1: lines of agents without a seat changed
	look     chan struct{} // capacity 1: somebody came who has not seen the queues

	mu    sync.Mutex
	seats map[contact.AgentID]*seat
	rung  map[contact.AgentID]bool // phones without a desk whose line changed
	board *board                   // newest picture of queues and floor
}

// New checks cfg and deps and returns a Desk.
func New(cfg Config, deps Deps) (*Desk, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if deps.Log == nil || deps.Router == nil || deps.Thread == nil {
		return nil, errors.New("desk: Log, Router and Thread are required")
	}
	users := deps.Users
	if users == nil {
		if cfg.UsersFile == "" {
			return nil, errors.New("users_file: must name the file of the desk's users")
		}
		var err error
		if users, err = LoadUsers(cfg.UsersFile); err != nil {
			return nil, fmt.Errorf("users_file: %w", err)
		}
	}
	now := deps.Now
	if now == nil {
		now = time.Now
	}
	if deps.Files == nil {
		deps.Files = web.Files()
	}
	pages, err := newPages(deps.Files)
	if err != nil {
		return nil, fmt.Errorf("desk pages: %w", err)
	}
	nobody, err := HashPassword(secret())
	if err != nil {
		return nil, err
	}
	dummy, err := parseHash(nobody)
	if err != nil {
		return nil, err
	}
	m := newMetrics(deps.Registry)
	return &Desk{
		cfg: cfg, deps: deps, log: deps.Log, now: now, users: users, metrics: m,
		sessions: newSessions(cfg.Session, now, m.sessions),
		throttle: newThrottle(now),
		nobody:   dummy, hashing: make(chan struct{}, hashers),
		pages:  pages,
		starts: make(chan *seat), stopped: make(chan struct{}), nudged: make(chan struct{}, 1), look: make(chan struct{}, 1),
		seats: map[contact.AgentID]*seat{}, rung: map[contact.AgentID]bool{}, board: &board{},
	}, nil
}

// Run follows the router for everybody who is signed in until ctx ends, then
// closes the event sockets and returns nil after all that it started ended.
// It is called once.
func (d *Desk) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	defer close(d.stopped)
	d.startPhones(ctx)
	wg.Go(func() { d.followBoard(ctx) })
	sweep := time.NewTicker(sweepEvery)
	defer sweep.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case s := <-d.starts:
			d.metrics.seats.Inc()
			wg.Go(func() {
				defer d.metrics.seats.Dec()
				s.run(ctx)
			})
		case <-d.nudged:
			d.reachPhones(ctx)
		case <-sweep.C:
			d.sweep(ctx)
		}
	}
}

const sweepEvery = 15 * time.Second

// sweep ends what expired: sessions, with their sockets, and old failures.
func (d *Desk) sweep(ctx context.Context) {
	for _, s := range d.sessions.expire() {
		if err := d.closeSession(ctx, s, false); err != nil && ctx.Err() == nil {
			d.log.LogAttrs(ctx, slog.LevelWarn, "sockets of an expired session not closed", slog.String("error", err.Error()))
		}
	}
	d.throttle.forget()
}

func (d *Desk) lineUp(id contact.AgentID) bool { return d.deps.Lines == nil || d.deps.Lines.LineUp(id) }

// LineChanged is told when an agent's line came up or was lost. It never blocks.
func (d *Desk) LineChanged(agent contact.AgentID, up bool) {
	if s := d.seatOf(agent); s != nil {
		s.setLine(up)
		return
	}
	d.phoneChanged(agent)
}

// ContactState is told how a call of an agent stands: on hold, muted, recorded,
// who is consulted and who listens. It never blocks; the agent's desk shows the
// newest.
func (d *Desk) ContactState(agent contact.AgentID, id contact.ID, c contact.CallState) {
	if s := d.seatOf(agent); s != nil {
		s.setCall(id, c)
	}
}

// MonitorChanged is told what a supervisor follows. It never blocks.
func (d *Desk) MonitorChanged(supervisor contact.AgentID, m contact.Monitoring) {
	if s := d.seatOf(supervisor); s != nil {
		s.setMonitor(m)
	}
}

func (d *Desk) seatOf(id contact.AgentID) *seat {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.seats[id]
}

// seatFor returns the seat of a user, starting one where there is none.
func (d *Desk) seatFor(ctx context.Context, u *User) (*seat, error) {
	id := contact.AgentID(u.User)
	d.mu.Lock()
	s, ok := d.seats[id]
	if !ok {
		s = newSeat(d, u)
		d.seats[id] = s
	}
	d.mu.Unlock()
	if !ok {
		select {
		case d.starts <- s:
		case <-d.stopped:
			d.leave(s)
			return nil, ErrStopped
		case <-ctx.Done():
			d.leave(s)
			s.abandon()
			return nil, fmt.Errorf("start seat: %w", ctx.Err())
		}
	}
	select {
	case <-s.started:
		return s, s.startErr
	case <-s.done:
		return nil, ErrStopped
	case <-ctx.Done():
		return nil, fmt.Errorf("start seat: %w", ctx.Err())
	}
}

// leave forgets a seat that ends.
func (d *Desk) leave(s *seat) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.seats[s.id] == s {
		delete(d.seats, s.id)
	}
}

// Handler serves /api/, /desk/, /shop/ and "/", as API.md says.
func (d *Desk) Handler() http.Handler { return d.routes() }
