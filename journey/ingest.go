package journey

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"filo/contact"
)

// Bounds of one event. What is longer is cut, as a touchpoint that is not
// whole is worth more than one that was refused.
const (
	maxSummary  = 200 // characters
	maxAttrs    = 64
	maxAttr     = 4 << 10 // bytes of one value
	maxContents = 32
	maxClockAge = 5 * time.Minute // a source's clock may be this much ahead
)

// Ranks of the sources of a name.
const (
	rankForm = iota + 1
	rankMail
	rankVerified
	rankAgent
)

// Ingest puts one touchpoint on its thread. It is idempotent by (Source,
// SourceID) and returns only after the event is on disk; then the hot store
// and subscribers have it too. The error wraps ErrBadEvent when trying again
// is useless.
func (j *Journey) Ingest(ctx context.Context, e Event) (Receipt, error) {
	began := j.now()
	e, profile, err := j.prepare(e, began)
	if err != nil {
		return Receipt{}, err
	}
	done, err := j.rec.Append(ctx, e, profile)
	if err != nil {
		return Receipt{}, fmt.Errorf("append event: %w", err)
	}
	if done.Receipt.Duplicate {
		return done.Receipt, nil
	}
	j.committed.Store(done.Seq)
	j.metrics.ingested(&done.Event, j.now().Sub(began))
	j.subs.publish(done.Event, done.Touched.Leaves)
	select {
	case j.wake <- struct{}{}:
	default:
	}
	j.heat(ctx, &done)
	j.steps.saw(&done.Event)
	return done.Receipt, nil
}

func (j *Journey) prepare(e Event, now time.Time) (Event, Profile, error) {
	if e.Source == "" || e.SourceID == "" || e.Kind == "" {
		return e, Profile{}, fmt.Errorf("%w: source, source id and kind are needed", ErrBadEvent)
	}
	if len(e.Contents) > maxContents {
		return e, Profile{}, fmt.Errorf("%w: %d contents", ErrBadEvent, len(e.Contents))
	}
	e.ReceivedAt = cmp.Or(e.ReceivedAt, now)
	if e.OccurredAt.Year() < 2000 || e.OccurredAt.Sub(e.ReceivedAt) > maxClockAge {
		e.OccurredAt = e.ReceivedAt
	}
	e.OccurredAt = e.OccurredAt.UTC().Truncate(time.Microsecond)
	e.ReceivedAt = e.ReceivedAt.UTC().Truncate(time.Microsecond)
	if e.ID == "" {
		e.ID = contact.NewToken("e_", e.OccurredAt)
	}
	e.Summary = cut(strings.ToValidUTF8(e.Summary, "\uFFFD"), maxSummary)
	e.Attrs = cutAttrs(e.Attrs)
	if len(e.Identities) == 0 && e.Kind == KindMessage && e.Dir == contact.Outbound {
		e.Identities = []Identity{addressee(&e)}
	}
	e.Identities = j.normals(e.Identities)
	profile := profileOf(&e)
	e.Evidence = j.evidence(&e)
	if len(e.Contents) > 0 {
		e.ContentRef = ContentRef(e.ID, 0)
	}
	e.Answered = time.Time{}
	return e, profile, nil
}

// ContentRef names the n-th content of an event.
func ContentRef(event string, n int) string { return fmt.Sprintf("%s-%d", event, n) }

