package sip

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	gosip "github.com/emiago/sipgo/sip"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"filo/sip/dialog"
	"filo/sip/transaction"
	"filo/sip/transport"
)

// webServer serves u's WebSocket; the cookie "user" is the session.
func webServer(t *testing.T, u *UA, origins ...string) (wsURL string) {
	t.Helper()
	s := httptest.NewServer(u.WebSocket(func(r *http.Request) (string, error) {
		c, err := r.Cookie("user")
		if err != nil {
			return "", ErrForbidden
		}
		return c.Value, nil
	}, origins))
	t.Cleanup(s.Close)
	return "ws" + strings.TrimPrefix(s.URL, "http") + "/sip"
}

func session(user string) http.Header { return http.Header{"Cookie": {"user=" + user}} }

func TestWebSocketCalls(t *testing.T) {
	legs, h := collector()
	server := run(t, testConfig(), passwords{}, h)
	url := webServer(t, server)
	browserLegs := make(chan *Leg, 1)
	browser := run(t, testConfig(), nil, answerer(t, browserLegs))
	ctx := timeout(t)

	flow, err := browser.ConnectWS(ctx, url, session("anna"))
	require.NoError(t, err)
	_, err = browser.Register(ctx, Registration{Registrar: flow, Transport: "WS", User: "anna", Instance: "<urn:uuid:anna>"})
	require.NoError(t, err, "the session is enough, no password")
	require.Equal(t, 1, server.Bindings("anna"))

	// server -> browser
	out, err := server.Invite(ctx, Target{User: "anna"}, InviteOptions{From: "+39055", SDP: sdp("server")})
	require.NoError(t, err)
	in := <-browserLegs
	require.Equal(t, "anna", in.Info().Called)
	require.Equal(t, "WS", in.Info().Transport)
	require.NoError(t, in.Hangup(ctx, Hangup{}))
	ended(t, out, ErrRemoteHangup)

	// browser -> server: the agent's line
	go func() {
		l := <-legs
		assert.NoError(t, l.Answer(ctx, sdp("server")))
		legs <- l
	}()
	line, err := browser.Invite(ctx, Target{URI: "sip:line@filo", Destination: flow, Transport: "WS"}, InviteOptions{From: "anna", SDP: sdp("browser")})
	require.NoError(t, err)
	at := <-legs
	require.Equal(t, "anna", at.Info().User)
	require.Equal(t, "WS", at.Info().Transport)

	// another user's REGISTER and INVITE on this connection
	_, err = browser.Register(ctx, Registration{Registrar: flow, Transport: "WS", User: "bob"})
	require.Equal(t, 403, StatusOf(err))
	_, err = browser.Invite(ctx, Target{URI: "sip:x@filo", Destination: flow, Transport: "WS"}, InviteOptions{From: "bob"})
	require.Equal(t, 403, StatusOf(err))

	// the browser reconnects: the binding goes with the old connection, the
	// dialog lives on over the new one
	browser.DisconnectWS(flow)
	require.Eventually(t, func() bool { return server.Bindings("anna") == 0 }, 2*time.Second, time.Millisecond)
	require.NoError(t, at.Cause())
	flow2, err := browser.ConnectWS(ctx, url, session("anna"))
	require.NoError(t, err)
	_, err = browser.Register(ctx, Registration{Registrar: flow2, Transport: "WS", User: "anna", Instance: "<urn:uuid:anna>"})
	require.NoError(t, err)
	require.Equal(t, 1, server.Bindings("anna"))
	answer := make(chan struct{})
	line.OnReoffer(func([]byte) ([]byte, error) { close(answer); return sdp("again"), nil })
	got, err := at.Reinvite(ctx, sdp("moved"))
	require.NoError(t, err)
	<-answer
	require.Contains(t, string(got), "again")
	require.NoError(t, at.Hangup(ctx, Hangup{}))
	ended(t, line, ErrRemoteHangup)
}

func TestWebSocketGoneIsNotDialled(t *testing.T) {
	server := run(t, testConfig(), nil, nil)
	url := webServer(t, server)
	browser := run(t, testConfig(), nil, nil)
	ctx := timeout(t)
	flow, err := browser.ConnectWS(ctx, url, session("anna"))
	require.NoError(t, err)
	browser.DisconnectWS(flow)
	_, err = browser.Invite(ctx, Target{URI: "sip:x@filo", Destination: flow, Transport: "WS"}, InviteOptions{})
	require.ErrorIs(t, err, ErrFlowGone)
}

