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
	"filo/journey"
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

// fakeThread is a journey of one customer whose name is the canary.
type fakeThread struct {
	mu       sync.Mutex
	fail     error
	views    int
	verified map[contact.ID]bool
	marked   []string
	subs     []chan journey.Event
	contents map[string]journey.Content
	step     int // of the form
	reply    journey.Event
}

func newFakeThread() *fakeThread {
	return &fakeThread{verified: map[contact.ID]bool{}, contents: map[string]journey.Content{}, step: 3}
}

func (f *fakeThread) View(ctx context.Context, req journey.ViewRequest) (journey.View, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.views++
	if f.fail != nil {
		return journey.View{}, f.fail
	}
	tier := req.Context.Tier
	v := journey.View{
		Tier: tier.String(), Earlier: 2, LastWeb: &journey.WebStep{Form: "checkout", StepNo: f.step},
		Headline: journey.Headline{Reason: "abandoned-checkout", StepNo: f.step},
	}
	e := journey.ThreadEvent{ID: "e_1", At: time.Unix(1000, 0).UTC(), Channel: contact.Email, Dir: contact.Inbound, Kind: journey.KindMessage}
	if req.Before != "" {
		e.ID = "e_0"
		v.Earlier = 1
	}
	if tier >= contact.D2 {
		v.Name, v.Headline.Who = canary, canary
		e.Title, e.Text, e.Body = "Consegna?", canary+" writes", "b_"+e.ID
	} else {
		v.Closed, e.Closed = []string{"name", "bodies"}, true
	}
	v.Events = []journey.ThreadEvent{e}
	if f.reply.ID != "" {
		v.Events = append(v.Events, journey.ThreadEvent{ID: f.reply.ID, At: time.Unix(2000, 0).UTC(), Text: f.reply.Summary})
	}
	return v, ctx.Err()
}

func (f *fakeThread) ContentFor(_ context.Context, _ journey.ViewRequest, ref string) (journey.Content, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c, ok := f.contents[ref]
	if !ok {
		return journey.Content{}, journey.ErrUnknown
	}
	return c, nil
}

func (f *fakeThread) Subscribe(contact.CustomerID) (<-chan journey.Event, func()) {
	ch := make(chan journey.Event, 16)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.subs = append(f.subs, ch)
	return ch, func() {}
}

// happen tells every subscriber of an event.
func (f *fakeThread) happen(e journey.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, ch := range f.subs {
		ch <- e
	}
}

func (f *fakeThread) Show(e journey.Event, tier contact.Tier) (journey.ThreadEvent, bool) {
	te := journey.ThreadEvent{ID: e.ID, At: e.OccurredAt, Channel: e.Channel, Kind: e.Kind, Closed: tier < contact.D2}
	if tier >= contact.D2 {
		te.Text = e.Summary
	}
	return te, e.Kind != "hidden"
}

func (f *fakeThread) Verify(_ context.Context, id contact.ID, _ contact.CustomerID, _ contact.AgentID, _ string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.verified[id] = true
	return nil
}

func (f *fakeThread) MarkAnswered(_ context.Context, events []string, _ string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.marked = append(f.marked, events...)
	return nil
}

// set changes the fake under its lock.
func (f *fakeThread) set(change func(*fakeThread)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(f)
}

// fakeWork is the conductors of calls and messages, and the lines.
type fakeWork struct {
	mu       sync.Mutex
	commands []contact.CallCommand
	notes    []contact.WrapUpNote
	replies  []contact.Reply
	up       map[contact.AgentID]bool
	dropped  []contact.AgentID
	onReply  func(contact.Reply) (string, error)
	onClose  func(contact.WrapUpNote) error
}

func (f *fakeWork) Command(_ context.Context, _ contact.ID, cmd contact.CallCommand) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.commands = append(f.commands, cmd)
	return nil
}

func (f *fakeWork) WrapUp(_ context.Context, _ *contact.Card, n contact.WrapUpNote) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.notes = append(f.notes, n)
	return nil
}

func (f *fakeWork) Reply(_ context.Context, r contact.Reply) (string, error) {
	f.mu.Lock()
	on := f.onReply
	f.replies = append(f.replies, r)
	f.mu.Unlock()
	if on != nil {
		return on(r)
	}
	return "e_reply", nil
}

func (f *fakeWork) Close(_ context.Context, n contact.WrapUpNote) error {
	f.mu.Lock()
	on := f.onClose
	f.notes = append(f.notes, n)
	f.mu.Unlock()
	if on != nil {
		return on(n)
	}
	return nil
}

func (f *fakeWork) Answered(context.Context, []string) error { return nil }

func (f *fakeWork) LineUp(id contact.AgentID) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.up[id]
}

func (f *fakeWork) line(id contact.AgentID, up bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.up[id] = up
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
		DropLine: func(id contact.AgentID) {
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
