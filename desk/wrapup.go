package desk

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"
	"unicode/utf8"

	"filo/contact"
)

// ended are the contacts that closed at a desk a moment ago: the agent's note
// about one is still taken, when its wrap-up ran out while it was written.
type ended []endedItem

type endedItem struct {
	item *item
	at   time.Time
}

const (
	endedKept = 16
	endedFor  = 10 * time.Minute
)

// add keeps a contact that closed. One that was taken away goes on elsewhere.
func (e *ended) add(it *item, now time.Time) {
	if it.had.Phase != contact.Closed {
		return
	}
	*e = append(*e, endedItem{it, now})
	*e = slices.DeleteFunc(*e, func(x endedItem) bool { return now.Sub(x.at) > endedFor })
	if over := len(*e) - endedKept; over > 0 {
		*e = slices.Delete(*e, 0, over)
	}
}

func (e ended) find(id contact.ID) *item {
	for _, x := range e {
		if x.item.id == id {
			return x.item
		}
	}
	return nil
}

// hangUpLag is how long a wrap-up may come before we have heard that the call
// is over: the agent's browser may know it first.
const hangUpLag = 2 * time.Second

// wrapUp serves POST /api/contacts/{id}/wrapup.
func (d *Desk) wrapUp(_ http.ResponseWriter, r *http.Request, s *session) (any, error) {
	var in struct {
		Disposition string   `json:"disposition"`
		Note        string   `json:"note"`
		Answered    []string `json:"answered"`
	}
	if err := readJSON(r, &in); err != nil {
		return nil, err
	}
	if err := d.checkNote(in.Disposition, in.Note, in.Answered); err != nil {
		return nil, err
	}
	id, agent := contact.ID(r.PathValue("id")), contact.AgentID(s.user.User)
	h, shown, err := d.worked(r.Context(), agent, id)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(in.Answered, func(e string) bool { return !shown[e] }) {
		return nil, fmt.Errorf("%w: no such event on the thread", ErrBadRequest)
	}
	n := contact.WrapUpNote{
		Contact: id, Agent: agent, Disposition: in.Disposition, Note: in.Note, Answered: in.Answered,
		Reached: slices.ContainsFunc(d.cfg.Dispositions, func(l Disposition) bool { return l.ID == in.Disposition && l.Reaches }),
	}
	if h.card.Channel == contact.Voice {
		return struct{}{}, d.wrapUpCall(r.Context(), h, n)
	}
	return struct{}{}, d.wrapUpMessage(r.Context(), h, n)
}

// worked finds a contact that the agent has, or had a moment ago, and the
// events that were shown with it. A call that still goes on is waited for a
// little.
func (d *Desk) worked(ctx context.Context, agent contact.AgentID, id contact.ID) (h held, shown map[string]bool, err error) {
	limit := time.NewTimer(hangUpLag)
	defer limit.Stop()
	for {
		h, shown, changed, err := d.peek(ctx, agent, id)
		switch {
		case err != nil:
			return h, nil, err
		case h.phase == contact.Offered:
			return h, nil, fmt.Errorf("%w: contact is %s", contact.ErrBadCommand, h.phase)
		case h.phase != contact.Connected || h.card.Channel != contact.Voice:
			return h, shown, nil
		}
		select {
		case <-changed:
		case <-limit.C:
			return h, nil, fmt.Errorf("%w: the call goes on", contact.ErrBadCommand)
		case <-ctx.Done():
			return h, nil, fmt.Errorf("wait for the end of the call: %w", ctx.Err())
		}
	}
}

// peek is one look at a contact; changed closes when its phase changes.
func (d *Desk) peek(ctx context.Context, agent contact.AgentID, id contact.ID) (h held, shown map[string]bool, changed <-chan struct{}, err error) {
	seat := d.seatOf(agent)
	if seat == nil {
		return h, nil, nil, contact.ErrNoContact
	}
	err = seat.do(ctx, func(context.Context) {
		it := seat.items[id]
		if it == nil {
			it = seat.ended.find(id)
		}
		if it != nil {
			h, shown, changed = seat.heldOf(it), it.shownEvents(), it.changed
		}
	})
	if errors.Is(err, ErrStopped) || (err == nil && changed == nil) {
		err = contact.ErrNoContact
	}
	return h, shown, changed, err
}

// maxNote bounds an agent's note, in bytes.
const maxNote = 8 << 10

func (d *Desk) checkNote(disposition, note string, answered []string) error {
	known := slices.ContainsFunc(d.cfg.Dispositions, func(l Disposition) bool { return l.ID == disposition })
	switch {
	case disposition != "" && !known:
		return fmt.Errorf("%w: no such disposition", ErrBadRequest)
	case len(note) > maxNote || !utf8.ValidString(note):
		return fmt.Errorf("%w: note", ErrBadRequest)
	case len(answered) > 100 || slices.ContainsFunc(answered, func(e string) bool { return e == "" || len(e) > 64 }):
		return fmt.Errorf("%w: answered", ErrBadRequest)
	}
	return nil
}

func (d *Desk) wrapUpCall(ctx context.Context, h held, n contact.WrapUpNote) error {
	if d.deps.Calls != nil {
		if err := d.deps.Calls.WrapUp(ctx, h.card, n); err != nil {
			return fmt.Errorf("wrap-up: %w", err)
		}
	}
	if err := d.markAnswered(ctx, n.Answered, string(n.Contact)); err != nil {
		return err
	}
	if err := d.deps.Router.EndWrapUp(ctx, n.Agent, n.Contact); err != nil && !isGone(err) {
		return err //nolint:wrapcheck // the router's own words
	}
	return nil
}

// wrapUpMessage closes a message contact; the conductor also ends the wrap-up.
func (d *Desk) wrapUpMessage(ctx context.Context, h held, n contact.WrapUpNote) error {
	if d.deps.Messages == nil {
		return fmt.Errorf("%w: no message channel", contact.ErrBadCommand)
	}
	err := d.deps.Messages.Close(ctx, n)
	if errors.Is(err, contact.ErrNoContact) && h.phase != contact.Connected {
		err = nil // it closed with the reply; only its wrap-up is left
	}
	if err != nil {
		return err //nolint:wrapcheck // the conductor's own words
	}
	if err := d.deps.Router.EndWrapUp(ctx, n.Agent, n.Contact); err != nil && !isGone(err) {
		return err //nolint:wrapcheck // the router's own words
	}
	return nil
}
