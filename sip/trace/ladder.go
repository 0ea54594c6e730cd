package trace

import (
	"errors"
	"fmt"
	"net/netip"
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
	defer d.close()
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
