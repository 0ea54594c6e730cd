package desk

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"filo/contact"
)

// What agents do with the calls that they have, and supervisors with those of
// others. The desk checks who asks and what is asked; whether it is possible
// now is for the call to say.

// callRequest is the body of a command on a call.
type callRequest struct {
	Verb   contact.Verb        `json:"verb"`
	Digits string              `json:"digits"`
	To     contact.Destination `json:"to"`
}

// plainVerbs take nothing beside themselves.
var plainVerbs = []contact.Verb{
	contact.Hold, contact.Resume, contact.Mute, contact.Unmute, contact.HangUp, contact.WrongReason,
	contact.Swap, contact.Conference, contact.Complete, contact.Drop,
	contact.Record, contact.RecordPause, contact.RecordResume, contact.RecordStop,
}

// command serves POST /api/contacts/{id}/command.
func (d *Desk) command(_ http.ResponseWriter, r *http.Request, s *session) (any, error) {
	var in callRequest
	if err := readJSON(r, &in); err != nil {
		return nil, err
	}
	cmd := contact.CallCommand{Verb: in.Verb, Agent: contact.AgentID(s.user.User)}
	switch {
	case slices.Contains(plainVerbs, in.Verb):
	case in.Verb == contact.SendDigits:
		if in.Digits == "" || len(in.Digits) > 32 || strings.Trim(in.Digits, "0123456789*#ABCD") != "" {
			return nil, fmt.Errorf("%w: digits", ErrBadRequest)
		}
		cmd.Digits = in.Digits
	case in.Verb == contact.Transfer, in.Verb == contact.Consult:
		if err := d.checkDestination(in.To, cmd.Agent); err != nil {
			return nil, err
		}
		cmd.To = in.To
	default:
		return nil, fmt.Errorf("%w: verb", ErrBadRequest)
	}
	_, h, err := d.held(r, s, contact.Connected)
	if err != nil {
		return nil, err
	}
	if h.card.Channel != contact.Voice || d.deps.Calls == nil {
		return nil, fmt.Errorf("%w: not a call", contact.ErrBadCommand)
	}
	return struct{}{}, d.deps.Calls.Command(r.Context(), h.id, cmd)
}

// dialable is a number as an agent may write it.
var dialable = regexp.MustCompile(`^\+?[0-9]{2,20}$`)

// checkDestination refuses what can be no destination. Whether somebody is
// there is for the call to find out.
func (d *Desk) checkDestination(to contact.Destination, by contact.AgentID) error {
	if !to.Valid() {
		return fmt.Errorf("%w: to is one of agent, queue and number", ErrBadRequest)
	}
	switch {
	case to.Agent != "":
		if u, ok := d.users.Get(string(to.Agent)); !ok || !u.takesContacts() || to.Agent == by {
			return fmt.Errorf("agent: %w", contact.ErrNoTarget)
		}
	case to.Queue != "":
		if _, ok := d.deps.Routing.Queues[to.Queue]; !ok {
			return fmt.Errorf("queue: %w", contact.ErrNoTarget)
		}
	case !dialable.MatchString(to.Number):
		return fmt.Errorf("%w: number", ErrBadRequest)
	case d.deps.Calls == nil || !d.deps.Calls.Dials():
		return contact.ErrBarred
	}
	return nil
}

// monitorCall serves POST /api/contacts/{id}/monitor.
func (d *Desk) monitorCall(_ http.ResponseWriter, r *http.Request, s *session) (any, error) {
	var in struct {
		Mode contact.MonitorMode `json:"mode"`
	}
	if err := readJSON(r, &in); err != nil {
		return nil, err
	}
	switch in.Mode {
	case contact.Listen, contact.Whisper, contact.Barge, contact.MonitorOff:
	default:
		return nil, fmt.Errorf("%w: mode", ErrBadRequest)
	}
	if d.deps.Calls == nil {
		return nil, contact.ErrNoContact
	}
	return struct{}{}, d.deps.Calls.Command(r.Context(), contact.ID(r.PathValue("id")), contact.CallCommand{
		Verb: contact.Monitor, Agent: contact.AgentID(s.user.User), Mode: in.Mode,
	})
}

// monitors shows a supervisor what is followed now. The end of a call that is
// not followed any more is no news.
func (s *seat) monitors(m contact.Monitoring) {
	j := &monitorJSON{Contact: m.Contact, Mode: m.Mode, Agent: s.d.users.Name(m.Agent)}
	switch {
	case m.Mode != contact.MonitorOff:
		s.monitor = j
	case s.monitor == nil || s.monitor.Contact != m.Contact:
		return
	default:
		s.monitor = nil
	}
	s.push(frameMonitor, frameMonitor, j)
}
