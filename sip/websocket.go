package sip

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
	gosip "github.com/emiago/sipgo/sip"
)

// WebSocket is the handler of SIP over WebSocket (RFC 7118). authorize returns
// the user whose session this is: REGISTER and INVITE of another user are 403
// then. User "" means that digest decides. Any error of authorize is 403.
// origins are the exact origins allowed, e.g. "https://desk.example.com"; none
// means the page's own host. Clients that are no browsers send no Origin.
func (u *UA) WebSocket(authorize func(*http.Request) (user string, err error), origins []string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !originAllowed(r, origins) {
			u.met.reject(rejectOrigin)
			http.Error(w, "origin not allowed", http.StatusForbidden)
			return
		}
		user, err := authorize(r)
		if err != nil {
			u.met.reject(rejectForbidden)
			http.Error(w, "not signed in", http.StatusForbidden)
			return
		}
		if !offersSIP(r) {
			http.Error(w, "subprotocol sip required", http.StatusBadRequest)
			return
		}
		if !u.enter() {
			http.Error(w, "not serving", http.StatusServiceUnavailable)
			return
		}
		u.leave()
		c, err := websocket.Accept(w, r, &websocket.AcceptOptions{
			Subprotocols: []string{"sip"}, InsecureSkipVerify: true, // checked above, exactly
			CompressionMode: websocket.CompressionDisabled,
		})
		if err != nil {
			return // Accept has answered
		}
		via := "WS"
		if r.TLS != nil || strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https") {
			via = "WSS"
		}
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		u.serveSocket(ctx, c, &flow{via: via, source: r.RemoteAddr, user: user})
	})
}

func originAllowed(r *http.Request, origins []string) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	if len(origins) > 0 {
		return slices.Contains(origins, origin)
	}
	at, err := url.Parse(origin)
	return err == nil && at.Host == r.Host
}

func offersSIP(r *http.Request) bool {
	for _, h := range r.Header.Values("Sec-WebSocket-Protocol") {
		for p := range strings.SplitSeq(h, ",") {
			if strings.EqualFold(strings.TrimSpace(p), "sip") {
				return true
			}
		}
	}
	return false
}

// ConnectWS dials a SIP over WebSocket server and returns the connection's
// name, for Target.Destination and Registration.Registrar with Transport "WS".
// Calls that come by it are accepted: we chose the server. header may carry a
// cookie. The connection lasts until either side or the UA closes it.
func (u *UA) ConnectWS(ctx context.Context, rawURL string, header http.Header) (string, error) {
	if !u.enter() {
		return "", ErrNotServing
	}
	defer u.leave()
	c, res, err := websocket.Dial(ctx, rawURL, &websocket.DialOptions{
		HTTPHeader: header, Subprotocols: []string{"sip"}, CompressionMode: websocket.CompressionDisabled,
	})
	if err != nil {
		if res != nil && res.StatusCode != http.StatusSwitchingProtocols {
			return "", fmt.Errorf("connect: %w", &StatusError{Code: res.StatusCode, Reason: "WebSocket refused"})
		}
		return "", fmt.Errorf("connect: %w", err)
	}
	via := "WS"
	if strings.HasPrefix(rawURL, "wss:") || strings.HasPrefix(rawURL, "https:") {
		via = "WSS"
	}
	at, _ := url.Parse(rawURL)
	f := &flow{via: via, source: at.Host, ours: true}
	life, cancel := context.WithCancel(u.life)
	conn := u.newSocketConn(life, c, f)
	if err := u.sockets.deliver(ctx, conn); err != nil {
		cancel()
		_ = conn.Close()
		return "", err
	}
	u.wg.Go(func() {
		defer cancel()
		conn.keepAlive(life, u.cfg.WebSocketPing)
	})
	select {
	case <-conn.inUse:
	case <-conn.closed:
		return "", ErrFlowGone
	case <-ctx.Done():
		_ = conn.Close()
		return "", fmt.Errorf("connect: %w", context.Cause(ctx))
	}
	return f.key, nil
}

// DisconnectWS closes a connection that ConnectWS made.
func (u *UA) DisconnectWS(name string) {
	if f := u.flows.get(name); f != nil {
		f.close()
	}
}

// serveSocket runs an accepted WebSocket to its end.
func (u *UA) serveSocket(ctx context.Context, c *websocket.Conn, f *flow) {
	conn := u.newSocketConn(ctx, c, f)
	if err := u.sockets.deliver(ctx, conn); err != nil {
		_ = conn.Close()
		return
	}
	conn.keepAlive(ctx, u.cfg.WebSocketPing)
}

// socketConn is a WebSocket as a net.Conn for sipgo's stream transport: each
// SIP message is one text message on the wire, and Content-Length frames it in
// the stream. sipgo's own WebSocket server is not used: one client that stays
// silent blocks its accept loop, pings stay unanswered, and fragments are lost.
type socketConn struct {
	ctx    context.Context // of the connection: net.Conn has nowhere else to take it from
	c      *websocket.Conn
	u      *UA
	flow   *flow
	local  net.Addr
	remote net.Addr
	rest   []byte
	closed chan struct{}
	once   sync.Once
	// inUse is closed by the first Read: sipgo puts a connection into its pool
	// just before, and dials anew for a request that comes earlier.
	inUse chan struct{}
	first sync.Once
}

