package journal

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"filo/router/core"
)

// format is the version of the files.
const format = 1

// head is what a file begins with.
type head struct {
	Format int         `json:"format"`
	Seq    uint64      `json:"seq"`  // records before this file
	Hash   uint64      `json:"hash"` // of the last of them
	Rules  core.Config `json:"rules"`

	// Of snapshots.
	Last  int64 `json:"last,omitempty"`  // time of the last command
	State int   `json:"state,omitempty"` // bytes
	Notes int   `json:"notes,omitempty"` // how many
}

func (h head) record() []byte {
	b, err := json.Marshal(h)
	if err != nil {
		b = nil // not possible: a struct of numbers
	}
	return appendFrame(nil, headRecord, h.Hash, b)
}

func parseHead(rec record) (head, error) {
	var h head
	if rec.kind != headRecord {
		return h, fmt.Errorf("no head: %w", ErrCorrupt)
	}
	if err := json.Unmarshal(rec.payload, &h); err != nil {
		return h, fmt.Errorf("head: %w: %w", ErrCorrupt, err)
	}
	if h.Format != format {
		return h, fmt.Errorf("format %d: %w", h.Format, ErrFormat)
	}
	if err := checkRules(h.Rules); err != nil {
		return h, fmt.Errorf("head: %w: %w", ErrCorrupt, err)
	}
	return h, nil
}

// maxHandles bounds the memory that a foreign file can ask for.
const maxHandles = 1 << 24

func checkRules(r core.Config) error {
	if n := len(r.Channels); n < 1 || n > core.MaxChannels || r.MaxAgents > maxHandles || r.MaxContacts > maxHandles {
		return fmt.Errorf("rules with %d channels, %d agents, %d contacts", n, r.MaxAgents, r.MaxContacts)
	}
	return nil
}

// snapshot is a State with its notes, ready to be written.
type snapshot struct {
	head
	state []byte
	notes map[NoteKey]string
	since time.Time
}

// snapshot takes the State as it is now.
func (r *replica) snapshot() (*snapshot, error) {
	state, err := r.state.AppendBinary(nil)
	if err != nil {
		return nil, fmt.Errorf("save state: %w", err)
	}
	return &snapshot{
		head: head{
			Format: format, Seq: r.seq, Hash: r.hash, Rules: r.rules, Last: r.last,
			State: len(state), Notes: len(r.notes),
		},
		state: state, notes: maps.Clone(r.notes), since: time.Now(),
	}, nil
}

// Pieces of a State, and after how many bytes a snapshot in the making is
// synced, so that the syncs of the log beside it do not wait for all of it.
const (
	pieceSize = 256 << 10
	syncEvery = 4 << 20
)

func (s *snapshot) write(f file) error {
	out := bufio.NewWriterSize(f, pieceSize)
	var (
		buf  []byte
		hash = s.Hash
		open int
	)
	put := func(k kind, payload []byte) error {
		hash = roll(hash, k, payload, 0)
		buf = appendFrame(buf[:0], k, hash, payload)
		if open += len(buf); open > syncEvery {
			open = 0
			if err := errors.Join(out.Flush(), f.Sync()); err != nil {
				return err
			}
		}
		_, err := out.Write(buf)
		return err
	}
	if _, err := out.Write(s.record()); err != nil {
		return err
	}
	for piece := range slices.Chunk(s.state, pieceSize) {
		if err := put(stateRecord, piece); err != nil {
			return err
		}
	}
	keys := slices.SortedFunc(maps.Keys(s.notes), func(a, b NoteKey) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Handle, b.Handle))
	})
	var payload []byte
	for _, key := range keys {
		e := entry{kind: noteRecord, note: key.Kind, handle: key.Handle, text: s.notes[key]}
		payload = e.payload(payload[:0])
		if err := put(noteRecord, payload); err != nil {
			return err
		}
	}
	if err := put(endRecord, nil); err != nil {
		return err
	}
	return out.Flush()
}

// readSnapshot is the inverse of write. What is wrong is ErrCorrupt: a snapshot
// gets its name when it is whole.
func readSnapshot(src io.Reader) (*replica, error) {
	in := newReader(src)
	rec, err := in.next()
	if err != nil {
		return nil, fmt.Errorf("offset 0: %w: %w", ErrCorrupt, err)
	}
	h, err := parseHead(rec)
	if err != nil {
		return nil, err
	}
	r := &replica{
		rules: h.Rules, notes: map[NoteKey]string{}, seq: h.Seq, hash: h.Hash, last: h.Last,
	}
	var state []byte
	for hash := h.Hash; ; {
		at := in.at
		rec, err := in.next()
		if err != nil {
			return nil, fmt.Errorf("offset %d: %w: %w", at, ErrCorrupt, err)
		}
		hash = roll(hash, rec.kind, rec.payload, 0)
		if hash != rec.hash {
			return nil, fmt.Errorf("offset %d: %w: records are missing", at, ErrCorrupt)
		}
		switch rec.kind {
		case stateRecord:
			state = append(state, rec.payload...)
			continue
		case noteRecord:
			var e entry
			if err := e.parse(rec.kind, rec.payload); err != nil {
				return nil, fmt.Errorf("offset %d: %w: %w", at, ErrCorrupt, err)
			}
			r.notes[NoteKey{Kind: e.note, Handle: e.handle}] = e.text
			continue
		case endRecord:
		default:
			return nil, fmt.Errorf("offset %d: %w: kind %d has no place here", at, ErrCorrupt, rec.kind)
		}
		break
	}
	if len(state) != h.State || len(r.notes) != h.Notes {
		return nil, fmt.Errorf("%w: the head promises more", ErrCorrupt)
	}
	if r.state, err = core.Restore(state); err != nil {
		return nil, fmt.Errorf("restore state: %w: %w", ErrCorrupt, err)
	}
	return r, nil
}
