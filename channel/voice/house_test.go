package voice

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"filo/bench/robot"
	"filo/contact"
	"filo/ivr"
	"filo/journey"
	"filo/measure"
	"filo/media"
	"filo/router"
	"filo/sip"
	"filo/sip/trace"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// What can be heard, far from each other's harmonics.
const (
	musicHz  = 310
	menuHz   = 730
	askHz    = 1310
	callerHz = 440
	agentHz  = 1000
)

const flowYAML = `
languages: [en]
start: main
prompts:
  main: {en: Press a key.}
  bye: {en: Goodbye.}
steps:
  main:
    menu:
      prompt: main
      options: {1: checkout, 2: bye, 3: nowhere, 4: away, 5: office}
      timeout: 5s
      retries: 3
      on_fail: bye
  checkout:
    enqueue: {queue: checkout}
  nowhere:
    enqueue: {queue: no-such-queue}
  away:
    transfer: {to: "+39045555019"}
  office:
    transfer: {to: office}
  bye:
    hangup: bye
`

// house is a node of real SIP, media, router and flows around the conductor,
// with people and thread made up, and robots outside.
type house struct {
	t       *testing.T
	c       *Conductor
	ua      *sip.UA
	router  *router.Router
	measure *measure.Engine
	reg     *prometheus.Registry
	kit     *robot.Kit
	web     *httptest.Server
	thread  *thread
	desk    *watcher
	trace   *trace.Recorder
	staff   staff

	stopRouter, stopSIP func() // before the end of the test; idempotent
}

// settings are what a test changes.
type settings struct {
	voice  Config
	router router.Config
	media  media.Config
	staff  staff

	headers []string // that the trunk lets through
	dial    []string // what it may dial, at the robots
	flow    string   // "" for flowYAML
}

func defaults() *settings {
	s := &settings{voice: DefaultConfig(), router: router.DefaultConfig(), media: media.DefaultConfig(), staff: staff{}}
	s.voice.DefaultFlow, s.voice.LineGrace = "main", 5*time.Second
	s.router.Queues = map[string]router.Queue{"checkout": {WrapUp: -1}, "zebra": {}}
	s.media.PortMin, s.media.PortMax, s.media.PortQuarantine = 0, 0, 0
	return s
}

func open(t *testing.T, change ...func(*settings)) *house {
	t.Helper()
	t.Cleanup(func() { goleak.VerifyNone(t) })
	s := defaults()
	for _, f := range change {
		f(s)
	}
	h := &house{
		t: t, reg: prometheus.NewRegistry(), staff: s.staff,
		thread: &thread{written: make(chan journey.Event, 16), counted: make(chan string, 16)},
		desk:   &watcher{lines: make(chan lineNews, 64), calls: make(chan contact.CallState, 256)},
		trace:  trace.New(trace.DefaultConfig()),
	}
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
	var err error
	h.router, err = router.New(s.router, router.Deps{Log: log, Epoch: 1})
	require.NoError(t, err)
	h.measure, err = measure.New(measure.DefaultConfig(), measure.Deps{})
	require.NoError(t, err)
	eng, err := media.New(s.media, media.Deps{Log: log, Registry: h.reg})
	require.NoError(t, err)
	h.kit, err = robot.NewKit(t.Context(), robot.Config{})
	require.NoError(t, err)
	sc := sip.DefaultConfig()
	sc.Listen = []sip.Listen{{Network: "udp", Bind: "127.0.0.1:0"}}
	sc.Trunks = []sip.Trunk{{Name: "loop", Allow: []string{"127.0.0.0/8"}, Trusted: true, Region: "IT", Headers: s.headers}}
	if len(s.dial) > 0 {
		sc.Trunks[0].Server, sc.Trunks[0].Dial.Allow = h.kit.Address(), s.dial
		sc.Trunks[0].CallerID.Number = "+390455550100"
	}
	h.ua, err = sip.New(sc, sip.Deps{Log: log, Credentials: s.staff, Tap: h.trace})
	require.NoError(t, err)
	flow, err := ivr.Parse("main", []byte(cmp.Or(s.flow, flowYAML)))
	require.NoError(t, err)
	h.c, err = New(t.Context(), s.voice, Deps{
		Log: log, Registry: h.reg, UA: h.ua, Media: eng, Router: h.router, Journey: h.thread, Measure: h.measure,
		Agents: s.staff, Watcher: h.desk, Trace: h.trace,
		Flows: map[string]*ivr.Flow{"main": flow}, Prompts: ivr.NewPrompts(nil, sounds),
	})
	require.NoError(t, err)
	h.serve(eng)
	h.web = httptest.NewServer(h.ua.WebSocket(func(r *http.Request) (string, error) {
		return r.URL.Query().Get("user"), nil
	}, nil))
	return h
}

