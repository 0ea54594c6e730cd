package sipload

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// anyCore leaves a process where the kernel puts it.
const anyCore = -1

// process is a program that runs beside us, with its children in a process
// group of its own.
type process struct {
	name string
	cmd  *exec.Cmd
	said *tail
	done chan struct{}
	err  error // after done
	wg   sync.WaitGroup
}

// launch is how a process is started.
type launch struct {
	name   string
	argv   []string
	dir    string
	env    []string // added to ours
	core   int      // anyCore, or the only one that it may use
	stdout io.Writer
	stdin  io.Reader
}

// start runs l; the process is killed when ctx ends.
func start(ctx context.Context, l launch) (*process, error) {
	argv := l.argv
	if l.core != anyCore {
		argv = append([]string{"taskset", "-c", strconv.Itoa(l.core)}, argv...)
	}
	path, err := program(argv[0])
	if err != nil {
		return nil, err
	}
	p := &process{name: l.name, said: &tail{}, done: make(chan struct{})}
	p.cmd = exec.CommandContext(ctx, path, argv[1:]...) //nolint:gosec // the bench's own words
	p.cmd.Dir, p.cmd.Env = l.dir, append(os.Environ(), append(l.env, "TERM=dumb")...)
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = l.stdin, l.stdout, p.said
	if l.stdout == nil {
		p.cmd.Stdout = p.said
	}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	p.cmd.Cancel = func() error { return p.signal(syscall.SIGKILL) }
	p.cmd.WaitDelay = time.Second
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", l.name, err)
	}
	p.wg.Go(func() {
		p.err = p.cmd.Wait()
		close(p.done)
	})
	return p, nil
}

// debianPackages install the programs that a bench needs.
var debianPackages = map[string]string{
	"sipp": "sip-tester", "kamailio": "kamailio", "iptables": "iptables", "ip": "iproute2",
	"unshare": "util-linux", "taskset": "util-linux", "svmap": "sipvicious", "svwar": "sipvicious", "svcrack": "sipvicious",
}

// ErrMissing is a program that is not installed; the text has the line that
// installs it.
var ErrMissing = errors.New("is missing")

// program finds a program, also where only root looks for it.
func program(name string) (string, error) {
	for _, n := range []string{name, "/usr/sbin/" + name, "/sbin/" + name} {
		if path, err := exec.LookPath(n); err == nil {
			return path, nil
		}
	}
	if p := debianPackages[name]; p != "" {
		return "", fmt.Errorf("%s %w; install it: apt-get update && apt-get install -y --no-install-recommends %s", name, ErrMissing, p)
	}
	return "", fmt.Errorf("%s %w", name, ErrMissing)
}

// signal sends to the whole group; a process that has ended is no error.
func (p *process) signal(s syscall.Signal) error {
	if err := syscall.Kill(-p.cmd.Process.Pid, s); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("signal %s: %w", p.name, err)
	}
	return nil
}

// lastWords is how long a process may take to end by itself.
const lastWords = 5 * time.Second

// ask tells the process to end.
func (p *process) ask() error { return p.signal(syscall.SIGTERM) }

// stop asks the process to end, makes it, and returns when it has.
func (p *process) stop() {
	_ = p.ask()
	p.end(lastWords)
}

// end waits for the process to end by itself, and ends it otherwise.
func (p *process) end(limit time.Duration) {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-p.done:
	case <-timer.C:
	}
	_ = p.signal(syscall.SIGKILL) // what it has left behind
	p.wg.Wait()
}

// wait returns how the process ended.
func (p *process) wait() error {
	p.wg.Wait()
	if p.err != nil {
		return fmt.Errorf("%s: %w: %s", p.name, p.err, p.said)
	}
	return nil
}

// clockTick is the unit of CPU times in /proc on Linux (man 5 proc).
const clockTick = 10 * time.Millisecond

// cpu is what the process and its group have used so far.
func (p *process) cpu() (time.Duration, error) {
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return 0, fmt.Errorf("cpu of %s: %w", p.name, err)
	}
	var ticks int64
	for _, f := range files {
		b, err := os.ReadFile(f) //nolint:gosec // of /proc
		if err != nil {
			continue // has ended meanwhile
		}
		if group, used := parseStat(b); group == p.cmd.Process.Pid {
			ticks += used
		}
	}
	return time.Duration(ticks) * clockTick, nil
}

// parseStat reads the process group, and user and system time in ticks, of a
// line of /proc/PID/stat. The program's name may hold anything but ends with
// the last parenthesis.
func parseStat(line []byte) (group int, ticks int64) {
	_, rest, ok := strings.Cut(string(line[bytes.LastIndexByte(line, ')')+1:]), " ")
	fields := strings.Fields(rest)
	if !ok || len(fields) < 13 {
		return 0, 0
	}
	group, _ = strconv.Atoi(fields[2])
	user, _ := strconv.ParseInt(fields[11], 10, 64)
	system, _ := strconv.ParseInt(fields[12], 10, 64)
	return group, user + system
}

// tail keeps the end of what a process says.
type tail struct {
	mu sync.Mutex
	b  []byte
}

const tailSize = 16 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.b = append(t.b, p...)
	if len(t.b) > 2*tailSize {
		t.b = append(t.b[:0], t.b[len(t.b)-tailSize:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.b[max(0, len(t.b)-tailSize):])
}
