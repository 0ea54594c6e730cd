package sip

import (
	"fmt"
	"strings"
	"testing"
	"time"

	gosip "github.com/emiago/sipgo/sip"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"
)

func TestWhatIsRefused(t *testing.T) {
	cfg := testConfig()
	u := run(t, cfg, nil, nil)
	valid := func(p *peer) string { return p.request("INVITE", "b", 1, testSDP) }
	cases := []struct {
		name, method string
		code         int
		msg          func(p *peer) string
	}{
		{"no From", "INVITE", 400, func(p *peer) string { return cut(valid(p), "From") }},
		{"no To", "INVITE", 400, func(p *peer) string { return cut(valid(p), "To") }},
		{"no Call-ID", "INVITE", 400, func(p *peer) string { return cut(valid(p), "Call-ID") }},
		{"no Contact", "INVITE", 400, func(p *peer) string { return cut(valid(p), "Contact") }},
		{"bad From", "INVITE", 400, func(p *peer) string { return strings.Replace(valid(p), `"Ann" <`, `"Ann <<<`, 1) }},
		{"From without tag", "INVITE", 400, func(p *peer) string { return strings.Replace(valid(p), ";tag=p1", "", 1) }},
		{"doubled Call-ID", "INVITE", 400, func(p *peer) string {
			return strings.Replace(valid(p), "CSeq:", "i: other\r\nCSeq:", 1)
		}},
		{"CSeq mismatch", "BYE", 400, func(p *peer) string { return strings.Replace(valid(p), "1 INVITE", "1 BYE", 1) }},
		{"version", "INVITE", 505, func(p *peer) string { return strings.Replace(valid(p), "SIP/2.0\r\nVia", "SIP/7.0\r\nVia", 1) }},
		{"Max-Forwards 0", "INVITE", 483, func(p *peer) string { return strings.Replace(valid(p), "Max-Forwards: 70", "Max-Forwards: 0", 1) }},
		{"Max-Forwards junk", "INVITE", 400, func(p *peer) string { return strings.Replace(valid(p), "Max-Forwards: 70", "Max-Forwards: x", 1) }},
		{"Require", "INVITE", 420, func(p *peer) string { return p.request("INVITE", "b", 1, testSDP, "Require: 100rel, magic, nothing") }},
		{"not SDP", "INVITE", 415, func(p *peer) string { return p.request("INVITE", "b", 1, "<x/>", "Content-Type: text/xml") }},
		{"compressed", "INVITE", 415, func(p *peer) string {
			return p.request("INVITE", "b", 1, testSDP, "Content-Type: application/sdp", "Content-Encoding: gzip")
		}},
		{"unknown dialog", "BYE", 481, func(p *peer) string {
			p.to = "<sip:200@filo>;tag=nobody"
			return p.request("BYE", "b", 1, "")
		}},
		{"BYE outside a dialog", "BYE", 481, func(p *peer) string { return p.request("BYE", "b", 1, "") }},
		{"CANCEL of nothing", "CANCEL", 481, func(p *peer) string { return p.request("CANCEL", "b", 1, "") }},
		{"method", "SUBSCRIBE", 405, func(p *peer) string { return p.request("SUBSCRIBE", "b", 1, "") }},
		{"unknown method", "DANCE", 405, func(p *peer) string { return p.request("DANCE", "b", 1, "") }},
		{"REGISTER without a registrar", "REGISTER", 403, func(p *peer) string { return p.request("REGISTER", "b", 1, "") }},
		{"OPTIONS", "OPTIONS", 200, func(p *peer) string { return p.request("OPTIONS", "b", 1, "") }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p := newPeer(t, u)
			p.send(c.msg(p))
			res := p.response(c.method, c.code)
			switch c.code {
			case 405:
				require.Contains(t, res.GetHeader("Allow").Value(), "INVITE")
			case 420:
				require.Equal(t, "magic, nothing", res.GetHeader("Unsupported").Value())
			}
		})
	}
	t.Run("no CSeq", func(t *testing.T) { // no transaction: answered statelessly
		p := newPeer(t, u)
		p.send(cut(valid(p), "CSeq"))
		m := p.next(time.Second)
		require.NotNil(t, m)
		require.Equal(t, 400, m.(*gosip.Response).StatusCode)
	})
}

// cut removes a header line.
func cut(msg, header string) string {
	i := strings.Index(msg, "\r\n"+header+":")
	j := strings.Index(msg[i+2:], "\r\n")
	return msg[:i] + msg[i+2+j:]
}

func TestJunkDatagrams(t *testing.T) {
	t.Parallel()
	legs := make(chan *Leg, 1)
	u := run(t, testConfig(), nil, answerer(t, legs))
	for _, junk := range []string{"junk-not-sip", "\r\n\r\n", "\x00\x00\x00\x00\x00\x00", "INVITE x", strings.Repeat("A", 60000), "GET / HTTP/1.1\r\n\r\n"} {
		newPeer(t, u).send(junk)
	}
	p := newPeer(t, u)
	p.dial()
	<-legs
	require.Zero(t, u.tx.Live(), "junk leaves nothing behind")
}

func TestStrangersAreForbidden(t *testing.T) {
	cfg := testConfig()
	cfg.Trunks[0].Allow = []string{"192.0.2.1"}
	u := run(t, cfg, nil, nil)
	p := newPeer(t, u)
	p.send(p.request("INVITE", "inv", 1, testSDP))
	p.response("INVITE", 403)
}

// A scanner learns nothing from what anybody may ask: who has neither a trunk
// nor a phone here gets no answer, but for what is answered with a challenge.
func TestStrangersGetNoAnswer(t *testing.T) {
	cfg := testConfig()
	cfg.Trunks[0].Allow = []string{"192.0.2.1"}
	u := run(t, cfg, passwords{"anna": "secret"}, nil)
	p := newPeer(t, u)
	for i, method := range []string{"OPTIONS", "BYE", "SUBSCRIBE", "DANCE", "REGISTER"} {
		p.send(p.request(method, fmt.Sprint("b", i), i+1, ""))
	}
	first := p.next(5 * time.Second).(*gosip.Response) // served in order: the others were before
	require.Equal(t, gosip.REGISTER, first.CSeq().MethodName)
	require.Equal(t, 401, first.StatusCode)
	require.InDelta(t, 4, testutil.ToFloat64(u.met.rejected.WithLabelValues(rejectStranger)), 0)
}
