package dialog

// talk is where offer and answer stand (RFC 3264 section 4).
type talk int

const (
	fresh    talk = iota // nothing was said yet
	offering             // our offer is open
	asked                // theirs is
	agreed               // both have a session description
)

// carrier is the message that made the open offer, which decides how it is
// answered (RFC 6337 section 2.2).
type carrier int

const (
	inInvite      carrier = iota // answered in a 1xx or the 2xx
	inReinvite                   // in its 2xx
	inUpdate                     // in its 2xx
	inPRACK                      // in its 2xx
	inProvisional                // in its PRACK
	inOK                         // in its ACK
)

// negotiation is the state of offer and answer on one branch.
type negotiation struct {
	talk          talk
	in            carrier // of the open offer
	asking        Request // whose offer is open, when it came within the dialog
	local, remote []byte  // session descriptions as they stand
}

// agree closes the open offer.
func (n *negotiation) agree() {
	n.talk, n.asking = agreed, Request{}
}

// ask hands an offer of the far side to the application.
func (m *Machine) ask(b *branch, in carrier, r *Request) {
	b.talk, b.in, b.asking = asked, in, *r
	m.start(answerBy, answerTime)
	m.emit(Offered{Tag: b.tag, SDP: r.SDP})
}

// answered takes the answer to our open offer; none if the far side agrees
// without. told says which offer that was.
func (m *Machine) answered(b *branch, sdp []byte, told Answered) {
	b.agree()
	if sdp != nil {
		b.remote = sdp
	}
	told.Tag, told.SDP = b.tag, sdp
	m.emit(told)
}

// accept answers an offer that was handed to the application.
func (m *Machine) accept(tag string, sdp []byte) bool {
	b := m.branch(tag)
	if b == nil || m.state == ended || b.talk != asked || b.in == inInvite || sdp == nil {
		return false
	}
	m.timers.stop(answerBy)
	r := b.asking
	b.local, b.remote = sdp, r.SDP
	switch b.in {
	case inReinvite:
		b.refreshTarget(&r.Header)
		m.acceptInvite(sdp)
		return true
	case inUpdate:
		m.respondUpdate(b, &r, sdp)
	case inPRACK:
		res := m.response(&r, 200)
		res.SDP = sdp
		m.emit(res)
	case inProvisional:
		m.answerInPRACK(b, &r, sdp)
	case inOK:
		m.ack(b, r.CSeq, sdp)
		m.confirm()
	case inInvite:
	}
	b.agree()
	return true
}

func (m *Machine) answerInPRACK(b *branch, r *Request, sdp []byte) {
	prack := Request{Method: PRACK, RAck: r.RAck}
	prack.SDP = sdp
	b.enqueue(prack)
}

// decline refuses an offer that was handed to the application (RFC 6337
// section 3.2). Where the message that answers cannot refuse, the answer
// wants nothing of the offer, and the call ends.
func (m *Machine) decline(tag string, status int) bool {
	b := m.branch(tag)
	if b == nil || m.state == ended || b.talk != asked || b.in == inInvite {
		return false
	}
	if status < 300 {
		status = 488
	}
	m.timers.stop(answerBy)
	r, in := b.asking, b.in
	b.agree()
	h := &Hangup{Status: status, Reason: `SIP;cause=488;text="session not acceptable"`}
	switch in {
	case inReinvite:
		m.theirs = nil
		m.refuse(&r, Response{Status: status})
	case inUpdate:
		m.refuse(&r, Response{Status: status})
	case inPRACK:
		res := m.response(&r, 200)
		res.SDP = declined(r.SDP)
		m.emit(res)
		m.terminate(h, NoSession, 0)
	case inProvisional:
		m.answerInPRACK(b, &r, declined(r.SDP))
		m.proceedQueue(b)
		m.terminate(h, NoSession, 0)
	case inOK:
		b.talk, b.asking = asked, r // for the ACK that terminate sends
		m.terminate(h, NoSession, 0)
	case inInvite:
	}
	return true
}

