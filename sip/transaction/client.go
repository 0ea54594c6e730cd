package transaction

import (
	"errors"
	"fmt"
	"hash/maphash"
	"sync"
	"time"

	gosip "github.com/emiago/sipgo/sip"

	"filo/sip/transport"
)

// ClientUser is who a request of ours was sent for.
type ClientUser interface {
	// Response takes each provisional response, and the final one; for INVITE
	// also each repeated or further 2xx within 64*T1 of the first: each wants
	// an ACK by Layer.Write. Failures of an INVITE are acknowledged by the
	// layer. f is by which the response came.
	Response(c *Client, res *gosip.Response, f transport.Flow)
	// Failed: there is no final response, and there will be none; err wraps
	// ErrTimeout, ErrTransport or ErrClosed.
	Failed(c *Client, err error)
}

// clientState of RFC 3261 section 17.1 and RFC 6026 section 7.2.
type clientState int

const (
	clientCalling    clientState = iota // or Trying: no response yet
	clientProceeding                    // a provisional response came
	clientAccepted                      // INVITE: a 2xx came
	clientTerminated                    // nothing is called up any more
)

// Client is a client transaction.
type Client struct {
	layer  *Layer
	key    key
	flow   transport.Flow
	method gosip.RequestMethod
	invite bool

	mu        sync.Mutex
	user      ClientUser
	req       *gosip.Request // nil when the user has had the final response
	state     clientState
	abandoned bool   // the user is no longer interested
	data      []byte // the request, to be repeated
	wait      time.Duration
	since     time.Time
}

// Request sends req by f and calls user from then on, perhaps before it
// returns. req must have its Via with a branch of its own, which is 96 bits of
// chance at least: nobody else's response shall match. It is not changed, and
// must not be changed by the caller.
func (l *Layer) Request(f transport.Flow, req *gosip.Request, user ClientUser) (*Client, error) {
	branch, _ := req.Via().Params.Get("branch")
	c := &Client{
		layer: l, key: l.hash.client(branch, req.Method), flow: f, req: req, user: user, invite: req.Method == gosip.INVITE, method: req.Method,
		data: bytesOf(req), wait: T1, since: time.Now(),
	}
	if err := l.addClient(c); err != nil {
		return nil, fmt.Errorf("send %s: %w", req.Method, err)
	}
	if err := f.Send(c.data); err != nil && c.terminate() {
		return nil, fmt.Errorf("send %s: %w", req.Method, errors.Join(ErrTransport, err))
	}
	if f.Reliable() {
		l.clock.set(TimeoutAfter, c, markExpire) // Timers B and F
	} else {
		l.clock.set(T1, c, markResend) // Timers A and E
	}
	return c, nil
}

func (l *Layer) addClient(c *Client) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closed:
		return ErrClosed
	case len(l.servers)+len(l.clients) >= l.opts.MaxLive:
		return ErrTooMany
	}
	l.clients[c.key] = c
	if c.mayBreak() {
		set := l.byFlow[c.flow]
		if set == nil {
			set = make(map[*Client]struct{})
			l.byFlow[c.flow] = set
		}
		set[c] = struct{}{}
	}
	return nil
}

// mayBreak tells whether the transport reports the end of the flow.
func (c *Client) mayBreak() bool { return c.flow.Reliable() || !c.flow.Remote().IsValid() }

// remove takes c out of the tables; r, when not nil, takes its place.
func (c *Client) remove(r *remain) {
	l := c.layer
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.clients[c.key] != c {
		return
	}
	delete(l.clients, c.key)
	if len(l.clients) == 0 { // a map that is empty has the room of its fullest day
		l.clients = make(map[key]*Client)
	}
	if set := l.byFlow[c.flow]; set != nil {
		delete(set, c)
		if len(set) == 0 {
			delete(l.byFlow, c.flow)
		}
	}
	if r != nil && !l.closed {
		r.layer, r.key, r.flow = l, c.key, c.flow
		l.linger(r, TimeoutAfter) // Timer D
	}
}

// Flow is by which the request was sent.
func (c *Client) Flow() transport.Flow { return c.flow }

// Request is the request that was sent; nil once the user has been told its
// final response.
func (c *Client) Request() *gosip.Request {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.req
}

// Abandon ends all calls to the user. The transaction goes on for 64*T1 at
// most, so that a late failure of an INVITE is acknowledged.
func (c *Client) Abandon() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state == clientTerminated || c.abandoned {
		return
	}
	c.abandoned = true
	if c.state == clientProceeding && c.invite { // no timer runs
		c.since = time.Now()
		c.layer.clock.set(TimeoutAfter, c, markExpire)
	}
}

