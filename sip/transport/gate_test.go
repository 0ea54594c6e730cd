package transport

import (
	"bytes"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	gosip "github.com/emiago/sipgo/sip"
	"github.com/stretchr/testify/require"
)

// door is a Gate that looks for words.
type door struct {
	closed bool
	waits  chan time.Duration
}

func (d *door) Message(_ Flow, data []byte, wait time.Duration) Verdict {
	if d.waits != nil {
		d.waits <- wait
	}
	return Verdict{Drop: bytes.Contains(data, []byte("drop")), Busy: 7 * bytes.Count(data, []byte("busy;"))}
}

func (d *door) Connection(netip.Addr) bool { return !d.closed }

func TestGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &door{}
		w := newWorld(t, Options{Gate: d})
		p := w.peer()
		write(t, p, options("drop"))
		write(t, p, strings.Replace(options("x1"), "Max", "X: busy;\r\nMax", 1))
		write(t, p, strings.ReplaceAll(strings.Replace(options("x2"), "Max", "X: busy;\r\nMax", 1), "OPTIONS", "ACK"))
		write(t, p, options("good"))
		synctest.Wait()
		require.Equal(t, []string{"good"}, w.callIDs())
		require.Equal(t, "SIP/2.0 503 Service Unavailable", firstLine(t, p))
		c := w.dial()
		send(t, c, strings.Replace(streamed("x3", ""), "Max", "X: busy;\r\nMax", 1)+streamed("still good", ""))
		require.Equal(t, "SIP/2.0 503 Service Unavailable", line(t, c))
		synctest.Wait()
		require.Equal(t, []string{"good", "still good"}, w.callIDs())
		d.closed = true
		_, err := w.dial().Read(make([]byte, 1))
		require.ErrorIs(t, err, io.EOF)
		require.Equal(t, 1, w.drops(DropGate))
	})
}

// The ACK of a refusal without state is absorbed without state.
func TestACKOfARefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{Gate: &door{}})
		p := w.peer()
		invite := strings.ReplaceAll(strings.Replace(options("x"), "Max", "X: busy;\r\nMax", 1), "OPTIONS", "INVITE")
		write(t, p, invite)
		buf := make([]byte, 2000)
		n, _, err := p.ReadFrom(buf)
		require.NoError(t, err)
		m, err := gosip.ParseMessage(buf[:n])
		require.NoError(t, err)
		ack := strings.ReplaceAll(options("x"), "OPTIONS", "ACK")
		to := "To: " + m.To().Value()
		write(t, p, strings.Replace(ack, "To: <sip:200@filo>", to, 1))
		write(t, p, strings.Replace(strings.Replace(ack, "To: <sip:200@filo>", to, 1), "z9hG4bKx", "z9hG4bKother", 1))
		write(t, p, ack)
		synctest.Wait()
		require.Equal(t, []string{"x", "x"}, w.callIDs(), "other ACKs are not")
	})
}

