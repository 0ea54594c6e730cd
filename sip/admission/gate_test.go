package admission

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	gosip "github.com/emiago/sipgo/sip"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"filo/sip/transport"
	"filo/sip/transport/transporttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// house is a gate with a clock of the test, and a flow for each address.
type house struct {
	t      *testing.T
	gate   *Gate
	now    time.Time
	socket *transport.Socket
	knows  string
}

type nobody struct{}

func (nobody) Receive(transport.Flow, gosip.Message, time.Time) {}
func (nobody) Closed(transport.Flow, error)                     {}

func newHouse(t *testing.T, c Config, s Strangers) *house {
	t.Helper()
	h := &house{t: t, now: time.Unix(1_000_000, 0)}
	h.gate = New(c, s, []string{"112", "911"}, Deps{
		Registry: prometheus.NewRegistry(),
		Now:      func() time.Time { return h.now },
		Trusted:  func(a netip.Addr) bool { return a == netip.MustParseAddr("203.0.113.1") },
		Knows:    func(head transport.Head) bool { return string(head.Branch) == h.knows },
	})
	var n transporttest.Network
	l := transport.New(context.Background(), transport.Options{}, nobody{})
	t.Cleanup(l.Close)
	var err error
	h.socket, err = l.Packets(n.ListenPacket("192.0.2.1:5060"))
	require.NoError(t, err)
	return h
}

func (h *house) flow(from string) transport.Flow {
	return h.socket.Flow(netip.AddrPortFrom(netip.MustParseAddr(from), 5060))
}

func (h *house) ask(from, msg string, wait time.Duration) transport.Verdict {
	return h.gate.Message(h.flow(from), []byte(msg), wait)
}

func message(method, uri, branch, to string) string {
	return fmt.Sprintf("%s %s SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=%s\r\nFrom: <sip:a@b>;tag=1\r\nTo: %s\r\nCall-ID: x\r\nCSeq: 1 %s\r\n\r\n",
		method, uri, branch, to, method)
}

const (
	trunk    = "203.0.113.1"
	stranger = "198.51.100.9"
)

func TestOverloadRefusesNewCallsOnly(t *testing.T) {
	h := newHouse(t, DefaultConfig(), Strangers{})
	invite := message("INVITE", "sip:200@filo", "z9hG4bKnew", "<sip:200@filo>")
	h.ask(trunk, invite, time.Second)
	h.now = h.now.Add(200 * time.Millisecond)
	v := h.ask(trunk, invite, time.Second)
	require.Positive(t, v.Busy)
	require.True(t, h.gate.Overloaded())
	seen := map[int]bool{}
	for range 200 {
		v = h.ask(trunk, invite, time.Second)
		require.GreaterOrEqual(t, v.Busy, 2)
		require.LessOrEqual(t, v.Busy, 7)
		seen[v.Busy] = true
	}
	require.Greater(t, len(seen), 3, "they shall not come back together")
	h.knows = "z9hG4bKknown"
	for name, msg := range map[string]string{
		"in a dialog":       message("INVITE", "sip:200@filo", "z9hG4bKnew", "<sip:200@filo>;tag=x"),
		"ACK":               message("ACK", "sip:200@filo", "z9hG4bKnew", "<sip:200@filo>"),
		"CANCEL":            message("CANCEL", "sip:200@filo", "z9hG4bKnew", "<sip:200@filo>"),
		"BYE":               message("BYE", "sip:200@filo", "z9hG4bKnew", "<sip:200@filo>;tag=x"),
		"a response":        "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h\r\n\r\n",
		"a repeat":          message("INVITE", "sip:200@filo", "z9hG4bKknown", "<sip:200@filo>"),
		"whether we live":   message("OPTIONS", "sip:filo", "z9hG4bKnew", "<sip:filo>"),
		"emergency service": message("INVITE", "urn:service:sos", "z9hG4bKnew", "<urn:service:sos>"),
		"fire brigade":      message("INVITE", "URN:service:sos.fire", "z9hG4bKnew", "<urn:service:sos.fire>"),
		"112":               message("INVITE", "sip:112@filo", "z9hG4bKnew", "<sip:112@filo>"),
		"tel 911":           message("INVITE", "tel:911;phone-context=+1", "z9hG4bKnew", "<tel:911>"),
	} {
		require.Zero(t, h.ask(trunk, msg, time.Second), name)
	}
	for name, msg := range map[string]string{
		"REGISTER":        message("REGISTER", "sip:filo", "z9hG4bKnew", "<sip:a@filo>"),
		"another service": message("INVITE", "urn:service:sosx", "z9hG4bKnew", "<urn:service:sosx>"),
		"a longer number": message("INVITE", "sip:1123@filo", "z9hG4bKnew", "<sip:1123@filo>"),
	} {
		require.Positive(t, h.ask(trunk, msg, time.Second).Busy, name)
	}
	h.now = h.now.Add(time.Minute)
	require.False(t, h.gate.Overloaded())
	require.Zero(t, h.ask(trunk, invite, time.Millisecond))
}

