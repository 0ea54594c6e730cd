package trace

import (
	"cmp"
	"hash/maphash"
	"slices"
	"strconv"
	"strings"
)

// drawing is a ladder in the making.
type drawing struct {
	options  Options
	contact  string
	redactor *redactor
	legs     []*drawnLeg
	looks    []*reading // open until all is drawn
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

// entry is one record that belongs to the ladder. Messages are taken apart when
// it is known that they are drawn.
type entry struct {
	record
	leg  int
	text string // of a note
	msg  message
	ok   bool // msg could be read
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

// leg returns the index of the leg with a Call-ID; -1 for none.
func (d *drawing) leg(callID []byte) int {
	return slices.IndexFunc(d.legs, func(l *drawnLeg) bool { return len(callID) > 0 && l.callID == string(callID) })
}

// close lets go of the rings.
func (d *drawing) close() {
	for _, look := range d.looks {
		look.close()
	}
}

// collect finds what belongs to the ladder in a ring.
func (d *drawing) collect(r *ring) {
	look := r.read(0, 0)
	d.looks = append(d.looks, look)
	d.lost = d.lost || look.lost
	for _, rec := range look.records() {
		switch rec.kind {
		case kindMessage:
			if i := d.leg(callIDOf(rec.data)); i >= 0 {
				d.entries = append(d.entries, entry{record: rec, leg: i})
			}
		case kindNote:
			contact, callID, text := rec.note()
			if i := d.leg([]byte(callID)); contact == d.contact && d.contact != "" || d.contact == "" && i >= 0 {
				d.entries = append(d.entries, entry{record: rec, leg: i, text: text})
			}
		}
	}
}

// parse takes the message of an entry apart, if that was not done yet.
func (e *entry) parse() {
	if e.kind == kindMessage && !e.ok {
		e.msg, e.ok = parse(e.data)
	}
}

// learn reads the numbers and names of all messages, before any is shown.
func (d *drawing) learn() {
	for i := range d.entries {
		e := &d.entries[i]
		if e.parse(); e.ok {
			d.redactor.learn(e.msg)
		}
	}
}

// sameness makes a number of a message by which its retransmission is known.
var sameness = maphash.MakeSeed()

func (e *entry) sum() uint64 {
	sum := maphash.Bytes(sameness, e.data)
	if e.in {
		sum++
	}
	return sum
}

// draw orders what was collected and makes the ladder of it.
func (d *drawing) draw() Ladder {
	slices.SortStableFunc(d.entries, func(a, b entry) int { return cmp.Compare(a.at, b.at) })
	d.window()
	omitted := d.shorten()
	d.learn()
	l := Ladder{Omitted: omitted, Contact: d.contact, Clear: d.options.Clear, Rows: []Row{}}
	for i := range d.entries {
		l.Rows = append(l.Rows, d.row(&d.entries[i], i))
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
			d.before(leg, e)
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

func (d *drawing) row(e *entry, n int) Row {
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
	sum := e.sum()
	if was, ok := leg.seen[sum]; ok {
		was.times++
		row.Again, row.Of = was.times, was.row
		leg.seen[sum] = was
	} else {
		leg.seen[sum] = seen{row: n}
	}
	d.describe(&row, e)
	return row
}

// standing are the roles of dialogs that are older than the contact, if it is a
// browser's line: their beginning is nothing that a ladder misses.
var standing = map[string]bool{"browser": true, "supervisor": true}

// begin notes what the first message of a leg tells.
func (d *drawing) begin(leg *drawnLeg, e *entry) {
	leg.some = true
	d.meet(leg, e)
	role, _, _ := strings.Cut(leg.role, " ")
	leg.Overwritten = d.lost && leg.Before == 0 && !standing[role] && (!e.ok || !e.msg.opens())
}

// enoughBefore is how many older messages are looked at for who is at the far
// end.
const enoughBefore = 50

// before notes who is at the far end of a dialog that is older than the contact.
func (d *drawing) before(leg *drawnLeg, e entry) {
	if leg.party.User != "" || leg.Before > enoughBefore {
		return
	}
	if e.parse(); e.ok {
		d.redactor.learn(e.msg)
	}
	d.meet(leg, &e)
}

// meet notes where the far end is, and who, when that is not known yet.
func (d *drawing) meet(leg *drawnLeg, e *entry) {
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
func (d *drawing) describe(row *Row, e *entry) {
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
	row.Cut = e.whole > len(e.data)
	if len(m.body) > 0 {
		row.SDP = summarise(m.body)
	}
	if d.options.Data {
		row.Data = string(m.bytes())
	}
}

// user remembers who is at the far end: the From of a request that came, the To
// of one that we sent.
func (d *drawing) user(leg *drawnLeg, e *entry, m *message) {
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
