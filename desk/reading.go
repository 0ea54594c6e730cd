package desk

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strconv"

	"filo/contact"
	"filo/journey"
)

// sent returns the event of a reply that has just been sent, as the thread
// shows it. The contact may be over with the reply; then only the thread knows.
func (d *Desk) sent(ctx context.Context, seat *seat, h held, event, body string) journey.ThreadEvent {
	find := func(v journey.View) (journey.ThreadEvent, bool) {
		i := slices.IndexFunc(v.Events, func(e journey.ThreadEvent) bool { return e.ID == event })
		if i < 0 {
			return journey.ThreadEvent{}, false
		}
		return v.Events[i], true
	}
	var e journey.ThreadEvent
	var ok bool
	_ = seat.do(ctx, func(ctx context.Context) { // a seat that is gone shows nothing either
		if it := seat.items[h.id]; it != nil {
			if e, ok = find(it.view); !ok {
				seat.refresh(ctx, it)
				e, ok = find(it.view)
			}
		}
	})
	if ok {
		return e
	}
	if v, err := d.deps.Thread.View(ctx, h.request); err == nil {
		if e, ok := find(v); ok {
			return e
		}
	}
	return journey.ThreadEvent{
		ID: event, At: d.now().UTC(), Channel: h.card.Channel, Dir: contact.Outbound, Kind: journey.KindMessage,
		Text: body, Contact: h.id,
	}
}

// opened raises the tier of a contact after its agent verified who it is.
func (s *seat) opened(ctx context.Context, id contact.ID) (journey.View, error) {
	var v journey.View
	err := s.do(ctx, func(ctx context.Context) {
		it := s.items[id]
		if it == nil {
			return
		}
		it.tier = contact.D3
		s.read(ctx, it)
		v = it.view
		s.push(frameView, "view:"+string(it.id), viewJSON{Contact: it.id, View: it.view})
		if it.had != nil {
			s.pushContact(it)
		}
	})
	if err == nil && v.Tier == "" {
		err = contact.ErrNoContact
	}
	return v, err
}

// reread reads the view of a contact again and sends what changed.
func (s *seat) reread(ctx context.Context, id contact.ID) error {
	return s.do(ctx, func(ctx context.Context) {
		if it := s.items[id]; it != nil {
			s.refresh(ctx, it)
		}
	})
}

// shows reports whether every one of the events was shown with a contact.
func (s *seat) shows(ctx context.Context, id contact.ID, events ...string) bool {
	all := false
	err := s.do(ctx, func(context.Context) {
		it := s.items[id]
		all = it != nil
		for _, e := range events {
			all = all && it.ids[e]
		}
	})
	return err == nil && all
}

// thread serves GET /api/contacts/{id}/thread: the view with earlier events.
func (d *Desk) thread(_ http.ResponseWriter, r *http.Request, s *session) (any, error) {
	before, limit := r.URL.Query().Get("before"), 50
	if l := r.URL.Query().Get("limit"); l != "" {
		n, err := strconv.Atoi(l)
		if err != nil || n < 1 || n > 200 {
			return nil, fmt.Errorf("%w: limit is outside 1 to 200", ErrBadRequest)
		}
		limit = n
	}
	if len(before) > 64 {
		return nil, fmt.Errorf("%w: before", ErrBadRequest)
	}
	seat, h, err := d.held(r, s)
	if err != nil {
		return nil, err
	}
	req := h.request
	req.Before, req.Limit = before, limit
	v, err := d.deps.Thread.View(r.Context(), req)
	if err != nil {
		return nil, fmt.Errorf("thread: %w", err)
	}
	v = d.users.complete(v)
	return v, seat.do(r.Context(), func(context.Context) {
		if it := seat.items[h.id]; it != nil {
			it.allow(v)
		}
	})
}

// content serves GET /api/contacts/{id}/content/{ref}. What may be fetched is
// what the views of this contact named: a view names no content that its tier
// closes.
func (d *Desk) content(w http.ResponseWriter, r *http.Request, s *session) (any, error) {
	ref := r.PathValue("ref")
	seat, h, err := d.held(r, s)
	if err != nil {
		return nil, err
	}
	named := false
	if err := seat.do(r.Context(), func(context.Context) {
		it := seat.items[h.id]
		named = it != nil && it.refs[ref]
	}); err != nil {
		return nil, err
	}
	if !named {
		return nil, ErrClosedByTier
	}
	c, err := d.deps.Thread.ContentFor(r.Context(), h.request, ref)
	switch {
	case errors.Is(err, journey.ErrUnknown):
		return nil, contact.ErrNoContact
	case errors.Is(err, journey.ErrClosed):
		return nil, ErrClosedByTier
	case err != nil:
		return nil, fmt.Errorf("content: %w", err)
	}
	if err := writeContent(w, c); err != nil && r.Context().Err() == nil {
		d.log.LogAttrs(r.Context(), slog.LevelDebug, "content not sent whole", slog.String("error", err.Error()))
	}
	return nil, errAnswered
}
