package journal

import (
	"bytes"
	"encoding/binary"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"filo/router/core"
)

// written runs a world of n steps through a journal and returns it with a copy of
// the directory, all of which is durable.
func written(t *testing.T, seed uint64, n int) (*world, string) {
	t.Helper()
	cfg := testConfig(t)
	j, rec := open(t, cfg, Deps{})
	require.True(t, rec.Fresh)
	w := newWorld(seed, rec.State, j)
	w.keep = true
	w.state0 = fingerprint(w.state)
	w.define()
	for i := range n {
		if seq := w.step(); i%97 == 0 {
			await(t, j, seq)
		}
	}
	seq := w.step()
	await(t, j, seq)
	require.Equal(t, uint64(len(w.ops)), seq)
	require.False(t, j.Degraded())
	// Who waits is told before the mark is written.
	require.Eventually(t, func() bool {
		log, err := os.ReadFile(lastLog(t, cfg.Dir))
		require.NoError(t, err)
		starts := offsets(t, log)
		return kind(log[starts[len(starts)-2]+7]) == markRecord
	}, time.Minute, time.Millisecond)
	return w, copyDir(t, cfg.Dir)
}

// requireAt checks that what was recovered is the world as it was after seq
// records, and that it goes on like the world did.
func requireAt(t *testing.T, w *world, rec *Recovered) {
	t.Helper()
	want := w.state0
	if rec.Seq > 0 {
		want = w.after[rec.Seq-1]
	}
	require.Equal(t, want, fingerprint(rec.State), "the State after record %d", rec.Seq)
	notes := map[NoteKey]string{}
	for _, e := range w.ops[:rec.Seq] {
		if e.kind == noteRecord {
			if notes[NoteKey{e.note, e.handle}] = e.text; e.text == "" {
				delete(notes, NoteKey{e.note, e.handle})
			}
		}
	}
	require.Equal(t, notes, rec.Notes)
	r := &replica{state: rec.State, notes: rec.Notes}
	for i, e := range w.ops[rec.Seq:] {
		done, err := r.apply(&e)
		require.NoError(t, err)
		require.Equal(t, e.digest, done, "record %d after the restart", i)
	}
}

func recovered(t *testing.T, dir string) (*Recovered, error) {
	t.Helper()
	cfg := DefaultConfig()
	cfg.Dir = dir
	j, rec, err := Open(cfg, testRules(), Deps{})
	if err != nil {
		return nil, err
	}
	j.Start()
	require.NoError(t, j.Close())
	return rec, nil
}

func TestRecover(t *testing.T) {
	for seed := range uint64(8) {
		w, dir := written(t, seed, 1500)
		rec, err := recovered(t, dir)
		require.NoError(t, err)
		require.Equal(t, uint64(len(w.ops)), rec.Seq)
		require.Zero(t, rec.Cut)
		require.Equal(t, w.now, rec.Last)
		requireAt(t, w, rec)
	}
}

// TestGoOn stops and goes on many times, by Close or by a crash: the State is
// that of one run.
func TestGoOn(t *testing.T) {
	for _, crash := range []bool{false, true} {
		cfg := testConfig(t)
		w := newWorld(5, nil, nil)
		var seq uint64
		for round := range 6 {
			j, rec := open(t, cfg, Deps{})
			require.Equal(t, seq, rec.Seq)
			if round > 0 {
				require.Equal(t, fingerprint(w.state), fingerprint(rec.State))
			}
			require.Equal(t, crash && round > 0, rec.Records > 0)
			w.state, w.journal = rec.State, j
			if round == 0 {
				w.define()
			}
			for range 300 {
				w.step()
			}
			seq = w.step()
			await(t, j, seq)
			if crash {
				cfg.Dir = copyDir(t, cfg.Dir)
			}
			require.NoError(t, j.Close())
		}
	}
}

