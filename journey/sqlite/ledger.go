package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"filo/contact"
	"filo/journey"
)

// SaveContact implements journey.Contacts. Whoever has the contact, and where
// it waits, is kept with the event that opened it too: a call about it looks there.
func (s *Store) SaveContact(ctx context.Context, c journey.OpenContact) error {
	body, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("encode contact: %w", err)
	}
	return s.writing(ctx, func(ctx context.Context, w *session) error {
		_, err := w.exec(ctx, `INSERT INTO open_contacts (id, customer_id, enqueued_at, body) VALUES (?, ?, ?, ?)
			ON CONFLICT DO UPDATE SET customer_id = excluded.customer_id, enqueued_at = excluded.enqueued_at, body = excluded.body`,
			c.ID, c.Customer, micros(c.EnqueuedAt), string(body))
		if err != nil {
			return fmt.Errorf("save contact: %w", err)
		}
		if _, err := w.exec(ctx, `UPDATE events SET queue = ?, owner = CASE WHEN ?2 = '' THEN owner ELSE ?2 END WHERE id = ?3`,
			c.Target.Queue, string(c.Agent), c.Event); err != nil {
			return fmt.Errorf("save contact: %w", err)
		}
		_, err = outbox(ctx, w, "")
		return err
	})
}

// OpenContacts implements journey.Contacts.
func (s *Store) OpenContacts(ctx context.Context, of ...contact.CustomerID) (list []journey.OpenContact, err error) {
	query, args := `SELECT body FROM open_contacts`, make([]any, 0, len(of))
	if len(of) > 0 {
		query += ` WHERE customer_id IN (` + marks(len(of)) + `)`
		for _, c := range of {
			args = append(args, c)
		}
	}
	err = s.reading(ctx, func(r *session) error {
		return r.each(ctx, query+` ORDER BY enqueued_at, id`, args, func(rows *sql.Rows) error {
			var body string
			var c journey.OpenContact
			if err := rows.Scan(&body); err != nil {
				return err
			}
			if err := json.Unmarshal([]byte(body), &c); err != nil {
				return fmt.Errorf("decode contact: %w", err)
			}
			list = append(list, c)
			return nil
		})
	})
	return list, err
}

// CloseContact implements journey.Contacts.
func (s *Store) CloseContact(ctx context.Context, id contact.ID) error {
	return s.writing(ctx, func(ctx context.Context, w *session) error {
		_, err := w.exec(ctx, `DELETE FROM open_contacts WHERE id = ?`, id)
		return err
	})
}

// Audit implements journey.Ledger.
func (s *Store) Audit(ctx context.Context, a journey.AuditLine) error {
	return s.writing(ctx, func(ctx context.Context, w *session) error {
		_, err := w.exec(ctx, `INSERT INTO audit (at, agent, customer_id, contact, tier, action, detail) VALUES (?, ?, ?, ?, ?, ?, ?)`,
			micros(a.At), a.Agent, a.Customer, a.Contact, a.Tier, a.Action, a.Detail)
		return err
	})
}

// Verified implements journey.Ledger.
func (s *Store) Verified(ctx context.Context, id contact.ID) (a journey.AuditLine, err error) {
	err = s.reading(ctx, func(r *session) error {
		var at int64
		ok, err := r.one(ctx, `SELECT at, agent, customer_id, contact, tier, action, detail FROM audit
			WHERE contact = ? AND action = 'verify' ORDER BY seq DESC LIMIT 1`, []any{id},
			[]any{&at, &a.Agent, &a.Customer, &a.Contact, &a.Tier, &a.Action, &a.Detail})
		if err != nil {
			return fmt.Errorf("read verification: %w", err)
		}
		if !ok {
			return fmt.Errorf("verification: %w", journey.ErrUnknown)
		}
		a.At = micro(at)
		return nil
	})
	return a, err
}

// Audited returns the lines about a customer, oldest first, for reports.
func (s *Store) Audited(ctx context.Context, c contact.CustomerID) (list []journey.AuditLine, err error) {
	err = s.reading(ctx, func(r *session) error {
		return r.each(ctx, `SELECT at, agent, customer_id, contact, tier, action, detail FROM audit WHERE customer_id = ? ORDER BY at, seq`,
			[]any{c}, func(rows *sql.Rows) error {
				var a journey.AuditLine
				var at int64
				if err := rows.Scan(&at, &a.Agent, &a.Customer, &a.Contact, &a.Tier, &a.Action, &a.Detail); err != nil {
					return err
				}
				a.At = micro(at)
				list = append(list, a)
				return nil
			})
	})
	return list, err
}

// Once implements journey.Ledger.
func (s *Store) Once(ctx context.Context, key string, until time.Time) (first bool, err error) {
	err = s.writing(ctx, func(ctx context.Context, w *session) error {
		if _, err := w.exec(ctx, `DELETE FROM once WHERE until < ? - 86400000000`, micros(until)); err != nil {
			return fmt.Errorf("use once: %w", err)
		}
		n, err := affected(w.exec(ctx, `INSERT OR IGNORE INTO once (key, until) VALUES (?, ?)`, key, micros(until)))
		first = n == 1
		return err
	})
	return first && err == nil, err
}

// Outbox implements journey.Ledger.
func (s *Store) Outbox(ctx context.Context, after uint64, limit int) (list []journey.Outgoing, err error) {
	err = s.reading(ctx, func(r *session) error {
		type line struct {
			seq   uint64
			event string
		}
		var lines []line
		err := r.each(ctx, `SELECT seq, event_id FROM outbox WHERE seq > ? ORDER BY seq LIMIT ?`, []any{after, limit}, func(rows *sql.Rows) error {
			var l line
			defer func() { lines = append(lines, l) }()
			return rows.Scan(&l.seq, &l.event)
		})
		if err != nil {
			return fmt.Errorf("read outbox: %w", err)
		}
		for _, l := range lines {
			o := journey.Outgoing{Seq: l.seq}
			var es []journey.Event
			if err := scanEvents(ctx, r, `SELECT `+eventColumns+` FROM events WHERE id = ?`, []any{l.event}, &es); err != nil {
				return err
			}
			if len(es) == 1 {
				t, err := touchedBy(ctx, r, es[0].Customer)
				if err != nil {
					return err
				}
				o.Event, o.Leaves = es[0], t.Leaves
			}
			list = append(list, o)
		}
		return nil
	})
	return list, err
}

// Forget implements journey.Ledger. The sequence goes on.
func (s *Store) Forget(ctx context.Context, seq uint64) error {
	return s.writing(ctx, func(ctx context.Context, w *session) error {
		_, err := w.exec(ctx, `DELETE FROM outbox WHERE seq <= ?`, seq)
		return err
	})
}
