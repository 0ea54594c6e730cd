package desk

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"filo/contact"
)

func TestSignIn(t *testing.T) {
	f := newFixture(t, nil)
	for _, tc := range []struct {
		name string
		body any
		code int
		word string
	}{
		{"right", map[string]string{"user": "paola", "password": password}, 200, ""},
		{"wrong password", map[string]string{"user": "paola", "password": "wrong"}, 401, "wrong_password"},
		{"unknown user", map[string]string{"user": "nobody", "password": password}, 401, "wrong_password"},
		{"user without a password", map[string]string{"user": "nologin", "password": ""}, 401, "wrong_password"},
		{"empty", map[string]string{}, 401, "wrong_password"},
		{"unknown field", map[string]string{"user": "paola", "password": password, "role": "admin"}, 400, "bad_request"},
		{"too big", map[string]string{"user": "paola", "password": strings.Repeat("x", 5000)}, 413, "too_big"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			code, body := f.client().call(http.MethodPost, "/api/session", tc.body)
			require.Equal(t, tc.code, code, body)
			if tc.word != "" {
				require.Contains(t, body, `"code":"`+tc.word+`"`)
			}
		})
	}
}

func TestRefusalsLookAlike(t *testing.T) {
	f := newFixture(t, func(c *Config, _ *Deps) { c.Session.FailTime = 150 * time.Millisecond })
	try := func(user string) (string, time.Duration) {
		start := time.Now()
		code, body := f.client().call(http.MethodPost, "/api/session", map[string]string{"user": user, "password": "wrong"})
		require.Equal(t, http.StatusUnauthorized, code)
		return body, time.Since(start)
	}
	known, took1 := try("paola")
	unknown, took2 := try("nobody")
	require.Equal(t, known, unknown)
	require.GreaterOrEqual(t, took1, 150*time.Millisecond)
	require.GreaterOrEqual(t, took2, 150*time.Millisecond)
}

func TestSignInBacksOff(t *testing.T) {
	f := newFixture(t, func(c *Config, _ *Deps) { c.Session.FailTime = 0 })
	c := f.client()
	for range freeTries {
		code, _ := c.call(http.MethodPost, "/api/session", map[string]string{"user": "paola", "password": "wrong"})
		require.Equal(t, http.StatusUnauthorized, code)
	}
	r, err := c.do(http.MethodPost, "/api/session", map[string]string{"user": "paola", "password": password}, nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusTooManyRequests, r.StatusCode)
	require.NotEmpty(t, r.Header.Get("Retry-After"))
}

func TestSessionCookieAndLine(t *testing.T) {
	f := newFixture(t, nil)
	c := f.client()
	r, err := c.do(http.MethodPost, "/api/session", map[string]string{"user": "paola", "password": password}, nil)
	require.NoError(t, err)
	cookie := r.Header.Get("Set-Cookie")
	require.Contains(t, cookie, "HttpOnly")
	require.Contains(t, cookie, "SameSite=Strict")
	require.NotContains(t, cookie, "Secure", "loopback over HTTP")
	var s sessionJSON
	require.NoError(t, json.Unmarshal([]byte(r.text), &s))
	require.Equal(t, "ws"+strings.TrimPrefix(f.server.URL, "http")+"/sip", s.Line.WS)
	require.Equal(t, "sip:line@filo.local", s.Line.URI)
	got, ok := f.desk.Password(context.Background(), "paola")
	require.True(t, ok)
	require.Equal(t, s.Line.Password, got)
	sip, ok := f.desk.Password(context.Background(), "phone")
	require.True(t, ok)
	require.Equal(t, "sip-secret", sip)
	_, ok = f.desk.Password(context.Background(), "marta")
	require.False(t, ok, "not signed in")

	c.session = s
	code, body := c.call(http.MethodDelete, "/api/session", nil)
	require.Equal(t, http.StatusOK, code, body)
	_, ok = f.desk.Password(context.Background(), "paola")
	require.False(t, ok)
	require.Equal(t, []contact.AgentID{"paola"}, f.work.dropped)
	code, _ = c.call(http.MethodGet, "/api/session", nil)
	require.Equal(t, http.StatusUnauthorized, code)
	require.Zero(t, testutil.ToFloat64(f.desk.metrics.sessions))
}

