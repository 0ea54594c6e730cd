package desk

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/coder/websocket"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"filo/contact"
	"filo/router"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	// canary is a customer's name. It must not leave at D1.
	canary   = "Giulia Canarina"
	password = "correct horse"
)

// passwordHash is made once: it is slow on purpose.
var passwordHash = sync.OnceValue(func() string {
	h, err := HashPassword(password)
	if err != nil {
		panic(err)
	}
	return h
})

func testUsers(t testing.TB) *Users {
	t.Helper()
	us, err := NewUsers([]User{
		{User: "paola", Name: "Paola Ferri", Lang: "it", PasswordHash: passwordHash(), Skills: map[string]uint8{"checkout": 90}, Languages: []string{"it"}},
		{User: "marta", Name: "Marta Conti", PasswordHash: passwordHash(), Skills: map[string]uint8{"checkout": 70}},
		{User: "calls", Name: "Carlo Only", PasswordHash: passwordHash(), Skills: map[string]uint8{"none": 1}, Caps: map[contact.Channel]int{contact.Voice: 1, contact.Email: 0, contact.SMS: 0, contact.Web: 0}},
		{User: "boss", Name: "Bea Capo", Role: Supervisor, PasswordHash: passwordHash()},
		{User: "phone", Name: "Fabio Fisso", PasswordHash: passwordHash(), Phone: true, SIPPassword: "sip-secret", Skills: map[string]uint8{"phones": 50}},
		{User: "robot", Name: "Rosa Robot", Phone: true, SIPPassword: "sip-secret-2", ReadyAtStart: true, Skills: map[string]uint8{"robots": 50}},
		{User: "nologin", Name: "No Login"},
	})
	require.NoError(t, err)
	return us
}

// fixture is a desk on a real router and a real HTTP server.
type fixture struct {
	t      testing.TB
	desk   *Desk
	router *router.Router
	thread *fakeThread
	work   *fakeWork
	server *httptest.Server
	stop   func()
	cancel func() // stops the desk alone
}

func testConfig() Config {
	c := DefaultConfig()
	c.Session.FailTime = 10 * time.Millisecond
	c.Session.Requests, c.Session.Burst = 1000, 1000
	c.Socket.Lost, c.Socket.LostOffered = time.Second, 500*time.Millisecond
	c.QueuesEvery, c.FloorEvery = 100*time.Millisecond, 100*time.Millisecond
	return c
}

func routing() router.Config {
	rc := router.DefaultConfig()
	rc.Queues["checkout"] = router.Queue{
		Label:  map[string]string{"en": "Checkout", "it": "Cassa"},
		Skills: []contact.Skill{{Name: "checkout", Min: 50}}, Target: 20 * time.Second,
	}
	rc.Queues["phones"] = router.Queue{Skills: []contact.Skill{{Name: "phones", Min: 1}}}
	rc.Queues["robots"] = router.Queue{Skills: []contact.Skill{{Name: "robots", Min: 1}}}
	return rc
}

func newFixture(t testing.TB, change func(*Config, *Deps)) *fixture {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	rc := routing()
	r, err := router.New(rc, router.Deps{Log: log, Registry: prometheus.NewRegistry(), Epoch: 1})
	require.NoError(t, err)
	f := &fixture{t: t, router: r, thread: newFakeThread(), work: &fakeWork{up: map[contact.AgentID]bool{"paola": true, "marta": true, "phone": true}}}
	cfg := testConfig()
	deps := Deps{
		Log: log, Registry: prometheus.NewRegistry(), Users: testUsers(t), Router: r, Thread: f.thread,
		Calls: f.work, Messages: f.work, Lines: f.work, Routing: rc,
		DropLine: func(_ context.Context, id contact.AgentID) {
			f.work.mu.Lock()
			defer f.work.mu.Unlock()
			f.work.dropped = append(f.work.dropped, id)
		},
		Files: fstest.MapFS{
			"desk/index.html":          {Data: []byte("<!doctype html><title>desk</title>")},
			"shop/index.html":          {Data: []byte("<!doctype html><title>shop</title>")},
			"desk/assets/desk-1234.js": {Data: []byte("export{}")},
		},
	}
	if change != nil {
		change(&cfg, &deps)
	}
	f.desk, err = New(cfg, deps)
	require.NoError(t, err)
	f.run()
	return f
}

// run starts router, desk and server, and stops them after the test.
func (f *fixture) run() {
	var wg sync.WaitGroup
	routerCtx, stopRouter := context.WithCancel(context.Background())
	deskCtx, stopDesk := context.WithCancel(context.Background())
	deskDone := make(chan struct{})
	wg.Go(func() { _ = f.router.Run(routerCtx) })
	wg.Go(func() { defer close(deskDone); _ = f.desk.Run(deskCtx) })
	f.server = httptest.NewServer(f.desk.Handler())
	f.cancel = func() { stopDesk(); <-deskDone }
	f.stop = sync.OnceFunc(func() {
		stopDesk()
		<-deskDone
		stopRouter()
		f.server.Close()
		wg.Wait()
	})
	f.t.Cleanup(f.stop)
}

// client is one browser.
type client struct {
	t       testing.TB
	f       *fixture
	http    *http.Client
	session sessionJSON
}

