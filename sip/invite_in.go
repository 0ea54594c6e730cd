package sip

import (
	"context"
	"fmt"
	"strconv"

	"filo/sip/dialog"
	"filo/sip/transaction"
)

// serveInvite handles an INVITE outside any dialog.
func (u *UA) serveInvite(tx *transaction.Server) {
	if u.draining.Load() {
		u.met.reject(rejectDraining)
		u.refuse(tx, statusOverloaded, "", "Retry-After", "10")
		return
	}
	if most := u.live.Load().MaxCalls; most > 0 && u.legs.count() >= most && !u.emergency(tx.Request()) {
		u.met.reject(rejectOverload)
		u.refuse(tx, statusOverloaded, "", "Retry-After", strconv.Itoa(1+int(tx.Received().UnixNano()%4)))
		return
	}
	if u.legs.get(tx.Tag()) != nil { // RFC 3261 section 8.2.2.2: the same call by another path
		u.refuse(tx, statusLoop, "")
		return
	}
	who, ok := u.admit(tx)
	if !ok {
		return
	}
	replaces, bad := u.replaced(tx.Request())
	if bad.code == 0 {
		bad = checkSDP(tx.Request())
	}
	if bad.code != 0 {
		u.refuse(tx, bad.code, bad.reason, bad.headers...)
		return
	}
	leave, ok := u.enterTrunk(tx, who)
	if !ok {
		return
	}
	leg := u.newInboundLeg(tx, who)
	if leave != nil {
		context.AfterFunc(leg.ctx, leave)
	}
	leg.info.Replaces = replaces
	if !u.legs.add(leg) {
		u.refuse(tx, statusLoop, "")
		leg.cancel(ErrRejected)
		return
	}
	leg.turn(func() { leg.apply(leg.readRequest(tx)) })
	if leg.ctx.Err() != nil {
		return // refused by a rule of the protocol
	}
	cancelled := func() { leg.turn(func() { leg.onCancel(tx) }) }
	if !tx.OnCancel(cancelled) {
		cancelled()
	}
	u.wg.Go(func() { u.runHandler(leg) })
}

// runHandler gives the leg to the application, and ends what it left open.
func (u *UA) runHandler(l *Leg) {
	defer func() {
		h := dialog.Hangup{}
		if r := recover(); r != nil {
			u.caught(r, l.id)
			h.Status = statusServerError
		}
		l.turn(func() {
			l.ending(ErrHangup)()
			l.apply(h)
		})
	}()
	u.handler(l.ctx, l)
}

func (u *UA) newInboundLeg(tx *transaction.Server, who caller) *Leg {
	req := tx.Request()
	l := newLeg(u.life, u, tx.Tag())
	l.trunk = who.trunk
	h := u.hopOf(tx.Flow())
	h.user, h.trunk = who.user, who.trunk
	l.info = u.inboundInfo(req, h, who, tx.Received())
	l.offer, l.headers = descriptionOf(req), l.info.Headers
	l.remoteSDP = l.offer
	l.farSide = farSide{
		callID: req.CallID().Value(), local: req.To().Address, remote: req.From().Address,
		contact: u.contactURI("", h), hop: h, source: tx.Flow().Remote(),
	}
	l.m = l.machine(0, 0)
	return l
}

// Ring sends 180. Repeating it is allowed.
func (l *Leg) Ring(ctx context.Context) error {
	return l.command(ctx, "ring", nil, dialog.Ring{})
}

// Progress sends 183 with our session description: media before the answer. It
// goes reliably when the caller supports that (RFC 3262), and [Leg.Answer] after
// it uses the same description.
func (l *Leg) Progress(ctx context.Context, sdp []byte) error {
	return l.command(ctx, "progress", nil, dialog.Progress{SDP: sdp})
}

// Answer accepts the call with our session description: the answer to their
// offer, or our offer when they made none ([Leg.RemoteAnswer] then waits for
// theirs). It returns when the 200 was sent, or waits only for the far side to
// acknowledge what Progress sent; retransmission until the ACK goes on by
// itself.
func (l *Leg) Answer(ctx context.Context, sdp []byte) error {
	return l.command(ctx, "answer", nil, dialog.Answer{SDP: sdp})
}

// RemoteAnswer waits for the ACK of our 200 and returns the session
// description that stands then: with a late offer, the ACK's.
func (l *Leg) RemoteAnswer(ctx context.Context) ([]byte, error) {
	select {
	case <-l.answered:
		return l.RemoteSDP(), nil
	case <-l.ctx.Done():
		return nil, context.Cause(l.ctx)
	case <-ctx.Done():
		return nil, fmt.Errorf("await ACK: %w", context.Cause(ctx))
	}
}

// Reject refuses the call with code (300..699); reason "" takes the usual phrase.
func (l *Leg) Reject(ctx context.Context, code int, reason string) error {
	if code < 300 || code > 699 {
		code = statusServerError
	}
	var err error
	l.turn(func() {
		if l.m.Ended() || !l.info.Inbound || !l.m.Early() {
			err = fmt.Errorf("reject: %w", l.stateError())
			return
		}
		l.ending(ErrRejected)()
		l.apply(dialog.Hangup{Status: code, Phrase: oneLine(reason)})
	})
	if ctxErr := context.Cause(ctx); err == nil && ctxErr != nil && l.ctx.Err() == nil {
		return fmt.Errorf("reject: %w", ctxErr)
	}
	return err
}
