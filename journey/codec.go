package journey

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"filo/contact"
)

// codecVersion is the first byte of an encoded dossier. Entries of another
// version are misses, so that a new release never reads an old cache.
const codecVersion = 1

var errCodec = errors.New("bad dossier encoding")

// EncodeDossier returns d in the compact form that Hot stores keep.
func EncodeDossier(d *Dossier) []byte {
	e := encoder{buf: make([]byte, 0, 512+256*len(d.Recent))}
	e.buf = append(e.buf, codecVersion)
	e.str(string(d.Customer))
	e.num(d.Version)
	e.num(uint64(len(d.Leaves)))
	for i := range d.Leaves {
		e.leaf(&d.Leaves[i])
	}
	e.num(uint64(len(d.Edges)))
	for _, x := range d.Edges {
		e.str(string(x.A))
		e.str(string(x.B))
		e.str(x.Source)
		e.num(math.Float64bits(x.Confidence))
		e.time(x.At)
	}
	e.num(uint64(len(d.Recent)))
	for i := range d.Recent {
		e.event(&d.Recent[i])
	}
	return e.buf
}

// DecodeDossier reads what EncodeDossier wrote.
func DecodeDossier(b []byte) (Dossier, error) {
	if len(b) == 0 || b[0] != codecVersion {
		return Dossier{}, fmt.Errorf("%w: version", errCodec)
	}
	d := decoder{buf: b[1:], text: string(b[1:])}
	out := Dossier{Customer: contact.CustomerID(d.str()), Version: d.num()}
	out.Leaves = make([]Leaf, d.count())
	for i := range out.Leaves {
		d.leaf(&out.Leaves[i])
	}
	out.Edges = make([]Edge, d.count())
	for i := range out.Edges {
		out.Edges[i] = Edge{
			A: contact.CustomerID(d.str()), B: contact.CustomerID(d.str()), Source: d.str(),
			Confidence: math.Float64frombits(d.num()), At: d.time(),
		}
	}
	out.Recent = make([]Event, d.count())
	for i := range out.Recent {
		d.event(&out.Recent[i])
	}
	if d.bad || len(d.buf) != 0 {
		return Dossier{}, fmt.Errorf("%w: truncated or trailing bytes", errCodec)
	}
	return out, nil
}

type encoder struct{ buf []byte }

func (e *encoder) num(n uint64) { e.buf = binary.AppendUvarint(e.buf, n) }

func (e *encoder) str(s string) {
	e.num(uint64(len(s)))
	e.buf = append(e.buf, s...)
}

func (e *encoder) flag(b bool) {
	var n uint64
	if b {
		n = 1
	}
	e.num(n)
}

// time keeps microseconds, as the Record does.
func (e *encoder) time(t time.Time) {
	if t.IsZero() {
		e.num(0)
		return
	}
	e.num(uint64(t.UnixMicro())) //nolint:gosec // events before 1970 are refused by Ingest
}

func (e *encoder) leaf(l *Leaf) {
	for _, s := range []string{
		string(l.ID), string(l.Root), string(l.Identity.Type), l.Identity.Value,
		l.Profile.Name, l.Profile.Lang, string(l.Profile.Agent),
	} {
		e.str(s)
	}
	e.num(uint64(max(l.Profile.Rank, 0)))
	e.time(l.Since)
	e.num(uint64(max(l.Events, 0)))
	e.flag(l.Texted)
	e.flag(l.Called)
	e.num(uint64(len(l.Channels)))
	for _, c := range l.Channels {
		e.str(string(c))
	}
}

func (e *encoder) event(v *Event) {
	for _, s := range []string{
		v.ID, string(v.Customer), string(v.Channel), string(v.Dir), string(v.Kind), v.Reason, v.Stage,
		v.Summary, v.ContentRef, v.CaseID, string(v.Contact), v.InReplyTo, v.Thread,
	} {
		e.str(s)
	}
	e.time(v.OccurredAt)
	e.time(v.Answered)
	keys := make([]string, 0, len(v.Attrs))
	for k := range v.Attrs {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	e.num(uint64(len(keys)))
	for _, k := range keys {
		e.str(k)
		e.str(v.Attrs[k])
	}
}

// decoder reads forward; after the first fault everything reads as zero.
// Strings share one copy of the input.
type decoder struct {
	buf  []byte
	text string
	bad  bool
}

func (d *decoder) num() uint64 {
	n, w := binary.Uvarint(d.buf)
	if w <= 0 {
		d.bad = true
		d.buf = nil
		return 0
	}
	d.buf = d.buf[w:]
	return n
}

func (d *decoder) str() string {
	n := d.num()
	if n > uint64(len(d.buf)) {
		d.bad = true
		d.buf = nil
		return ""
	}
	at := len(d.text) - len(d.buf)
	d.buf = d.buf[n:]
	return d.text[at : at+int(n)] //nolint:gosec // bounded by len(d.buf)
}

func (d *decoder) flag() bool { return d.num() == 1 }

func (d *decoder) time() time.Time {
	us := d.num()
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(int64(us)).UTC() //nolint:gosec // written from an int64
}

// count reads a length; every element takes at least one byte, which bounds
// what a bad entry can make us allocate.
func (d *decoder) count() int {
	n := d.num()
	if n > uint64(len(d.buf)) {
		d.bad = true
		return 0
	}
	return int(n) //nolint:gosec // bounded by len(d.buf)
}

func (d *decoder) leaf(l *Leaf) {
	l.ID, l.Root = contact.CustomerID(d.str()), contact.CustomerID(d.str())
	l.Identity = Identity{IdentityType(d.str()), d.str()}
	l.Profile = Profile{Name: d.str(), Lang: d.str(), Agent: contact.AgentID(d.str())}
	l.Profile.Rank = int(d.num()) //nolint:gosec // small
	l.Since = d.time()
	l.Events = int(d.num()) //nolint:gosec // a counter
	l.Texted, l.Called = d.flag(), d.flag()
	l.Channels = make([]contact.Channel, d.count())
	for i := range l.Channels {
		l.Channels[i] = contact.Channel(d.str())
	}
}

func (d *decoder) event(v *Event) {
	v.ID, v.Customer = d.str(), contact.CustomerID(d.str())
	v.Channel, v.Dir = contact.Channel(d.str()), contact.Direction(d.str())
	v.Kind, v.Reason, v.Stage, v.Summary = Kind(d.str()), d.str(), d.str(), d.str()
	v.ContentRef, v.CaseID, v.Contact = d.str(), d.str(), contact.ID(d.str())
	v.InReplyTo, v.Thread = d.str(), d.str()
	v.OccurredAt, v.Answered = d.time(), d.time()
	n := d.count()
	if n == 0 {
		return
	}
	v.Attrs = make(map[string]string, n)
	for range n {
		k := d.str()
		v.Attrs[k] = d.str()
	}
}
