package sip

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	gosip "github.com/emiago/sipgo/sip"

	"filo/sip/transaction"
)

// onRequest serves a request within the dialog, in order of arrival.
func (l *Leg) onRequest(tx *transaction.Server) {
	req := tx.Request()
	if l.d.remoteTag == "" {
		// An early dialog of our INVITE: only its 2xx decides whose it is.
		if req.Method == gosip.BYE && l.state != stateEnded {
			l.byeWaits = func() { l.onRequest(tx) }
			return
		}
	} else if tagOfFrom(req.From()) != l.d.remoteTag {
		l.u.refuse(tx, statusNoDialog, "")
		return
	}
	if l.state == stateEnded {
		l.onLateRequest(tx)
		return
	}
	h := l.u.hopOf(tx.Flow())
	if h.user != "" && l.d.hop.user != "" && h.user != l.d.hop.user {
		l.u.met.reject(rejectForbidden)
		l.u.refuse(tx, statusForbidden, "") // somebody else's session
		return
	}
	seq := req.CSeq().SeqNo
	if l.d.remoteSeq != 0 && seq <= l.d.remoteSeq { // RFC 3261 section 12.2.2
		l.u.refuse(tx, statusServerError, "Out Of Order")
		return
	}
	l.d.remoteSeq = seq
	l.followFlow(h)
	switch req.Method {
	case gosip.BYE:
		l.onBye(tx)
	case gosip.INVITE:
		l.onReinvite(tx)
	case gosip.UPDATE:
		l.onUpdate(tx)
	case gosip.INFO:
		l.onInfo(tx)
	case gosip.OPTIONS:
		l.u.refuse(tx, statusOK, "", "Allow", allowedMethods, "Accept", "application/sdp")
	default:
		l.u.refuse(tx, statusMethodNotAllowed, "", "Allow", allowedMethods)
	}
}

// onLateRequest answers what still comes to a dialog that we ended: BYE crossed
// BYE, so both are fine; anything else has no dialog any more.
func (l *Leg) onLateRequest(tx *transaction.Server) {
	code := statusNoDialog
	if tx.Request().Method == gosip.BYE {
		code = statusOK
		if l.byeLater != nil { // no BYE of ours is needed any more
			l.byeLater = nil
			l.srv.stop()
		}
	}
	l.u.refuse(tx, code, "")
}

// followFlow moves the dialog to the connection by which the same user came
// back (RFC 7118: a browser keeps its dialogs over a reconnect).
func (l *Leg) followFlow(h hop) {
	if !h.bound || h.flow == l.d.hop.flow {
		return
	}
	if h.user == "" {
		h.user = l.d.hop.user
	}
	h.addr = l.d.hop.addr
	l.d.hop = h
}

func (l *Leg) onBye(tx *transaction.Server) {
	l.u.refuse(tx, statusOK, "")
	l.dropServer() // RFC 5407 section 3.1.3: also when the BYE overtook the ACK
	if l.cli != nil {
		l.dropClient(ErrRemoteHangup)
	}
	l.end(ErrRemoteHangup)
}

func (l *Leg) onReinvite(tx *transaction.Server) {
	req := tx.Request()
	if l.cli != nil { // RFC 3261 section 14.2
		l.u.refuse(tx, statusPending, "")
		return
	}
	if l.state == stateEarly || (l.srv != nil && l.srv.ok == nil) || l.reoffered {
		l.u.refuse(tx, statusServerError, "", "Retry-After", "1")
		return
	}
	if bad := checkSDP(req); bad.code != 0 {
		l.u.refuse(tx, bad.code, "", bad.headers...)
		return
	}
	if l.srv != nil { // its ACK is lost or late; a new INVITE says as much
		first := l.srv
		l.srv = nil
		first.stop()
		if l.state == stateAnswered {
			l.state = stateConfirmed
			close(l.answered)
		}
	}
	s := &serverInvite{tx: tx, late: len(req.Body()) == 0}
	l.srv = s
	if s.late {
		// They want an offer: ours stands as it is.
		l.finishReinvite(s, l.localSDP, nil)
		return
	}
	l.answerOffer(req.Body(), func(answer []byte, err error) {
		if l.srv == s {
			l.finishReinvite(s, answer, err)
		}
	})
}

// answerOffer asks the application in a goroutine of its own: media may take a
// moment, and a BYE must not wait for it. then runs in the loop.
func (l *Leg) answerOffer(offer []byte, then func(answer []byte, err error)) {
	l.mu.Lock()
	f := l.reoffer
	l.mu.Unlock()
	if f == nil {
		then(nil, fmt.Errorf("reoffer: %w", ErrState))
		return
	}
	l.reoffered = true
	l.u.wg.Go(func() {
		answer, err := l.callReoffer(f, offer)
		l.post(func() {
			l.reoffered = false
			then(answer, err)
		})
	})
}

func (l *Leg) callReoffer(f func([]byte) ([]byte, error), offer []byte) (answer []byte, err error) {
	defer func() {
		if r := recover(); r != nil {
			l.u.caught(r, l.id)
			err = fmt.Errorf("panic: %v", r) //nolint:err113 // no sentinel for a bug
		}
	}()
	return f(offer)
}

func (l *Leg) finishReinvite(s *serverInvite, answer []byte, err error) {
	if err != nil || len(answer) == 0 {
		_ = l.respond(l.u.response(s.tx, statusNotAcceptable, ""))
		l.srv = nil
		return
	}
	l.localSDP = answer
	req := s.tx.Request()
	if contact := req.Contact(); contact != nil {
		l.refreshTarget(contact.Address, s.tx.Flow())
	}
	if !s.late {
		l.setRemoteSDP(req.Body())
	}
	if err := l.accept(answer); err != nil {
		l.srv = nil // cancelled: the session stays as it was
	}
}

