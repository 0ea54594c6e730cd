package journey

import (
	"cmp"
	"slices"
	"time"
)

// Bounds of what a dossier keeps of the past.
const (
	recentFor    = 30 * 24 * time.Hour
	recentEvents = 16 // newest of any kind
	recentOpen   = 6  // unanswered messages beyond those
	recentForms  = 3  // last steps of forms beyond those
)

// Retain returns the events that a dossier keeps, oldest first, without
// repetitions: the newest ones, the unanswered messages, and the last step of
// each form, as decisions rest on those however many pages came after.
func Retain(events []Event, now time.Time) []Event {
	slices.SortFunc(events, func(a, b Event) int { return compareEvents(b, a) })
	events = slices.CompactFunc(events, func(a, b Event) bool { return a.ID == b.ID })
	kept := make([]Event, 0, min(len(events), recentEvents+recentOpen+recentForms))
	open, forms := 0, map[string]bool{}
	for i, e := range events {
		keep := i < recentEvents
		switch {
		case now.Sub(e.OccurredAt) > recentFor:
			keep = false
		case e.waiting() && open < recentOpen:
			open++
			keep = true
		case e.progress() && !forms[e.Attrs["form"]] && len(forms) < recentForms:
			forms[e.Attrs["form"]] = true
			keep = true
		}
		if keep {
			kept = append(kept, e)
		}
	}
	slices.Reverse(kept)
	return kept
}

// compareEvents orders by (OccurredAt, ID).
func compareEvents(a, b Event) int {
	return cmp.Or(a.OccurredAt.Compare(b.OccurredAt), cmp.Compare(a.ID, b.ID))
}

// waiting reports whether e is a message that somebody has to answer.
func (e *Event) waiting() bool {
	return e.Kind == KindMessage && e.Dir == "in" && e.Answered.IsZero() && e.Attrs["quiet"] == "" && e.Attrs["auto"] == ""
}

// progress reports whether e is about a step of a form or its end.
func (e *Event) progress() bool {
	return e.Kind == KindStep || e.Kind == KindAbandoned || e.Kind == KindOrder
}

// with returns d with one more event, which may belong in the past.
func (d Dossier) with(e Event, now time.Time) Dossier {
	d.Recent = Retain(append(slices.Clone(d.Recent), e), now)
	d.Leaves = slices.Clone(d.Leaves)
	for i := range d.Leaves {
		if l := &d.Leaves[i]; l.ID == e.Customer {
			l.Count(&e, Profile{})
		}
	}
	return d
}

// Count adds e, and what it says of the person, to the leaf's census.
func (l *Leaf) Count(e *Event, p Profile) {
	l.Events++
	if l.Since.IsZero() || e.OccurredAt.Before(l.Since) {
		l.Since = e.OccurredAt
	}
	if e.Channel != "" && !slices.Contains(l.Channels, e.Channel) {
		l.Channels = append(slices.Clone(l.Channels), e.Channel)
		slices.Sort(l.Channels)
	}
	l.Texted = l.Texted || e.Kind == KindMessage && e.Channel == "sms"
	l.Called = l.Called || e.Kind == KindCall && e.Dir == "in"
	if p.Name != "" && p.Rank >= l.Profile.Rank {
		l.Profile.Name, l.Profile.Rank = p.Name, p.Rank
	}
	l.Profile.Lang = cmp.Or(p.Lang, l.Profile.Lang)
	l.Profile.Agent = cmp.Or(p.Agent, l.Profile.Agent)
}

// identities are the keys under which the dossier is found.
func (d *Dossier) identities() []Identity {
	var ids []Identity
	for i := range d.Leaves {
		if l := &d.Leaves[i]; l.Root == d.Customer && l.Identity.Value != "" {
			ids = append(ids, l.Identity)
		}
	}
	return ids
}
