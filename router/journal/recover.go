package journal

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"filo/router/core"
)

// Recovered is what Open found.
type Recovered struct {
	State *core.State        // as of the last whole record; the caller's own
	Rules core.Config        // that it was made with; they may be older than those given to Open
	Notes map[NoteKey]string // the caller's own

	Fresh   bool          // there was none, or nothing in it
	Seq     uint64        // records since the journal began
	Hash    uint64        // of the last of them
	Records uint64        // that were replayed
	Last    int64         // time of the last command, in the core's nanoseconds; 0 without one
	Cut     int64         // bytes of a torn tail that were cut
	CutFile string        // where, and
	CutAt   int64         // from which offset on
	Took    time.Duration // reading and replaying
}

// recovery reads a journal.
type recovery struct {
	dir  *folder
	rep  *replica
	cut  Recovered // its Cut fields
	log  part      // the last one, to go on in; no name: none
	size int64
	from uint64 // seq of the snapshot it began with
}

// read replays what the directory has; rules are for an empty one.
func (d *folder) read(rules core.Config) (*recovery, error) {
	logs, snaps, err := d.list()
	if err != nil {
		return nil, err
	}
	r := &recovery{dir: d}
	switch {
	case len(snaps) > 0:
		newest := snaps[len(snaps)-1]
		if err := r.begin(newest); err != nil {
			return nil, err
		}
		for len(logs) > 0 && logs[0].seq < newest.seq {
			logs = logs[1:]
		}
	case len(logs) > 0 && logs[0].seq > 0:
		return nil, fmt.Errorf("%w: %s has no snapshot for %s", ErrCorrupt, d.path, logs[0].name)
	}
	for i, log := range logs {
		if err := r.replay(log, i == len(logs)-1); err != nil {
			return nil, err
		}
	}
	if r.rep == nil {
		r.rep = newReplica(rules)
	}
	return r, nil
}

func (r *recovery) begin(snap part) error {
	f, err := r.dir.root.Open(snap.name)
	if err != nil {
		return fmt.Errorf("open snapshot: %w", err)
	}
	defer f.Close() //nolint:errcheck // read only
	if r.rep, err = readSnapshot(f); err != nil {
		return fmt.Errorf("snapshot %s: %w", f.Name(), err)
	}
	if r.rep.seq != snap.seq {
		return fmt.Errorf("snapshot %s: %w: it is of record %d", f.Name(), ErrCorrupt, r.rep.seq)
	}
	r.from = snap.seq
	return nil
}

// replay applies a log. Only the last one may have a torn tail.
func (r *recovery) replay(log part, last bool) error {
	f, err := r.dir.root.OpenFile(log.name, os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("open journal: %w", err)
	}
	defer f.Close() //nolint:errcheck // what is cut is synced
	in := newReader(f)
	if err := r.head(in, log); err != nil {
		return fmt.Errorf("journal %s: %w", f.Name(), err)
	}
	for {
		at := in.at
		rec, err := in.next()
		switch {
		case err == nil:
			if err = r.apply(rec); err != nil {
				return fmt.Errorf("journal %s, offset %d: %w", f.Name(), at, err)
			}
			continue
		case errors.Is(err, errBad):
			if !last {
				return fmt.Errorf("journal %s, offset %d: %w", f.Name(), at, ErrCorrupt)
			}
			if err := r.cutTail(f, at); err != nil {
				return fmt.Errorf("journal %s, offset %d: %w", f.Name(), at, err)
			}
		case !errors.Is(err, io.EOF):
			return fmt.Errorf("journal %s, offset %d: %w", f.Name(), at, err)
		}
		r.log, r.size = log, at
		return nil
	}
}

// head checks that a log goes on where the one before it, or the snapshot, ended.
func (r *recovery) head(in *reader, log part) error {
	rec, err := in.next()
	if err != nil {
		return fmt.Errorf("offset 0: %w: %w", ErrCorrupt, err)
	}
	h, err := parseHead(rec)
	if err != nil {
		return err
	}
	if r.rep == nil {
		r.rep = newReplica(h.Rules)
	}
	if h.Seq != log.seq || h.Seq != r.rep.seq || h.Hash != r.rep.hash {
		return fmt.Errorf("%w: it begins at record %d, but %d was the last before it", ErrCorrupt, h.Seq, r.rep.seq)
	}
	return nil
}

func (r *recovery) apply(rec record) error {
	if rec.kind == markRecord {
		return nil
	}
	return r.rep.replay(rec)
}

// cutTail removes what follows the last whole record, unless it was acknowledged.
func (r *recovery) cutTail(f *os.File, at int64) error {
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("size: %w", err)
	}
	acknowledged, err := markBehind(io.NewSectionReader(f, at, info.Size()-at), at)
	if err != nil {
		return err
	}
	if acknowledged {
		return fmt.Errorf("%w: it was whole once, there is a mark behind it", ErrCorrupt)
	}
	if err := f.Truncate(at); err != nil {
		return fmt.Errorf("cut torn tail: %w", err)
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("cut torn tail: %w", err)
	}
	r.cut = Recovered{Cut: info.Size() - at, CutFile: f.Name(), CutAt: at}
	return nil
}
