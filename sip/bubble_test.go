package sip

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"filo/sip/transport/transporttest"
)

// fault is what happens to one datagram of a call, and no other.
type fault int

const (
	noFault fault = iota
	lost
	doubled
	late
)

func (f fault) String() string { return [...]string{"none", "lost", "doubled", "late"}[f] }

// bubble is a network in virtual time. Its methods run within synctest.Test.
type bubble struct {
	t    *testing.T
	net  transporttest.Network
	wg   sync.WaitGroup
	stop []func()

	mu    sync.Mutex
	sent  int // datagrams
	which int // the datagram with the fault
	fault fault
}

// faulty is a packet socket on which the fault happens.
type faulty struct {
	net.PacketConn
	b *bubble
}

func (f faulty) WriteTo(data []byte, to net.Addr) (int, error) {
	f.b.mu.Lock()
	f.b.sent++
	hit := f.b.sent == f.b.which
	f.b.mu.Unlock()
	if !hit {
		return f.PacketConn.WriteTo(data, to)
	}
	switch f.b.fault {
	case lost:
		return len(data), nil
	case doubled:
		_, _ = f.PacketConn.WriteTo(data, to)
	case late:
		kept := slices.Clone(data)
		time.AfterFunc(1700*time.Millisecond, func() { _, _ = f.PacketConn.WriteTo(kept, to) })
		return len(data), nil
	case noFault:
	}
	return f.PacketConn.WriteTo(data, to)
}

// socket is a packet socket of the network.
func (b *bubble) socket(addr string) net.PacketConn { return faulty{b.net.ListenPacket(addr), b} }

// serve starts a user agent at addr.
func (b *bubble) serve(addr string, cfg Config, h Handler) *UA {
	cfg.Listen = []Listen{{Network: "udp", Bind: addr}}
	u, err := New(cfg, Deps{Registry: prometheus.NewRegistry()})
	require.NoError(b.t, err)
	u.bind = func(context.Context, string, string) (net.PacketConn, error) { return b.socket(addr), nil }
	ctx, cancel := context.WithCancel(b.t.Context())
	b.wg.Go(func() {
		if err := u.Serve(ctx, h); err != nil {
			b.t.Errorf("serve: %v", err)
		}
	})
	<-u.Ready()
	b.stop = append(b.stop, cancel)
	return u
}

// close ends what was started.
func (b *bubble) close() {
	for _, stop := range b.stop {
		stop()
	}
	b.wg.Wait()
}

// empty checks that a user agent has nothing left of its calls.
func (b *bubble) empty(u *UA) {
	b.t.Helper()
	require.Zero(b.t, u.legs.count(), "calls")
	require.Empty(b.t, u.legs.all(), "legs")
	require.Zero(b.t, u.tx.Live(), "transactions")
}

// story is what one end of a call has seen, in no order: a fault may change who
// comes first.
type story struct {
	mu    sync.Mutex
	lines []string
}

func (s *story) tell(format string, a ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, fmt.Sprintf(format, a...))
}

func (s *story) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(slices.Sorted(slices.Values(s.lines)), "\n")
}

// ends tells how a leg ends.
func (s *story) ends(b *bubble, who string, l *Leg) {
	b.wg.Go(func() {
		<-l.Done()
		s.tell("%s: %v", who, l.Cause())
	})
}

// accepts lets a leg accept what it is offered, and tell it.
func (s *story) accepts(who string, l *Leg) {
	l.OnReoffer(func(offer []byte) ([]byte, error) {
		s.tell("%s is offered %s", who, nameOf(offer))
		return sdp(who + "'s answer to " + nameOf(offer)), nil
	})
}

// nameOf is the name that sdp gave to a session description.
func nameOf(description []byte) string {
	_, name, ok := strings.Cut(string(description), "a=x-name:")
	if !ok {
		return "nothing"
	}
	return strings.TrimSpace(name)
}

// wireFlow is a call over the wire, of which every step leaves time to repair
// one fault.
type wireFlow struct {
	name string
	play func(b *bubble, s *story)
	// races: one fault may decide it the other way, so that only what is left
	// behind counts.
	races bool
}

const (
	hereAddr  = "192.0.2.1:5060"
	thereAddr = "192.0.2.2:5060"
)

func bubbleConfig() Config {
	cfg := testConfig()
	cfg.Trunks = []Trunk{{Name: "loop", Allow: []string{"192.0.2.0/24"}, Trusted: true, Region: "IT", Headers: []string{"X-Cart"}}}
	return cfg
}

// TestWireMatrix plays each flow as it should go, and then once for every
// datagram of it: lost, doubled and late. One fault changes nothing that
// anybody would notice, and nothing is left behind.
func TestWireMatrix(t *testing.T) {
	for _, f := range append(wireFlows, bareFlows...) {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			want, n := f.run(t, 0, noFault)
			require.Greater(t, n, 3)
			t.Logf("%d datagrams\n%s", n, want)
			for i := 1; i <= n; i++ {
				for _, fault := range []fault{lost, doubled, late} {
					got, _ := f.run(t, i, fault)
					if !f.races {
						require.Equal(t, want, got, "datagram %d %v", i, fault)
					}
				}
			}
		})
	}
}

