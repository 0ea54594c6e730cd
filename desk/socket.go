package desk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// Close codes of the event socket, beside the protocol's own.
const (
	closeSignedOut websocket.StatusCode = 4401 // the session is over: sign in again
	closeSlow      websocket.StatusCode = 4408 // the client did not read: come back with after
	closeHello     websocket.StatusCode = 4400 // no hello, or a wrong one
)

// maxClientFrame bounds what a client may send in one frame.
const maxClientFrame = 4 << 10

// socket is one event socket, from the seat's side: a bounded queue.
type socket struct {
	session *session
	out     chan frame
	pong    chan struct{} // capacity 1: answer a client's ping

	once sync.Once
	gone chan struct{} // closed when the socket shall close; code and text are set before
	code websocket.StatusCode
	text string
}

func newSocket(s *session, queue int) *socket {
	return &socket{session: s, out: make(chan frame, queue), pong: make(chan struct{}, 1), gone: make(chan struct{})}
}

// offer queues a frame. When the queue is full the client is too slow: the
// socket closes, and false says to forget it.
func (s *socket) offer(f frame) bool {
	select {
	case s.out <- f:
		return true
	default:
		s.close(closeSlow, "too slow")
		return false
	}
}

// close asks the socket to end; the first reason counts.
func (s *socket) close(code websocket.StatusCode, text string) {
	s.once.Do(func() {
		s.code, s.text = code, text
		close(s.gone)
	})
}

// hello is the first frame of a client.
type hello struct {
	Type  string `json:"type"`
	CSRF  string `json:"csrf"`
	After uint64 `json:"after"`
}

var errHello = errors.New("first frame must be a hello")

// parseHello reads the first frame of a client.
func parseHello(b []byte) (hello, error) {
	var h hello
	if len(b) > maxClientFrame {
		return hello{}, fmt.Errorf("%w: %d bytes", errHello, len(b))
	}
	if err := json.Unmarshal(b, &h); err != nil {
		return hello{}, fmt.Errorf("%w: %w", errHello, err)
	}
	if h.Type != "hello" || h.CSRF == "" {
		return hello{}, errHello
	}
	return h, nil
}

// turnAway tells a browser whose session is over, in the only way in which a
// page can hear it: the socket opens and closes with a code. Of a refused
// handshake the page learns nothing, and would try again for ever.
func (d *Desk) turnAway(w http.ResponseWriter, r *http.Request) {
	d.metrics.refused.WithLabelValues("no_session").Inc()
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true})
	if err != nil {
		return // Accept has answered
	}
	conn.SetReadLimit(maxClientFrame)
	_ = conn.Close(closeSignedOut, "sign in")
}

// events serves GET /api/events.
func (d *Desk) events(w http.ResponseWriter, r *http.Request, s *session) {
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		InsecureSkipVerify: true, // the guard has checked the origin, by our own list
	})
	if err != nil {
		return // Accept has answered
	}
	conn.SetReadLimit(maxClientFrame)
	defer func() { _ = conn.CloseNow() }()
	h, err := d.readHello(r.Context(), conn)
	if err != nil {
		_ = conn.Close(closeHello, "hello expected")
		return
	}
	if !s.checkCSRF(h.CSRF) { // a page from before another sign-in
		_ = conn.Close(closeSignedOut, "sign in again")
		return
	}
	d.sessions.socket(s, 1)
	defer d.sessions.socket(s, -1)
	sock := newSocket(s, d.cfg.Socket.Queue)
	seat, backlog, err := d.attach(r.Context(), sock, h.After)
	if err != nil {
		_ = conn.Close(websocket.StatusTryAgainLater, "stopping")
		return
	}
	// The client's connection is what ends this; the seat must hear of it even then.
	defer seat.detach(context.WithoutCancel(r.Context()), sock)
	d.serveSocket(r.Context(), conn, sock, seat, backlog)
}

func (d *Desk) readHello(ctx context.Context, conn *websocket.Conn) (hello, error) {
	ctx, cancel := context.WithTimeout(ctx, d.cfg.Socket.Hello)
	defer cancel()
	kind, b, err := conn.Read(ctx)
	if err != nil {
		return hello{}, fmt.Errorf("read hello: %w", err)
	}
	if kind != websocket.MessageText {
		return hello{}, errHello
	}
	return parseHello(b)
}

// attach joins a socket to its user's seat. A seat may end just then, because
// the last socket was gone for too long: then a new one starts.
func (d *Desk) attach(ctx context.Context, sock *socket, after uint64) (*seat, []frame, error) {
	for {
		seat, err := d.seatFor(ctx, sock.session.user)
		if err != nil {
			return nil, nil, err
		}
		backlog, err := seat.attach(ctx, sock, after)
		if err == nil {
			return seat, backlog, nil
		}
		select {
		case <-d.stopped:
			return nil, nil, ErrStopped
		default:
		}
		if ctx.Err() != nil || !errors.Is(err, ErrStopped) {
			return nil, nil, err
		}
	}
}

// serveSocket moves frames until one side has enough. Reading happens beside,
// and is joined.
func (d *Desk) serveSocket(ctx context.Context, conn *websocket.Conn, sock *socket, seat *seat, backlog []frame) {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer func() { _ = conn.CloseNow() }() // ends the reader
	defer cancel()
	wg.Go(func() {
		if !readSocket(ctx, conn, sock) {
			cancel()
		}
	})
	var sent uint64 // number of the last frame
	for _, f := range backlog {
		if d.write(ctx, conn, f.data) != nil {
			return
		}
		sent = f.seq
	}
	ping := time.NewTicker(d.cfg.Socket.Ping)
	defer ping.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-sock.gone:
			_ = conn.Close(sock.code, sock.text)
			return
		case <-seat.done:
			_ = conn.Close(websocket.StatusGoingAway, "stopping")
			return
		case f := <-sock.out:
			if d.write(ctx, conn, f.data) != nil {
				return
			}
			sent = f.seq
		case <-sock.pong:
			if d.pong(ctx, conn, sent) != nil {
				return
			}
		case <-ping.C:
			if d.ping(ctx, conn) != nil {
				return
			}
		}
	}
}

func (d *Desk) write(ctx context.Context, conn *websocket.Conn, b []byte) error {
	ctx, cancel := context.WithTimeout(ctx, d.cfg.Socket.Write)
	defer cancel()
	return conn.Write(ctx, websocket.MessageText, b) //nolint:wrapcheck // only tells whether to go on
}

// pong answers a client's ping; its number is that of the frame before it.
func (d *Desk) pong(ctx context.Context, conn *websocket.Conn, seq uint64) error {
	b, err := encodeFrame(seq, framePong, nil)
	if err != nil {
		return err
	}
	return d.write(ctx, conn, b)
}

func (d *Desk) ping(ctx context.Context, conn *websocket.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, d.cfg.Socket.Pong)
	defer cancel()
	return conn.Ping(ctx) //nolint:wrapcheck // only tells whether to go on
}

// readSocket reads what the client says after its hello, which is only pings,
// until it says something else, for which the socket is closed, or leaves.
func readSocket(ctx context.Context, conn *websocket.Conn, sock *socket) (closed bool) {
	for {
		kind, b, err := conn.Read(ctx)
		if err != nil {
			return false
		}
		var f struct {
			Type string `json:"type"`
		}
		if kind != websocket.MessageText || json.Unmarshal(b, &f) != nil || f.Type != "ping" {
			sock.close(websocket.StatusPolicyViolation, "only pings")
			return true
		}
		select {
		case sock.pong <- struct{}{}:
		default: // one is on its way
		}
	}
}