func (l *Leg) onUpdate(tx *transaction.Server) {
	req := tx.Request()
	ok := func(answer []byte) {
		if contact := req.Contact(); contact != nil {
			l.refreshTarget(contact.Address, tx.Flow())
		}
		res := l.u.response(tx, statusOK, "", "Allow", allowedMethods)
		res.AppendHeader(&gosip.ContactHeader{Address: l.d.contact})
		setSDP(res, answer)
		l.u.reply(tx, res)
	}
	if len(req.Body()) == 0 { // a session refresh
		ok(nil)
		return
	}
	if l.cli != nil { // RFC 3311 section 5.2
		l.u.refuse(tx, statusPending, "")
		return
	}
	if l.reoffered || (l.srv != nil && l.srv.late) {
		l.u.refuse(tx, statusServerError, "", "Retry-After", "1")
		return
	}
	if bad := checkSDP(req); bad.code != 0 {
		l.u.refuse(tx, bad.code, "", bad.headers...)
		return
	}
	l.answerOffer(req.Body(), func(answer []byte, err error) {
		if err != nil || len(answer) == 0 {
			l.u.refuse(tx, statusNotAcceptable, "")
			return
		}
		l.localSDP = answer
		l.setRemoteSDP(req.Body())
		ok(answer)
	})
}

func (l *Leg) onInfo(tx *transaction.Server) {
	req := tx.Request()
	if len(req.Body()) == 0 {
		l.u.refuse(tx, statusOK, "")
		return
	}
	kind := mediaType(req)
	key, ok := infoDigit(kind, req.Body())
	if !ok {
		code := statusUnsupportedMedia
		if strings.HasPrefix(kind, "application/dtmf") {
			code = statusBadRequest
		}
		l.u.refuse(tx, code, "", "Accept", "application/dtmf-relay, application/dtmf")
		return
	}
	select {
	case l.digits <- key:
	default: // nobody reads: the stack does not wait
	}
	l.u.refuse(tx, statusOK, "")
}

// infoDigit reads the key of a DTMF INFO: "Signal=5\r\nDuration=160" or "5".
func infoDigit(kind string, body []byte) (string, bool) {
	text := string(body)
	switch kind {
	case "application/dtmf-relay":
		found := false
		for line := range strings.Lines(text) {
			name, value, ok := strings.Cut(line, "=")
			if ok && strings.EqualFold(strings.TrimSpace(name), "signal") {
				text, found = value, true
				break
			}
		}
		if !found {
			return "", false
		}
	case "application/dtmf":
	default:
		return "", false
	}
	key := strings.ToUpper(strings.TrimSpace(text))
	switch key { // some send the event's number
	case "10":
		key = "*"
	case "11":
		key = "#"
	}
	if len(key) != 1 || !strings.Contains("0123456789*#ABCD", key) {
		return "", false
	}
	return key, true
}

// errGlare asks Reinvite to try again.
var errGlare = errors.New("the far side changes the session just now")

// Reinvite offers a changed session to the far side and returns its answer. A
// refusal leaves the session as it was. When both sides offer at once (491),
// it tries again as RFC 3261 section 14.1 says.
func (l *Leg) Reinvite(ctx context.Context, sdp []byte) (answer []byte, err error) {
	for range 5 {
		answer, err = l.reinviteOnce(ctx, sdp)
		var se *StatusError
		if !errors.Is(err, errGlare) && (!errors.As(err, &se) || se.Code != statusPending) {
			return answer, err
		}
		wait := time.NewTimer(l.glareWait())
		select {
		case <-wait.C:
		case <-l.ctx.Done():
			wait.Stop()
			return nil, fmt.Errorf("reinvite: %w", context.Cause(l.ctx))
		case <-ctx.Done():
			wait.Stop()
			return nil, fmt.Errorf("reinvite: %w", context.Cause(ctx))
		}
	}
	return nil, err
}

// glareWait is 2.1 to 4 s for the owner of the Call-ID, up to 2 s for the other.
func (l *Leg) glareWait() time.Duration {
	if l.info.Inbound {
		return rand.N[time.Duration](200) * 10 * time.Millisecond
	}
	return (210 + rand.N[time.Duration](190)) * 10 * time.Millisecond
}

func (l *Leg) reinviteOnce(ctx context.Context, sdp []byte) ([]byte, error) {
	if !l.u.enter() {
		return nil, ErrNotServing
	}
	defer l.u.leave()
	c := &clientInvite{leg: l, result: make(chan error, 1)}
	err := l.do(ctx, func() error {
		if l.state != stateConfirmed {
			return l.wrongState("reinvite")
		}
		if l.cli != nil || l.srv != nil || l.reoffered {
			return errGlare
		}
		if l.acks == nil {
			l.acks = newAckBook(l.u, l.d)
		}
		l.d.localSeq++
		req := l.newRequest(gosip.INVITE)
		setSDP(req, sdp)
		l.cli = c
		if err := l.sendInvite(req); err != nil {
			l.cli = nil
			return err
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reinvite: %w", err)
	}
	select {
	case err = <-c.result:
	case <-ctx.Done():
		l.post(func() {
			if l.cli == c {
				l.cancelInvite(Hangup{})
			}
		})
		return nil, fmt.Errorf("reinvite: %w", context.Cause(ctx))
	}
	if err != nil {
		return nil, fmt.Errorf("reinvite: %w", err)
	}
	l.post(func() { l.localSDP = sdp })
	return c.answer, nil
}
