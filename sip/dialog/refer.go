package dialog

import "time"

// subscription is the implicit one of a REFER (RFC 3515 section 2.4.4). There
// is one in each direction at most.
type subscription struct {
	active bool
	id     uint32 // CSeq of the REFER; 0: not sent yet
}

// referTime is how long a transfer that the far side asked for may take.
const referTime = 3 * time.Minute

// onRefer takes the wish of the far side that we call somebody else: it is
// accepted, and the first NOTIFY says so (RFC 3515 section 2.4.4).
func (m *Machine) onRefer(b *branch, r *Request) {
	switch {
	case r.ReferTo == "": // section 2.4.2
		m.refuse(r, Response{Status: 400, Phrase: "Bad Refer-To"})
		return
	case m.refer.active || m.state == early:
		m.refuse(r, Response{Status: 491})
		return
	}
	m.refuse(r, Response{Status: 202})
	m.refer = subscription{active: true, id: r.CSeq}
	m.start(subscribed, referTime)
	m.notify(100)
	m.emit(Transferred{*r})
}

// notify reports on the transfer. Only the newest report is worth waiting.
func (m *Machine) notify(status int) bool {
	if !m.refer.active || status < 100 || status > 699 {
		return false
	}
	r := Request{Method: NOTIFY, Event: m.refer.id, Status: status, Final: status >= 200}
	if r.Final {
		m.refer = subscription{}
		m.timers.stop(subscribed)
	} else {
		r.Expires = m.timers[subscribed].Sub(m.now)
	}
	if n := len(m.d.queue); n > 0 && m.d.queue[n-1].Method == NOTIFY {
		m.d.queue[n-1] = r
		return true
	}
	return m.d.enqueue(r)
}

// unsubscribe: the transfer takes too long.
func (m *Machine) unsubscribe() { m.notify(408) }

// onNotifyResponse takes a failure as the end of the subscription, not of the
// dialog (RFC 5057 section 5.3).
func (m *Machine) onNotifyResponse(p *Request, r *Response) {
	if m.again(m.d, p, r) || r.success() || m.refer.id != p.Event {
		return
	}
	m.refer = subscription{}
	m.timers.stop(subscribed)
}

// sendRefer asks the far side to call somebody else.
func (m *Machine) sendRefer(ev *Refer) bool {
	if m.state != confirmed || m.transfer.active {
		return false
	}
	if !m.d.enqueue(Request{Method: REFER, ReferTo: ev.To, Headers: ev.Headers}) {
		return false
	}
	m.transfer = subscription{active: true}
	return true
}

func (m *Machine) onReferResponse(p *Request, r *Response) {
	switch {
	case m.again(m.d, p, r):
	case r.success():
		if m.transfer.active { // else a NOTIFY said already how it ended
			m.transfer.id = p.CSeq
			m.start(transferring, Lifetime)
		}
	default:
		m.endTransfer(r.Status)
		if gone(r) {
			m.lost(r)
		}
	}
}

// onNotify takes news of our REFER, which may overtake its response.
func (m *Machine) onNotify(r *Request) {
	if !m.transfer.active || r.Event != 0 && r.Event != m.referSeq() {
		m.refuse(r, Response{Status: 481})
		return
	}
	m.refuse(r, Response{Status: 200})
	if r.Final {
		m.endTransfer(r.Status)
		return
	}
	m.emit(Transfer{Status: r.Status})
	m.start(transferring, max(r.Expires, Lifetime))
}

// referSeq is the CSeq of our REFER.
func (m *Machine) referSeq() uint32 {
	if p := m.d.pending; m.transfer.id == 0 && p != nil && p.Method == REFER {
		return p.CSeq
	}
	return m.transfer.id
}

// endTransfer tells how our REFER ended.
func (m *Machine) endTransfer(status int) {
	if m.transfer.active {
		m.emit(Transfer{Status: status, Final: true})
	}
	m.transfer = subscription{}
	m.timers.stop(transferring)
}
