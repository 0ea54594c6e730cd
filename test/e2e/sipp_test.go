package e2e

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// sipp is one run of SIPp, which does the signalling of one call.
type sipp struct {
	t    *testing.T
	dir  string
	done chan struct{}
	err  error // after done
	out  bytes.Buffer
}

// sippLimit bounds a run; SIPp itself fails it two seconds earlier.
const sippLimit = 90 * time.Second

// startSIPp runs the scenario sipp/NAME.xml for one call. keys become the
// [keywords] of the scenario; args are put before the remote address, which
// may be "" for a scenario that waits for the other side.
func startSIPp(t *testing.T, scenario, remote string, keys map[string]string, args ...string) *sipp {
	t.Helper()
	needs(t, "sipp", "sip-tester")
	file, err := filepath.Abs(filepath.Join("sipp", scenario+".xml"))
	require.NoError(t, err)
	s := &sipp{t: t, dir: t.TempDir(), done: make(chan struct{})}
	args = append([]string{
		"-sf", file, "-m", "1", "-i", "127.0.0.1", "-p", freePort(t), "-nostdin", "-timeout", "88s", "-timeout_error",
		"-trace_err", "-error_file", "errors.txt", "-trace_msg", "-message_file", "messages.txt",
		"-trace_logs", "-log_file", "log.txt",
	}, args...)
	all := map[string]string{"payload": "0", "codec": "PCMU"} // unless the test says otherwise
	maps.Copy(all, keys)
	for k, v := range all {
		args = append(args, "-key", k, v)
	}
	if remote != "" {
		args = append(args, remote)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), sippLimit)
	cmd := exec.CommandContext(ctx, "sipp", args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.dir, &s.out, &s.out
	cmd.Env = append(os.Environ(), "TERM=dumb")
	require.NoError(t, cmd.Start())
	var wg sync.WaitGroup
	wg.Go(func() {
		s.err = cmd.Wait()
		close(s.done)
	})
	t.Cleanup(func() {
		cancel()
		wg.Wait()
		if t.Failed() {
			t.Logf("SIPp %s: %v\nerrors: %s\nmessages: %s\nscreen: %s", scenario, s.err, s.read("errors.txt"), s.read("messages.txt"), s.out.Bytes())
		}
	})
	return s
}

// nextPort runs above the ports that Linux gives out by itself, so that a port
// which is free stays free until the program that needs it binds it.
var nextPort atomic.Uint32

// freePort is a port without a UDP or TCP socket, for programs that cannot
// tell which one the system gave them.
func freePort(t *testing.T) string {
	t.Helper()
	const first, count = 61000, 4500
	for range count {
		port := strconv.Itoa(first + (os.Getpid()*97+int(nextPort.Add(1)))%count)
		if bindable(t, "127.0.0.1:"+port) {
			return port
		}
	}
	require.FailNow(t, "no free port")
	return ""
}

func bindable(t *testing.T, addr string) bool {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return false
	}
	defer func() { require.NoError(t, l.Close()) }()
	u, err := net.ListenPacket("udp", addr)
	if err != nil {
		return false
	}
	return u.Close() == nil
}

// trunkKeys are the keys of a call over the trunk.
func trunkKeys(c customer, p *peer) map[string]string {
	return map[string]string{"caller": c.Phone, "called": "100", "rtp_port": p.port()}
}

func (s *sipp) read(name string) string {
	b, err := os.ReadFile(filepath.Join(s.dir, name))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err.Error()
	}
	return string(b)
}

// wait returns when the scenario has ended and asserts that it went as written.
func (s *sipp) wait() {
	s.t.Helper()
	select {
	case <-s.done:
	case <-time.After(sippLimit):
	}
	<-s.done
	require.NoError(s.t, s.err, "SIPp")
}

var loggedValue = regexp.MustCompile(`(?m)(\w+)=(\S+)\s*$`)

// logged waits for a line "name=value" that the scenario logs.
func (s *sipp) logged(name string) (value string) {
	s.t.Helper()
	eventually(s.t, "SIPp logs "+name, func() bool {
		select {
		case <-s.done:
			return s.find(name, &value) || s.err != nil
		default:
			return s.find(name, &value)
		}
	})
	require.NotEmpty(s.t, value, "SIPp logs %s", name)
	return value
}

func (s *sipp) find(name string, value *string) bool {
	for _, m := range loggedValue.FindAllStringSubmatch(s.read("log.txt"), -1) {
		if m[1] == name {
			*value = m[2]
			return true
		}
	}
	return false
}
