package e2e

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"filo/bench/robot"
	"filo/contact"
	"filo/internal/config"
	"filo/sip"
)

// wire is a bare UDP socket that sends what no SIP stack would.
type wire struct {
	t    *testing.T
	conn net.Conn
}

func newWire(t *testing.T, server string) *wire {
	t.Helper()
	c, err := net.Dial("udp", server)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return &wire{t: t, conn: c}
}

// request fills in the lines of a sound request; edits are pairs of old and new text.
func (w *wire) request(method, contentType, body string, edits ...string) (callID, msg string) {
	callID = contact.NewToken("x", time.Now())
	local := w.conn.LocalAddr().String()
	msg = fmt.Sprintf("%[1]s sip:100@filo.local SIP/2.0\r\nVia: SIP/2.0/UDP %[2]s;branch=z9hG4bK%[3]s;rport\r\n"+
		"From: <sip:+390255501234@telco.example>;tag=a%[3]s\r\nTo: <sip:100@filo.local>\r\nCall-ID: %[3]s\r\nCSeq: 7 %[1]s\r\n"+
		"Contact: <sip:t@%[2]s>\r\nMax-Forwards: 70\r\nContent-Type: %[4]s\r\nContent-Length: %[5]d\r\n\r\n%[6]s",
		method, local, callID, contentType, len(body), body)
	for i := 0; i+1 < len(edits); i += 2 {
		require.Contains(w.t, msg, edits[i])
		msg = strings.Replace(msg, edits[i], edits[i+1], 1)
	}
	return callID, msg
}

// status sends the message and returns the code of the final response to the
// call, 0 if none comes in time.
func (w *wire) status(callID, msg string, limit time.Duration) int {
	w.t.Helper()
	_, err := w.conn.Write([]byte(msg))
	require.NoError(w.t, err)
	b := make([]byte, 64<<10)
	require.NoError(w.t, w.conn.SetReadDeadline(time.Now().Add(limit)))
	for {
		n, err := w.conn.Read(b)
		if err != nil {
			return 0
		}
		if n <= 4 { // a pong
			continue
		}
		answer := string(b[:n])
		code, convErr := strconv.Atoi(strings.TrimPrefix(answer, "SIP/2.0 ")[:3])
		if convErr != nil || code < 200 || callID != "" && !strings.Contains(answer, callID) {
			continue
		}
		w.ack(answer, msg)
		return code
	}
}

// ack ends the INVITE transaction, so that the response is not sent again.
func (w *wire) ack(answer, invite string) {
	if !strings.HasPrefix(invite, "INVITE") {
		return
	}
	lines := []string{"ACK sip:100@filo.local SIP/2.0"}
	for _, l := range strings.Split(answer, "\r\n") {
		for _, h := range []string{"Via:", "From:", "To:", "Call-ID:"} {
			if strings.HasPrefix(l, h) {
				lines = append(lines, l)
			}
		}
	}
	lines = append(lines, "CSeq: 7 ACK", "Max-Forwards: 70", "Content-Length: 0", "", "")
	_, _ = w.conn.Write([]byte(strings.Join(lines, "\r\n")))
}

