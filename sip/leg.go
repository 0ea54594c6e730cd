package sip

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	gosip "github.com/emiago/sipgo/sip"
)

// Info is what is known about a call when it arrives (or is placed).
type Info struct {
	CallID string
	Trunk  string // name of the trunk it came by; "" otherwise
	User   string // authenticated user, by digest or by the WebSocket's session; "" for trunks
	// From, FromName, To are the user parts and display name of caller and
	// callee. From is the asserted identity when a trusted trunk gave one.
	From, FromName, To string
	// Called is the number that was dialled. Numbers of a trunk are in E.164, as
	// far as they are numbers.
	Called string
	// Original is who was called before the call was diverted to us, by
	// History-Info or Diversion of a trusted trunk; "" when nobody was.
	Original string
	// Withheld: the caller asked not to be shown; From and FromName are empty.
	Withheld bool
	// Attestation of the caller's number by the carrier: "A", "B", "C" or "".
	// Believed from trusted trunks only.
	Attestation string
	// Verstat is a trunk's verdict on the caller's number: "passed-a", "passed-b",
	// "passed-c", "failed", or "none" where nobody looked; "" off trunks.
	Verstat   string
	Transport string // UDP, TCP, WS or WSS
	Source    string // ip:port that sent the INVITE
	Received  time.Time
	// Headers are those that the trunk lets through, User-to-User and
	// Call-Info; canonical names.
	Headers map[string]string
	Inbound bool
}

// Hangup says how to end a leg.
type Hangup struct {
	// Cause goes into the Reason header as it is, e.g. `SIP;cause=200;text="x"`
	// or `Q.850;cause=16`. "" sends none.
	Cause string
	// Code refuses a call that was not answered yet; 0: 603.
	Code int
}

type legState int

const (
	stateEarly     legState = iota // INVITE received or sent, no final response yet
	stateAnswered                  // we sent 200 and wait for the first ACK
	stateConfirmed                 // the dialog stands
	stateEnded
)

// Leg is one dialog, ours or theirs. Its methods may be called from any
// goroutine.
//
// A leg has no goroutine. What happens to it (a request, a response, a timer, a
// command) runs under its turn, one after the other, in whichever goroutine
// brought it; what it has to tell the application is called when the turn is
// over.
type Leg struct {
	u      *UA
	id     string
	info   Info
	offer  []byte
	ctx    context.Context // the leg's life, handed out by Context
	cancel context.CancelCauseFunc
	digits chan string

	answered chan struct{} // closed by the first ACK of our 200

	mu        sync.Mutex // guards what outsiders read
	remoteSDP []byte
	reoffer   func(offer []byte) ([]byte, error)

	turn sync.Mutex // guards the rest

	d         dialog
	state     legState
	gone      bool          // nothing is owed to the peer any more
	calls     []func()      // to the application, when the turn is over
	srv       *serverInvite // INVITE of theirs being served: the first or a re-INVITE
	cli       *clientInvite // INVITE of ours in progress
	acks      *ackBook      // ACKs of our 2xx, for their retransmissions
	localSDP  []byte        // the last that we sent
	byeLater  *Hangup       // BYE to send when the ACK came (RFC 3261 section 15)
	reoffered bool          // the OnReoffer function is running
	byeWaits  func()        // BYE that overtook the 200 it belongs to
}

// ID names the leg in logs; it says nothing about anybody.
func (l *Leg) ID() string { return l.id }

// Info tells who calls whom and how.
func (l *Leg) Info() Info { return l.info }

// Offer is the SDP of the INVITE; nil for a late offer and for our own calls.
func (l *Leg) Offer() []byte { return l.offer }

// Context ends when the leg does; its cause says why.
func (l *Leg) Context() context.Context { return l.ctx }

// Done is closed when the leg has ended.
func (l *Leg) Done() <-chan struct{} { return l.ctx.Done() }

// Cause is why the leg ended; nil while it lives.
func (l *Leg) Cause() error { return context.Cause(l.ctx) }

// Digits are the keys received by SIP INFO. The channel is bounded; keys that
// nobody reads are dropped. It is never closed.
func (l *Leg) Digits() <-chan string { return l.digits }

// RemoteSDP is the far side's latest session description.
func (l *Leg) RemoteSDP() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.remoteSDP
}

// OnReoffer sets what answers a new offer of the far side (re-INVITE or
// UPDATE), in any state. Without it, or when it fails, the far side gets 488
// and the session goes on as it was.
func (l *Leg) OnReoffer(f func(offer []byte) (answer []byte, err error)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reoffer = f
}

func (l *Leg) setRemoteSDP(sdp []byte) {
	if len(sdp) == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.remoteSDP = sdp
}

