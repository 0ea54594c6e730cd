package journey

import (
	"context"
	"errors"
	"time"

	"filo/contact"
)

// found is the answer of a look-up.
type found struct {
	d      Dossier
	status contact.ContextStatus
}

// Arrived tells who probably calls and why, inside the call's budget. It
// never fails: without an answer in time the Status says so and the call takes
// the normal menu. It asks the hot store, then the Record, then takes what is
// known to be old.
func (j *Journey) Arrived(ctx context.Context, a Arrival) contact.Context {
	began := j.now()
	if a.At.IsZero() {
		a.At = began
	}
	id, c, ok := j.claimOf(ctx, a)
	f := found{status: contact.ContextUnknown}
	if ok {
		f = j.lookup(ctx, id)
	}
	out := contact.Context{Status: f.status, Decision: contact.Decision{Action: contact.Menu}}
	if len(f.d.Leaves) > 0 {
		c.leaf = leafOf(&f.d, id)
		out = j.contextOf(&f.d, c, a.At)
		out.Status = f.status
	}
	out.Took = j.now().Sub(began)
	j.metrics.arrived(&out)
	return out
}

// claimOf reads how the caller says who he or she is: a token counts more
// than a number. It reports false when nothing can be looked up.
func (j *Journey) claimOf(ctx context.Context, a Arrival) (Identity, claim, bool) {
	if a.Token != "" {
		ctx, cancel := context.WithTimeout(ctx, j.cfg.Budget)
		defer cancel()
		if id, err := j.useCallToken(ctx, a.Token); err == nil {
			return id, claim{proof: FromCallToken, trusted: true}, true
		}
	}
	if a.Withheld {
		return Identity{}, claim{}, false
	}
	region := a.Region
	if region == "" {
		region = j.cfg.Region
	}
	number, ok := NormalPhone(a.Caller, region)
	trusted := a.Trusted && a.Attestation != "C" || a.Attestation == "A"
	return Identity{Phone, number}, claim{number: true, trusted: trusted}, ok
}

func leafOf(d *Dossier, id Identity) contact.CustomerID {
	for i := range d.Leaves {
		if d.Leaves[i].Identity == id {
			return d.Leaves[i].ID
		}
	}
	return ""
}

// contextOf judges the dossier for the claim.
func (j *Journey) contextOf(d *Dossier, c claim, now time.Time) contact.Context {
	p := judge(d, c, now)
	if p.Customer == "" || p.Tier == contact.D0 {
		return contact.Context{Decision: contact.Decision{Action: contact.Menu}}
	}
	events := p.events(d)
	out := contact.Context{
		Customer: p.Customer, Lang: p.Lang, Tier: p.Tier, Confidence: p.Confidence, Evidence: p.Evidence,
		Decision: decide(j.cfg.Rules, &p, events, d, now), Attributes: attributes(events, now),
	}
	if p.Tier >= contact.D2 {
		out.Name = p.Name
	}
	return out
}

// lookup finds the dossier of an identity within the budget. The look-up runs
// in its own goroutine, as a disk or a network that hangs does not always
// listen to a context.
func (j *Journey) lookup(ctx context.Context, id Identity) found {
	if m, ok := j.hot.(*Memory); ok {
		if e, err := m.Find(ctx, id); err == nil && !e.Stale {
			if d, err := DecodeDossier(e.Data); err == nil && leafOf(&d, id) != "" {
				return found{d, contact.ContextHot}
			}
		}
	}
	select {
	case j.slots <- struct{}{}:
	default:
		return j.stale(ctx, id)
	}
	answer := make(chan found, 1)
	ok := j.start(func() {
		defer func() { <-j.slots }()
		ctx, cancel := context.WithTimeout(ctx, j.cfg.HardBudget)
		defer cancel()
		answer <- j.search(ctx, id)
	})
	if !ok {
		<-j.slots
		return found{status: contact.ContextUnavailable}
	}
	return j.await(ctx, id, answer)
}

