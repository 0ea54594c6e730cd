package dialog

// onOwnResponse takes the response to a request of ours other than INVITE and
// BYE.
func (m *Machine) onOwnResponse(r *Response) {
	b := m.branch(r.ToTag)
	if b == nil || b.pending == nil || r.provisional() || b.pending.CSeq != r.CSeq || b.pending.Method != r.Method {
		return
	}
	p := b.pending
	b.pending = nil
	switch p.Method {
	case UPDATE:
		m.onUpdateResponse(b, p, r)
	case REFER:
		m.onReferResponse(p, r)
	case NOTIFY:
		m.onNotifyResponse(p, r)
	default:
		m.onPrackResponse(b, p, r)
	}
}

// again sends a request once more if the driver can satisfy the far side.
func (m *Machine) again(b *branch, p *Request, r *Response) bool {
	if !r.Retry || p.tries >= maxTries {
		return false
	}
	p.tries++
	b.queue = append([]Request{*p}, b.queue...)
	return true
}

// onPrackResponse takes the response to PRACK. Once the INVITE has its 2xx, it
// is of no interest.
func (m *Machine) onPrackResponse(b *branch, p *Request, r *Response) {
	if !m.again(b, p, r) && gone(r) && m.state == early {
		m.lost(r)
	}
}

// onUpdateResponse takes what the far side says to our UPDATE (RFC 3311
// section 5.1).
func (m *Machine) onUpdateResponse(b *branch, p *Request, r *Response) {
	switch {
	case r.success():
		b.refreshTarget(&r.Header)
		m.takeTimer(&r.Timer)
		if p.SDP != nil {
			m.offerOK(b, r.SDP)
		}
	case gone(r):
		m.lost(r)
	case m.again(b, p, r):
	case p.SDP != nil:
		if r.Status == 405 || r.Status == 501 {
			b.updates = false
		}
		m.offerRefused(b, r)
	default:
		m.onRefreshRefused(b, r)
	}
}

// onRefreshRefused tries to refresh the session in another way, or later.
func (m *Machine) onRefreshRefused(b *branch, r *Response) {
	switch {
	case r.Status == 405 || r.Status == 501: // by re-INVITE, then
		b.updates = false
		m.session.due = true
	case r.Status == 422 && m.raiseInterval(r.Timer.Min):
		m.session.due = true
	default:
		m.refreshLater()
	}
}
