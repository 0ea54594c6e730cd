package trace

import (
	"encoding/binary"
	"iter"
	"net/netip"
	"sync"
	"time"
)

// ring keeps the newest records within a number of bytes. It is a row of
// segments: writing fills the last one, and the oldest is given up whole when
// there is no room for another. Bytes that were written never change as long
// as somebody reads their segment, so that readers copy nothing and hold no
// lock while they look.
type ring struct {
	mu       sync.Mutex
	size     int        // of a segment
	limit    int        // segments
	segments []*segment // oldest first
	next     uint64     // number of the next record
	lost     bool       // records were overwritten
	news     chan struct{}
}

// segment is a stretch of records.
type segment struct {
	first   uint64 // number of its first record
	buf     []byte // records, one after the other
	readers int    // who may still look at buf after it was given up
}

// segmentsWanted is how many segments a ring has where its size allows it: so
// much is overwritten at once.
const segmentsWanted = 32

// newRing returns a ring of about size bytes for records of at most largest
// bytes each.
func newRing(size, largest int) *ring {
	seg := max(size/segmentsWanted, largest)
	return &ring{size: seg, limit: max(2, size/seg), news: make(chan struct{}, 1)}
}

// add appends a record of head and the parts of its text.
func (r *ring) add(h head, parts ...string) {
	n := headSize
	for _, p := range parts {
		n += len(p)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.room(n)
	s.buf = h.append(s.buf, n)
	for _, p := range parts {
		s.buf = append(s.buf, p...)
	}
	r.grown()
}

// addMessage appends a record of head and data.
func (r *ring) addMessage(h head, data []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.room(headSize + len(data))
	s.buf = append(h.append(s.buf, headSize+len(data)), data...)
	r.grown()
}

// grown numbers the record and wakes who follows; the ring is locked.
func (r *ring) grown() {
	r.next++
	select {
	case r.news <- struct{}{}:
	default:
	}
}

// room returns the segment that takes n more bytes.
func (r *ring) room(n int) *segment {
	if last := len(r.segments) - 1; last >= 0 {
		if s := r.segments[last]; len(s.buf)+n <= cap(s.buf) {
			return s
		}
	}
	var buf []byte
	if len(r.segments) >= r.limit {
		r.lost = true
		oldest := r.segments[0]
		copy(r.segments, r.segments[1:])
		r.segments = r.segments[:len(r.segments)-1]
		if oldest.readers == 0 {
			buf = oldest.buf[:0]
		}
	}
	if cap(buf) < n {
		buf = make([]byte, 0, max(r.size, n))
	}
	s := &segment{first: r.next, buf: buf}
	r.segments = append(r.segments, s)
	return s
}

// reading is a look at a ring: what was in it when it was opened.
type reading struct {
	ring     *ring
	segments []*segment
	bufs     [][]byte
	next     uint64 // the number after the last record seen
	lost     bool   // older records were overwritten
}

// read opens a look at the records numbered from and later, in at most limit
// segments; 0: in all. It must be closed.
func (r *ring) read(from uint64, limit int) *reading {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := &reading{ring: r, next: r.next, lost: r.lost}
	for i, s := range r.segments {
		if i+1 < len(r.segments) && r.segments[i+1].first <= from {
			continue
		}
		if limit > 0 && len(l.segments) == limit {
			l.next = s.first
			break
		}
		s.readers++
		l.segments, l.bufs = append(l.segments, s), append(l.bufs, s.buf)
	}
	return l
}

// close lets the segments be written again. Records of the look are then gone.
func (l *reading) close() {
	l.ring.mu.Lock()
	defer l.ring.mu.Unlock()
	for _, s := range l.segments {
		s.readers--
	}
	l.segments, l.bufs = nil, nil
}

// records yields the records by their numbers. Their data is valid until close.
func (l *reading) records() iter.Seq2[uint64, record] {
	return func(yield func(uint64, record) bool) {
		for i, buf := range l.bufs {
			n := l.segments[i].first
			for len(buf) > 0 {
				size := int(binary.LittleEndian.Uint32(buf))
				if !yield(n, readRecord(buf[:size])) {
					return
				}
				buf = buf[size:]
				n++
			}
		}
	}
}

// kind says what a record is.
type kind uint8

const (
	kindMessage kind = iota
	kindNote
)

// head is what is known of a record beside its text, of fixed size.
type head struct {
	kind          kind
	in            bool
	network       uint8 // index of networks
	at            int64 // nanoseconds since 1970
	whole         int   // bytes of the message on the wire; more than were kept when it was cut
	local, remote netip.AddrPort
	cut           [2]uint16 // of a note: length of its contact and of its Call-ID
}

// networks are the words of Message.Network; others become the first.
var networks = [...]string{"", "udp", "tcp", "tls", "ws", "wss"}

func networkIndex(name string) uint8 {
	for i, n := range networks {
		if n == name {
			return uint8(i) //nolint:gosec // six of them
		}
	}
	return 0
}

// Layout: size 4, kind, in, network, 0, at 8, whole 4, cut 2+2, two ends of
// kind, 0, port 2, address 16.
const (
	endSize  = 20
	headSize = 24 + 2*endSize
)

func (h head) append(b []byte, size int) []byte {
	b = binary.LittleEndian.AppendUint32(b, uint32(size)) //nolint:gosec // bounded by the segment
	b = append(b, byte(h.kind), bit(h.in), h.network, 0)
	b = binary.LittleEndian.AppendUint64(b, uint64(h.at))    //nolint:gosec // bits
	b = binary.LittleEndian.AppendUint32(b, uint32(h.whole)) //nolint:gosec // a message's length
	b = binary.LittleEndian.AppendUint16(b, h.cut[0])
	b = binary.LittleEndian.AppendUint16(b, h.cut[1])
	return appendEnd(appendEnd(b, h.local), h.remote)
}

func bit(on bool) byte {
	if on {
		return 1
	}
	return 0
}

// Kinds of addresses in a record.
const (
	endUnknown = iota
	end4
	end6
)

func appendEnd(b []byte, ap netip.AddrPort) []byte {
	a, k := ap.Addr(), byte(end6)
	switch {
	case !a.IsValid():
		return append(b, make([]byte, endSize)...)
	case a.Is4() || a.Is4In6():
		k = end4
	}
	b = binary.LittleEndian.AppendUint16(append(b, k, 0), ap.Port())
	ip := a.As16()
	return append(b, ip[:]...)
}

func readEnd(b []byte) netip.AddrPort {
	a := netip.AddrFrom16([16]byte(b[4:endSize]))
	switch b[0] {
	case endUnknown:
		return netip.AddrPort{}
	case end4:
		a = a.Unmap()
	}
	return netip.AddrPortFrom(a, binary.LittleEndian.Uint16(b[2:]))
}

// record is one entry of the ring.
type record struct {
	head
	data []byte // the message, or contact, Call-ID and text of a note
}

func readRecord(b []byte) record {
	le := binary.LittleEndian
	return record{
		head: head{
			kind: kind(b[4]), in: b[5] == 1, network: b[6],
			at:    int64(le.Uint64(b[8:])), //nolint:gosec // bits
			whole: int(le.Uint32(b[16:])),
			cut:   [2]uint16{le.Uint16(b[20:]), le.Uint16(b[22:])},
			local: readEnd(b[24:]), remote: readEnd(b[24+endSize:]),
		},
		data: b[headSize:],
	}
}

// time is when it happened.
func (r record) time() time.Time { return time.Unix(0, r.at) }

// note splits the text of a note.
func (r record) note() (contact, callID, text string) {
	a, b := int(r.cut[0]), int(r.cut[0])+int(r.cut[1])
	return string(r.data[:a]), string(r.data[a:b]), string(r.data[b:])
}