func TestStrangersRate(t *testing.T) {
	h := newHouse(t, Config{}, Strangers{Rate: 10, Burst: 20, Exempt: []string{"192.0.2.0/24", "2001:db8:1::1"}})
	invite := message("INVITE", "sip:200@filo", "z9hG4bKnew", "<sip:200@filo>")
	count := func(from string, n int) (passed int) {
		for range n {
			if !h.ask(from, invite, 0).Drop {
				passed++
			}
		}
		return passed
	}
	require.Equal(t, 20, count(stranger, 100), "the burst")
	h.now = h.now.Add(time.Second)
	require.Equal(t, 10, count(stranger, 100))
	require.Equal(t, 20, count("198.51.100.10", 100), "each its own")
	require.Equal(t, 100, count(trunk, 100), "trunks have limits of their own")
	require.Equal(t, 100, count("192.0.2.77", 100))
	require.Equal(t, 20, count("2001:db8:2::1", 100))
	require.Zero(t, count("2001:db8:2::ffff", 100), "a /64 is one peer")
	require.False(t, h.ask(stranger, message("BYE", "sip:200@filo", "z9hG4bKnew", "<sip:200@filo>;tag=x"), 0).Drop)
	h.gate.Reload(Config{}, Strangers{}, nil)
	require.Equal(t, 100, count(stranger, 100), "no limit")
}

func TestBans(t *testing.T) {
	s := Strangers{BanAfter: 3, BanWithin: time.Minute, BanFor: time.Minute, Exempt: []string{"192.0.2.0/24"}}
	h := newHouse(t, Config{}, s)
	from := netip.MustParseAddr(stranger)
	offend := func(n int) {
		for range n {
			h.gate.Offence(from)
		}
	}
	offend(2)
	h.now = h.now.Add(2 * time.Minute)
	offend(2)
	require.False(t, h.gate.Banned(from), "forgotten meanwhile")
	h.gate.Pardon(from)
	offend(2)
	require.False(t, h.gate.Banned(from), "pardoned meanwhile")
	offend(1)
	require.True(t, h.gate.Banned(from))
	require.False(t, h.gate.Connection(from))
	require.True(t, h.gate.Connection(netip.MustParseAddr(trunk)))
	require.True(t, h.ask(stranger, message("BYE", "sip:200@filo", "z9hG4bKnew", "<sip:200@filo>;tag=x"), 0).Drop, "nothing is heard")
	h.now = h.now.Add(time.Minute)
	require.False(t, h.gate.Banned(from))
	require.True(t, h.gate.Connection(from))
	offend(3)
	h.now = h.now.Add(90 * time.Second)
	require.True(t, h.gate.Banned(from), "twice as long the second time")
	h.now = h.now.Add(31 * time.Second)
	require.False(t, h.gate.Banned(from))
	for range 40 {
		offend(3)
	}
	h.now = h.now.Add(longestBan + time.Second)
	require.False(t, h.gate.Banned(from), "a day at most")
	for _, safe := range []string{trunk, "192.0.2.77"} {
		for range 10 {
			h.gate.Offence(netip.MustParseAddr(safe))
		}
		require.False(t, h.gate.Banned(netip.MustParseAddr(safe)), safe)
	}
}