func TestPeek(t *testing.T) {
	cases := []struct {
		name, msg string
		want      Head
		ok        bool
	}{
		{"initial", request("INVITE", "x", "UDP pc.example.com:5062;rport", "", ""), Head{Method: []byte("INVITE"), URI: []byte("sip:200@filo"), Branch: []byte("z9hG4bKx"), SentBy: []byte("pc.example.com"), Port: 5062}, true},
		{"in a dialog", strings.Replace(options("x"), "To: <sip:200@filo>", "t: <sip:200@filo>;tag=1", 1), Head{Method: []byte("OPTIONS"), URI: []byte("sip:200@filo"), Tag: []byte("1"), Branch: []byte("z9hG4bKx"), SentBy: []byte("198.51.100.7"), Port: 40000}, true},
		{"IPv6", request("INVITE", "x", "TCP [2001:db8::1]:5062", "", ""), Head{Method: []byte("INVITE"), URI: []byte("sip:200@filo"), Branch: []byte("z9hG4bKx"), SentBy: []byte("2001:db8::1"), Port: 5062}, true},
		{"IPv6 without port", request("INVITE", "x", "TCP [2001:db8::1]", "", ""), Head{Method: []byte("INVITE"), URI: []byte("sip:200@filo"), Branch: []byte("z9hG4bKx"), SentBy: []byte("2001:db8::1")}, true},
		{"emergency", strings.Replace(options("x"), "sip:200@filo", "urn:service:sos", 1), Head{Method: []byte("OPTIONS"), URI: []byte("urn:service:sos"), Branch: []byte("z9hG4bKx"), SentBy: []byte("198.51.100.7"), Port: 40000}, true},
		{"response", "SIP/2.0 200 OK\r\n\r\n", Head{}, false},
		{"one word", "INVITE\r\n\r\n", Head{}, false},
		{"no line", "INVITE sip:x SIP/2.0", Head{}, false},
	}
	for _, c := range cases {
		h, ok := Peek([]byte(c.msg))
		require.Equal(t, c.ok, ok, c.name)
		if ok {
			require.Equal(t, c.want, h, c.name)
		}
	}
	msg := []byte(options("x"))
	require.Zero(t, testing.AllocsPerRun(100, func() { _, _ = Peek(msg) }))
}

func FuzzPeek(f *testing.F) {
	f.Add([]byte(options("x")))
	f.Add([]byte("INVITE sip:a SIP/2.0\r\nv:SIP/2.0/UDP [::1]:x;branch\r\nt:;tag\r\n\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		h, ok := Peek(data)
		if ok && (h.Port < 0 || h.Port > 65535 || len(h.Branch) > len(data)) {
			t.Fatalf("%+v", h)
		}
	})
}

// The kernel says when it had a datagram: what waited is known to have waited.
// It begins to do so a moment after it was asked.
func TestQueueDelay(t *testing.T) {
	const datagrams = 100
	pc, err := net.ListenPacket("udp4", "127.0.0.1:0")
	require.NoError(t, err)
	d := &door{waits: make(chan time.Duration, datagrams)}
	l := New(t.Context(), Options{Gate: d}, &heard{})
	defer l.Close()
	s, err := l.Packets(pc)
	require.NoError(t, err)
	if s.oob == nil {
		t.Skip("no time stamps here")
	}
	c, err := net.Dial("udp4", pc.LocalAddr().String())
	require.NoError(t, err)
	defer func() { _ = c.Close() }()
	began := time.Now()
	for range datagrams { // nobody reads yet
		_, err = c.Write([]byte(options("early")))
		require.NoError(t, err)
		time.Sleep(time.Millisecond)
	}
	l.Start()
	longest := time.Duration(0)
	for range datagrams {
		longest = max(longest, <-d.waits)
	}
	require.GreaterOrEqual(t, longest, 5*time.Millisecond)
	require.LessOrEqual(t, longest, time.Since(began))
}

func BenchmarkPeek(b *testing.B) {
	msg := []byte(options("x"))
	b.ReportAllocs()
	for b.Loop() {
		_, _ = Peek(msg)
	}
}

// BenchmarkRefuse is a whole rejection: a datagram in, 503 out.
func BenchmarkRefuse(b *testing.B) {
	pc, err := net.ListenPacket("udp4", "127.0.0.1:0")
	require.NoError(b, err)
	peer, err := net.Dial("udp4", pc.LocalAddr().String())
	require.NoError(b, err)
	defer func() { _ = peer.Close() }()
	l := New(b.Context(), Options{Gate: full{}}, &heard{})
	defer l.Close()
	s, err := l.Packets(pc)
	require.NoError(b, err)
	msg := []byte(options("x"))
	from := addrPort(peer.LocalAddr())
	b.ReportAllocs()
	for b.Loop() {
		s.take(msg, from, time.Time{}, time.Second)
	}
}

type full struct{ open }

func (full) Message(Flow, []byte, time.Duration) Verdict { return Verdict{Busy: 5} }
