package journal

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"filo/router/core"
)

// NoteKind is the caller's own division of its notes.
type NoteKind uint8

// NoteKey is what a note is about.
type NoteKey struct {
	Kind   NoteKind
	Handle uint32
}

// replica is a State that follows the journal: the shadow of the running one,
// or the one that is recovered.
type replica struct {
	state   *core.State
	rules   core.Config
	notes   map[NoteKey]string
	seq     uint64 // records so far
	hash    uint64 // rolling
	last    int64  // time of the last command
	effects []core.Effect
}

func newReplica(rules core.Config) *replica {
	return &replica{state: core.New(ownRules(rules)), rules: ownRules(rules), notes: map[NoteKey]string{}}
}

// ownRules returns rules that share nothing: States on several goroutines must
// not, for saving a State touches its rules.
func ownRules(rules core.Config) core.Config {
	rules.Channels = slices.Clone(rules.Channels)
	return rules
}

// clone returns a replica that goes its own way.
func (r *replica) clone() (*replica, error) {
	data, err := r.state.AppendBinary(nil)
	if err != nil {
		return nil, fmt.Errorf("copy state: %w", err)
	}
	c := *r
	if c.state, err = core.Restore(data); err != nil {
		return nil, fmt.Errorf("copy state: %w", err)
	}
	c.notes, c.effects = maps.Clone(r.notes), nil
	return &c, nil
}

// append applies an entry of the loop, checks that it did the same here and
// appends its record.
func (r *replica) append(dst []byte, e *entry) ([]byte, error) {
	at := len(dst)
	dst = append(dst, make([]byte, frameSize)...)
	dst = e.payload(dst)
	payload := dst[at+frameSize:]
	if len(payload) > maxPayload {
		return dst[:at], fmt.Errorf("record %d: %w", r.seq, errLarge)
	}
	done, err := r.apply(e)
	if err == nil && done != e.digest {
		err = ErrDiverged
	}
	if err != nil {
		return dst[:at], fmt.Errorf("record %d: %w", r.seq, err)
	}
	r.seq++
	r.hash = roll(r.hash, e.kind, payload, done)
	seal(dst[at:], e.kind, r.hash)
	return dst, nil
}

// replay applies a record of a file and checks that it did the same as then.
func (r *replica) replay(rec record) error {
	var e entry
	if err := e.parse(rec.kind, rec.payload); err != nil {
		return fmt.Errorf("record %d: %w", r.seq, err)
	}
	done, err := r.apply(&e)
	if err != nil {
		return fmt.Errorf("record %d: %w", r.seq, err)
	}
	hash := roll(r.hash, rec.kind, rec.payload, done)
	if hash != rec.hash {
		return fmt.Errorf("record %d: %w", r.seq, ErrDiverged)
	}
	r.seq++
	r.hash = hash
	return nil
}

// apply returns the digest of what the entry did.
func (r *replica) apply(e *entry) (uint64, error) {
	switch e.kind {
	case commandRecord:
		r.effects = r.state.Apply(e.now, e.cmd, r.effects[:0])
		r.last = max(r.last, e.now)
		return digest(r.effects), nil
	case noteRecord:
		key := NoteKey{Kind: e.note, Handle: e.handle}
		if e.text == "" {
			delete(r.notes, key)
		} else {
			r.notes[key] = e.text
		}
		return 0, nil
	default:
		return 0, r.define(e)
	}
}

// define makes a definition and checks that it gets the same handle.
func (r *replica) define(e *entry) error {
	var handle uint32
	switch e.kind {
	case planRecord:
		var steps []core.Step
		if err := decode(e.text, &steps); err != nil {
			return fmt.Errorf("plan: %w", err)
		}
		handle = uint32(r.state.Plan(steps))
	case classRecord:
		var p core.Profile
		if err := decode(e.text, &p); err != nil {
			return fmt.Errorf("class: %w", err)
		}
		handle = uint32(r.state.Class(p))
	case typeRecord:
		var w core.WorkType
		if err := decode(e.text, &w); err != nil {
			return fmt.Errorf("work type: %w", err)
		}
		handle = uint32(r.state.WorkType(w))
	}
	if handle != e.handle {
		return fmt.Errorf("definition got handle %d instead of %d: %w", handle, e.handle, ErrDiverged)
	}
	return nil
}

// encode returns a definition as JSON: they are few, and readable so.
func encode(definition any) string {
	b, err := json.Marshal(definition)
	if err != nil {
		return "" // not possible: structs of numbers; the shadow would refuse it
	}
	return string(b)
}

func decode(text string, definition any) error {
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(definition); err != nil {
		return fmt.Errorf("decode definition: %w", err)
	}
	return nil
}
