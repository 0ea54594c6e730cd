package media

import (
	"context"
	"math"
	"sync/atomic"
	"time"
)

// Prompt is sound ready to be sent: encoded once in both laws, shared
// read-only by every endpoint that plays it. The zero Prompt is empty.
type Prompt struct {
	sound *sound
	loop  bool
}

// sound holds whole frames; the last one is filled with silence.
type sound struct {
	ulaw, alaw []byte
}

// Looped returns p repeated until Play is stopped.
func (p Prompt) Looped() Prompt {
	p.loop = true
	return p
}

// Duration is the length of one pass, a multiple of 20 ms.
func (p Prompt) Duration() time.Duration {
	if p.sound == nil {
		return 0
	}
	return time.Duration(p.sound.frames()) * framePeriod
}

func (s *sound) frames() int { return len(s.ulaw) / frameSamples }

func (s *sound) frame(c Codec, i int) []byte {
	b := s.ulaw
	if c == PCMA {
		b = s.alaw
	}
	return b[i*frameSamples : (i+1)*frameSamples]
}

// NewPrompt encodes 8 kHz mono samples.
func NewPrompt(pcm []int16) Prompt {
	n := (len(pcm) + frameSamples - 1) / frameSamples * frameSamples
	s := &sound{ulaw: make([]byte, n), alaw: make([]byte, n)}
	PCMU.encode(s.ulaw, pcm)
	PCMA.encode(s.alaw, pcm)
	for i := len(pcm); i < n; i++ {
		s.ulaw[i], s.alaw[i] = PCMU.silence(), PCMA.silence()
	}
	return Prompt{sound: s}
}

// Tone is a sine at a quarter of full scale. Looped without a click when d
// holds whole periods (a second of a whole number of Hz does).
func Tone(hz float64, d time.Duration) Prompt {
	pcm := make([]int16, int64(d)*sampleRate/int64(time.Second))
	for i := range pcm {
		pcm[i] = int16(8000 * math.Sin(2*math.Pi*hz*float64(i)/sampleRate))
	}
	return NewPrompt(pcm)
}

// player is one Play of one prompt.
type player struct {
	src   source
	t     *sender
	sound *sound
	loop  bool
	next  int // frame; owned by the playout goroutine
	over  atomic.Bool
	done  chan struct{} // closed at the end, after the last frame has lasted 20 ms
	cut   chan struct{} // closed when another Play takes over
}

func (p *player) tick(now time.Time) bool {
	if p.over.Load() {
		return false
	}
	t := p.t
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.playing != p {
		return false
	}
	if p.next == p.sound.frames() {
		if !p.loop {
			t.playing = nil
			close(p.done)
			return false
		}
		p.next = 0
	}
	if t.enabled && t.digits == nil && t.codec != codecNone {
		t.frame(&p.src, p.sound.frame(t.codec, p.next), now)
	}
	p.next++
	return true
}

// stop leaves the stream to the room; the ticks end by themselves.
func (p *player) stop() {
	p.over.Store(true)
	p.t.mu.Lock()
	defer p.t.mu.Unlock()
	if p.t.playing == p {
		p.t.playing = nil
	}
}

// play is Endpoint.Play.
func (e *endpoint) play(ctx context.Context, p Prompt) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case <-e.closing:
		return ErrClosed
	default:
	}
	if p.sound == nil || p.sound.frames() == 0 {
		return nil
	}
	pl := &player{t: &e.tx, sound: p.sound, loop: p.loop, done: make(chan struct{}), cut: make(chan struct{})}
	e.tx.mu.Lock()
	if old := e.tx.playing; old != nil {
		old.over.Store(true)
		close(old.cut)
	}
	e.tx.playing = pl
	e.tx.mu.Unlock()
	e.engine.playout.add(pl)
	select {
	case <-pl.done:
		return nil
	case <-pl.cut:
		return ErrInterrupted
	case <-ctx.Done():
		pl.stop()
		return ctx.Err()
	case <-e.closing:
		pl.stop()
		return ErrClosed
	}
}
