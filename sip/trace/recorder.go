package trace

import (
	"time"
)

// Recorder remembers the last messages of the node, and which Call-IDs belong
// to which contact. All methods may be called from any goroutine; those that
// are told something never block on a reader.
type Recorder struct {
	cfg        Config
	now        func() time.Time
	calls      *ring // nil: tracing is off
	background *ring // messages of no call
	links      *links
}

// New returns a Recorder. cfg has been validated.
func New(cfg Config) *Recorder {
	r := &Recorder{cfg: cfg, now: time.Now, links: newLinks(cfg.MaxContacts)}
	if cfg.Bytes > 0 {
		largest := headSize + cfg.MaxMessage
		r.calls = newRing(cfg.Bytes, largest)
		r.background = newRing(cfg.Bytes/8, largest)
	}
	return r
}

// Enabled reports whether anything is remembered.
func (r *Recorder) Enabled() bool { return r.calls != nil }

// Message implements Tap.
func (r *Recorder) Message(m Message) {
	if r.calls == nil || isKeepAlive(m.Data) {
		return
	}
	if m.At.IsZero() {
		m.At = r.now()
	}
	h := head{
		kind: kindMessage, in: m.In, network: networkIndex(m.Network), at: m.At.UnixNano(),
		whole: len(m.Data), local: m.Local, remote: m.Remote,
	}
	to := r.calls
	if isBackground(m.Data) {
		to = r.background
	}
	to.addMessage(h, m.Data[:min(len(m.Data), r.cfg.MaxMessage)])
}

// Leg says that the SIP dialog with callID belongs to contact, and who is at
// its far end: "caller", "agent paola", "trunk telco". The first leg of a
// contact is the one that began it. A Call-ID may belong to one contact after
// the other, as the line of a browser agent does: each has what happened in
// its time. Roles are shown to people and must hold nothing personal of a
// customer.
func (r *Recorder) Leg(contact, callID, role string) {
	if r.calls != nil && contact != "" && callID != "" {
		r.links.add(contact, callID, role, r.now())
	}
}

// Alias lets a dialog be found by another name too: the leg's id in the logs.
// It counts once the Call-ID is a contact's.
func (r *Recorder) Alias(name, callID string) {
	if r.calls != nil && name != "" {
		r.links.alias(name, callID)
	}
}

// Limits of what a note or link may hold, in bytes; the rest is cut off.
const (
	maxNote   = 200
	maxRole   = 60
	maxCallID = 512
	maxID     = 128
)

// Note adds an event to the ladder of a contact, on the leg with callID or,
// with "", on none: "first RTP", "joined", "on hold". The text is shown to
// people and must hold nothing personal; digits that were typed are masked.
func (r *Recorder) Note(contact, callID, text string) {
	r.NoteAt(r.now(), contact, callID, text)
}

// NoteAt is Note for something that was noticed later than it happened.
func (r *Recorder) NoteAt(at time.Time, contact, callID, text string) {
	if r.calls == nil || contact == "" {
		return
	}
	contact, callID, text = cut(contact, maxID), cut(callID, maxCallID), cut(text, maxNote)
	r.calls.add(head{
		kind: kindNote, at: at.UnixNano(),
		cut: [2]uint16{uint16(len(contact)), uint16(len(callID))}, //nolint:gosec // bounded above
	}, contact, callID, text)
}

// cut returns at most the first n bytes of s.
func cut(s string, n int) string { return s[:min(len(s), n)] }
