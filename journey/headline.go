package journey

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"filo/contact"
)

// facts are what the recent events come to.
type facts struct {
	now     time.Time
	page    *Event // newest page
	step    *Event // newest step of a form that did not end
	order   *Event // newest goal reached
	waiting *Event // oldest message that nobody answered
	errors  []*Event
	events  []Event
}

func factsOf(events []Event, now time.Time) facts {
	f := facts{now: now, events: events}
	for i := range events {
		e := &events[i]
		switch {
		case e.Kind == KindPage:
			f.page = e
		case e.Kind == KindStep || e.Kind == KindAbandoned:
			f.step = e
		case e.Kind == KindOrder:
			f.order = e
			if f.step != nil && reached(events[i:i+1], f.step) {
				f.step = nil
			}
		case e.Kind == KindError:
			f.errors = append(f.errors, e)
		case e.waiting() && f.waiting == nil:
			f.waiting = e
		}
	}
	return f
}

// webStep is the last thing done on the web, as the tier allows it.
func webStep(f facts, tier contact.Tier) *WebStep {
	if f.step == nil && f.page == nil {
		return nil
	}
	w := &WebStep{Filled: []Field{}, Empty: []string{}, Cart: []CartItem{}}
	if f.page != nil {
		w.At = f.page.OccurredAt
		if tier >= contact.D2 {
			w.Page = f.page.Attrs["path"]
		}
	}
	if f.step == nil {
		return w
	}
	a := f.step.Attrs
	w.At = f.step.OccurredAt
	w.Form, w.Step = code(a["form"]), code(stage(f.step))
	w.StepNo, _ = strconv.Atoi(a["step_no"])
	w.Steps, _ = strconv.Atoi(a["steps"])
	if tier < contact.D2 {
		return w
	}
	w.Page = cmp.Or(a["path"], w.Page)
	w.Total, w.Currency, w.Cart = a["value"], a["currency"], cart(a["cart"])
	w.Empty = list(a["empty"])
	w.Filled = fields(a, tier)
	for _, e := range f.errors {
		if m := cmp.Or(e.Attrs["message"], e.Summary); m != "" && !e.OccurredAt.Before(f.step.OccurredAt.Add(-time.Hour)) && !slices.Contains(w.Errors, m) {
			w.Errors = append(w.Errors, m)
		}
	}
	return w
}

func stage(e *Event) string { return cmp.Or(e.Attrs["step"], e.Stage) }

func list(s string) []string {
	out := []string{}
	for _, v := range strings.Split(s, ",") {
		if v = strings.TrimSpace(v); v != "" {
			out = append(out, v)
		}
	}
	return out
}

func fields(a map[string]string, tier contact.Tier) []Field {
	names := list(a["filled"])
	for k := range a {
		if n, ok := strings.CutPrefix(k, "field."); ok && !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	slices.Sort(names[len(list(a["filled"])):])
	out := make([]Field, 0, len(names))
	for _, n := range names {
		v := a["field."+n]
		if tier < contact.D3 {
			v = maskField(n, v)
		}
		out = append(out, Field{Name: n, Value: v})
	}
	return out
}

// cart reads "name|price;name|price".
func cart(s string) []CartItem {
	out := []CartItem{}
	for _, line := range strings.Split(s, ";") {
		name, price, _ := strings.Cut(line, "|")
		if name = strings.TrimSpace(name); name != "" {
			out = append(out, CartItem{Name: name, Price: strings.TrimSpace(price)})
		}
	}
	return out
}

// headline is the offer in parts.
func headline(f facts, p *person, c contact.Context, tier contact.Tier) Headline {
	h := Headline{Reason: c.Decision.Reason}
	if tier >= contact.D2 {
		h.Who = p.Name
	}
	if s := f.step; s != nil && f.now.Sub(s.OccurredAt) < 24*time.Hour {
		at := s.OccurredAt
		h.Stage, h.StoppedAt = code(stage(s)), &at
		h.StepNo, _ = strconv.Atoi(s.Attrs["step_no"])
		h.Steps, _ = strconv.Atoi(s.Attrs["steps"])
		if tier >= contact.D2 {
			h.Value, h.Currency = s.Attrs["value"], s.Attrs["currency"]
		}
	}
	if w := f.waiting; w != nil {
		h.Unanswered = &Unanswered{Event: w.ID, Channel: w.Channel, Since: w.OccurredAt}
		if tier >= contact.D2 {
			h.Unanswered.Subject = w.Attrs["subject"]
		}
	}
	return h
}

// goal is what the customer is after, as far as the events tell.
func goal(f facts, page []Event) *Goal {
	g := &Goal{}
	var from time.Time
	switch {
	case f.step != nil:
		g.Name = "buy"
		from = f.step.OccurredAt
		for _, e := range f.events {
			if e.progress() && e.Attrs["form"] == f.step.Attrs["form"] && e.Kind != KindOrder {
				from = e.OccurredAt
				break
			}
		}
	case f.waiting != nil:
		g.Name, from = "answer", f.waiting.OccurredAt
	case f.order != nil:
		at := f.order.OccurredAt
		g.Name, from, g.Reached = "buy", at, &at
	default:
		return nil
	}
	g.OpenedAt = from
	for _, e := range page {
		if !e.OccurredAt.Before(from) && (e.Kind == KindMessage && e.Dir == contact.Inbound || e.Kind == KindCall) {
			g.Contacts++
		}
	}
	return g
}

// waitedLong is when an unanswered message becomes a burden.
const waitedLong = 4 * time.Hour

// health lists dated causes of how the relationship stands, newest first.
func health(events []Event, tier contact.Tier) []HealthLine {
	out := []HealthLine{}
	failed := map[string]int{}
	for i := range events {
		e := &events[i]
		line := HealthLine{At: e.OccurredAt}
		switch {
		case e.Kind == KindError:
			k := e.Attrs["form"] + "/" + e.Attrs["step"]
			if failed[k]++; failed[k] != 2 {
				continue
			}
			line.Code, line.Text = "error_twice", cmp.Or(e.Attrs["message"], e.Summary)
		case e.waiting():
			line.Code, line.Text = "message_waits", e.Attrs["subject"]
		case e.Kind == KindMessage && e.Dir == contact.Inbound && !e.Answered.IsZero():
			line.Code, line.Good, line.At = "message_solved", true, e.Answered
			if e.Answered.Sub(e.OccurredAt) > waitedLong {
				line.Code, line.Good = "message_waited", false
			}
			line.Text = e.Attrs["subject"]
		case e.Kind == KindOrder:
			line.Code, line.Good = "order", true
		case e.Kind == KindCall && e.Attrs["result"] == string(contact.Abandoned):
			line.Code = "call_abandoned"
		default:
			continue
		}
		if tier < contact.D2 {
			line.Text = ""
		}
		out = append(out, line)
	}
	slices.SortStableFunc(out, func(a, b HealthLine) int { return b.At.Compare(a.At) })
	return out[:min(len(out), 6)]
}
