package journey

import (
	"strings"
	"time"

	"filo/contact"
)

// Names of what a tier closes, in View.Closed.
const (
	closedName   = "name"
	closedMail   = "email"
	closedThread = "thread"
	closedBodies = "bodies"
	closedFields = "fields"
	closedGoal   = "goal"
)

// disclose makes the view of a person for one tier. Whatever is personal is
// copied only under the tier that opens it: a new field is closed until
// somebody opens it here.
func disclose(d *Dossier, p *person, page []Event, r ViewRequest, tier contact.Tier, now time.Time) View {
	facts := factsOf(p.events(d), now)
	v := View{
		Tier: tier.String(), Lang: p.Lang, Proof: proofLines(r.Context.Evidence),
		Cases: []Case{}, Health: health(p.events(d), tier), Events: make([]ThreadEvent, 0, len(page)),
		LastWeb: webStep(facts, tier), Headline: headline(facts, p, r.Context, tier),
	}
	for i := range d.Leaves {
		if l := &d.Leaves[i]; p.Parts[l.Root] > 0 {
			v.census(l)
		}
	}
	for _, e := range page {
		if t, ok := show(e, tier); ok {
			v.Events = append(v.Events, t)
		}
	}
	v.Channels = channels(d, p)
	if tier >= contact.D2 {
		v.Name, v.Goal = p.Name, goal(facts, page)
	}
	v.Phone, v.Email = reachable(d, p, r.Peer, tier)
	v.Closed = closedAt(tier)
	v.Sentence = sentences(v.Headline, tier, now)
	return v
}

// unknownView is all there is about somebody nobody knows.
func unknownView(r ViewRequest, now time.Time) View {
	v := View{
		Tier: contact.D0.String(), Proof: proofLines(nil), Cases: []Case{}, Health: []HealthLine{}, Events: []ThreadEvent{},
		Closed: closedAt(contact.D0), Phone: maskPeer(r.Peer),
	}
	v.Sentence = sentences(v.Headline, contact.D0, now)
	return v
}

func closedAt(tier contact.Tier) []string {
	switch tier {
	case contact.D3:
		return nil
	case contact.D2:
		return []string{closedFields}
	}
	return []string{closedName, closedMail, closedThread, closedBodies, closedFields, closedGoal}
}

// cases are the customer's contacts that are still open, beside the one that
// is looked at.
func cases(open []OpenContact, own contact.ID, tier contact.Tier) []Case {
	out := []Case{}
	for _, c := range open {
		if c.ID == own || tier < contact.D2 {
			continue
		}
		k := Case{ID: string(c.ID), Title: c.Subject, Owner: c.Agent, OpenedAt: c.EnqueuedAt, State: string(contact.Queued)}
		if c.Agent != "" {
			k.State = string(contact.Connected)
		}
		out = append(out, k)
	}
	return out
}

func proofLines(list []contact.Evidence) []ProofLine {
	out := make([]ProofLine, 0, len(list))
	for _, e := range list {
		out = append(out, ProofLine{Kind: e.Kind, Confidence: e.Confidence, At: e.At, Counts: e.Counts})
	}
	return out
}

func (v *View) census(l *Leaf) {
	if !l.Since.IsZero() && (v.Since == nil || l.Since.Before(*v.Since)) {
		since := l.Since
		v.Since = &since
	}
}

func channels(d *Dossier, p *person) int {
	seen := map[contact.Channel]bool{}
	for i := range d.Leaves {
		if l := &d.Leaves[i]; p.Parts[l.Root] > 0 {
			for _, c := range l.Channels {
				seen[c] = true
			}
		}
	}
	return len(seen)
}

// reachable picks the phone and mail address of the card. The peer's own
// address, by which the contact came, is shown before others.
func reachable(d *Dossier, p *person, peer string, tier contact.Tier) (phone, mail string) {
	if strings.Contains(peer, "@") {
		mail = peer
	} else {
		phone = peer
	}
	for i := range d.Leaves {
		l := &d.Leaves[i]
		if p.Parts[l.Root] == 0 {
			continue
		}
		switch {
		case l.Identity.Type == Phone && phone == "":
			phone = l.Identity.Value
		case l.Identity.Type == Mail && mail == "":
			mail = l.Identity.Value
		}
	}
	switch {
	case tier >= contact.D3:
		return ShowPhone(phone), mail
	case tier == contact.D2:
		return MaskPhone(phone), MaskMail(mail)
	}
	// Below D2 only the number that rings is told, masked: the agent sees what the caller sent.
	return maskPeer(peer), ""
}

func maskPeer(peer string) string {
	if strings.Contains(peer, "@") {
		return ""
	}
	return MaskPhone(peer)
}

// Show returns one live event as the tier allows; false when there is
// nothing to show.
func (j *Journey) Show(e Event, tier contact.Tier) (ThreadEvent, bool) { return show(e, tier) }

func show(e Event, tier contact.Tier) (ThreadEvent, bool) {
	if tier == contact.D0 || e.Kind == KindIdentify {
		return ThreadEvent{}, false
	}
	t := ThreadEvent{
		ID: e.ID, At: e.OccurredAt, Channel: e.Channel, Dir: e.Dir, Kind: e.Kind, Contact: e.Contact,
		Answered: !e.Answered.IsZero(), Attrs: showAttrs(e.Attrs, tier),
	}
	if t.Attrs == nil {
		t.Attrs = map[string]string{}
	}
	put := func(k, v string) {
		if v != "" {
			t.Attrs[k] = v
		}
	}
	put("stage", code(e.Stage))
	put("reason", code(e.Reason))
	if tier < contact.D2 {
		t.Closed = e.Kind != KindStep && e.Kind != KindAbandoned && e.Kind != KindOrder && e.Kind != KindCall
		return t, true
	}
	t.Title, t.Text, t.Body = e.Attrs["subject"], e.Summary, e.ContentRef
	if e.Kind == KindPage {
		t.Title = e.Attrs["title"]
	}
	return t, true
}

// openAttrs are the attributes that every tier above D0 may show: codes and
// numbers of steps, nothing that says who, what or how much.
var openAttrs = map[string]bool{
	"form": true, "step": true, "step_no": true, "steps": true,
	"result": true, "rule": true, "skipped": true, "talk": true, "disposition": true, "method": true,
}

// internalAttrs are for connectors; no screen needs them.
var internalAttrs = map[string]bool{"digest": true, "thread": true, "reply_to": true, "auto": true, "quiet": true}

func showAttrs(attrs map[string]string, tier contact.Tier) map[string]string {
	out := make(map[string]string, len(attrs))
	for k, v := range attrs {
		switch {
		case openAttrs[k]:
			if tier < contact.D2 {
				v = code(v)
			}
			out[k] = v
		case tier < contact.D2, internalAttrs[k]:
		case tier == contact.D2:
			out[k] = maskAttr(k, v)
		default:
			out[k] = v
		}
	}
	return out
}

// code keeps what looks like a code; words of people do not pass a tier that
// is closed to them, wherever a connector put them.
func code(s string) string {
	if len(s) > 40 || strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_' && r != '.'
	}) {
		return ""
	}
	return s
}

// maskAttr masks what a customer typed, and addresses.
func maskAttr(key, value string) string {
	switch {
	case strings.HasPrefix(key, "field."):
		return maskField(strings.TrimPrefix(key, "field."), value)
	case strings.HasPrefix(key, "property."):
		return maskField(strings.TrimPrefix(key, "property."), value)
	case key == "from" || key == "to" || key == "email" || key == "phone" || strings.Contains(value, "@") && !strings.Contains(value, " "):
		return maskValue(value)
	}
	return value
}