func TestCookieIsSecureOffLoopback(t *testing.T) {
	ss := newSessions(DefaultConfig().Session, time.Now, newMetrics(nil).sessions)
	for host, secure := range map[string]bool{
		"127.0.0.1:8080": false, "localhost": false, "[::1]:80": false, "desk.example.com": true, "10.0.0.1:8080": true,
	} {
		require.Equal(t, secure, ss.cookie(&http.Request{Host: host}, "x").Secure, host)
	}
}

func TestGuard(t *testing.T) {
	f := newFixture(t, nil)
	c := f.signIn("paola")
	for _, tc := range []struct {
		name, method, path string
		header             http.Header
		code               int
		word               string
	}{
		{"right", "POST", "/api/agent/state", nil, 200, ""},
		{"no browser", "POST", "/api/agent/state", http.Header{"Origin": {""}}, 200, ""},
		{"no token", "POST", "/api/agent/state", http.Header{"X-Filo-CSRF": {""}}, 403, "csrf"},
		{"wrong token", "POST", "/api/agent/state", http.Header{"X-Filo-CSRF": {"x"}}, 403, "csrf"},
		{"foreign origin", "POST", "/api/agent/state", http.Header{"Origin": {"https://evil.example"}}, 403, "origin"},
		{"null origin", "POST", "/api/agent/state", http.Header{"Origin": {"null"}}, 403, "origin"},
		{"other scheme", "POST", "/api/agent/state", http.Header{"Origin": {"https" + strings.TrimPrefix(f.server.URL, "http")}}, 403, "origin"},
		{"other port", "POST", "/api/agent/state", http.Header{"Origin": {"http://127.0.0.1:1"}}, 403, "origin"},
		{"cross-site without origin", "GET", "/api/session", http.Header{"Origin": {""}, "Sec-Fetch-Site": {"cross-site"}}, 403, "origin"},
		{"get needs no token", "GET", "/api/session", http.Header{"X-Filo-CSRF": {""}}, 200, ""},
		{"no JSON", "POST", "/api/agent/state", http.Header{"Content-Type": {"text/plain"}}, 400, "bad_request"},
		{"floor is not for agents", "GET", "/api/floor", nil, 403, "forbidden"},
		{"unknown call", "GET", "/api/nothing", nil, 404, "not_found"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r, err := c.do(tc.method, tc.path, map[string]string{"state": "not_ready", "reason": "break"}, tc.header)
			require.NoError(t, err)
			require.Equal(t, tc.code, r.StatusCode, r.text)
			if tc.word != "" {
				require.Contains(t, r.text, `"code":"`+tc.word+`"`)
			}
		})
	}
	for _, origin := range []string{"https://evil.example", "null"} {
		_, err := c.dial(context.Background(), origin)
		require.ErrorContains(t, err, "Forbidden", origin)
	}
}

func TestOriginsFromTheConfiguration(t *testing.T) {
	d := &Desk{cfg: Config{Origins: []string{"https://desk.example.com"}}}
	for origin, ok := range map[string]bool{
		"https://desk.example.com": true, "http://desk.example.com": false, "https://desk.example.com.evil.example": false,
		"http://10.0.0.1:8080": true, "https://10.0.0.1:8080": false, "": true,
	} {
		r := &http.Request{Host: "10.0.0.1:8080", Header: http.Header{}}
		if origin != "" {
			r.Header.Set("Origin", origin)
		}
		require.Equal(t, ok, d.ours(r), origin)
	}
}

func TestRateLimit(t *testing.T) {
	f := newFixture(t, func(c *Config, _ *Deps) { c.Session.Requests, c.Session.Burst = .001, 3 })
	c := f.signIn("paola")
	var codes []int
	for range 4 {
		code, _ := c.call(http.MethodGet, "/api/session", nil)
		codes = append(codes, code)
	}
	require.Equal(t, []int{200, 200, 200, 429}, codes)
}

