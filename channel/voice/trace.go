package voice

import (
	"strings"
	"time"

	"filo/contact"
	"filo/media"
	"filo/sip"
)

// Trace is told which dialogs belong to which contact, and what happens
// between their messages. Its methods must not block. What it is told holds
// nothing personal of a customer.
type Trace interface {
	// Leg says that the dialog with this Call-ID is the contact's, and who is at
	// its far end: a word, and a name after a space ("agent paola").
	Leg(contact, callID, role string)
	// Alias lets the dialog be found by the leg's id in the logs.
	Alias(name, callID string)
	// Note adds an event, on the leg with callID or with "" on none: one of the
	// notes below, with what it is about after a colon ("queued: checkout").
	Note(contact, callID, text string)
	// NoteAt is Note for something that was noticed later than it happened.
	NoteAt(at time.Time, contact, callID, text string)
}

// untraced is the Trace of a node that keeps none.
type untraced struct{}

func (untraced) Leg(string, string, string)  {}
func (untraced) Alias(string, string)        {}
func (untraced) Note(string, string, string) {}

func (untraced) NoteAt(time.Time, string, string, string) {}

// Events of a call as its trace tells them.
const (
	noteMenu        = "menu"
	noteSkipped     = "menu skipped"
	noteQueued      = "queued"
	noteOffered     = "offered"
	noteOfferOver   = "offer over"
	noteAccepted    = "accepted"
	noteTalking     = "talking"
	noteMusic       = "music"
	noteHold        = "hold"
	noteResumed     = "resumed"
	noteMuted       = "muted"
	noteUnmuted     = "unmuted"
	noteLineLost    = "line lost"
	noteLineBack    = "line back"
	noteRTPIn       = "first audio from"
	noteRTPOut      = "first audio to"
	noteConnected   = "media connected"
	noteNoAudio     = "no audio from"
	noteMediaFailed = "media failed"
	noteKey         = "key"
	noteKeysSent    = "keys sent"
	noteTransfer    = "transfer"
	noteConsult     = "consult"
	noteConsulting  = "consulting"
	noteConsultOver = "consultation over"
	noteMonitor     = "monitor"
	noteRecording   = "recording"
	noteEnded       = "ended"
)

// note tells the trace of something that concerns the whole call.
func (k *call) note(what string, about ...string) {
	k.c.trace.Note(string(k.id), "", noteText(what, about))
}

// noteAt tells the trace of something on one leg of the call; nil for the caller's.
func (k *call) noteAt(leg *sip.Leg, what string, about ...string) {
	if leg == nil {
		leg = k.leg
	}
	k.c.trace.Note(string(k.id), leg.Info().CallID, noteText(what, about))
}

func noteText(what string, about []string) string {
	if len(about) == 0 {
		return what
	}
	return what + ": " + strings.Join(about, " ")
}

// either chooses between the two notes of a switch.
func either(on bool, yes, no string) string {
	if on {
		return yes
	}
	return no
}

// traced says that a leg is the call's, and who is at its far end.
func (k *call) traced(leg *sip.Leg, role ...string) {
	id := leg.Info().CallID
	k.c.trace.Leg(string(k.id), id, strings.Join(role, " "))
	k.c.trace.Alias(leg.ID(), id)
}

// placed is sip.InviteOptions.Placed of a leg to role: the trace has the
// attempts that fail, too.
func (k *call) placed(role ...string) func(callID string) {
	return func(callID string) { k.c.trace.Leg(string(k.id), callID, strings.Join(role, " ")) }
}

// callerRole is who is at the far end of a customer's leg.
func callerRole(info sip.Info) []string {
	switch {
	case info.Trunk != "":
		return []string{"caller", info.Trunk}
	case info.User != "":
		return []string{"caller", "browser"}
	}
	return []string{"caller"}
}

func agentRole(id contact.AgentID) []string { return []string{"agent", string(id)} }

// browserRole is an agent at a line, whose dialog is older than the call and
// outlives it.
func browserRole(id contact.AgentID) []string { return []string{"browser", string(id)} }

// noteMedia tells what became of the caller's media.
func (k *call) noteMedia(e media.Event) {
	what := noteMediaFailed
	switch e.Kind {
	case media.Connected:
		what = noteConnected
	case media.Timeout:
		what = noteNoAudio
	case media.Failed:
	}
	k.c.trace.NoteAt(e.At, string(k.id), k.leg.Info().CallID, what)
}

// heardFirst are the first packets of a conversation that the trace has told.
type heardFirst struct{ fromCaller, fromAgent, toCaller, toAgent bool }

// noteFirst tells, once each, that audio flows from and to the two sides since
// they were joined.
func (v *conversation) noteFirst() {
	caller, agent, agentLeg := v.caller.ep.Stats(), v.agent.ep.Stats(), v.agent.dialog
	for _, f := range []struct {
		told *bool
		at   time.Time
		leg  *sip.Leg
		what string
	}{
		{&v.told.fromCaller, caller.JoinFirstIn, v.k.leg, noteRTPIn},
		{&v.told.toCaller, caller.JoinFirstOut, v.k.leg, noteRTPOut},
		{&v.told.fromAgent, agent.JoinFirstIn, agentLeg, noteRTPIn},
		{&v.told.toAgent, agent.JoinFirstOut, agentLeg, noteRTPOut},
	} {
		if !*f.told && !f.at.IsZero() {
			*f.told = true
			v.k.c.trace.NoteAt(f.at, string(v.k.id), f.leg.Info().CallID, f.what)
		}
	}
}
