package journal

import (
	"encoding/binary"
	"errors"
	"fmt"

	"filo/router/core"
)

// entry is a record in memory: what the loop appended, or what was read back.
type entry struct {
	now    int64
	digest uint64 // of the effects that the command had
	cmd    core.Command
	text   string // JSON of a definition, value of a note
	handle uint32 // of a definition or note
	kind   kind
	note   NoteKind
}

// payload appends the entry as it is on disk.
func (e *entry) payload(dst []byte) []byte {
	switch e.kind {
	case commandRecord:
		return appendCommand(dst, e.now, &e.cmd)
	case noteRecord:
		dst = append(dst, byte(e.note))
	}
	dst = binary.LittleEndian.AppendUint32(dst, e.handle)
	return append(dst, e.text...)
}

var errShort = errors.New("too short")

// parse is the inverse of payload. The digest is not on disk.
func (e *entry) parse(k kind, p []byte) (err error) {
	*e = entry{kind: k}
	switch k {
	case commandRecord:
		e.now, e.cmd, err = parseCommand(p)
		return err
	case noteRecord:
		if len(p) < 5 {
			return errShort
		}
		e.note, p = NoteKind(p[0]), p[1:]
	case planRecord, classRecord, typeRecord:
		if len(p) < 4 {
			return errShort
		}
	default:
		return fmt.Errorf("kind %d has no place here", k)
	}
	e.handle, e.text = binary.LittleEndian.Uint32(p), string(p[4:])
	return nil
}