func TestSessionsExpire(t *testing.T) {
	now := time.Now()
	cfg := SessionConfig{Idle: time.Hour, Max: 10 * time.Hour, PerUser: 2, Requests: 1, Burst: 1}
	ss := newSessions(cfg, func() time.Time { return now }, newMetrics(nil).sessions)
	u := &User{User: "paola"}
	request := func(cookie string) *http.Request {
		r := &http.Request{Header: http.Header{}}
		r.AddCookie(&http.Cookie{Name: cookieName, Value: cookie})
		return r
	}
	a, cookieA, ended := ss.create(u)
	require.Empty(t, ended)
	now = now.Add(50 * time.Minute)
	_, err := ss.find(request(cookieA))
	require.NoError(t, err, "use keeps it")
	now = now.Add(61 * time.Minute)
	_, err = ss.find(request(cookieA))
	require.ErrorIs(t, err, ErrNoSession, "idle")
	require.Equal(t, []*session{a}, ss.expire())
	_, ok := ss.line("paola")
	require.False(t, ok)

	b, cookieB, _ := ss.create(u)
	ss.socket(b, 1)
	now = now.Add(9 * time.Hour)
	require.True(t, ss.byKey[b.key] == b && !ss.expired(b), "a socket keeps it")
	now = now.Add(2 * time.Hour)
	_, err = ss.find(request(cookieB))
	require.ErrorIs(t, err, ErrNoSession, "too old")

	_, _, _ = ss.create(u)
	first, _, ended := ss.create(u)
	require.Len(t, ended, 1)
	now = now.Add(time.Second)
	_, _, ended = ss.create(u)
	require.Len(t, ended, 1)
	require.NotNil(t, first)
	_, err = ss.find(request(strings.Repeat("x", 4000)))
	require.ErrorIs(t, err, ErrNoSession)
	_, err = ss.find(&http.Request{Header: http.Header{}})
	require.ErrorIs(t, err, ErrNoSession)
}

func TestThrottle(t *testing.T) {
	now := time.Now()
	th := newThrottle(func() time.Time { return now })
	for range freeTries - 1 {
		th.failed("1.2.3.4", "paola")
	}
	require.Zero(t, th.wait("1.2.3.4", "paola"))
	var waits []time.Duration
	for range 12 {
		th.failed("1.2.3.4", "paola")
		waits = append(waits, th.wait("1.2.3.4", "x"))
	}
	require.Equal(t, time.Second, waits[0])
	require.Equal(t, 2*time.Second, waits[1])
	require.Equal(t, addressWait, waits[11])
	require.Equal(t, userWait, th.wait("9.9.9.9", "paola"), "a user is never out for long")
	th.succeeded("paola")
	require.Zero(t, th.wait("9.9.9.9", "paola"))
	require.NotZero(t, th.wait("1.2.3.4", "paola"))
	now = now.Add(time.Hour)
	th.forget()
	require.Empty(t, th.fails)
}

func TestAddress(t *testing.T) {
	for in, want := range map[string]string{
		"192.0.2.1:5000": "192.0.2.1", "[2001:db8:1:2:3::4]:80": "2001:db8:1:2::/64", "[::ffff:192.0.2.1]:80": "192.0.2.1", "@": "@",
	} {
		require.Equal(t, want, address(in), in)
	}
}

func TestAuthorizeForTheLine(t *testing.T) {
	f := newFixture(t, nil)
	c := f.signIn("paola")
	ask := func(c *client, origin string) (string, error) {
		r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, f.server.URL+"/sip", http.NoBody)
		require.NoError(t, err)
		r.Header.Set("Origin", origin)
		for _, k := range c.http.Jar.Cookies(r.URL) {
			r.AddCookie(k)
		}
		return f.desk.Authorize(r)
	}
	user, err := ask(c, f.server.URL)
	require.NoError(t, err)
	require.Equal(t, "paola", user)
	_, err = ask(c, "https://evil.example")
	require.ErrorIs(t, err, ErrOrigin)
	_, err = ask(f.client(), f.server.URL)
	require.ErrorIs(t, err, ErrNoSession)
	_, err = ask(f.signIn("phone"), f.server.URL)
	require.ErrorIs(t, err, ErrForbidden)
}

