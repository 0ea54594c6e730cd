package trace

import (
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

var (
	here  = netip.MustParseAddrPort("192.0.2.1:5060")
	there = netip.MustParseAddrPort("203.0.113.9:5070")
)

func small() Config {
	cfg := DefaultConfig()
	cfg.Bytes, cfg.MaxMessage, cfg.MaxContacts = minBytes, minMessage, 3
	return cfg
}

// sipMessage is a message of n bytes.
func sipMessage(start, callID, cseq string, n int) []byte {
	s := start + "\r\nCall-ID: " + callID + "\r\nCSeq: " + cseq + "\r\n\r\n"
	return []byte(s + strings.Repeat("x", max(0, n-len(s))))
}

func kept(r *ring) (all []record) {
	l := r.read(0, 0)
	defer l.close()
	for _, rec := range l.records() {
		rec.data = append([]byte(nil), rec.data...)
		all = append(all, rec)
	}
	return all
}

func TestRecordKeepsWhatWasOnTheWire(t *testing.T) {
	r := New(small())
	at := time.Unix(1700000000, 123456789)
	six := netip.MustParseAddrPort("[2001:db8::1]:5061")
	data := sipMessage("INVITE sip:a@b SIP/2.0", "one", "1 INVITE", 400)
	r.Message(Message{At: at, In: true, Network: "wss", Local: here, Remote: six, Data: data})
	r.Message(Message{At: at, Network: "carrier pigeon", Remote: there, Data: data})
	all := kept(r.calls)
	require.Len(t, all, 2)
	require.Equal(t, record{
		head: head{in: true, network: networkIndex("wss"), at: at.UnixNano(), whole: 400, local: here, remote: six}, data: data,
	}, all[0])
	require.Equal(t, record{head: head{at: at.UnixNano(), whole: 400, remote: there}, data: data}, all[1])
}

func TestBackgroundDoesNotPushOutCalls(t *testing.T) {
	r := New(small())
	r.Message(Message{Data: sipMessage("INVITE sip:a@b SIP/2.0", "call", "1 INVITE", 500)})
	for range 10_000 {
		r.Message(Message{Data: sipMessage("REGISTER sip:b SIP/2.0", "reg", "7 REGISTER", 500)})
		r.Message(Message{Data: sipMessage("SIP/2.0 401 Unauthorized", "reg", "7 REGISTER", 500)})
		r.Message(Message{Data: sipMessage("SIP/2.0 200 OK", "ping", "7\tOPTIONS", 500)})
		r.Message(Message{Data: []byte("\r\n\r\n")})
	}
	require.Len(t, kept(r.calls), 1)
	require.NotEmpty(t, kept(r.background))
}

func TestBackground(t *testing.T) {
	for text, want := range map[string]bool{
		"OPTIONS sip:b SIP/2.0\r\n":                                        true,
		"OPTIONSX sip:b SIP/2.0\r\n":                                       false,
		"INVITE sip:b SIP/2.0\r\nCSeq: 1 OPTIONS\r\n":                      false,
		"SIP/2.0 200 OK\r\nVia: x\r\ncseq:  12  REGISTER\r\n":              true,
		"SIP/2.0 200 OK\r\nVia: x\r\nCSEQ: 12 REGISTERED\r\n":              false,
		"SIP/2.0 200 OK\r\nVia: x\r\n\r\nCSeq: 12 REGISTER\r\n":            false,
		"SIP/2.0 200 OK\r\nContact: x\r\nContent-Length: 0\r\nCSeq: 1 BYE": false,
		"SIP/2.0 200 OK\r\nC":                                              false,
	} {
		require.Equal(t, want, isBackground([]byte(text)), text)
	}
}

func TestLongMessageIsCut(t *testing.T) {
	r := New(small())
	r.Message(Message{Data: sipMessage("INVITE sip:a@b SIP/2.0", "one", "1 INVITE", 60000)})
	all := kept(r.calls)
	require.Len(t, all[0].data, minMessage)
	require.Equal(t, 60000, all[0].whole)
}

func TestOff(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Bytes = 0
	require.NoError(t, cfg.Validate())
	r := New(cfg)
	require.False(t, r.Enabled())
	r.Message(Message{Data: sipMessage("INVITE sip:a@b SIP/2.0", "one", "1 INVITE", 600)})
	r.Leg("c_1", "one", "caller")
	r.Alias("leg", "one")
	r.Note("c_1", "one", "joined")
	require.Empty(t, r.links.contacts)
}

// TestRingModel: whatever is written and read at once, a look has the newest
// records without a gap, in order and unharmed, and memory stays bounded.
func TestRingModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := newRing(rapid.IntRange(4096, 65536).Draw(t, "size"), headSize+512)
		var want []string
		var open []*reading
		var expect [][]string
		for range rapid.IntRange(1, 400).Draw(t, "steps") {
			switch rapid.IntRange(0, 9).Draw(t, "step") {
			case 0:
				open, expect = append(open, r.read(0, 0)), append(expect, want)
			case 1:
				if len(open) > 0 {
					check(t, open[0], expect[0])
					open[0].close()
					open, expect = open[1:], expect[1:]
				}
			default:
				text := fmt.Sprintf("%d %s", len(want), strings.Repeat("a", rapid.IntRange(0, 500).Draw(t, "n")))
				r.addMessage(head{at: int64(len(want)), whole: len(text)}, []byte(text))
				want = append(want, text)
			}
		}
		for i, l := range open {
			check(t, l, expect[i])
			l.close()
		}
		l := r.read(0, 0)
		check(t, l, want)
		l.close()
		held := 0
		for _, s := range r.segments {
			held += cap(s.buf)
			require.Zero(t, s.readers)
		}
		require.LessOrEqual(t, held, r.limit*r.size)
	})
}

