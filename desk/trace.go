package desk

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"filo/contact"
	"filo/sip/trace"
)

// Trace draws what the legs of a call said: a *trace.Recorder.
type Trace interface {
	Ladder(id string, o trace.Options) (trace.Ladder, error)
}

// trace serves GET /api/contacts/{id}/trace: the ladder of a call, redacted
// whoever asks. Supervisors see that of every contact, with the messages;
// agents that of a contact which they have or had a moment ago, without.
func (d *Desk) trace(_ http.ResponseWriter, r *http.Request, s *session) (any, error) {
	if err := d.mayTrace(r, s); err != nil {
		return nil, err
	}
	return d.ladder(r, s.user.supervises())
}

// capture serves GET /api/contacts/{id}/trace.pcap, to supervisors.
func (d *Desk) capture(w http.ResponseWriter, r *http.Request, _ *session) (any, error) {
	l, err := d.ladder(r, true)
	if err != nil {
		return nil, err
	}
	w.Header().Set("Content-Type", trace.PCAPType)
	w.Header().Set("Content-Disposition", `attachment; filename="`+l.Contact+`.pcap"`)
	if err := l.PCAP(w); err != nil {
		d.log.LogAttrs(r.Context(), slog.LevelDebug, "capture not sent whole", slog.String("error", err.Error()))
	}
	return nil, errAnswered
}

// ladder finds the ladder of a contact; other names that the trace knows, such
// as a Call-ID, are not for the desk.
func (d *Desk) ladder(r *http.Request, data bool) (trace.Ladder, error) {
	id := r.PathValue("id")
	if d.deps.Trace == nil {
		return trace.Ladder{}, contact.ErrNoContact
	}
	l, err := d.deps.Trace.Ladder(id, trace.Options{Data: data})
	if errors.Is(err, trace.ErrUnknown) || err == nil && l.Contact != id {
		return trace.Ladder{}, contact.ErrNoContact
	}
	return l, err
}

// mayTrace reports why a user may not see the trace of a contact.
func (d *Desk) mayTrace(r *http.Request, s *session) error {
	if s.user.supervises() {
		return nil
	}
	return d.had(r.Context(), contact.AgentID(s.user.User), contact.ID(r.PathValue("id")))
}

// had returns nil when the agent has a contact, or had it a moment ago: an
// offer alone is not enough.
func (d *Desk) had(ctx context.Context, agent contact.AgentID, id contact.ID) error {
	h, _, _, err := d.peek(ctx, agent, id)
	switch {
	case err != nil:
		return err
	case h.phase == contact.Offered:
		return contact.ErrNotYours
	}
	return nil
}