func (u *UA) newSocketConn(ctx context.Context, c *websocket.Conn, f *flow) *socketConn {
	n := u.sockets.seq.Add(1)
	remote, local := socketAddr(n), socketAddr(n)
	local.Port = 2
	s := &socketConn{ctx: ctx, c: c, u: u, flow: f, remote: remote, local: local, closed: make(chan struct{}), inUse: make(chan struct{})}
	c.SetReadLimit(int64(u.cfg.MaxMessage))
	f.key = remote.String()
	f.close = func() { _ = s.Close() }
	u.flows.add(f)
	u.met.sockets.Inc()
	return s
}

// Read gives the bytes of the next SIP message; other messages are dropped.
func (s *socketConn) Read(b []byte) (int, error) {
	s.first.Do(func() { close(s.inUse) })
	for len(s.rest) == 0 {
		_, data, err := s.c.Read(s.ctx)
		if err != nil {
			return 0, errors.Join(net.ErrClosed, err)
		}
		if len(bytes.Trim(data, "\r\n")) == 0 { // RFC 5626 section 3.5.1: ping, pong
			if len(data) == 4 {
				if _, err = s.Write([]byte("\r\n")); err != nil {
					return 0, err
				}
			}
			continue
		}
		framed, ok := frame(data)
		if ok {
			_, err = gosip.ParseMessage(framed)
		}
		if !ok || err != nil {
			s.u.met.reject(rejectJunk)
			continue
		}
		s.rest = framed
	}
	n := copy(b, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

// Write sends one SIP message.
func (s *socketConn) Write(b []byte) (int, error) {
	ctx, cancel := context.WithTimeout(s.ctx, streamTimeout)
	defer cancel()
	if err := s.c.Write(ctx, websocket.MessageText, b); err != nil {
		return 0, errors.Join(net.ErrClosed, err)
	}
	return len(b), nil
}

// Close ends the connection at once. It may be called more than once.
func (s *socketConn) Close() error {
	s.once.Do(func() {
		close(s.closed)
		_ = s.c.CloseNow()
		s.u.flows.remove(s.flow)
		s.u.met.sockets.Dec()
	})
	return nil
}

// keepAlive pings until the connection ends; a peer that does not answer within
// the interval is gone.
func (s *socketConn) keepAlive(ctx context.Context, every time.Duration) {
	defer func() { _ = s.Close() }()
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-s.closed:
			return
		case <-ctx.Done():
			return
		case <-tick.C:
			pctx, cancel := context.WithTimeout(ctx, every)
			err := s.c.Ping(pctx)
			cancel()
			if err != nil {
				return
			}
		}
	}
}

func (s *socketConn) LocalAddr() net.Addr              { return s.local }
func (s *socketConn) RemoteAddr() net.Addr             { return s.remote }
func (s *socketConn) SetDeadline(time.Time) error      { return nil } // Write has its own bound
func (s *socketConn) SetReadDeadline(time.Time) error  { return nil }
func (s *socketConn) SetWriteDeadline(time.Time) error { return nil }

// frame makes a message that arrived whole fit for a stream: its
// Content-Length must be there, once, and be true.
func frame(data []byte) ([]byte, bool) {
	if !looksLikeSIP(data) {
		return nil, false
	}
	head, body, ok := bytes.Cut(data, []byte("\r\n\r\n"))
	if !ok {
		return nil, false
	}
	found := 0
	for line := range bytes.SplitSeq(head, []byte("\r\n")) {
		name, value, ok := bytes.Cut(line, []byte(":"))
		if !ok {
			continue
		}
		name = bytes.TrimSpace(name)
		if !bytes.EqualFold(name, []byte("Content-Length")) && !bytes.EqualFold(name, []byte("l")) {
			continue
		}
		n, err := strconv.Atoi(string(bytes.TrimSpace(value)))
		if err != nil || n != len(body) {
			return nil, false
		}
		found++
	}
	switch found {
	case 1:
		return data, true
	case 0:
		out := make([]byte, 0, len(data)+32)
		out = append(out, head...)
		out = append(out, "\r\nContent-Length: "+strconv.Itoa(len(body))+"\r\n\r\n"...)
		return append(out, body...), true
	}
	return nil, false
}

// socketListener hands WebSockets to sipgo as if it had accepted them.
type socketListener struct {
	flows *flowTable
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
	seq   atomic.Uint64
}

func newSocketListener(flows *flowTable) *socketListener {
	return &socketListener{flows: flows, conns: make(chan net.Conn), done: make(chan struct{})}
}

func (l *socketListener) deliver(ctx context.Context, c net.Conn) error {
	select {
	case l.conns <- c:
		return nil
	case <-l.done:
		return ErrNotServing
	case <-ctx.Done():
		return fmt.Errorf("connect: %w", context.Cause(ctx))
	}
}

// Accept waits for the next WebSocket.
func (l *socketListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

// Close stops Accept.
func (l *socketListener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

// Addr is made up: nobody can dial it.
func (l *socketListener) Addr() net.Addr { return socketAddr(0) }