func check(t *rapid.T, l *reading, want []string) {
	var got []string
	for n, rec := range l.records() {
		require.Equal(t, want[n], string(rec.data), "record %d", n)
		got = append(got, string(rec.data))
	}
	require.Equal(t, len(want) > len(got), l.lost)
	require.Equal(t, strings.Join(want[len(want)-len(got):], "\n"), strings.Join(got, "\n"))
}

// TestReadFrom: who comes back for what is new gets that, and little besides.
func TestReadFrom(t *testing.T) {
	r := newRing(8192, headSize+64)
	for i := range 500 {
		r.addMessage(head{at: int64(i)}, []byte("12345678"))
	}
	l := r.read(498, 0)
	defer l.close()
	seen := map[uint64]int64{}
	for n, rec := range l.records() {
		seen[n] = rec.at
	}
	require.Equal(t, int64(499), seen[499])
	require.LessOrEqual(t, len(l.bufs), 2)
	require.Equal(t, uint64(500), l.next)
}

func TestConcurrentUse(t *testing.T) {
	r := New(small())
	var writers sync.WaitGroup
	for w := range 4 {
		writers.Go(func() {
			for i := range 2000 {
				id := fmt.Sprintf("call-%d-%d", w, i)
				r.Message(Message{In: true, Remote: there, Data: sipMessage("INVITE sip:a@b SIP/2.0", id, "1 INVITE", 700)})
				r.Leg("c_"+id, id, "caller")
				r.Alias("leg-"+id, id)
				r.Note("c_"+id, id, "joined")
			}
		})
	}
	for range 50 {
		for _, rec := range kept(r.calls) {
			require.Contains(t, string(rec.data), "call-")
		}
	}
	writers.Wait()
	require.Len(t, r.links.contacts, small().MaxContacts)
	require.Len(t, r.links.calls, small().MaxContacts)
	require.Len(t, r.links.names, small().MaxContacts)
}

// TestLinks: a line's dialog belongs to one contact after the other.
func TestLinks(t *testing.T) {
	l := newLinks(10)
	at := func(s int64) time.Time { return time.Unix(s, 0) }
	l.add("c_1", "caller-1", "caller", at(1))
	l.add("c_1", "line", "agent paola", at(2))
	l.add("c_1", "line", "agent Paola", at(3))
	l.add("c_2", "caller-2", "caller", at(10))
	l.add("c_2", "line", "agent paola", at(11))
	l.alias("leg-9", "line")
	l.alias("leg-10", "nobody's")

	c, call := l.find("c_1")
	require.Equal(t, linked{contact: "c_1", legs: []link{
		{callID: "caller-1", role: "caller", at: at(1)},
		{callID: "line", role: "agent Paola", at: at(2), until: at(11)},
	}}, c)
	require.Empty(t, call)
	c, call = l.find("leg-9")
	require.Equal(t, "c_2", c.contact)
	require.Equal(t, "line", call)
	c, call = l.find("leg-10")
	require.Empty(t, c.contact)
	require.Equal(t, "leg-10", call, "maybe a Call-ID of no contact")

	require.Equal(t, []Summary{{Contact: "c_2", At: at(10).UTC(), Roles: []string{"caller", "agent paola"}}}, l.recent(1))
	require.Len(t, l.recent(5), 2)

	for i := range 9 {
		l.add(fmt.Sprintf("c_1%d", i), "x", "caller", at(20))
	}
	require.Equal(t, []string{"c_2"}, l.calls["line"])
	l.add("c_20", "x", "caller", at(20))
	require.Empty(t, l.calls["line"])
	require.Empty(t, l.names)
	require.Empty(t, l.aliases)
}

func BenchmarkMessage(b *testing.B) {
	r := New(DefaultConfig())
	for _, m := range []struct {
		name string
		data []byte
	}{
		{"invite", sipMessage("INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\nFrom: <sip:a@b>\r\nTo: <sip:c@d>", "a84b4c76e66710", "1 INVITE", 1100)},
		{"response", sipMessage("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\nFrom: <sip:a@b>\r\nTo: <sip:c@d>", "a84b4c76e66710", "1 INVITE", 700)},
	} {
		b.Run(m.name, func(b *testing.B) {
			at := time.Now()
			b.ReportAllocs()
			for b.Loop() {
				r.Message(Message{At: at, In: true, Network: "udp", Local: here, Remote: there, Data: m.data})
			}
		})
	}
}
