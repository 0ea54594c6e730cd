package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"filo/bench/robot"
	"filo/journey"
	"filo/media"
)

// agent is a desk robot whose event socket is read all the time: frames wait
// until a test asks for them, and all of them are kept.
type agent struct {
	*robot.Desk
	t      *testing.T
	cancel context.CancelFunc

	mu      sync.Mutex
	all     []robot.Frame
	pending []robot.Frame
	changed chan struct{} // closed and replaced at each frame
	closed  bool
}

// offer is an offer frame.
type offer struct {
	ID        string              `json:"id"`
	Contact   string              `json:"contact"`
	Channel   string              `json:"channel"`
	Queue     string              `json:"queue"`
	Expires   time.Time           `json:"expires"`
	TimeoutMS int                 `json:"timeout_ms"`
	Subject   string              `json:"subject"`
	Peer      string              `json:"peer"`
	View      journey.View        `json:"view"`
	WhyText   map[string][]string `json:"why_text"`
	Skipped   *skipped            `json:"skipped"`
	Next      string              `json:"next"`
	arrived   time.Time
}

type skipped struct {
	Rule       string   `json:"rule"`
	Confidence float64  `json:"confidence"`
	AgeMS      int      `json:"age_ms"`
	Digits     []string `json:"digits"`
}

// contactFrame is a contact frame.
type contactFrame struct {
	ID       string       `json:"id"`
	Channel  string       `json:"channel"`
	State    string       `json:"state"`
	Since    time.Time    `json:"since"`
	View     journey.View `json:"view"`
	Hold     bool         `json:"hold"`
	Muted    bool         `json:"muted"`
	LineLost bool         `json:"line_lost"`
}

// signIn brings an agent to a desk, with its line up, not ready.
func (n *node) signIn(user string) *agent {
	n.t.Helper()
	return n.signInAt(n.w.kit, user)
}

func (n *node) signInAt(kit *robot.Kit, user string) *agent {
	n.t.Helper()
	d, err := kit.Desk(within(n.t), robot.DeskConfig{URL: n.URL, User: user, Password: password, Say: robot.Tone(agentHz)})
	require.NoError(n.t, err)
	ctx, cancel := context.WithCancel(context.WithoutCancel(n.t.Context()))
	a := &agent{Desk: d, t: n.t, cancel: cancel, changed: make(chan struct{})}
	var wg sync.WaitGroup
	wg.Go(func() { a.read(ctx) })
	n.t.Cleanup(func() {
		cctx, done := context.WithTimeout(context.Background(), patience)
		defer done()
		_ = d.Close(cctx) // may have gone with its node
		cancel()
		wg.Wait()
	})
	if d.Line != nil && user != "elena" {
		frame(a, "line", func(l struct{ Up bool }) bool { return l.Up })
	}
	return a
}

// ready signs an agent in and makes it ready.
func (n *node) ready(user string) *agent {
	n.t.Helper()
	a := n.signIn(user)
	require.NoError(n.t, a.Ready(within(n.t)))
	return a
}

func (a *agent) read(ctx context.Context) {
	for {
		f, err := a.Next(ctx)
		a.mu.Lock()
		if err != nil {
			a.closed = true
		} else {
			a.all, a.pending = append(a.all, f), append(a.pending, f)
		}
		close(a.changed)
		a.changed = make(chan struct{})
		a.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// take removes and returns the first waiting frame that fits.
func (a *agent) take(fits func(robot.Frame) bool) (f robot.Frame, ok, closed bool, changed <-chan struct{}) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i, f := range a.pending {
		if fits(f) {
			a.pending = append(a.pending[:i:i], a.pending[i+1:]...)
			return f, true, false, nil
		}
	}
	return f, false, a.closed, a.changed
}

// frame waits for a frame of the type whose data fits; others wait on.
func frame[T any](a *agent, kind string, fits func(T) bool) (T, robot.Frame) {
	a.t.Helper()
	return frameOf(a, []string{kind}, fits)
}

func frameOf[T any](a *agent, kinds []string, fits func(T) bool) (T, robot.Frame) {
	a.t.Helper()
	limit := time.After(patience)
	var data T
	for {
		f, ok, closed, changed := a.take(func(f robot.Frame) bool {
			var d T
			if !slices.Contains(kinds, f.Type) {
				return false
			}
			require.NoError(a.t, json.Unmarshal(f.Data, &d), "%s frame", f.Type)
			if !fits(d) {
				return false
			}
			data = d
			return true
		})
		if ok {
			return data, f
		}
		require.False(a.t, closed, "event socket of %s closed while waiting for a %v frame", a.User, kinds)
		select {
		case <-changed:
		case <-limit:
			require.FailNow(a.t, fmt.Sprintf("no %v frame", kinds), "at %s's desk; its frames:\n%s", a.User, a.seen())
		}
	}
}

// seen is everything that came over the event socket, as JSON.
func (a *agent) seen() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	b := []byte{}
	for _, f := range a.all {
		b = append(append(append(b, f.Type...), ' '), f.Data...)
		b = append(b, '\n')
	}
	return string(b)
}

// offers is how many offers have come so far.
func (a *agent) offers() (n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, f := range a.all {
		if f.Type == "offer" {
			n++
		}
	}
	return n
}

