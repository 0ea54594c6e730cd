package dialog

import "time"

// serverInvite is an INVITE of the far side until its ACK: the one that opened
// the dialog, or a re-INVITE.
type serverInvite struct {
	req     Request
	initial bool
	ok      *Response     // our 2xx, while it waits for its ACK
	late    bool          // the 2xx made the offer, so that the ACK answers
	wait    time.Duration // until the 2xx is repeated
}

// onInvite takes the INVITE that makes this machine a callee (RFC 3261 section
// 12.1.1).
func (m *Machine) onInvite(r *Request) {
	if r.Method != INVITE {
		m.refuse(r, Response{Status: 481})
		return
	}
	no := m.check(r)
	m.state = early
	m.d = &branch{
		tag: r.FromTag, target: r.Contact, routes: r.Routes, updates: r.Updates,
		localSeq: m.cfg.Seq, remoteSeq: r.CSeq,
	}
	if no.Status != 0 {
		m.refuse(r, no)
		m.end(Unacceptable, no.Status)
		return
	}
	if r.SDP != nil {
		m.d.talk, m.d.in, m.d.remote = asked, inInvite, r.SDP
	}
	m.theirs = &serverInvite{req: *r, initial: true}
	m.start(tooEarly, m.cfg.MaxEarly)
}

// answer accepts the call as soon as it may be.
func (m *Machine) answer(sdp []byte) bool {
	if m.caller || m.state != early || m.accepting {
		return false
	}
	if m.d.local == nil {
		m.d.local = sdp
	}
	m.accepting = m.d.local != nil
	return m.accepting
}

// proceedAnswer sends the 2xx, unless a reliable provisional response with a
// session description waits for its PRACK (RFC 3262 section 3) or an offer made
// since the first is open (RFC 6337 section 2.3).
func (m *Machine) proceedAnswer() {
	if !m.accepting || m.reliable.res != nil && m.reliable.res.SDP != nil {
		return
	}
	d := m.d
	if d.talk == offering || d.talk == asked && d.in != inInvite {
		return
	}
	m.accepting = false
	m.waiting = nil
	m.stopProvisional()
	m.timers.stop(tooEarly)
	m.timers.stop(repeatProvisional)
	m.state = accepted
	var sdp []byte
	if d.talk != agreed {
		sdp = d.local
	}
	m.acceptInvite(sdp)
}

// acceptInvite sends 200 and repeats it until the ACK (RFC 3261 section
// 13.3.1.4).
func (m *Machine) acceptInvite(sdp []byte) {
	s, d := m.theirs, m.d
	res := m.response(&s.req, 200)
	res.SDP = sdp
	m.grant(&s.req, &res)
	switch d.talk {
	case fresh, agreed:
		if sdp != nil {
			d.talk, d.in, s.late = offering, inOK, true
		}
	case asked:
		d.agree()
	case offering:
	}
	s.ok, s.wait = &res, T1
	m.emit(res)
	m.start(resendOK, s.wait)
	m.start(giveUpOK, Lifetime)
}

func (m *Machine) resendOK() {
	s := m.theirs
	s.ok.Again = true
	m.emit(*s.ok)
	s.wait = min(2*s.wait, T2)
	m.start(resendOK, s.wait)
}

// noACK gives up on the ACK: the session is not there (RFC 3261 section
// 13.3.1.4, and 14.2 for a re-INVITE).
func (m *Machine) noACK() {
	h := m.bye
	if h == nil {
		h = &Hangup{Reason: `SIP;cause=408;text="no ACK"`}
	}
	m.sendBye(h)
	m.end(NoACK, 0)
}

// onACK takes the ACK of our 2xx.
func (m *Machine) onACK(r *Request) {
	s := m.theirs
	if s == nil || s.ok == nil || r.CSeq != s.req.CSeq || r.FromTag != m.d.tag {
		return
	}
	m.settle()
	switch {
	case m.state == ended:
		if m.bye != nil {
			m.sendBye(m.bye)
		}
		return
	case s.late && r.SDP == nil && s.initial: // no answer, no session
		m.sendBye(&Hangup{Reason: `SIP;cause=488;text="no answer in ACK"`})
		m.end(NoSession, 0)
		return
	case s.late && m.d.talk == offering:
		m.answered(m.d, r.SDP, Answered{Refresh: !s.initial})
	}
	m.confirm()
}

// confirm: 2xx and ACK were exchanged.
func (m *Machine) confirm() {
	if m.state != accepted {
		return
	}
	m.state = confirmed
	m.start(tooLong, m.cfg.MaxDuration)
	m.emit(Confirmed{})
}

// onCancel takes the CANCEL of an INVITE that the driver found; after a final
// response it has no effect (RFC 3261 section 9.2). Without a transaction the
// driver has answered it already.
func (m *Machine) onCancel(r *Request) {
	if r.Tx != nil {
		m.refuse(r, Response{Status: 200})
	}
	s := m.theirs
	if s == nil || s.ok != nil || r.CSeq != s.req.CSeq {
		return
	}
	m.settle()
	if s.initial {
		m.end(Cancelled, 0)
	}
}

// settle ends the wait for an ACK, or refuses an INVITE that was not answered
// yet and never will be.
func (m *Machine) settle() {
	s := m.theirs
	if s == nil {
		return
	}
	m.theirs = nil
	m.timers.stop(resendOK)
	m.timers.stop(giveUpOK)
	if s.ok != nil {
		return
	}
	m.refuse(&s.req, Response{Status: 487})
	if m.d.talk == asked && m.d.in == inReinvite {
		m.d.agree()
	}
	m.stopProvisional()
}
