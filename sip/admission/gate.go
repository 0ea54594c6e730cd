package admission

import (
	"bytes"
	"math/rand/v2"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"filo/sip/transport"
)

// Deps are what the gate asks. Every field may be nil.
type Deps struct {
	Registry prometheus.Registerer
	// Trusted tells whether an address is a trunk's or somebody's who has
	// registered.
	Trusted func(a netip.Addr) bool
	// Knows tells whether a request repeats one that is being served.
	Knows func(h transport.Head) bool
	Now   func() time.Time
}

// Gate is the gate of a transport layer. Its methods are safe for concurrent
// use.
type Gate struct {
	deps Deps
	met  *metrics
	live atomic.Pointer[rules]

	mu      sync.Mutex
	delay   delay
	rates   rates
	bans    bans
	anybody atomic.Bool // is banned, perhaps
}

// rules are what Reload changes.
type rules struct {
	admission Config
	emergency map[string]bool
	exempt    []netip.Prefix
}

// New makes a gate. emergency are the numbers that are never refused, beside
// urn:service:sos. The configuration must be valid.
func New(c Config, s Strangers, emergency []string, d Deps) *Gate {
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.Trusted == nil {
		d.Trusted = func(netip.Addr) bool { return false }
	}
	if d.Knows == nil {
		d.Knows = func(transport.Head) bool { return false }
	}
	g := &Gate{deps: d}
	g.rates.buckets, g.bans.offenders = newRecent[bucket](maxPeers), newRecent[offender](maxPeers)
	g.Reload(c, s, emergency)
	g.met = newMetrics(d.Registry, g)
	return g
}

// Reload takes over another configuration; bans stay. It must be valid.
func (g *Gate) Reload(c Config, s Strangers, emergency []string) {
	r := &rules{admission: c, emergency: make(map[string]bool)}
	for _, e := range emergency {
		r.emergency[e] = true
	}
	for _, e := range s.Exempt {
		if p, err := parseNetwork(e); err == nil {
			r.exempt = append(r.exempt, p)
		}
	}
	g.live.Store(r)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.delay.target, g.delay.interval = c.Target, c.Interval
	g.rates.perSecond, g.rates.burst = s.Rate, float64(s.Burst)
	g.bans.after, g.bans.within, g.bans.lasts = s.BanAfter, s.BanWithin, s.BanFor
}

// Message implements transport.Gate.
func (g *Gate) Message(f transport.Flow, data []byte, wait time.Duration) transport.Verdict {
	now := g.deps.Now()
	busy := g.busy(f, now, wait)
	from := f.Remote().Addr()
	if g.anybody.Load() && g.Banned(from) {
		g.met.dropped.WithLabelValues(dropBanned).Inc()
		return transport.Verdict{Drop: true}
	}
	if !opensSomething(data) {
		return transport.Verdict{}
	}
	h, ok := transport.Peek(data)
	if !ok || h.InDialog() {
		return transport.Verdict{}
	}
	if !f.Web() && !g.exempt(from) && !g.take(from, now) {
		g.met.dropped.WithLabelValues(dropRate).Inc()
		return transport.Verdict{Drop: true}
	}
	if busy && !bytes.Equal(h.Method, []byte("OPTIONS")) && !g.emergency(h.URI) && !g.deps.Knows(h) {
		g.met.refused.Inc()
		return transport.Verdict{Busy: g.retryAfter()}
	}
	return transport.Verdict{}
}

// Connection implements transport.Gate.
func (g *Gate) Connection(from netip.Addr) bool { return !g.anybody.Load() || !g.Banned(from) }

// busy tells whether a new request shall be refused.
func (g *Gate) busy(f transport.Flow, now time.Time, wait time.Duration) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if f.Network() != transport.UDP {
		return g.delay.unknown(now)
	}
	g.met.wait.Observe(wait.Seconds())
	return g.delay.observe(now, wait)
}

// Overloaded tells whether calls are being refused.
func (g *Gate) Overloaded() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.delay.busy && g.deps.Now().Sub(g.delay.seen) < recovery
}

// Offence counts a wrong password of an address that is known to be the
// sender's own, and may ban it. Who is trusted or exempt is never banned: a
// whole office may be behind one address.
func (g *Gate) Offence(from netip.Addr) {
	if g.exempt(from) {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.bans.offend(from, g.deps.Now()) {
		g.anybody.Store(true)
		g.met.bans.Inc()
	}
}

// Pardon forgets the offences of an address that proved to be somebody's.
func (g *Gate) Pardon(from netip.Addr) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.bans.pardon(from)
}

// Banned tells whether an address is not heard now.
func (g *Gate) Banned(from netip.Addr) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.deps.Now()
	if !now.Before(g.bans.latest) {
		g.anybody.Store(false)
	}
	return g.bans.banned(from, now)
}

func (g *Gate) take(from netip.Addr, now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.rates.take(from, now)
}

func (g *Gate) exempt(from netip.Addr) bool {
	for _, p := range g.live.Load().exempt {
		if p.Contains(from) {
			return true
		}
	}
	return g.deps.Trusted(from)
}

// retryAfter is in seconds, half less to half more than configured.
func (g *Gate) retryAfter() int {
	mean := int(g.live.Load().admission.RetryAfter.Seconds())
	return max(1, mean/2+rand.IntN(mean+1)) //nolint:gosec // to spread, not to hide
}

// opensSomething tells whether data is a request of the kind that begins
// something: all but those that need a dialog or a transaction.
func opensSomething(data []byte) bool {
	method, _, _ := bytes.Cut(data[:min(len(data), 16)], []byte(" "))
	switch string(method) {
	case "ACK", "BYE", "CANCEL", "PRACK", "UPDATE", "INFO":
		return false
	}
	return !bytes.HasPrefix(data, []byte("SIP/"))
}

// emergency tells whether a request URI is that of a call for help (RFC 5031),
// or of one of the numbers.
func (g *Gate) emergency(uri []byte) bool {
	scheme, rest, ok := bytes.Cut(uri, []byte(":"))
	if !ok {
		return false
	}
	if strings.EqualFold(string(scheme), "urn") {
		const sos = "service:sos"
		return len(rest) >= len(sos) && strings.EqualFold(string(rest[:len(sos)]), sos) && (len(rest) == len(sos) || rest[len(sos)] == '.')
	}
	user, _, _ := bytes.Cut(rest, []byte("@"))
	user, _, _ = bytes.Cut(user, []byte(";"))
	return g.live.Load().emergency[string(user)]
}
