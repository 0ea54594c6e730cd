package desk

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/time/rate"
)

const cookieName = "filo_session"

// session is one sign-in. What is not guarded never changes.
type session struct {
	key   [sha256.Size]byte // of the cookie's value, which is not kept
	user  *User
	csrf  string
	start time.Time
	limit *rate.Limiter

	// guarded by sessions.mu
	seen    time.Time
	sockets int
}

// checkCSRF compares in constant time.
func (s *session) checkCSRF(token string) bool {
	return subtle.ConstantTimeCompare([]byte(s.csrf), []byte(token)) == 1
}

// sessions are all sign-ins, in memory: after a restart people sign in again.
type sessions struct {
	cfg   SessionConfig
	now   func() time.Time
	gauge prometheus.Gauge

	mu    sync.Mutex
	byKey map[[sha256.Size]byte]*session
	// lines are the SIP passwords of users with a browser line: one a user,
	// made by the first session and gone with the last.
	lines map[string]string
}

func newSessions(cfg SessionConfig, now func() time.Time, gauge prometheus.Gauge) *sessions {
	return &sessions{cfg: cfg, now: now, gauge: gauge, byKey: map[[sha256.Size]byte]*session{}, lines: map[string]string{}}
}

// secret returns 256 random bits as text.
func secret() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails since Go 1.24
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// create signs u in. The oldest sessions of u above the limit are returned, ended.
func (ss *sessions) create(u *User) (s *session, cookie string, ended []*session) {
	now := ss.now()
	cookie = secret()
	s = &session{
		key: sha256.Sum256([]byte(cookie)), user: u, csrf: secret(), start: now, seen: now,
		limit: rate.NewLimiter(rate.Limit(ss.cfg.Requests), ss.cfg.Burst),
	}
	ss.mu.Lock()
	defer ss.mu.Unlock()
	if !u.Phone && ss.lines[u.User] == "" {
		ss.lines[u.User] = secret()
	}
	ss.byKey[s.key] = s
	var own []*session
	for _, o := range ss.byKey {
		if o.user.User == u.User && o != s {
			own = append(own, o)
		}
	}
	slices.SortFunc(own, func(a, b *session) int { return a.start.Compare(b.start) })
	for len(own) >= ss.cfg.PerUser {
		ended = append(ended, own[0])
		delete(ss.byKey, own[0].key)
		own = own[1:]
	}
	ss.gauge.Set(float64(len(ss.byKey)))
	return s, cookie, ended
}

// find returns the session of a request and marks it as used.
func (ss *sessions) find(r *http.Request) (*session, error) {
	c, err := r.Cookie(cookieName)
	if err != nil || c.Value == "" || len(c.Value) > 128 {
		return nil, ErrNoSession
	}
	key := sha256.Sum256([]byte(c.Value))
	ss.mu.Lock()
	defer ss.mu.Unlock()
	s, ok := ss.byKey[key]
	if !ok || ss.expired(s) {
		return nil, ErrNoSession
	}
	s.seen = ss.now()
	return s, nil
}

func (ss *sessions) expired(s *session) bool {
	now := ss.now()
	return now.Sub(s.start) > ss.cfg.Max || (s.sockets == 0 && now.Sub(s.seen) > ss.cfg.Idle)
}

// socket counts the event sockets of a session; while one is open, the session
// is not idle.
func (ss *sessions) socket(s *session, by int) {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	s.sockets += by
	s.seen = ss.now()
}

// end signs a session out; it reports whether it was the user's last.
func (ss *sessions) end(s *session) (last bool) {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	ss.remove(s)
	return !ss.any(s.user.User)
}

// expire removes and returns what is too old.
func (ss *sessions) expire() (gone []*session) {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	for _, s := range ss.byKey {
		if ss.expired(s) {
			gone = append(gone, s)
		}
	}
	for _, s := range gone {
		ss.remove(s)
	}
	return gone
}

func (ss *sessions) remove(s *session) {
	delete(ss.byKey, s.key)
	if !ss.any(s.user.User) {
		delete(ss.lines, s.user.User)
	}
	ss.gauge.Set(float64(len(ss.byKey)))
}

func (ss *sessions) any(user string) bool {
	for _, s := range ss.byKey {
		if s.user.User == user {
			return true
		}
	}
	return false
}

// line returns the SIP password of a user's browser line.
func (ss *sessions) line(user string) (string, bool) {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	p, ok := ss.lines[user]
	return p, ok
}

// cookie makes the session's cookie, or, with an empty value, the one that
// deletes it. It is Secure unless the desk is used over plain HTTP on this
// machine, where browsers would not send it back.
func (ss *sessions) cookie(r *http.Request, value string) *http.Cookie {
	c := &http.Cookie{ //nolint:gosec // Secure wherever a browser would send it back
		Name: cookieName, Value: value, Path: "/", HttpOnly: true,
		SameSite: http.SameSiteStrictMode, Secure: r.TLS != nil || !loopbackHost(r.Host),
	}
	if value == "" {
		c.MaxAge = -1
	}
	return c
}

// loopbackHost reports whether a Host header names this machine.
func loopbackHost(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
