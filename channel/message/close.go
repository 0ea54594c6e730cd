package message

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"filo/contact"
	"filo/journey"
)

// Close ends a contact with what its agent says of it, and its wrap-up. A note
// for a contact that ended a moment ago is still taken.
func (c *Conductor) Close(ctx context.Context, n contact.WrapUpNote) error {
	v, err := c.held(ctx, n.Contact, n.Agent)
	if errors.Is(err, contact.ErrNoContact) {
		if e, ok := c.notes.take(n.Contact); ok && e.agent == n.Agent {
			return c.note(ctx, e, n)
		}
	}
	if err != nil {
		return err
	}
	v.mu.Lock()
	result := contact.Handled
	if !v.state.Replied && !anyOf(v.state.Pending, n.Answered) {
		result = contact.Abandoned // closed without a reply: see measure
	}
	e := ended{id: v.open.ID, customer: v.open.Customer, channel: v.open.Channel, agent: v.open.Agent}
	v.mu.Unlock()
	if err := c.note(ctx, e, n); err != nil {
		return err
	}
	if !v.isOver() {
		if err := c.end(ctx, v, result); err != nil {
			return fmt.Errorf("close %s: %w", n.Contact, err)
		}
	}
	err = c.router.EndWrapUp(ctx, n.Agent, n.Contact)
	if errors.Is(err, contact.ErrNoContact) || errors.Is(err, contact.ErrBadCommand) {
		return nil // its queue has no wrap-up, or it just ended
	}
	return err //nolint:wrapcheck // names the contact already
}

func anyOf(list, of []string) bool {
	return slices.ContainsFunc(list, func(s string) bool { return slices.Contains(of, s) })
}

// wrapUpID is the source id of a contact's note: there is one.
func wrapUpID(id contact.ID) string { return "wrapup:" + string(id) }

// note puts the disposition on the thread.
func (c *Conductor) note(ctx context.Context, e ended, n contact.WrapUpNote) error {
	now := c.now()
	_, err := c.journey.Ingest(ctx, journey.Event{
		Source: "desk", SourceID: "wrapup:" + string(e.id), Customer: e.customer,
		OccurredAt: now, ReceivedAt: now, Channel: e.channel, Dir: contact.Indirect,
		Kind: journey.KindNote, Summary: Summary(n.Note), Contact: e.id,
		Attrs: journey.Attrs("agent", string(n.Agent), "disposition", n.Disposition, "note", n.Note),
	})
	if err == nil && n.Reached {
		_, err = c.journey.Ingest(ctx, journey.Event{
			Source: "desk", SourceID: "reached:" + string(e.id), Customer: e.customer,
			OccurredAt: now, ReceivedAt: now, Channel: e.channel, Dir: contact.Indirect,
			Kind: journey.KindOrder, Contact: e.id, Attrs: journey.Attrs("agent", string(n.Agent), "disposition", n.Disposition),
		})
	}
	if err != nil {
		return fmt.Errorf("note of %s: %w", e.id, err)
	}
	if len(n.Answered) == 0 {
		return nil
	}
	if err := c.journey.MarkAnswered(ctx, n.Answered, string(e.id)); err != nil {
		return fmt.Errorf("mark answered: %w", err)
	}
	return nil
}

// end closes v durably first, then in the router, so that a crash in between
// cannot bring back what was answered.
func (c *Conductor) end(ctx context.Context, v *conversation, result contact.Result) error {
	unlock, err := c.lock(ctx, v.key)
	if err != nil {
		return err
	}
	defer unlock()
	if err := v.close(ctx, result); err != nil {
		return err
	}
	c.detach(v)
	v.measured()
	v.mu.Lock()
	t, agent := v.ticket, v.open.Agent
	v.mu.Unlock()
	if t == nil {
		return nil
	}
	if agent == "" {
		return t.Withdraw(ctx, result) //nolint:wrapcheck // names the contact already
	}
	return t.End(ctx, result) //nolint:wrapcheck // names the contact already
}

// close marks v as over in the Record.
func (v *conversation) close(ctx context.Context, result contact.Result) error {
	v.saving.Lock()
	defer v.saving.Unlock()
	if err := v.c.journey.CloseContact(ctx, v.open.ID); err != nil {
		return err //nolint:wrapcheck // the caller says what was tried
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.over = true
	v.segment.EndedAt, v.segment.Result = v.c.now(), result
	return nil
}

// Release puts the contacts of an agent who has left back into the queue, with
// their age and before others.
func (c *Conductor) Release(ctx context.Context, agent contact.AgentID) error {
	c.mu.Lock()
	var mine []*conversation
	for _, v := range c.open {
		mine = append(mine, v)
	}
	c.mu.Unlock()
	var errs []error
	for _, v := range mine {
		errs = append(errs, v.release(ctx, agent))
	}
	return errors.Join(errs...)
}

func (v *conversation) release(ctx context.Context, agent contact.AgentID) error {
	v.mu.Lock()
	t := v.ticket
	if t == nil || v.over || agent == "" || v.open.Agent != agent {
		v.mu.Unlock()
		return nil
	}
	v.assign("")
	v.mu.Unlock()
	v.c.metrics.moved(v.open.Channel, connected, waiting)
	if err := t.Requeue(ctx, nil); err != nil {
		return fmt.Errorf("release: %w", err)
	}
	if err := v.save(ctx); err != nil {
		return fmt.Errorf("release: %w", err)
	}
	return nil
}
