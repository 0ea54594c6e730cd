package message

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"filo/contact"
	"filo/journey"
	"filo/measure"
	"filo/router"
)

var errDisk = errors.New("disk full")

// record is a journey in memory. It outlives conductors, as a disk does.
type record struct {
	mu       sync.Mutex
	events   []journey.Event
	bySource map[string]string
	contacts map[contact.ID]journey.OpenContact
	answered map[string]string
	fail     map[string]error // by method, once
}

func newRecord() *record {
	return &record{
		bySource: map[string]string{}, contacts: map[contact.ID]journey.OpenContact{},
		answered: map[string]string{}, fail: map[string]error{},
	}
}

func (r *record) failOnce(method string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fail[method] = err
}

// failing reports whether the failure is still to come.
func (r *record) failing(method string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.fail[method] != nil
}

func (r *record) failed(method string) error {
	err := r.fail[method]
	delete(r.fail, method)
	return err
}

func (r *record) Ingest(_ context.Context, e journey.Event) (journey.Receipt, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.failed("Ingest"); err != nil {
		return journey.Receipt{}, err
	}
	k := e.Source + "/" + e.SourceID
	if e.Customer == "" && len(e.Identities) > 0 {
		e.Customer = contact.CustomerID("p_" + e.Identities[0].Value)
	}
	if id, ok := r.bySource[k]; ok {
		return journey.Receipt{ID: id, Customer: e.Customer, Duplicate: true}, nil
	}
	if e.ID == "" {
		e.ID = fmt.Sprintf("e_%03d", len(r.events))
	}
	r.bySource[k] = e.ID
	r.events = append(r.events, e)
	return journey.Receipt{ID: e.ID, Customer: e.Customer}, nil
}

func (r *record) Event(_ context.Context, id string) (journey.Event, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.events {
		if e.ID == id {
			if r.answered[id] != "" {
				e.Answered = time.Now()
			}
			return e, nil
		}
	}
	return journey.Event{}, fmt.Errorf("event: %w", journey.ErrUnknown)
}

func (r *record) FindMessage(ctx context.Context, source, sourceID string) (journey.Event, error) {
	r.mu.Lock()
	id := r.bySource[source+"/"+sourceID]
	r.mu.Unlock()
	return r.Event(ctx, id)
}

func (r *record) Wrote(_ context.Context, e journey.Event) contact.Context {
	return contact.Context{Customer: e.Customer, Tier: contact.D2, Status: contact.ContextHot}
}

func (r *record) MarkAnswered(_ context.Context, events []string, by string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range events {
		r.answered[e] = by
	}
	return nil
}

func (r *record) SaveContact(_ context.Context, c journey.OpenContact) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.failed("SaveContact"); err != nil {
		return err
	}
	r.contacts[c.ID] = c
	return nil
}

func (r *record) OpenContacts(context.Context) ([]journey.OpenContact, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := slices.Collect(maps.Values(r.contacts))
	slices.SortFunc(list, func(a, b journey.OpenContact) int { return a.EnqueuedAt.Compare(b.EnqueuedAt) })
	return list, nil
}

func (r *record) CloseContact(_ context.Context, id contact.ID) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.failed("CloseContact"); err != nil {
		return err
	}
	delete(r.contacts, id)
	return nil
}

func (r *record) all() []journey.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.events)
}

func (r *record) open() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.contacts)
}

// outbox is a connector in memory.
type outbox struct {
	mu   sync.Mutex
	sent []Outgoing
	err  error
}

func (o *outbox) Send(_ context.Context, m Outgoing) (Sent, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil {
		return Sent{}, o.err
	}
	o.sent = append(o.sent, m)
	return Sent{SourceID: fmt.Sprintf("sent-%d", len(o.sent)), Subject: "Re: " + m.Subject, From: m.Inbox}, nil
}

// ledger is measure in memory: the newest version of each segment.
type ledger struct {
	mu   sync.Mutex
	segs map[contact.ID]measure.Segment
}

func (l *ledger) Record(s measure.Segment) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.segs[s.Contact] = s
}

func (l *ledger) of(id contact.ID) measure.Segment {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.segs[id]
}