// run plays the flow and tells what was seen, and how many datagrams it took.
func (f *wireFlow) run(t *testing.T, which int, fault fault) (string, int) {
	var s story
	b := &bubble{which: which, fault: fault}
	synctest.Test(t, func(t *testing.T) {
		b.t = t
		defer b.close()
		f.play(b, &s)
	})
	return s.String(), b.sent
}

// call is a call between two user agents of ours.
type call struct {
	*bubble
	*story
	caller, callee *UA
	out            *Leg
	in             chan *Leg
}

// newCall starts both; what the callee does about a call is up to h.
func newCall(b *bubble, s *story, cfg Config, h func(ctx context.Context, c *call, l *Leg)) *call {
	c := &call{bubble: b, story: s, in: make(chan *Leg, 1)}
	c.callee = b.serve(thereAddr, cfg, func(ctx context.Context, l *Leg) {
		c.accepts("callee", l)
		c.ends(b, "callee", l)
		c.in <- l
		h(ctx, c, l)
		<-ctx.Done()
	})
	c.caller = b.serve(hereAddr, cfg, func(ctx context.Context, _ *Leg) { <-ctx.Done() })
	return c
}

// place places the call; false when it was refused.
func (c *call) place(ctx context.Context, offer []byte) bool {
	o := InviteOptions{From: "100", SDP: offer, OnOffer: func(offer []byte) ([]byte, error) {
		c.tell("caller is offered %s", nameOf(offer))
		return sdp("caller's answer to " + nameOf(offer)), nil
	}}
	l, err := c.caller.Invite(ctx, Target{URI: "sip:200@" + thereAddr}, o)
	if err != nil {
		c.tell("caller: %v", err)
		return false
	}
	c.out = l
	c.tell("caller hears %s", nameOf(l.RemoteSDP()))
	c.ends(c.bubble, "caller", l)
	c.accepts("caller", l)
	return true
}

// over lets every timer run out and checks that nothing is left.
func (c *call) over() {
	time.Sleep(2 * time.Minute)
	synctest.Wait()
	c.empty(c.caller)
	c.empty(c.callee)
}

// hold changes the session.
func (c *call) hold(who string, l *Leg, name string) {
	answer, err := l.Reinvite(c.t.Context(), sdp(name))
	c.tell("%s holds: %s %v", who, nameOf(answer), err)
}

// answers rings, and answers 10 s later.
func answers(ctx context.Context, c *call, l *Leg) {
	c.check(l.Ring(ctx))
	time.Sleep(10 * time.Second)
	c.check(l.Answer(ctx, sdp("callee")))
}

func (c *call) check(err error) {
	if err != nil {
		c.tell("error: %v", err)
	}
}