func (j *Journey) normals(ids []Identity) []Identity {
	var out []Identity
	for _, id := range ids {
		if n, ok := id.normal(j.cfg.Region); ok && !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out
}

// evidence returns what the connector stated and what follows from the event
// itself: what somebody typed in a form, and identities that came together.
func (j *Journey) evidence(e *Event) []Evidence {
	var out []Evidence
	add := func(ev Evidence) {
		var okA, okB bool
		ev.A, okA = ev.A.normal(j.cfg.Region)
		ev.B, okB = ev.B.normal(j.cfg.Region)
		ev.At = cmp.Or(ev.At, e.OccurredAt)
		same := func(x Evidence) bool {
			return x.A == ev.A && x.B == ev.B || x.A == ev.B && x.B == ev.A
		}
		if okA && okB && ev.A != ev.B && ev.Source != "" && !slices.ContainsFunc(out, same) {
			out = append(out, ev)
		}
	}
	for _, ev := range e.Evidence {
		add(ev)
	}
	if len(e.Identities) == 0 {
		return out
	}
	self := e.Identities[0]
	if e.Channel == contact.Web {
		add(Evidence{A: self, B: Identity{Phone, typed(e.Attrs, phoneFields)}, Source: FromFormPhone})
		add(Evidence{A: self, B: Identity{Mail, typed(e.Attrs, mailFields)}, Source: FromFormMail})
	}
	for _, other := range e.Identities[1:] {
		add(Evidence{A: self, B: other, Source: together(e.Channel, other.Type)})
	}
	return out
}

// Names of form fields that hold a phone number or an address, in the order
// in which they are looked for.
var (
	phoneFields = []string{"phone", "tel", "mobile", "telephone", "phone_number", "telefono", "cellulare"}
	mailFields  = []string{"email", "e-mail", "mail", "email_address"}
)

func typed(attrs map[string]string, names []string) string {
	for _, n := range names {
		if v := cmp.Or(attrs["field."+n], attrs[n]); v != "" {
			return v
		}
	}
	return ""
}

// addressee is to whom a message of ours went.
func addressee(e *Event) Identity {
	if strings.Contains(e.Attrs["to"], "@") {
		return Identity{Mail, e.Attrs["to"]}
	}
	return Identity{Phone, e.Attrs["to"]}
}

// together is the evidence of two identities that came in one event.
func together(ch contact.Channel, other IdentityType) string {
	switch {
	case other == Phone && ch == contact.Web:
		return FromFormPhone
	case other == Phone && ch == contact.Email:
		return FromSignature
	case other == Mail && ch == contact.Web:
		return FromFormMail
	}
	return FromUnsigned
}

func profileOf(e *Event) Profile {
	p := Profile{Lang: e.Attrs["lang"]}
	if len(p.Lang) > 2 {
		p.Lang = p.Lang[:2]
	}
	switch e.Kind {
	case KindIdentify, KindStep, KindAbandoned, KindOrder:
		p.Name, p.Rank = formName(e.Attrs), rankForm
		if slices.ContainsFunc(e.Evidence, func(v Evidence) bool { return v.Source == FromIdentify }) {
			p.Rank = rankVerified
		}
	case KindMessage:
		if e.Dir == contact.Inbound {
			p.Name, p.Rank = e.Attrs["from_name"], rankMail
		} else {
			p.Agent = contact.AgentID(e.Attrs["agent"])
		}
	case KindCall:
		p.Agent = contact.AgentID(e.Attrs["agent"])
	}
	p.Name = cut(strings.Join(strings.Fields(strings.ToValidUTF8(p.Name, "")), " "), 80)
	return p
}

func formName(a map[string]string) string {
	if n := cmp.Or(a["name"], a["field.name"]); n != "" {
		return n
	}
	return cmp.Or(a["first_name"], a["field.first_name"]) + " " + cmp.Or(a["last_name"], a["field.last_name"])
}

func cutAttrs(attrs map[string]string) map[string]string {
	out := make(map[string]string, len(attrs))
	for _, k := range slices.Sorted(maps.Keys(attrs)) {
		if len(out) == maxAttrs {
			break
		}
		if k == "" || len(k) > 64 || attrs[k] == "" {
			continue
		}
		out[k] = Cut(strings.ToValidUTF8(attrs[k], "\uFFFD"), maxAttr)
	}
	return out
}

func cut(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}

// heat brings the hot entries that hold the event up to date. It never fails
// the event, which is on disk: an entry that cannot be written is marked old.
func (j *Journey) heat(ctx context.Context, done *Appended) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), heatBudget)
	defer cancel()
	if done.Rewrite {
		j.rewriteNow(ctx, done.Touched)
		return
	}
	for _, c := range done.Touched.Roots {
		if err := j.amend(ctx, c, done); err != nil {
			j.cool(ctx, err, c)
		}
	}
}

