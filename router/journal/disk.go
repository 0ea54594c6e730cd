package journal

import (
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// disk is what the goroutine owns that writes and syncs.
type disk struct {
	cfg    Config
	log    *slog.Logger
	m      *metrics
	dir    *folder
	out    *outbox
	health *health
	wanted *atomic.Uint64 // somebody waits for this seq
	poke   func()         // wakes the shadow

	file     file   // nil while the disk is given up
	first    uint64 // seq at which it begins
	size     int64
	written  uint64    // seq
	unsynced int       // records
	since    time.Time // of the first of them
	retry    time.Time // no snapshot is asked for before
	used     group
	saver    sync.WaitGroup
	saving   atomic.Bool
	err      error // of the last failure, nil after a sync
}

func (d *disk) run() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		select {
		case <-d.out.wake:
		case <-timer.C:
		}
		g := d.out.take(d.used)
		d.used = g
		d.handle(&g)
		if g.closing {
			break
		}
		timer.Reset(d.pause())
	}
	d.saver.Wait()
	if d.file != nil {
		d.err = errors.Join(d.err, d.file.Close())
	}
}

// pause is how long nothing has to be done.
func (d *disk) pause() time.Duration {
	pause := time.Hour
	if d.unsynced > 0 {
		pause = time.Until(d.since.Add(d.cfg.SyncInterval))
	}
	if d.file == nil {
		pause = min(pause, time.Until(d.retry))
	}
	return max(pause, 0)
}

func (d *disk) handle(g *group) {
	if g.lost > 0 {
		d.m.dropped.Add(float64(g.lost))
		if d.file != nil {
			d.fail(ErrBehind)
		}
	}
	d.write(&g.records)
	switch {
	case g.snap == nil:
	case d.file == nil:
		d.restart(g.snap)
	default:
		d.rotate(g.snap)
	}
	d.write(&g.after)
	if d.unsynced > 0 && (g.closing || d.wanted.Load() > d.health.durable.Load() || time.Since(d.since) >= d.cfg.SyncInterval) {
		d.sync()
	}
	d.want()
}

// want asks for a snapshot when the log is long, or to begin anew.
func (d *disk) want() {
	if time.Now().Before(d.retry) || d.file != nil && (d.size < d.cfg.SegmentBytes || d.saving.Load()) {
		return
	}
	d.retry = time.Now().Add(d.cfg.RetryInterval)
	d.out.ask()
	d.poke()
}

func (d *disk) write(b *batch) {
	if b.n == 0 {
		return
	}
	if d.file == nil {
		d.m.dropped.Add(float64(b.n))
		return
	}
	if d.unsynced == 0 {
		d.since = time.Now()
	}
	if _, err := d.file.Write(b.bytes); err != nil {
		d.m.dropped.Add(float64(b.n))
		d.fail(err)
		return
	}
	d.size += int64(len(b.bytes))
	d.written = b.seq
	d.unsynced += b.n
	d.m.bytes.Add(float64(len(b.bytes)))
	d.m.records.Add(float64(b.n))
}

// sync makes durable what is written, and says so behind it.
func (d *disk) sync() {
	took, err := d.timed()
	if err == nil && took >= d.cfg.CommitTimeout && d.health.degraded.Load() {
		took, err = d.timed() // has it come back?
	}
	if err != nil {
		d.fail(err)
		return
	}
	d.m.group.Observe(float64(d.unsynced))
	d.unsynced = 0
	d.err = nil
	d.health.progress(d.written)
	if took < d.cfg.CommitTimeout {
		d.health.recovered()
	}
	d.mark()
}

func (d *disk) timed() (time.Duration, error) {
	start := time.Now()
	err := d.file.Sync()
	took := time.Since(start)
	d.m.fsync.Observe(took.Seconds())
	return took, err
}

// mark writes that all before it is durable. The mark itself need not be: it
// makes damage known that would pass for a torn tail.
func (d *disk) mark() {
	record := appendFrame(nil, markRecord, uint64(d.size), nil) //nolint:gosec // a size
	if _, err := d.file.Write(record); err != nil {
		d.fail(err)
		return
	}
	d.size += int64(len(record))
	d.m.bytes.Add(float64(len(record)))
}

// fail gives the file up: after a failed sync nobody knows what it has.
func (d *disk) fail(err error) {
	d.m.errors.Inc()
	d.m.dropped.Add(float64(d.unsynced))
	d.err = err
	if cerr := d.file.Close(); cerr != nil {
		d.log.Warn("routing journal: close", "error", cerr)
	}
	d.file, d.unsynced = nil, 0
	d.retry = time.Now().Add(d.cfg.RetryInterval)
	d.health.fail(err)
}

// restart begins anew: first the snapshot, then a log.
func (d *disk) restart(s *snapshot) {
	if err := d.begin(s); err != nil {
		d.m.errors.Inc()
		d.err = err
		d.retry = time.Now().Add(d.cfg.RetryInterval)
		d.log.Warn("routing journal: cannot begin anew yet", "error", err)
		return
	}
	d.health.progress(s.Seq)
	d.health.recovered()
	d.log.Info("routing journal begun anew", "seq", s.Seq)
}

func (d *disk) begin(s *snapshot) error {
	if err := d.save(s); err != nil {
		return err
	}
	return d.open(s.head)
}

// open makes a new log.
func (d *disk) open(h head) error {
	h = head{Format: h.Format, Seq: h.Seq, Hash: h.Hash, Rules: h.Rules}
	record := h.record()
	f, err := d.dir.create(logName(h.Seq), func(f file) error {
		_, err := f.Write(record)
		return err
	})
	if err != nil {
		return err
	}
	d.file, d.first, d.size, d.written, d.unsynced = f, h.Seq, int64(len(record)), h.Seq, 0
	return nil
}

// rotate goes on in a new log, while the snapshot is written beside it.
func (d *disk) rotate(s *snapshot) {
	if s.Seq == d.first || d.saving.Load() {
		return
	}
	if d.unsynced > 0 {
		if d.sync(); d.file == nil {
			d.restart(s)
			return
		}
	}
	old := d.file
	if err := d.open(s.head); err != nil {
		d.m.errors.Inc()
		d.retry = time.Now().Add(d.cfg.RetryInterval)
		d.log.Warn("routing journal: goes on in the old file", "error", err)
		return
	}
	if err := old.Close(); err != nil {
		d.log.Warn("routing journal: close", "error", err) // it was synced
	}
	d.saving.Store(true)
	d.saver.Go(func() {
		defer d.saving.Store(false)
		if err := d.save(s); err != nil {
			d.m.errors.Inc()
			d.log.Warn("routing journal: no snapshot, the old files stay", "error", err)
		}
	})
}

// save makes a snapshot durable and removes what is older.
func (d *disk) save(s *snapshot) error {
	f, err := d.dir.create(snapName(s.Seq), s.write)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err // it was synced, but a disk that cannot close is not to be trusted
	}
	d.m.snapshots.Inc()
	d.m.snapshot.Observe(time.Since(s.since).Seconds())
	return d.dir.removeBefore(s.Seq)
}
