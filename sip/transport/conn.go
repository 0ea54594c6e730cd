package transport

import (
	"errors"
	"net/netip"
	"sync"
	"time"
)

// farewell is how long a connection that is closed may take to write what was
// sent before.
const farewell = time.Second

// conn is a connection of any kind: its reader is a goroutine of the layer,
// and a writer runs only while something is queued.
type conn struct {
	layer    *Layer
	name     string // network
	raddr    netip.AddrPort
	at       address // where it leads, in the layer's table
	attached any
	origin   netip.Addr // counted per source; invalid when we dialled

	mu      sync.Mutex
	laddr   netip.AddrPort
	wire    wire // nil while it is being dialled
	queue   [][]byte
	queued  int // bytes in queue
	writing bool
	why     error // not nil: closed
}

// wire is the framing of a connection. read is called by one goroutine, write
// by one goroutine, close by anybody.
type wire interface {
	// read returns the next message; it is good until the next read. Together
	// with an error it may return what could not be framed.
	read(c *conn) ([]byte, error)
	write(data []byte) error
	// hurry bounds the write that is going on.
	hurry(d time.Duration)
	close()
}

func (c *conn) network() string { return c.name }
func (c *conn) peer() any       { return c.attached }
func (c *conn) flow() Flow      { return Flow{link: c, remote: c.raddr} }

func (c *conn) local() netip.AddrPort {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.laddr
}

func (c *conn) alive() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.why == nil
}

// send queues a copy of data.
func (c *conn) send(_ netip.AddrPort, data []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.why != nil {
		return errors.Join(ErrClosed, c.why)
	}
	if c.queued+len(data) > c.layer.opts.MaxQueue {
		c.layer.opts.Observer.Dropped(DropSlow)
		return ErrQueueFull
	}
	c.queue = append(c.queue, append([]byte(nil), data...))
	c.queued += len(data)
	c.startWriter()
	return nil
}

// startWriter runs with the lock held.
func (c *conn) startWriter() {
	if c.wire == nil || c.writing || len(c.queue) == 0 {
		return
	}
	c.writing = c.layer.startWriter(c.drain)
}

// drain writes until the queue is empty.
func (c *conn) drain() {
	for {
		c.mu.Lock()
		batch := c.queue
		c.queue, c.queued = nil, 0
		if len(batch) == 0 {
			c.writing = false
			if c.why != nil {
				c.wire.close()
			}
			c.mu.Unlock()
			return
		}
		c.mu.Unlock()
		for _, data := range batch {
			c.layer.tap(false, c.flow(), data)
			if err := c.wire.write(data); err != nil {
				c.abort(err)
				return
			}
		}
	}
}

// open gives a connection its wire; false when it was closed meanwhile.
func (c *conn) open(w wire, local netip.AddrPort) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.why != nil && len(c.queue) == 0 {
		w.close()
		return false
	}
	c.wire, c.laddr = w, local
	c.startWriter()
	if c.why != nil {
		w.hurry(farewell)
	}
	return true
}

// close lets the writer finish, within bounds, and then ends the connection.
func (c *conn) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.why != nil {
		return
	}
	c.why = ErrClosed
	switch {
	case c.wire == nil: // being dialled
	case c.writing:
		c.wire.hurry(farewell)
	default:
		c.wire.close()
	}
}

// abort ends the connection at once.
func (c *conn) abort(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.why == nil {
		c.why = err
	}
	c.queue, c.queued = nil, 0
	if c.wire != nil {
		c.wire.close()
	}
}

// serve reads until the end of the connection.
func (c *conn) serve() {
	for {
		data, err := c.wire.read(c)
		if err != nil {
			c.broken(data, err)
			return
		}
		if f := c.flow(); c.layer.pass(f, data, 0) {
			c.layer.receive(f, data, time.Now())
		}
	}
}

// broken ends a connection that cannot be read on.
func (c *conn) broken(data []byte, err error) {
	drop, code, reason := "", 0, ""
	switch {
	case errors.Is(err, ErrTooLarge):
		drop, code, reason = DropSize, 513, "Message Too Large"
	case errors.Is(err, errFraming):
		drop, code, reason = DropMalformed, 400, "Bad Content-Length"
	case errors.Is(err, ErrIdle):
		drop = DropSlow
	}
	if drop == "" {
		c.abort(err)
		return
	}
	c.layer.opts.Observer.Dropped(drop)
	if code != 0 {
		c.layer.refuse(c.flow(), data, code, reason)
	}
	c.close()
	c.awaitWriter()
}

// awaitWriter reads and drops until the writer has closed the wire, so that
// the refusal is not lost to a reset.
func (c *conn) awaitWriter() {
	for {
		if _, err := c.wire.read(c); err != nil && !errors.Is(err, errFraming) && !errors.Is(err, ErrTooLarge) {
			c.abort(err)
			return
		}
	}
}

// end tells the world; it is the reader's last act.
func (c *conn) end(err error) {
	c.abort(err)
	c.layer.forget(c)
	c.mu.Lock()
	err = c.why
	c.mu.Unlock()
	c.layer.opts.Observer.Connection(c.name, -1)
	c.layer.handler.Closed(c.flow(), err)
}

// admit enters a connection into the table, within the limits.
func (l *Layer) admit(c *conn, run func(c *conn)) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return ErrClosed
	}
	if len(l.conns) >= l.opts.MaxConns ||
		(c.origin.IsValid() && !c.origin.IsLoopback() && l.perSource[c.origin] >= l.opts.MaxPerSource) {
		l.opts.Observer.Dropped(DropLimit)
		return ErrTooMany
	}
	l.conns[c] = struct{}{}
	if c.origin.IsValid() {
		l.perSource[c.origin]++
	}
	if c.at.hostPort != "" {
		l.byAddr[c.at] = c
	}
	l.opts.Observer.Connection(c.name, 1)
	l.wg.Go(func() { run(c) })
	return nil
}

func (l *Layer) forget(c *conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.conns, c)
	if l.byAddr[c.at] == c {
		delete(l.byAddr, c.at)
	}
	if !c.origin.IsValid() {
		return
	}
	if l.perSource[c.origin]--; l.perSource[c.origin] <= 0 {
		delete(l.perSource, c.origin)
	}
}
