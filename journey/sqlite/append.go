package sqlite

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"filo/contact"
	"filo/journey"
)

// Append implements journey.Threads.
func (s *Store) Append(ctx context.Context, e journey.Event, p journey.Profile) (journey.Appended, error) {
	var out journey.Appended
	err := s.writing(ctx, func(ctx context.Context, w *session) (err error) {
		out, err = appendEvent(ctx, w, e, p)
		return err
	})
	return out, err
}

func appendEvent(ctx context.Context, w *session, e journey.Event, p journey.Profile) (out journey.Appended, err error) {
	if dup, ok, err := delivered(ctx, w, e.Source, e.SourceID); err != nil || ok {
		return journey.Appended{Receipt: dup}, err
	}
	tied, err := tieAll(ctx, w, e)
	if err != nil {
		return out, err
	}
	if e.Customer, err = home(ctx, w, e); err != nil {
		return out, err
	}
	answered, err := converse(ctx, w, &e)
	if err != nil {
		return out, err
	}
	if err := insertEvent(ctx, w, &e); err != nil {
		return out, err
	}
	known, err := census(ctx, w, &e, p)
	if err != nil {
		return out, err
	}
	for _, leaf := range tied {
		if err := relink(ctx, w, leaf); err != nil {
			return out, err
		}
	}
	out = journey.Appended{Event: e, Rewrite: len(tied) > 0 || answered || known}
	if out.Touched, err = touchedBy(ctx, w, e.Customer); err != nil {
		return out, err
	}
	if out.Seq, err = outbox(ctx, w, e.ID); err != nil {
		return out, err
	}
	root, err := rootOf(ctx, w, e.Customer)
	out.Receipt = journey.Receipt{ID: e.ID, Customer: root}
	return out, err
}

// delivered answers what the first delivery answered.
func delivered(ctx context.Context, w *session, source, sourceID string) (journey.Receipt, bool, error) {
	r := journey.Receipt{Duplicate: true}
	var leaf contact.CustomerID
	ok, err := w.one(ctx, `SELECT event_id, customer_id FROM idem WHERE source = ? AND source_id = ?`,
		[]any{source, sourceID}, []any{&r.ID, &leaf})
	if err != nil || !ok {
		return r, false, err
	}
	r.Customer, err = rootOf(ctx, w, leaf)
	return r, true, err
}

// home finds the leaf on which the event belongs: that of its best identity,
// unless the customer is known and is another person.
func home(ctx context.Context, w *session, e journey.Event) (contact.CustomerID, error) {
	if e.Customer == "" {
		if len(e.Identities) == 0 {
			return makeLeaf(ctx, w, journey.Identity{}, e.ReceivedAt)
		}
		return findOrMake(ctx, w, e.Identities[0], e.ReceivedAt)
	}
	person, err := rootOf(ctx, w, e.Customer)
	if err != nil {
		return "", err
	}
	for _, id := range e.Identities {
		leaf, ok, err := leafOf(ctx, w, id)
		if err != nil {
			return "", err
		}
		if !ok {
			continue
		}
		if root, err := rootOf(ctx, w, leaf); err != nil {
			return "", err
		} else if root == person {
			return leaf, nil
		}
	}
	return e.Customer, nil
}

// tieAll stores the event's evidence and returns a leaf of each edge that is new.
func tieAll(ctx context.Context, w *session, e journey.Event) (tied []contact.CustomerID, err error) {
	for _, ev := range e.Evidence {
		a, err := findOrMake(ctx, w, ev.A, e.ReceivedAt)
		if err != nil {
			return nil, err
		}
		b, err := findOrMake(ctx, w, ev.B, e.ReceivedAt)
		if err != nil {
			return nil, err
		}
		c, err := tie(ctx, w, a, b, ev)
		if err != nil {
			return nil, err
		}
		if c {
			tied = append(tied, a)
		}
	}
	return tied, nil
}

// converse puts a message on its conversation and settles what it answers,
// or by what it was answered before it came: late messages take their place
// in the past.
func converse(ctx context.Context, w *session, e *journey.Event) (answered bool, err error) {
	if e.Kind != journey.KindMessage {
		return false, nil
	}
	if e.Thread == "" {
		if e.Thread, err = threadOf(ctx, w, e); err != nil {
			return false, err
		}
	}
	if e.Dir == contact.Inbound {
		var at int64
		_, err := w.one(ctx, `SELECT ts FROM events WHERE thread = ? AND ts >= ? AND dir = 'out' AND kind = 'message' ORDER BY ts LIMIT 1`,
			[]any{e.Thread, micros(e.OccurredAt)}, []any{&at})
		e.Answered = micro(at)
		return false, err
	}
	if e.Dir != contact.Outbound {
		return false, nil
	}
	n, err := affected(w.exec(ctx, `UPDATE events SET answered = ?1, answered_by = ?2
		WHERE thread = ?3 AND ts <= ?1 AND thread <> '' AND kind = 'message' AND dir = 'in' AND answered = 0`,
		micros(e.OccurredAt), e.ID, e.Thread))
	if err != nil {
		return false, fmt.Errorf("answer messages: %w", err)
	}
	m, err := affected(w.exec(ctx, `UPDATE events SET answered = ?1, answered_by = ?2
		WHERE id = ?3 AND kind = 'message' AND dir = 'in' AND answered = 0`, micros(e.OccurredAt), e.ID, e.InReplyTo))
	return n+m > 0, err
}

