package media

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"
)

// dryEngine has rooms and recordings but no socket, so that it runs under a
// fake clock.
func dryEngine(t *testing.T, dir string) *Engine {
	m := newMetrics(nil)
	en := &Engine{
		cfg: Config{RecordingsDir: dir}, log: slog.New(slog.DiscardHandler), metrics: m, playout: newPlayout(m),
		endpoints: map[*endpoint]leg{}, recordings: map[*Recording]struct{}{},
	}
	t.Cleanup(func() {
		require.NoError(t, en.stopRecordings())
		en.playout.close()
	})
	return en
}

// dryLeg is an endpoint without transport: what it says is given to it, what
// it hears is kept.
type dryLeg struct {
	Endpoint
	e     endpoint
	heard recorder
	codec Codec
	h     rtpHeader
	phase int
}

func (l *dryLeg) core() *endpoint { return &l.e }

func newDryLeg(en *Engine, c Codec) *dryLeg {
	l := &dryLeg{codec: c, h: rtpHeader{pt: c.staticPT(), ssrc: randUint32(), seq: 65530, ts: math.MaxUint32 - 500}}
	l.e.init(en, RTP, Options{}, &l.heard)
	f := format{codec: c, pt: c.staticPT(), dtmfPT: 101}
	f.in[PCMU.staticPT()], f.in[PCMA.staticPT()], f.in[101] = PCMU, PCMA, codecDTMF
	l.e.rx.setFormat(f)
	l.e.tx.setFormat(f, true)
	return l
}

// received is what the far side heard so far.
func (l *dryLeg) received() recorder {
	l.e.tx.mu.Lock()
	defer l.e.tx.mu.Unlock()
	r := l.heard
	return recorder{slices.Clone(r.got), slices.Clone(r.payload)}
}

// packet is the next 20 ms of a tone.
func (l *dryLeg) packet(hz float64) (rtpHeader, []byte) {
	pcm, b := make([]int16, frameSamples), make([]byte, frameSamples)
	for i := range pcm {
		pcm[i] = int16(8000 * math.Sin(2*math.Pi*hz*float64(l.phase+i)/sampleRate))
	}
	l.codec.encode(b, pcm)
	h := l.h
	l.phase, l.h.seq, l.h.ts = l.phase+frameSamples, l.h.seq+1, l.h.ts+frameSamples
	return h, b
}

// say delivers one packet, as if it had arrived now.
func (l *dryLeg) say(hz float64) {
	h, b := l.packet(hz)
	l.e.deliver(&h, b, time.Now())
}

// speech lets legs speak for d, each its tone; 0 is silence that is not sent.
func speech(d time.Duration, tones map[*dryLeg]float64) {
	for range d / framePeriod {
		time.Sleep(framePeriod)
		for l, hz := range tones {
			if hz == 0 {
				l.h.seq, l.h.ts = l.h.seq+1, l.h.ts+frameSamples
				continue
			}
			l.say(hz)
		}
	}
}

// wave is a recording as it was read again.
type wave [2][]int16

func readWave(t *testing.T, b []byte) (w wave) {
	t.Helper()
	f, data, err := parseWAV(b)
	require.NoError(t, err)
	require.Equal(t, wavFormat{tag: wavMuLaw, channels: 2, bits: 8, rate: sampleRate}, f)
	for i := 0; i+1 < len(data); i += 2 {
		w[left] = PCMU.decode(w[left], data[i:i+1])
		w[right] = PCMU.decode(w[right], data[i+1:i+2])
	}
	return w
}

func at(d time.Duration) int { return int(samples(d)) }

// tones says that of a channel each stretch of 20 ms from one time to another,
// less a frame at each end, has the tones, and nothing else.
func (w wave) tones(t *testing.T, channel int, from, to time.Duration, hz ...float64) {
	t.Helper()
	for p := at(from) + frameSamples; p+2*frameSamples <= at(to); p += frameSamples {
		var sum, all float64
		for _, f := range hz {
			var tone float64
			tone, all = goertzel(w[channel][p:p+frameSamples], f)
			require.Greater(t, tone, 0.3*all/float64(len(hz)), "%v Hz at %d", f, p)
			sum += tone
		}
		if len(hz) == 0 {
			_, all = goertzel(w[channel][p:p+frameSamples], 0)
			require.Zero(t, all, "silence at sample %d", p)
			continue
		}
		require.Greater(t, sum, 0.97*all, "only these tones at sample %d", p)
	}
}

// memory is a sink that can be read while it is written.
type memory struct {
	mu   sync.Mutex
	data []byte
	err  error
	gate chan struct{} // not nil: Write waits for it
}

