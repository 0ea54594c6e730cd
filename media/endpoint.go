package media

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

const (
	digitBuffer = 32
	eventBuffer = 8
)

// endpoint is what both kinds share: the stream out, the stream in, and where
// the stream in goes.
type endpoint struct {
	engine *Engine
	kind   Kind
	opts   Options
	log    *slog.Logger

	tx sender
	rx receiver

	route atomic.Pointer[route] // nil: in no room
	meter atomic.Pointer[Meter]
	muted atomic.Bool
	watch watch

	digits    chan Digit
	events    chan Event
	digitTurn turn

	closing   chan struct{}
	closeOnce sync.Once
	spawnMu   sync.Mutex // no spawn after closing
	wg        sync.WaitGroup

	roomMu sync.Mutex // order: roomMu before Room.mu
	member *member

	remote remoteReport
}

// route says where an endpoint's audio goes. It is never changed, only
// replaced, so that the reading goroutine takes no lock to follow it.
type route struct {
	src     *source
	forward []*endpoint // the only voice that these hear
	mix     *mixInput   // nil: nobody hears us in a mix
	track   *track      // nil: not recorded
	alone   bool        // in a room with nobody else
}

func (e *endpoint) init(en *Engine, kind Kind, o Options, out packetWriter) {
	e.engine, e.kind, e.opts = en, kind, o
	e.log = en.log.With("leg_id", o.Label)
	e.tx.init(out, en.metrics)
	e.digits = make(chan Digit, digitBuffer)
	e.events = make(chan Event, eventBuffer)
	e.digitTurn = newTurn()
	e.closing = make(chan struct{})
}

// core lets a Room find the shared part behind the interface.
func (e *endpoint) core() *endpoint { return e }

// deliver takes one packet whose source address is proven.
func (e *endpoint) deliver(h *rtpHeader, payload []byte, now time.Time) {
	if len(payload) == 0 || len(payload) > maxRTPPayload {
		return
	}
	c, key, first := e.rx.account(h, payload, now)
	if c == codecNone {
		return
	}
	e.engine.metrics.in.Inc()
	if first && e.kind == RTP {
		e.emit(Connected, now)
	}
	if key != 0 {
		e.digit(Digit{Key: key, At: now})
	}
	if m := e.meter.Load(); m != nil && c != codecDTMF {
		m.write(c, payload, now)
	}
	if r := e.route.Load(); r != nil {
		e.follow(r, h, c, payload, now)
	}
}

// silent frames stand in for a muted voice, so that the far side's stream has no hole.
var silentULaw, silentALaw = silentPayload(PCMU), silentPayload(PCMA)

func silentPayload(c Codec) (b [maxRTPPayload]byte) {
	for i := range b {
		b[i] = c.silence()
	}
	return b
}

func (e *endpoint) follow(r *route, h *rtpHeader, c Codec, payload []byte, now time.Time) {
	if e.muted.Load() {
		switch c {
		case PCMU:
			payload = silentULaw[:len(payload)]
		case PCMA:
			payload = silentALaw[:len(payload)]
		default: // a muted agent may still press keys
		}
	}
	for _, to := range r.forward {
		to.tx.forward(r.src, h, c, payload, now)
	}
	if r.mix != nil && c != codecDTMF {
		r.mix.push(h.seq, c, payload)
	}
	if r.track != nil && c != codecDTMF {
		r.track.hear(h, c, payload, now)
	}
}

func (e *endpoint) digit(d Digit) {
	for {
		select {
		case e.digits <- d:
			return
		default:
		}
		select {
		case <-e.digits: // full: the oldest goes
		default:
		}
	}
}

func (e *endpoint) emit(k EventKind, now time.Time) {
	for ev := (Event{Kind: k, At: now}); ; {
		select {
		case e.events <- ev:
			return
		default:
		}
		select {
		case <-e.events:
		default:
		}
	}
}

// Digits is Endpoint.Digits.
func (e *endpoint) Digits() <-chan Digit { return e.digits }

// Events is Endpoint.Events.
func (e *endpoint) Events() <-chan Event { return e.events }

// Mute is Endpoint.Mute.
func (e *endpoint) Mute(on bool) { e.muted.Store(on) }

// Kind is Endpoint.Kind.
func (e *endpoint) Kind() Kind { return e.kind }

// Stats is Endpoint.Stats.
func (e *endpoint) Stats() Stats {
	s := Stats{Kind: e.kind}
	e.rx.mu.Lock()
	s.PacketsIn, s.BytesIn = e.rx.packets, e.rx.bytes
	s.Lost, s.Jitter = e.rx.lostBefore+e.rx.lost(), e.rx.jitterDuration()
	s.FirstRTPIn, s.LastRTPIn = e.rx.first, e.rx.last
	s.Joined, s.JoinFirstIn = e.rx.joined, e.rx.joinFirst
	e.rx.mu.Unlock()
	e.tx.mu.Lock()
	s.Codec = e.tx.codec
	s.PacketsOut, s.BytesOut = e.tx.packets, e.tx.bytes
	s.FirstRTPOut, s.JoinFirstOut = e.tx.first, e.tx.joinFirst
	e.tx.mu.Unlock()
	s.RemoteLost, s.RoundTrip = e.remote.read()
	return s
}

// shut runs the common part of Close once; free closes the transport, after
// which the endpoint's goroutines end.
func (e *endpoint) shut(free func() error) (err error) {
	e.closeOnce.Do(func() {
		e.spawnMu.Lock()
		close(e.closing)
		e.spawnMu.Unlock()
		e.leaveRoom() // after closing: no Join comes behind it
		err = free()
		e.wg.Wait()
		e.engine.remove(e)
	})
	return err
}

func (e *endpoint) isClosed() bool {
	select {
	case <-e.closing:
		return true
	default:
		return false
	}
}

// spawn runs f on a goroutine that Close joins.
func (e *endpoint) spawn(f func()) {
	e.spawnMu.Lock()
	defer e.spawnMu.Unlock()
	if !e.isClosed() {
		e.wg.Go(f)
	}
}

// watch is the RTP time-out of one endpoint, checked by the engine's
// housekeeping goroutine.
type watch struct {
	mu    sync.Mutex
	since time.Time // counting from here; zero: not counting
	held  bool
	fired bool
}

// arm starts counting anew: after a negotiation, or when a hold ends.
func (w *watch) arm(now time.Time, held bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.since, w.held, w.fired = now, held, false
}

// check emits Timeout once per silence.
func (e *endpoint) checkTimeout(now time.Time, initial, later time.Duration) {
	w := &e.watch
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.since.IsZero() {
		return
	}
	r := e.route.Load()
	if w.held || (e.opts.IdleLine && (r == nil || r.alone)) {
		w.since, w.fired = now, false
		return
	}
	e.rx.mu.Lock()
	last := e.rx.last
	e.rx.mu.Unlock()
	limit, from := initial, w.since
	if !last.IsZero() {
		limit = later
	}
	if last.After(from) {
		from = last
	}
	if limit == 0 || now.Sub(from) < limit {
		w.fired = false
		return
	}
	if !w.fired {
		w.fired = true
		e.engine.metrics.timeouts.Inc()
		e.log.Debug("rtp timeout", "silent", now.Sub(from))
		e.emit(Timeout, now)
	}
}
