package trace

import (
	"cmp"
	"errors"
	"fmt"
	"hash/maphash"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ErrUnknown is returned for an id of which nothing is remembered, or nothing
// any more.
var ErrUnknown = errors.New("nothing is traced by that name")

// Options say how a ladder is made.
type Options struct {
	// Clear shows numbers, names and what no grammar knows. Keys and credentials
	// are removed all the same.
	Clear bool
	// Data adds the messages themselves.
	Data bool
}

// Ladder is what a contact, or one dialog, said and did, in order of time.
type Ladder struct {
	ID      string    `json:"id"`                // the contact, or the Call-ID of a dialog that no contact has
	Contact string    `json:"contact,omitempty"` // "" for such a dialog
	Start   time.Time `json:"start"`             // of the first row
	Clear   bool      `json:"clear"`
	// Overwritten tells that the trace had no room for the beginning of one leg
	// or more; each says for itself.
	Overwritten bool `json:"overwritten"`
	// Omitted is how many rows are left out in the middle of a ladder that is
	// too long to be drawn.
	Omitted int     `json:"omitted,omitempty"`
	Parties []Party `json:"parties"` // from left to right
	Legs    []Leg   `json:"legs"`
	Rows    []Row   `json:"rows"`
}

// Party is a column: Filo, or who is at the far end of legs.
type Party struct {
	Role string `json:"role"` // "filo", or the first word of the leg's role: "caller", "agent", "browser", "trunk"
	Name string `json:"name,omitempty"`
	// User is the masked number or user at the far end, of a caller's column.
	User    string `json:"user,omitempty"`
	Address string `json:"address,omitempty"` // of the first message
	Network string `json:"network,omitempty"`
}

// Leg is one dialog.
type Leg struct {
	CallID string `json:"call_id"` // without a number that may stand in it
	Party  int    `json:"party"`   // index of its far end
	// Overwritten: the messages that began it are gone.
	Overwritten bool `json:"overwritten"`
	// Before is how many messages it had before the contact began: it is a line
	// that stands for a shift.
	Before   int `json:"before,omitempty"`
	Messages int `json:"messages"`
}

// Kinds of rows.
const (
	Request  = "request"
	Response = "response"
	Event    = "event"
	Broken   = "broken" // bytes that are no SIP
)

// Row is one message or event.
type Row struct {
	At   time.Time `json:"at"`
	MS   float64   `json:"ms"` // since the first row
	Kind string    `json:"kind"`
	Leg  int       `json:"leg"` // index; -1: an event of the whole contact
	// From and To are indexes of parties, the same for an event.
	From int    `json:"from"`
	To   int    `json:"to"`
	Text string `json:"text"` // "INVITE", "200 OK", or what happened
	// Method is of the request, or of the one that is answered.
	Method string `json:"method,omitempty"`
	Code   int    `json:"code,omitempty"`
	CSeq   uint32 `json:"cseq,omitempty"`
	// Again counts retransmissions: 1 for the first; Of is the row that was
	// sent again.
	Again int  `json:"again,omitempty"`
	Of    int  `json:"of,omitempty"`
	SDP   *SDP `json:"sdp,omitempty"`
	// Bytes is the size on the wire; Cut tells that not all of it was kept.
	Bytes   int            `json:"bytes,omitempty"`
	Cut     bool           `json:"cut,omitempty"`
	Network string         `json:"network,omitempty"`
	Local   netip.AddrPort `json:"-"`
	Remote  netip.AddrPort `json:"-"`
	Data    string         `json:"data,omitempty"` // redacted
	in      bool
}

// Ladder draws a contact by its id, by the Call-ID of one of its dialogs or by
// an alias; or a dialog that no contact has. The error wraps ErrUnknown.
func (r *Recorder) Ladder(id string, o Options) (Ladder, error) {
	if r.calls == nil {
		return Ladder{}, fmt.Errorf("trace is off: %w", ErrUnknown)
	}
	c, callID := r.links.find(id)
	d := &drawing{redactor: newRedactor(o.Clear), options: o, contact: c.contact}
	if c.contact == "" {
		d.add(link{callID: callID, role: "peer"})
	}
	for _, l := range c.legs {
		d.add(l)
	}
	d.collect(r.calls)
	if c.contact == "" && len(d.entries) == 0 {
		d.collect(r.background)
	}
	l := d.draw()
	if len(l.Rows) == 0 && len(c.legs) == 0 {
		return Ladder{}, fmt.Errorf("%w: %q", ErrUnknown, cut(id, maxID))
	}
	if l.ID = l.Contact; l.ID == "" {
		l.ID = l.Legs[0].CallID
	}
	return l, nil
}

// drawing is a ladder in the making.
type drawing struct {
	options  Options
	contact  string
	redactor *redactor
	legs     []*drawnLeg
	entries  []entry
	lost     bool // the ring has overwritten something
}

// drawnLeg is a leg in the making.
type drawnLeg struct {
	link
	Leg
	party Party
	seen  map[uint64]seen // messages by what makes them the same
	some  bool            // it has a message
}

type seen struct{ row, times int }

// entry is one record that belongs to the ladder.
type entry struct {
	record
	leg  int
	text string // of a note
	msg  message
	ok   bool // msg could be read
	kept int  // bytes of it
	sum  uint64
}

func (d *drawing) add(l link) {
	for _, known := range d.legs {
		if known.callID == l.callID { // it came back to the contact: one leg
			known.until = l.until
			return
		}
	}
	if _, name, ok := strings.Cut(l.role, " "); ok {
		d.redactor.secrets.public[strings.ToLower(name)] = true // agents are no secret of the trace that names them
	}
	d.legs = append(d.legs, &drawnLeg{link: l, Leg: Leg{CallID: l.callID}, seen: map[uint64]seen{}})
}

func (d *drawing) leg(callID string) int {
	return slices.IndexFunc(d.legs, func(l *drawnLeg) bool { return callID != "" && l.callID == callID })
}

// collect takes what belongs to the ladder out of a ring.
func (d *drawing) collect(r *ring) {
	look := r.read(0, 0)
	defer look.close()
	d.lost = d.lost || look.lost
	for _, rec := range look.records() {
		switch rec.kind {
		case kindMessage:
			if i := d.leg(callIDOf(rec.data)); i >= 0 {
				d.message(rec, i)
			}
		case kindNote:
			contact, callID, text := rec.note()
			if i := d.leg(callID); contact == d.contact && d.contact != "" || d.contact == "" && i >= 0 {
				rec.data = nil
				d.entries = append(d.entries, entry{record: rec, leg: i, text: text})
			}
		}
	}
}

// sameness makes a number of a message by which its retransmission is known.
var sameness = maphash.MakeSeed()

func (d *drawing) message(rec record, leg int) {
	e := entry{record: rec, leg: leg, kept: len(rec.data), sum: maphash.Bytes(sameness, rec.data)}
	if rec.in {
		e.sum++
	}
	if e.msg, e.ok = parse(rec.data); e.ok {
		e.msg.body = slices.Clone(e.msg.body) // the ring's until now
		d.redactor.learn(e.msg)
	}
	e.data = nil
	d.entries = append(d.entries, e)
}

// draw orders what was collected and makes the ladder of it.
func (d *drawing) draw() Ladder {
	slices.SortStableFunc(d.entries, func(a, b entry) int { return cmp.Compare(a.at, b.at) })
	d.window()
	omitted := d.shorten()
	l := Ladder{Omitted: omitted, Contact: d.contact, Clear: d.options.Clear, Rows: []Row{}}
	for _, e := range d.entries {
		l.Rows = append(l.Rows, d.row(e, len(l.Rows)))
	}
	if len(l.Rows) > 0 {
		l.Start = l.Rows[0].At
	}
	d.parties(&l)
	for _, leg := range d.legs {
		leg.CallID = opaque(d.redactor, leg.CallID)
		leg.Overwritten = leg.Overwritten || d.lost && !leg.some && !standing[leg.party.Role]
		l.Overwritten = l.Overwritten || leg.Overwritten
		l.Legs = append(l.Legs, leg.Leg)
	}
	for i := range l.Rows {
		d.place(&l, &l.Rows[i])
	}
	return l
}

// window leaves out what a dialog did before the contact began and after it
// became another one's. The first leg is the contact's from its beginning.
func (d *drawing) window() {
	var start int64
	for _, e := range d.entries {
		if e.leg == 0 || e.kind == kindNote {
			start = e.at
			break
		}
	}
	if len(d.legs) > 0 && d.contact != "" && (start == 0 || d.legs[0].at.UnixNano() < start) {
		start = d.legs[0].at.UnixNano()
	}
	d.entries = slices.DeleteFunc(d.entries, func(e entry) bool {
		if e.leg <= 0 || e.kind == kindNote {
			return false
		}
		leg := d.legs[e.leg]
		if e.at < start {
			d.meet(leg, e)
			leg.Before++
			return true
		}
		return !leg.until.IsZero() && e.at >= leg.until.UnixNano()
	})
}

// Rows of a ladder that is too long: what began it, and the newest.
const (
	firstRows = 500
	lastRows  = 2500
)

// shorten bounds the rows, against floods of one Call-ID.
func (d *drawing) shorten() (omitted int) {
	if omitted = len(d.entries) - firstRows - lastRows; omitted <= 0 {
		return 0
	}
	d.entries = slices.Delete(d.entries, firstRows, firstRows+omitted)
	return omitted
}

func (d *drawing) row(e entry, n int) Row {
	row := Row{At: e.time().UTC(), Leg: e.leg, Kind: Event, Text: d.note(e.text)}
	if e.kind == kindNote {
		return row
	}
	leg := d.legs[e.leg]
	leg.Messages++
	row.Bytes, row.Network, row.Local, row.Remote = e.whole, networks[e.network], e.local, e.remote
	row.in = e.in
	if !leg.some {
		d.begin(leg, e)
	}
	if was, ok := leg.seen[e.sum]; ok {
		was.times++
		row.Again, row.Of = was.times, was.row
		leg.seen[e.sum] = was
	} else {
		leg.seen[e.sum] = seen{row: n}
	}
	d.describe(&row, e)
	return row
}

// standing are the roles of dialogs that are older than the contact, if it is a
// browser's line: their beginning is nothing that a ladder misses.
var standing = map[string]bool{"browser": true, "supervisor": true}

// begin notes what the first message of a leg tells.
func (d *drawing) begin(leg *drawnLeg, e entry) {
	leg.some = true
	d.meet(leg, e)
	role, _, _ := strings.Cut(leg.role, " ")
	leg.Overwritten = d.lost && leg.Before == 0 && !standing[role] && (!e.ok || !e.msg.opens())
}

// meet notes where the far end is, and who, when that is not known yet.
func (d *drawing) meet(leg *drawnLeg, e entry) {
	if leg.party.Network == "" {
		leg.party.Network = networks[e.network]
	}
	if leg.party.Address == "" && e.remote.IsValid() {
		leg.party.Address = e.remote.String()
	}
	if leg.party.User == "" && e.ok && e.msg.code == 0 {
		m := d.redactor.redact(e.msg)
		d.user(leg, e, &m)
	}
}

// describe fills in what the message itself says, as far as it may be shown.
func (d *drawing) describe(row *Row, e entry) {
	if !e.ok {
		row.Kind, row.Text = Broken, "not SIP"
		return
	}
	m := d.redactor.redact(e.msg)
	number, method, _ := strings.Cut(m.get("CSeq"), " ")
	if n, err := strconv.ParseUint(number, 10, 32); err == nil {
		row.CSeq = uint32(n)
	}
	row.Kind, row.Text, row.Method, row.Code = Request, m.method, m.method, m.code
	if m.code > 0 {
		row.Kind, row.Method = Response, method
		row.Text = strconv.Itoa(m.code) + " " + m.phrase
	}
	row.Cut = e.whole > e.kept
	if len(m.body) > 0 {
		row.SDP = summarise(m.body)
	}
	if d.options.Data {
		row.Data = string(m.bytes())
	}
}

// user remembers who is at the far end: the From of a request that came, the To
// of one that we sent.
func (d *drawing) user(leg *drawnLeg, e entry, m *message) {
	far := m.get("To")
	if e.in {
		far = m.get("From")
	}
	_, rest, _ := strings.Cut(far, "<")
	_, rest, _ = strings.Cut(rest, ":")
	if user, _, ok := strings.Cut(rest, "@"); ok {
		leg.party.User = showMask(user)
	}
}

// note hides what should not stand in a note: runs of digits, and which key was
// pressed.
func (d *drawing) note(text string) string {
	if d.options.Clear {
		return text
	}
	return maskRuns(d.redactor.secrets.sweep(text))
}

// parties makes the columns: who began the contact stands left of Filo, all
// others right in the order in which they came. Legs to the same role share one.
func (d *drawing) parties(l *Ladder) {
	columns := map[string]int{}
	for _, leg := range d.legs {
		n, ok := columns[leg.role]
		if !ok {
			n = len(l.Parties)
			columns[leg.role] = n
			leg.party.Role, leg.party.Name, _ = strings.Cut(leg.role, " ")
			l.Parties = append(l.Parties, leg.party)
			if n == 0 {
				l.Parties = append(l.Parties, Party{Role: "filo"})
			}
		}
		leg.Party = n
	}
}

// place puts a row between its columns; Filo is the second.
func (d *drawing) place(l *Ladder, row *Row) {
	const filo = 1
	row.MS = float64(row.At.Sub(l.Start).Microseconds()) / 1000
	far := filo
	if row.Leg >= 0 {
		far = l.Legs[row.Leg].Party
	}
	switch {
	case row.Kind == Event:
		row.From, row.To = far, far
	case row.in:
		row.From, row.To = far, filo
	default:
		row.From, row.To = filo, far
	}
}