// await takes the answer if it comes within the budget, then what is known to
// be old, and only without either waits until the hard budget ends.
func (j *Journey) await(ctx context.Context, id Identity, answer <-chan found) found {
	budget, hard := time.NewTimer(j.cfg.Budget), time.NewTimer(j.cfg.HardBudget)
	defer budget.Stop()
	defer hard.Stop()
	for {
		select {
		case f := <-answer:
			if f.status == contact.ContextUnavailable {
				return j.stale(ctx, id)
			}
			return f
		case <-budget.C:
			if f := j.stale(ctx, id); f.status == contact.ContextStale {
				return f
			}
		case <-hard.C:
			return found{status: contact.ContextUnavailable}
		}
	}
}

// search asks the hot store, then the Record, whose answer it puts into the
// hot store after it was given.
func (j *Journey) search(ctx context.Context, id Identity) found {
	if d, err := j.findHot(ctx, id); err == nil {
		return found{d, contact.ContextHot}
	}
	d, err := j.rec.Dossier(ctx, Key{Identity: id})
	switch {
	case errors.Is(err, ErrUnknown):
		return found{status: contact.ContextUnknown}
	case err != nil:
		j.log.DebugContext(ctx, "record gave no context", "error", err)
		return found{status: contact.ContextUnavailable}
	}
	j.start(func() { j.warm(context.WithoutCancel(ctx), d) })
	return found{d, contact.ContextRecord}
}

// findHot asks the hot store within its share of the budget.
func (j *Journey) findHot(ctx context.Context, id Identity) (Dossier, error) {
	ctx, cancel := context.WithTimeout(ctx, j.cfg.HotBudget)
	defer cancel()
	e, err := j.hot.Find(ctx, id)
	if err != nil {
		if !errors.Is(err, ErrNotHot) {
			j.metrics.hotFailed()
		}
		return Dossier{}, err
	}
	if e.Stale || j.owed.has(e.Customer) {
		return Dossier{}, ErrNotHot
	}
	d, err := DecodeDossier(e.Data)
	if err != nil {
		return Dossier{}, err
	}
	if leafOf(&d, id) == "" {
		return Dossier{}, ErrNotHot // the identity was parted from this person since
	}
	j.keep(ctx, &d)
	return d, nil
}

// warm puts a dossier that had to be read from the Record into the hot store.
func (j *Journey) warm(ctx context.Context, d Dossier) {
	j.keep(ctx, &d)
	ctx, cancel := context.WithTimeout(ctx, heatBudget)
	defer cancel()
	lock := j.stripe(d.Customer)
	lock.Lock()
	defer lock.Unlock()
	if err := j.put(ctx, &d, 0); err != nil && !errors.Is(err, ErrConflict) {
		j.cool(ctx, err, d.Customer)
	}
}

// keep copies what a remote store answered, for when it is gone.
func (j *Journey) keep(ctx context.Context, d *Dossier) {
	if j.last == nil {
		return
	}
	e := HotEntry{Customer: d.Customer, Version: d.Version, Data: EncodeDossier(d)}
	_ = j.last.Put(ctx, e, d.identities()) // a newer copy may stay
}

// stale answers with what is known to be old, else with nothing.
func (j *Journey) stale(ctx context.Context, id Identity) found {
	m, ok := j.hot.(*Memory)
	if !ok {
		m = j.last
	}
	if e, err := m.Find(ctx, id); err == nil {
		if d, err := DecodeDossier(e.Data); err == nil {
			return found{d, contact.ContextStale}
		}
	}
	return found{status: contact.ContextUnavailable}
}

// Wrote returns the context of somebody who wrote: the sender's thread, at
// the tier at which the message itself can be read and answered.
func (j *Journey) Wrote(ctx context.Context, e Event) contact.Context {
	began := j.now()
	out := contact.Context{Customer: e.Customer, Status: contact.ContextUnknown, Tier: contact.D1}
	ids := j.normals(e.Identities)
	if len(ids) == 0 {
		return out
	}
	proof := ByMailFrom
	if e.Channel == contact.SMS {
		proof = BySMSFrom
	}
	f := j.lookup(ctx, ids[0])
	if leaf := leafOf(&f.d, ids[0]); leaf != "" {
		out = j.contextOf(&f.d, claim{leaf: leaf, proof: proof, trusted: true}, began)
		out.Decision = contact.Decision{Action: contact.Menu}
	}
	out.Status, out.Took = f.status, j.now().Sub(began)
	return out
}