// Settle lets go of the user of an INVITE that has had its 2xx, with this
// To-tag, and whose dialog is over: copies of the 2xx are absorbed from now on,
// and one with another tag goes to User.Stray. It does nothing to a transaction
// in another state.
func (c *Client) Settle(toTag string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state != clientAccepted {
		return
	}
	c.state = clientTerminated
	c.req, c.data = nil, nil
	c.remove(&remain{accepted: true, tag: maphash.String(c.layer.hash.lo, toTag)})
	c.user = nobody{}
}

// nobody is the user of a settled transaction, which calls it no more: the
// clock may know the transaction for long, and shall not keep the user.
type nobody struct{}

func (nobody) Response(*Client, *gosip.Response, transport.Flow) {}
func (nobody) Failed(*Client, error)                             {}

// receive handles a response.
func (c *Client) receive(res *gosip.Response, f transport.Flow) {
	if user := c.step(res); user != nil {
		user.Response(c, res, f)
	}
	if !res.IsProvisional() {
		c.lighten()
	}
}

// lighten lets go of the request after the final response: the clock may know
// the transaction for long.
func (c *Client) lighten() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state >= clientAccepted {
		c.req, c.data = nil, nil
	}
	if c.state == clientTerminated {
		c.user = nobody{}
	}
}

// step moves the machine; it returns who shall see the response, or nil.
func (c *Client) step(res *gosip.Response) ClientUser {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.state == clientTerminated, c.state == clientAccepted && !res.IsSuccess():
		return nil
	case c.state == clientAccepted:
	case res.IsProvisional():
		c.state = clientProceeding
	case c.invite && res.IsSuccess():
		c.state, c.since, c.data = clientAccepted, time.Now(), nil
		c.layer.clock.set(TimeoutAfter, c, markExpire) // Timer M
	case c.invite:
		c.state = clientTerminated
		c.acknowledge(res)
	default: // Timer K is not needed: a repeat finds nobody
		c.state = clientTerminated
		c.remove(nil)
	}
	if c.abandoned {
		return nil
	}
	return c.user
}

// acknowledge sends the ACK of a failure, and leaves it for the repeats.
func (c *Client) acknowledge(res *gosip.Response) {
	ack := bytesOf(newACK(c.req, res))
	if c.flow.Reliable() {
		c.remove(nil)
	} else {
		c.remove(&remain{last: ack, what: "ack"})
	}
	_ = c.flow.Send(ack)
}

// terminate ends the transaction; false when it had ended.
func (c *Client) terminate() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state == clientTerminated {
		return false
	}
	c.state = clientTerminated
	c.remove(nil)
	return true
}

// fail tells the user that no response will come, unless one came.
func (c *Client) fail(err error) {
	c.mu.Lock()
	tell := c.state < clientAccepted && !c.abandoned
	if c.state != clientTerminated {
		c.state = clientTerminated
		c.remove(nil)
	}
	user := c.user
	c.mu.Unlock()
	if tell {
		user.Failed(c, fmt.Errorf("%s: %w", c.method, err))
	}
	c.lighten()
}

// broken: the connection is gone. What was accepted stays: another 2xx may
// come by another connection.
func (c *Client) broken(err error) {
	c.mu.Lock()
	accepted := c.state == clientAccepted
	c.mu.Unlock()
	if !accepted {
		c.fail(errors.Join(ErrTransport, err))
	}
}

// fire is called by the clock.
func (c *Client) fire(now time.Time, mark uint32) {
	if c.tick(now, mark) {
		c.fail(ErrTimeout)
	}
}

// tick moves the machine; true when Timer B or F has fired.
func (c *Client) tick(now time.Time, mark uint32) (timeout bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	elapsed := now.Sub(c.since)
	over := elapsed >= TimeoutAfter
	switch {
	case c.state == clientTerminated:
	case over && (c.state == clientAccepted || c.abandoned): // Timer M
		c.state = clientTerminated
		c.remove(nil)
	case c.state == clientAccepted:
	case c.invite && c.state == clientProceeding && !c.abandoned: // it may ring for long
	case over:
		return true
	default:
		c.resend(elapsed, mark)
	}
	return false
}

// resend repeats the request: an INVITE after T1, 2*T1, 4*T1 and so on (Timer
// A), others up to every T2, which they begin with after a provisional
// response (Timer E). The lock is held.
func (c *Client) resend(elapsed time.Duration, mark uint32) {
	calling := c.state == clientCalling
	if mark == markResend && (calling || !c.invite) {
		c.layer.opts.Observer.Resent("request")
		_ = c.flow.Send(c.data) // if it fails, the next one may pass
		c.wait *= 2
		if !c.invite {
			c.wait = min(c.wait, T2)
		}
		if !calling {
			c.wait = T2
		}
	}
	next, mark := interval(c.wait, elapsed)
	c.layer.clock.set(next, c, mark)
}
