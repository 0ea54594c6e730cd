package sip

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	gosip "github.com/emiago/sipgo/sip"

	"filo/sip/transaction"
)

// serverInvite is an INVITE of the far side until its ACK: the one that opened
// the dialog, or a re-INVITE.
type serverInvite struct {
	tx     *transaction.Server
	ok     *gosip.Response // our 2xx, while it waits for its ACK
	late   bool            // no offer came: the ACK carries the answer
	wait   time.Duration
	resend *time.Timer
	giveUp *time.Timer
}

func (s *serverInvite) stop() {
	if s.resend != nil {
		s.resend.Stop()
	}
	if s.giveUp != nil {
		s.giveUp.Stop()
	}
	s.ok = nil
}

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
	if bad := checkSDP(tx.Request()); bad.code != 0 {
		u.refuse(tx, bad.code, "", bad.headers...)
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
	if !u.legs.add(leg) {
		u.refuse(tx, statusLoop, "")
		leg.cancel(ErrRejected)
		return
	}
	if !tx.OnCancel(func() { leg.post(leg.onCancel) }) {
		leg.post(leg.onCancel)
	}
	u.wg.Go(func() { u.runHandler(leg) })
}

// onCancel ends the call unless the answer was first (RFC 3261 section 9.2).
func (l *Leg) onCancel() {
	if l.state == stateEarly {
		l.refuse(statusTerminated, "", "")
		l.end(ErrCancelled)
	}
}

// runHandler gives the leg to the application, and ends what it left open.
func (u *UA) runHandler(l *Leg) {
	defer func() {
		h := Hangup{}
		if r := recover(); r != nil {
			u.caught(r, l.id)
			h.Code = statusServerError
		}
		l.post(func() { l.terminate(h, ErrHangup) })
	}()
	u.handler(l.ctx, l)
}

func (u *UA) newInboundLeg(tx *transaction.Server, who caller) *Leg {
	req := tx.Request()
	l := newLeg(u.life, u, tx.Tag())
	h := u.hopOf(tx.Flow())
	h.user, h.trunk = who.user, who.trunk
	l.info = u.inboundInfo(req, h, who, tx.Received())
	if body := req.Body(); len(body) > 0 {
		l.offer = body
		l.remoteSDP = body
	}
	l.srv = &serverInvite{tx: tx, late: len(l.offer) == 0}
	contact := req.Contact().Address
	routes := recordRoutes(req, false)
	h = u.toward(h, nextHop(contact, routes, tx.Flow().Remote()))
	local, remote := req.To(), req.From()
	l.d = dialog{
		callID:       req.CallID().Value(),
		localTag:     l.id,
		remoteTag:    tagOfFrom(remote),
		local:        local.Address,
		remote:       remote.Address,
		remoteTarget: contact,
		routes:       routes,
		remoteSeq:    req.CSeq().SeqNo,
		contact:      u.contactURI("", h),
		hop:          h,
	}
	return l
}

// inviteResponse builds a response to the INVITE being served.
func (l *Leg) inviteResponse(code int, reason string) *gosip.Response {
	res := l.u.response(l.srv.tx, code, reason)
	if code > 100 && code < 300 {
		res.AppendHeader(&gosip.ContactHeader{Address: l.d.contact})
	}
	return res
}

// Ring sends 180. Repeating it is allowed.
func (l *Leg) Ring(ctx context.Context) error {
	return l.do(ctx, func() error {
		if l.state != stateEarly || l.srv == nil {
			return l.wrongState("ring")
		}
		return l.respond(l.inviteResponse(180, ""))
	})
}

// Answer accepts the call with our session description: the answer to their
// offer, or our offer when they made none ([Leg.RemoteAnswer] then waits for
// theirs). It returns when the 200 was sent; retransmission until the ACK goes
// on by itself.
func (l *Leg) Answer(ctx context.Context, sdp []byte) error {
	return l.do(ctx, func() error {
		if l.state != stateEarly || l.srv == nil {
			return l.wrongState("answer")
		}
		l.localSDP = sdp
		if err := l.accept(sdp); err != nil {
			return err
		}
		l.state = stateAnswered
		return nil
	})
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
	return l.do(ctx, func() error {
		if l.state != stateEarly || l.srv == nil {
			return l.wrongState("reject")
		}
		if code < 300 || code > 699 {
			code = statusServerError
		}
		l.refuse(code, reason, "")
		l.end(ErrRejected)
		return nil
	})
}

func (l *Leg) wrongState(what string) error {
	return fmt.Errorf("%s: %w", what, errors.Join(ErrState, context.Cause(l.ctx)))
}

// refuse sends a final failure to the first INVITE.
func (l *Leg) refuse(code int, reason, cause string) {
	res := l.u.response(l.srv.tx, code, oneLine(reason))
	if cause != "" {
		res.AppendHeader(gosip.NewHeader("Reason", oneLine(cause)))
	}
	_ = l.respond(res)
}

// respond sends res in the INVITE transaction being served.
func (l *Leg) respond(res *gosip.Response) error {
	err := l.srv.tx.Respond(res)
	if errors.Is(err, transaction.ErrCancelled) { // a re-INVITE
		return fmt.Errorf("respond %d: %w", res.StatusCode, ErrCancelled)
	}
	return err //nolint:wrapcheck // says what was tried
}

// accept sends 200 and repeats it until the ACK (RFC 3261 section 13.3.1.4).
func (l *Leg) accept(sdp []byte) error {
	s := l.srv
	res := l.inviteResponse(statusOK, "")
	res.AppendHeader(gosip.NewHeader("Allow", allowedMethods))
	res.AppendHeader(gosip.NewHeader("Supported", supportedExt))
	setSDP(res, sdp)
	if err := l.respond(res); err != nil {
		return err
	}
	s.ok = res
	s.wait = transaction.T1
	s.resend = l.after(s.wait, func() { l.resendOK(s) })
	s.giveUp = l.after(transaction.TimeoutAfter, func() { l.noACK(s) })
	return nil
}

func (l *Leg) resendOK(s *serverInvite) {
	if s.ok == nil || l.srv != s {
		return
	}
	l.u.met.resent.WithLabelValues("200").Inc()
	_ = s.tx.Respond(s.ok) // a lost one is repeated anyway
	s.wait = min(2*s.wait, transaction.T2)
	s.resend = l.after(s.wait, func() { l.resendOK(s) })
}

func (l *Leg) noACK(s *serverInvite) {
	if s.ok == nil || l.srv != s {
		return
	}
	s.stop()
	l.srv = nil
	h := Hangup{Cause: `SIP;cause=408;text="no ACK"`}
	if l.byeLater != nil {
		h = *l.byeLater
	}
	l.byeLater = nil
	l.bye(h)
	l.end(ErrNoACK)
}

// onACK takes the ACK of our 2xx, by its own transaction or by ours when the
// peer reused the branch.
func (l *Leg) onACK(ack *gosip.Request) {
	s := l.srv
	if s == nil || s.ok == nil || ack.CSeq().SeqNo != s.tx.Request().CSeq().SeqNo {
		return
	}
	s.stop()
	l.srv = nil
	if s.late {
		l.setRemoteSDP(ack.Body())
	}
	if l.state == stateAnswered {
		l.state = stateConfirmed
		close(l.answered)
	}
	if l.byeLater != nil {
		h := *l.byeLater
		l.byeLater = nil
		l.bye(h)
	}
}
