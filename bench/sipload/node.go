package sipload

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// Numbers that a Node knows.
const (
	MenuNumber   = "100" // the flow that ships with Filo
	DirectNumber = "200" // straight into a queue
)

// Node is a filo in a process of its own, with agents at SIP phones.
type Node struct {
	SIP, Web string // addresses
	Phones   Phones

	b       *Bench
	dir     string
	p       *process
	metrics http.Client
}

// node writes a configuration for calls at an address, with so many phones.
func (b *Bench) node(host string, phones int) (*Node, error) {
	sipAddr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	webAddr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	sipAddr = host + sipAddr[strings.LastIndexByte(sipAddr, ':'):]
	n := &Node{SIP: sipAddr, Web: webAddr, Phones: Robots("robot", phones, "robot-phone"), b: b}
	n.metrics = http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	if n.dir, err = os.MkdirTemp(b.dir, "node"); err != nil {
		return nil, fmt.Errorf("make node: %w", err)
	}
	if err := n.write(host); err != nil {
		return nil, fmt.Errorf("make node: %w", err)
	}
	return n, nil
}

func (n *Node) write(host string) error {
	fill := strings.NewReplacer("DIR", n.dir, "WEB", n.Web, "SIP", n.SIP, "HOST", host)
	var errs []error
	put := func(name, text string) {
		errs = append(errs, os.MkdirAll(filepath.Dir(filepath.Join(n.dir, name)), 0o700), os.WriteFile(filepath.Join(n.dir, name), []byte(text), 0o600))
	}
	config, err := scenarios.ReadFile("scenarios/node.yaml")
	errs = append(errs, err)
	flow, err := scenarios.ReadFile("scenarios/direct.yaml")
	errs = append(errs, err)
	put("filo.yaml", fill.Replace(string(config)))
	put("flows/direct.yaml", string(flow))
	put("phone.password", n.Phones.Password)
	put("users.yaml", n.Phones.users())
	return errors.Join(errs...)
}

// users is a users file in which everybody has a SIP phone, takes calls of
// every queue, and is ready at start.
func (p Phones) users() string {
	var b strings.Builder
	b.WriteString("users:\n")
	for _, u := range p.Users {
		fmt.Fprintf(&b, "  - {user: %s, name: %s, phone: true, ready_at_start: true, sip_password_file: phone.password, skills: {general: 80, checkout: 80, delivery: 80, returns: 80}}\n", u, u)
	}
	return b.String()
}

// start runs the node and returns when it is healthy.
func (n *Node) start(ctx context.Context, core int) (err error) {
	argv := append(append([]string{}, n.b.Filo...), "serve", "-config", filepath.Join(n.dir, "filo.yaml"))
	if n.p, err = start(ctx, launch{name: "filo", argv: argv, env: n.b.Env, dir: n.dir, core: core}); err != nil {
		return err
	}
	return n.p.until(ctx, comeUp, func() bool { return n.healthy(ctx) })
}

func (n *Node) healthy(ctx context.Context) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+n.Web+"/healthz", http.NoBody)
	if err != nil {
		return false
	}
	resp, err := n.metrics.Do(req)
	if err != nil {
		return false
	}
	return resp.Body.Close() == nil && resp.StatusCode == http.StatusOK
}

// gauges are the values of every gauge and counter, by name, and by name with
// the value of each label.
func (n *Node) gauges(ctx context.Context) (map[string]float64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+n.Web+"/metrics", http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("scrape: %w", err)
	}
	resp, err := n.metrics.Do(req)
	if err != nil {
		return nil, fmt.Errorf("scrape: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("scrape: %w", err)
	}
	all := map[string]float64{}
	for name, f := range families {
		for _, m := range f.GetMetric() {
			v := m.GetGauge().GetValue() + m.GetCounter().GetValue()
			all[name] += v
			for _, l := range m.GetLabel() {
				all[name+"/"+l.GetValue()] += v
			}
		}
	}
	return all, nil
}

// atRest are the gauges that are 0 when nobody calls.
var atRest = []string{
	"filo_voice_calls", "filo_sip_dialogs", "filo_media_endpoints", "filo_router_queue_depth",
	"filo_router_agents/reserved", "filo_router_agents/busy", "filo_sip_panics_total", "filo_router_stuck_owners_total",
}

// rest waits until nothing of any call is left, and names what is.
func (n *Node) rest(ctx context.Context, limit time.Duration) (left []string, err error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for {
		all, err := n.gauges(context.WithoutCancel(ctx))
		if err != nil {
			return nil, err
		}
		left = left[:0]
		for _, name := range atRest {
			if v := all[name]; v != 0 {
				left = append(left, fmt.Sprintf("%s %v", name, v))
			}
		}
		if len(left) == 0 || !wait(ctx, 10*poll) {
			return left, nil
		}
	}
}

// restart asks the node to end, waits until its calls have, and starts it anew.
func (n *Node) restart(ctx context.Context) error {
	if err := n.p.ask(); err != nil {
		return err
	}
	n.p.end(time.Minute)
	if n.p.err != nil {
		return n.p.wait()
	}
	return n.start(ctx, anyCore)
}

func (n *Node) stop() {
	if n.p != nil {
		n.p.stop()
	}
}
