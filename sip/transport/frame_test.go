package transport

import (
	"bytes"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	gosip "github.com/emiago/sipgo/sip"
	"github.com/stretchr/testify/require"
)

func TestWhole(t *testing.T) {
	cases := []struct {
		name, msg string
		ok        bool
	}{
		{"true length", request("INFO", "x", "WS a.invalid", "Content-Length: 2\r\n", "ab"), true},
		{"compact", request("INFO", "x", "WS a.invalid", "l: 2\r\n", "ab"), true},
		{"no length", request("INFO", "x", "WS a.invalid", "", "ab"), true},
		{"short", request("INFO", "x", "WS a.invalid", "Content-Length: 3\r\n", "ab"), false},
		{"long", request("INFO", "x", "WS a.invalid", "Content-Length: 1\r\n", "ab"), false},
		{"twice", request("INFO", "x", "WS a.invalid", "Content-Length: 2\r\nl: 2\r\n", "ab"), false},
		{"cut", "INFO sip:a SIP/2.0\r\nVia: x\r\n", false},
		{"junk", "junk\r\n\r\n", false},
	}
	for _, c := range cases {
		require.Equal(t, c.ok, whole([]byte(c.msg)), c.name)
	}
}

func TestStatelessResponse(t *testing.T) {
	from := netip.MustParseAddrPort("198.51.100.7:40000")
	answer := func(msg string, headers ...string) *gosip.Response {
		t.Helper()
		data := statelessResponse(nil, []byte(msg), from, 503, "Service Unavailable", headers...)
		require.NotNil(t, data)
		m, err := gosip.ParseMessage(data)
		require.NoError(t, err, "%s", data)
		return m.(*gosip.Response)
	}
	t.Run("copies what it must", func(t *testing.T) {
		res := answer(request("INVITE", "id1", "UDP 10.0.0.1:5062;rport", "Via: SIP/2.0/UDP far.example\r\nX: y\r\nContent-Length: 0\r\n", ""), "Retry-After", "7")
		require.Equal(t, 503, res.StatusCode)
		require.Equal(t, "id1", res.CallID().Value())
		require.Equal(t, "1 INVITE", res.CSeq().Value())
		require.Equal(t, "1", res.From().Params.GetOr("tag", ""))
		require.NotEmpty(t, res.To().Params.GetOr("tag", ""))
		require.Equal(t, "7", res.GetHeader("Retry-After").Value())
		require.Len(t, res.GetHeaders("Via"), 2)
		require.Nil(t, res.GetHeader("X"))
		require.Equal(t, "40000", res.Via().Params.GetOr("rport", ""))
		require.Equal(t, "198.51.100.7", res.Via().Params.GetOr("received", ""))
	})
	t.Run("one tag for all copies", func(t *testing.T) {
		msg := options("x")
		require.Equal(t, answer(msg).To().Value(), answer(msg).To().Value())
		require.NotEqual(t, answer(msg).To().Value(), answer(options("y")).To().Value())
	})
	t.Run("keeps a tag that is there", func(t *testing.T) {
		res := answer(strings.Replace(options("x"), "To: <sip:200@filo>", "To: \"a;tag=no\" <sip:200@filo;tag=no>;Tag=yes", 1))
		require.Contains(t, res.To().Value(), "=yes")
		require.NotContains(t, res.To().Value(), ";tag=s")
	})
	t.Run("compact and folded", func(t *testing.T) {
		res := answer("INVITE sip:a SIP/2.0\r\nv: SIP/2.0/UDP h;branch=z9hG4bK1,\r\n SIP/2.0/UDP far\r\nf: <sip:a@b>;tag=1\r\nt : <sip:b@b>\r\ni: q\r\nCSeq: 1\r\n INVITE\r\n\r\n")
		require.Equal(t, "q", res.CallID().Value())
		require.Len(t, res.GetHeaders("Via"), 2)
	})
	for name, msg := range map[string]string{
		"response":   "SIP/2.0 200 OK\r\n" + strings.SplitN(options("x"), "\r\n", 2)[1],
		"ACK":        strings.ReplaceAll(options("x"), "OPTIONS", "ACK"),
		"no Via":     strings.Replace(options("x"), "Via", "X", 1),
		"no Call-ID": strings.Replace(options("x"), "Call-ID", "X", 1),
		"no CSeq":    strings.Replace(options("x"), "CSeq", "X", 1),
		"no line":    "OPTIONS sip:a SIP/2.0",
	} {
		require.Nil(t, statelessResponse(nil, []byte(msg), from, 503, "x"), name)
	}
}

