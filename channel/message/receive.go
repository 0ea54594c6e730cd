package message

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"filo/contact"
	"filo/journey"
)

// errRunStopped tells a connector to refuse for now: the sender tries again.
var errRunStopped = errors.New("conductor is stopped")

// Receipt tells what became of a message.
type Receipt struct {
	Event     string
	Customer  contact.CustomerID
	Contact   contact.ID // "" for quiet messages
	Duplicate bool       // the message had been handed in before
}

// Received takes one message. When it returns nil the message is on the
// thread, durably, and so is its contact: the connector may acknowledge it.
// On an error nothing was promised and the sender has to try again.
func (c *Conductor) Received(ctx context.Context, in Inbound) (Receipt, error) {
	start := c.now()
	r, result, err := c.received(ctx, in)
	if err != nil {
		result = "failed"
		err = fmt.Errorf("receive message: %w", err)
	}
	c.metrics.received.WithLabelValues(string(in.Event.Channel), result).Inc()
	since(c.metrics.commit.WithLabelValues(string(in.Event.Channel)), start, c.now())
	return r, err
}

func (c *Conductor) received(ctx context.Context, in Inbound) (Receipt, string, error) {
	if in.Thread == "" {
		return Receipt{}, "", ErrNoThread
	}
	if err := c.awaitReady(ctx); err != nil {
		return Receipt{}, "", err
	}
	in.Event.Dir = contact.Inbound
	if in.Event.ReceivedAt.IsZero() {
		in.Event.ReceivedAt = c.now()
	}
	k := key(in.Event.Channel, in.Thread, in.Peer)
	unlock, err := c.lock(ctx, k)
	if err != nil {
		return Receipt{}, "", err
	}
	defer unlock()
	v := c.byThread(k)
	switch {
	case in.Quiet:
		return c.quiet(ctx, in, v)
	case v != nil:
		return v.join(ctx, in)
	default:
		return c.begins(ctx, in)
	}
}

func (c *Conductor) awaitReady(ctx context.Context) error {
	select {
	case <-c.stopping:
		return errRunStopped
	default:
	}
	select {
	case <-c.ready:
		return nil
	case <-c.stopping:
		return errRunStopped
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// quiet puts a message on the thread and no more.
func (c *Conductor) quiet(ctx context.Context, in Inbound, v *conversation) (Receipt, string, error) {
	if v != nil {
		in.Event.Contact = v.open.ID
	}
	got, err := c.journey.Ingest(ctx, in.Event)
	if err != nil {
		return Receipt{}, "", err //nolint:wrapcheck // Received says what was tried
	}
	return Receipt{Event: got.ID, Customer: got.Customer, Duplicate: got.Duplicate}, "quiet", nil
}

// begins makes a contact of the message: first the event, then the contact,
// then the queue. A sender that got no answer in between sends again, and the
// duplicate finds the contact missing and makes it.
func (c *Conductor) begins(ctx context.Context, in Inbound) (Receipt, string, error) {
	id := contact.NewID(c.now())
	in.Event.Contact = id
	got, err := c.journey.Ingest(ctx, in.Event)
	if err != nil {
		return Receipt{}, "", err //nolint:wrapcheck // Received says what was tried
	}
	r := Receipt{Event: got.ID, Customer: got.Customer, Contact: id, Duplicate: got.Duplicate}
	if got.Duplicate {
		missing, err := c.missing(ctx, got.ID)
		if err != nil || missing == "" {
			return r, "duplicate", err
		}
		id, r.Contact = missing, missing
	}
	st := state{Thread: in.Thread, Inbox: in.Inbox}
	st.arrived(got.ID, in.Ref, in.Refs)
	v := newConversation(c, journey.OpenContact{
		ID: id, Customer: got.Customer, Channel: in.Event.Channel, Target: c.preferred(ctx, in, got.Customer),
		EnqueuedAt: in.Event.ReceivedAt, Event: got.ID, Subject: in.Subject, Peer: in.Peer,
	})
	v.state, v.key = st, key(in.Event.Channel, in.Thread, in.Peer)
	if err := v.save(ctx); err != nil {
		return Receipt{}, "", err
	}
	c.begin(v)
	return r, "opened", nil
}

// preferred is the message's target with who ought to be asked first: who
// answered the message before on this thread, else who the owner is.
func (c *Conductor) preferred(ctx context.Context, in Inbound, customer contact.CustomerID) contact.Target {
	t := in.Target
	if t.Preferred == "" {
		t.Preferred = c.notes.agent(key(in.Event.Channel, in.Thread, in.Peer))
	}
	if t.Preferred == "" && c.owner != nil {
		t.Preferred = c.owner(ctx, customer)
	}
	if t.Preferred != "" && t.Hold == 0 {
		t.Hold = c.cfg.OwnerHold
	}
	return t
}

// missing returns the contact that an event was to open, if the process died
// between the event's commit and the contact's: it is neither open nor was it
// ever worked on.
func (c *Conductor) missing(ctx context.Context, event string) (contact.ID, error) {
	e, err := c.journey.Event(ctx, event)
	if err != nil || e.Contact == "" || !e.Answered.IsZero() || c.byID(e.Contact) != nil {
		return "", err //nolint:wrapcheck // Received says what was tried
	}
	_, err = c.journey.FindMessage(ctx, "desk", wrapUpID(e.Contact))
	if errors.Is(err, journey.ErrUnknown) {
		return e.Contact, nil
	}
	return "", err //nolint:wrapcheck // Received says what was tried
}

// join adds the message to the open contact of its thread.
func (v *conversation) join(ctx context.Context, in Inbound) (Receipt, string, error) {
	in.Event.Contact = v.open.ID
	got, err := v.c.journey.Ingest(ctx, in.Event)
	if err != nil {
		return Receipt{}, "", err //nolint:wrapcheck // Received says what was tried
	}
	r := Receipt{Event: got.ID, Customer: got.Customer, Contact: v.open.ID, Duplicate: got.Duplicate}
	if got.Duplicate {
		return r, "duplicate", nil
	}
	v.mu.Lock()
	v.state.arrived(got.ID, in.Ref, in.Refs)
	v.mu.Unlock()
	if err := v.save(ctx); err != nil {
		return Receipt{}, "", err
	}
	return r, "joined", nil
}

// Answered tells that messages were answered elsewhere, in a call for example.
// Contacts that wait only because of them are closed; by is who did it.
func (c *Conductor) Answered(ctx context.Context, events []string) error {
	c.mu.Lock()
	all := make([]*conversation, 0, len(c.open))
	for _, v := range c.open {
		all = append(all, v)
	}
	c.mu.Unlock()
	var errs []error
	for _, v := range all {
		if v.answered(events) {
			errs = append(errs, c.end(ctx, v, contact.Handled))
		}
	}
	return errors.Join(errs...)
}

// answered takes events off what is pending and reports whether nobody has
// the contact and nothing is left to answer.
func (v *conversation) answered(events []string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	before := len(v.state.Pending)
	v.state.Pending = slices.DeleteFunc(slices.Clone(v.state.Pending), func(e string) bool { return slices.Contains(events, e) })
	return before > 0 && len(v.state.Pending) == 0 && v.open.Agent == "" && !v.over
}
