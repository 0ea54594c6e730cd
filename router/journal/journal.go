package journal

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"filo/router/core"
)

// Deps are what a Journal needs from outside.
type Deps struct {
	Log      *slog.Logger
	Registry prometheus.Registerer
	// OnHealth, if not nil, is told when the journal becomes degraded, with the
	// reason, and with nil when acknowledgements are durable again. It is
	// called by the journal's goroutines and must return at once.
	OnHealth func(error)

	wrap func(name string, f file) file // of tests: a disk that fails
}

// Journal is the journal of one State. Its methods for appending and asking,
// from Command to Changed, belong to one goroutine: the router's loop.
type Journal struct {
	cfg    Config
	log    *slog.Logger
	m      *metrics
	dir    *folder
	ring   *ring
	out    *outbox
	health *health
	wake   chan struct{} // the shadow's, one place
	parked atomic.Bool   // the shadow sleeps until it is woken
	wanted atomic.Uint64 // seq that somebody waits for
	stop   chan struct{}
	wg     sync.WaitGroup
	once   sync.Once

	shadow *shadow
	disk   *disk

	base    uint64 // seq before the first record of this start
	plans   uint32 // handles below these are recorded, or were there at the start
	classes uint32
}

// ringSize is how many records the loop may be ahead of the shadow.
const ringSize = 1 << 15

// Open locks the directory, makes it if it is not there, recovers what it has
// and makes that durable. A directory without a journal begins with an empty
// State of the given rules. Call Start before the first record, and Close.
//
// Errors are ErrLocked, ErrCorrupt, ErrDiverged and ErrFormat, with the file
// and the offset, and those of the file system.
func Open(cfg Config, rules core.Config, deps Deps) (*Journal, *Recovered, error) {
	if err := errors.Join(cfg.Validate(), checkRules(rules)); err != nil {
		return nil, nil, err
	}
	if deps.Log == nil {
		deps.Log = slog.New(slog.DiscardHandler)
	}
	if deps.Registry == nil {
		deps.Registry = prometheus.NewRegistry()
	}
	dir, err := openFolder(cfg.Dir)
	if err != nil {
		return nil, nil, err
	}
	dir.wrap = deps.wrap
	j := &Journal{
		cfg: cfg, log: deps.Log, dir: dir, ring: newRing(ringSize), out: newOutbox(cfg.MaxPending),
		wake: make(chan struct{}, 1), stop: make(chan struct{}),
	}
	j.health = &health{changed: make(chan struct{}, 1), tell: j.teller(deps.OnHealth)}
	rec, err := j.open(rules, deps.Registry)
	if err != nil {
		return nil, nil, errors.Join(err, dir.close())
	}
	return j, rec, nil
}

func (j *Journal) open(rules core.Config, reg prometheus.Registerer) (*Recovered, error) {
	start := time.Now()
	if err := j.dir.tidy(); err != nil {
		return nil, err
	}
	r, err := j.dir.read(rules)
	if err != nil {
		return nil, err
	}
	mine, err := r.rep.clone()
	if err != nil {
		return nil, err
	}
	rec := r.cut
	rec.State, rec.Rules, rec.Notes = r.rep.state, ownRules(r.rep.rules), r.rep.notes
	rec.Fresh = r.rep.seq == 0
	rec.Seq, rec.Hash, rec.Records, rec.Last = r.rep.seq, r.rep.hash, r.rep.seq-r.from, r.rep.last
	rec.Took = time.Since(start)
	if j.m, err = newMetrics(reg, j.lag); err != nil {
		return nil, fmt.Errorf("journal metrics: %w", err)
	}
	j.base = r.rep.seq
	j.health.durable.Store(r.rep.seq)
	j.shadow = &shadow{Journal: j, rep: mine, saved: r.from}
	j.disk = &disk{
		cfg: j.cfg, log: j.log, m: j.m, dir: j.dir, out: j.out, health: j.health, wanted: &j.wanted, poke: j.signal,
	}
	if err := j.disk.resume(r, mine); err != nil {
		return nil, err
	}
	j.report(&rec)
	return &rec, nil
}

func (j *Journal) report(rec *Recovered) {
	if rec.Cut > 0 {
		j.log.Warn("routing journal: torn tail cut at the last whole record",
			"file", rec.CutFile, "offset", rec.CutAt, "bytes", rec.Cut)
	}
	if !rec.Fresh {
		j.log.Info("routing journal recovered", "seq", rec.Seq, "records", rec.Records, "took", rec.Took)
	}
}

// teller logs and counts the transitions of health.
func (j *Journal) teller(tell func(error)) func(error) {
	return func(err error) {
		if err != nil {
			j.m.degraded.Set(1)
			j.log.Error("routing journal degraded: acknowledgements do not wait for the disk", "error", err)
		} else {
			j.m.degraded.Set(0)
			j.log.Info("routing journal is durable again")
		}
		if tell != nil {
			tell(err)
		}
	}
}

