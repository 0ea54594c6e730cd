package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"filo/contact"
	"filo/journey"
)

// Bounds of what a dossier reads from each leaf.
const (
	dossierEvents  = 20
	dossierWaiting = 6
)

// Dossier implements journey.Threads.
func (s *Store) Dossier(ctx context.Context, key journey.Key) (d journey.Dossier, err error) {
	err = s.reading(ctx, func(r *session) error {
		leaf := key.Customer
		if leaf == "" {
			found, ok, err := leafOf(ctx, r, key.Identity)
			if err != nil {
				return err
			}
			if !ok {
				return fmt.Errorf("identity: %w", journey.ErrUnknown)
			}
			leaf = found
		}
		root, err := rootOf(ctx, r, leaf)
		if err != nil {
			return err
		}
		n, err := around(ctx, r, root, nearby, dossierLeaves)
		if err != nil {
			return err
		}
		d = journey.Dossier{Customer: root, Leaves: n.leaves, Edges: n.edges}
		if _, err := r.one(ctx, `SELECT seq FROM sqlite_sequence WHERE name = 'outbox'`, nil, []any{&d.Version}); err != nil {
			return fmt.Errorf("read version: %w", err)
		}
		d.Recent, err = recent(ctx, r, n.leaves)
		return err
	})
	return d, err
}

func recent(ctx context.Context, r *session, leaves []journey.Leaf) (list []journey.Event, err error) {
	var newest time.Time
	for _, l := range leaves {
		if l.Events == 0 {
			continue
		}
		for _, q := range []struct {
			where string
			limit int
		}{
			{``, dossierEvents},
			{` AND kind = 'message' AND dir = 'in' AND answered = 0`, dossierWaiting},
			{` AND kind IN ('step', 'form_abandoned', 'order')`, dossierWaiting},
		} {
			if q.where != "" && l.Events <= dossierEvents {
				continue // the first query had them all
			}
			query := `SELECT ` + eventColumns + ` FROM events WHERE customer_id = ?` + q.where + ` ORDER BY ts DESC, id DESC LIMIT ?`
			if err := scanEvents(ctx, r, query, []any{l.ID, q.limit}, &list); err != nil {
				return nil, err
			}
		}
	}
	for i := range list {
		if list[i].ReceivedAt.After(newest) {
			newest = list[i].ReceivedAt
		}
	}
	return journey.Retain(list, newest), nil
}

const eventColumns = `customer_id, ts, id, received, source, source_id, channel, dir, kind, reason, stage,
	summary, attrs, content_ref, case_id, contact, in_reply_to, thread, answered, owner, queue`

func scanEvents(ctx context.Context, s *session, query string, args []any, list *[]journey.Event) error {
	err := s.each(ctx, query, args, func(r *sql.Rows) error {
		e, err := scanEvent(r)
		if err != nil {
			return err
		}
		*list = append(*list, e)
		return nil
	})
	if err != nil {
		return fmt.Errorf("read events: %w", err)
	}
	return nil
}

func scanEvent(r *sql.Rows) (e journey.Event, err error) {
	var ts, received, answered int64
	var attrs, owner, queue string
	if err := r.Scan(&e.Customer, &ts, &e.ID, &received, &e.Source, &e.SourceID, &e.Channel, &e.Dir, &e.Kind, &e.Reason, &e.Stage,
		&e.Summary, &attrs, &e.ContentRef, &e.CaseID, &e.Contact, &e.InReplyTo, &e.Thread, &answered, &owner, &queue); err != nil {
		return e, err
	}
	e.OccurredAt, e.ReceivedAt, e.Answered = micro(ts), micro(received), micro(answered)
	if attrs != "" {
		if err := json.Unmarshal([]byte(attrs), &e.Attrs); err != nil {
			return e, fmt.Errorf("attributes of %s: %w", e.ID, err)
		}
	}
	for k, v := range map[string]string{"agent": owner, "queue": queue} {
		if v == "" {
			continue
		}
		if e.Attrs == nil {
			e.Attrs = make(map[string]string, 2)
		}
		e.Attrs[k] = v
	}
	return e, nil
}

// marks returns n question marks for a list in SQL.
func marks(n int) string { return strings.TrimSuffix(strings.Repeat("?,", n), ",") }

