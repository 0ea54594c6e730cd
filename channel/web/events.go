package web

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"filo/contact"
	"filo/journey"
)

// kindTrack is an event of a site that has no meaning of its own here.
const kindTrack journey.Kind = "track"

// Bounds of one event's attributes.
const (
	maxFields  = 30
	maxNames   = 40
	maxCart    = 20
	maxTrack   = 20
	maxValue   = 200
	maxNameLen = 40
)

// events makes events of one call: its own and, when the visitor came by a
// signed link, the opening of that.
func (c *Channel) events(e *call, received time.Time) []journey.Event {
	var list []journey.Event
	if link, ok := c.linkOpened(e, received); ok {
		list = append(list, link)
	}
	var s scrubber
	own := c.base(e, received)
	switch {
	case e.kind == "page" || e.kind == "screen":
		pageEvent(&own, e, &s)
	case e.kind == "identify" || e.kind == "alias":
		identifyEvent(&own, e, &s)
	case e.kind == "group":
		own.Kind, own.Attrs = kindTrack, journey.Attrs("event", "group", "group", s.text(e.group))
	case e.event == "Form Step Viewed" || e.event == "Form Step Completed":
		stepEvent(&own, e, &s)
	case e.event == "Order Completed":
		orderEvent(&own, e, &s)
	case e.event == "Form Error":
		errorEvent(&own, e, &s)
	default:
		trackEvent(&own, e, &s)
	}
	if lang := languageOf(e.locale); lang != "" {
		own.Attrs["lang"] = lang
	}
	c.metrics.scrubbed.Add(float64(s.count))
	return append(list, own)
}

// base is what all events of a call share.
func (c *Channel) base(e *call, received time.Time) journey.Event {
	ids, evidence := e.identities()
	id := e.messageID
	if id == "" {
		id = contact.NewToken("m_", received)
	}
	return journey.Event{
		Source: "web", SourceID: id, Identities: ids, Evidence: evidence, OccurredAt: e.at, ReceivedAt: received,
		Channel: contact.Web, Dir: contact.Indirect,
	}
}

// linkOpened is made once per visitor and link, however many pages follow.
func (c *Channel) linkOpened(e *call, received time.Time) (journey.Event, bool) {
	cx := e.cx
	if cx == "" {
		cx = cxOf(e.page.scalar("search"))
	}
	if cx == "" || e.anonymous == "" {
		return journey.Event{}, false
	}
	link, err := c.journey.VerifyLink(cx)
	if err != nil {
		c.metrics.links.WithLabelValues("bad").Inc()
		return journey.Event{}, false
	}
	c.metrics.links.WithLabelValues("good").Inc()
	sum := sha256.Sum256([]byte(e.anonymous + "\x00" + cx))
	own := c.base(e, received)
	own.SourceID = "cx:" + hex.EncodeToString(sum[:12])
	own.Kind = journey.KindLink
	own.Identities = []journey.Identity{{Type: journey.Anonymous, Value: e.anonymous}}
	own.Evidence = []journey.Evidence{journey.LinkEvidence(e.anonymous, link, e.at)}
	own.OccurredAt = e.at.Add(-time.Millisecond) // before the page that it led to
	own.Attrs = journey.Attrs("message", link.Message, "path", pathOf(e))
	own.Summary = own.Attrs["path"]
	return own, true
}

func cxOf(search string) string {
	q, err := url.ParseQuery(strings.TrimPrefix(search, "?"))
	if err != nil {
		return ""
	}
	return q.Get("cx")
}

// pathOf is the page's path alone: query strings hold what nobody ought to keep.
func pathOf(e *call) string {
	p := cmp.Or(e.properties.scalar("path"), e.page.scalar("path"))
	if p == "" {
		if u, err := url.Parse(cmp.Or(e.properties.scalar("url"), e.page.scalar("url"))); err == nil {
			p = u.Path
		}
	}
	p, _, _ = strings.Cut(p, "?")
	p, _, _ = strings.Cut(p, "#")
	return journey.Cut(p, maxValue)
}

