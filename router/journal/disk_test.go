package journal

import (
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// badDisk is a disk whose files fail or hang at will.
type badDisk struct {
	full  atomic.Bool  // writes fail
	sick  atomic.Bool  // syncs fail
	hang  sync.RWMutex // who holds it hangs writes and syncs
	syncs atomic.Int64
}

func (d *badDisk) wrap(_ string, f file) file { return &badFile{file: f, disk: d} }

type badFile struct {
	file
	disk *badDisk
}

func (f *badFile) Write(p []byte) (int, error) {
	f.disk.hang.RLock()
	defer f.disk.hang.RUnlock()
	if f.disk.full.Load() {
		n, _ := f.file.Write(p[:len(p)/2]) // what a full disk does
		return n, syscall.ENOSPC
	}
	return f.file.Write(p)
}

func (f *badFile) Sync() error {
	f.disk.hang.RLock()
	defer f.disk.hang.RUnlock()
	f.disk.syncs.Add(1)
	if f.disk.sick.Load() {
		return syscall.EIO
	}
	return f.file.Sync()
}

// told records what OnHealth is told.
type told chan error

func (c told) next(t *testing.T) error {
	t.Helper()
	select {
	case err := <-c:
		return err
	case <-time.After(20 * time.Second):
		require.FailNow(t, "health did not change")
		return nil
	}
}

// TestDiskFails fills the disk, or lets it fail to sync, while a centre works:
// nobody waits for ever, and when the disk is back the journal begins anew and
// all is durable.
func TestDiskFails(t *testing.T) {
	for _, c := range []struct {
		name string
		flag func(*badDisk) *atomic.Bool
		want error
	}{
		{"full", func(d *badDisk) *atomic.Bool { return &d.full }, syscall.ENOSPC},
		{"sync", func(d *badDisk) *atomic.Bool { return &d.sick }, syscall.EIO},
	} {
		t.Run(c.name, func(t *testing.T) {
			var disk badDisk
			health := make(told, 16)
			cfg := testConfig(t)
			j, rec := open(t, cfg, Deps{wrap: disk.wrap, OnHealth: func(err error) { health <- err }})
			w := newWorld(21, rec.State, j)
			w.keep = true
			w.define()
			for range 200 {
				w.step()
			}
			await(t, j, w.step())

			c.flag(&disk).Store(true)
			await(t, j, w.step())
			require.True(t, j.Degraded())
			require.ErrorIs(t, health.next(t), c.want)
			good := copyDir(t, cfg.Dir)
			for range 200 {
				await(t, j, w.step()) // at once
			}
			c.flag(&disk).Store(false)
			require.NoError(t, health.next(t))
			await(t, j, w.step())
			require.False(t, j.Degraded())

			rec, err := recovered(t, copyDir(t, cfg.Dir))
			require.NoError(t, err)
			require.Equal(t, uint64(len(w.ops)), rec.Seq)
			requireAt(t, w, rec)

			rec, err = recovered(t, good)
			require.NoError(t, err, "a crash while the disk fails")
			requireAt(t, w, rec)
		})
	}
}

// TestDiskHangs lets acknowledgements pass after CommitTimeout, drops what is
// beyond MaxPending, and is durable again afterwards.
func TestDiskHangs(t *testing.T) {
	var disk badDisk
	health := make(told, 16)
	cfg := testConfig(t)
	cfg.CommitTimeout, cfg.MaxPending = 30*time.Millisecond, 64<<10
	j, rec := open(t, cfg, Deps{wrap: disk.wrap, OnHealth: func(err error) { health <- err }})
	w := newWorld(22, rec.State, j)
	w.keep = true
	w.define()
	await(t, j, w.step())

	disk.hang.Lock()
	seq := w.step()
	await(t, j, seq)
	require.Less(t, j.Durable(), seq)
	require.ErrorIs(t, health.next(t), ErrSlow)
	for range 10_000 { // 400 KB
		w.step()
	}
	require.Eventually(t, func() bool { return pendingBytes(j) > 0 }, 10*time.Second, time.Millisecond)
	require.LessOrEqual(t, pendingBytes(j), 2*cfg.MaxPending)
	disk.hang.Unlock()

	require.Eventually(t, func() bool { return !j.Degraded() && j.Durable() >= uint64(len(w.ops)) }, 20*time.Second, time.Millisecond)
	await(t, j, w.step())
	rec, err := recovered(t, copyDir(t, cfg.Dir))
	require.NoError(t, err)
	require.Equal(t, uint64(len(w.ops)), rec.Seq)
	requireAt(t, w, rec)
}

func pendingBytes(j *Journal) int {
	j.out.mu.Lock()
	defer j.out.mu.Unlock()
	return len(j.out.records.bytes) + len(j.out.after.bytes)
}

// TestSlowAnswer passes late acknowledgements, and waits again once the disk
// answers in time. Nothing is lost, so no snapshot is needed.
func TestSlowAnswer(t *testing.T) {
	var disk badDisk
	health := make(told, 16)
	cfg := testConfig(t)
	cfg.CommitTimeout = 30 * time.Millisecond
	j, rec := open(t, cfg, Deps{wrap: disk.wrap, OnHealth: func(err error) { health <- err }})
	w := newWorld(23, rec.State, j)
	w.define()
	await(t, j, w.step())
	disk.hang.Lock()
	seq := w.step()
	await(t, j, seq)
	require.ErrorIs(t, health.next(t), ErrSlow)
	require.Less(t, j.Durable(), seq)
	disk.hang.Unlock()
	require.NoError(t, health.next(t))
	require.NoError(t, j.Close())
	require.Equal(t, seq, j.Durable())
}

// TestGroups shares syncs: many who wait at a time, few syncs.
func TestGroups(t *testing.T) {
	var disk badDisk
	j, rec := open(t, testConfig(t), Deps{wrap: disk.wrap})
	w := newWorld(24, rec.State, j)
	w.define()
	await(t, j, w.step())
	before := disk.syncs.Load()
	disk.hang.Lock()
	var seq uint64
	for range 1000 {
		seq = w.step()
		j.Sync(seq)
	}
	disk.hang.Unlock()
	await(t, j, seq)
	require.LessOrEqual(t, disk.syncs.Load()-before, int64(4))
}

// TestDivergedShadow gives acknowledgements up, with the reason, when the loop
// says something else than it did.
func TestDivergedShadow(t *testing.T) {
	health := make(told, 16)
	cfg := testConfig(t)
	j, rec := open(t, cfg, Deps{OnHealth: func(err error) { health <- err }})
	w := newWorld(25, rec.State, j)
	w.define()
	seq := w.step()
	cmd := w.command()
	j.Command(w.now, &cmd, append(w.effects, w.effects...)[:1])
	require.ErrorIs(t, health.next(t), ErrDiverged)
	await(t, j, w.step())
	require.NoError(t, j.Close())
	rec, err := recovered(t, cfg.Dir)
	require.NoError(t, err)
	require.Equal(t, seq, rec.Seq, "up to the last that was the same")
}