func (m *memory) Write(b []byte) (int, error) {
	if m.gate != nil {
		<-m.gate
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err != nil {
		half := len(b) / 2
		if len(m.data) < wavHeaderLen {
			half = 0
		}
		m.data = append(m.data, b[:half]...)
		return half, m.err
	}
	m.data = append(m.data, b...)
	return len(b), nil
}

func (m *memory) fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.err = err
}

func (m *memory) bytes() []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	return bytes.Clone(m.data)
}

func (m *memory) Close() error { return nil }

func (m *memory) open() (io.WriteCloser, error) { return m, nil }

func TestRecordingHasEverybodyInPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		en := dryEngine(t, t.TempDir())
		caller, agent, boss := newDryLeg(en, PCMU), newDryLeg(en, PCMA), newDryLeg(en, PCMU)
		room := en.NewRoom()
		room.Join(caller, Role{})
		leaveAgent := room.Join(agent, Role{})
		rec, err := room.Record(RecordOptions{Left: caller, Name: "day/call.wav"})
		require.NoError(t, err)
		_, err = room.Record(RecordOptions{Left: caller, Name: "day/other.wav"})
		require.ErrorIs(t, err, ErrState)

		speech(time.Second, map[*dryLeg]float64{caller: 400, agent: 1000})
		speech(time.Second, map[*dryLeg]float64{caller: 0, agent: 1000}) // no packets
		leaveAgent()                                                     // on hold
		speech(time.Second, map[*dryLeg]float64{caller: 400})
		room.Join(agent, Role{})
		room.Join(boss, Role{SpeaksTo: []Endpoint{agent}}) // whispers
		speech(time.Second, map[*dryLeg]float64{caller: 400, agent: 1000, boss: 2000})
		room.Join(boss, Role{}) // barges in
		speech(time.Second, map[*dryLeg]float64{caller: 400, agent: 1000, boss: 2000})
		agent.e.Mute(true)
		speech(time.Second, map[*dryLeg]float64{caller: 400, agent: 1000, boss: 2000})

		info, err := rec.Stop(t.Context())
		require.NoError(t, err)
		require.Equal(t, RecordingInfo{
			Name: "day/call.wav", Began: rec.began, Duration: 6 * time.Second, Bytes: 2 * 6 * sampleRate,
		}, info)
		path := filepath.Join(en.cfg.RecordingsDir, "day", "call.wav")
		b, err := os.ReadFile(path)
		require.NoError(t, err)
		w := readWave(t, b)
		require.Len(t, w[left], 6*sampleRate)
		sec := func(n int) time.Duration { return time.Duration(n) * time.Second }
		w.tones(t, left, 0, sec(1), 400)
		w.tones(t, right, 0, sec(1), 1000)
		w.tones(t, left, sec(1), sec(2))
		w.tones(t, right, sec(1), sec(2), 1000)
		w.tones(t, left, sec(2), sec(3), 400)
		w.tones(t, right, sec(2), sec(3))
		w.tones(t, left, sec(3), sec(6), 400)
		w.tones(t, right, sec(3), sec(4), 1000)
		w.tones(t, right, sec(4), sec(5), 1000, 2000)
		w.tones(t, right, sec(5), sec(6), 2000)

		stat, err := os.Stat(path)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), stat.Mode())
		stat, err = os.Stat(filepath.Dir(path))
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o700), stat.Mode().Perm())
		require.Empty(t, rec.Events())
		require.Nil(t, room.recording)
		_, err = rec.Stop(t.Context())
		require.NoError(t, err, "a second stop only waits")
	})
}

func TestRecordingPausesForSecrets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		en := dryEngine(t, "")
		caller := newDryLeg(en, PCMU)
		room := en.NewRoom()
		room.Join(caller, Role{})
		sink := &memory{}
		rec, err := room.Record(RecordOptions{Left: caller, Open: sink.open})
		require.NoError(t, err)
		speech(time.Second, map[*dryLeg]float64{caller: 400})
		rec.Pause()
		rec.Pause()
		speech(time.Second-framePeriod, map[*dryLeg]float64{caller: 1000})
		h, spoken := caller.packet(1000) // on its way when the pause ends
		time.Sleep(framePeriod)
		require.Equal(t, time.Second, rec.Info().Paused)
		rec.Resume()
		rec.Resume()
		time.Sleep(10 * time.Millisecond)
		caller.e.deliver(&h, spoken, time.Now())
		speech(time.Second, map[*dryLeg]float64{caller: 400})
		rec.Pause()
		time.Sleep(time.Second)
		info, err := rec.Stop(t.Context())
		require.NoError(t, err)
		rec.Resume()
		rec.Pause()
		require.Equal(t, 2*time.Second, info.Paused)
		require.Equal(t, 4010*time.Millisecond, info.Duration)
		w := readWave(t, sink.bytes())
		w.tones(t, left, 0, time.Second, 400)
		for i, s := range w[left][sampleRate : 2*sampleRate] {
			require.Zero(t, s, "sample %d of the pause", i)
		}
		w.tones(t, left, 2010*time.Millisecond, 3*time.Second, 400)
		w.tones(t, left, 3020*time.Millisecond, 4*time.Second)
	})
}