// TestSegments makes many snapshots while a centre works, and recovers from
// copies taken at any time.
func TestSegments(t *testing.T) {
	cfg := testConfig(t)
	cfg.SegmentBytes, cfg.RetryInterval = 4<<10, time.Millisecond
	j, rec := open(t, cfg, Deps{})
	w := newWorld(8, rec.State, j)
	w.keep = true
	w.state0 = fingerprint(w.state)
	w.define()
	snaps := 0
	for i := range 3000 {
		seq := w.step()
		if i%11 == 0 {
			await(t, j, seq)
		}
		if i%300 == 299 {
			await(t, j, seq)
			dir := copyDir(t, cfg.Dir)
			rec, err := recovered(t, dir)
			require.NoError(t, err)
			require.Equal(t, seq, rec.Seq)
			requireAt(t, w, rec)
			if rec.Records < seq {
				snaps++
			}
		}
	}
	require.Greater(t, snaps, 5, "recovered from snapshots")
	require.NoError(t, j.Close())
	names, err := os.ReadDir(cfg.Dir)
	require.NoError(t, err)
	require.Len(t, names, 3, "a lock, a snapshot and a log")
}

// TestMissingFiles refuses to make a State out of files with a gap.
func TestMissingFiles(t *testing.T) {
	w, dir := written(t, 10, 300)
	cfg := DefaultConfig()
	cfg.Dir = copyDir(t, dir)
	j, _ := open(t, cfg, Deps{})
	require.NoError(t, j.Close())
	snap := filepath.Join(cfg.Dir, snapName(uint64(len(w.ops))))
	data, err := os.ReadFile(snap)
	require.NoError(t, err)

	for range 200 {
		bad := bytes.Clone(data)
		bad[w.r.IntN(len(bad))] ^= 1 << w.r.IntN(8)
		require.NoError(t, os.WriteFile(snap, bad, 0o600))
		_, err := recovered(t, cfg.Dir)
		require.ErrorIs(t, err, ErrCorrupt)
		require.ErrorContains(t, err, filepath.Base(snap))
	}
	require.NoError(t, os.Remove(snap))
	_, err = recovered(t, cfg.Dir)
	require.ErrorIs(t, err, ErrCorrupt)

	require.NoError(t, os.Rename(lastLog(t, dir), filepath.Join(dir, logName(3))))
	_, err = recovered(t, dir)
	require.ErrorIs(t, err, ErrCorrupt)
}

// TestBegin goes on from another State, of other rules.
func TestBegin(t *testing.T) {
	_, dir := written(t, 11, 300)
	rules := testRules()
	rules.RONALimit = 5
	state := core.New(rules)
	cfg := DefaultConfig()
	cfg.Dir = dir
	j, rec, err := Open(cfg, rules, Deps{})
	require.NoError(t, err)
	require.NotEqual(t, rules.RONALimit, rec.Rules.RONALimit)
	notes := map[NoteKey]string{{7, 7}: "kept"}
	require.NoError(t, j.Begin(state, rules, notes))
	crashed := copyDir(t, dir)
	j.Start()
	w := newWorld(12, state, j)
	w.define()
	await(t, j, w.step())
	want := fingerprint(state)
	require.False(t, j.Degraded())
	require.NoError(t, j.Close())

	got, err := recovered(t, dir)
	require.NoError(t, err)
	require.Equal(t, want, fingerprint(got.State))
	require.Equal(t, rules.RONALimit, got.Rules.RONALimit)
	require.Equal(t, notes, got.Notes)
	got, err = recovered(t, crashed)
	require.NoError(t, err)
	require.Equal(t, fingerprint(core.New(rules)), fingerprint(got.State))
}

