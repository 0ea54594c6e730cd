package transaction

import (
	"fmt"
	"sync"
	"time"

	gosip "github.com/emiago/sipgo/sip"

	"filo/sip/transport"
)

// serverState of RFC 3261 section 17.2 and RFC 6026 section 7.1. Confirmed and
// Terminated are no states of a Server: it is a remain then, or nothing.
type serverState int

const (
	serverProceeding serverState = iota // or Trying: no final response yet
	serverAccepted                      // INVITE: 2xx sent, the user repeats it
	serverCompleted                     // final response sent; INVITE: ACK awaited
)

// Server is a server transaction. Its methods may be called from any
// goroutine.
type Server struct {
	layer *Layer
	key   key
	from  transport.Flow // by which the request came
	flow  transport.Flow // for the responses
	req   *gosip.Request
	tag   string
	at    time.Time // when the kernel had the request
	begun time.Time // when we had it

	mu       sync.Mutex
	state    serverState
	cancel   bool   // a CANCEL came
	last     []byte // response to repeat
	onCancel func()
	wait     time.Duration // Timer G
	since    time.Time     // of Completed
}

func newServer(l *Layer, k key, f transport.Flow, req *gosip.Request, at time.Time) *Server {
	s := &Server{layer: l, key: k, from: f, flow: f.Back(req), req: req, at: at, begun: time.Now()}
	if to := req.To(); to != nil {
		s.tag, _ = to.Params.Get("tag")
	}
	if s.tag == "" {
		s.tag = l.opts.Tag(req)
	}
	return s
}

// Request is the request that opened the transaction.
func (s *Server) Request() *gosip.Request { return s.req }

// Flow is by which the request came.
func (s *Server) Flow() transport.Flow { return s.from }

// Received is when the request came to the kernel, as far as that is known.
func (s *Server) Received() time.Time { return s.at }

// Tag is the To-tag of all responses: the request's, or ours.
func (s *Server) Tag() string { return s.tag }

// NewResponse builds a response; it is sent by Respond.
func (s *Server) NewResponse(code int, reason string) *gosip.Response {
	return NewResponse(s.req, code, reason, s.tag)
}

// own is a response of the layer's own.
func (s *Server) own(code int, reason string) *gosip.Response {
	res := s.NewResponse(code, reason)
	if s.layer.opts.Server != "" {
		res.AppendHeader(gosip.NewHeader("Server", s.layer.opts.Server))
	}
	return res
}

// OnCancel sets what is called, once, when a CANCEL comes before the final
// response; the CANCEL has been answered then, and f or somebody after it owes
// the 487 to the INVITE, so that a user decides under its own lock whether its
// answer or the CANCEL was first. Without OnCancel the layer sends the 487.
// OnCancel returns false, and does not call f, when that has happened already.
func (s *Server) OnCancel(f func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cancel {
		return false
	}
	s.onCancel = f
	return true
}

// Respond sends a response. After the final one it returns ErrState, or
// ErrCancelled when a CANCEL was faster; but the 2xx of an INVITE may be sent
// again (RFC 6026 section 7.1), which repeats it until the ACK.
func (s *Server) Respond(res *gosip.Response) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.state == serverProceeding:
		s.respond(res)
		return nil
	case s.state == serverAccepted && res.IsSuccess():
		return s.layer.Write(s.flow, res)
	case s.cancel:
		return fmt.Errorf("respond %d: %w", res.StatusCode, ErrCancelled)
	}
	return fmt.Errorf("respond %d: %w", res.StatusCode, ErrState)
}

