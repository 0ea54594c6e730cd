package web

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"filo/journey"
)

// call is one Segment call, read and checked but not yet an event.
type call struct {
	path       string // "batch[3]" for messages
	kind       string // identify, track, page, screen, alias, group
	messageID  string
	anonymous  string
	user       string
	previous   string // of alias
	group      string
	event      string // of track
	name       string // of page
	at         time.Time
	verified   bool // userHash is right
	cx         string
	locale     string
	page       object
	properties object
	traits     object
}

// segment handles the calls of one kind.
func (c *Channel) segment(kind string) func(w http.ResponseWriter, r *http.Request) error {
	limit := int64(maxEvent)
	if kind == "batch" {
		limit = maxBatch
	}
	return func(w http.ResponseWriter, r *http.Request) error {
		body, err := readBody(w, r, limit)
		if err != nil {
			return err
		}
		calls, err := c.decode(r, kind, body)
		if err != nil {
			return err
		}
		if !c.limits.allow(c.address(r), c.now(), max(1, len(calls))) {
			return ErrRate
		}
		if err := c.store(r, calls); err != nil {
			return err
		}
		writeJSON(w, http.StatusOK, map[string]bool{"success": true})
		return nil
	}
}

// decode reads all calls of a request before any is stored: one that is
// wrong refuses the request, and says where.
func (c *Channel) decode(r *http.Request, kind string, body []byte) ([]call, error) {
	o, err := decodeObject(body)
	if err != nil {
		return nil, err
	}
	key, err := o.text("writeKey", maxID)
	if err != nil {
		return nil, err
	}
	if err := c.checkKey(r, key); err != nil {
		return nil, err
	}
	received := c.now()
	sent, err := o.when("sentAt")
	if err != nil {
		return nil, err
	}
	if kind != "batch" {
		one, err := c.call(o, kind, sent, received)
		if err != nil {
			return nil, err
		}
		return []call{one}, nil
	}
	return c.batch(o, sent, received)
}

func (c *Channel) batch(o object, sent, received time.Time) ([]call, error) {
	items, err := o.list("batch")
	if err != nil {
		return nil, err
	}
	if len(items) > maxEvents {
		return nil, wrong("batch", "has %d events, at most %d", len(items), maxEvents)
	}
	calls := make([]call, 0, len(items))
	for i, item := range items {
		path := fmt.Sprintf("batch[%d]", i)
		fields, ok := item.(map[string]any)
		if !ok {
			return nil, wrong(path, "must be an object")
		}
		if size(fields) > maxEvent {
			return nil, fmt.Errorf("%w: %s has more than %d bytes", ErrTooBig, path, maxEvent)
		}
		e := object{path: path, fields: fields}
		kind, err := e.text("type", 20)
		if err != nil {
			return nil, err
		}
		one, err := c.call(e, kind, sent, received)
		if err != nil {
			return nil, err
		}
		calls = append(calls, one)
	}
	return calls, nil
}

// size is what an event takes as JSON.
func size(fields map[string]any) int {
	b, err := json.Marshal(fields)
	if err != nil {
		return 0 // cannot happen: it came from JSON
	}
	return len(b)
}

// checkKey accepts the write key as user name (Segment's way) or from the
// body (a beacon's way).
func (c *Channel) checkKey(r *http.Request, inBody string) error {
	key := inBody
	if user, _, ok := r.BasicAuth(); ok {
		key = user
	}
	found := 0
	for _, k := range c.cfg.WriteKeys {
		found |= subtle.ConstantTimeCompare([]byte(k), []byte(key))
	}
	if found == 0 {
		return ErrWriteKey
	}
	return nil
}

// call reads one event.
func (c *Channel) call(o object, kind string, sent, received time.Time) (call, error) {
	e := call{path: o.path, kind: kind}
	switch kind {
	case "identify", "track", "page", "screen", "alias", "group":
	default:
		return e, wrong(o.at("type"), "%q is none of identify, track, page, screen, alias, group", kind)
	}
	var errs [10]error
	e.messageID, errs[0] = o.text("messageId", maxID)
	e.anonymous, errs[1] = o.id("anonymousId")
	e.user, errs[2] = o.id("userId")
	e.previous, errs[3] = o.id("previousId")
	e.group, errs[4] = o.id("groupId")
	e.event, errs[5] = o.text("event", maxID)
	e.name, errs[6] = o.text("name", maxText)
	e.properties, errs[7] = o.child("properties")
	e.traits, errs[8] = o.child("traits")
	e.at, errs[9] = o.when("timestamp")
	for _, err := range errs {
		if err != nil {
			return e, err
		}
	}
	if err := c.readContext(o, &e); err != nil {
		return e, err
	}
	if e.anonymous == "" && e.user == "" {
		return e, wrong(o.at("anonymousId"), "anonymousId or userId is needed")
	}
	if err := e.checkTrack(o); err != nil {
		return e, err
	}
	if own, err := o.when("sentAt"); err != nil {
		return e, err
	} else if !own.IsZero() {
		sent = own
	}
	e.at = correct(e.at, sent, received)
	return e, nil
}