func FuzzStatelessResponse(f *testing.F) {
	f.Add([]byte(options("x")))
	f.Add([]byte("INVITE sip:a SIP/2.0\r\nv: SIP/2.0/UDP h;rport,\r\n far\r\nf: a\r\nt: \"\\\";tag=1\r\ni: q\r\nCSeq: 1 INVITE\r\n\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		out := statelessResponse(nil, data, netip.MustParseAddrPort("198.51.100.7:40000"), 400, "Bad Request")
		if out == nil {
			return
		}
		if bytes.Count(out, []byte(doubleCRLF)) != 1 || !bytes.HasSuffix(out, []byte(doubleCRLF)) {
			t.Fatalf("not one message: %q", out)
		}
		if len(out) > 2*len(data)+200 {
			t.Fatalf("%d bytes from %d", len(out), len(data))
		}
	})
}

func FuzzFrame(f *testing.F) {
	f.Add([]byte(streamed("x", "body")), 10)
	f.Add([]byte("SIP/2.0 200 OK\r\nl: 3\r\n\r\nabc"), 3)
	f.Fuzz(func(t *testing.T, data []byte, cut int) {
		n, err := frameLength(data, 0, 5000)
		if err != nil {
			return
		}
		if n < 0 || n > 5000 {
			t.Fatalf("length %d", n)
		}
		if n == 0 || n > len(data) {
			return
		}
		again, err := frameLength(data[:n], 0, 5000)
		if err != nil || again != n {
			t.Fatalf("%q: first %d, then %d, %v", data, n, again, err)
		}
		_ = whole(data)
		_ = looksLikeSIP(data)
	})
}

// What is read quickly is what would be read thoroughly.
func FuzzParser(f *testing.F) {
	f.Add([]byte(options("x")))
	f.Add([]byte(streamed("x", "a body")))
	f.Add([]byte("SIP/2.0 180 Ringing now\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1;received=192.0.2.1\r\nTo: \"A, B\" <sip:a@b;x=y>;tag=1\r\nl: 0\r\n\r\nmore"))
	f.Add([]byte("INVITE sip:a SIP/2.0\r\nv: SIP/2.0/UDP h\r\nk: 100rel\r\nx: 90\r\nr: <sip:x>\r\n\r\n"))
	f.Add([]byte("INVITE sip:a SIP/2.0\r\nVia: SIP/2.0/UDP a, SIP/2.0/UDP b\r\nSubject: folded\r\n line\r\nContact: *\r\nContact: <sip:a>, <sip:b>\r\n\r\n"))
	p := newParser(maxDatagram)
	f.Fuzz(func(t *testing.T, data []byte) {
		m, quick := p.quick(data)
		slow, err := p.thorough.ParseSIP(data)
		if quick && (err != nil || !reflect.DeepEqual(m, slow)) {
			t.Fatalf("%q is read as\n%v\ninstead of\n%v, %v", data, m, slow, err)
		}
		if req, ok := slow.(*gosip.Request); ok && err == nil {
			stampVia(req, Flow{link: &Socket{}, remote: netip.MustParseAddrPort(peerAddr)})
			_ = req.String()
		}
	})
}

func TestUsualMessagesAreReadQuickly(t *testing.T) {
	p := newParser(maxDatagram)
	for _, msg := range []string{
		options("x"), streamed("x", "body"),
		"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nRecord-Route: <sip:a;lr>\r\nTo: <sip:a@b>;tag=1\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n",
	} {
		_, ok := p.quick([]byte(msg))
		require.True(t, ok, msg)
	}
}

func BenchmarkParse(b *testing.B) {
	msg := []byte(request("INVITE", "a84b4c76e66710@pc33.example.com", "UDP 192.0.2.1:5060;rport",
		"Contact: <sip:alice@192.0.2.1:5060>\r\nUser-Agent: Phone/1.0\r\nAllow: INVITE, ACK, CANCEL, BYE\r\nSupported: replaces\r\nContent-Type: application/sdp\r\nContent-Length: 4\r\n", "v=0\n"))
	p := newParser(maxDatagram)
	b.Run("quick", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = p.quick(msg)
		}
	})
	b.Run("thorough", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = p.thorough.ParseSIP(msg)
		}
	})
}
