package media

import (
	"context"
	"math"
	"sync"
	"time"
)

const (
	meterFrames  = 10  // 200 ms
	toneFraction = 0.8 // of a frame's energy makes a frame "the tone"
	toneRMS      = 200 // quieter than this is silence
	toneRun      = 2   // frames in a row make it heard
)

// Meter measures tones in what an endpoint receives. It is for robots, tests
// and self-checks, not for calls.
type Meter struct {
	ep *endpoint

	mu      sync.Mutex
	frames  [meterFrames][frameSamples]int16
	at      [meterFrames]time.Time
	n       int // frames ever complete
	part    []int16
	tones   []*toneWatch
	changed chan struct{} // closed and replaced when a tone is first heard
}

type toneWatch struct {
	hz    float64
	run   int
	began time.Time
	heard time.Time
}

// Meter starts to measure what ep receives; a second one replaces the first.
// Tones named in hz are watched from now, others from when they are first
// asked for.
func (en *Engine) Meter(ep Endpoint, hz ...float64) *Meter {
	m := &Meter{changed: make(chan struct{}), part: make([]int16, 0, maxRTPPayload+frameSamples)}
	for _, f := range hz {
		m.tones = append(m.tones, &toneWatch{hz: f})
	}
	if c, ok := ep.(interface{ core() *endpoint }); ok {
		m.ep = c.core()
		m.ep.meter.Store(m)
	}
	return m
}

// Stop ends the measuring.
func (m *Meter) Stop() {
	if m.ep != nil {
		m.ep.meter.CompareAndSwap(m, nil)
	}
}

// Level is the fraction, 0 to 1, of the energy of the last 200 ms that is at hz.
func (m *Meter) Level(hz float64) float64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	var tone, all float64
	for i := range min(m.n, meterFrames) {
		t, e := goertzel(m.frames[i][:], hz)
		tone, all = tone+t, all+e
	}
	if all < toneRMS*toneRMS*frameSamples { // less than one audible frame in ten
		return 0
	}
	return min(tone/all, 1)
}

// RMS is the loudness of the last 200 ms in units of 16-bit samples.
func (m *Meter) RMS() float64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all float64
	n := min(m.n, meterFrames)
	for i := range n {
		_, e := goertzel(m.frames[i][:], 0)
		all += e
	}
	return math.Sqrt(all / float64(max(n, 1)*frameSamples))
}

// FirstHeard is when the first packet with the tone came; zero if never.
func (m *Meter) FirstHeard(hz float64) time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.tone(hz).heard
}

// Forget makes FirstHeard and Wait look for the tone anew.
func (m *Meter) Forget(hz float64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	*m.tone(hz) = toneWatch{hz: hz}
}

// Wait returns when the tone is first heard, at once if it was.
func (m *Meter) Wait(ctx context.Context, hz float64) (time.Time, error) {
	for {
		m.mu.Lock()
		at, changed := m.tone(hz).heard, m.changed
		m.mu.Unlock()
		if !at.IsZero() {
			return at, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return time.Time{}, ctx.Err()
		}
	}
}

// tone finds or begins a watch and lets it see the frames we still have.
func (m *Meter) tone(hz float64) *toneWatch {
	for _, t := range m.tones {
		if t.hz == hz {
			return t
		}
	}
	t := &toneWatch{hz: hz}
	for i := max(0, m.n-meterFrames); i < m.n; i++ {
		t.see(m.frames[i%meterFrames][:], m.at[i%meterFrames])
	}
	m.tones = append(m.tones, t)
	return t
}

func (t *toneWatch) see(pcm []int16, at time.Time) bool {
	if !t.heard.IsZero() {
		return false
	}
	tone, all := goertzel(pcm, t.hz)
	if all < toneRMS*toneRMS*frameSamples || tone < toneFraction*all {
		t.run = 0
		return false
	}
	if t.run++; t.run == 1 {
		t.began = at
	}
	if t.run < toneRun {
		return false
	}
	t.heard = t.began
	return true
}

// write takes the payload of one received packet.
func (m *Meter) write(c Codec, payload []byte, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.part = c.decode(m.part, payload)
	done, heard := 0, false
	for ; len(m.part)-done >= frameSamples; done += frameSamples {
		i := m.n % meterFrames
		copy(m.frames[i][:], m.part[done:])
		m.at[i] = now
		m.n++
		for _, t := range m.tones {
			heard = t.see(m.frames[i][:], now) || heard
		}
	}
	m.part = m.part[:copy(m.part, m.part[done:])]
	if heard {
		close(m.changed)
		m.changed = make(chan struct{})
	}
}

// goertzel returns the energy of pcm at hz and the whole energy.
func goertzel(pcm []int16, hz float64) (tone, all float64) {
	w := 2 * math.Cos(2*math.Pi*hz/sampleRate)
	var s1, s2 float64
	for _, v := range pcm {
		x := float64(v)
		all += x * x
		s1, s2 = x+w*s1-s2, s1
	}
	return (s1*s1 + s2*s2 - w*s1*s2) * 2 / float64(len(pcm)), all
}