// serve runs the parts until the end of the test, and stops them in the order
// of the program.
func (h *house) serve(eng *media.Engine) {
	var wg sync.WaitGroup
	run := func(f func(context.Context) error) (stop func()) {
		ctx, cancel := context.WithCancel(context.WithoutCancel(h.t.Context()))
		done := make(chan error, 1)
		wg.Go(func() { done <- f(ctx) })
		return sync.OnceFunc(func() {
			cancel()
			if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
				h.t.Errorf("stopped with %v", err)
			}
		})
	}
	h.stopRouter = run(h.router.Run)
	stopPhones := run(h.c.FollowPhones)
	h.stopSIP = run(func(ctx context.Context) error { return h.ua.Serve(ctx, h.c.Serve) })
	<-h.ua.Ready()
	h.t.Cleanup(func() {
		h.kit.Close() //nolint:errcheck // its calls may have ended on their own
		h.web.Close()
		h.stopSIP()
		stopPhones()
		h.c.Close()
		h.stopRouter()
		require.NoError(h.t, eng.Close())
		wg.Wait()
	})
}

// quiet waits until nothing of any call is left: endpoints beyond the lines
// that stand, contacts, calls, inboxes.
func (h *house) quiet(lines int) {
	h.t.Helper()
	require.NoError(h.t, h.c.AwaitIdle(h.within()))
	require.Eventually(h.t, func() bool { return h.gauge("filo_media_endpoints") == float64(lines) }, patience, tick, "endpoints")
	snap, err := h.router.Snapshot(h.within())
	require.NoError(h.t, err)
	for _, q := range snap.Queues {
		require.Zero(h.t, len(q.Waiting)+q.Offered+q.Connected, "contacts in %s", q.Name)
	}
	for _, a := range snap.Agents {
		require.Empty(h.t, a.Contacts, "contacts of %s", a.ID)
		require.Empty(h.t, a.Offers, "offers to %s", a.ID)
	}
	require.Empty(h.t, h.c.inboxes.m)
	for agent := range h.staff {
		_, busy := h.c.lines.inUse(agent)
		require.False(h.t, busy, "line of %s", agent)
	}
	require.Zero(h.t, h.c.Calls())
	require.Zero(h.t, h.gauge("filo_voice_calls"))
}

// gauge sums a metric over its labels.
func (h *house) gauge(name string, label ...string) (sum float64) {
	families, err := h.reg.Gather()
	require.NoError(h.t, err)
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			if len(label) > 0 && m.GetLabel()[0].GetValue() != label[0] {
				continue
			}
			sum += m.GetGauge().GetValue() + m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return sum
}

const (
	patience = 10 * time.Second
	tick     = 5 * time.Millisecond
)

func (h *house) within() context.Context {
	ctx, cancel := context.WithTimeout(h.t.Context(), patience)
	h.t.Cleanup(cancel)
	return ctx
}

// take waits for the next value that somebody was told.
func take[T any](h *house, ch <-chan T, what string) T {
	h.t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(patience):
		require.FailNow(h.t, "nothing came", what)
		panic("unreachable")
	}
}

// hears waits until a robot's meter is full of a tone, and of nothing older.
func (h *house) hears(m *media.Meter, hz float64) {
	h.t.Helper()
	require.Eventually(h.t, func() bool { return m.RMS() > 100 && m.Level(hz) > .8 }, patience, tick, "tone of %v Hz", hz)
}

