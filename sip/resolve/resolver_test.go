package resolve

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// first draws the lowest number, so that the order is known.
func first(int) int { return 0 }

func addrs(texts ...string) (out []netip.Addr) {
	for _, s := range texts {
		out = append(out, netip.MustParseAddr(s))
	}
	return out
}

func places(hops []Hop) (out []string) {
	for _, h := range hops {
		out = append(out, fmt.Sprintf("%s %s", h.Transport, h.Addr))
	}
	return out
}

// TestResolve asks a name server over a socket.
func TestResolve(t *testing.T) {
	s := newNameServer(t)
	s.set(func() {
		s.srv = map[string][]net.SRV{
			"_sip._udp.carrier.test.": {
				{Target: "b.carrier.test.", Port: 5080, Priority: 20, Weight: 1},
				{Target: "a.carrier.test.", Port: 5070, Priority: 10, Weight: 1},
			},
			"_sips._tcp.carrier.test.": {{Target: "a.carrier.test.", Port: 5061, Priority: 1}},
			"_sip._tcp.tcponly.test.":  {{Target: "a.carrier.test.", Port: 5060}},
			"_sip._udp.shut.test.":     {{Target: ".", Port: 0}},
			"_sip._udp.half.test.":     {{Target: "gone.test.", Port: 5060, Priority: 1}, {Target: "a.carrier.test.", Port: 5060, Priority: 2}},
			"_sip._udp.lost.test.":     {{Target: "gone.test.", Port: 5060}},
		}
		s.hosts = map[string][]netip.Addr{
			"a.carrier.test.": addrs("192.0.2.1"),
			"b.carrier.test.": addrs("192.0.2.2", "2001:db8::2"),
			"plain.test.":     addrs("192.0.2.9"),
		}
	})
	r := New(s.resolver(), Options{Draw: first, Timeout: 20 * time.Second})
	for _, c := range []struct {
		name   string
		target Target
		want   []string
		err    error
	}{
		{name: "address", target: Target{Host: "192.0.2.7"}, want: []string{"udp 192.0.2.7:5060"}},
		{name: "address and transport", target: Target{Host: "192.0.2.7", Transport: TLS}, want: []string{"tls 192.0.2.7:5061"}},
		{name: "address and port", target: Target{Host: "192.0.2.7", Port: 5090, Transport: TCP}, want: []string{"tcp 192.0.2.7:5090"}},
		{name: "address, sips", target: Target{Host: "[2001:db8::1]", Secure: true}, want: []string{"tls [2001:db8::1]:5061"}},
		{name: "mapped address", target: Target{Host: "::ffff:192.0.2.7"}, want: []string{"udp 192.0.2.7:5060"}},
		{name: "SRV in order of priority", target: Target{Host: "carrier.test", Transport: UDP}, want: []string{"udp 192.0.2.1:5070", "udp 192.0.2.2:5080", "udp [2001:db8::2]:5080"}},
		{name: "no transport: the first with records", target: Target{Host: "tcponly.test"}, want: []string{"tcp 192.0.2.1:5060"}},
		{name: "sips", target: Target{Host: "carrier.test", Secure: true}, want: []string{"tls 192.0.2.1:5061"}},
		{name: "sips with transport tcp is TLS", target: Target{Host: "carrier.test", Secure: true, Transport: TCP}, want: []string{"tls 192.0.2.1:5061"}},
		{name: "a port rules SRV out", target: Target{Host: "plain.test", Port: 5099}, want: []string{"udp 192.0.2.9:5099"}},
		{name: "no SRV", target: Target{Host: "plain.test", Transport: TCP}, want: []string{"tcp 192.0.2.9:5060"}},
		{name: "one of two does not resolve", target: Target{Host: "half.test"}, want: []string{"udp 192.0.2.1:5060"}},
		{name: "service decidedly absent", target: Target{Host: "shut.test"}, err: ErrNoAddress},
		{name: "records that lead nowhere", target: Target{Host: "lost.test"}, err: ErrNoAddress},
		{name: "no such name", target: Target{Host: "nobody.test"}, err: ErrNoAddress},
		{name: "sips over UDP", target: Target{Host: "carrier.test", Secure: true, Transport: UDP}, err: ErrTarget},
		{name: "nothing", err: ErrTarget},
	} {
		t.Run(c.name, func(t *testing.T) {
			hops, err := r.Resolve(t.Context(), c.target)
			if c.err != nil {
				require.ErrorIs(t, err, c.err)
				return
			}
			require.NoError(t, err)
			require.ElementsMatch(t, c.want, places(hops))
			require.Equal(t, c.want[0], places(hops)[0])
			for _, h := range hops {
				require.NotContains(t, h.Host, "a.carrier.test", "the certificate is the target's")
			}
		})
	}
	before := s.questions()
	_, err := r.Resolve(t.Context(), Target{Host: "carrier.test", Transport: UDP})
	require.NoError(t, err)
	require.Equal(t, before, s.questions(), "kept")
}

// TestNameServerAway: what a name server said before it failed serves on, for
// a while.
func TestNameServerAway(t *testing.T) {
	s := newNameServer(t)
	s.set(func() { s.hosts["carrier.test."] = addrs("192.0.2.1") })
	var ahead atomic.Int64
	now := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	r := New(s.resolver(), Options{Now: now, Timeout: 20 * time.Second})
	to := Target{Host: "carrier.test", Port: 5060}
	_, err := r.Resolve(t.Context(), to)
	require.NoError(t, err)
	s.set(func() { s.fails = true })
	ahead.Add(int64(time.Minute))
	hops, err := r.Resolve(t.Context(), to)
	require.NoError(t, err)
	require.Equal(t, []string{"udp 192.0.2.1:5060"}, places(hops))
	ahead.Add(int64(2 * time.Hour))
	_, err = r.Resolve(t.Context(), to)
	require.Error(t, err, "too old")
}