// TestTornTail cuts a log at each byte of its last records and, at random, of
// all: the State is that of the last whole record.
func TestTornTail(t *testing.T) {
	w, dir := written(t, 3, 400)
	whole, err := os.ReadFile(lastLog(t, dir))
	require.NoError(t, err)
	starts := offsets(t, whole)
	head := starts[1]
	cuts := []int{head}
	for n := starts[len(starts)-9]; n < len(whole); n++ {
		cuts = append(cuts, n)
	}
	for range 60 {
		cuts = append(cuts, head+w.r.IntN(len(whole)-head))
	}
	for _, n := range cuts {
		require.NoError(t, os.WriteFile(lastLog(t, dir), whole[:n], 0o600))
		var text bytes.Buffer
		cfg := DefaultConfig()
		cfg.Dir = copyDir(t, dir)
		j, rec, err := Open(cfg, testRules(), Deps{Log: slog.New(slog.NewTextHandler(&text, nil))})
		require.NoError(t, err)
		require.NoError(t, j.disk.file.Close())
		require.NoError(t, j.dir.close())
		at, records := lastWhole(whole, starts, n)
		require.Equal(t, uint64(records), rec.Seq, "cut at %d", n)
		require.Equal(t, int64(n-at), rec.Cut)
		if rec.Cut > 0 {
			require.Equal(t, int64(at), rec.CutAt)
			require.Contains(t, text.String(), "torn tail cut")
		}
		requireAt(t, w, rec)
	}
}

// lastWhole returns the end of the last whole record within n bytes, and how
// many there are, head and marks aside.
func lastWhole(log []byte, starts []int, n int) (at, records int) {
	for i := range len(starts) - 1 {
		if starts[i+1] > n {
			break
		}
		at = starts[i+1]
		if k := kind(log[starts[i]+7]); k != headRecord && k != markRecord {
			records++
		}
	}
	return at, records
}

// TestFlippedBits flips bits anywhere. What was acknowledged is never given up
// silently, and no State comes out that never was.
func TestFlippedBits(t *testing.T) {
	w, dir := written(t, 4, 300)
	log := lastLog(t, dir)
	whole, err := os.ReadFile(log)
	require.NoError(t, err)
	starts := offsets(t, whole)
	mark := starts[len(starts)-2]
	require.Equal(t, markRecord, kind(whole[mark+7]))
	for i := range 500 {
		at := w.r.IntN(mark)
		if i < 64 {
			at = mark + i%16
		}
		bad := bytes.Clone(whole)
		bad[at] ^= 1 << w.r.IntN(8)
		require.NoError(t, os.WriteFile(log, bad, 0o600))
		rec, err := recovered(t, copyDir(t, dir))
		if at < mark {
			require.ErrorIs(t, err, ErrCorrupt, "byte %d", at)
			require.ErrorContains(t, err, filepath.Base(log))
			require.ErrorContains(t, err, "offset")
			continue
		}
		require.NoError(t, err)
		require.Equal(t, uint64(len(w.ops)), rec.Seq)
		require.Equal(t, int64(mark), rec.CutAt)
	}
}

// TestUnsyncedGroup loses a page in the middle of a group that was never
// synced, as a power failure may: that is a torn tail.
func TestUnsyncedGroup(t *testing.T) {
	w, dir := written(t, 6, 200)
	log := lastLog(t, dir)
	whole, err := os.ReadFile(log)
	require.NoError(t, err)
	r := replay(t, whole)
	tail := bytes.Clone(whole)
	e := entry{kind: noteRecord, text: "more"}
	var spoilt int
	for i := range 50 {
		if i == 20 {
			spoilt = len(tail)
		}
		tail, err = r.append(tail, &e)
		require.NoError(t, err)
	}
	clear(tail[spoilt : spoilt+30])
	require.NoError(t, os.WriteFile(log, tail, 0o600))
	rec, err := recovered(t, dir)
	require.NoError(t, err)
	require.Equal(t, uint64(len(w.ops)+20), rec.Seq)
	require.Equal(t, int64(spoilt), rec.CutAt)
}

// replay returns the replica after a log.
func replay(t *testing.T, log []byte) *replica {
	t.Helper()
	r := newReplica(testRules())
	in := newReader(bytes.NewReader(log))
	for {
		rec, err := in.next()
		if err != nil {
			return r
		}
		if rec.kind != headRecord && rec.kind != markRecord {
			require.NoError(t, r.replay(rec))
		}
	}
}

