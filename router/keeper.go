package router

import (
	"encoding/json"
	"math"

	"filo/contact"
	"filo/router/core"
	"filo/router/journal"
)

// keeper writes down for the journal what the core is told, and what the
// handles mean that it was told of.
type keeper struct {
	journal recorder
	seq     uint64       // of the last command
	cmd     core.Command // that one
}

// recorder is a *journal.Journal, as the loop uses it.
type recorder interface {
	Plan(steps []core.Step, handle core.Plan)
	Class(p core.Profile, handle core.Class)
	WorkType(w core.WorkType, handle core.Type)
	Note(key journal.NoteKey, value string) (seq uint64)
	Command(now int64, cmd *core.Command, effects []core.Effect) (seq uint64)
	Sync(seq uint64)
	Settled() uint64
	Changed() <-chan struct{}
}

// nowhere is the recorder of a router without a journal: nothing is kept and
// nobody waits.
type nowhere struct{}

func (nowhere) Plan([]core.Step, core.Plan)                              {}
func (nowhere) Class(core.Profile, core.Class)                           {}
func (nowhere) WorkType(core.WorkType, core.Type)                        {}
func (nowhere) Note(journal.NoteKey, string) uint64                      { return 0 }
func (nowhere) Command(int64, *core.Command, []core.Effect) (seq uint64) { return 0 }
func (nowhere) Sync(uint64)                                              {}
func (nowhere) Settled() uint64                                          { return math.MaxUint64 }
func (nowhere) Changed() <-chan struct{}                                 { return nil }

// Kinds of notes: what the outside calls a handle.
const (
	contactNote journal.NoteKind = iota + 1 // JSON of noted, while the contact is open
	agentNote                               // JSON of Agent
	skillNote                               // name
	typeNote                                // name of the work type's queue
	roomNote                                // name
	channelNote                             // name
	lostNote                                // JSON of lostPlace; the handle means nothing
)

// noted is what a contact needs to be found again after a restart.
type noted struct {
	ID    contact.ID `json:"id"`
	Queue string     `json:"queue"`          // that it asked for
	Peer  string     `json:"peer,omitempty"` // of a call, which may come again
	// Consult: it is about another contact, and ends with that.
	Consult bool `json:"consult,omitempty"`
}

func (l *loop) note(kind journal.NoteKind, handle uint32, value string) {
	l.journal.Note(journal.NoteKey{Kind: kind, Handle: handle}, value)
}

func (l *loop) noteJSON(kind journal.NoteKind, handle uint32, value any) {
	b, err := json.Marshal(value)
	if err != nil { // not possible: strings and numbers
		l.r.log.Error("routing journal: note", "error", err)
		return
	}
	l.note(kind, handle, string(b))
}

// noteContact comes before the contact's first command.
func (l *loop) noteContact(t *Ticket) {
	if _, off := l.journal.(nowhere); off {
		return
	}
	n := noted{ID: t.card.Contact, Queue: t.target.Queue, Consult: t.card.Consult != nil}
	if t.card.Channel == contact.Voice && !n.Consult {
		n.Peer = t.card.Peer
	}
	l.noteJSON(contactNote, uint32(t.handle), n)
}

func (l *loop) noteAgent(a *agent) { l.noteJSON(agentNote, uint32(a.handle), a.spec) }

// keep writes down the command that was just applied.
func (l *loop) keep(now int64, cmd core.Command) {
	l.cmd = cmd
	l.seq = l.journal.Command(now, &l.cmd, l.effects)
}

func (l *loop) plan(steps []core.Step) core.Plan {
	p := l.core.Plan(steps)
	l.journal.Plan(steps, p)
	return p
}

func (l *loop) class(p core.Profile) core.Class {
	c := l.core.Class(p)
	l.journal.Class(p, c)
	return c
}

// newType defines a work type of a queue.
func (l *loop) newType(w core.WorkType, queue string) core.Type {
	t := l.core.WorkType(w)
	l.journal.WorkType(w, t)
	l.note(typeNote, uint32(t), queue)
	return t
}