// dnsFake answers as it is told.
type dnsFake struct {
	hosts func(ctx context.Context, host string) ([]netip.Addr, error)
	srv   func(ctx context.Context, name string) ([]*net.SRV, error)
}

func (f dnsFake) LookupNetIP(ctx context.Context, _, host string) ([]netip.Addr, error) {
	return f.hosts(ctx, host)
}

func (f dnsFake) LookupSRV(ctx context.Context, _, _, name string) (string, []*net.SRV, error) {
	if f.srv == nil {
		return "", nil, notFound
	}
	records, err := f.srv(ctx, name)
	return "", records, err
}

var notFound = &net.DNSError{IsNotFound: true}

// TestOneQuestion: of a hundred who want the same name at once one asks.
func TestOneQuestion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		r := New(dnsFake{hosts: func(context.Context, string) ([]netip.Addr, error) {
			asked++
			time.Sleep(time.Second)
			return addrs("192.0.2.1"), nil
		}}, Options{})
		to := Target{Host: "carrier.test", Port: 5060}
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				_, err := r.Resolve(t.Context(), to)
				require.NoError(t, err)
			})
		}
		wg.Wait()
		require.Equal(t, 1, asked)
		time.Sleep(31 * time.Second)
		for range 100 { // one refreshes, the others take the old answer meanwhile
			wg.Go(func() {
				_, err := r.Resolve(t.Context(), to)
				require.NoError(t, err)
			})
		}
		wg.Wait()
		require.Equal(t, 2, asked)
	})
}

// TestSilentNameServer: nobody waits longer than the time-out, nor one after
// the other; who gives up leaves the question to who waits on.
func TestSilentNameServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := New(dnsFake{hosts: func(ctx context.Context, _ string) ([]netip.Addr, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}}, Options{})
		to := Target{Host: "carrier.test", Port: 5060}
		began := time.Now()
		impatient, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var wg sync.WaitGroup
		wg.Go(func() {
			_, err := r.Resolve(impatient, to)
			require.ErrorIs(t, err, context.DeadlineExceeded)
		})
		synctest.Wait()
		for range 20 {
			wg.Go(func() {
				_, err := r.Resolve(t.Context(), to)
				require.Error(t, err)
			})
		}
		wg.Wait()
		require.LessOrEqual(t, time.Since(began), 3*time.Second)
	})
}

// TestBounds: what a hostile name server and hostile names can cost.
func TestBounds(t *testing.T) {
	many := func(context.Context, string) ([]netip.Addr, error) {
		var out []netip.Addr
		for i := range 200 {
			out = append(out, netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}))
		}
		return out, nil
	}
	r := New(dnsFake{hosts: many, srv: func(context.Context, string) ([]*net.SRV, error) {
		var out []*net.SRV
		for i := range 200 {
			out = append(out, &net.SRV{Target: fmt.Sprintf("h%d.test.", i), Port: 5060})
		}
		return out, nil
	}}, Options{Names: 10})
	hops, err := r.Resolve(t.Context(), Target{Host: "carrier.test", Transport: UDP})
	require.NoError(t, err)
	require.Len(t, hops, maxHops)
	for i := range 100 {
		_, err := r.Resolve(t.Context(), Target{Host: fmt.Sprintf("x%d.test", i), Port: 5060})
		require.NoError(t, err)
		r.Failed(Hop{Addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}), 5060)})
	}
	require.LessOrEqual(t, len(r.hosts.m), 10)
	require.LessOrEqual(t, len(r.failed), 10)
}

// TestFailedIsLast: a hop that failed is tried last until it has rested or
// served.
func TestFailedIsLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := New(dnsFake{hosts: func(context.Context, string) ([]netip.Addr, error) { return addrs("192.0.2.1", "192.0.2.2"), nil }}, Options{})
		order := func() []string {
			hops, err := r.Resolve(t.Context(), Target{Host: "carrier.test", Port: 5060})
			require.NoError(t, err)
			return places(hops)
		}
		one, two := "udp 192.0.2.1:5060", "udp 192.0.2.2:5060"
		bad := Hop{Addr: netip.MustParseAddrPort("192.0.2.1:5060")}
		require.Equal(t, []string{one, two}, order())
		r.Failed(bad)
		require.Equal(t, []string{two, one}, order())
		time.Sleep(30 * time.Second)
		require.Equal(t, []string{one, two}, order())
		r.Failed(bad)
		r.Served(bad)
		require.Equal(t, []string{one, two}, order())
	})
}

// TestErrorsAreKeptShortly: a name that is not found is asked for again soon.
func TestErrorsAreKeptShortly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		r := New(dnsFake{hosts: func(context.Context, string) ([]netip.Addr, error) { asked++; return nil, notFound }}, Options{})
		for range 3 {
			_, err := r.Resolve(t.Context(), Target{Host: "nobody.test", Port: 5060})
			require.True(t, errors.Is(err, ErrNoAddress))
		}
		require.Equal(t, 1, asked)
		time.Sleep(5 * time.Second)
		_, err := r.Resolve(t.Context(), Target{Host: "nobody.test", Port: 5060})
		require.ErrorIs(t, err, ErrNoAddress)
		require.Equal(t, 2, asked)
	})
}