// checkTrack refuses a track call whose form properties have the wrong shape.
func (e *call) checkTrack(o object) error {
	if e.kind != "track" {
		return nil
	}
	if e.event == "" {
		return wrong(o.at("event"), "is missing")
	}
	if _, err := e.properties.child("fields"); err != nil && strings.HasPrefix(e.event, "Form ") {
		return err
	}
	for _, name := range []string{"filled", "empty", "cart"} {
		if _, err := e.properties.list(name); err != nil && strings.HasPrefix(e.event, "Form ") {
			return err
		}
	}
	return nil
}

// readContext reads what Segment keeps in context, and our own cx and userHash.
func (c *Channel) readContext(o object, e *call) error {
	ctx, err := o.child("context")
	if err != nil {
		return err
	}
	if e.page, err = ctx.child("page"); err != nil {
		return err
	}
	if e.cx, err = ctx.text("cx", 2048); err != nil {
		return err
	}
	e.locale = ctx.scalar("locale")
	if len(e.traits.fields) == 0 { // Segment libraries repeat the traits here
		if e.traits, err = ctx.child("traits"); err != nil {
			return err
		}
	}
	for _, in := range []object{o, ctx, e.traits} {
		if h := in.scalar("userHash"); h != "" {
			e.verified = c.verified(e.user, h)
			break
		}
	}
	return nil
}

// verified reports whether the company's server vouches for the user id.
func (c *Channel) verified(user, hash string) bool {
	if len(c.secret) == 0 || user == "" {
		return false
	}
	got, err := hex.DecodeString(hash)
	if err != nil {
		return false
	}
	m := hmac.New(sha256.New, c.secret)
	m.Write([]byte(user))
	return hmac.Equal(got, m.Sum(nil))
}

// correct takes the visitor's clock out of a time: what matters is how long
// before sending it happened (Segment's rule). The result is never in the
// future.
func correct(at, sent, received time.Time) time.Time {
	switch {
	case at.IsZero():
		return received
	case !sent.IsZero():
		at = received.Add(-sent.Sub(at))
	}
	if at.After(received) {
		return received
	}
	return at
}

// store puts the events on their threads, in their order.
func (c *Channel) store(r *http.Request, calls []call) error {
	start := c.now()
	defer func() { c.metrics.seconds.Observe(c.now().Sub(start).Seconds()) }()
	for i := range calls {
		for _, e := range c.events(&calls[i], start) {
			got, err := c.journey.Ingest(r.Context(), e)
			if err != nil {
				c.metrics.events.WithLabelValues(string(e.Kind), "failed").Inc()
				return fmt.Errorf("%s: %w", at(calls[i].path), err)
			}
			result := "stored"
			if got.Duplicate {
				result = "duplicate"
			}
			c.metrics.events.WithLabelValues(string(e.Kind), result).Inc()
		}
	}
	return nil
}

func at(path string) string {
	if path == "" {
		return "event"
	}
	return path
}

// identities are who is meant: a user id only when somebody vouches for it,
// else the cookie; an unproved user id is named last, as a hint.
func (e *call) identities() (ids []journey.Identity, evidence []journey.Evidence) {
	anonymous := journey.Identity{Type: journey.Anonymous, Value: e.anonymous}
	user := journey.Identity{Type: journey.UserID, Value: e.user}
	switch {
	case e.user == "":
		return []journey.Identity{anonymous}, nil
	case e.verified && e.anonymous == "":
		return []journey.Identity{user}, nil
	case e.anonymous == "":
		// Anybody can write this: it must not land on the customer's own thread.
		return []journey.Identity{{Type: journey.Anonymous, Value: "user:" + e.user}, user}, nil
	case e.verified:
		return []journey.Identity{user, anonymous},
			[]journey.Evidence{{A: user, B: anonymous, Source: journey.FromIdentify}}
	default:
		return []journey.Identity{anonymous, user}, nil
	}
}
