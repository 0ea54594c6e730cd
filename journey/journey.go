package journey

import (
	"context"
	"fmt"
	"hash/maphash"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"filo/contact"
)

// Deps are what a Journey needs from outside. Log and Now may be nil.
type Deps struct {
	Log      *slog.Logger
	Registry prometheus.Registerer
	Now      func() time.Time
	Feed     Feed // events of other nodes; nil on a single node
}

// Journey is the thread: one per process, safe for concurrent use. It works
// from New on; Run adds what happens by time and what other nodes do.
type Journey struct {
	cfg       Config
	rec       Record
	hot       Hot
	last      *Memory // copies of what a remote hot store answered, for when everything is gone; nil when hot is in memory
	log       *slog.Logger
	now       func() time.Time
	feed      Feed
	metrics   *metrics
	secret    []byte
	zone      *time.Location
	subs      subscribers
	steps     stepClock
	owed      owed
	stripes   [64]sync.Mutex // one writer at a time per hot entry
	seed      maphash.Seed
	slots     chan struct{} // bounds look-ups that outlive their budget
	wake      chan struct{} // tells the relay that there is something new
	committed atomic.Uint64 // newest outbox sequence of this process

	life    sync.RWMutex // guards stopped against the start of new work
	stopped bool
	work    sync.WaitGroup
}

// maxLookups bounds the look-ups in flight, most of which take microseconds.
const maxLookups = 256

// New returns a Journey over the given stores, which the caller closes after
// Run has returned. The error is one of reading or making the secret.
func New(cfg Config, rec Record, hot Hot, deps Deps) (*Journey, error) {
	secret, err := Secret(cfg)
	if err != nil {
		return nil, fmt.Errorf("journey secret: %w", err)
	}
	zone, err := time.LoadLocation(cfg.Timezone)
	if err != nil {
		return nil, fmt.Errorf("journey time zone: %w", err)
	}
	j := &Journey{
		cfg: cfg, rec: rec, hot: hot, log: deps.Log, now: deps.Now, feed: deps.Feed,
		metrics: newMetrics(deps.Registry, cfg.Rules), secret: secret, zone: zone,
		slots: make(chan struct{}, maxLookups), wake: make(chan struct{}, 1), seed: maphash.MakeSeed(),
	}
	if j.log == nil {
		j.log = slog.New(slog.DiscardHandler)
	}
	if j.now == nil {
		j.now = time.Now
	}
	if _, local := hot.(*Memory); !local {
		j.last = NewMemory(min(cfg.HotCustomers, 20_000))
	}
	return j, nil
}

// Run derives abandoned forms and follows the feed until ctx ends, then waits
// for look-ups in flight.
func (j *Journey) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	if j.feed != nil {
		wg.Go(func() { j.relay(ctx) })
		wg.Go(func() { j.follow(ctx) })
	}
	if j.last != nil {
		wg.Go(func() { j.settle(ctx) })
	}
	j.watchSteps(ctx)
	wg.Wait()
	j.life.Lock()
	j.stopped = true
	j.life.Unlock()
	j.work.Wait()
	j.subs.close()
	return nil
}

// start runs f in a goroutine that Run waits for; it reports false after the stop.
func (j *Journey) start(f func()) bool {
	j.life.RLock()
	defer j.life.RUnlock()
	if j.stopped {
		return false
	}
	j.work.Go(f)
	return true
}

// Wait returns when no look-up is in flight.
func (j *Journey) Wait() { j.work.Wait() }

// MarkAnswered marks inbound messages as answered, for example by a call in
// which the agent said so.
func (j *Journey) MarkAnswered(ctx context.Context, events []string, by string) error {
	touched, err := j.rec.Answer(ctx, events, by, j.now())
	if err != nil {
		return fmt.Errorf("mark answered: %w", err)
	}
	j.rewrite(ctx, touched)
	return nil
}

// Relate adds evidence that two identities are one person. At .90 people are
// linked; below that the evidence is kept and counts for calls.
func (j *Journey) Relate(ctx context.Context, ev Evidence) error { return j.relate(ctx, ev, false) }

// Revoke takes the evidence of that source between the two identities back:
// people that rested on it separate again, each with his or her own past.
func (j *Journey) Revoke(ctx context.Context, ev Evidence) error { return j.relate(ctx, ev, true) }

func (j *Journey) relate(ctx context.Context, ev Evidence, revoke bool) error {
	var okA, okB bool
	ev.A, okA = ev.A.normal(j.cfg.Region)
	ev.B, okB = ev.B.normal(j.cfg.Region)
	if !okA || !okB || ev.A == ev.B || ev.Source == "" {
		return fmt.Errorf("%w: evidence needs two usable identities and a source", ErrBadEvent)
	}
	if revoke || ev.At.IsZero() {
		ev.At = j.now()
	}
	touched, err := j.rec.Relate(ctx, ev, revoke)
	if err != nil {
		return fmt.Errorf("relate identities: %w", err)
	}
	j.rewrite(ctx, touched)
	return nil
}

// SaveContact stores an open contact; the newest version counts.
func (j *Journey) SaveContact(ctx context.Context, c OpenContact) error {
	if err := j.rec.SaveContact(ctx, c); err != nil {
		return fmt.Errorf("save contact: %w", err)
	}
	if c.Customer != "" {
		j.rewrite(ctx, Touched{Roots: []contact.CustomerID{c.Customer}})
	}
	return nil
}

// OpenContacts returns the contacts that are not closed, the oldest first.
func (j *Journey) OpenContacts(ctx context.Context) ([]OpenContact, error) {
	list, err := j.rec.OpenContacts(ctx)
	if err != nil {
		return nil, fmt.Errorf("open contacts: %w", err)
	}
	return list, nil
}

// CloseContact forgets an open contact. Closing twice is no error.
func (j *Journey) CloseContact(ctx context.Context, id contact.ID) error {
	if err := j.rec.CloseContact(ctx, id); err != nil {
		return fmt.Errorf("close contact: %w", err)
	}
	return nil
}

// FindMessage returns the event that a connector delivered under its own id:
// a mail by its Message-ID. ErrUnknown when there is none.
func (j *Journey) FindMessage(ctx context.Context, source, sourceID string) (Event, error) {
	e, err := j.rec.Event(ctx, EventRef{Source: source, SourceID: sourceID})
	if err != nil {
		return Event{}, fmt.Errorf("find message: %w", err)
	}
	return e, nil
}

// Event returns one event by its id.
func (j *Journey) Event(ctx context.Context, id string) (Event, error) {
	e, err := j.rec.Event(ctx, EventRef{ID: id})
	if err != nil {
		return Event{}, fmt.Errorf("read event: %w", err)
	}
	return e, nil
}