func pageEvent(ev *journey.Event, e *call, s *scrubber) {
	ev.Kind = journey.KindPage
	title := s.text(cmp.Or(e.properties.scalar("title"), e.page.scalar("title"), e.name, e.properties.scalar("name")))
	referrer, _, _ := strings.Cut(cmp.Or(e.properties.scalar("referrer"), e.page.scalar("referrer")), "?")
	ev.Attrs = journey.Attrs("path", s.text(pathOf(e)), "title", journey.Cut(title, maxValue), "referrer", s.text(journey.Cut(referrer, maxValue)))
	ev.Summary = cmp.Or(ev.Attrs["title"], ev.Attrs["path"])
}

// identifyEvent keeps the few traits that say who somebody is. They are the
// visitor's words unless the company's server vouches for the user id.
func identifyEvent(ev *journey.Event, e *call, s *scrubber) {
	ev.Kind = journey.KindIdentify
	trait := func(names ...string) string {
		for _, n := range names {
			if v := e.traits.scalar(n); v != "" {
				return journey.Cut(s.field(n, v), maxValue)
			}
		}
		return ""
	}
	ev.Attrs = journey.Attrs("name", trait("name"), "first_name", trait("firstName", "first_name"),
		"last_name", trait("lastName", "last_name"), "email", trait("email"), "phone", trait("phone"),
		"lang", languageOf(trait("lang", "language", "locale")))
	if e.kind == "alias" && e.previous != "" && e.user != "" {
		ev.Evidence = append(ev.Evidence, journey.Evidence{
			A: journey.Identity{Type: journey.Anonymous, Value: e.previous}, B: journey.Identity{Type: journey.UserID, Value: e.user},
			Source: proof(e.verified),
		})
	}
	if !e.verified {
		return
	}
	user := journey.Identity{Type: journey.UserID, Value: e.user}
	for kind, value := range map[journey.IdentityType]string{journey.Phone: ev.Attrs["phone"], journey.Mail: ev.Attrs["email"]} {
		if value != "" {
			ev.Evidence = append(ev.Evidence, journey.Evidence{
				A: user, B: journey.Identity{Type: kind, Value: value}, Source: journey.FromIdentify,
			})
		}
	}
}

func proof(verified bool) string {
	if verified {
		return journey.FromIdentify
	}
	return journey.FromUnsigned
}

// languageOf is the primary tag of a locale, "it" of "it-IT".
func languageOf(locale string) string {
	tag, _, _ := strings.Cut(strings.ReplaceAll(strings.ToLower(locale), "_", "-"), "-")
	if len(tag) < 2 || len(tag) > 3 || strings.ContainsFunc(tag, func(r rune) bool { return r < 'a' || r > 'z' }) {
		return ""
	}
	return tag
}

func stepEvent(ev *journey.Event, e *call, s *scrubber) {
	p := e.properties
	ev.Kind = journey.KindStep
	ev.Attrs = journey.Attrs("form", s.text(name(p.scalar("form"))), "step", s.text(name(p.scalar("step"))), "step_no", number(p.scalar("step_no")),
		"steps", number(p.scalar("steps")), "value", number(p.scalar("value")), "currency", currency(p.scalar("currency")),
		"path", s.text(pathOf(e)))
	if e.event == "Form Step Completed" {
		ev.Attrs["completed"] = "1"
	}
	fields, _ := p.child("fields") // what is no object has no fields
	filled, empty := names(p.fields["filled"]), names(p.fields["empty"])
	for _, k := range sorted(fields.fields) {
		if v := fields.scalar(k); v != "" && !slices.Contains(filled, name(k)) && !slices.Contains(empty, name(k)) && len(filled) < maxNames {
			filled = append(filled, name(k))
		}
	}
	setNames(ev.Attrs, "filled", filled)
	setNames(ev.Attrs, "empty", empty)
	for i, k := range sorted(fields.fields) {
		if i == maxFields {
			break
		}
		if v := s.field(k, fields.scalar(k)); v != "" && name(k) != "" {
			ev.Attrs["field."+name(k)] = journey.Cut(v, maxValue)
		}
	}
	if lines := cart(p.fields["cart"], s); lines != "" {
		ev.Attrs["cart"] = lines
	}
	ev.Reason, ev.Stage = ev.Attrs["form"], ev.Attrs["step"]
	ev.Summary = summary(ev.Attrs)
}

