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

// Reply sends an agent's answer and returns the id of its event on the thread.
// The agent must have the contact. When the provider has taken the message but
// the thread could not be written, the error wraps [ErrNotRecorded] and the id
// is not empty: sending again would send twice.
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
		return eventID, fmt.Errorf("reply to %s: %w", r.Contact, err)
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
	out := Outgoing{
		Contact: oc.ID, Customer: oc.Customer, Agent: r.Agent, Thread: st.Thread, Inbox: st.Inbox,
		Peer: oc.Peer, Subject: oc.Subject, Body: r.Body, Ref: st.Ref, Refs: slices.Clone(st.Refs),
	}
	sent, err := v.c.send(ctx, oc.Channel, &out)
	if err != nil {
		return "", err
	}
	id, err := v.record(ctx, &out, sent, pending)
	if err != nil {
		v.c.metrics.replies.WithLabelValues(string(oc.Channel), "unrecorded").Inc()
		return out.Event, errors.Join(ErrNotRecorded, err)
	}
	v.c.metrics.replies.WithLabelValues(string(oc.Channel), "sent").Inc()
	return id, nil
}

// send hands one message to its connector and gives its event an id.
func (c *Conductor) send(ctx context.Context, ch contact.Channel, m *Outgoing) (Sent, error) {
	link, ok := c.links[ch]
	if !ok {
		return Sent{}, fmt.Errorf("%w: %s", ErrNoConnector, ch)
	}
	start := c.now()
	m.Event = contact.NewToken("e_", start)
	ctx, cancel := context.WithTimeout(ctx, c.cfg.SendTimeout)
	defer cancel()
	sent, err := link.Send(ctx, *m)
	since(c.metrics.send.WithLabelValues(string(ch)), start, c.now())
	if err != nil {
		c.metrics.replies.WithLabelValues(string(ch), "failed").Inc()
		return Sent{}, err //nolint:wrapcheck // the callers say what was tried
	}
	return sent, nil
}

// sentEvent is a message that has left, for the thread.
func (c *Conductor) sentEvent(ch contact.Channel, m *Outgoing, sent Sent) journey.Event {
	now := c.now()
	return journey.Event{
		ID: m.Event, Source: string(ch), SourceID: sent.SourceID, Customer: m.Customer,
		OccurredAt: now, ReceivedAt: now, Channel: ch, Dir: contact.Outbound,
		Kind: journey.KindMessage, Summary: Summary(m.Body), Contact: m.Contact,
		Attrs:    journey.Attrs("subject", sent.Subject, "from", sent.From, "to", m.Peer, "agent", string(m.Agent), "thread", m.Thread),
		Contents: []journey.Content{{Type: "text/plain; charset=utf-8", Data: []byte(m.Body)}},
	}
}

// Write sends a message that answers nothing: a confirmation, a reminder. It
// puts it on the thread of the address that it goes to and makes no contact;
// an answer makes one. m.Inbox and m.Peer are needed; Thread, Event and
// Contact are made here. It returns the id of the event.
func (c *Conductor) Write(ctx context.Context, ch contact.Channel, m Outgoing) (eventID string, err error) {
	if err := checkBody(m.Body); err != nil {
		return "", err
	}
	m.Contact, m.Thread = "", ""
	sent, err := c.send(ctx, ch, &m)
	if err != nil {
		return "", fmt.Errorf("write: %w", err)
	}
	e := c.sentEvent(ch, &m, sent)
	e.Identities = []journey.Identity{peerIdentity(ch, m.Peer)}
	if sent.Thread != "" {
		e.Attrs["thread"] = sent.Thread
	}
	got, err := c.journey.Ingest(context.WithoutCancel(ctx), e)
	if err != nil {
		c.metrics.replies.WithLabelValues(string(ch), "unrecorded").Inc()
		return "", fmt.Errorf("write: %w", errors.Join(ErrNotRecorded, err))
	}
	c.metrics.replies.WithLabelValues(string(ch), "sent").Inc()
	return got.ID, nil
}

// peerIdentity is who is behind an address of the channel.
func peerIdentity(ch contact.Channel, peer string) journey.Identity {
	if ch == contact.SMS {
		return journey.Identity{Type: journey.Phone, Value: peer}
	}
	return journey.Identity{Type: journey.Mail, Value: peer}
}

// record puts a reply that has left on the thread. The message is out, so an
// agent who closes the window must not stop this.
func (v *conversation) record(ctx context.Context, m *Outgoing, sent Sent, answered []string) (string, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	e := v.c.sentEvent(v.open.Channel, m, sent)
	e.Attrs["queue"] = v.open.Target.Queue
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
		v.segment.AnsweredAt = e.OccurredAt
	}
	v.mu.Unlock()
	v.measured()
	errs := []error{v.save(ctx)}
	if len(answered) > 0 {
		errs = append(errs, v.c.journey.MarkAnswered(ctx, answered, got.ID))
	}
	if err := errors.Join(errs...); err != nil { // the reply itself is safe
		v.c.log.ErrorContext(ctx, "answered messages not marked", "contact_id", m.Contact, "err", err)
	}
	return got.ID, nil
}
