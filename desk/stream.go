package desk

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// maxHeld bounds the bytes of the frames that a stream holds for replay.
const maxHeld = 2 << 20

// frame is one server frame, encoded.
type frame struct {
	seq  uint64
	key  string // a later frame of the same key makes this one useless; "" for none
	data []byte
}

// stream is the sequence of frames of one agent. All sockets of the agent get
// the same frames. Only the seat's goroutine touches it.
//
// Numbers start at the milliseconds since 1970, so that a client which comes
// back after a restart can never mistake a new frame for one that it has seen.
type stream struct {
	max     int // frames held
	last    uint64
	lost    uint64 // newest frame that is no longer held and was not replaced
	held    []frame
	bytes   int
	sockets map[*socket]struct{}
	metrics *metrics
}

func newStream(limit int, start time.Time, m *metrics) *stream {
	first := uint64(max(1, start.UnixMilli())) //nolint:gosec // positive
	return &stream{max: limit, last: first, lost: first, sockets: map[*socket]struct{}{}, metrics: m}
}

// push makes a frame and hands it to every socket. With a key, the frame takes
// the place of the held one of that key.
func (st *stream) push(kind, key string, data any) error {
	st.last++
	b, err := encodeFrame(st.last, kind, data)
	if err != nil {
		return err
	}
	st.metrics.frames.WithLabelValues(kind).Inc()
	f := frame{seq: st.last, key: key, data: b}
	st.hold(f)
	for s := range st.sockets {
		if !s.offer(f) {
			st.metrics.slow.Inc()
			st.detach(s)
		}
	}
	return nil
}

func (st *stream) hold(f frame) {
	if f.key != "" {
		if i := slices.IndexFunc(st.held, func(h frame) bool { return h.key == f.key }); i >= 0 {
			st.bytes -= len(st.held[i].data)
			st.held = slices.Delete(st.held, i, i+1)
		}
	}
	st.held = append(st.held, f)
	st.bytes += len(f.data)
	drop := 0
	for len(st.held)-drop > st.max || (st.bytes > maxHeld && drop < len(st.held)-1) {
		st.bytes -= len(st.held[drop].data)
		st.lost = st.held[drop].seq
		drop++
	}
	st.held = slices.Delete(st.held, 0, drop)
}

// after returns the frames that a client which saw seq has missed, or false
// when it needs a snapshot.
func (st *stream) after(seq uint64) ([]frame, bool) {
	if seq < st.lost || seq > st.last {
		return nil, false
	}
	i, _ := slices.BinarySearchFunc(st.held, seq+1, func(f frame, seq uint64) int { return cmp.Compare(f.seq, seq) })
	return slices.Clone(st.held[i:]), true
}

func (st *stream) attach(s *socket) {
	st.sockets[s] = struct{}{}
	st.metrics.sockets.Inc()
}

// detach forgets a socket; it reports whether it was there.
func (st *stream) detach(s *socket) bool {
	if _, ok := st.sockets[s]; !ok {
		return false
	}
	delete(st.sockets, s)
	st.metrics.sockets.Dec()
	return true
}

func encodeFrame(seq uint64, kind string, data any) ([]byte, error) {
	b, err := json.Marshal(struct {
		Seq  uint64 `json:"seq"`
		Type string `json:"type"`
		Data any    `json:"data"`
	}{seq, kind, data})
	if err != nil {
		return nil, fmt.Errorf("encode %s frame: %w", kind, err)
	}
	return b, nil
}
