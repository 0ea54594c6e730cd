package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sync"

	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"filo/journey"
)

//go:embed migrations/*.sql
var migrations embed.FS

const readers = 4

// Store is a journey.Record in one file. Use Open.
type Store struct {
	path  string
	write *sql.DB
	read  *sql.DB
	pool  chan *session // idle readers
	jobs  chan *job
	stop  chan struct{}
	once  sync.Once
	wg    sync.WaitGroup
}

var _ journey.Record = (*Store)(nil)

// Open opens or creates the file, brings its schema up to date and starts the
// writer. The caller closes the Store.
func Open(ctx context.Context, path string) (*Store, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("record directory: %w", err)
	}
	write, err := sql.Open("sqlite", dsn(path,
		"journal_mode(WAL)", "synchronous(FULL)", "busy_timeout(5000)", "foreign_keys(1)",
		"cache_size(-16000)", "wal_autocheckpoint(4000)")+"&_txlock=immediate")
	if err != nil {
		return nil, fmt.Errorf("open record: %w", err)
	}
	write.SetMaxOpenConns(1)
	if err := migrate(ctx, write); err != nil {
		return nil, errors.Join(err, write.Close())
	}
	read, err := sql.Open("sqlite", dsn(path, "query_only(1)", "busy_timeout(5000)", "cache_size(-8000)", "mmap_size(268435456)"))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open record for reading: %w", err), write.Close())
	}
	s := &Store{
		path: path, write: write, read: read, pool: make(chan *session, readers),
		jobs: make(chan *job), stop: make(chan struct{}),
	}
	for range readers {
		s.pool <- nil // opened at first use
	}
	conn, err := write.Conn(ctx)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open record for writing: %w", err), write.Close(), read.Close())
	}
	s.wg.Go(func() { s.serve(newSession(conn)) })
	return s, nil
}

func dsn(path string, pragmas ...string) string {
	q := url.Values{}
	for _, p := range pragmas {
		q.Add("_pragma", p)
	}
	u := url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: q.Encode()}
	return u.String()
}

func migrate(ctx context.Context, db *sql.DB) error {
	dir, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, db, dir)
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate record: %w", err)
	}
	return nil
}

// Close finishes what was begun and closes the file. Later calls of any
// method return journey.ErrStopped.
func (s *Store) Close() error {
	var err error
	s.once.Do(func() {
		close(s.stop)
		s.wg.Wait()
		for range readers {
			if r := <-s.pool; r != nil {
				err = errors.Join(err, r.close())
			}
		}
		err = errors.Join(err, s.read.Close(), s.write.Close())
	})
	return err
}

// Backup writes a consistent copy of the record to a new file.
func (s *Store) Backup(ctx context.Context, path string) error {
	db, err := sql.Open("sqlite", dsn(s.path, "busy_timeout(5000)"))
	if err != nil {
		return fmt.Errorf("back up record: %w", err)
	}
	if _, err = db.ExecContext(ctx, "VACUUM INTO ?", path); err != nil {
		err = fmt.Errorf("back up record: %w", err)
	}
	return errors.Join(err, db.Close())
}