// call lets a caller phone in.
func (h *house) call(from string) *robot.Call {
	h.t.Helper()
	c, err := h.kit.Call(h.within(), robot.Dial{Server: h.ua.Addr("udp"), From: from, To: "100", Say: robot.Tone(callerHz)})
	require.NoError(h.t, err)
	return c
}

func (h *house) hangup(c *robot.Call) {
	h.t.Helper()
	require.NoError(h.t, c.Hangup(h.within()))
}

// ended waits for the call on the thread, and for what is left of it.
func (h *house) ended(lines int) journey.Event {
	h.t.Helper()
	e := take(h, h.thread.written, "call on the thread")
	h.quiet(lines)
	return e
}

// over waits for our BYE.
func (h *house) over(c *robot.Call) {
	h.t.Helper()
	take(h, c.Done(), "BYE")
	h.hangup(c)
}

func (h *house) ready(agent string) {
	h.t.Helper()
	id := contact.AgentID(agent)
	require.NoError(h.t, h.router.SignIn(h.within(), router.Agent{ID: id}))
	require.NoError(h.t, h.router.SetReachable(h.within(), id, contact.Voice, h.c.LineUp(id)))
	require.NoError(h.t, h.router.SetReady(h.within(), id, true, ""))
}

// phone brings a SIP phone's agent to work.
func (h *house) phone(agent string, change func(*robot.PhoneConfig)) *robot.Phone {
	h.t.Helper()
	cfg := robot.PhoneConfig{Server: h.ua.Addr("udp"), User: agent, Password: h.staff[contact.AgentID(agent)], Say: robot.Tone(agentHz)}
	if change != nil {
		change(&cfg)
	}
	p, err := h.kit.Phone(h.within(), cfg)
	require.NoError(h.t, err)
	require.Equal(h.t, lineNews{contact.AgentID(agent), true}, take(h, h.desk.lines, "registration"))
	h.ready(agent)
	return p
}

// waiting waits until so many contacts are in the queue.
func (h *house) waiting(queue string, n int) router.WaitingContact {
	h.t.Helper()
	var got []router.WaitingContact
	require.Eventually(h.t, func() bool {
		snap, err := h.router.Snapshot(h.within())
		require.NoError(h.t, err)
		for _, q := range snap.Queues {
			if q.Name == queue {
				got = q.Waiting
			}
		}
		return len(got) == n
	}, patience, tick, "%d waiting in %s", n, queue)
	if n == 0 {
		return router.WaitingContact{}
	}
	return got[0]
}

// known makes the next caller one whose reason is known.
func (h *house) known(d contact.Decision) {
	h.thread.mu.Lock()
	defer h.thread.mu.Unlock()
	h.thread.context = contact.Context{Customer: "u_giulia", Name: "Giulia Rossi", Status: contact.ContextHot, Decision: d}
}

func skip(queue string) contact.Decision {
	return contact.Decision{Action: contact.Skip, Rule: "abandoned-checkout", Reason: "checkout", Confidence: .9, Target: contact.Target{Queue: queue}}
}

// thread is a Journey without a store.
type thread struct {
	mu      sync.Mutex
	context contact.Context
	arrived journey.Arrival
	written chan journey.Event
	counted chan string
}

func (th *thread) Arrived(_ context.Context, a journey.Arrival) contact.Context {
	th.mu.Lock()
	defer th.mu.Unlock()
	th.arrived = a
	if th.context.Status == "" {
		return contact.Context{Status: contact.ContextUnknown, Decision: contact.Decision{Action: contact.Menu}}
	}
	return th.context
}

func (th *thread) Ingest(_ context.Context, e journey.Event) (journey.Receipt, error) {
	th.written <- e
	return journey.Receipt{}, nil
}

func (th *thread) CountDecision(rule, result string) { th.counted <- rule + " " + result }

type lineNews struct {
	agent contact.AgentID
	up    bool
}

// watcher is a desk that only looks.
type watcher struct {
	lines chan lineNews
	calls chan contact.CallState

	mu       sync.Mutex
	shown    map[contact.AgentID]map[contact.ID]contact.CallState
	monitors map[contact.AgentID]contact.Monitoring
}