func TestCommandsCheckTheirInput(t *testing.T) {
	f := newFixture(t, nil)
	c, tb, card, o := offerTo(t, f, contact.D2)
	_, _ = c.call(http.MethodPost, "/api/offers/"+o.ID.String()+"/accept", nil)
	tb.next(frameContact)
	at := "/api/contacts/" + string(card.Contact)
	for _, tc := range []struct {
		name, path string
		body       any
		code       int
	}{
		{"verb", at + "/command", map[string]string{"verb": "explode"}, 400},
		{"no digits", at + "/command", map[string]string{"verb": "digits"}, 400},
		{"bad digits", at + "/command", map[string]string{"verb": "digits", "digits": "1x"}, 400},
		{"many digits", at + "/command", map[string]string{"verb": "digits", "digits": strings.Repeat("1", 33)}, 400},
		{"digits", at + "/command", map[string]string{"verb": "digits", "digits": "1*#A"}, 200},
		{"reply to a call", at + "/reply", map[string]string{"body": "x"}, 409},
		{"method", at + "/verify", map[string]string{"method": "a b\n"}, 400},
		{"disposition", at + "/wrapup", map[string]string{"disposition": "nonsense"}, 400},
		{"note", at + "/wrapup", map[string]string{"note": strings.Repeat("x", maxNote+1)}, 400},
		{"wrap-up of a live call", at + "/wrapup", map[string]string{"disposition": "purchase"}, 409},
		{"extend a live call", at + "/wrapup/extend", map[string]int{"ms": 1000}, 409},
		{"extend by too much", at + "/wrapup/extend", map[string]int{"ms": 1e9}, 400},
		{"mark a foreign event", at + "/answered", map[string]string{"event": "e_other"}, 400},
		{"mark", at + "/answered", map[string]string{"event": "e_1"}, 200},
		{"offer id", "/api/offers/nonsense/accept", nil, 400},
		{"old offer", "/api/offers/0-7/accept", nil, 409},
		{"foreign contact", "/api/contacts/c_x/command", map[string]string{"verb": "hold"}, 404},
		{"state", "/api/agent/state", map[string]string{"state": "busy"}, 400},
		{"reason", "/api/agent/state", map[string]string{"state": "not_ready", "reason": "a b"}, 400},
	} {
		code, body := c.call(http.MethodPost, tc.path, tc.body)
		require.Equal(t, tc.code, code, tc.name+": "+body)
	}
	require.Equal(t, []string{"e_1"}, f.thread.marked)
	for _, q := range []string{"limit=0", "limit=x", "limit=201", "before=" + strings.Repeat("x", 65)} {
		code, _ := c.call(http.MethodGet, at+"/thread?"+q, nil)
		require.Equal(t, http.StatusBadRequest, code, q)
	}
	code, body := c.call(http.MethodGet, at+"/thread?before=e_1&limit=10", nil)
	require.Equal(t, http.StatusOK, code)
	require.Contains(t, body, `"earlier":1`)
}

func TestSupervisorSeesTheFloor(t *testing.T) {
	f := newFixture(t, nil)
	_, _, _, o := offerTo(t, f, contact.D2)
	c := f.signIn("boss")
	tb := c.open(0)
	var floor floorJSON
	for len(floor.Decisions) == 0 {
		tb.next(frameFloor).into(t, &floor)
	}
	require.Equal(t, o.ID, floor.Decisions[0].Offer)
	require.Contains(t, floor.Decisions[0].WhyText["en"][0], "Paola: checkout 90")
	require.InDelta(t, serviceGoal, floor.SL.Target, 0)
	code, body := c.call(http.MethodGet, "/api/floor", nil)
	require.Equal(t, http.StatusOK, code)
	require.NotContains(t, body, "Canarina")
	require.NotContains(t, body, "34712344")
	require.NotContains(t, body, "••• 4419")
	require.NoError(t, json.Unmarshal([]byte(body), &floor))
	var paola *floorAgentJSON
	for i, a := range floor.Agents {
		if a.ID == "paola" {
			paola = &floor.Agents[i]
		}
	}
	require.Equal(t, contact.Reserved, paola.State)
	require.Equal(t, uint8(90), paola.Skills["checkout"])
	for _, q := range floor.Queues {
		if q.ID == "checkout" {
			require.Len(t, q.Waiting, 1)
			require.Equal(t, int64(20_000), q.TargetMS)
			require.InDelta(t, -1, q.InTime, 0)
		}
	}
}

func TestMetricsAreClean(t *testing.T) {
	f := newFixture(t, nil)
	offerTo(t, f, contact.D2)
	problems, err := testutil.GatherAndLint(f.desk.deps.Registry.(prometheus.Gatherer))
	require.NoError(t, err)
	require.Empty(t, problems)
}