var wireFlows = []wireFlow{
	{name: "the caller hangs up", play: func(b *bubble, s *story) {
		c := newCall(b, s, bubbleConfig(), answers)
		c.place(b.t.Context(), sdp("caller"))
		time.Sleep(20 * time.Second)
		c.check(c.out.Hangup(b.t.Context(), Hangup{Headers: map[string]string{"X-Cart": "7"}}))
		time.Sleep(10 * time.Second)
		c.tell("callee learns %v", (<-c.in).Headers())
		c.over()
	}},
	{name: "the callee hangs up", play: func(b *bubble, s *story) {
		c := newCall(b, s, bubbleConfig(), answers)
		c.place(b.t.Context(), sdp("caller"))
		time.Sleep(20 * time.Second)
		c.check((<-c.in).Hangup(b.t.Context(), Hangup{}))
		c.over()
	}},
	{name: "late offer", play: func(b *bubble, s *story) {
		c := newCall(b, s, bubbleConfig(), func(ctx context.Context, c *call, l *Leg) {
			answers(ctx, c, l)
			answer, err := l.RemoteAnswer(ctx)
			c.tell("callee hears %s %v", nameOf(answer), err)
		})
		c.place(b.t.Context(), nil)
		time.Sleep(20 * time.Second)
		c.check(c.out.Hangup(b.t.Context(), Hangup{}))
		c.over()
	}},
	{name: "cancelled", play: func(b *bubble, s *story) {
		c := newCall(b, s, bubbleConfig(), func(ctx context.Context, c *call, l *Leg) { c.check(l.Ring(ctx)) })
		ctx, cancel := context.WithTimeout(b.t.Context(), 20*time.Second)
		defer cancel()
		c.place(ctx, sdp("caller"))
		c.over()
	}},
	{name: "refused", play: func(b *bubble, s *story) {
		c := newCall(b, s, bubbleConfig(), func(ctx context.Context, c *call, l *Leg) {
			c.check(l.Ring(ctx))
			time.Sleep(10 * time.Second)
			c.check(l.Reject(ctx, 486, ""))
		})
		c.place(b.t.Context(), sdp("caller"))
		c.over()
	}},
	{name: "early media", play: func(b *bubble, s *story) {
		c := newCall(b, s, bubbleConfig(), func(ctx context.Context, c *call, l *Leg) {
			c.check(l.Progress(ctx, sdp("early")))
			time.Sleep(15 * time.Second)
			c.check(l.Answer(ctx, nil))
		})
		c.place(b.t.Context(), sdp("caller"))
		time.Sleep(20 * time.Second)
		c.check((<-c.in).Hangup(b.t.Context(), Hangup{}))
		c.over()
	}},
	{name: "early media, a late offer, and the answer at once", play: func(b *bubble, s *story) {
		c := newCall(b, s, bubbleConfig(), func(ctx context.Context, c *call, l *Leg) {
			c.check(l.Progress(ctx, sdp("early")))
			c.check(l.Answer(ctx, nil))
			answer, err := l.RemoteAnswer(ctx)
			c.tell("callee hears %s %v", nameOf(answer), err)
		})
		c.place(b.t.Context(), nil)
		time.Sleep(20 * time.Second)
		c.check(c.out.Hangup(b.t.Context(), Hangup{}))
		c.over()
	}},
	{name: "hold and resume from both sides", play: func(b *bubble, s *story) {
		c := newCall(b, s, bubbleConfig(), answers)
		c.place(b.t.Context(), sdp("caller"))
		time.Sleep(10 * time.Second)
		c.hold("caller", c.out, "hold")
		time.Sleep(10 * time.Second)
		in := <-c.in
		c.hold("callee", in, "held")
		time.Sleep(10 * time.Second)
		c.hold("caller", c.out, "resume")
		time.Sleep(10 * time.Second)
		c.tell("at last caller hears %s, callee %s", nameOf(c.out.RemoteSDP()), nameOf(in.RemoteSDP()))
		c.check(in.Hangup(b.t.Context(), Hangup{}))
		c.over()
	}},
	{name: "both change the session at once", play: func(b *bubble, s *story) {
		c := newCall(b, s, bubbleConfig(), answers)
		c.place(b.t.Context(), sdp("caller"))
		time.Sleep(10 * time.Second)
		var both sync.WaitGroup
		both.Go(func() { c.hold("caller", c.out, "one") })
		both.Go(func() { c.hold("callee", <-c.in, "other") })
		both.Wait()
		time.Sleep(10 * time.Second)
		c.check(c.out.Hangup(b.t.Context(), Hangup{}))
		c.over()
	}},
	{name: "the session is refreshed, then nobody is there", play: func(b *bubble, s *story) {
		cfg := bubbleConfig()
		cfg.SessionExpires = 2 * time.Minute
		c := newCall(b, s, cfg, answers)
		c.place(b.t.Context(), sdp("caller"))
		time.Sleep(10 * time.Minute)
		require.NoError(b.t, c.out.Cause())
		b.stop[0]() // the callee stops and says BYE
		c.over()
	}},
	{name: "the longest duration", play: func(b *bubble, s *story) {
		cfg := bubbleConfig()
		cfg.MaxDuration = 10 * time.Minute
		c := newCall(b, s, cfg, answers)
		c.place(b.t.Context(), sdp("caller"))
		time.Sleep(15 * time.Minute)
		c.over()
	}, races: true},
	{name: "both hang up at once", play: func(b *bubble, s *story) {
		c := newCall(b, s, bubbleConfig(), answers)
		if !c.place(b.t.Context(), sdp("caller")) {
			return
		}
		time.Sleep(10 * time.Second)
		in := <-c.in
		var both sync.WaitGroup
		both.Go(func() { c.check(c.out.Hangup(b.t.Context(), Hangup{})) })
		both.Go(func() { c.check(in.Hangup(b.t.Context(), Hangup{})) })
		both.Wait()
		c.over()
	}, races: true},
	{name: "the answer crosses the CANCEL", play: func(b *bubble, s *story) {
		c := newCall(b, s, bubbleConfig(), answers)
		ctx, cancel := context.WithTimeout(b.t.Context(), 10*time.Second)
		defer cancel()
		if c.place(ctx, sdp("caller")) {
			c.check(c.out.Hangup(b.t.Context(), Hangup{}))
		}
		c.over()
	}, races: true},
	{name: "hung up right behind the answer", play: func(b *bubble, s *story) {
		c := newCall(b, s, bubbleConfig(), func(ctx context.Context, c *call, l *Leg) {
			answers(ctx, c, l)
			c.check(l.Hangup(ctx, Hangup{}))
		})
		c.place(b.t.Context(), sdp("caller"))
		c.over()
	}},
	{name: "an offer crosses the hang-up", play: func(b *bubble, s *story) {
		c := newCall(b, s, bubbleConfig(), answers)
		c.place(b.t.Context(), sdp("caller"))
		time.Sleep(10 * time.Second)
		in := <-c.in
		var both sync.WaitGroup
		both.Go(func() { c.hold("caller", c.out, "hold") })
		both.Go(func() { c.check(in.Hangup(b.t.Context(), Hangup{})) })
		both.Wait()
		c.over()
	}, races: true},
}
