package sipload

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"
)

// errNotUp is a program that did not come up.
var errNotUp = errors.New("did not come up")

// poll is how often a condition is looked at that nobody tells.
const poll = 20 * time.Millisecond

// until polls a condition, at most for limit and while the process lives.
func (p *process) until(ctx context.Context, limit time.Duration, ok func() bool) error {
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for !ok() {
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w", p.name, context.Cause(ctx))
		case <-p.done:
			return fmt.Errorf("%s %w: %s", p.name, errNotUp, p.said)
		case <-deadline.C:
			return fmt.Errorf("%s %w in %v: %s", p.name, errNotUp, limit, p.said)
		case <-tick.C:
		}
	}
	return nil
}

// comeUp bounds the start of a program on a loaded machine.
const comeUp = 30 * time.Second

// awaitUDP waits until somebody has bound an address of the loopback.
func (p *process) awaitUDP(ctx context.Context, addr string) error {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("wait for %s: %w", p.name, err)
	}
	return p.until(ctx, comeUp, func() bool { return boundUDP(port) })
}

// boundUDP reads it from /proc/net/udp, where the port is hexadecimal.
func boundUDP(port string) bool {
	n, _ := strconv.Atoi(port)
	b, err := os.ReadFile("/proc/net/udp")
	return err == nil && bytes.Contains(b, fmt.Appendf(nil, ":%04X 00000000:0000", n))
}