func (w *watcher) LineChanged(agent contact.AgentID, up bool) { w.lines <- lineNews{agent, up} }
func (w *watcher) CallChanged(agent contact.AgentID, id contact.ID, state contact.CallState) {
	w.mu.Lock()
	if w.shown == nil {
		w.shown = map[contact.AgentID]map[contact.ID]contact.CallState{}
	}
	if w.shown[agent] == nil {
		w.shown[agent] = map[contact.ID]contact.CallState{}
	}
	w.shown[agent][id] = state
	w.mu.Unlock()
	w.calls <- state
}

func (w *watcher) MonitorChanged(supervisor contact.AgentID, m contact.Monitoring) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.monitors == nil {
		w.monitors = map[contact.AgentID]contact.Monitoring{}
	}
	w.monitors[supervisor] = m
}

// staff are the agents by the passwords of their phones; "" is a browser.
type staff map[contact.AgentID]string

func (s staff) Known(id contact.AgentID) bool  { _, ok := s[id]; return ok }
func (s staff) Phone(id contact.AgentID) bool  { return s[id] != "" }
func (s staff) Name(id contact.AgentID) string { return strings.ToUpper(string(id)) }
func (s staff) Password(_ context.Context, user string) (string, bool) {
	p := s[contact.AgentID(user)]
	return p, p != ""
}

func with(agents staff) func(*settings) { return func(s *settings) { s.staff = agents } }

// sounds are the prompts: tones that say which they are.
var sounds = fstest.MapFS{
	"music.wav":              {Data: wav(musicHz)},
	"en/main.wav":            {Data: wav(menuHz)},
	"en/bye.wav":             {Data: wav(menuHz)},
	"en/reason_checkout.wav": {Data: wav(askHz)}, "en/reason_delivery.wav": {Data: wav(askHz)},
	"en/press_1.wav": {Data: wav(askHz)}, "en/press_2.wav": {Data: wav(askHz)}, "en/press_other.wav": {Data: wav(askHz)},
}

// wav is a second of a tone, 8 kHz mono PCM.
func wav(hz float64) []byte {
	const rate = 8000
	var b bytes.Buffer
	samples := make([]int16, rate)
	for i := range samples {
		samples[i] = int16(8000 * math.Sin(2*math.Pi*hz*float64(i)/rate))
	}
	head := struct {
		RIFF                   [4]byte
		Size                   uint32
		WAVEfmt                [8]byte
		FmtSize                uint32
		Format, Channels       uint16
		Rate, ByteRate         uint32
		BlockAlign, SampleBits uint16
		Data                   [4]byte
		DataSize               uint32
	}{
		[4]byte{'R', 'I', 'F', 'F'},
		36 + 2*rate,
		[8]byte{'W', 'A', 'V', 'E', 'f', 'm', 't', ' '},
		16,
		1, 1, rate, 2 * rate, 2, 16,
		[4]byte{'d', 'a', 't', 'a'},
		2 * rate,
	}
	_ = binary.Write(&b, binary.LittleEndian, head)
	_ = binary.Write(&b, binary.LittleEndian, samples)
	return b.Bytes()
}

// segment is the record of one stretch of a call.
func (h *house) segment(id contact.ID, n int) measure.Segment {
	h.t.Helper()
	list := h.measure.Segments(id)
	require.Greater(h.t, len(list), n, "segments of %s", id)
	require.Equal(h.t, n, list[n].N)
	return list[n]
}

// wrapped waits for the stamp at the end of the wrap-up.
func (h *house) wrapped(id contact.ID, n int) {
	h.t.Helper()
	require.Eventually(h.t, func() bool { return !h.segment(id, n).WrapUpEndAt.IsZero() }, patience, tick, "end of wrap-up")
}

func (h *house) agent(id contact.AgentID) router.AgentSnapshot {
	h.t.Helper()
	snap, err := h.router.Snapshot(h.within())
	require.NoError(h.t, err)
	for _, a := range snap.Agents {
		if a.ID == id {
			return a
		}
	}
	require.FailNow(h.t, "no such agent", "%s", id)
	panic("unreachable")
}