// TestDiverged changes a record to another valid one: the checksum is right,
// the decision is not what it was.
func TestDiverged(t *testing.T) {
	_, dir := written(t, 7, 200)
	log := lastLog(t, dir)
	whole, err := os.ReadFile(log)
	require.NoError(t, err)
	starts := offsets(t, whole)
	for i, at := range starts[:len(starts)-1] {
		rec := whole[at:starts[i+1]]
		if kind(rec[7]) == commandRecord && i > len(starts)/2 {
			binary.LittleEndian.PutUint64(rec[frameSize:], binary.LittleEndian.Uint64(rec[frameSize:])+1)
			seal(rec, commandRecord, binary.LittleEndian.Uint64(rec[8:]))
			break
		}
	}
	require.NoError(t, os.WriteFile(log, whole, 0o600))
	_, err = recovered(t, dir)
	require.ErrorIs(t, err, ErrDiverged)
	require.ErrorContains(t, err, "offset")
}

func TestLocked(t *testing.T) {
	cfg := testConfig(t)
	j, _ := open(t, cfg, Deps{})
	_, _, err := Open(cfg, testRules(), Deps{})
	require.ErrorIs(t, err, ErrLocked)
	require.ErrorContains(t, err, cfg.Dir)
	require.NoError(t, j.Close())
	require.NoError(t, j.Close(), "again")
	j2, _ := open(t, cfg, Deps{})
	require.NoError(t, j2.Close())
}

func TestUnknownFiles(t *testing.T) {
	_, dir := written(t, 9, 50)
	require.NoError(t, os.WriteFile(filepath.Join(dir, snapName(7)+newSuffix), []byte("half"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "log-note.txt"), []byte("?"), 0o600))
	_, err := recovered(t, dir)
	require.NoError(t, err)
	require.NoFileExists(t, filepath.Join(dir, snapName(7)+newSuffix))
	require.FileExists(t, filepath.Join(dir, "log-note.txt"))
}

func TestUnknownFormat(t *testing.T) {
	_, dir := written(t, 13, 20)
	head := head{Format: format + 1, Rules: testRules()}
	require.NoError(t, os.WriteFile(lastLog(t, dir), head.record(), 0o600))
	_, err := recovered(t, dir)
	require.ErrorIs(t, err, ErrFormat)
	require.ErrorContains(t, err, lastLog(t, dir))
}

func TestOpenRefuses(t *testing.T) {
	_, _, err := Open(Config{}, testRules(), Deps{})
	require.ErrorContains(t, err, "dir: is empty")
	_, _, err = Open(testConfig(t), core.Config{}, Deps{})
	require.ErrorContains(t, err, "0 channels")
}

// TestFullRing lets the loop be ahead of the shadow by more than there is room
// for: it waits, and nothing is lost.
func TestFullRing(t *testing.T) {
	cfg := testConfig(t)
	j, rec, err := Open(cfg, testRules(), Deps{})
	require.NoError(t, err)
	w := newWorld(14, rec.State, j)
	w.define()
	w.fixed = true
	var loop sync.WaitGroup
	loop.Go(func() {
		for range ringSize + 1000 {
			w.step()
		}
	})
	require.Eventually(t, func() bool { return j.ring.put.Load() == ringSize }, 10*time.Second, time.Millisecond)
	j.Start()
	loop.Wait()
	seq := w.step()
	await(t, j, seq)
	require.False(t, j.Degraded())
	rec, err = recovered(t, copyDir(t, cfg.Dir))
	require.NoError(t, err)
	require.Equal(t, fingerprint(w.state), fingerprint(rec.State))
	require.NoError(t, j.Close())
}

// TestNoAllocations is the promise to the loop.
func TestNoAllocations(t *testing.T) {
	j, rec := open(t, testConfig(t), Deps{})
	w := newWorld(1, rec.State, j)
	w.define()
	var seq uint64
	n := testing.AllocsPerRun(2000, func() { seq = j.Note(NoteKey{1, 1}, "who it is") })
	require.Zero(t, n)
	await(t, j, seq)
	cmd := core.Command{Op: core.OpWrapEnd, Contact: 3} // of a free contact: refused
	effects := w.state.Apply(w.now, cmd, nil)
	require.Zero(t, testing.AllocsPerRun(2000, func() { seq = j.Command(w.now, &cmd, effects) }))
	await(t, j, seq)
	require.False(t, j.Degraded())
}