func TestWebSocketDoor(t *testing.T) {
	u := run(t, testConfig(), nil, nil)
	url := webServer(t, u, "https://desk.example")
	dial := func(h http.Header, protocols ...string) int {
		c, res, err := websocket.Dial(timeout(t), url, &websocket.DialOptions{HTTPHeader: h, Subprotocols: protocols})
		if err == nil {
			_ = c.CloseNow()
		}
		return res.StatusCode
	}
	with := func(origin string) http.Header {
		h := session("anna")
		h.Set("Origin", origin)
		return h
	}
	require.Equal(t, 101, dial(with("https://desk.example"), "sip"))
	require.Equal(t, 101, dial(session("anna"), "sip"), "robots send no Origin")
	require.Equal(t, 403, dial(with("https://evil.example"), "sip"))
	require.Equal(t, 403, dial(with("http://desk.example"), "sip"), "the scheme counts")
	require.Equal(t, 403, dial(with("https://desk.example.evil.com"), "sip"))
	require.Equal(t, 403, dial(nil, "sip"), "no session")
	require.Equal(t, 400, dial(session("anna")), "no subprotocol")
}

func options(n int) string {
	return fmt.Sprintf("OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/WS a.invalid;branch=z9hG4bK%d\r\nMax-Forwards: 70\r\nFrom: <sip:a@b>;tag=1\r\n"+
		"To: <sip:b@b>\r\nCall-ID: q%d\r\nCSeq: 1 OPTIONS\r\n", n, n)
}