// Bad input: each malformed message gets its answer, the program lives on, and
// the call in progress notices nothing.
func TestRowBadInput_MalformedSIPAndSDP(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.start()
	paola := n.ready("paola")
	c := n.known(giulia)
	o := paola.offer("voice")
	paola.accept(o)
	bothTalk(t, c.Meter, paola)

	sound := string(sdpFor("40000"))
	cases := []struct {
		name, method, contentType, body string
		edits                           []string
		want                            int
	}{
		{"SDP that is none", "INVITE", "application/sdp", "hello\r\n", nil, 400},
		{"SDP with a port that is none", "INVITE", "application/sdp", strings.Replace(sound, "40000", "4000000", 1), nil, 400},
		{"a body that is not SDP", "INVITE", "text/plain", "call me", nil, 415},
		{"no codec that we have", "INVITE", "application/sdp", strings.Replace(strings.Replace(sound, "RTP/AVP 0 101", "RTP/AVP 18", 1), "a=rtpmap:0 PCMU/8000", "a=rtpmap:18 G729/8000", 1), nil, 488},
		{"video only", "INVITE", "application/sdp", "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=video 40000 RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\n", nil, 488},
		{"no From", "INVITE", "application/sdp", sound, []string{"From: <sip:+390255501234@telco.example>;tag=", "X-From: "}, 400},
		{"no To", "INVITE", "application/sdp", sound, []string{"To: ", "X-To: "}, 400},
		{"CSeq of another method", "INVITE", "application/sdp", sound, []string{"CSeq: 7 INVITE", "CSeq: 7 OPTIONS"}, 400},
		{"another version", "INVITE", "application/sdp", sound, []string{"sip:100@filo.local SIP/2.0", "sip:100@filo.local SIP/7.0"}, 505},
		{"an extension that we do not have", "INVITE", "application/sdp", sound, []string{"Max-Forwards: 70", "Max-Forwards: 70\r\nRequire: teleport"}, 420},
		{"hops used up", "INVITE", "application/sdp", sound, []string{"Max-Forwards: 70", "Max-Forwards: 0"}, 483},
		{"BYE of nothing", "BYE", "application/sdp", "", []string{"To: <sip:100@filo.local>", "To: <sip:100@filo.local>;tag=nobody"}, 481},
		{"CANCEL of nothing", "CANCEL", "application/sdp", "", nil, 481},
		{"a method that is none", "JUMP", "text/plain", "", nil, 405},
		{"OPTIONS, which is sound", "OPTIONS", "application/sdp", "", nil, 200},
	}
	for _, k := range cases {
		raw := newWire(t, n.SIP)
		callID, msg := raw.request(k.method, k.contentType, k.body, k.edits...)
		require.Equal(t, k.want, raw.status(callID, msg, 5*time.Second), "%s:\n%s", k.name, msg)
	}
	raw := newWire(t, n.SIP)
	for _, junk := range []string{"", "\r\n\r\n", "\x00\x01\x02", "INVITE", "INVITE sip:100@filo.local SIP/2.0\r\n\r\n", "SIP/2.0 200 OK\r\n\r\n", strings.Repeat("A", 60000)} {
		_, err := raw.conn.Write([]byte(junk))
		require.NoError(t, err)
	}
	callID, msg := raw.request("OPTIONS", "application/sdp", "")
	require.Equal(t, 200, raw.status(callID, msg, 5*time.Second), "after junk")

	c.Meter.Forget(agentHz)
	paola.Line.Meter.Forget(callerHz)
	bothTalk(t, c.Meter, paola)
	require.NoError(t, c.Hangup(within(t)))
	paola.contact(o.Contact, func(c contactFrame) bool { return c.State == "wrap_up" })
	n.quiet()
}

// A stop: new calls are refused, the one in progress finishes, then the
// program ends.
func TestRowReliability_GracefulDrain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.start(with(func(c *config.Config) { c.Drain = time.Minute }))
	paola := n.ready("paola")
	c := n.known(giulia)
	o := paola.offer("voice")
	paola.accept(o)
	bothTalk(t, c.Meter, paola)

	n.signal()
	raw := newWire(t, n.SIP)
	eventually(t, "OPTIONS 503", func() bool {
		callID, msg := raw.request("OPTIONS", "application/sdp", "")
		return raw.status(callID, msg, time.Second) == 503
	})
	_, err := w.kit.Call(within(t), robot.Dial{Server: n.SIP, From: bruno.Phone, To: "100"})
	var refused *sip.StatusError
	require.True(t, errors.As(err, &refused), "%v", err)
	require.Equal(t, 503, refused.Code)
	resp, err := http.Get(n.URL + "/healthz")
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusServiceUnavailable, resp.StatusCode)

	c.Meter.Forget(agentHz)
	paola.Line.Meter.Forget(callerHz)
	bothTalk(t, c.Meter, paola)
	require.NoError(t, paola.Command(within(t), o.Contact, "hold", ""), "the desk works on")
	music(t, c.Meter)
	select {
	case <-n.done:
		t.Fatal("ended with a call in progress")
	default:
	}
	require.NoError(t, c.Hangup(within(t)))
	select {
	case <-n.done:
	case <-time.After(patience):
		t.Fatal("did not end after the last call")
	}
	require.NoError(t, n.err)
}
