package sqlite

import (
	"context"
	"errors"
	"fmt"

	"filo/journey"
)

// groupLimit bounds the jobs that share one commit.
const groupLimit = 256

// job is one change that a caller waits for.
type job struct {
	ctx  context.Context //nolint:containedctx // of the caller that waits for done
	run  func(context.Context, *session) error
	err  error
	done chan struct{}
}

// writing runs f inside a transaction that other callers' changes may share,
// and returns after its durable commit. f may run again when a commit of the
// group failed, so that it must set its results anew.
func (s *Store) writing(ctx context.Context, f func(context.Context, *session) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	j := &job{ctx: context.WithoutCancel(ctx), run: f, done: make(chan struct{})}
	select {
	case s.jobs <- j:
	case <-ctx.Done():
		return ctx.Err()
	case <-s.stop:
		return journey.ErrStopped
	}
	<-j.done // the commit is near; an answer before it would be a guess
	return j.err
}

// serve is the one writer: it commits together what is waiting together.
func (s *Store) serve(w *session) {
	defer w.close() //nolint:errcheck // the file is closed by Close, which reports
	group := make([]*job, 0, groupLimit)
	for {
		select {
		case j := <-s.jobs:
			group = append(group[:0], j)
		case <-s.stop:
			return
		}
		for len(group) < groupLimit {
			select {
			case j := <-s.jobs:
				group = append(group, j)
				continue
			default:
			}
			break
		}
		commit(w, group)
	}
}

// commit runs a group in one transaction. When a job fails it alone is undone.
func commit(w *session, group []*job) {
	ctx := group[0].ctx
	err := func() error {
		if _, err := w.exec(ctx, "BEGIN IMMEDIATE"); err != nil {
			return fmt.Errorf("begin: %w", err)
		}
		for _, j := range group {
			j.err = nested(w, j)
		}
		if _, err := w.exec(ctx, "COMMIT"); err != nil {
			return fmt.Errorf("commit: %w", err)
		}
		return nil
	}()
	if err != nil {
		_, _ = w.exec(ctx, "ROLLBACK") // nothing to roll back when BEGIN failed
	}
	for _, j := range group {
		if err != nil {
			j.err = errors.Join(j.err, err)
		}
		close(j.done)
	}
}

// nested runs one job inside a savepoint.
func nested(w *session, j *job) (err error) {
	if _, err := w.exec(j.ctx, "SAVEPOINT job"); err != nil {
		return fmt.Errorf("savepoint: %w", err)
	}
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("record job: %v", r)
		}
		if err != nil {
			_, undo := w.exec(j.ctx, "ROLLBACK TO job")
			err = errors.Join(err, undo)
		}
		_, end := w.exec(j.ctx, "RELEASE job")
		err = errors.Join(err, end)
	}()
	return j.run(j.ctx, w)
}
