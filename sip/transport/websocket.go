package transport

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
)

// Socketed describes a WebSocket that is handed over.
type Socketed struct {
	Secure bool           // WSS instead of WS
	Remote netip.AddrPort // of the HTTP connection
	Peer   any            // for Flow.Peer
}

// ServeWebSocket reads c, an accepted or dialled WebSocket with subprotocol
// "sip", from now on and owns it (RFC 7118).
func (l *Layer) ServeWebSocket(c *websocket.Conn, s Socketed) (Flow, error) {
	name := WS
	if s.Secure {
		name = WSS
	}
	c.SetReadLimit(int64(l.opts.MaxMessage))
	ctx, cancel := context.WithCancel(l.life)
	w := &webSocket{ctx: ctx, cancel: cancel, c: c, opts: &l.opts}
	k := &conn{layer: l, name: name, raddr: s.Remote, laddr: netip.AddrPort{}, attached: s.Peer, wire: w}
	err := l.admit(k, func(k *conn) {
		l.start(func() { w.keepAlive(k) })
		k.serve()
		k.end(ErrClosed)
		w.cancel()
	})
	if err != nil {
		w.close()
		return Flow{}, err
	}
	return k.flow(), nil
}

// webSocket frames each SIP message as one WebSocket message.
type webSocket struct {
	ctx    context.Context // of the connection: package websocket wants one for each read
	cancel context.CancelFunc
	c      *websocket.Conn
	opts   *Options
	rush   atomic.Int64 // writes are bounded by this many nanoseconds, when not 0
}

// read returns the next SIP message; others are dropped, keep-alives answered.
func (w *webSocket) read(c *conn) ([]byte, error) {
	for {
		_, data, err := w.c.Read(w.ctx)
		if err != nil {
			return nil, fmt.Errorf("read: %w", err)
		}
		switch {
		case len(bytes.Trim(data, crlf)) == 0:
			if string(data) == doubleCRLF {
				_ = c.send(c.raddr, []byte(crlf))
			}
		case !whole(data):
			w.opts.Observer.Dropped(DropJunk)
		default:
			return data, nil
		}
	}
}

func (w *webSocket) write(data []byte) error {
	limit := w.opts.Write
	if rush := time.Duration(w.rush.Load()); rush > 0 {
		limit = min(limit, rush)
	}
	ctx, cancel := context.WithTimeout(w.ctx, limit)
	defer cancel()
	if err := w.c.Write(ctx, websocket.MessageText, data); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

func (w *webSocket) hurry(d time.Duration) { w.rush.Store(int64(d)) }

func (w *webSocket) close() {
	w.cancel()
	_ = w.c.CloseNow()
}

// keepAlive pings until the connection ends; a peer that does not answer
// within the interval is gone.
func (w *webSocket) keepAlive(c *conn) {
	tick := time.NewTicker(w.opts.Ping)
	defer tick.Stop()
	for {
		select {
		case <-w.ctx.Done():
			return
		case <-tick.C:
			ctx, cancel := context.WithTimeout(w.ctx, w.opts.Ping)
			err := w.c.Ping(ctx)
			cancel()
			if err != nil {
				c.abort(fmt.Errorf("ping: %w", err))
				return
			}
		}
	}
}
