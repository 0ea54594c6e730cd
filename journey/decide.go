package journey

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"filo/contact"
)

// Two reasons are close when their confidences are this near to each other
// and their activities happened this shortly one after the other: who stopped
// at the payment two minutes ago does not call about last night's mail, but
// perhaps about the SMS of a minute ago.
const (
	closeConfidence = .05
	closeInTime     = 30 * time.Minute
)

// reason is a rule that matched.
type reason struct {
	rule  Rule
	order int
	event *Event
	c     float64
}

// decide finds the likely reason of a call by the rules, in their order. At
// .85 and above the call goes straight to the queue, from .60 one question is
// put, below that the menu. Two close reasons at .85 and above become a
// question with two choices. Among equally confident reasons the rule that
// stands first wins.
func decide(rules []Rule, p *person, events []Event, d *Dossier, now time.Time) contact.Decision {
	var found []reason
	for i, r := range rules {
		if m, ok := r.match(p, events, d, now); ok {
			m.order = i
			found = append(found, m)
		}
	}
	slices.SortFunc(found, func(a, b reason) int {
		return cmp.Or(cmp.Compare(b.c, a.c), cmp.Compare(a.order, b.order))
	})
	if len(found) == 0 || !atLeast(found[0].c, askAt) {
		return contact.Decision{Action: contact.Menu, Weaker: names(found)}
	}
	best := found[0]
	out := contact.Decision{
		Action: contact.Ask, Rule: best.rule.Name, Reason: best.rule.Reason, Confidence: best.c,
		Target: best.target(p), At: best.event.OccurredAt, Weaker: names(found[1:]),
	}
	rival := slices.IndexFunc(found[1:], best.closeTo)
	switch {
	case p.Tier < contact.D1:
		return contact.Decision{Action: contact.Menu, Weaker: names(found)}
	case rival >= 0:
		out.Choices = []contact.Choice{best.choice(p), found[1+rival].choice(p)}
	case atLeast(best.c, skipAt):
		out.Action = contact.Skip
	default:
		out.Choices = []contact.Choice{best.choice(p)}
	}
	return out
}

func names(rs []reason) []string {
	var list []string
	for _, r := range rs {
		list = append(list, r.rule.Name)
	}
	return list
}

func (r reason) closeTo(o reason) bool {
	apart := r.event.OccurredAt.Sub(o.event.OccurredAt).Abs()
	return atLeast(r.c, skipAt) && atLeast(o.c, skipAt) && r.c-o.c <= closeConfidence+1e-9 && apart <= closeInTime
}

func (r reason) choice(p *person) contact.Choice {
	return contact.Choice{Rule: r.rule.Name, Reason: r.rule.Reason, Prompt: r.rule.Prompt, Target: r.target(p)}
}

// target is the rule's queue, or the one in which the activity itself waits,
// with the activity's owner preferred when the rule holds for somebody.
func (r reason) target(p *person) contact.Target {
	t := contact.Target{
		Queue: r.rule.Queue, Skills: r.rule.Skills, Priority: r.rule.Priority, Lang: p.Lang,
		Attributes: map[string]string{"reason": r.rule.Reason, "rule": r.rule.Name, "event": r.event.ID},
	}
	if q := r.event.Attrs["queue"]; q != "" && r.rule.Match != MatchForm {
		t.Queue = q
	}
	if r.rule.Hold > 0 {
		t.Preferred = cmp.Or(contact.AgentID(r.event.Attrs["agent"]), p.LastAgent)
	}
	if t.Preferred != "" {
		t.Hold = r.rule.Hold
	}
	return t
}

// match looks for the newest activity that the rule is about.
func (r Rule) match(p *person, events []Event, d *Dossier, now time.Time) (reason, bool) {
	for i := len(events) - 1; i >= 0; i-- {
		e := &events[i]
		if now.Sub(e.OccurredAt) > r.Window || !r.about(e) {
			continue
		}
		if r.Match == MatchForm && reached(events[i+1:], e) {
			return reason{}, false
		}
		c := p.confidenceOf(d, e.Customer) * r.freshness(now.Sub(e.OccurredAt))
		return reason{rule: r, event: e, c: c}, c > 0
	}
	return reason{}, false
}

func (r Rule) about(e *Event) bool {
	switch r.Match {
	case MatchForm:
		return (e.Kind == KindStep || e.Kind == KindAbandoned) && (r.Form == "" || e.Attrs["form"] == r.Form)
	case MatchSMS:
		return e.Channel == contact.SMS && e.Kind == KindMessage && (e.waiting() || e.Dir == contact.Outbound)
	case MatchEmail:
		return e.Channel == contact.Email && e.waiting()
	}
	return false
}

// reached reports whether an order followed the step.
func reached(later []Event, step *Event) bool {
	return slices.ContainsFunc(later, func(e Event) bool {
		return e.Kind == KindOrder && (e.Attrs["form"] == "" || e.Attrs["form"] == step.Attrs["form"])
	})
}

// freshness is 1 while the activity is fresh and declines to Faded at the
// window's end.
func (r Rule) freshness(age time.Duration) float64 {
	if age <= r.Fresh || r.Window <= r.Fresh {
		return 1
	}
	return 1 - (1-r.Faded)*float64(age-r.Fresh)/float64(r.Window-r.Fresh)
}

func (p *person) confidenceOf(d *Dossier, leaf contact.CustomerID) float64 {
	for i := range d.Leaves {
		if d.Leaves[i].ID == leaf {
			return p.Parts[d.Leaves[i].Root]
		}
	}
	return 0
}

// attributes are the flat facts for flow expressions: codes only, nothing in
// the customer's words.
func attributes(events []Event, now time.Time) map[string]string {
	a := map[string]string{}
	set := func(key, value string) {
		if value != "" && a[key] == "" {
			a[key] = value
		}
	}
	for i := len(events) - 1; i >= 0; i-- {
		e := &events[i]
		age := strconv.Itoa(int(now.Sub(e.OccurredAt).Seconds()))
		switch {
		case e.Kind == KindPage:
			set("web.page", e.Attrs["path"])
		case e.progress():
			if a["web.form"] == "" {
				set("web.age_s", age)
				set("web.step", cmp.Or(e.Attrs["step"], e.Stage))
				set("web.step_no", e.Attrs["step_no"])
				set("web.steps", e.Attrs["steps"])
				set("web.state", string(e.Kind))
				set("web.form", e.Attrs["form"])
			}
		case e.waiting():
			set(string(e.Channel)+".waiting", "1")
			set(string(e.Channel)+".age_s", age)
			set(string(e.Channel)+".reason", e.Reason)
		}
	}
	return a
}
