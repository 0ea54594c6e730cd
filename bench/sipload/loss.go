package sipload

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// Loss is calls to a node over a network that loses packets both ways.
type Loss struct {
	Percent float64 // of the SIP packets, each way
	Calls   int
	Rate    float64 // a second
}

// LossRun is what the callers, and the packet filters, saw.
type LossRun struct {
	Percent float64  `json:"percent"`
	Traffic Traffic  `json:"traffic"`
	In      Packets  `json:"in"`  // towards the node
	Out     Packets  `json:"out"` // towards the callers
	Left    []string `json:"left_behind"`
}

// Packets are counted by iptables.
type Packets struct {
	Seen int `json:"seen"`
	Lost int `json:"lost"`
}

// share of the packets that was lost.
func (p Packets) share() float64 { return float64(p.Lost) / float64(max(p.Seen, 1)) }

// Addresses of the two ends of the lossy network.
const (
	nodeHost   = "10.77.0.1"
	callerHost = "10.77.0.2"
)

// errNamespace is about a kernel or container that does not let us.
var errNamespace = errors.New("cannot make a network namespace: run as root, or allow user namespaces (sysctl kernel.unprivileged_userns_clone=1)")

// Loss runs the calls in network namespaces of their own, which disappear with
// the processes in them: our own program runs again, as LossInside.
func (b *Bench) Loss(ctx context.Context, l Loss) (run LossRun, err error) {
	argv := append([]string{"unshare", "-rn"}, b.Self...)
	argv = append(argv, "sip", "loss", "-percent", fmt.Sprint(l.Percent), "-calls", strconv.Itoa(l.Calls), "-rate", fmt.Sprint(l.Rate), "-filo", b.Filo[0])
	var out bytes.Buffer
	p, err := start(ctx, launch{name: "loss", argv: argv, env: b.Env, core: anyCore, dir: b.dir, stdout: &out})
	if err != nil {
		return run, err
	}
	if err := p.wait(); err != nil {
		if strings.Contains(p.said.String(), "unshare:") {
			return run, fmt.Errorf("%w: %w", errNamespace, err)
		}
		return run, err
	}
	if err := json.Unmarshal(out.Bytes(), &run); err != nil {
		return run, fmt.Errorf("loss: %w: %s", err, p.said)
	}
	b.say("%v %% lost each way: %d of %d calls good; %+v in, %+v out", l.Percent, run.Traffic.Good, run.Traffic.Calls, run.In, run.Out)
	return run, nil
}

// LossInside runs the calls when we are root in an empty network namespace,
// and writes a LossRun as JSON. The node is in this namespace, the callers are
// in a second one, behind a pair of virtual interfaces.
func (b *Bench) LossInside(ctx context.Context, l Loss, out io.Writer) error {
	n, err := b.node(nodeHost, 0)
	if err != nil {
		return err
	}
	defer n.stop()
	net, err := newLossy(ctx, l.Percent/100, n.SIP)
	if err != nil {
		return err
	}
	defer net.close()
	if err := n.start(ctx, anyCore); err != nil {
		return err
	}
	run := LossRun{Percent: l.Percent}
	run.Traffic, err = b.call(ctx, load{
		to: n.SIP, from: callerHost, called: MenuNumber, rate: l.Rate, calls: l.Calls, hold: time.Second, core: anyCore, within: net.enter(),
	})
	if err != nil {
		return err
	}
	if run.In, run.Out, err = net.count(ctx); err != nil {
		return err
	}
	if run.Left, err = n.rest(ctx, settled); err != nil {
		return err
	}
	if err := json.NewEncoder(out).Encode(run); err != nil {
		return fmt.Errorf("loss: %w", err)
	}
	return nil
}

// lossy are two network namespaces, ours and another.
type lossy struct {
	far *process // holds the other one
	in  *os.File // its standard input
}

// newLossy connects our namespace with a new one and loses a share of the UDP
// packets from and to the node's address.
func newLossy(ctx context.Context, share float64, node string) (*lossy, error) {
	held, in, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("namespace: %w", err)
	}
	defer func() { _ = held.Close() }()
	far, err := start(ctx, launch{name: "namespace", core: anyCore, stdin: held, argv: []string{"unshare", "-n", "sh", "-c", "echo ready >&2; read -r forever"}})
	if err != nil {
		return nil, err
	}
	n := &lossy{far: far, in: in}
	if err := far.until(ctx, comeUp, func() bool { return strings.Contains(far.said.String(), "ready") }); err != nil {
		n.close()
		return nil, err
	}
	pid, port := strconv.Itoa(far.cmd.Process.Pid), node[strings.LastIndexByte(node, ':')+1:]
	lose := []string{"-m", "statistic", "--mode", "random", "--probability", fmt.Sprint(share), "-j", "DROP"}
	from, to := []string{"iptables", "-A", "INPUT", "-p", "udp", "--sport", port}, []string{"iptables", "-A", "INPUT", "-p", "udp", "--dport", port}
	err = n.run(ctx,
		[]string{"ip", "link", "set", "lo", "up"},
		[]string{"ip", "link", "add", "near", "type", "veth", "peer", "name", "far", "netns", pid},
		[]string{"ip", "addr", "add", nodeHost + "/24", "dev", "near"},
		[]string{"ip", "link", "set", "near", "up"},
		append(n.enter(), "ip", "addr", "add", callerHost+"/24", "dev", "far"),
		append(n.enter(), "ip", "link", "set", "far", "up"),
		append(n.enter(), "ip", "link", "set", "lo", "up"),
		to, append(to, lose...), // the first only counts
		append(n.enter(), from...), append(append(n.enter(), from...), lose...))
	if err != nil {
		n.close()
		return nil, err
	}
	return n, nil
}

// enter is what a command begins with that runs in the other namespace.
func (n *lossy) enter() []string {
	return []string{"nsenter", "-t", strconv.Itoa(n.far.cmd.Process.Pid), "-n"}
}

func (n *lossy) run(ctx context.Context, commands ...[]string) error {
	for _, c := range commands {
		if _, err := output(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

func output(ctx context.Context, argv []string) (string, error) {
	path, err := program(argv[0])
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, path, argv[1:]...) //nolint:gosec // the bench's own words
	cmd.Env = append(os.Environ(), "PATH="+os.Getenv("PATH")+":/usr/sbin:/sbin")
	b, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s", strings.Join(argv, " "), err, b)
	}
	return string(b), nil
}

// count reads both packet filters.
func (n *lossy) count(ctx context.Context) (in, out Packets, err error) {
	list := []string{"iptables", "-nvxL", "INPUT"}
	near, err := output(ctx, list)
	if err != nil {
		return in, out, err
	}
	far, err := output(ctx, append(n.enter(), list...))
	return parsePackets(near), parsePackets(far), err
}

// parsePackets reads the counters of the two rules: the one that counts, the
// one that drops. Two lines of headings are before them.
func parsePackets(list string) (p Packets) {
	lines := strings.Split(list, "\n")
	count := func(i int) int {
		if i >= len(lines) || lines[i] == "" {
			return 0
		}
		n, _ := strconv.Atoi(strings.Fields(lines[i])[0])
		return n
	}
	return Packets{Seen: count(2), Lost: count(3)}
}

func (n *lossy) close() {
	_ = n.in.Close()
	n.far.end(lastWords)
}