// heatBudget bounds what an acknowledged event waits for the hot store.
const heatBudget = 250 * time.Millisecond

// amend adds the event to one hot entry. People whom no call can reach are
// not loaded.
func (j *Journey) amend(ctx context.Context, c contact.CustomerID, done *Appended) error {
	lock := j.stripe(c)
	lock.Lock()
	defer lock.Unlock()
	old, err := j.hot.Get(ctx, c)
	switch {
	case errors.Is(err, ErrNotHot):
		byPhone := slices.ContainsFunc(done.Event.Identities, func(i Identity) bool { return i.Type == Phone })
		if c == done.Receipt.Customer && (byPhone || len(done.Touched.Leaves) > 1) {
			return j.reload(ctx, c)
		}
		return nil
	case err != nil:
		return err
	case old.Stale:
		return j.reload(ctx, c)
	}
	d, err := DecodeDossier(old.Data)
	if err != nil {
		return j.reload(ctx, c)
	}
	d = d.with(done.Event, j.now())
	d.Version = max(d.Version, done.Seq)
	err = j.put(ctx, &d, old.Version)
	if errors.Is(err, ErrConflict) {
		return j.reload(ctx, c)
	}
	return err
}

// crowd is how many people may hang together before their dossiers are no
// longer read anew at each change, but only when somebody asks: a number that
// everybody types must not slow everybody down.
const crowd = 8

// rewrite reads dossiers anew after something other than an event changed them.
func (j *Journey) rewrite(ctx context.Context, t Touched) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), heatBudget)
	defer cancel()
	j.rewriteNow(ctx, t)
}

func (j *Journey) rewriteNow(ctx context.Context, t Touched) {
	joined := slices.DeleteFunc(slices.Clone(t.Leaves), func(c contact.CustomerID) bool { return slices.Contains(t.Roots, c) })
	if err := j.hot.Stale(ctx, joined...); err != nil {
		j.metrics.hotFailed()
		j.owed.add(joined...)
	}
	roots := t.Roots
	if len(roots) > crowd {
		if err := j.hot.Stale(ctx, roots[1:]...); err != nil {
			j.owed.add(roots[1:]...)
		}
		roots = roots[:1]
	}
	for _, c := range roots {
		lock := j.stripe(c)
		lock.Lock()
		err := j.reload(ctx, c)
		lock.Unlock()
		if err != nil && !errors.Is(err, ErrConflict) {
			j.cool(ctx, err, c)
		}
	}
}

// reload puts the Record's dossier of c into the hot store. A customer that
// was joined to an older one is marked old: its identities point to the other.
func (j *Journey) reload(ctx context.Context, c contact.CustomerID) error {
	d, err := j.rec.Dossier(ctx, Key{Customer: c})
	if err != nil {
		return err
	}
	if d.Customer != c {
		return j.hot.Stale(ctx, c)
	}
	return j.put(ctx, &d, 0)
}

func (j *Journey) put(ctx context.Context, d *Dossier, prev uint64) error {
	e := HotEntry{Customer: d.Customer, Version: d.Version, Prev: prev, Data: EncodeDossier(d)}
	if err := j.hot.Put(ctx, e, d.identities()); err != nil {
		return err
	}
	j.owed.remove(d.Customer)
	return nil
}

// cool marks an entry as old when it could not be brought up to date. When
// the store does not even take that, this node remembers it.
func (j *Journey) cool(ctx context.Context, cause error, c contact.CustomerID) {
	j.metrics.hotFailed()
	j.log.Debug("hot entry not updated", "customer_id", string(c), "error", cause)
	if err := j.hot.Stale(ctx, c); err != nil {
		j.owed.add(c)
	}
}
