package message

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"filo/contact"
	"filo/journey"
)

// maxSummary is the longest summary of an event, in characters.
const maxSummary = 200

// Reply sends an agent's answer and returns the id of its event on the thread.
// The agent must have the contact. When the provider has taken the message but
// the thread could not be written, the error wraps [ErrNotRecorded]: sending
// again would send twice.
func (c *Conductor) Reply(ctx context.Context, r contact.Reply) (eventID string, err error) {
	v, err := c.held(ctx, r.Contact, r.Agent)
	if err != nil {
		return "", err
	}
	if err := checkBody(r.Body); err != nil {
		return "", err
	}
	v.replying.Lock()
	defer v.replying.Unlock()
	if v.isOver() {
		return "", fmt.Errorf("reply to %s: %w", r.Contact, contact.ErrBadCommand)
	}
	eventID, err = v.reply(ctx, r)
	if err != nil {
		return "", fmt.Errorf("reply to %s: %w", r.Contact, err)
	}
	if r.Close {
		if err := c.end(ctx, v, contact.Handled); err != nil {
			return eventID, fmt.Errorf("close after reply: %w", err)
		}
	}
	return eventID, nil
}

func checkBody(body string) error {
	switch {
	case strings.TrimSpace(body) == "":
		return ErrEmptyReply
	case len(body) > MaxReply:
		return fmt.Errorf("%w: %d bytes, at most %d", ErrReplyTooBig, len(body), MaxReply)
	case !utf8.ValidString(body):
		return ErrNotUTF8
	}
	return nil
}

// acceptGrace is how long an agent's command waits for the router's word that
// the agent has the contact: desks are told at the same moment as we are.
const acceptGrace = 500 * time.Millisecond

// held returns the open contact that the agent has.
func (c *Conductor) held(ctx context.Context, id contact.ID, agent contact.AgentID) (*conversation, error) {
	v := c.byID(id)
	if v == nil {
		return nil, fmt.Errorf("%s: %w", id, contact.ErrNoContact)
	}
	ctx, cancel := context.WithTimeout(ctx, acceptGrace)
	defer cancel()
	for {
		v.mu.Lock()
		has, news := v.open.Agent, v.news
		v.mu.Unlock()
		if has == agent && agent != "" {
			return v, nil
		}
		if has == "" {
			select {
			case <-news:
				continue
			case <-ctx.Done():
			}
		}
		return nil, fmt.Errorf("%s: %w", id, contact.ErrNotYours)
	}
}

func (v *conversation) reply(ctx context.Context, r contact.Reply) (string, error) {
	v.mu.Lock()
	oc, st := v.open, v.state
	pending := slices.Clone(st.Pending)
	v.mu.Unlock()
	link, ok := v.c.links[oc.Channel]
	if !ok {
		return "", fmt.Errorf("%w: %s", ErrNoConnector, oc.Channel)
	}
	start := v.c.now()
	event := contact.NewToken("e_", start)
	sendCtx, cancel := context.WithTimeout(ctx, v.c.cfg.SendTimeout)
	defer cancel()
	sent, err := link.Send(sendCtx, Outgoing{
		Contact: oc.ID, Customer: oc.Customer, Agent: r.Agent, Event: event, Thread: st.Thread, Inbox: st.Inbox,
		Peer: oc.Peer, Subject: oc.Subject, Body: r.Body, Ref: st.Ref, Refs: slices.Clone(st.Refs),
	})
	since(v.c.metrics.send.WithLabelValues(string(oc.Channel)), start, v.c.now())
	if err != nil {
		v.c.metrics.replies.WithLabelValues(string(oc.Channel), "failed").Inc()
		return "", err //nolint:wrapcheck // Reply says what was tried
	}
	id, err := v.record(ctx, r, event, sent, pending)
	if err != nil {
		v.c.metrics.replies.WithLabelValues(string(oc.Channel), "unrecorded").Inc()
		return "", errors.Join(ErrNotRecorded, err)
	}
	v.c.metrics.replies.WithLabelValues(string(oc.Channel), "sent").Inc()
	return id, nil
}

// record puts a reply that has left on the thread. The message is out, so an
// agent who closes the window must not stop this.
func (v *conversation) record(ctx context.Context, r contact.Reply, event string, sent Sent, answered []string) (string, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	now := v.c.now()
	v.mu.Lock()
	oc, thread := v.open, v.state.Thread
	v.mu.Unlock()
	e := journey.Event{
		ID: event, Source: string(oc.Channel), SourceID: sent.SourceID, Customer: oc.Customer,
		OccurredAt: now, ReceivedAt: now, Channel: oc.Channel, Dir: contact.Outbound,
		Kind: journey.KindMessage, Summary: Summary(r.Body), Contact: oc.ID,
		Attrs: attrs("subject", sent.Subject, "from", sent.From, "to", oc.Peer,
			"agent", string(r.Agent), "queue", oc.Target.Queue, "thread", thread),
		Contents: []journey.Content{{Type: "text/plain; charset=utf-8", Data: []byte(r.Body)}},
	}
	if len(answered) > 0 {
		e.InReplyTo = answered[len(answered)-1]
	}
	got, err := v.c.journey.Ingest(ctx, e)
	if err != nil {
		return "", err //nolint:wrapcheck // the caller says what was tried
	}
	v.mu.Lock()
	v.state.Replied = true
	v.state.Pending = slices.DeleteFunc(v.state.Pending, func(e string) bool { return slices.Contains(answered, e) })
	if v.segment.AnsweredAt.IsZero() {
		v.segment.AnsweredAt = now
	}
	v.mu.Unlock()
	v.measured()
	errs := []error{v.save(ctx)}
	if len(answered) > 0 {
		errs = append(errs, v.c.journey.MarkAnswered(ctx, answered, got.ID))
	}
	if err := errors.Join(errs...); err != nil { // the reply itself is safe
		v.c.log.ErrorContext(ctx, "answered messages not marked", "contact_id", oc.ID, "err", err)
	}
	return got.ID, nil
}

// attrs pairs keys and values and leaves out what is empty.
func attrs(kv ...string) map[string]string {
	m := make(map[string]string, len(kv)/2)
	for i := 0; i+1 < len(kv); i += 2 {
		if kv[i+1] != "" {
			m[kv[i]] = kv[i+1]
		}
	}
	return m
}

// Summary returns the first words of a text on one line, at most 200
// characters.
func Summary(text string) string {
	s := strings.Join(strings.Fields(strings.ToValidUTF8(text, "\uFFFD")), " ")
	if utf8.RuneCountInString(s) <= maxSummary {
		return s
	}
	r := []rune(s)
	return strings.TrimRight(string(r[:maxSummary-1]), " ") + "…"
}

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
		Attrs: attrs("agent", string(n.Agent), "disposition", n.Disposition, "note", n.Note),
	})
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
