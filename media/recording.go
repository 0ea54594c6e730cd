package media

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// RecordOptions say what is recorded, and where to.
type RecordOptions struct {
	// Left is who is on the left channel: the caller. On the right are all
	// members that Left can hear, mixed. So what a supervisor whispers and what
	// an agent says to a consulted colleague is not recorded.
	Left Endpoint
	// Name of the new file below Config.RecordingsDir, with slashes:
	// "2026-11-22/c-4711.wav". Directories are made (0700), the file is for the
	// owner alone (0600) and never written over.
	Name string
	// Open makes the sink in place of a file; Name is then only for logs. If the
	// sink is an io.WriterAt, the header at its beginning is brought up to date
	// after every write; otherwise the sizes in it are those of a stream without an
	// end (0x7FFFF000, as sox does). After an error Write is called again with what it did
	// not take. It is called from one goroutine and may block.
	Open func() (io.WriteCloser, error)
}

// Recording writes what the members of a room say into a WAV file: mu-law,
// 8 kHz, stereo, 58 MB an hour.
//
// All is on one timeline from the moment of Record: hold, gaps in a stream,
// muted members and pauses are silence of the same length. Prompts, music and
// pressed keys are not what members say and not in it; what a caller says
// while music plays to them is.
//
// A disk that fails or is slow never holds up the call: two seconds are kept,
// then the oldest are lost (as silence, an event, in Info and in the metrics),
// and writing is tried again four times a second. The file can be played at
// any moment; a kill -9 costs the last half second.
type Recording struct {
	room   *Room
	engine *Engine
	left   *endpoint
	name   string
	began  time.Time
	events chan RecordingEvent
	stop   chan struct{}
	done   chan struct{} // the sink is closed

	mu      sync.Mutex
	line    timeline
	from    int64 // nothing that lies before is recorded; moved by Resume
	paused  bool
	since   int64 // of the pause
	silent  int64 // samples of pauses that are over
	stopped bool
	end     int64 // when stopped
	written int64 // samples in the sink
	losing  bool  // the timeline is overrun, and that was said
	err     error // why the last write failed; nil after one that did not
}

// RecordingInfo is how far a recording is.
type RecordingInfo struct {
	Name     string
	Began    time.Time
	Duration time.Duration // from Record until now or Stop
	Paused   time.Duration // of it
	Dropped  time.Duration // of it, because the disk was too slow or full
	Bytes    int64         // of sound that are in the file
}

// RecordingEventKind is what happened to a recording.
type RecordingEventKind int

// The events of a recording, each said once until it is over.
const (
	// RecordingDropped: the sink was too slow; a stretch is silence.
	RecordingDropped RecordingEventKind = iota + 1
	// RecordingFailed: the sink cannot be opened or written; Err says why.
	RecordingFailed
	// RecordingRecovered: it can again.
	RecordingRecovered
)

// String returns a word for logs.
func (k RecordingEventKind) String() string {
	switch k {
	case RecordingDropped:
		return "dropped"
	case RecordingFailed:
		return "failed"
	case RecordingRecovered:
		return "recovered"
	}
	return "unknown"
}

// RecordingEvent is one change in how a recording fares.
type RecordingEvent struct {
	Kind RecordingEventKind
	At   time.Time
	Err  error // of RecordingFailed
}

// flushEvery is how often a recording is written.
const flushEvery = 250 * time.Millisecond

// Record starts to record the room. The recording goes on, whoever joins and
// leaves, until Stop. The errors are ErrState when the room is recorded
// already, ErrNoRecordings, ErrBadName and ErrClosed; what goes wrong with the
// file later comes as an event.
func (r *Room) Record(o RecordOptions) (*Recording, error) {
	c, ok := o.Left.(interface{ core() *endpoint })
	if !ok {
		return nil, fmt.Errorf("%w: nobody is on the left", ErrState)
	}
	open := o.Open
	if open == nil {
		file, err := r.engine.recordingFile(o.Name)
		if err != nil {
			return nil, err
		}
		open = file
	}
	rec := &Recording{
		room: r, engine: r.engine, left: c.core(), name: o.Name, began: time.Now(),
		events: make(chan RecordingEvent, eventBuffer),
		stop:   make(chan struct{}), done: make(chan struct{}),
	}
	if err := r.attach(rec); err != nil {
		return nil, err
	}
	if err := r.engine.startRecording(rec, open); err != nil {
		r.detach(rec)
		return nil, err
	}
	return rec, nil
}

// attach makes rec the room's recording.
func (r *Room) attach(rec *Recording) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.recording != nil {
		return fmt.Errorf("%w: the room is recorded already", ErrState)
	}
	r.recording = rec
	r.rewire()
	return nil
}

func (r *Room) detach(rec *Recording) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.recording == rec {
		r.recording = nil
		r.rewire()
	}
}

// track finds or makes m's way into the recording; nil when m is not recorded.
// r.mu is held.
func (r *Room) track(m *member) *track {
	rec := r.recording
	if rec == nil {
		m.track = nil
		return nil
	}
	isLeft := m.ep == rec.left
	if m.track == nil || m.track.rec != rec {
		m.track = &track{rec: rec, channel: right}
		if isLeft {
			m.track.channel = left
		}
	}
	if isLeft {
		return m.track
	}
	for _, to := range r.members {
		if to.ep == rec.left && m.speaks(to) {
			return m.track
		}
	}
	return nil
}

