package dialog

import (
	"slices"
	"time"
)

// onRequest takes a request received.
func (m *Machine) onRequest(r *Request) {
	switch {
	case r.Method == ACK:
		m.onACK(r)
	case m.state == idle:
		m.onInvite(r)
	case r.Method == CANCEL:
		m.onCancel(r)
	default:
		m.onWithin(r)
	}
}

// onWithin takes a request within a dialog (RFC 3261 section 12.2.2).
func (m *Machine) onWithin(r *Request) {
	b := m.branch(r.FromTag)
	switch {
	case b == nil, m.d != nil && b != m.d:
		m.onStray(b, r)
	case m.state == ended:
		m.onLate(b, r)
	case r.CSeq <= b.remoteSeq:
		m.refuse(r, Response{Status: 500, Phrase: "Out Of Order"})
	default:
		b.remoteSeq = r.CSeq
		if no := m.check(r); no.Status != 0 {
			m.refuse(r, no)
			return
		}
		m.serve(b, r)
	}
}

// serve takes a request whose turn it is.
func (m *Machine) serve(b *branch, r *Request) {
	switch r.Method {
	case BYE:
		m.onBye(b, r)
	case INVITE:
		m.onReinvite(b, r)
	case UPDATE:
		m.onUpdate(b, r)
	case PRACK:
		m.onPRACK(b, r)
	case REFER:
		m.onRefer(b, r)
	case NOTIFY:
		m.onNotify(r)
	default:
		m.emit(Passed{*r})
	}
}

// check finds what no state of the dialog makes acceptable; Status is 0 if
// there is nothing.
func (m *Machine) check(r *Request) Response {
	switch {
	case len(r.Unknown) > 0: // RFC 3261 section 8.2.2.3
		return Response{Status: 420, Unsupported: slices.Clone(r.Unknown)}
	case m.state == idle && m.cfg.Require&^(r.Supported|r.Require) != 0: // section 21.4.16
		return Response{Status: 421, Header: Header{Require: m.cfg.Require &^ (r.Supported | r.Require)}}
	case m.tooBrief(r):
		return Response{Status: 422, Header: Header{Timer: SessionTimer{Min: m.cfg.MinSession}}}
	}
	return Response{Status: r.Refuse}
}

// onStray takes a request of a branch that is not the dialog. A branch of which
// nothing was heard may still say goodbye: its 2xx was lost or overtaken.
func (m *Machine) onStray(b *branch, r *Request) {
	if r.Method != BYE || b == nil && m.ours == nil {
		m.refuse(r, Response{Status: 481})
		return
	}
	if b == nil {
		b = m.newBranch(r.FromTag)
	}
	b.hungUp = true
	m.refuse(r, Response{Status: 200})
}

// onLate takes a request within a dialog that has ended. BYE crossed BYE, and
// both are fine (RFC 5407 section 3.2.1); anything else has no dialog any more.
func (m *Machine) onLate(b *branch, r *Request) {
	switch {
	case r.Method == BYE:
		m.refuse(r, Response{Status: 200})
		m.settle()
		m.bye = nil
	case r.Method == PRACK && m.acknowledge(r): // RFC 3262 section 3
		res := m.response(r, 200)
		if b.talk == agreed {
			res.SDP = declined(r.SDP)
		}
		m.emit(res)
	default:
		m.refuse(r, Response{Status: 481})
	}
}

// onUpdate takes UPDATE (RFC 3311 section 5.2).
func (m *Machine) onUpdate(b *branch, r *Request) {
	switch {
	case r.SDP == nil:
		m.respondUpdate(b, r, nil)
	case b.talk == offering:
		m.refuse(r, Response{Status: 491})
	case b.talk != agreed:
		m.refuse(r, m.later())
	default:
		m.ask(b, inUpdate, r)
	}
}

// respondUpdate accepts UPDATE, which refreshes target and session.
func (m *Machine) respondUpdate(b *branch, r *Request, sdp []byte) {
	b.refreshTarget(&r.Header)
	res := m.response(r, 200)
	res.SDP = sdp
	m.grant(r, &res)
	m.emit(res)
}

// later asks for the request to be made again (RFC 3261 section 14.2).
func (m *Machine) later() Response {
	return Response{Status: 500, RetryAfter: time.Duration(1+m.draw(10)) * time.Second}
}

// refuse answers a request with what is given, and no more.
func (m *Machine) refuse(r *Request, res Response) {
	full := m.response(r, res.Status)
	full.Phrase, full.Unsupported, full.RetryAfter, full.Reason = res.Phrase, res.Unsupported, res.RetryAfter, res.Reason
	full.Headers = res.Headers
	full.Require, full.Timer = res.Require, res.Timer
	m.emit(full)
}

// response begins a response.
func (m *Machine) response(r *Request, status int) Response {
	res := Response{Status: status, Method: r.Method, Tx: r.Tx}
	res.CSeq, res.FromTag, res.ToTag = r.CSeq, r.FromTag, m.cfg.Tag
	return res
}
