package dialog

import "slices"

// maxTries bounds how often one request is sent again because the far side
// wants something else in it.
const maxTries = 5

// clientInvite is an INVITE of ours until its final response.
type clientInvite struct {
	req        Request
	initial    bool
	proceeding bool    // a 1xx came: CANCEL may be sent
	cancel     *Hangup // it shall be cancelled
	cancelled  bool    // CANCEL was sent
	tries      int
}

// invite opens the dialog as the caller (RFC 3261 section 13.2.1).
func (m *Machine) invite(ev *Invite) bool {
	if m.state != idle {
		return false
	}
	m.state, m.caller = early, true
	r := Request{Method: INVITE, Target: ev.Target, Next: ev.Target, Headers: ev.Headers}
	r.CSeq, r.FromTag, r.SDP = max(m.cfg.Seq, 1), m.cfg.Tag, ev.SDP
	m.sendInvite(&clientInvite{req: r, initial: true})
	m.start(tooEarly, m.cfg.MaxEarly)
	return true
}

// sendInvite begins the transaction of an INVITE.
func (m *Machine) sendInvite(c *clientInvite) {
	c.req.Supported, c.req.Updates = m.supported(), true
	c.req.Timer = m.askTimer()
	c.proceeding = false
	m.ours = c
	if c.initial {
		m.invited = c.req
	}
	if m.d != nil {
		m.d.rseq = 0 // RSeq counts within one transaction
	}
	m.emit(c.req)
}

func (m *Machine) supported() Extensions {
	if m.cfg.Reliable {
		return Timer | Rel100
	}
	return Timer
}

// onResponse takes a response to a request of ours.
func (m *Machine) onResponse(r *Response) {
	switch r.Method {
	case INVITE:
		m.onInviteResponse(r)
	case BYE:
		m.onByeResponse(r)
	case CANCEL: // says nothing about the INVITE
	default:
		m.onOwnResponse(r)
	}
}

func (m *Machine) onInviteResponse(r *Response) {
	c := m.ours
	switch {
	case c == nil || c.req.CSeq != r.CSeq:
		if r.success() {
			m.onOKAgain(r)
		}
	case r.provisional():
		m.onProvisional(c, r)
	case r.success() && c.initial:
		m.onOK(c, r)
	case r.success():
		m.onReinviteOK(c, r)
	case c.initial:
		m.onRejected(c, r)
	default:
		m.onReinviteRejected(c, r)
	}
}

// onProvisional takes a 1xx (RFC 3261 section 13.2.2.1): any number of them, of
// any number of branches.
func (m *Machine) onProvisional(c *clientInvite, r *Response) {
	c.proceeding = true
	if c.cancel != nil {
		m.sendCancel(c)
		return
	}
	if r.Status == 100 || m.state == ended {
		return
	}
	b := m.d
	if c.initial && r.ToTag != "" {
		b = m.fork(r)
	}
	isNew := b == nil || m.onReliable(b, r)
	if c.initial && isNew {
		m.emit(Provisional{Status: r.Status, Tag: r.ToTag, SDP: r.SDP})
	}
}

// onOK takes the first 2xx to the INVITE (RFC 3261 section 13.2.2.4).
func (m *Machine) onOK(c *clientInvite, r *Response) {
	b := m.fork(r)
	m.dropOthers(b)
	m.ours, m.d = nil, b
	m.timers.stop(tooEarly)
	m.timers.stop(giveUpInvite)
	switch {
	case b.hungUp: // its BYE overtook its 2xx
		m.ackAndLeave(b, r)
		m.end(Bye, 0)
	case m.state == ended: // it crossed our CANCEL
		m.ackAndLeave(b, r)
		m.sendBye(c.cancel)
	default:
		m.state = accepted
		m.takeTimer(&r.Timer)
		m.establish(b, r)
	}
}

// dropOthers lets go of the branches that lost. An offer of ours to one of them
// is made to the winner.
func (m *Machine) dropOthers(winner *branch) {
	for _, b := range m.forks {
		if b == winner {
			continue
		}
		if m.sent != nil && b.talk == offering && b.in == inUpdate {
			m.offerLater(0)
		}
		m.drop(b)
	}
}

// establish completes offer and answer and sends the ACK, at once or when the
// application has answered a late offer.
func (m *Machine) establish(b *branch, r *Response) {
	switch {
	case b.talk == offering && b.in == inInvite:
		sdp := r.SDP
		if sdp == nil {
			sdp = b.remote // all we have is what an unreliable 1xx said
		}
		if sdp == nil {
			m.noSession(b, r)
			return
		}
		m.ack(b, r.CSeq, nil)
		m.answered(b, sdp, Answered{})
	case b.talk == fresh && r.SDP == nil:
		m.noSession(b, r)
		return
	case b.talk == fresh:
		m.ask(b, inOK, &Request{Method: INVITE, Header: r.Header})
		return
	default: // a reliable 1xx has settled it
		m.ack(b, r.CSeq, nil)
	}
	m.confirm()
}

