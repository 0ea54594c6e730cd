package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"filo/journey"
)

// session is one connection with its prepared statements, used by one
// goroutine at a time.
type session struct {
	conn  *sql.Conn
	stmts map[string]*sql.Stmt
}

func newSession(c *sql.Conn) *session { return &session{conn: c, stmts: make(map[string]*sql.Stmt)} }

func (s *session) close() error {
	var err error
	for _, st := range s.stmts {
		err = errors.Join(err, st.Close())
	}
	return errors.Join(err, s.conn.Close())
}

func (s *session) stmt(ctx context.Context, query string) (*sql.Stmt, error) {
	if st := s.stmts[query]; st != nil {
		return st, nil
	}
	st, err := s.conn.PrepareContext(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("prepare: %w", err)
	}
	s.stmts[query] = st
	return st, nil
}

func (s *session) exec(ctx context.Context, query string, args ...any) (sql.Result, error) {
	st, err := s.stmt(ctx, query)
	if err != nil {
		return nil, err
	}
	return st.ExecContext(ctx, args...)
}

// one scans a single row; it reports false when there is none.
func (s *session) one(ctx context.Context, query string, args, dest []any) (bool, error) {
	st, err := s.stmt(ctx, query)
	if err != nil {
		return false, err
	}
	err = st.QueryRowContext(ctx, args...).Scan(dest...)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// each calls scan for every row.
func (s *session) each(ctx context.Context, query string, args []any, scan func(*sql.Rows) error) error {
	st, err := s.stmt(ctx, query)
	if err != nil {
		return err
	}
	rows, err := st.QueryContext(ctx, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// reading runs f in one read transaction, a snapshot.
func (s *Store) reading(ctx context.Context, f func(*session) error) (err error) {
	var r *session
	select {
	case <-s.stop:
		return journey.ErrStopped
	default:
	}
	select {
	case r = <-s.pool:
	case <-s.stop:
		return journey.ErrStopped
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { s.pool <- r }()
	if r == nil {
		conn, err := s.read.Conn(ctx)
		if err != nil {
			return fmt.Errorf("open reader: %w", err)
		}
		r = newSession(conn)
	}
	if _, err := r.exec(ctx, "BEGIN"); err != nil {
		r = discard(r)
		return fmt.Errorf("begin: %w", err)
	}
	err = f(r)
	if _, end := r.exec(context.WithoutCancel(ctx), "ROLLBACK"); end != nil {
		r = discard(r)
	}
	return err
}

// discard closes a session in an unknown state; the next reader opens another.
func discard(r *session) *session {
	_ = r.close() // it is broken already
	return nil
}
