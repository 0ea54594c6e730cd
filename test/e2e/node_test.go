package e2e

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	"filo/bench/robot"
	"filo/internal/app"
	"filo/internal/config"
)

// node is one running Filo.
type node struct {
	w             *world
	t             *testing.T
	URL           string
	SIP, TCP      string // listeners
	SMTP          string
	stop          func() // as SIGTERM; returns when it has ended. Idempotent
	signal        func() // asks for the stop, does not wait
	kill          func() // SIGKILL; only of a process
	reload        func() // SIGHUP; only of a process
	done          chan struct{}
	err           error // after done
	agentsAtRest  int   // browser lines that stay up
	phoneBindings int
}

// option changes the node's configuration.
type option struct {
	config func(*config.Config)
	now    func() time.Time
}

func with(change func(*config.Config)) option { return option{config: change} }

// at sets the node's clock.
func at(now func() time.Time) option { return option{now: now} }

// daysAgo is a clock that runs so many days behind.
func daysAgo(n int) option { return at(func() time.Time { return time.Now().AddDate(0, 0, -n) }) }

// start runs a node in this process until the end of the test or stop.
func (w *world) start(opts ...option) *node {
	t := w.t
	t.Helper()
	cfg, err := config.Load(w.path("filo.yaml"))
	require.NoError(t, err)
	var ao app.Options
	for _, o := range opts {
		if o.config != nil {
			o.config(&cfg)
		}
		if o.now != nil {
			ao.Now = o.now
		}
	}
	logs := &logBuffer{}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	a, err := app.New(ctx, cfg, slog.New(slog.NewTextHandler(logs, &slog.HandlerOptions{Level: slog.LevelDebug})), ao)
	if err != nil {
		cancel()
		require.NoError(t, err)
	}
	n := &node{w: w, t: t, done: make(chan struct{}), signal: cancel}
	var wg sync.WaitGroup
	wg.Go(func() {
		n.err = a.Run(ctx)
		close(n.done)
	})
	n.stop = func() { cancel(); wg.Wait() }
	t.Cleanup(func() {
		n.canary(logs)
		n.stop()
		require.NoError(t, n.err, "node")
		logs.showIfFailed(t)
	})
	select {
	case <-a.Ready():
	case <-n.done:
		require.NoError(t, n.err, "node ended at its start")
	}
	n.URL, n.SIP, n.TCP, n.SMTP = a.URL(), a.SIPAddr("udp"), a.SIPAddr("tcp"), a.SMTPAddr()
	return n
}

// spawn runs a node in a process of its own: "filo serve" over the same
// configuration and data.
func (w *world) spawn() *node {
	t := w.t
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(self, "serve", "-config", w.path("filo.yaml"))
	cmd.Env = append(os.Environ(), nodeEnv+"=1")
	stderr, err := cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	n := &node{w: w, t: t, done: make(chan struct{})}
	logs, up := &logBuffer{}, make(chan map[string]string, 1)
	var wg sync.WaitGroup
	wg.Go(func() {
		lines := bufio.NewScanner(io.TeeReader(stderr, logs))
		for lines.Scan() {
			if strings.Contains(lines.Text(), `msg="filo is up"`) {
				up <- logAttrs(lines.Text())
			}
		}
		n.err = cmd.Wait()
		close(n.done)
	})
	n.kill = func() { _ = cmd.Process.Kill(); wg.Wait() }
	n.signal = func() { _ = cmd.Process.Signal(os.Interrupt) }
	n.reload = func() { _ = cmd.Process.Signal(syscall.SIGHUP) }
	n.stop = func() { n.signal(); wg.Wait() }
	t.Cleanup(func() { n.canary(logs); n.kill(); logs.showIfFailed(t) })
	select {
	case a := <-up:
		n.URL, n.SIP, n.TCP, n.SMTP = a["http"], a["sip_udp"], a["sip_tcp"], a["smtp"]
	case <-n.done:
		t.Fatalf("filo serve ended at its start: %v\n%s", n.err, logs)
	case <-time.After(patience):
		t.Fatalf("filo serve did not come up\n%s", logs)
	}
	return n
}