func newLeg(ctx context.Context, u *UA, id string) *Leg {
	l := &Leg{u: u, id: id, digits: make(chan string, 64), answered: make(chan struct{})}
	// The leg outlives the call that created it (a request's or a dialler's
	// context); it ends by its own rules and by the stop of the UA.
	l.ctx, l.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
	return l
}

// post runs f as the leg's next turn; false when the leg is gone. It must not
// be called within a turn.
func (l *Leg) post(f func()) bool {
	l.turn.Lock()
	if l.gone {
		l.turn.Unlock()
		return false
	}
	l.guard(f)
	if l.finished() {
		l.gone = true
		l.u.forget(l)
	}
	calls := l.calls
	l.calls = nil
	l.turn.Unlock()
	for _, call := range calls {
		call()
	}
	return true
}

// do runs f as the leg's next turn and returns its error.
func (l *Leg) do(ctx context.Context, f func() error) error {
	if err := context.Cause(ctx); err != nil && l.ctx.Err() == nil {
		return fmt.Errorf("leg: %w", err)
	}
	var err error
	if !l.post(func() { err = f() }) {
		return l.endedErr()
	}
	return err
}

func (l *Leg) endedErr() error {
	return errors.Join(ErrState, context.Cause(l.ctx))
}

// after posts f in d unless the leg is gone, or the UA stopped, by then. The
// returned timer may be stopped; f must check that it still applies.
func (l *Leg) after(d time.Duration, f func()) *time.Timer {
	return time.AfterFunc(d, func() {
		if l.u.enter() {
			defer l.u.leave()
			l.post(f)
		}
	})
}

// finished: the leg has ended and nothing of it is still owed to the peer.
func (l *Leg) finished() bool {
	return l.state == stateEnded && l.cli == nil && (l.srv == nil || l.srv.ok == nil)
}

// guard keeps one leg's bug from taking the process down.
func (l *Leg) guard(f func()) {
	defer func() {
		if r := recover(); r != nil {
			l.u.caught(r, l.id)
			l.terminate(Hangup{Code: statusServerError}, fmt.Errorf("panic: %v", r)) //nolint:err113 // no sentinel for a bug
		}
	}()
	f()
}

// end marks the leg as over. Whatever must be sent was sent before.
func (l *Leg) end(cause error) {
	if l.state == stateEnded {
		return
	}
	l.state = stateEnded
	l.cancel(cause)
}

// Hangup ends the leg by whatever its state requires: BYE, CANCEL or a refusal.
// It is idempotent and does not wait for the far side.
func (l *Leg) Hangup(ctx context.Context, h Hangup) error {
	err := l.do(ctx, func() error {
		l.terminate(h, ErrHangup)
		return nil
	})
	if errors.Is(err, ErrState) {
		return nil // it had ended already
	}
	return err
}

// terminate runs in the loop.
func (l *Leg) terminate(h Hangup, cause error) {
	switch l.state {
	case stateEnded:
		return
	case stateEarly:
		if l.info.Inbound {
			if h.Code == 0 {
				h.Code = statusDecline
			}
			l.refuse(h.Code, "", h.Cause)
		} else {
			l.cancelInvite(h)
		}
	case stateAnswered:
		// RFC 3261 section 15: no BYE from the callee before the ACK or its
		// time-out.
		l.byeLater = &h
	case stateConfirmed:
		l.bye(h)
	}
	l.end(cause)
}

// bye sends BYE and sees it through without the loop.
func (l *Leg) bye(h Hangup) {
	if l.cli != nil && !l.cli.initial { // a re-INVITE of ours dies with the dialog
		l.dropClient(ErrHangup)
	}
	l.dropServer()
	l.u.legs.bury(l.d.localTag, time.Now())
	l.d.localSeq++
	req := l.newRequest(gosip.BYE)
	if h.Cause != "" {
		req.AppendHeader(gosip.NewHeader("Reason", oneLine(h.Cause)))
	}
	l.u.fire(l.d.hop, req)
}

// dropServer settles an INVITE of theirs that the end of the dialog overtakes.
func (l *Leg) dropServer() {
	if l.srv == nil {
		return
	}
	if l.srv.ok == nil {
		_ = l.respond(l.u.response(l.srv.tx, statusTerminated, ""))
	}
	l.srv.stop()
	l.srv = nil
}

// newRequest makes a request of the current local number over the newest flow.
func (l *Leg) newRequest(method gosip.RequestMethod) *gosip.Request {
	l.d.hop = l.u.refreshed(l.d.hop)
	return l.d.request(l.u, method, l.d.localSeq)
}