// threadOf is the conversation that the message belongs to when its connector
// did not say: all SMS of a number are one, a mail belongs to what it answers.
func threadOf(ctx context.Context, w *session, e *journey.Event) (thread string, err error) {
	if e.InReplyTo != "" {
		if _, err := w.one(ctx, `SELECT thread FROM events WHERE id = ?`, []any{e.InReplyTo}, []any{&thread}); err != nil {
			return "", fmt.Errorf("find thread: %w", err)
		}
	}
	switch {
	case thread != "":
		return thread, nil
	case e.Channel == contact.SMS:
		return "sms:" + string(e.Customer), nil
	}
	return e.ID, nil
}

func affected(res interface{ RowsAffected() (int64, error) }, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

func insertEvent(ctx context.Context, w *session, e *journey.Event) error {
	var attrs []byte
	if len(e.Attrs) > 0 {
		var err error
		if attrs, err = json.Marshal(e.Attrs); err != nil {
			return fmt.Errorf("encode attributes: %w", err)
		}
	}
	_, err := w.exec(ctx, `INSERT INTO events (customer_id, ts, id, received, source, source_id, channel, dir, kind, reason, stage,
		summary, attrs, content_ref, case_id, contact, in_reply_to, thread, answered)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		e.Customer, micros(e.OccurredAt), e.ID, micros(e.ReceivedAt), e.Source, e.SourceID, e.Channel, e.Dir, e.Kind, e.Reason, e.Stage,
		e.Summary, string(attrs), e.ContentRef, e.CaseID, e.Contact, e.InReplyTo, e.Thread, micros(e.Answered))
	if err != nil {
		return fmt.Errorf("add event: %w", err)
	}
	for i, c := range e.Contents {
		if c.Data == nil {
			c.Data = []byte{}
		}
		_, err := w.exec(ctx, `INSERT INTO contents (ref, event_id, type, name, data) VALUES (?, ?, ?, ?, ?)`,
			journey.ContentRef(e.ID, i), e.ID, c.Type, c.Name, c.Data)
		if err != nil {
			return fmt.Errorf("add content: %w", err)
		}
	}
	e.Contents = nil
	if _, err := w.exec(ctx, `INSERT INTO idem (source, source_id, event_id, customer_id) VALUES (?, ?, ?, ?)`,
		e.Source, e.SourceID, e.ID, e.Customer); err != nil {
		return fmt.Errorf("add event: %w", err)
	}
	return nil
}

// census counts the event on its leaf and reports whether the profile changed.
func census(ctx context.Context, w *session, e *journey.Event, p journey.Profile) (changed bool, err error) {
	var l journey.Leaf
	st, err := w.stmt(ctx, `SELECT `+leafColumns+` FROM customers c WHERE c.id = ?`)
	if err != nil {
		return false, err
	}
	if l, _, err = scanLeaf(st.QueryRowContext(ctx, e.Customer)); err != nil {
		return false, fmt.Errorf("read customer: %w", err)
	}
	before := l.Profile
	l.Count(e, p)
	channels := make([]string, 0, len(l.Channels))
	for _, c := range l.Channels {
		channels = append(channels, string(c))
	}
	slices.Sort(channels)
	_, err = w.exec(ctx, `UPDATE customers SET name = ?, rank = ?, lang = ?, agent = ?, since = ?, events = ?, channels = ?, texted = ?, called = ?
		WHERE id = ?`, l.Profile.Name, l.Profile.Rank, l.Profile.Lang, l.Profile.Agent, micros(l.Since), l.Events,
		strings.Join(channels, ","), l.Texted, l.Called, l.ID)
	if err != nil {
		return false, fmt.Errorf("count event: %w", err)
	}
	return l.Profile != before, nil
}

// outbox adds one line and returns its place; the line is for the feed, the
// place is the version of every dossier that the change concerns.
func outbox(ctx context.Context, w *session, event string) (uint64, error) {
	res, err := w.exec(ctx, `INSERT INTO outbox (event_id) VALUES (?)`, event)
	if err != nil {
		return 0, fmt.Errorf("add to outbox: %w", err)
	}
	seq, err := res.LastInsertId()
	return uint64(seq), err //nolint:gosec // row ids are positive
}
