package sip

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	gosip "github.com/emiago/sipgo/sip"
	"github.com/stretchr/testify/require"
)

// peer is a hand-driven SIP peer on a UDP socket.
type peer struct {
	t    *testing.T
	c    *net.UDPConn
	ua   *net.UDPAddr
	call string
	seq  int
	to   string          // To header of in-dialog requests
	got  map[string]bool // final responses, by branch and code
}

func newPeer(t *testing.T, u *UA) *peer {
	t.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	at, err := net.ResolveUDPAddr("udp4", u.Addr("udp"))
	require.NoError(t, err)
	return &peer{t: t, c: c, ua: at, call: newToken(), to: "<sip:200@filo>", got: map[string]bool{}}
}

func (p *peer) addr() string { return p.c.LocalAddr().String() }

func (p *peer) send(msg string) {
	p.t.Helper()
	_, err := p.c.WriteToUDP([]byte(msg), p.ua)
	require.NoError(p.t, err)
}

// request writes a request; extra are whole header lines, body is SDP when set.
func (p *peer) request(method, branch string, seq int, body string, extra ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s sip:200@filo SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK%s;rport\r\n", method, p.addr(), p.call+branch)
	fmt.Fprintf(&b, "Max-Forwards: 70\r\nFrom: \"Ann\" <sip:100@peer>;tag=p1\r\nTo: %s\r\nCall-ID: %s\r\n", p.to, p.call)
	fmt.Fprintf(&b, "CSeq: %d %s\r\nContact: <sip:100@%s>\r\n", seq, method, p.addr())
	for _, h := range extra {
		b.WriteString(h + "\r\n")
	}
	if body != "" && !strings.Contains(strings.Join(extra, "\n"), "Content-Type") {
		b.WriteString("Content-Type: application/sdp\r\n")
	}
	fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n%s", len(body), body)
	return b.String()
}

// next reads one message; nil when none comes within d.
func (p *peer) next(d time.Duration) gosip.Message {
	p.t.Helper()
	buf := make([]byte, 65535)
	_ = p.c.SetReadDeadline(time.Now().Add(d))
	n, _, err := p.c.ReadFromUDP(buf)
	if err != nil {
		return nil
	}
	m, err := gosip.ParseMessage(buf[:n])
	require.NoError(p.t, err)
	return m
}

// response skips everything but a final response (or the wanted provisional)
// to method that was not read before, and checks its code.
func (p *peer) response(method string, code int) *gosip.Response {
	p.t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		m := p.next(time.Until(deadline))
		require.NotNilf(p.t, m, "no %d to %s", code, method)
		res, ok := m.(*gosip.Response)
		if !ok || string(res.CSeq().MethodName) != method || (res.IsProvisional() && res.StatusCode != code) {
			continue
		}
		branch, _ := res.Via().Params.Get("branch")
		read := fmt.Sprint(branch, res.StatusCode)
		if p.got[read] && res.StatusCode != code {
			continue // repeated
		}
		p.got[read] = true
		require.Equalf(p.t, code, res.StatusCode, "response to %s", method)
		return res
	}
}

// expect skips everything but a request of the given method.
func (p *peer) expect(method string) *gosip.Request {
	p.t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		m := p.next(time.Until(deadline))
		require.NotNilf(p.t, m, "no %s", method)
		if req, ok := m.(*gosip.Request); ok && string(req.Method) == method {
			return req
		}
	}
}

// silence checks that no such request comes within d.
func (p *peer) silence(method string, d time.Duration) {
	p.t.Helper()
	deadline := time.Now().Add(d)
	for {
		m := p.next(time.Until(deadline))
		if m == nil {
			return
		}
		if req, ok := m.(*gosip.Request); ok {
			require.NotEqual(p.t, method, string(req.Method))
		}
	}
}

// dial sends an INVITE, takes the 200, and remembers the dialog; no ACK yet.
func (p *peer) dial() *gosip.Response {
	p.t.Helper()
	p.seq = 1
	p.send(p.request("INVITE", "inv", 1, testSDP))
	res := p.response("INVITE", 200)
	p.to = res.To().Value()
	return res
}

func (p *peer) ack() { p.send(p.request("ACK", "ack", p.seq, "")) }

// in sends the next in-dialog request.
func (p *peer) in(method, body string, extra ...string) {
	p.seq++
	p.send(p.request(method, fmt.Sprint(method, p.seq), p.seq, body, extra...))
}

// reply answers a request of the UA.
func (p *peer) reply(req *gosip.Request, code int, tag, body string, extra ...string) {
	p.t.Helper()
	res := gosip.NewResponseFromRequest(req, code, "x", nil)
	if tag != "" {
		res.To().Params.Add("tag", tag)
	}
	res.AppendHeader(gosip.NewHeader("Contact", "<sip:callee@"+p.addr()+">"))
	for i := 0; i+1 < len(extra); i += 2 {
		res.AppendHeader(gosip.NewHeader(extra[i], extra[i+1]))
	}
	if body != "" {
		res.AppendHeader(gosip.NewHeader("Content-Type", "application/sdp"))
		res.SetBody([]byte(body))
	} else {
		res.SetBody(nil)
	}
	p.send(res.String())
}
