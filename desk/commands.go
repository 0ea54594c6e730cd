package desk

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"filo/contact"
	"filo/journey"
)

// setState serves POST /api/agent/state.
func (d *Desk) setState(_ http.ResponseWriter, r *http.Request, s *session) (any, error) {
	var in struct {
		State  contact.AgentState `json:"state"`
		Reason string             `json:"reason"`
	}
	if err := readJSON(r, &in); err != nil {
		return nil, err
	}
	id := contact.AgentID(s.user.User)
	switch in.State {
	case contact.Ready:
		if s.user.voiceOnly() && !d.lineUp(id) {
			return nil, ErrNoLine
		}
		return struct{}{}, d.deps.Router.SetReady(r.Context(), id, true, "")
	case contact.NotReady:
		if in.Reason != "" && !isCode(in.Reason) {
			return nil, fmt.Errorf("%w: reason", ErrBadRequest)
		}
		return struct{}{}, d.deps.Router.SetReady(r.Context(), id, false, in.Reason)
	case contact.LoggedOut, contact.Reserved, contact.Busy, contact.AgentWrapUp:
	}
	return nil, fmt.Errorf("%w: state must be ready or not_ready", ErrBadRequest)
}

// held is what a command needs to know of an item.
type held struct {
	id      contact.ID
	card    *contact.Card
	phase   contact.State // Offered, Connected or WrapUp
	request journey.ViewRequest
}

func (s *seat) heldOf(it *item) held {
	h := held{id: it.id, card: it.card, phase: contact.Offered, request: s.viewRequest(it)}
	if it.had != nil {
		h.phase = it.had.Phase
	}
	return h
}

// held finds a contact at the desk of who asks.
func (d *Desk) held(r *http.Request, s *session, phases ...contact.State) (*seat, held, error) {
	id := contact.ID(r.PathValue("id"))
	seat := d.seatOf(contact.AgentID(s.user.User))
	if seat == nil {
		return nil, held{}, contact.ErrNoContact
	}
	var h held
	found := false
	err := seat.do(r.Context(), func(context.Context) {
		it := seat.items[id]
		if it == nil {
			return
		}
		found = true
		h = seat.heldOf(it)
	})
	switch {
	case errors.Is(err, ErrStopped):
		return nil, held{}, contact.ErrNoContact
	case err != nil:
		return nil, held{}, err
	case !found:
		return nil, held{}, contact.ErrNoContact
	case len(phases) > 0 && !slices.Contains(phases, h.phase):
		return nil, held{}, fmt.Errorf("%w: contact is %s", contact.ErrBadCommand, h.phase)
	}
	return seat, h, nil
}

// accept serves POST /api/offers/{id}/accept.
func (d *Desk) accept(_ http.ResponseWriter, r *http.Request, s *session) (any, error) {
	offer, card, err := d.offer(r, s)
	if err != nil {
		return nil, err
	}
	if s.user.Phone && card.Channel == contact.Voice {
		return nil, fmt.Errorf("%w: answer on the phone", contact.ErrBadCommand)
	}
	if err := d.deps.Router.Accept(r.Context(), offer, contact.AgentID(s.user.User)); err != nil {
		return nil, err //nolint:wrapcheck // the router's own words
	}
	return map[string]contact.ID{"contact": card.Contact}, nil
}

// reject serves POST /api/offers/{id}/reject.
func (d *Desk) reject(_ http.ResponseWriter, r *http.Request, s *session) (any, error) {
	var in struct {
		Reason string `json:"reason"`
	}
	if err := readJSON(r, &in); err != nil {
		return nil, err
	}
	if in.Reason != "" && !isCode(in.Reason) {
		return nil, fmt.Errorf("%w: reason", ErrBadRequest)
	}
	offer, _, err := d.offer(r, s)
	if err != nil {
		return nil, err
	}
	return struct{}{}, d.deps.Router.Reject(r.Context(), offer, contact.AgentID(s.user.User), in.Reason)
}

// offer finds an offer at the desk of who asks; it is gone when it is not there.
func (d *Desk) offer(r *http.Request, s *session) (contact.OfferID, *contact.Card, error) {
	id, err := contact.ParseOfferID(r.PathValue("id"))
	if err != nil {
		return id, nil, err //nolint:wrapcheck // names the id
	}
	seat := d.seatOf(contact.AgentID(s.user.User))
	if seat == nil {
		return id, nil, contact.ErrOfferGone
	}
	var card *contact.Card
	err = seat.do(r.Context(), func(context.Context) {
		for _, it := range seat.items {
			if it.offer != nil && it.offer.ID == id {
				card = it.card
			}
		}
	})
	if (err == nil && card == nil) || errors.Is(err, ErrStopped) {
		err = contact.ErrOfferGone
	}
	return id, card, err
}

