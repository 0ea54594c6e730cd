package dialog

import "time"

// onReinvite takes an INVITE within the dialog (RFC 3261 section 14.2).
func (m *Machine) onReinvite(b *branch, r *Request) {
	switch {
	case m.ours != nil || b.talk == offering: // glare
		m.refuse(r, Response{Status: 491})
		return
	case m.theirs != nil && m.theirs.ok == nil || b.talk != agreed:
		m.refuse(r, m.later())
		return
	}
	// Who sends another INVITE has had our 2xx, whatever became of its ACK (RFC
	// 5407 section 3.1.4).
	m.settle()
	m.confirm()
	m.theirs = &serverInvite{req: *r}
	if r.SDP != nil {
		m.ask(b, inReinvite, r)
		return
	}
	b.refreshTarget(&r.Header)
	m.acceptInvite(b.local) // they want an offer: ours as it stands
}

// onReinviteOK takes the 2xx to our re-INVITE. It is acknowledged even when the
// call is over (RFC 5407 section 3.2.3).
func (m *Machine) onReinviteOK(c *clientInvite, r *Response) {
	m.ours = nil
	m.timers.stop(giveUpInvite)
	b := m.d
	b.refreshTarget(&r.Header)
	m.ack(b, c.req.CSeq, nil)
	if m.state == ended {
		return
	}
	m.takeTimer(&r.Timer)
	m.offerOK(b, r.SDP)
}

// onReinviteRejected takes the failure of our re-INVITE: the session stays as
// it was, unless the far side has lost the dialog (RFC 3261 section 14.1).
func (m *Machine) onReinviteRejected(c *clientInvite, r *Response) {
	m.ours = nil
	m.timers.stop(giveUpInvite)
	switch {
	case m.state == ended:
	case gone(r):
		m.lost(r)
	case c.cancel != nil:
		m.d.agree()
		m.offerFailed(r.Status)
	default:
		m.offerRefused(m.d, r)
	}
}

// gone: the far side does not know the dialog, or does not answer (RFC 3261
// section 12.2.1.2, RFC 5057 section 5.1).
func gone(r *Response) bool { return r.Status == 481 || r.Status == 408 }

// lost ends a dialog that is gone at the far side.
func (m *Machine) lost(r *Response) {
	if m.d == nil && len(m.forks) > 1 {
		return // one branch of several
	}
	m.terminate(&Hangup{Status: 500}, Gone, r.Status)
}

// offerLater makes our offer again in d, unless a newer one waits already.
func (m *Machine) offerLater(d time.Duration) {
	if m.wanted == nil || m.wanted.refresh {
		m.wanted = m.sent
	}
	m.sent = nil
	m.start(retryOffer, d)
}

// glareWait is how long to wait after a 491: 2.1 to 4 s for the owner of the
// Call-ID, up to 2 s for the other (RFC 3261 section 14.1).
func (m *Machine) glareWait() time.Duration {
	const unit = 10 * time.Millisecond
	if m.caller {
		return time.Duration(210+m.draw(191)) * unit
	}
	return time.Duration(m.draw(201)) * unit
}
