package journal

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"

	"filo/router/core"
)

// FuzzFile reads bytes as a log, and as a snapshot. Nothing panics, and what is
// read as a record is whole.
func FuzzFile(f *testing.F) {
	log, _ := sampleLog(f)
	f.Add(log)
	f.Add(log[:len(log)-5])
	f.Add([]byte{})
	f.Add(sampleSnapshot(f))
	f.Fuzz(func(t *testing.T, file []byte) {
		if len(file) > 1<<20 {
			return
		}
		_, _ = readSnapshot(bytes.NewReader(file))
		_, _ = markBehind(bytes.NewReader(file), 0)
		in := newReader(bytes.NewReader(file))
		for {
			at := in.at
			rec, err := in.next()
			if err != nil {
				return
			}
			again := appendFrame(nil, rec.kind, rec.hash, rec.payload)
			require.Equal(t, file[at:in.at], again)
		}
	})
}

// FuzzReplay applies records whose checksums are right and whose contents are
// anything: an error or a State, never a panic, and what is parsed is written
// the same.
func FuzzReplay(f *testing.F) {
	log, rules := sampleLog(f)
	in := newReader(bytes.NewReader(log))
	var records []byte
	for {
		rec, err := in.next()
		if err != nil {
			break
		}
		if rec.kind != headRecord && rec.kind != markRecord {
			records = append(records, byte(rec.kind), byte(len(rec.payload)), byte(len(rec.payload)>>8))
			records = append(records, rec.payload...)
		}
	}
	f.Add(rules, records)
	f.Fuzz(func(t *testing.T, rules, records []byte) {
		h, err := parseHead(record{kind: headRecord, payload: rules})
		if err != nil || h.Rules.MaxAgents > 1<<12 || h.Rules.MaxContacts > 1<<12 || len(records) > 1<<16 {
			return
		}
		h.Rules.MaxAgents, h.Rules.MaxContacts = 1<<8, 1<<8
		r := newReplica(h.Rules)
		for len(records) >= 3 {
			k, n := kind(records[0]), int(binary.LittleEndian.Uint16(records[1:]))
			records = records[3:]
			n = min(n, len(records))
			var e entry
			if err := e.parse(k, records[:n]); err == nil {
				var again entry
				require.NoError(t, again.parse(k, e.payload(nil)))
				require.Equal(t, e, again)
				_, _ = r.apply(&e)
			}
			records = records[n:]
		}
	})
}

// sampleSnapshot returns a snapshot with notes.
func sampleSnapshot(t testing.TB) []byte {
	t.Helper()
	w := newWorld(42, core.New(testRules()), nil)
	w.agents, w.contacts = 4, 6
	w.define()
	for range 12 {
		w.step()
	}
	r := &replica{state: w.state, rules: testRules(), notes: map[NoteKey]string{{1, 2}: "a", {1, 3}: "b"}}
	snap, err := r.snapshot()
	require.NoError(t, err)
	var file bytes.Buffer
	require.NoError(t, snap.write(nopFile{&file}))
	return file.Bytes()
}

type nopFile struct{ *bytes.Buffer }

func (nopFile) Sync() error  { return nil }
func (nopFile) Close() error { return nil }

// sampleLog returns a log and the payload of its head.
func sampleLog(t testing.TB) (log, rules []byte) {
	t.Helper()
	w := newWorld(41, core.New(testRules()), nil)
	w.agents, w.contacts = 4, 6
	w.keep = true
	w.define()
	for range 12 {
		w.step()
	}
	log = head{Format: format, Rules: testRules()}.record()
	rules = bytes.Clone(log[frameSize:])
	r := newReplica(testRules())
	var err error
	for i := range w.ops {
		log, err = r.append(log, &w.ops[i])
		require.NoError(t, err)
	}
	return appendFrame(log, markRecord, uint64(len(log)), nil), rules
}