func TestWebSocketJunk(t *testing.T) {
	cfg := testConfig()
	cfg.MaxMessage = 4000
	u := run(t, cfg, nil, nil)
	url := webServer(t, u)
	idle, err := net.Dial("tcp", strings.TrimSuffix(strings.TrimPrefix(url, "ws://"), "/sip"))
	require.NoError(t, err)
	defer func() { _ = idle.Close() }()
	c, _, err := websocket.Dial(timeout(t), url, &websocket.DialOptions{HTTPHeader: session("a"), Subprotocols: []string{"sip"}})
	require.NoError(t, err)
	defer func() { _ = c.CloseNow() }()
	ctx := timeout(t)
	write := func(kind websocket.MessageType, msg string) { require.NoError(t, c.Write(ctx, kind, []byte(msg))) }
	status := func() string {
		_, b, readErr := c.Read(ctx)
		require.NoError(t, readErr)
		line, _, _ := strings.Cut(string(b), "\r\n")
		return line
	}
	for _, junk := range []string{
		"garbage", "garbage\r\n\r\n", "INVITE\r\n\r\n", "SIP/2.0 200 OK\r\nVia: \r\n\r\n",
		options(1) + "Content-Length: 7\r\n\r\n", options(1) + "Content-Length: 0\r\nl: 0\r\n\r\n", "\x00\x01",
	} {
		write(websocket.MessageText, junk)
	}
	write(websocket.MessageText, options(2)+"Content-Length: 0\r\n\r\n")
	require.Equal(t, "SIP/2.0 200 OK", status(), "junk is dropped, the connection lives")
	write(websocket.MessageText, options(3)+"\r\n")
	require.Equal(t, "SIP/2.0 200 OK", status(), "Content-Length is not needed here")
	write(websocket.MessageBinary, options(4)+"Content-Length: 0\r\n\r\n")
	require.Equal(t, "SIP/2.0 200 OK", status(), "binary frames are allowed (RFC 7118)")
	w, err := c.Writer(ctx, websocket.MessageText) // fragmented
	require.NoError(t, err)
	for _, part := range []string{options(5), "Content-Length: 0\r\n", "\r\n"} {
		_, err = w.Write([]byte(part))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	require.Equal(t, "SIP/2.0 200 OK", status())
	write(websocket.MessageText, "\r\n\r\n")
	require.Empty(t, status(), "keep-alive: CRLF comes back")
	write(websocket.MessageText, options(6)+"X: "+strings.Repeat("x", 5000)+"\r\n\r\n")
	_, _, err = c.Read(ctx)
	require.Equal(t, websocket.StatusMessageTooBig, websocket.CloseStatus(err))
}

// A message as JsSIP 3.13 sends it: .invalid everywhere, outbound and gruu.
func TestJsSIPRegister(t *testing.T) {
	u := run(t, testConfig(), passwords{"anna": "pw"}, nil)
	url := webServer(t, u)
	ctx := timeout(t)
	dial := func(user string) *websocket.Conn {
		c, _, err := websocket.Dial(ctx, url, &websocket.DialOptions{HTTPHeader: session(user), Subprotocols: []string{"sip"}})
		require.NoError(t, err)
		t.Cleanup(func() { _ = c.CloseNow() })
		return c
	}
	register := func(c *websocket.Conn, n int, auth string) *gosip.Response {
		msg := fmt.Sprintf("REGISTER sip:filo.local SIP/2.0\r\nVia: SIP/2.0/WS 7dk0ia1t3ru6.invalid;branch=z9hG4bK%d\r\nMax-Forwards: 69\r\n"+
			"To: <sip:anna@filo.local>\r\nFrom: \"Anna\" <sip:anna@filo.local>;tag=k1\r\nCall-ID: js1\r\nCSeq: %d REGISTER\r\n%s"+
			"Contact: <sip:x7k@7dk0ia1t3ru6.invalid;transport=ws>;+sip.ice;reg-id=1;+sip.instance=\"<urn:uuid:d3ad>\";expires=600\r\n"+
			"Expires: 600\r\nAllow: INVITE,ACK,CANCEL,BYE,UPDATE,MESSAGE,OPTIONS,REFER,INFO,NOTIFY\r\nSupported: path,gruu,outbound\r\n"+
			"User-Agent: JsSIP 3.13.0\r\nContent-Length: 0\r\n\r\n", n, n, auth)
		require.NoError(t, c.Write(ctx, websocket.MessageText, []byte(msg)))
		_, b, err := c.Read(ctx)
		require.NoError(t, err)
		m, err := gosip.ParseMessage(b)
		require.NoError(t, err)
		return m.(*gosip.Response)
	}
	first := dial("anna")
	res := register(first, 1, "")
	require.Equal(t, 200, res.StatusCode)
	require.Contains(t, res.GetHeader("Contact").Value(), `+sip.instance="<urn:uuid:d3ad>"`)
	second := dial("anna") // reload: the new connection comes before the old one goes
	require.Equal(t, 200, register(second, 2, "").StatusCode)
	require.Equal(t, 1, u.Bindings("anna"))
	require.NoError(t, first.CloseNow())
	require.Never(t, func() bool { return u.Bindings("anna") != 1 }, 50*time.Millisecond, 5*time.Millisecond)

	open := dial("") // no user in the session: digest decides
	res = register(open, 3, "")
	require.Equal(t, 401, res.StatusCode)
	require.Len(t, res.GetHeaders("WWW-Authenticate"), 1, "JsSIP reads one challenge")
	_, value, err := answerChallenge(res, "REGISTER", "sip:filo.local", "anna", "pw")
	require.NoError(t, err)
	require.Equal(t, 200, register(open, 4, "Authorization: "+value+"\r\n").StatusCode)
}

func FuzzRequest(f *testing.F) {
	f.Add([]byte("INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKx\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:b@b>\r\nCall-ID: q\r\nCSeq: 1 INVITE\r\n" +
		"Contact: <sip:a@h>\r\nP-Asserted-Identity: \"A, B\" <tel:+39;verstat=TN-Validation-Passed-A>, <sip:x@y>\r\nPrivacy: id\r\nIdentity: a.e30.b;info=<x>\r\nContent-Length: 0\r\n\r\n"))
	f.Add([]byte(options(1) + "Content-Length: 0\r\n\r\n"))
	f.Add([]byte("INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKx\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:b@b>\r\nCall-ID: q\r\nCSeq: 1 INVITE\r\n" +
		"Contact: <sip:a@h>\r\nDiversion: <sip:06%20@t>;reason=x, <tel:+39>\r\nHistory-Info: <sip:+39@t?Privacy=history>;index=1, <sip:b@b>;index=1.1\r\nContent-Length: 0\r\n\r\n"))
	u, err := New(testConfig(), Deps{})
	require.NoError(f, err)
	u.life = f.Context()
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := gosip.ParseMessage(data)
		if err != nil {
			return
		}
		req, ok := m.(*gosip.Request)
		if !ok || checkRequest(req).code != 0 {
			return
		}
		info := u.inboundInfo(req, hop{network: "TCP", addr: "127.0.0.1:5060"}, caller{trunk: u.trunks.Load().table.Trunks()[0]}, time.Time{})
		for _, s := range []string{info.From, info.Called, info.To, info.Original} {
			if strings.ContainsAny(s, "\r\n") {
				t.Fatalf("line break in %q", s)
			}
		}
		_ = checkSDP(req)
		_, _ = infoDigit(mediaType(req), req.Body())
		bindings, _ := u.contactsOf(req, transport.Flow{}, "x")
		for _, b := range bindings {
			if !b.contact.Wildcard && strings.ContainsAny(b.contact.String(), "\r\n") {
				t.Fatalf("line break in %q", b.contact.String())
			}
		}
		_ = transaction.NewResponse(req, 200, "OK", u.toTag(req)).String()
		_ = nextHop(req.Recipient, nil, mustAddrPort("127.0.0.1:1"))
		fuzzDialog(t, u, req)
	})
}

// fuzzDialog reads a request as a leg does, and writes what it makes of it.
func fuzzDialog(t *testing.T, u *UA, req *gosip.Request) {
	l := &Leg{u: u}
	r := dialog.Request{Method: dialog.Method(req.Method), RAck: readRAck(valueOf(req, "RAck"))}
	r.Routes = readRoutes(req)
	l.readSession(&r, req)
	readNotify(&r, req)
	for _, route := range r.Routes {
		_ = l.uri(route.URI)
	}
	target := l.uri(r.Contact)
	transfer := l.readTransfer(req)
	for _, s := range []string{transfer.To, transfer.ReplacesOther, transfer.ReferredBy, target.String()} {
		if strings.ContainsAny(s, "\r\n") {
			t.Fatalf("line break in %q", s)
		}
	}
	_, _ = u.replaced(req)
}
