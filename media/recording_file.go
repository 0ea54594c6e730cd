package media

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path"
	"path/filepath"
	"time"
)

// recordingFile returns how to open a new file of a name below the directory
// of recordings. The directory is opened as a root, so that no link in it leads
// elsewhere.
func (en *Engine) recordingFile(name string) (func() (io.WriteCloser, error), error) {
	dir := en.cfg.RecordingsDir
	if dir == "" {
		return nil, ErrNoRecordings
	}
	if !filepath.IsLocal(filepath.FromSlash(name)) || path.Clean(name) != name || name == "." {
		return nil, fmt.Errorf("%w: %q", ErrBadName, name)
	}
	return func() (io.WriteCloser, error) {
		f, err := createBelow(dir, name)
		if err != nil {
			return nil, fmt.Errorf("new recording: %w", err)
		}
		return f, nil
	}, nil
}

func createBelow(dir, name string) (f *os.File, err error) {
	if err = os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	if err = root.MkdirAll(path.Dir(name), 0o700); err != nil {
		return nil, err
	}
	return root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
}

// startRecording runs rec's writer, unless the engine is closed.
func (en *Engine) startRecording(rec *Recording, open func() (io.WriteCloser, error)) error {
	en.mu.Lock()
	defer en.mu.Unlock()
	if en.closed {
		return ErrClosed
	}
	en.recordings[rec] = struct{}{}
	en.metrics.recordings.Inc()
	en.writers.Go(func() {
		rec.run(open)
		en.forget(rec)
		close(rec.done)
	})
	return nil
}

// forget takes a recording off the list before whoever stops it hears of its
// end: Engine.Close tells of no error that was told.
func (en *Engine) forget(rec *Recording) {
	en.mu.Lock()
	defer en.mu.Unlock()
	delete(en.recordings, rec)
	en.metrics.recordings.Dec()
}

// stopWait bounds how long Engine.Close waits for recordings.
const stopWait = 5 * time.Second

var errRecordingHangs = errors.New("a recording could not be written to its end")

// stopRecordings ends those that nobody has stopped. The writer of a disk that
// hangs cannot be joined: it is left.
func (en *Engine) stopRecordings() error {
	en.mu.Lock()
	var open []*Recording
	for r := range en.recordings {
		open = append(open, r)
	}
	en.mu.Unlock()
	for _, r := range open {
		r.finish()
	}
	late := time.NewTimer(stopWait)
	defer late.Stop()
	var errs []error
	for _, r := range open {
		select {
		case <-r.done:
			errs = append(errs, r.err)
		case <-late.C:
			return errors.Join(append(errs, errRecordingHangs)...)
		}
	}
	en.writers.Wait()
	return errors.Join(errs...)
}

const (
	wavHeaderLen = 58
	// maxWAVData is what the 32-bit sizes of RIFF allow: 74 hours.
	maxWAVData = math.MaxUint32 - wavHeaderLen
	// wavEndless in place of a size says that the data goes on to the end of the
	// file. It is what sox writes into a pipe and reads without a complaint.
	wavEndless = 0x7FFFF000
)

var errWAVFull = errors.New("the file has the greatest size of a WAV")

// wavWriter writes a stereo mu-law WAV into a sink that it opens itself. What
// could not be written stays pending and is tried again.
type wavWriter struct {
	open    func() (io.WriteCloser, error)
	sink    io.WriteCloser // nil: not open yet
	header  io.WriterAt    // nil: the sink cannot go back
	pending []byte
	size    int64 // bytes written
	said    int64 // size that the header tells
}

// samples is how many frames of two channels are in the sink.
func (w *wavWriter) samples() int64 { return max(0, w.size-wavHeaderLen) / 2 }

// silence makes n samples pending.
func (w *wavWriter) silence(n int64) {
	for range 2 * n {
		w.pending = append(w.pending, PCMU.silence())
	}
}

// drain writes all that is pending, and then the header that says so: a reader
// finds a valid file at any moment.
func (w *wavWriter) drain() error {
	if w.sink == nil {
		if err := w.create(); err != nil {
			return err
		}
	}
	if w.size+int64(len(w.pending)) > maxWAVData {
		return errWAVFull
	}
	for len(w.pending) > 0 {
		n, err := w.sink.Write(w.pending)
		w.size += int64(n)
		w.pending = w.pending[:copy(w.pending, w.pending[n:])]
		if err == nil && n == 0 {
			err = io.ErrShortWrite
		}
		if err != nil {
			return fmt.Errorf("write recording: %w", err)
		}
	}
	return w.tellSize()
}

func (w *wavWriter) create() (err error) {
	if w.sink, err = w.open(); err != nil {
		w.sink = nil
		return err
	}
	data := uint32(wavEndless)
	if at, ok := w.sink.(io.WriterAt); ok {
		w.header, data, w.said = at, 0, wavHeaderLen
	}
	w.pending = appendWAVHeader(w.pending[:0], data)
	return nil
}

func (w *wavWriter) tellSize() error {
	if w.header == nil || w.size == w.said {
		return nil
	}
	header := appendWAVHeader(nil, uint32(w.size-wavHeaderLen)) //nolint:gosec // at most maxWAVData
	if _, err := w.header.WriteAt(header, 0); err != nil {
		return fmt.Errorf("write header of recording: %w", err)
	}
	w.said = w.size
	return nil
}

// close ends the file, on disk if it is one.
func (w *wavWriter) close() error {
	if w.sink == nil {
		return nil
	}
	var err error
	if s, ok := w.sink.(interface{ Sync() error }); ok {
		err = s.Sync()
	}
	if err = errors.Join(err, w.sink.Close()); err != nil {
		return fmt.Errorf("close recording: %w", err)
	}
	return nil
}

// appendWAVHeader describes mu-law, two channels, 8 kHz, with the chunk "fact"
// that compressed formats have.
func appendWAVHeader(b []byte, data uint32) []byte {
	le := binary.LittleEndian
	riff, fact := data, data
	if data != wavEndless {
		riff, fact = data+wavHeaderLen-8, data/2
	}
	b = le.AppendUint32(append(b, "RIFF"...), riff)
	b = le.AppendUint32(append(b, "WAVEfmt "...), 18)
	b = le.AppendUint16(b, wavMuLaw)
	b = le.AppendUint16(b, 2)            // channels
	b = le.AppendUint32(b, sampleRate)   // of each
	b = le.AppendUint32(b, 2*sampleRate) // bytes a second
	b = le.AppendUint16(b, 2)            // bytes of one sample of both
	b = le.AppendUint16(b, 8)            // bits
	b = le.AppendUint16(b, 0)            // no more of fmt
	b = le.AppendUint32(append(b, "fact"...), 4)
	b = le.AppendUint32(b, fact)
	return le.AppendUint32(append(b, "data"...), data)
}
