package journey

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"filo/contact"
)

// Bounds of a view's page.
const (
	pageDefault = 50
	pageMost    = 200
)

// View returns the customer's thread as the agent may see it: the tier of the
// contact's context, or D3 once the agent has verified the person, decides
// what is open. Every view is audited before it is given.
func (j *Journey) View(ctx context.Context, r ViewRequest) (View, error) {
	now := j.now().In(j.zone)
	tier, err := j.tier(ctx, r.Contact, r.Context.Tier)
	if err != nil {
		return View{}, err
	}
	customer := cmp.Or(r.Customer, r.Context.Customer)
	if customer == "" || tier == contact.D0 {
		return unknownView(r, now), nil
	}
	d, p, err := j.personOf(ctx, r.Contact, customer, now)
	if errors.Is(err, ErrUnknown) {
		return unknownView(r, now), nil
	}
	if err != nil {
		return View{}, err
	}
	page, earlier, err := j.page(ctx, &p, &d, r)
	if err != nil {
		return View{}, err
	}
	v := disclose(&d, &p, page, r, tier, now)
	v.Earlier = earlier
	open, err := j.rec.OpenContacts(ctx, p.leaves(&d)...)
	if err != nil {
		return View{}, fmt.Errorf("read open contacts: %w", err)
	}
	v.Cases = cases(open, r.Contact, tier)
	line := AuditLine{At: now, Agent: r.Agent, Customer: customer, Contact: r.Contact, Tier: tier, Action: "view"}
	if err := j.rec.Audit(ctx, line); err != nil {
		return View{}, fmt.Errorf("audit view: %w", err)
	}
	return v, nil
}

// tier is that of the contact, or D3 after a verification in it.
func (j *Journey) tier(ctx context.Context, id contact.ID, t contact.Tier) (contact.Tier, error) {
	t = min(t, contact.D3)
	if t == contact.D3 || id == "" {
		return t, nil
	}
	_, err := j.rec.Verified(ctx, id)
	switch {
	case err == nil:
		return contact.D3, nil
	case errors.Is(err, ErrUnknown):
		return t, nil
	}
	return t, fmt.Errorf("read verification: %w", err)
}

// personOf reads a customer with those whom evidence ties to it, judged at
// the time of the contact, so that the thread does not fall apart while the
// contact lasts.
func (j *Journey) personOf(ctx context.Context, id contact.ID, c contact.CustomerID, now time.Time) (Dossier, person, error) {
	d, err := j.rec.Dossier(ctx, Key{Customer: c})
	if err != nil {
		return d, person{}, fmt.Errorf("read customer: %w", err)
	}
	at := now
	if t, ok := madeAt(string(id)); ok && t.Before(now) {
		at = t
	}
	return d, around(&d, c, at), nil
}

func (j *Journey) page(ctx context.Context, p *person, d *Dossier, r ViewRequest) ([]Event, int, error) {
	limit := r.Limit
	if limit < 1 {
		limit = pageDefault
	}
	page, earlier, err := j.rec.Events(ctx, p.leaves(d), r.Before, min(limit, pageMost))
	if err != nil {
		return nil, 0, fmt.Errorf("read thread: %w", err)
	}
	slices.Reverse(page)
	return page, earlier, nil
}

// Verify records that the agent has verified the person of a contact: from
// now on everything is open in that contact. The evidence ties what the
// contact's person was pieced together from.
func (j *Journey) Verify(ctx context.Context, id contact.ID, customer contact.CustomerID, agent contact.AgentID, method string) error {
	now := j.now()
	d, p, err := j.personOf(ctx, id, customer, now)
	if err != nil {
		return err
	}
	line := AuditLine{At: now, Agent: agent, Customer: customer, Contact: id, Tier: contact.D3, Action: "verify", Detail: method}
	if err := j.rec.Audit(ctx, line); err != nil {
		return fmt.Errorf("audit verification: %w", err)
	}
	for _, ev := range p.ties(&d, now) {
		if err := j.Relate(ctx, ev); err != nil {
			return err
		}
	}
	_, err = j.Ingest(ctx, Event{
		Source: "desk", SourceID: "verify:" + string(id) + ":" + now.Format(time.RFC3339Nano), Customer: customer,
		OccurredAt: now, Channel: contact.Voice, Dir: contact.Indirect, Kind: KindVerified, Contact: id,
		Attrs: map[string]string{"agent": string(agent), "method": method},
	})
	return err
}

// ties is one piece of evidence to each other person that the contact's
// person was pieced together from.
func (p *person) ties(d *Dossier, now time.Time) (list []Evidence) {
	var self Identity
	other := map[contact.CustomerID]Identity{}
	for i := range d.Leaves {
		l := &d.Leaves[i]
		_, in := p.Parts[l.Root]
		switch {
		case !in || l.Identity.Value == "":
		case l.Root == p.Customer && self.Value == "":
			self = l.Identity
		case l.Root != p.Customer && other[l.Root].Value == "":
			other[l.Root] = l.Identity
		}
	}
	if self.Value == "" {
		return nil
	}
	for _, id := range other {
		list = append(list, Evidence{A: self, B: id, Source: FromAgent, At: now})
	}
	return list
}

// Content returns a body or attachment as it was stored, whoever asks. Screens
// use ContentFor.
func (j *Journey) Content(ctx context.Context, ref string) (Content, error) {
	c, err := j.rec.Content(ctx, ref)
	if err != nil {
		return Content{}, fmt.Errorf("read content: %w", err)
	}
	return c, nil
}

// ContentFor returns a body as the agent may see it in this contact: from D2,
// and only of the contact's own customer; audited. The error is ErrClosed
// below the tier and ErrUnknown for somebody else's content.
func (j *Journey) ContentFor(ctx context.Context, r ViewRequest, ref string) (Content, error) {
	now := j.now()
	tier, err := j.tier(ctx, r.Contact, r.Context.Tier)
	if err != nil {
		return Content{}, err
	}
	if tier < contact.D2 {
		return Content{}, ErrClosed
	}
	customer := cmp.Or(r.Customer, r.Context.Customer)
	d, p, err := j.personOf(ctx, r.Contact, customer, now)
	if err != nil {
		return Content{}, err
	}
	c, err := j.Content(ctx, ref)
	if err != nil {
		return Content{}, err
	}
	if !slices.Contains(p.leaves(&d), c.Customer) {
		return Content{}, fmt.Errorf("content of another customer: %w", ErrUnknown)
	}
	line := AuditLine{At: now, Agent: r.Agent, Customer: customer, Contact: r.Contact, Tier: tier, Action: "content", Detail: ref}
	if err := j.rec.Audit(ctx, line); err != nil {
		return Content{}, fmt.Errorf("audit content: %w", err)
	}
	return c, nil
}