// A stream that jitters, loses, repeats and overtakes, and restarts its clock,
// stays in its place.
func TestRecordingFollowsTheStreamsClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		en := dryEngine(t, "")
		caller := newDryLeg(en, PCMU)
		room := en.NewRoom()
		room.Join(caller, Role{})
		sink := &memory{}
		rec, err := room.Record(RecordOptions{Left: caller, Open: sink.open})
		require.NoError(t, err)
		speech(500*time.Millisecond, map[*dryLeg]float64{caller: 400})
		var held []func()
		for range 5 { // 100 ms come late, in the wrong order and twice
			time.Sleep(framePeriod)
			h, b := caller.packet(400)
			held = append(held, func() { caller.e.deliver(&h, b, time.Now()) })
		}
		for i := range held {
			held[len(held)-1-i]()
			held[len(held)-1-i]()
		}
		speech(400*time.Millisecond, map[*dryLeg]float64{caller: 400})
		caller.h.ts += 1 << 30 // a new clock
		caller.h.seq += 7000
		speech(500*time.Millisecond, map[*dryLeg]float64{caller: 400})
		caller.h.ssrc++ // and a new source
		caller.h.ts = 0
		speech(500*time.Millisecond, map[*dryLeg]float64{caller: 400})
		_, err = rec.Stop(t.Context())
		require.NoError(t, err)
		w := readWave(t, sink.bytes())
		require.Len(t, w[left], 2*sampleRate)
		w.tones(t, left, 0, 2*time.Second, 400)
	})
}

func TestRecordingOnADiskThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		en := dryEngine(t, "")
		caller := newDryLeg(en, PCMU)
		room := en.NewRoom()
		room.Join(caller, Role{})
		sink := &memory{gate: make(chan struct{})}
		rec, err := room.Record(RecordOptions{Left: caller, Open: sink.open})
		require.NoError(t, err)
		speech(5*time.Second, map[*dryLeg]float64{caller: 400})
		require.Equal(t, RecordingDropped, (<-rec.Events()).Kind)
		require.Empty(t, rec.Events(), "told once")
		require.Equal(t, 5*time.Second-duration(timelineSamples), rec.Info().Dropped)
		close(sink.gate)
		speech(time.Second, map[*dryLeg]float64{caller: 400})
		info, err := rec.Stop(t.Context())
		require.NoError(t, err)
		lost := info.Dropped
		require.Less(t, lost, 5*time.Second-duration(timelineSamples)+flushEvery)
		require.InDelta(t, lost.Seconds(), testutil.ToFloat64(en.metrics.recordingLost), 1e-6)
		w := readWave(t, sink.bytes())
		require.Len(t, w[left], 6*sampleRate, "the time is kept")
		w.tones(t, left, 0, lost)
		w.tones(t, left, lost, 6*time.Second, 400)
	})
}

func TestStopIsNotHeldUpByTheDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		en := dryEngine(t, "")
		caller := newDryLeg(en, PCMU)
		room := en.NewRoom()
		sink := &memory{gate: make(chan struct{})}
		rec, err := room.Record(RecordOptions{Left: caller, Open: sink.open})
		require.NoError(t, err)
		time.Sleep(time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = rec.Stop(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorIs(t, en.stopRecordings(), errRecordingHangs)
		close(sink.gate)
		require.NoError(t, en.stopRecordings())
		require.Len(t, readWave(t, sink.bytes())[left], sampleRate)
	})
}

func TestRecordingOnAFullDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		en := dryEngine(t, "")
		caller := newDryLeg(en, PCMU)
		room := en.NewRoom()
		room.Join(caller, Role{})
		sink := &memory{err: syscall.ENOSPC}
		errAbsent := errors.New("no such disk")
		var mounted atomic.Bool
		rec, err := room.Record(RecordOptions{Left: caller, Open: func() (io.WriteCloser, error) {
			if !mounted.Load() {
				return nil, errAbsent
			}
			return sink, nil
		}})
		require.NoError(t, err)
		event := func(k RecordingEventKind) RecordingEvent {
			t.Helper()
			e := <-rec.Events()
			require.Equal(t, k, e.Kind)
			return e
		}
		speech(time.Second, map[*dryLeg]float64{caller: 400})
		require.ErrorIs(t, event(RecordingFailed).Err, errAbsent)
		mounted.Store(true) // now it is full
		speech(2*time.Second, map[*dryLeg]float64{caller: 400})
		sink.fail(nil)
		speech(time.Second, map[*dryLeg]float64{caller: 400})
		event(RecordingDropped)
		event(RecordingRecovered)
		sink.fail(syscall.ENOSPC)
		speech(9*time.Second, map[*dryLeg]float64{caller: 400})
		require.ErrorIs(t, event(RecordingFailed).Err, syscall.ENOSPC)
		event(RecordingDropped)
		require.Empty(t, rec.Events())
		sink.fail(nil)
		speech(time.Second, map[*dryLeg]float64{caller: 400})
		info, err := rec.Stop(t.Context())
		require.NoError(t, err)
		require.Equal(t, 14*time.Second, info.Duration)
		w := readWave(t, sink.bytes())
		require.Len(t, w[left], 14*sampleRate)
		w.tones(t, left, 3*time.Second, 4*time.Second-settle, 400)
		w.tones(t, left, 13*time.Second, 14*time.Second, 400)
		require.InDelta(t, 2, testutil.ToFloat64(en.metrics.recordingFailures), 0)
	})
}

func TestRecordingNames(t *testing.T) {
	en := newEngine(t, func(c *Config) { c.RecordingsDir = filepath.Join(t.TempDir(), "made") })
	caller := newPeer(t, "127.0.0.1").answered(en, Options{})
	room := en.NewRoom()
	room.Join(caller, Role{})
	for _, name := range []string{"", ".", "/etc/x.wav", "../x.wav", "a/../../x.wav", "a//b.wav", "a/"} {
		_, err := room.Record(RecordOptions{Left: caller, Name: name})
		require.ErrorIs(t, err, ErrBadName, "%q", name)
	}
	_, err := room.Record(RecordOptions{Name: "x.wav"})
	require.ErrorIs(t, err, ErrState)
	_, err = newEngine(t).NewRoom().Record(RecordOptions{Left: caller, Name: "x.wav"})
	require.ErrorIs(t, err, ErrNoRecordings)

	require.NoError(t, os.Mkdir(en.cfg.RecordingsDir, 0o700))
	require.NoError(t, os.Symlink("/tmp", filepath.Join(en.cfg.RecordingsDir, "away")))
	rec, err := room.Record(RecordOptions{Left: caller, Name: "away/x.wav"})
	require.NoError(t, err)
	_, err = rec.Stop(t.Context())
	require.Error(t, err, "a link leads nowhere")

	rec, err = room.Record(RecordOptions{Left: caller, Name: "x.wav"})
	require.NoError(t, err)
	_, err = rec.Stop(t.Context())
	require.NoError(t, err)
	rec, err = room.Record(RecordOptions{Left: caller, Name: "x.wav"})
	require.NoError(t, err)
	_, err = rec.Stop(t.Context())
	require.ErrorIs(t, err, os.ErrExist, "nothing is written over")
}

func TestEngineCloseFlushesRecordings(t *testing.T) {
	dir := t.TempDir()
	en := newEngine(t, func(c *Config) { c.RecordingsDir = dir })
	p := newPeer(t, "127.0.0.1")
	caller := p.answered(en, Options{})
	room := en.NewRoom()
	room.Join(caller, Role{})
	rec, err := room.Record(RecordOptions{Left: caller, Name: "x.wav"})
	require.NoError(t, err)
	p.stream()
	require.Eventually(t, func() bool { return caller.Stats().PacketsIn > 5 }, eventually, time.Millisecond)
	require.InDelta(t, 1, testutil.ToFloat64(en.metrics.recordings), 0)
	require.NoError(t, en.Close())
	require.InDelta(t, 0, testutil.ToFloat64(en.metrics.recordings), 0)
	b, err := os.ReadFile(filepath.Join(dir, "x.wav"))
	require.NoError(t, err)
	w := readWave(t, b)
	require.NotEmpty(t, w[left])
	require.EqualValues(t, rec.Info().Bytes, 2*len(w[left]))
	_, err = room.Record(RecordOptions{Left: caller, Name: "y.wav"})
	require.ErrorIs(t, err, ErrClosed)
	require.Nil(t, room.recording)
}
