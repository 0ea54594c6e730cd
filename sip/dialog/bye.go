package dialog

// hangup ends the call at the application's wish.
func (m *Machine) hangup(h *Hangup) bool {
	if m.state == idle {
		return false
	}
	m.terminate(h, HungUp, 0)
	if h.Now && m.bye != nil {
		m.sendBye(m.bye)
	}
	return true
}

// terminate ends the call by what its state requires.
func (m *Machine) terminate(h *Hangup, why Cause, status int) {
	switch m.state {
	case idle, ended:
		return
	case early:
		if m.caller {
			m.cancelInvite(h)
		} else {
			m.reject(h)
		}
	case accepted:
		if m.caller { // a late offer without our answer
			m.ack(m.d, m.invited.CSeq, declined(m.d.asking.SDP))
			m.sendBye(h)
		} else {
			// A callee must not send BYE before the ACK or the end of the wait
			// for it (RFC 3261 section 15).
			m.bye = h
		}
	case confirmed:
		m.sendBye(h)
	}
	m.end(why, status)
}

// reject refuses the INVITE that opened the dialog.
func (m *Machine) reject(h *Hangup) {
	status := h.Status
	if status < 300 {
		status = 603
	}
	r := m.theirs.req
	m.theirs = nil
	m.stopProvisional()
	m.refuse(&r, Response{Status: status, Phrase: h.Phrase, Reason: h.Reason, Headers: h.Headers})
}

// sendBye ends the dialog (RFC 3261 section 15.1.1).
func (m *Machine) sendBye(h *Hangup) {
	m.bye = nil
	m.settle()
	if m.ours != nil { // a re-INVITE: its 2xx must be acknowledged
		m.start(giveUpInvite, Lifetime)
	}
	for _, r := range m.d.queue { // what the far side learns now or never
		if r.Method == NOTIFY {
			m.send(m.d, r)
		}
	}
	m.d.queue = nil
	m.sayBye(Request{Method: BYE, Reason: h.Reason, Headers: h.Headers})
}

func (m *Machine) sayBye(r Request) {
	r = m.send(m.d, r)
	m.byed = &r
	m.start(giveUpBye, Lifetime)
}

// onByeResponse takes the end of our BYE, whatever it says, unless it wants
// credentials.
func (m *Machine) onByeResponse(r *Response) {
	if m.byed == nil || r.provisional() || r.CSeq != m.byed.CSeq || r.ToTag != m.byed.ToTag {
		return
	}
	again := *m.byed
	m.byed = nil
	m.timers.stop(giveUpBye)
	if again.tries++; r.Retry && again.tries < maxTries {
		m.sayBye(again)
	}
}

// onBye takes their BYE (RFC 3261 section 15.1.2), also before the ACK of our
// 2xx or in place of it (RFC 5407 section 3.1.3).
func (m *Machine) onBye(b *branch, r *Request) {
	m.refuse(r, Response{Status: 200})
	if m.d == nil { // before their 2xx: it is lost, or overtaken
		m.drop(b)
		b.hungUp = true
		return
	}
	m.settle()
	if m.ours != nil {
		m.start(giveUpInvite, Lifetime)
	}
	if m.caller && m.state == accepted { // their 2xx has a right to its ACK
		m.ack(m.d, m.invited.CSeq, declined(m.d.asking.SDP))
	}
	m.end(Bye, 0)
}