// noAnswer declines what the application does not answer.
func (m *Machine) noAnswer() {
	for _, b := range m.branches() {
		m.decline(b.tag, 500)
	}
}

// reoffer is a wish of ours to change the session, or to confirm it.
type reoffer struct {
	sdp     []byte
	answer  []byte // that a reliable 1xx brought; the 2xx makes it count
	refresh bool   // sdp is what stands already
	tries   int
}

// offer remembers that we want to change the session.
func (m *Machine) offer(sdp []byte) bool {
	busy := m.wanted != nil && !m.wanted.refresh || m.sent != nil && !m.sent.refresh
	if m.state == idle || m.state == ended || busy || sdp == nil {
		return false
	}
	m.wanted = &reoffer{sdp: sdp}
	m.timers.stop(retryOffer)
	return true
}

// withdraw gives up our offer: CANCEL, if it is on its way in a re-INVITE.
func (m *Machine) withdraw() bool {
	switch {
	case m.wanted != nil && !m.wanted.refresh:
		m.wanted = nil
		m.timers.stop(retryOffer)
		m.emit(Failed{487})
	case m.sent == nil || m.sent.refresh:
		return false
	case m.ours != nil && !m.ours.initial && m.ours.cancel == nil:
		m.cancelInvite(&Hangup{})
	}
	return true
}

// proceedOffer makes our offer as soon as it may be made: no INVITE and no
// offer is open in either direction (RFC 3261 section 14.1, RFC 3311 section
// 5.1).
func (m *Machine) proceedOffer() {
	if m.wanted == nil || m.sent != nil || m.timers.set(retryOffer) {
		return
	}
	b, method := m.mayOffer()
	if b == nil {
		return
	}
	m.sent, m.wanted = m.wanted, nil
	b.talk = offering
	r := Request{Method: method}
	r.SDP = m.sent.sdp
	if method == UPDATE {
		b.in = inUpdate
		m.enqueueUpdate(b, r)
		return
	}
	b.in = inReinvite
	m.address(b, &r)
	m.sendInvite(&clientInvite{req: r})
}

// mayOffer is to whom, and in which message, we may make an offer now; nil:
// not now.
func (m *Machine) mayOffer() (*branch, Method) {
	all := m.branches()
	if len(all) != 1 || all[0].talk != agreed || all[0].hungUp || !all[0].idle() {
		return nil, ""
	}
	b := all[0]
	switch {
	case m.state == confirmed && m.ours == nil && m.theirs == nil:
		return b, INVITE
	case m.state == early && b.updates && m.reliable.res == nil && !m.accepting:
		return b, UPDATE
	}
	return nil, ""
}

// offerOK closes our offer.
func (m *Machine) offerOK(b *branch, sdp []byte) {
	sent := m.sent
	m.sent = nil
	b.local = sent.sdp
	if sent.answer != nil {
		sdp = sent.answer
	}
	m.answered(b, sdp, Answered{Offer: !sent.refresh, Refresh: sent.refresh})
}

// offerRefused closes our offer, or makes it again when it is its turn. b.talk
// is what it was.
func (m *Machine) offerRefused(b *branch, r *Response) {
	b.agree()
	m.sent.tries++
	again := m.sent.tries < maxTries && m.state != ended
	switch {
	case again && r.Status == 491:
		m.offerLater(m.glareWait())
	case again && r.Status == 500 && r.RetryAfter > 0:
		m.offerLater(min(r.RetryAfter, Lifetime))
	case again && (r.Retry || r.Status == 422 && m.raiseInterval(r.Timer.Min)):
		m.offerLater(0)
	default:
		m.offerFailed(r.Status)
	}
}

func (m *Machine) offerFailed(status int) {
	if m.sent.refresh {
		m.refreshLater()
	} else {
		m.emit(Failed{status})
	}
	m.sent = nil
}