// offer waits for the next offer.
func (a *agent) offer(channel string) offer {
	a.t.Helper()
	o, f := frame(a, "offer", func(o offer) bool { return o.Channel == channel })
	o.arrived = f.At
	return o
}

// gone waits until an offer is taken away and returns why.
func (a *agent) gone(id string) string {
	a.t.Helper()
	type offerGone struct{ Offer, Reason string }
	g, _ := frame(a, "offer_gone", func(g offerGone) bool { return g.Offer == id })
	return g.Reason
}

// contact waits for a contact frame that fits.
func (a *agent) contact(id string, fits func(contactFrame) bool) contactFrame {
	a.t.Helper()
	c, _ := frame(a, "contact", func(c contactFrame) bool { return c.ID == id && fits(c) })
	return c
}

// thread waits until an event of a contact comes to the screen: by itself, or
// in a whole view that was made just after it.
func (a *agent) thread(id string, fits func(journey.ThreadEvent) bool) (found journey.ThreadEvent, at time.Time) {
	a.t.Helper()
	_, f := frameOf(a, []string{"thread", "view"}, func(l live) bool {
		for _, e := range append(l.View.Events, l.Event) {
			if l.Contact == id && e.ID != "" && fits(e) {
				found = e
				return true
			}
		}
		return false
	})
	return found, f.At
}

// live is a thread or a view frame.
type live struct {
	Contact string
	Event   journey.ThreadEvent
	View    journey.View
}

// state waits for an agent frame in the state, and returns its reason.
func (a *agent) state(want string) string {
	a.t.Helper()
	type state struct{ State, Reason string }
	s, _ := frame(a, "agent", func(s state) bool { return s.State == want })
	return s.Reason
}

// accept takes an offer of a call and begins to talk; quiet ends that.
func (a *agent) accept(o offer) (quiet func()) {
	a.t.Helper()
	require.NoError(a.t, a.Accept(within(a.t), o.ID))
	ctx, cancel := context.WithCancel(context.WithoutCancel(a.t.Context()))
	var wg sync.WaitGroup
	wg.Go(func() { a.Talk(ctx) })
	quiet = func() { cancel(); wg.Wait() }
	a.t.Cleanup(quiet)
	return quiet
}

// answer takes the next offer of a message channel, replies and closes.
func (a *agent) answer(channel, body string) offer {
	a.t.Helper()
	o := a.offer(channel)
	require.NoError(a.t, a.Accept(within(a.t), o.ID))
	require.NoError(a.t, a.Reply(within(a.t), o.Contact, body, true))
	return o
}

// hears waits until a tone is heard.
func hears(t *testing.T, who string, m *media.Meter, hz float64) time.Time {
	t.Helper()
	heard, err := m.Wait(within(t), hz)
	require.NoError(t, err, "%s hears %v Hz", who, hz)
	return heard
}

// bothTalk asserts that caller and desk hear each other.
func bothTalk(t *testing.T, caller *media.Meter, a *agent) {
	t.Helper()
	hears(t, "caller", caller, agentHz)
	hears(t, "agent", a.Line.Meter, callerHz)
}

// has reports whether a view holds an event that fits.
func has(v journey.View, fits func(journey.ThreadEvent) bool) bool {
	for _, e := range v.Events {
		if fits(e) {
			return true
		}
	}
	return false
}

// apiStatus is the HTTP status of a refused desk command, 0 for none.
func apiStatus(err error) int {
	var e *robot.APIError
	if errors.As(err, &e) {
		return e.Status
	}
	return 0
}

// floor is what supervisors see.
type floor struct {
	Queues []struct {
		ID      string
		Waiting []struct {
			Contact, Channel string
			Since            time.Time
		}
	}
	Agents []struct{ ID, State, Reason string }
}

// floor reads the floor as a supervisor.
func (a *agent) floor() (f floor) {
	a.t.Helper()
	require.NoError(a.t, a.Get(within(a.t), "/api/floor", &f))
	return f
}

// waiting returns since when the contacts of a queue wait, oldest first.
func (f floor) waiting(queue string) (since []time.Time) {
	for _, q := range f.Queues {
		if q.ID == queue {
			for _, w := range q.Waiting {
				since = append(since, w.Since)
			}
		}
	}
	return since
}

// agent returns an agent's state and its reason.
func (f floor) agent(id string) (state, reason string) {
	for _, a := range f.Agents {
		if a.ID == id {
			return a.State, a.Reason
		}
	}
	return "", ""
}

// awaitWaiting waits until one contact waits in the queue; it returns since when.
func (a *agent) awaitWaiting(queue string) (since time.Time) {
	a.t.Helper()
	a.awaitFloor("one waits in "+queue, func(f floor) bool {
		w := f.waiting(queue)
		if len(w) == 1 {
			since = w[0]
		}
		return len(w) == 1
	})
	return since
}

// awaitFloor waits until the floor is as wished. The API allows 30 requests a
// second.
func (a *agent) awaitFloor(what string, ok func(floor) bool) {
	a.t.Helper()
	require.Eventually(a.t, func() bool { return ok(a.floor()) }, patience, 100*time.Millisecond, what)
}