// reply serves POST /api/contacts/{id}/reply.
func (d *Desk) reply(_ http.ResponseWriter, r *http.Request, s *session) (any, error) {
	var in struct {
		Body  string `json:"body"`
		Close bool   `json:"close"`
	}
	if err := readJSON(r, &in); err != nil {
		return nil, err
	}
	seat, h, err := d.held(r, s, contact.Connected)
	if err != nil {
		return nil, err
	}
	if h.card.Channel == contact.Voice || d.deps.Messages == nil {
		return nil, fmt.Errorf("%w: not a message", contact.ErrBadCommand)
	}
	limit := maxSMS
	if h.card.Channel == contact.Email {
		limit = maxMail
	}
	switch {
	case strings.TrimSpace(in.Body) == "":
		return nil, fmt.Errorf("%w: the reply is empty", ErrBadRequest)
	case len(in.Body) > limit:
		return nil, ErrTooBig
	case !utf8.ValidString(in.Body):
		return nil, fmt.Errorf("%w: the reply is not UTF-8", ErrBadRequest)
	}
	// Once the relay has it, the reply must be written down, whoever closes the window.
	ctx := context.WithoutCancel(r.Context())
	event, err := d.deps.Messages.Reply(ctx, contact.Reply{
		Contact: h.id, Agent: contact.AgentID(s.user.User), Body: in.Body, Close: in.Close,
	})
	if err != nil && event == "" {
		return nil, d.notSent(ctx, h, err)
	}
	return map[string]any{"event": d.sent(ctx, seat, h, event, in.Body)}, nil
}

// notSent hides what a relay or provider says, which often repeats the address,
// from the answer, and keeps it in the log of those who run it.
func (d *Desk) notSent(ctx context.Context, h held, err error) error {
	for _, known := range []error{contact.ErrNoContact, contact.ErrNotYours, contact.ErrBadCommand} {
		if errors.Is(err, known) {
			return err
		}
	}
	d.log.LogAttrs(ctx, slog.LevelWarn, "reply not sent", slog.String("contact_id", string(h.id)))
	d.log.LogAttrs(ctx, slog.LevelDebug, "reply not sent", slog.String("contact_id", string(h.id)), slog.String("error", err.Error()))
	return ErrNotSent
}

// verify serves POST /api/contacts/{id}/verify.
func (d *Desk) verify(_ http.ResponseWriter, r *http.Request, s *session) (any, error) {
	var in struct {
		Method string `json:"method"`
	}
	if err := readJSON(r, &in); err != nil {
		return nil, err
	}
	if !isCode(in.Method) {
		return nil, fmt.Errorf("%w: method", ErrBadRequest)
	}
	seat, h, err := d.held(r, s, contact.Connected, contact.WrapUp)
	if err != nil {
		return nil, err
	}
	if h.card.Customer == "" {
		return nil, ErrNoCustomer
	}
	err = d.deps.Thread.Verify(r.Context(), h.id, h.card.Customer, contact.AgentID(s.user.User), in.Method)
	if err != nil {
		return nil, fmt.Errorf("verify: %w", err)
	}
	return seat.opened(r.Context(), h.id)
}

// markAnswered marks messages, and closes contacts that wait only for them.
func (d *Desk) markAnswered(ctx context.Context, events []string, by string) error {
	if len(events) == 0 {
		return nil
	}
	if err := d.deps.Thread.MarkAnswered(ctx, events, by); err != nil {
		return fmt.Errorf("mark answered: %w", err)
	}
	if d.deps.Messages == nil {
		return nil
	}
	if err := d.deps.Messages.Answered(ctx, events); err != nil {
		return fmt.Errorf("close answered: %w", err)
	}
	return nil
}

// extend serves POST /api/contacts/{id}/wrapup/extend.
func (d *Desk) extend(_ http.ResponseWriter, r *http.Request, s *session) (any, error) {
	var in struct {
		MS int64 `json:"ms"`
	}
	if err := readJSON(r, &in); err != nil {
		return nil, err
	}
	if in.MS < 1 || in.MS > 600_000 {
		return nil, fmt.Errorf("%w: ms is outside 1 to 600000", ErrBadRequest)
	}
	_, h, err := d.held(r, s, contact.WrapUp)
	if err != nil {
		return nil, err
	}
	by := time.Duration(in.MS) * time.Millisecond
	return struct{}{}, d.deps.Router.ExtendWrapUp(r.Context(), contact.AgentID(s.user.User), h.id, by)
}

// answered serves POST /api/contacts/{id}/answered.
func (d *Desk) answered(_ http.ResponseWriter, r *http.Request, s *session) (any, error) {
	var in struct {
		Event string `json:"event"`
	}
	if err := readJSON(r, &in); err != nil {
		return nil, err
	}
	seat, h, err := d.held(r, s, contact.Connected, contact.WrapUp)
	if err != nil {
		return nil, err
	}
	if !seat.shows(r.Context(), h.id, in.Event) {
		return nil, fmt.Errorf("%w: no such event on the thread", ErrBadRequest)
	}
	if err := d.markAnswered(r.Context(), []string{in.Event}, string(h.id)); err != nil {
		return nil, err
	}
	return struct{}{}, seat.reread(r.Context(), h.id)
}