// Events implements journey.Threads.
func (s *Store) Events(ctx context.Context, leaves []contact.CustomerID, before string, limit int) (page []journey.Event, earlier int, err error) {
	if len(leaves) == 0 {
		return nil, 0, nil
	}
	in := make([]any, 0, len(leaves)+4)
	for _, l := range leaves {
		in = append(in, l)
	}
	err = s.reading(ctx, func(r *session) error {
		ts, id := int64(1)<<62, ""
		if before != "" {
			ok, err := r.one(ctx, `SELECT ts, id FROM events WHERE id = ?`, []any{before}, []any{&ts, &id})
			if err != nil {
				return fmt.Errorf("find event: %w", err)
			}
			if !ok {
				return fmt.Errorf("event %q: %w", before, journey.ErrUnknown)
			}
		}
		where := ` WHERE customer_id IN (` + marks(len(leaves)) + `) AND kind <> 'identify' AND (ts, id) < (?, ?)`
		args := append(slices.Clone(in), ts, id)
		if err := scanEvents(ctx, r, `SELECT `+eventColumns+` FROM events`+where+` ORDER BY ts DESC, id DESC LIMIT ?`,
			append(slices.Clone(args), limit), &page); err != nil {
			return err
		}
		var all int
		if _, err := r.one(ctx, `SELECT count(*) FROM events`+where, args, []any{&all}); err != nil {
			return fmt.Errorf("count events: %w", err)
		}
		earlier = all - len(page)
		return nil
	})
	return page, earlier, err
}

// Event implements journey.Threads.
func (s *Store) Event(ctx context.Context, ref journey.EventRef) (e journey.Event, err error) {
	err = s.reading(ctx, func(r *session) error {
		id := ref.ID
		if id == "" {
			if _, err := r.one(ctx, `SELECT event_id FROM idem WHERE source = ? AND source_id = ?`,
				[]any{ref.Source, ref.SourceID}, []any{&id}); err != nil {
				return fmt.Errorf("find event: %w", err)
			}
		}
		var list []journey.Event
		if err := scanEvents(ctx, r, `SELECT `+eventColumns+` FROM events WHERE id = ?`, []any{id}, &list); err != nil {
			return err
		}
		if len(list) == 0 {
			return fmt.Errorf("event: %w", journey.ErrUnknown)
		}
		e = list[0]
		return nil
	})
	return e, err
}

// Content implements journey.Threads.
func (s *Store) Content(ctx context.Context, ref string) (c journey.Content, err error) {
	err = s.reading(ctx, func(r *session) error {
		ok, err := r.one(ctx, `SELECT c.type, c.name, c.data, c.event_id, e.customer_id
			FROM contents c JOIN events e ON e.id = c.event_id WHERE c.ref = ?`,
			[]any{ref}, []any{&c.Type, &c.Name, &c.Data, &c.Event, &c.Customer})
		if err != nil {
			return fmt.Errorf("read content: %w", err)
		}
		if !ok {
			return fmt.Errorf("content: %w", journey.ErrUnknown)
		}
		return nil
	})
	return c, err
}

// Answer implements journey.Threads.
func (s *Store) Answer(ctx context.Context, events []string, by string, at time.Time) (out journey.Touched, err error) {
	err = s.writing(ctx, func(ctx context.Context, w *session) error {
		out = journey.Touched{}
		for _, id := range events {
			n, err := affected(w.exec(ctx, `UPDATE events SET answered = max(?, ts), answered_by = ?
				WHERE id = ? AND kind = 'message' AND dir = 'in' AND answered = 0`, micros(at), by, id))
			if err != nil {
				return fmt.Errorf("answer message: %w", err)
			}
			if n == 0 {
				continue
			}
			var leaf contact.CustomerID
			if _, err := w.one(ctx, `SELECT customer_id FROM events WHERE id = ?`, []any{id}, []any{&leaf}); err != nil {
				return fmt.Errorf("answer message: %w", err)
			}
			t, err := touchedBy(ctx, w, leaf)
			if err != nil {
				return err
			}
			out = union(out, t)
		}
		_, err := outbox(ctx, w, "")
		return err
	})
	return out, err
}
