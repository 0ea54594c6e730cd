package sip

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"sync"
	"time"

	gosip "github.com/emiago/sipgo/sip"

	"filo/sip/dialog"
	"filo/sip/transaction"
	"filo/sip/trunk"
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
	// Replaces is the leg in whose place this call wants to be (RFC 3891); nil:
	// none. Whoever answers the call hangs that leg up.
	Replaces *Leg
}

// Hangup says how to end a leg.
type Hangup struct {
	// Cause goes into the Reason header as it is, e.g. `SIP;cause=200;text="x"`
	// or `Q.850;cause=16`. "" sends none.
	Cause string
	// Code refuses a call that was not answered yet; 0: 603.
	Code int
	// Headers go along, e.g. User-to-User (RFC 7433).
	Headers map[string]string
}

// Leg is one dialog, ours or theirs. Its methods may be called from any
// goroutine.
//
// A leg is a [dialog.Machine], a lock and one timer; it has no goroutine. What
// happens to it (a message, the timer, a command) runs in its turn, one after
// the other, in whichever goroutine brought it; what it has to tell the
// application is called when the turn is over. After its end it stays in the
// table of legs until its machine owes the peer nothing.
type Leg struct {
	u      *UA
	id     string
	info   Info
	offer  []byte
	trunk  *trunk.Trunk    // by which the far side is reached; nil: none
	ctx    context.Context // the leg's life, handed out by Context
	cancel context.CancelCauseFunc
	// answered is closed when the ACK of our 200 came.
	answered chan struct{}
	// oneOffer holds who may make an offer to the far side.
	oneOffer chan struct{}

	mu      sync.Mutex // guards the rest
	m       *dialog.Machine
	events  []dialog.Event  // that wait for the machine
	effects []dialog.Effect // scratch
	calls   []func()        // to the application, when the turn is over
	refused bool            // the machine refused the last command
	over    bool            // no longer counted as a call
	gone    bool            // no longer in the table
	timer   *time.Timer
	wake    time.Time // what the timer is set to

	farSide
	placed         *placed             // our INVITE that opened the dialog, until its end is told
	invite         *transaction.Client // our last INVITE
	ack            *gosip.Request      // our last ACK
	ok             *gosip.Response     // our last 2xx to an INVITE
	okTo           *transaction.Server // and to which
	user, password string              // of a robot or an account
	challenge      *gosip.Response     // that our next request answers
	proved         gosip.RequestMethod // whose challenge was answered last, in vain
	why            error               // the application's reason to end the leg
	failure        error               // why our INVITE has failed

	digits    chan string // see keys
	remoteSDP []byte
	headers   map[string]string
	reoffer   func(offer []byte) ([]byte, error)
	onAnswer  func(answer []byte)
	transfer  func(*TransferRequest)
	waiting   chan<- reofferResult // who waits for the outcome of our offer
	said      bool                 // we have sent BYE
}

// farSide is the far side, as messages name and reach it.
type farSide struct {
	callID    string
	local     gosip.Uri
	localName string
	remote    gosip.Uri
	contact   gosip.Uri // ours
	hop       hop
	next      string         // URI that the hop leads to
	source    netip.AddrPort // where the last message came from
	uris      [2]knownURI    // the last targets
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
func (l *Leg) Digits() <-chan string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.keys()
}

// keys is the channel of digits, made when it is wanted first: most calls have
// none. The lock is held.
func (l *Leg) keys() chan string {
	if l.digits == nil {
		l.digits = make(chan string, 64)
	}
	return l.digits
}

// RemoteSDP is the far side's latest session description.
func (l *Leg) RemoteSDP() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.remoteSDP
}

// Headers are User-to-User, Call-Info and the X- headers that the trunk lets
// through, of the last message of the far side that had any: its INVITE, REFER
// or BYE. Canonical names; nil for none.
func (l *Leg) Headers() map[string]string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.headers)
}

func newLeg(ctx context.Context, u *UA, id string) *Leg {
	l := &Leg{
		u: u, id: id, answered: make(chan struct{}), oneOffer: make(chan struct{}, 1),
	}
	// The leg outlives the call that created it (a request's or a dialler's
	// context); it ends by its own rules and by the stop of the UA.
	l.ctx, l.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
	return l
}

// machine makes the leg's machine; seq is the CSeq of our first request.
func (l *Leg) machine(seq uint32, early time.Duration) *dialog.Machine {
	return dialog.New(dialog.Config{
		Tag: l.id, Seq: seq, Seed: seedOf(l.id), Reliable: true,
		Session: l.u.cfg.SessionExpires, MinSession: l.u.cfg.MinSE, MaxEarly: early, MaxDuration: l.u.cfg.MaxDuration,
	})
}

// Hangup ends the leg by whatever its state requires: BYE, CANCEL or a refusal.
// It is idempotent and does not wait for the far side.
func (l *Leg) Hangup(ctx context.Context, h Hangup) error {
	err := l.command(ctx, "hang up", l.ending(ErrHangup), h.event())
	if errors.Is(err, ErrState) {
		return nil // it had ended already
	}
	return err
}

func (h Hangup) event() dialog.Hangup {
	return dialog.Hangup{Status: h.Code, Reason: oneLine(h.Cause), Headers: h.Headers}
}

// ending returns what notes why the application ends the leg.
func (l *Leg) ending(why error) func() {
	return func() {
		if l.why == nil {
			l.why = why
		}
	}
}

// command gives the machine a command in a turn of its own, after before, which
// may be nil. It returns ErrState when the machine refuses.
func (l *Leg) command(ctx context.Context, what string, before func(), ev dialog.Event) error {
	if err := context.Cause(ctx); err != nil && l.ctx.Err() == nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	refused := false
	l.turn(func() {
		if before != nil {
			before()
		}
		l.apply(ev)
		refused = l.refused
	})
	if refused {
		return fmt.Errorf("%s: %w", what, l.stateError())
	}
	return nil
}

// stateError is ErrState, with the reason why the leg has ended if it has.
func (l *Leg) stateError() error { return errors.Join(ErrState, context.Cause(l.ctx)) }

// stop ends a leg at the stop of the UA: nothing is waited for.
func (l *Leg) stop() {
	l.turn(func() {
		l.ending(ErrStopped)()
		l.apply(dialog.Hangup{Status: statusOverloaded, Now: true})
	})
}