// summary is the step in words that need no translation.
func summary(a map[string]string) string {
	text := strings.TrimSpace(a["form"] + " " + a["step"])
	if a["step_no"] != "" && a["steps"] != "" {
		text += fmt.Sprintf(" (%s/%s)", a["step_no"], a["steps"])
	}
	return text
}

func orderEvent(ev *journey.Event, e *call, s *scrubber) {
	p := e.properties
	ev.Kind = journey.KindOrder
	ev.Attrs = journey.Attrs("order", s.text(journey.Cut(cmp.Or(p.scalar("order_id"), p.scalar("orderId"), p.scalar("order")), 64)),
		"value", number(cmp.Or(p.scalar("total"), p.scalar("value"), p.scalar("revenue"))),
		"currency", currency(p.scalar("currency")), "form", s.text(name(p.scalar("form"))))
	ev.Summary = strings.TrimSpace(ev.Attrs["order"] + " " + ev.Attrs["value"] + " " + ev.Attrs["currency"])
}

func errorEvent(ev *journey.Event, e *call, s *scrubber) {
	p := e.properties
	ev.Kind = journey.KindError
	ev.Attrs = journey.Attrs("form", s.text(name(p.scalar("form"))), "step", s.text(name(p.scalar("step"))),
		"message", journey.Cut(s.text(p.scalar("message")), maxValue), "path", s.text(pathOf(e)))
	ev.Reason, ev.Stage, ev.Summary = ev.Attrs["form"], ev.Attrs["step"], ev.Attrs["message"]
}

// trackEvent keeps the flat properties of an event that is not ours.
func trackEvent(ev *journey.Event, e *call, s *scrubber) {
	ev.Kind = kindTrack
	ev.Summary = journey.Cut(s.text(e.event), maxValue)
	ev.Attrs = journey.Attrs("event", ev.Summary, "path", s.text(pathOf(e)))
	for i, k := range sorted(e.properties.fields) {
		if i == maxTrack {
			break
		}
		if v := s.field(k, e.properties.scalar(k)); v != "" && name(k) != "" {
			ev.Attrs["property."+name(k)] = journey.Cut(v, maxValue)
		}
	}
}

// name makes a field's name safe to be kept in lists: letters, digits and _.-
func name(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == ',' || r == ';' || r == '|' || r == '=' || r < ' ' || r == 0x7f:
			return -1
		case r == ' ':
			return '_'
		}
		return r
	}, strings.TrimSpace(s))
	return journey.Cut(s, maxNameLen)
}

func names(v any) []string {
	list, _ := v.([]any)
	var out []string
	for _, x := range list {
		if n := name(scalar(x)); n != "" && len(out) < maxNames && !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out
}

func setNames(a map[string]string, key string, list []string) {
	if len(list) > 0 {
		a[key] = strings.Join(list, ",")
	}
}

// number keeps digits, a sign and one point: amounts come as text too.
func number(s string) string {
	s = strings.ReplaceAll(s, ",", ".")
	if s == "" || len(s) > 15 || strings.Count(s, ".") > 1 || strings.ContainsFunc(s, func(r rune) bool {
		return (r < '0' || r > '9') && r != '.' && r != '-'
	}) {
		return ""
	}
	return s
}

func currency(s string) string {
	s = strings.ToUpper(s)
	if len(s) != 3 || strings.ContainsFunc(s, func(r rune) bool { return r < 'A' || r > 'Z' }) {
		return ""
	}
	return s
}

// cart is "name|price;name|price".
func cart(v any, s *scrubber) string {
	list, _ := v.([]any)
	var lines []string
	for _, x := range list {
		fields, ok := x.(map[string]any)
		if !ok || len(lines) == maxCart {
			continue
		}
		clean := strings.NewReplacer("|", " ", ";", " ")
		if n := clean.Replace(s.text(journey.Cut(scalar(fields["name"]), 80))); n != "" {
			lines = append(lines, n+"|"+number(scalar(fields["price"])))
		}
	}
	return strings.Join(lines, ";")
}

func sorted(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