// centre is a conductor over the real router, with one start and stop.
type centre struct {
	*Conductor
	t          *testing.T
	record     *record
	router     *router.Router
	out        *outbox
	ledger     *ledger
	reg        *prometheus.Registry
	stop       func()
	reconciled atomic.Int32 // how often the router was told that all is placed
}

// start runs a centre over what is on record; stop is as a kill: nothing is
// said to anybody.
func start(t *testing.T, rec *record) *centre {
	t.Helper()
	return startIn(t, rec, "")
}

// counting counts what a router is told.
type counting struct {
	Router
	reconciled *atomic.Int32
}

func (c counting) Reconciled() {
	c.reconciled.Add(1)
	c.Router.Reconciled()
}

// startIn is start of a router with a journal.
func startIn(t *testing.T, rec *record, journal string) *centre {
	t.Helper()
	rc := router.DefaultConfig()
	rc.Queues = map[string]router.Queue{"support": {}, "sales": {WrapUp: time.Minute}}
	rc.Journal.Dir = journal
	r, err := router.New(rc, router.Deps{Epoch: 1, RestartHold: time.Minute})
	require.NoError(t, err)
	ce := &centre{t: t, record: rec, router: r, out: &outbox{}, ledger: &ledger{segs: map[contact.ID]measure.Segment{}}, reg: prometheus.NewPedanticRegistry()}
	cfg := DefaultConfig()
	cfg.RestartHold, cfg.PlaceRetry = 2*time.Second, 10*time.Millisecond
	ce.Conductor, err = New(cfg, Deps{
		Journey: rec, Router: counting{FromRouter(r), &ce.reconciled}, Measure: ce.ledger, Registry: ce.reg,
		Connectors: map[contact.Channel]Connector{contact.Email: ce.out, contact.SMS: ce.out},
	})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { _ = r.Run(ctx) })
	wg.Go(func() { _ = ce.Run(ctx) })
	ce.stop = func() { cancel(); wg.Wait() }
	t.Cleanup(ce.stop)
	return ce
}

// agent signs in, ready for anything, and returns what the desk would see.
func (ce *centre) agent(id contact.AgentID) <-chan router.AgentEvent {
	ce.t.Helper()
	ctx := ce.t.Context()
	require.NoError(ce.t, ce.router.SignIn(ctx, router.Agent{ID: id, Name: string(id), Skills: map[string]uint8{"en": 100}}))
	events, cancel := ce.router.Watch(id)
	ce.t.Cleanup(cancel)
	require.NoError(ce.t, ce.router.SetReady(ctx, id, true, ""))
	return events
}

// offer waits for the next offer.
func (ce *centre) offer(events <-chan router.AgentEvent) *router.Offer {
	ce.t.Helper()
	timeout := time.After(5 * time.Second)
	for {
		select {
		case e, ok := <-events:
			require.True(ce.t, ok, "watch closed")
			if e.Kind == router.OfferEvent {
				return e.Offer
			}
		case <-timeout:
			require.FailNow(ce.t, "no offer")
		}
	}
}

// accept takes the next offer and waits until the contact is the agent's.
func (ce *centre) accept(events <-chan router.AgentEvent, id contact.AgentID) contact.ID {
	ce.t.Helper()
	o := ce.offer(events)
	require.NoError(ce.t, ce.router.Accept(ce.t.Context(), o.ID, id))
	require.Eventually(ce.t, func() bool {
		ce.record.mu.Lock()
		defer ce.record.mu.Unlock()
		return ce.record.contacts[o.Contact].Agent == id
	}, 5*time.Second, time.Millisecond, "agent not saved")
	return o.Contact
}

func mailFrom(id, thread, peer string) Inbound {
	return Inbound{
		Event: journey.Event{
			Source: "email", SourceID: id, Channel: contact.Email, Kind: journey.KindMessage,
			Identities: []journey.Identity{{Type: journey.Mail, Value: peer}}, Summary: "Where is it?",
			OccurredAt: time.Now(),
		},
		Target: contact.Target{Queue: "support"}, Thread: thread, Inbox: "help@shop.example", Peer: peer,
		Ref: id, Subject: "Consegna?",
	}
}
