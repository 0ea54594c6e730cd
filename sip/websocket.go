package sip

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/coder/websocket"

	"filo/sip/transport"
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
		defer u.leave()
		c, err := websocket.Accept(w, r, &websocket.AcceptOptions{
			Subprotocols: []string{"sip"}, InsecureSkipVerify: true, // checked above, exactly
			CompressionMode: websocket.CompressionDisabled,
		})
		if err != nil {
			return // Accept has answered
		}
		secure := r.TLS != nil || strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https")
		_, err = u.tp.ServeWebSocket(c, transport.Socketed{
			Secure: secure, Remote: addrPortOf(r.RemoteAddr), Peer: &webSession{user: user},
		})
		if err != nil {
			u.log.Debug("websocket not served", "err", err)
		}
	})
}

// webSession is what is known about the peer of a WebSocket.
type webSession struct {
	user string // authorised by the HTTP session; "" lets digest decide
	ours bool   // we opened it, so the peer is the server that we chose
}

// sessionOf is the session of a flow; nil when it is no WebSocket.
func sessionOf(f transport.Flow) *webSession {
	s, _ := f.Peer().(*webSession)
	return s
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
	f, err := u.tp.ServeWebSocket(c, transport.Socketed{
		Secure: strings.HasPrefix(rawURL, "wss:") || strings.HasPrefix(rawURL, "https:"), Peer: &webSession{ours: true},
	})
	if err != nil {
		return "", fmt.Errorf("connect: %w", err)
	}
	return u.dialled.add(f), nil
}

// DisconnectWS closes a connection that ConnectWS made.
func (u *UA) DisconnectWS(name string) {
	if f, ok := u.dialled.get(name); ok {
		f.Close()
	}
}

// webSockets are the connections that ConnectWS made, by name. The zero value
// is ready.
type webSockets struct {
	mu  sync.Mutex
	m   map[string]transport.Flow
	seq uint64
}

func (t *webSockets) add(f transport.Flow) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.m == nil {
		t.m = make(map[string]transport.Flow)
	}
	t.seq++
	name := "ws" + strconv.FormatUint(t.seq, 10)
	t.m[name] = f
	return name
}

// get finds a connection that still stands.
func (t *webSockets) get(name string) (transport.Flow, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f, ok := t.m[name]
	return f, ok && f.Alive()
}

func (t *webSockets) remove(gone transport.Flow) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for name, f := range t.m {
		if f == gone {
			delete(t.m, name)
		}
	}
}
