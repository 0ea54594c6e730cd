package resolve

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// Bounds of what one name may lead to, whatever a name server says.
const (
	maxRecords   = 16 // SRV records of one service
	maxAddresses = 8  // addresses of one host
	maxHops      = 32 // places to try
)

// DNS asks a name server. [net.Resolver] is one.
type DNS interface {
	LookupSRV(ctx context.Context, service, proto, name string) (cname string, records []*net.SRV, err error)
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Options are the resolver's bounds; zero values are replaced by the defaults.
type Options struct {
	Life    time.Duration    // how long an answer is good: 30 s
	Stale   time.Duration    // how long beyond it, while the name server is away: 1 h
	Retry   time.Duration    // until a name that was not found is asked for again: 5 s
	Timeout time.Duration    // of one question: 2 s
	Names   int              // answers kept: 1024
	Rest    time.Duration    // how long a hop that failed is tried last: 30 s
	Now     func() time.Time // time.Now
	Draw    func(n int) int  // a uniform number in [0, n)
}

func (o Options) withDefaults() Options {
	for _, d := range []struct {
		v   *time.Duration
		def time.Duration
	}{{&o.Life, 30 * time.Second}, {&o.Stale, time.Hour}, {&o.Retry, 5 * time.Second}, {&o.Timeout, 2 * time.Second}, {&o.Rest, 30 * time.Second}} {
		if *d.v == 0 {
			*d.v = d.def
		}
	}
	if o.Names == 0 {
		o.Names = 1024
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Draw == nil {
		o.Draw = rand.N[int]
	}
	return o
}

// Resolver resolves targets. It is safe for use by many.
type Resolver struct {
	dns   DNS
	opts  Options
	hosts *cache[[]netip.Addr]
	srv   *cache[[]*net.SRV]

	mu     sync.Mutex
	failed map[netip.AddrPort]time.Time // until when a hop is tried last
}

// New returns a resolver that asks dns; nil: [net.DefaultResolver].
func New(dns DNS, opts Options) *Resolver {
	if dns == nil {
		dns = net.DefaultResolver
	}
	opts = opts.withDefaults()
	return &Resolver{
		dns: dns, opts: opts, hosts: newCache[[]netip.Addr](opts), srv: newCache[[]*net.SRV](opts),
		failed: make(map[netip.AddrPort]time.Time),
	}
}

// Resolve returns the places to try for t, the best first and at least one, or
// an error: ErrNoAddress, ErrTarget, or what kept the name server from
// answering. The order of equals differs from call to call by the records'
// weights.
func (r *Resolver) Resolve(ctx context.Context, t Target) ([]Hop, error) {
	transports, err := t.transports()
	if err != nil {
		return nil, err
	}
	hops, err := r.hops(ctx, t, transports)
	if err != nil {
		return nil, fmt.Errorf("resolve %s: %w", t.Host, err)
	}
	if len(hops) == 0 {
		return nil, fmt.Errorf("resolve %s: %w", t.Host, ErrNoAddress)
	}
	return Last(hops[:min(len(hops), maxHops)], r.rests), nil
}

func (r *Resolver) hops(ctx context.Context, t Target, transports []Transport) ([]Hop, error) {
	if !t.settled() {
		for _, transport := range transports {
			records, err := r.records(ctx, transport, t.Host)
			if err != nil {
				return nil, err
			}
			if len(records) > 0 {
				return r.byRecords(ctx, t, transport, records)
			}
		}
	}
	return r.byAddress(ctx, t, transports[0])
}

// byAddress is RFC 3263 section 4.2 without SRV records.
func (r *Resolver) byAddress(ctx context.Context, t Target, transport Transport) ([]Hop, error) {
	port := t.Port
	if port == 0 {
		port = transport.Port()
	}
	addrs, err := r.addresses(ctx, t.Host)
	if err != nil {
		return nil, err
	}
	return hopsTo(addrs, port, transport, t.Host), nil
}

// byRecords tries each record's host; one that does not resolve is left out as
// long as another does.
func (r *Resolver) byRecords(ctx context.Context, t Target, transport Transport, records []*net.SRV) ([]Hop, error) {
	var hops []Hop
	var errs []error
	for _, record := range Order(records, r.opts.Draw) {
		if record.Target == "." || record.Target == "" { // RFC 2782: decidedly not here
			continue
		}
		addrs, err := r.addresses(ctx, strings.TrimSuffix(record.Target, "."))
		if err != nil {
			errs = append(errs, err)
			continue
		}
		hops = append(hops, hopsTo(addrs, record.Port, transport, t.Host)...)
	}
	if len(hops) == 0 {
		return nil, errors.Join(errs...)
	}
	return hops, nil
}

func hopsTo(addrs []netip.Addr, port uint16, transport Transport, host string) []Hop {
	hops := make([]Hop, len(addrs))
	for i, a := range addrs {
		hops[i] = Hop{Transport: transport, Addr: netip.AddrPortFrom(a, port), Host: strings.Trim(host, "[]")}
	}
	return hops
}

// records are the SRV records of a service; none and no error when there are none.
func (r *Resolver) records(ctx context.Context, transport Transport, host string) ([]*net.SRV, error) {
	service, proto := transport.service()
	records, err := r.srv.get(ctx, service+"/"+proto+"/"+host, func(ctx context.Context, _ string) ([]*net.SRV, error) {
		_, records, err := r.dns.LookupSRV(ctx, service, proto, host)
		if len(records) > 0 {
			err = nil // beside records that are no good
		}
		return records[:min(len(records), maxRecords)], err //nolint:wrapcheck // Resolve says what it was
	})
	if denied(err) {
		return nil, nil
	}
	return records, err
}

// Addresses are those of a host, or the host itself when it is one. The error
// is that of Resolve.
func (r *Resolver) Addresses(ctx context.Context, host string) ([]netip.Addr, error) {
	addrs, err := r.addresses(ctx, host)
	if err != nil {
		return nil, fmt.Errorf("resolve %s: %w", host, err)
	}
	return addrs, nil
}

func (r *Resolver) addresses(ctx context.Context, host string) ([]netip.Addr, error) {
	if a, ok := (Target{Host: host}).literal(); ok {
		return []netip.Addr{a}, nil
	}
	addrs, err := r.hosts.get(ctx, host, func(ctx context.Context, host string) ([]netip.Addr, error) {
		addrs, err := r.dns.LookupNetIP(ctx, "ip", host)
		for i := range addrs {
			addrs[i] = addrs[i].Unmap()
		}
		return addrs[:min(len(addrs), maxAddresses)], err //nolint:wrapcheck // Resolve says what it was
	})
	if denied(err) {
		return nil, ErrNoAddress
	}
	return addrs, err
}

// Failed says that a hop did not serve: it did not answer, or said 503. It is
// tried last for a while (RFC 3263 section 4.3 and RFC 3261 section 21.5.4).
func (r *Resolver) Failed(h Hop) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.opts.Now()
	if len(r.failed) >= r.opts.Names {
		for addr, until := range r.failed {
			if !now.Before(until) {
				delete(r.failed, addr)
			}
		}
	}
	if len(r.failed) < r.opts.Names {
		r.failed[h.Addr] = now.Add(r.opts.Rest)
	}
}

// Served says that a hop did serve.
func (r *Resolver) Served(h Hop) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.failed, h.Addr)
}

func (r *Resolver) rests(h Hop) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	until, ok := r.failed[h.Addr]
	return ok && r.opts.Now().Before(until)
}
