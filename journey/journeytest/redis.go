package journeytest

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// RedisServer is a real redis-server of one test.
type RedisServer struct {
	Addr string
	t    testing.TB
	cmd  *exec.Cmd
	out  bytes.Buffer
	once sync.Once
}

// Redis starts a redis-server on a free port and stops it when the test ends.
// A machine without it fails the test: what is not tested is not known to work.
func Redis(t testing.TB) *RedisServer {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	require.NoError(t, err, "redis-server is missing; install it: sudo apt-get install -y redis-server")
	port := freePort(t)
	s := &RedisServer{Addr: net.JoinHostPort("127.0.0.1", port), t: t}
	s.cmd = exec.Command(path, "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", t.TempDir()) //nolint:gosec // found by LookPath
	s.cmd.Stdout, s.cmd.Stderr = &s.out, &s.out
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	require.NoError(t, s.cmd.Start())
	t.Cleanup(s.Kill)
	require.Eventually(t, func() bool {
		c, err := net.DialTimeout("tcp", s.Addr, 100*time.Millisecond)
		if err != nil {
			return false
		}
		defer c.Close() //nolint:errcheck // a probe
		_, _ = c.Write([]byte("PING\r\n"))
		_ = c.SetReadDeadline(time.Now().Add(time.Second))
		b := make([]byte, 5)
		n, _ := c.Read(b)
		return string(b[:n]) == "+PONG"
	}, 10*time.Second, 20*time.Millisecond, "redis-server did not start: %s", &s.out)
	return s
}

func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close() //nolint:errcheck // only its number is wanted
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

// Stop freezes the server: connections stay, nothing answers.
func (s *RedisServer) Stop() { s.signal(syscall.SIGSTOP) }

// Continue lets it go on.
func (s *RedisServer) Continue() { s.signal(syscall.SIGCONT) }

// Kill ends it. Killing twice is no error.
func (s *RedisServer) Kill() {
	s.once.Do(func() {
		_ = s.cmd.Process.Signal(os.Kill)
		_ = s.cmd.Wait()
	})
}

func (s *RedisServer) signal(sig syscall.Signal) {
	s.t.Helper()
	require.NoError(s.t, s.cmd.Process.Signal(sig))
}
