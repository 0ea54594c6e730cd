package desk

import (
	"net"
	"net/netip"
	"sync"
	"time"
)

// throttle slows the guessing of passwords: after a few failures each further
// one from the same address, or for the same user, doubles the time until the
// next try is looked at.
type throttle struct {
	now func() time.Time

	mu    sync.Mutex
	fails map[string]failures
}

type failures struct {
	n     int
	until time.Time
	last  time.Time
}

const (
	freeTries   = 5 // before the first wait
	addressWait = 5 * time.Minute
	// userWait is short: a stranger who guesses must not keep the user out for long.
	userWait     = 30 * time.Second
	forgetAfter  = 15 * time.Minute
	maxThrottled = 10_000
)

func newThrottle(now func() time.Time) *throttle {
	return &throttle{now: now, fails: map[string]failures{}}
}

// wait returns how long a try has to wait, 0 when it may go on.
func (t *throttle) wait(r, user string) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	return max(0, t.fails["a "+r].until.Sub(now), t.fails["u "+user].until.Sub(now))
}

// failed counts a failure.
func (t *throttle) failed(address, user string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.add("a "+address, addressWait)
	t.add("u "+user, userWait)
}

func (t *throttle) add(key string, longest time.Duration) {
	f, ok := t.fails[key]
	if !ok && len(t.fails) >= maxThrottled {
		return // addresses already counted stay throttled; memory is bounded
	}
	now := t.now()
	if now.Sub(f.last) > forgetAfter {
		f = failures{}
	}
	f.n++
	f.last = now
	if over := f.n - freeTries; over >= 0 {
		f.until = now.Add(min(longest, time.Second<<min(over, 16)))
	}
	t.fails[key] = f
}

// succeeded clears the user's failures; those of the address stay, so that an
// own account does not pay for guesses at others.
func (t *throttle) succeeded(user string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.fails, "u "+user)
}

// forget drops failures of long ago.
func (t *throttle) forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	for k, f := range t.fails {
		if now.Sub(f.last) > forgetAfter {
			delete(t.fails, k)
		}
	}
}

// address is what a request counts under: its IPv4 address, or the /64 of its
// IPv6 address, which one customer of a provider has whole.
func address(remote string) string {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		host = remote
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return host
	}
	ip = ip.Unmap().WithZone("")
	if ip.Is6() {
		if p, err := ip.Prefix(64); err == nil {
			return p.String()
		}
	}
	return ip.String()
}