// respond sends res in state Proceeding; the lock is held. What cannot be sent
// is repeated when the request is.
func (s *Server) respond(res *gosip.Response) {
	s.last = bytesOf(res)
	s.layer.opts.Observer.Responded(res.StatusCode)
	_ = s.flow.Send(s.last)
	switch {
	case res.IsProvisional():
		return
	case s.req.Method != gosip.INVITE:
		s.state = serverCompleted
		s.finish(&remain{last: s.last, what: "response"}, TimeoutAfter) // Timer J
	case res.IsSuccess():
		s.state = serverAccepted
		s.finish(&remain{accepted: true}, TimeoutAfter) // Timer L
	case s.flow.Reliable():
		s.state = serverCompleted
		s.finish(&remain{}, TimeoutAfter) // Timer H; nothing is repeated
	default:
		s.state = serverCompleted
		s.answered()
		s.since, s.wait = time.Now(), T1
		s.layer.clock.set(T1, s, markResend) // Timer G
	}
}

// finish takes the transaction out of the table and leaves r in its place;
// over a reliable transport nothing is left, except of an INVITE.
func (s *Server) finish(r *remain, d time.Duration) {
	l := s.layer
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.servers[s.key] != s {
		return
	}
	delete(l.servers, s.key)
	if s.since.IsZero() { // else answered did
		l.release(s)
	}
	if s.flow.Reliable() && s.req.Method != gosip.INVITE {
		return
	}
	r.layer, r.key, r.flow = l, s.key, s.flow
	l.linger(r, d)
}

// Ignore ends a transaction that has no final response, and will never have
// one: nothing of it is kept, and a repetition is as new as it was.
func (s *Server) Ignore() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != serverProceeding {
		return
	}
	s.state = serverCompleted
	l := s.layer
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.servers[s.key] == s {
		delete(l.servers, s.key)
		l.release(s)
	}
}

// answered takes the transaction out of its source's account.
func (s *Server) answered() {
	l := s.layer
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.servers[s.key] == s {
		l.release(s)
	}
}

// release runs with the layer's lock held.
func (l *Layer) release(s *Server) {
	source := s.from.Remote().Addr()
	if l.perSource[source]--; l.perSource[source] <= 0 {
		delete(l.perSource, source)
	}
}

// repeated answers a retransmission of the request.
func (s *Server) repeated() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.last) > 0 {
		s.layer.opts.Observer.Resent("response")
		_ = s.flow.Send(s.last)
	}
}

// acknowledged takes the ACK of a failure; false when it is that of a 2xx,
// which is quicker than Respond is at its end.
func (s *Server) acknowledged() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == serverCompleted {
		s.finish(&remain{}, T4) // Timer I
	}
	return s.state != serverAccepted
}

// cancelled handles a CANCEL for an INVITE that has no final response yet.
func (s *Server) cancelled() {
	f := s.takeCancel()
	if f != nil {
		f()
	}
}

// takeCancel sends the 487, or returns who is to do it.
func (s *Server) takeCancel() func() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != serverProceeding || s.cancel {
		return nil
	}
	s.cancel = true
	if s.onCancel == nil {
		s.respond(s.own(487, "Request Terminated"))
	}
	return s.onCancel
}

// fire is called by the clock.
func (s *Server) fire(now time.Time, mark uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case mark == markTrying:
		if s.state == serverProceeding && s.last == nil {
			s.respond(s.own(100, "Trying"))
		}
	case s.waits(now):
		s.resend(now, mark)
	}
}

// abandon gives up a request that the user never answered: by now it is too
// late (RFC 4320 section 4.1).
func (s *Server) abandon() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == serverProceeding {
		s.state = serverCompleted
		s.finish(&remain{}, T4)
	}
}

// waits tells whether the ACK of a failure is still awaited (Timer H).
func (s *Server) waits(now time.Time) bool {
	l := s.layer
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.servers[s.key] != s {
		return false
	}
	if now.Sub(s.since) < TimeoutAfter {
		return true
	}
	delete(l.servers, s.key)
	return false
}

// resend repeats the failure of an INVITE until its ACK (Timer G).
func (s *Server) resend(now time.Time, mark uint32) {
	if mark == markResend {
		s.layer.opts.Observer.Resent("response")
		_ = s.flow.Send(s.last)
		s.wait = min(2*s.wait, T2)
	}
	next, mark := interval(s.wait, now.Sub(s.since))
	s.layer.clock.set(next, s, mark)
}