// Pause records silence until Resume, for what must not be kept, such as card
// numbers. It counts from this moment, also for packets that are on their way.
func (r *Recording) Pause() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.paused || r.stopped {
		return
	}
	r.paused, r.since = true, r.at(time.Now())
	r.line.silence(max(r.since, r.line.base), r.line.base+timelineSamples)
}

// Resume ends a pause.
func (r *Recording) Resume() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.resume(r.at(time.Now()))
}

func (r *Recording) resume(now int64) {
	if r.paused {
		r.paused, r.from = false, now
		r.silent += now - r.since
	}
}

// Stop ends the recording and waits until all is in the file, or for ctx; the
// writing then goes on without it. It says what became of the recording; the
// error is that of the file, or ctx's. Further calls only wait.
func (r *Recording) Stop(ctx context.Context) (RecordingInfo, error) {
	r.finish()
	select {
	case <-r.done:
	case <-ctx.Done():
		return r.Info(), fmt.Errorf("recording is not on disk yet: %w", ctx.Err())
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.info(), r.err
}

// finish tells the writer that no more comes.
func (r *Recording) finish() {
	r.room.detach(r)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stopped {
		return
	}
	r.end = r.at(time.Now())
	r.resume(r.end)
	r.stopped = true
	close(r.stop)
}

// Info says how far the recording is.
func (r *Recording) Info() RecordingInfo {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.info()
}

// Events is bounded; a late reader loses the oldest. It is never closed.
func (r *Recording) Events() <-chan RecordingEvent { return r.events }

// info is Info; r.mu is held.
func (r *Recording) info() RecordingInfo {
	now := r.end
	if !r.stopped {
		now = r.at(time.Now())
	}
	silent := r.silent
	if r.paused {
		silent += now - r.since
	}
	return RecordingInfo{
		Name: r.name, Began: r.began, Duration: duration(now), Paused: duration(silent),
		Dropped: duration(r.line.lost), Bytes: 2 * r.written,
	}
}

// at is the position of a moment on the timeline.
func (r *Recording) at(now time.Time) int64 {
	return int64(now.Sub(r.began)) * (sampleRate / 1000) / int64(time.Millisecond)
}

func duration(samples int64) time.Duration {
	return time.Duration(samples) * (time.Second / sampleRate)
}

// hear takes one packet of a member, on the goroutine that reads it.
func (t *track) hear(h *rtpHeader, c Codec, payload []byte, now time.Time) {
	r := t.rec
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.paused || r.stopped {
		return
	}
	pos, ok := t.place(h, len(payload), r.at(now))
	if !ok {
		return
	}
	if cut := max(t.floor, r.from) - pos; cut > 0 {
		if cut >= int64(len(payload)) {
			return
		}
		pos, payload = pos+cut, payload[cut:]
	}
	lost := r.line.lost
	r.line.add(t.channel, pos, c, payload)
	if more := r.line.lost - lost; more > 0 {
		r.overrun(more, now)
	}
}

// overrun notes samples that the sink was too slow for; r.mu is held.
func (r *Recording) overrun(lost int64, now time.Time) {
	r.engine.metrics.recordingLost.Add(duration(lost).Seconds())
	if !r.losing {
		r.losing = true
		r.emit(RecordingEvent{Kind: RecordingDropped, At: now})
	}
}

// emit never blocks; r.mu makes it the only sender.
func (r *Recording) emit(e RecordingEvent) {
	if len(r.events) == cap(r.events) {
		select {
		case <-r.events: // full: the oldest goes
		default:
		}
	}
	r.events <- e
}

// run writes until the recording is stopped.
func (r *Recording) run(open func() (io.WriteCloser, error)) {
	w := wavWriter{open: open}
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for {
		select {
		case now := <-tick.C:
			r.wrote(r.flush(&w, r.at(now.Add(-settle))))
		case <-r.stop:
			err := r.flush(&w, r.end)
			r.wrote(errors.Join(err, w.close()))
			return
		}
	}
}

// flush writes all that lies before the position to.
func (r *Recording) flush(w *wavWriter, to int64) error {
	for {
		if err := w.drain(); err != nil {
			return err
		}
		if !r.fill(w, to) {
			return nil
		}
	}
}

// fill hands the next stretch to the writer, silence where the timeline was
// overrun. It reports whether there was any.
func (r *Recording) fill(w *wavWriter, to int64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.written = w.samples()
	if gap := min(r.line.base, to) - r.written; gap > 0 {
		w.silence(min(gap, timelineSamples))
		return true
	}
	if r.written >= to {
		return false
	}
	w.pending = r.line.take(w.pending, to)
	return true
}

// wrote tells of the first failure and of the recovery.
func (r *Recording) wrote(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	before := r.err
	r.err = err
	switch {
	case err == nil:
		r.losing = false
		if before != nil {
			r.emit(RecordingEvent{Kind: RecordingRecovered, At: time.Now()})
		}
	case before == nil:
		r.engine.metrics.recordingFailures.Inc()
		r.engine.log.Error("recording cannot be written", "leg_id", r.left.opts.Label, "error", err)
		r.emit(RecordingEvent{Kind: RecordingFailed, At: time.Now(), Err: err})
	}
}