func (f *fixture) client() *client {
	jar, err := cookiejar.New(nil)
	require.NoError(f.t, err)
	c := &client{t: f.t, f: f, http: &http.Client{Jar: jar, Transport: &http.Transport{}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	f.t.Cleanup(c.http.CloseIdleConnections)
	return c
}

// signIn returns a browser in which user is signed in.
func (f *fixture) signIn(user string) *client {
	f.t.Helper()
	c := f.client()
	code, body := c.call(http.MethodPost, "/api/session", map[string]string{"user": user, "password": password})
	require.Equal(f.t, http.StatusOK, code, body)
	require.NoError(f.t, json.Unmarshal([]byte(body), &c.session))
	return c
}

// call makes one request as the web app does.
func (c *client) call(method, path string, body any) (code int, answer string) {
	c.t.Helper()
	r, err := c.do(method, path, body, nil)
	require.NoError(c.t, err)
	return r.StatusCode, r.text
}

type answer struct {
	*http.Response
	text string
}

func (c *client) do(method, path string, body any, header http.Header) (answer, error) {
	var in io.Reader = http.NoBody
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return answer{}, err
		}
		in = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(context.Background(), method, c.f.server.URL+path, in)
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Origin", c.f.server.URL)
	req.Header.Set("X-Filo-CSRF", c.session.CSRF)
	for k, v := range header {
		req.Header.Del(k)
		if v[0] != "" {
			req.Header.Set(k, v[0])
		}
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	return answer{resp, string(b)}, err
}

// wireFrame is a frame as the client gets it.
type wireFrame struct {
	Seq  uint64          `json:"seq"`
	Type string          `json:"type"`
	Data json.RawMessage `json:"data"`
}

func (w wireFrame) into(t testing.TB, v any) {
	t.Helper()
	require.NoError(t, json.Unmarshal(w.Data, v), string(w.Data))
}

// tab is one open event socket.
type tab struct {
	t    testing.TB
	conn *websocket.Conn
	last uint64
	raw  strings.Builder // everything that came
}

// open opens a tab's event socket and says hello.
func (c *client) open(after uint64) *tab {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	conn, err := c.dial(ctx, c.f.server.URL)
	require.NoError(c.t, err)
	hello, err := json.Marshal(map[string]any{"type": "hello", "csrf": c.session.CSRF, "after": after})
	require.NoError(c.t, err)
	require.NoError(c.t, conn.Write(ctx, websocket.MessageText, hello))
	t := &tab{t: c.t, conn: conn}
	c.t.Cleanup(func() { _ = conn.CloseNow() })
	return t
}

func (c *client) dial(ctx context.Context, origin string) (*websocket.Conn, error) {
	h := http.Header{}
	if origin != "" {
		h.Set("Origin", origin)
	}
	conn, resp, err := websocket.Dial(ctx, c.f.server.URL+"/api/events", &websocket.DialOptions{HTTPClient: c.http, HTTPHeader: h})
	if resp != nil && resp.Body != nil && err != nil {
		_ = resp.Body.Close()
		err = errors.Join(err, errStatus(resp.StatusCode))
	}
	if conn != nil {
		conn.SetReadLimit(8 << 20)
	}
	return conn, err
}

type errStatus int

func (e errStatus) Error() string { return http.StatusText(int(e)) }

// next waits for a frame of one of the types and drops what comes before it.
func (tb *tab) next(types ...string) wireFrame {
	tb.t.Helper()
	f, err := tb.read(5*time.Second, types...)
	require.NoError(tb.t, err, "waiting for %v", types)
	return f
}

func (tb *tab) read(limit time.Duration, types ...string) (wireFrame, error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	for {
		_, b, err := tb.conn.Read(ctx)
		if err != nil {
			return wireFrame{}, err
		}
		tb.raw.Write(b)
		var f wireFrame
		if err := json.Unmarshal(b, &f); err != nil {
			return f, err
		}
		tb.last = f.Seq
		for _, want := range types {
			if f.Type == want {
				return f, nil
			}
		}
		if len(types) == 0 {
			return f, nil
		}
	}
}

// card is one call of the customer.
func card(tier contact.Tier) *contact.Card {
	now := time.Now()
	return &contact.Card{
		Contact: contact.NewID(now), Channel: contact.Voice, Customer: "cu_1", Queue: "checkout",
		Peer: "+393471234419", Arrived: now, SkippedIVR: true,
		Context: contact.Context{
			Customer: "cu_1", Tier: tier,
			Decision: contact.Decision{Action: contact.Skip, Rule: "abandoned-checkout", Confidence: .9, At: now.Add(-2 * time.Minute)},
		},
	}
}

// place puts a contact into its queue.
func (f *fixture) place(c *contact.Card) *router.Ticket {
	f.t.Helper()
	tk, err := f.router.Place(context.Background(), router.Request{Card: c, Target: contact.Target{Queue: c.Queue}})
	require.NoError(f.t, err)
	return tk
}

// ready makes the client's agent ready.
func (c *client) ready() {
	c.t.Helper()
	code, body := c.call(http.MethodPost, "/api/agent/state", map[string]string{"state": "ready"})
	require.Equal(c.t, http.StatusOK, code, body)
}

// stateOf returns the router's picture of an agent.
func (f *fixture) stateOf(id contact.AgentID) router.AgentSnapshot {
	f.t.Helper()
	snap, err := f.router.Snapshot(context.Background())
	require.NoError(f.t, err)
	for _, a := range snap.Agents {
		if a.ID == id {
			return a
		}
	}
	return router.AgentSnapshot{}
}
