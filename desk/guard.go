package desk

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"slices"
	"strings"
)

// pageCSP is the policy of API.md: nothing from elsewhere, no inline code.
const pageCSP = "default-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data:; style-src 'self'; " +
	"script-src 'self'; frame-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"

// secure sets the headers of every answer.
func secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", pageCSP)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin") // with none at all, browsers name no origin either
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "microphone=(self), speaker-selection=(self), camera=(), geolocation=(), payment=(), usb=()")
		if r.TLS != nil {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		next.ServeHTTP(w, r)
	})
}

// ours reports whether a request comes from a page of ours. Browsers name the
// origin on every request that matters; a client that names none is no browser
// and holds the cookie by itself.
func (d *Desk) ours(r *http.Request) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site == "cross-site" || site == "same-site" {
		return d.listed(r.Header.Get("Origin"))
	}
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	return strings.EqualFold(origin, scheme+"://"+r.Host) || d.listed(origin)
}

func (d *Desk) listed(origin string) bool { return slices.Contains(d.cfg.Origins, origin) }

// maxBody bounds the body of a command: a reply of 64 KiB with all its
// characters escaped still fits.
const maxBody = 400 << 10

// endpoint is a handler that knows who asks. It answers by returning a value
// to be sent as JSON, or an error.
type endpoint func(w http.ResponseWriter, r *http.Request, s *session) (any, error)

// plain is an endpoint that answers by itself.
type plain func(w http.ResponseWriter, r *http.Request, s *session)

// errAnswered is returned by an endpoint that has written its answer.
var errAnswered = errors.New("answered")

// guard lets only requests of signed-in users of ours through: from our pages,
// with the CSRF token on everything but GET, and not too many.
func (d *Desk) guard(w http.ResponseWriter, r *http.Request) (*session, error) {
	if !d.ours(r) {
		return nil, ErrOrigin
	}
	s, err := d.sessions.find(r)
	if err != nil {
		return nil, err
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead && !s.checkCSRF(r.Header.Get("X-Filo-CSRF")) {
		return nil, ErrCSRF
	}
	if !s.limit.Allow() {
		w.Header().Set("Retry-After", "1")
		return nil, ErrTooMany
	}
	return s, nil
}

// api wraps an endpoint: guard, role, body limit, JSON, metrics.
func (d *Desk) api(name string, role Role, f endpoint) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		s, err := d.guard(w, r)
		if err == nil && role == Supervisor && !s.user.supervises() {
			err = ErrForbidden
		}
		if err != nil {
			d.refuse(w, r, err)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		start := d.now()
		answer, err := f(w, r, s)
		word := "ok"
		switch {
		case errors.Is(err, errAnswered):
		case err != nil:
			word = d.fail(w, r, err)
		default:
			writeJSON(w, http.StatusOK, answer)
		}
		d.metrics.command.WithLabelValues(name, word).Observe(d.now().Sub(start).Seconds())
	}
}

// open wraps the event socket with the guard alone.
func (d *Desk) open(f plain) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s, err := d.guard(w, r)
		switch {
		case errors.Is(err, ErrNoSession) && r.Header.Get("Origin") != "" && r.Header.Get("Upgrade") != "":
			d.turnAway(w, r)
			return
		case err != nil:
			d.refuse(w, r, err)
			return
		}
		f(w, r, s)
	}
}

// refuse answers a request that the guard did not let through.
func (d *Desk) refuse(w http.ResponseWriter, r *http.Request, err error) {
	word := d.fail(w, r, err)
	d.metrics.refused.WithLabelValues(word).Inc()
}

// fail answers an error and returns its code. What is our own fault is logged;
// its text stays here.
func (d *Desk) fail(w http.ResponseWriter, r *http.Request, err error) string {
	code, word := status(err)
	message := err.Error()
	if code >= http.StatusInternalServerError {
		message = http.StatusText(code)
		if r.Context().Err() == nil {
			d.log.LogAttrs(r.Context(), slog.LevelError, "desk command failed",
				slog.String("route", r.Pattern), slog.String("error", err.Error()))
		}
	}
	writeJSON(w, code, map[string]any{"error": map[string]string{"code": word, "message": message}})
	return word
}

func writeJSON(w http.ResponseWriter, code int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		http.Error(w, "internal", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(code)
	_, _ = w.Write(b)
}

// readJSON reads a command's body, strictly: one JSON value without unknown
// fields. An empty body leaves v as it is.
func readJSON(r *http.Request, v any) error {
	if r.ContentLength == 0 {
		return nil
	}
	if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || t != "application/json" {
		return fmt.Errorf("%w: the body must be application/json", ErrBadRequest)
	}
	dec := json.NewDecoder(r.Body)
	dec.DisallowUnknownFields()
	err := dec.Decode(v)
	if err == nil {
		if _, more := dec.Token(); more == nil || !errors.Is(more, io.EOF) {
			return fmt.Errorf("%w: more than one value", ErrBadRequest)
		}
		return nil
	}
	var big *http.MaxBytesError
	switch {
	case errors.As(err, &big):
		return ErrTooBig
	case errors.Is(err, io.EOF):
		return nil
	}
	return fmt.Errorf("%w: %s", ErrBadRequest, "the body is not the JSON of this command")
}
