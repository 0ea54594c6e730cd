package e2e

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// apartEnv tells the test binary that it is in a network of its own.
const apartEnv = "FILO_E2E_APART"

// apart runs the calling test once more, in a process with a network of its
// own, as root or by a user namespace. It reports whether this is that process:
//
//	if !apart(t) {
//		return // the test has run
//	}
//
// Where namespaces are not allowed the test fails.
func apart(t *testing.T) bool {
	t.Helper()
	if os.Getenv(apartEnv) == t.Name() {
		command(t, "ip", "link", "set", "lo", "up")
		return true
	}
	needs(t, "unshare", "util-linux")
	needs(t, "ip", "iproute2")
	needs(t, "iptables", "iptables")
	self, err := os.Executable()
	require.NoError(t, err)
	args := []string{"--net", "--kill-child", "--fork"}
	if os.Geteuid() != 0 {
		args = append(args, "--map-root-user")
	}
	args = append(args, self, "-test.run", "^"+t.Name()+"$", "-test.v", "-test.timeout", "3m")
	cmd := exec.Command("unshare", args...)
	cmd.Env = append(os.Environ(), apartEnv+"="+t.Name())
	out, err := cmd.CombinedOutput()
	if strings.Contains(string(out), "unshare: unshare failed") {
		t.Fatalf("no network namespace: run the test as root, or allow user namespaces (sysctl kernel.unprivileged_userns_clone=1)\n%s", out)
	}
	require.NoError(t, err, "in a network of its own:\n%s", out)
	require.Contains(t, string(out), "--- PASS: "+t.Name(), "%s", out)
	t.Logf("%s", out)
	return false
}

// namespace is a network of its own beside the test's. It lives as long as the
// process that holds it.
type namespace struct {
	t    *testing.T
	name string
	pid  string // "" is the test's own
}

// newNamespace makes a network that can forward.
func newNamespace(t *testing.T, name string) *namespace {
	t.Helper()
	hold := exec.Command("unshare", "--net", "sh", "-c", "echo up; exec cat")
	in, err := hold.StdinPipe()
	require.NoError(t, err)
	out, err := hold.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, hold.Start())
	t.Cleanup(func() {
		require.NoError(t, in.Close())
		require.NoError(t, hold.Wait())
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "up\n", line)
	ns := &namespace{t: t, name: name, pid: strconv.Itoa(hold.Process.Pid)}
	ns.run("ip", "link", "set", "lo", "up")
	ns.run("sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward")
	return ns
}

// in is the namespace in a subtest.
func (ns *namespace) in(t *testing.T) *namespace { return &namespace{t: t, name: ns.name, pid: ns.pid} }

// command makes a command that runs in the namespace.
func (ns *namespace) command(name string, args ...string) *exec.Cmd {
	path, err := exec.LookPath(name)
	if err != nil { // where only root looks
		path = "/usr/sbin/" + name
	}
	if ns.pid == "" {
		return exec.Command(path, args...)
	}
	return exec.Command("nsenter", append([]string{"--target", ns.pid, "--net", path}, args...)...)
}

// run runs a command to its end and returns what it printed.
func (ns *namespace) run(name string, args ...string) string {
	ns.t.Helper()
	out, err := ns.command(name, args...).CombinedOutput()
	require.NoError(ns.t, err, "in %s: %s %v: %s", ns.name, name, args, out)
	return string(out)
}

// command runs a command in the test's own network.
func command(t *testing.T, name string, args ...string) string {
	t.Helper()
	return (&namespace{t: t, name: "the test's network"}).run(name, args...)
}

// port is one end of a cable: the name of the interface and its address.
type port struct {
	ns         *namespace
	dev, cidr  string
	defaultVia string // "": no default route
}

// connect puts a cable between two namespaces.
func connect(a, b port) {
	a.ns.t.Helper()
	self := &namespace{t: a.ns.t, name: "the test's network"}
	add := []string{"link", "add", "name", "cable-a", "type", "veth", "peer", "name", "cable-b"}
	self.run("ip", add...)
	for dev, p := range map[string]port{"cable-a": a, "cable-b": b} {
		if p.ns.pid != "" {
			self.run("ip", "link", "set", dev, "netns", p.ns.pid)
		}
		p.ns.run("ip", "link", "set", dev, "name", p.dev)
		p.ns.run("ip", "address", "add", p.cidr, "dev", p.dev)
		p.ns.run("ip", "link", "set", p.dev, "up")
		if p.defaultVia != "" {
			p.ns.run("ip", "route", "add", "default", "via", p.defaultVia)
		}
	}
}

// rule adds an iptables rule, which counts under a name.
func (ns *namespace) rule(table, chain, name string, args ...string) {
	ns.t.Helper()
	args = append([]string{"-w", "-t", table, "-A", chain}, args...)
	ns.run("iptables", append(args, "-m", "comment", "--comment", name)...)
}

var ruleCount = regexp.MustCompile(`\[(\d+):\d+\] .*--comment "?([^"]*?)"?( -j .*)?$`)

// counted is how many packets each named rule of a table has seen. In the
// table nat that is the first packet of each flow.
func (ns *namespace) counted(table string) map[string]int {
	ns.t.Helper()
	counts := map[string]int{}
	for _, line := range strings.Split(ns.run("iptables-save", "-c", "-t", table), "\n") {
		if m := ruleCount.FindStringSubmatch(line); m != nil {
			n, err := strconv.Atoi(m[1])
			require.NoError(ns.t, err)
			counts[m[2]] += n
		}
	}
	return counts
}

// farCaller is a robot that calls from another network, in a process of its
// own: this test binary, told so by callerEnv.
type farCaller struct {
	t     *testing.T
	in    io.WriteCloser
	lines *bufio.Scanner
}

// call starts a robot at an address of the namespace.
func (ns *namespace) call(bind, server, from string) *farCaller {
	t := ns.t
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := ns.command(self, bind, server, from)
	cmd.Env = append(os.Environ(), callerEnv+"=1")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = in.Close() // it may have ended
		require.NoError(t, cmd.Wait(), "caller in %s", ns.name)
	})
	return &farCaller{t: t, in: in, lines: bufio.NewScanner(out)}
}

// next waits for the robot's next word, which must begin as said, and returns
// the rest. The robot itself gives up in time.
func (c *farCaller) next(word string) (rest string) {
	c.t.Helper()
	require.True(c.t, c.lines.Scan(), "%s: the caller ended: %v", word, c.lines.Err())
	rest, ok := strings.CutPrefix(c.lines.Text(), word)
	require.True(c.t, ok, "want %q, the caller says %q", word, c.lines.Text())
	return strings.TrimSpace(rest)
}

func (c *farCaller) say(command string) {
	c.t.Helper()
	_, err := fmt.Fprintln(c.in, command)
	require.NoError(c.t, err)
}
