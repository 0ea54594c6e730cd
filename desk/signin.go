package desk

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"filo/contact"
)

// hashers bounds the password checks that run at one time: each takes 19 MiB.
const hashers = 4

// signIn serves POST /api/session.
func (d *Desk) signIn(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if !d.ours(r) {
		d.refuse(w, r, ErrOrigin)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, 4<<10)
	var in struct {
		User     string `json:"user"`
		Password string `json:"password"`
	}
	if err := readJSON(r, &in); err != nil {
		d.refuse(w, r, err)
		return
	}
	u, err := d.authenticate(w, r, in.User, in.Password)
	if err != nil {
		d.refuse(w, r, err)
		return
	}
	s, cookie, ended := d.sessions.create(u)
	for _, old := range ended {
		if err := d.closeSession(r.Context(), old, false); err != nil {
			d.log.LogAttrs(r.Context(), slog.LevelWarn, "sockets of an older session not closed",
				slog.String("agent_id", u.User), slog.String("error", err.Error()))
		}
	}
	if _, err := d.seatFor(r.Context(), u); err != nil {
		d.sessions.end(s)
		d.refuse(w, r, err)
		return
	}
	http.SetCookie(w, d.sessions.cookie(r, cookie))
	writeJSON(w, http.StatusOK, d.sessionJSON(r, s))
}

// authenticate checks a pair of user and password. A refusal takes the same
// time, and says the same, whatever was wrong.
func (d *Desk) authenticate(w http.ResponseWriter, r *http.Request, user, password string) (*User, error) {
	from := address(r.RemoteAddr)
	if wait := d.throttle.wait(from, user); wait > 0 {
		d.metrics.signIns.WithLabelValues("throttled").Inc()
		w.Header().Set("Retry-After", strconv.Itoa(int(wait/time.Second)+1))
		return nil, ErrTooMany
	}
	select { // before the clock starts: a queue here tells nothing about users
	case d.hashing <- struct{}{}:
	case <-r.Context().Done():
		return nil, fmt.Errorf("sign in: %w", r.Context().Err())
	}
	answer := time.NewTimer(d.cfg.Session.FailTime)
	defer answer.Stop()
	u, known := d.users.Get(user)
	h := d.nobody
	if known && u.PasswordHash != "" {
		h = u.hash
	}
	ok := h.matches(password) && known && u.PasswordHash != ""
	<-d.hashing
	if ok {
		d.throttle.succeeded(user)
		d.metrics.signIns.WithLabelValues("ok").Inc()
		return u, nil
	}
	d.throttle.failed(from, user)
	d.metrics.signIns.WithLabelValues("wrong").Inc()
	select {
	case <-answer.C:
	case <-r.Context().Done():
	}
	return nil, ErrNoUser
}

// whoAmI serves GET /api/session.
func (d *Desk) whoAmI(_ http.ResponseWriter, r *http.Request, s *session) (any, error) {
	return d.sessionJSON(r, s), nil
}

// signOut serves DELETE /api/session.
func (d *Desk) signOut(w http.ResponseWriter, r *http.Request, s *session) (any, error) {
	last := d.sessions.end(s)
	http.SetCookie(w, d.sessions.cookie(r, ""))
	if err := d.closeSession(r.Context(), s, true); err != nil {
		return nil, err
	}
	if last && d.deps.DropLine != nil && !s.user.Phone {
		d.deps.DropLine(r.Context(), contact.AgentID(s.user.User))
	}
	return struct{}{}, nil
}

func (d *Desk) sessionJSON(r *http.Request, s *session) sessionJSON {
	u := s.user
	j := sessionJSON{
		User: u.User, Name: u.Name, Role: u.Role, Lang: u.Lang, CSRF: s.csrf, Phone: u.Phone, Now: stamp(d.now()),
	}
	if password, ok := d.sessions.line(u.User); ok && u.hasLine() {
		j.Line = &lineJSON{
			WS: d.lineURL(r), Domain: d.cfg.Domain, User: u.User, Password: password, URI: "sip:line@" + d.cfg.Domain,
		}
	}
	return j
}

// lineURL is where the browser finds SIP over WebSocket.
func (d *Desk) lineURL(r *http.Request) string {
	if d.cfg.LineURL != "" {
		return d.cfg.LineURL
	}
	scheme := "ws"
	if r.TLS != nil || !loopbackHost(r.Host) { // off loopback there is TLS, here or before us
		scheme = "wss"
	}
	return scheme + "://" + r.Host + "/sip"
}

// Password returns the SIP password of a user: that of the phone, or, while
// somebody is signed in, that of the browser line. It implements
// sip.Credentials.
func (d *Desk) Password(_ context.Context, user string) (password string, ok bool) {
	if u, known := d.users.Get(user); known && u.Phone {
		return u.SIPPassword, true
	}
	return d.sessions.line(user)
}

// Authorize returns the user whose session asks for the SIP WebSocket. Users
// with a SIP phone have no browser line.
func (d *Desk) Authorize(r *http.Request) (user string, err error) {
	if !d.ours(r) {
		return "", ErrOrigin
	}
	s, err := d.sessions.find(r)
	if err != nil {
		return "", err
	}
	if s.user.Phone || !s.user.hasLine() {
		return "", fmt.Errorf("%w: user has no browser line", ErrForbidden)
	}
	return s.user.User, nil
}

// isGone reports whether an error only says that the thing is over already.
func isGone(err error) bool {
	return errors.Is(err, contact.ErrNoContact) || errors.Is(err, contact.ErrBadCommand)
}
