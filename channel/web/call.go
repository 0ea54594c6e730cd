package web

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"filo/journey"
)

var errNoCalls = errors.New("calls from the browser are switched off")

// maxTokenBody bounds the request for a call token.
const maxTokenBody = 4 << 10

// callToken issues what a browser needs to call: a token that says which
// visitor calls, good for one connection and one call.
func (c *Channel) callToken(w http.ResponseWriter, r *http.Request) error {
	if c.cfg.Call.URI == "" {
		return errNoCalls
	}
	if !c.limits.allow(c.address(r), c.now(), 5) { // a token is worth more than an event
		return ErrRate
	}
	body, err := readBody(w, r, maxTokenBody)
	if err != nil {
		return err
	}
	o, err := decodeObject(body)
	if err != nil {
		return err
	}
	key, err := o.text("writeKey", maxID)
	if err != nil {
		return err
	}
	if err := c.checkKey(r, key); err != nil {
		return err
	}
	anonymous, err := o.text("anonymousId", maxID)
	if err != nil {
		return err
	}
	if anonymous == "" {
		return wrong("anonymousId", "is missing")
	}
	expires := c.now().Add(c.cfg.Call.TokenFor)
	token, err := c.journey.CallToken(r.Context(), journey.Identity{Type: journey.Anonymous, Value: anonymous})
	if errors.Is(err, journey.ErrBadToken) {
		return wrong("anonymousId", "is not usable")
	}
	if err != nil {
		return fmt.Errorf("issue call token: %w", err)
	}
	c.metrics.tokens.WithLabelValues("issued").Inc()
	writeJSON(w, http.StatusOK, map[string]any{
		"token": token, "ws": c.cfg.Call.Socket + "?token=" + url.QueryEscape(token),
		"uri": c.cfg.Call.URI, "user": guest(token), "expires": expires.UTC().Format("2006-01-02T15:04:05.000Z07:00"),
	})
	return nil
}

// Authorize lets a guest's WebSocket in, once per token, and returns the user
// that the flow is bound to. The error is ErrNoToken when the request carries
// none, so that somebody else may be asked.
func (c *Channel) Authorize(r *http.Request) (user string, err error) {
	token := r.URL.Query().Get("token")
	if token == "" {
		return "", ErrNoToken
	}
	if _, err := c.journey.CheckCallToken(token); err != nil {
		c.metrics.tokens.WithLabelValues("refused").Inc()
		return "", fmt.Errorf("authorise guest: %w", err)
	}
	now := c.now()
	if !c.guests.first(guest(token), now, now.Add(c.cfg.Call.TokenFor)) {
		c.metrics.tokens.WithLabelValues("refused").Inc()
		return "", fmt.Errorf("authorise guest: %w", ErrUsedToken)
	}
	c.metrics.tokens.WithLabelValues("used").Inc()
	return guest(token), nil
}

// guest is the user name that goes with a token.
func guest(token string) string {
	sum := sha256.Sum256([]byte(token))
	return "guest-" + hex.EncodeToString(sum[:10])
}

// once remembers keys until they expire by themselves. It needs no bound of
// its own: only keys whose token we signed get in, and those are rate limited.
type once struct {
	mu    sync.Mutex
	until map[string]time.Time
	swept time.Time
}

func newOnce() *once { return &once{until: make(map[string]time.Time)} }

func (o *once) first(key string, now, until time.Time) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if now.Sub(o.swept) > time.Minute {
		for k, t := range o.until {
			if now.After(t) {
				delete(o.until, k)
			}
		}
		o.swept = now
	}
	if _, used := o.until[key]; used {
		return false
	}
	o.until[key] = until
	return true
}