// Begin lets the journal go on from another State than the one recovered, of
// the given rules and with these notes instead: for when the rules have
// changed. It takes effect at once, as a whole or not at all. It must come
// before Start, and the State must not have applied anything that is to be
// appended later.
func (j *Journal) Begin(state *core.State, rules core.Config, notes map[NoteKey]string) error {
	old := j.shadow.rep
	given := replica{state: state, rules: ownRules(rules), notes: notes, seq: old.seq + 1, hash: old.hash, last: old.last}
	rep, err := given.clone()
	if err != nil {
		return fmt.Errorf("begin journal: %w", err)
	}
	snap, err := rep.snapshot()
	if err != nil {
		return fmt.Errorf("begin journal: %w", err)
	}
	log := j.disk.file
	if err := j.disk.begin(snap); err != nil {
		return fmt.Errorf("begin journal: %w", err)
	}
	j.shadow.rep, j.shadow.saved, j.base = rep, rep.seq, rep.seq
	j.health.progress(rep.seq)
	return errors.Join(log.Close()) // it is removed
}

// Start starts the goroutines.
func (j *Journal) Start() {
	j.wg.Go(j.shadow.run)
	j.wg.Go(j.disk.run)
}

// Close makes durable what was appended, leaves a snapshot and unlocks the
// directory. It waits for the disk. Nothing may be appended any more.
func (j *Journal) Close() error {
	var err error
	j.once.Do(func() {
		close(j.stop)
		j.wg.Wait()
		if err = j.disk.err; err != nil {
			err = fmt.Errorf("close journal: %w", err)
		}
		err = errors.Join(err, j.dir.close())
	})
	return err
}

// Command appends a command that the State applied at now, and the effects
// that it had, which are not kept. It returns the record's seq.
func (j *Journal) Command(now int64, cmd *core.Command, effects []core.Effect) (seq uint64) {
	e := j.slot()
	e.kind, e.now, e.cmd, e.digest = commandRecord, now, *cmd, digest(effects)
	return j.push()
}

// Plan appends what the State interned as the given handle. Plans that are
// recorded already are not again.
func (j *Journal) Plan(steps []core.Step, handle core.Plan) {
	if uint32(handle) >= j.plans {
		j.plans = uint32(handle) + 1
		j.define(planRecord, steps, uint32(handle))
	}
}

// Class appends a profile that the State interned as the given handle, unless
// it is recorded already.
func (j *Journal) Class(p core.Profile, handle core.Class) {
	if uint32(handle) >= j.classes { // the State makes classes of its own, too
		j.classes = uint32(handle) + 1
		j.define(classRecord, p, uint32(handle))
	}
}

// WorkType appends a work type and the handle that the State gave it.
func (j *Journal) WorkType(w core.WorkType, handle core.Type) {
	j.define(typeRecord, w, uint32(handle))
}

func (j *Journal) define(k kind, definition any, handle uint32) {
	e := j.slot()
	e.kind, e.text, e.handle, e.digest = k, encode(definition), handle, 0
	j.push()
}

// Note appends what the caller wants to know after a restart: what a handle
// stands for, usually. It takes the place of the note with the same key; the
// empty value removes that.
func (j *Journal) Note(key NoteKey, value string) (seq uint64) {
	e := j.slot()
	e.kind, e.note, e.handle, e.text, e.digest = noteRecord, key.Kind, key.Handle, value, 0
	return j.push()
}

// slot returns the next free slot of the ring. There is one but when the
// shadow is a whole ring behind; it does no I/O, so it is not long.
func (j *Journal) slot() *entry {
	e := j.ring.slot()
	if e != nil {
		return e
	}
	j.m.stalls.Inc()
	for ; e == nil; e = j.ring.slot() {
		j.signal()
		time.Sleep(20 * time.Microsecond)
	}
	return e
}

func (j *Journal) push() uint64 {
	j.ring.push()
	if j.parked.Load() {
		j.signal()
	}
	return j.base + j.ring.tail
}

func (j *Journal) signal() {
	select {
	case j.wake <- struct{}{}:
	default:
	}
}

// Sync says that somebody waits for the record seq: it is made durable at
// once. It returns at once; see Settled and Changed.
func (j *Journal) Sync(seq uint64) {
	if seq > j.wanted.Load() && seq > j.health.durable.Load() {
		j.wanted.Store(seq)
		j.signal()
	}
}

// Durable returns the seq up to which all records survive a crash.
func (j *Journal) Durable() uint64 { return j.health.durable.Load() }

// Settled returns the seq up to which nobody needs to wait: that of Durable,
// or the largest number there is while the journal is degraded.
func (j *Journal) Settled() uint64 {
	if j.health.degraded.Load() {
		return math.MaxUint64
	}
	return j.health.durable.Load()
}

// Changed has a value after Settled has changed.
func (j *Journal) Changed() <-chan struct{} { return j.health.changed }

func (j *Journal) lag() float64 {
	return float64(j.base+j.ring.put.Load()) - float64(j.health.durable.Load())
}

// Degraded reports whether acknowledgements pass without the disk.
func (j *Journal) Degraded() bool { return j.health.degraded.Load() }

// resume goes on in the last log, made durable, or begins the first.
func (d *disk) resume(r *recovery, rep *replica) error {
	if r.log.name == "" {
		return d.open(head{Format: format, Seq: rep.seq, Hash: rep.hash, Rules: rep.rules})
	}
	f, err := d.dir.open(r.log.name, os.O_WRONLY|os.O_APPEND)
	if err != nil {
		return fmt.Errorf("go on in journal: %w", err)
	}
	d.file, d.first, d.size, d.written = f, r.log.seq, r.size, rep.seq
	if d.sync(); d.err != nil {
		return fmt.Errorf("go on in journal: %w", d.err)
	}
	return nil
}