// noSession ends a call that was accepted without a session description.
func (m *Machine) noSession(b *branch, r *Response) {
	m.ackAndLeave(b, r)
	m.sendBye(&Hangup{Reason: `SIP;cause=488;text="no session description"`})
	m.end(NoSession, 0)
}

// ack acknowledges a 2xx, and keeps the ACK for its repeats (RFC 6026 section
// 8.5: for as long as they may come).
func (m *Machine) ack(b *branch, seq uint32, sdp []byte) {
	r := Request{Method: ACK}
	r.CSeq, r.SDP = seq, sdp
	r = m.send(b, r)
	if seq != m.invited.CSeq { // an earlier re-INVITE was over before this one began
		m.acks = slices.DeleteFunc(m.acks, func(a Request) bool { return a.CSeq != m.invited.CSeq })
	}
	m.acks = append(m.acks, r)
	m.start(forgetAcks, Lifetime)
}

// ackAndLeave acknowledges a 2xx of which nothing shall come. An offer in it
// gets the answer that it must have: that nothing of it is wanted.
func (m *Machine) ackAndLeave(b *branch, r *Response) {
	var sdp []byte
	if b.talk == fresh {
		sdp = declined(r.SDP)
	}
	m.ack(b, r.CSeq, sdp)
}

// onOKAgain takes a 2xx that is not the first: a repeat gets the same ACK
// again, that of another branch is acknowledged and hung up.
func (m *Machine) onOKAgain(r *Response) {
	for i := range m.acks {
		if a := &m.acks[i]; a.CSeq == r.CSeq && a.ToTag == r.ToTag {
			again := *a
			again.Again = true
			m.emit(again)
			return
		}
	}
	if !m.mayFork(r) {
		return
	}
	b := m.fork(r)
	m.ackAndLeave(b, r)
	if !b.hungUp {
		m.send(b, Request{Method: BYE, Reason: `SIP;cause=200;text="answered elsewhere"`})
	}
}

// mayFork tells whether a 2xx can be that of another branch: the INVITE has been
// accepted, and not too long ago.
func (m *Machine) mayFork(r *Response) bool {
	lately := m.state == accepted || m.timers.set(forgetAcks)
	return m.caller && m.d != nil && r.ToTag != m.d.tag && r.CSeq == m.invited.CSeq && lately && len(m.acks) <= maxForks
}

// onRejected takes the failure of the INVITE, acknowledged by its transaction.
func (m *Machine) onRejected(c *clientInvite, r *Response) {
	m.dropOthers(nil)
	m.ours, m.forks = nil, nil
	m.timers.stop(giveUpInvite)
	if m.state == ended {
		return
	}
	if m.tryAgain(r, &c.tries) {
		c.req.CSeq++
		m.sendInvite(c)
		return
	}
	switch {
	case r.Local && r.Status == 408:
		m.end(Unanswered, r.Status)
	case r.Local:
		m.end(Unreachable, r.Status)
	default:
		m.end(Rejected, r.Status)
	}
}

// tryAgain tells whether a request that was refused is worth another try:
// with credentials, or a longer session interval (RFC 4028 section 7.4).
func (m *Machine) tryAgain(r *Response, tries *int) bool {
	if *tries++; *tries >= maxTries {
		return false
	}
	return r.Retry || r.Status == 422 && m.raiseInterval(r.Timer.Min)
}

// cancelInvite gives up an INVITE (RFC 3261 section 9.1): CANCEL follows a
// provisional response, and the final one is awaited, but not for ever.
func (m *Machine) cancelInvite(h *Hangup) {
	c := m.ours
	c.cancel = h
	m.start(giveUpInvite, Lifetime)
	if c.proceeding {
		m.sendCancel(c)
	}
}

func (m *Machine) sendCancel(c *clientInvite) {
	if c.cancelled {
		return
	}
	c.cancelled = true
	r := Request{Method: CANCEL, Target: c.req.Target, Reason: c.cancel.Reason, Headers: c.cancel.Headers}
	r.CSeq, r.FromTag, r.ToTag, r.Routes = c.req.CSeq, c.req.FromTag, c.req.ToTag, c.req.Routes
	m.emit(r)
	m.start(giveUpInvite, Lifetime)
}

// abandon: the INVITE that we cancelled gets no final response.
func (m *Machine) abandon() {
	c := m.ours
	m.ours, m.forks = nil, nil
	m.emit(Abandon{c.req.CSeq})
	if !c.initial && m.state != ended {
		m.d.agree()
		m.offerFailed(487)
	}
}