var logAttr = regexp.MustCompile(`(\w+)=(\S+)`)

func logAttrs(line string) map[string]string {
	attrs := map[string]string{}
	for _, m := range logAttr.FindAllStringSubmatch(line, -1) {
		attrs[m[1]] = m[2]
	}
	return attrs
}

// logBuffer holds a node's log until it is known whether anybody wants it.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *logBuffer) showIfFailed(t *testing.T) {
	if t.Failed() {
		t.Logf("log of the node:\n%s", l)
	}
}

// metric sums a counter or gauge over the label sets that contain all the
// given pairs.
func (n *node) metric(name string, labels ...string) float64 {
	n.t.Helper()
	sum := 0.0
	if f := n.metrics()[name]; f != nil {
		for _, m := range f.GetMetric() {
			if labelled(m, labels) {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return sum
}

func labelled(m *dto.Metric, labels []string) bool {
	for i := 0; i+1 < len(labels); i += 2 {
		found := false
		for _, l := range m.GetLabel() {
			found = found || l.GetName() == labels[i] && l.GetValue() == labels[i+1]
		}
		if !found {
			return false
		}
	}
	return true
}

func (n *node) metrics() map[string]*dto.MetricFamily {
	n.t.Helper()
	resp, err := http.Get(n.URL + "/metrics")
	require.NoError(n.t, err)
	defer func() { _ = resp.Body.Close() }()
	require.Equal(n.t, http.StatusOK, resp.StatusCode)
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(resp.Body)
	require.NoError(n.t, err)
	return families
}

// quiet asserts that the scenario left nothing behind: no call, no leg and no
// port beside the agents' lines, nobody in a queue but the ones named, no
// offer, no panic.
func (n *node) quiet(butQueues ...string) {
	n.t.Helper()
	wrong := ""
	waiting := func() (sum float64) {
		for _, q := range butQueues {
			sum += n.metric("filo_router_queue_depth", "queue", q)
		}
		return sum
	}
	ok := func() bool {
		lines := n.metric("filo_voice_lines")
		for name, want := range map[string]float64{
			"filo_voice_calls": 0, "filo_sip_dialogs": lines, "filo_media_endpoints": lines, "filo_router_queue_depth": waiting(),
			"filo_sip_panics_total": 0, "filo_router_stuck_owners_total": 0,
		} {
			if got := n.metric(name); got != want {
				wrong = name
				return false
			}
		}
		if n.metric("filo_router_agents", "state", "reserved") != 0 || n.metric("filo_router_agents", "state", "busy") != 0 {
			wrong = "agents that are not free"
			return false
		}
		return true
	}
	defer func() {
		if n.t.Failed() {
			n.t.Logf("left behind: %s = %v", wrong, n.metric(wrong))
		}
	}()
	eventually(n.t, "nothing is left behind", ok)
}

// in is the node in a subtest.
func (n *node) in(t *testing.T) *node {
	w := *n.w
	w.t = t
	m := *n
	m.t, m.w = t, &w
	return &m
}

// visitor is somebody on the shop's pages.
func (n *node) visitor(anonymous, link string) *robot.Visitor {
	return &robot.Visitor{URL: n.URL, WriteKey: writeKey, Anonymous: anonymous, Link: link}
}

// text delivers a customer's SMS by the signed webhook.
func (n *node) text(from, body string) {
	n.t.Helper()
	in := robot.Text{From: from, To: shopNumber, Body: body}
	require.NoError(n.t, n.w.texting.Deliver(within(n.t), n.URL+"/hooks/sms", webhookURL, in))
}

// call lets a robot call over the trunk.
func (n *node) call(from string) *robot.Call {
	n.t.Helper()
	c, err := n.w.kit.Call(within(n.t), robot.Dial{Server: n.SIP, From: from, To: "100", Say: robot.Tone(callerHz)})
	require.NoError(n.t, err)
	n.t.Cleanup(func() { _ = c.Hangup(context.Background()) })
	return c
}