// Memory is bounded, and what was used last is what is remembered.
func TestRecentProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const limit = 20
		r := newRecent[int](limit)
		var used []netip.Addr
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			a := netip.AddrFrom4([4]byte{10, 0, 0, byte(rapid.IntRange(0, 60).Draw(t, "address"))})
			v, fresh := r.at(a)
			if fresh {
				*v = int(a.As4()[3])
			}
			if *v != int(a.As4()[3]) {
				t.Fatalf("%v is taken for %d", a, *v)
			}
			used = append(used, a)
			if n := len(r.now) + len(r.old); n > limit {
				t.Fatalf("%d entries", n)
			}
		}
		last := map[netip.Addr]bool{}
		for i := len(used) - 1; i >= 0 && len(last) < limit/2; i-- {
			last[used[i]] = true
		}
		for a := range last {
			if r.now[a] == nil && r.old[a] == nil {
				t.Fatalf("%v is forgotten", a)
			}
		}
	})
}

func TestConfigReportsEverything(t *testing.T) {
	require.NoError(t, DefaultConfig().Validate())
	require.NoError(t, DefaultStrangers().Validate())
	require.NoError(t, Strangers{}.Validate())
	err := Config{Target: -1, Interval: time.Minute}.Validate()
	for _, key := range []string{"target: ", "interval: ", "retry_after: "} {
		require.ErrorContains(t, err, key)
	}
	err = Strangers{Rate: 1, BanAfter: 1, Exempt: []string{"::1", "10/8"}}.Validate()
	for _, key := range []string{"burst: ", "ban_within: ", "ban_for: ", "exempt[1]: "} {
		require.ErrorContains(t, err, key)
	}
	err = Strangers{Rate: -1, BanAfter: -1}.Validate()
	require.ErrorContains(t, err, "rate: ")
	require.ErrorContains(t, err, "ban_after: ")
}

func TestMetricsAreClean(t *testing.T) {
	h := newHouse(t, DefaultConfig(), Strangers{BanAfter: 1, BanWithin: time.Minute, BanFor: time.Minute})
	h.gate.Offence(netip.MustParseAddr(stranger))
	h.ask(stranger, "OPTIONS sip:x SIP/2.0\r\n\r\n", 0)
	problems, err := testutil.GatherAndLint(h.gate.deps.Registry.(*prometheus.Registry))
	require.NoError(t, err)
	require.Empty(t, problems)
	require.NoError(t, testutil.GatherAndCompare(h.gate.deps.Registry.(*prometheus.Registry), strings.NewReader(`
# HELP filo_sip_strangers_banned Addresses that are banned now.
# TYPE filo_sip_strangers_banned gauge
filo_sip_strangers_banned 1
# HELP filo_sip_strangers_dropped_total Messages of strangers that got no answer, by reason.
# TYPE filo_sip_strangers_dropped_total counter
filo_sip_strangers_dropped_total{reason="banned"} 1
`), "filo_sip_strangers_banned", "filo_sip_strangers_dropped_total"))
}

// BenchmarkMessage is what the gate costs a call: once for its INVITE, once
// for each other message.
func BenchmarkMessage(b *testing.B) {
	g := New(DefaultConfig(), DefaultStrangers(), []string{"112"}, Deps{})
	l := transport.New(b.Context(), transport.Options{}, nobody{})
	defer l.Close()
	pc, err := net.ListenPacket("udp4", "127.0.0.1:0")
	require.NoError(b, err)
	s, err := l.Packets(pc)
	require.NoError(b, err)
	f := s.Flow(netip.MustParseAddrPort("127.0.0.1:5060"))
	for _, method := range []string{"INVITE", "BYE"} {
		msg := []byte(message(method, "sip:200@filo", "z9hG4bKnew", "<sip:200@filo>"))
		b.Run(method, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				g.Message(f, msg, 0)
			}
		})
	}
}
