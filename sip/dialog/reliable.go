package dialog

import "time"

// repeatInterval is how often a callee says again that it is still there:
// proxies forget an INVITE after three minutes (RFC 3261 section 13.3.1.1).
const repeatInterval = time.Minute

// maxProvisions bounds the reliable responses that wait for the one before.
const maxProvisions = 8

// provisions is what a callee has said so far.
type provisions struct {
	said    int        // last status
	waiting []Response // reliable ones, SDP set if they shall carry ours
}

// reliable is our provisional response that waits for its PRACK (RFC 3262
// section 3).
type reliable struct {
	res  *Response
	seq  uint32 // last RSeq
	wait time.Duration
}

// provision sends a provisional response. It is reliable when the caller
// requires it, and when it carries a session description and the caller
// supports it.
func (m *Machine) provision(status int, sdp []byte) bool {
	if m.caller || m.state != early || m.accepting {
		return false
	}
	s, d := m.theirs, m.d
	if sdp != nil && d.local == nil {
		d.local = sdp
	}
	res := m.response(&s.req, status)
	if sdp != nil && d.talk != agreed && d.talk != offering {
		res.SDP = d.local
	}
	m.said = status
	m.start(repeatProvisional, repeatInterval)
	required := s.req.Require&Rel100 != 0
	if required || res.SDP != nil && s.req.Supported&Rel100 != 0 {
		if len(m.waiting) < maxProvisions {
			m.waiting = append(m.waiting, res)
		}
		return true
	}
	if d.talk == fresh {
		res.SDP = nil // an offer must be made reliably
	}
	m.emit(res)
	return true
}

// repeatProvisional says again what was said last.
func (m *Machine) repeatProvisional() { m.provision(m.said, nil) }

// proceedProvisions sends the next reliable response: one at a time.
func (m *Machine) proceedProvisions() {
	if len(m.waiting) == 0 || m.reliable.res != nil || m.state != early {
		return
	}
	res := m.waiting[0]
	m.waiting = m.waiting[1:]
	d := m.d
	switch {
	case res.SDP == nil:
	case d.talk == asked && d.in == inInvite:
		d.agree()
	case d.talk == fresh:
		d.talk, d.in = offering, inProvisional
	default:
		res.SDP = nil // an earlier one carried it
	}
	if m.reliable.seq == 0 {
		m.reliable.seq = uint32(m.draw(1 << 30)) //nolint:gosec // positive
	}
	m.reliable.seq++
	res.RSeq, res.Require = m.reliable.seq, Rel100
	m.reliable.res, m.reliable.wait = &res, T1
	m.emit(res)
	m.start(resendProvisional, T1)
	m.start(giveUpProvisional, Lifetime)
}

func (m *Machine) resendProvisional() {
	m.reliable.res.Again = true
	m.emit(*m.reliable.res)
	m.reliable.wait *= 2
	m.start(resendProvisional, m.reliable.wait)
}

// stopProvisional stops the repeats when the INVITE has its final response. The
// PRACK may still come (RFC 3262 section 3).
func (m *Machine) stopProvisional() {
	m.timers.stop(resendProvisional)
	if m.reliable.res != nil {
		m.start(giveUpProvisional, Lifetime)
	}
}

// noPRACK gives up on the PRACK (RFC 3262 section 3: a 5xx).
func (m *Machine) noPRACK() {
	m.timers.stop(resendProvisional)
	m.reliable.res = nil
	if m.state == early {
		m.terminate(&Hangup{Status: 504, Phrase: "No PRACK"}, NoPRACK, 0)
	}
}

// acknowledge tells whether a PRACK is for the response that waits for one, and
// ends its wait.
func (m *Machine) acknowledge(r *Request) bool {
	res := m.reliable.res
	if res == nil || r.RAck != (RAck{RSeq: res.RSeq, CSeq: res.CSeq, Method: INVITE}) {
		return false
	}
	m.reliable.res = nil
	m.timers.stop(resendProvisional)
	m.timers.stop(giveUpProvisional)
	return true
}

// onPRACK takes the acknowledgement of a reliable response, and the answer or
// offer in it (RFC 3262 sections 3 and 5).
func (m *Machine) onPRACK(b *branch, r *Request) {
	switch {
	case !m.acknowledge(r):
		m.refuse(r, Response{Status: 481})
	case b.talk == offering && b.in == inProvisional && r.SDP == nil:
		m.refuse(r, Response{Status: 400, Phrase: "Answer Missing"})
		m.terminate(&Hangup{Status: 488}, NoSession, 0)
	case b.talk == offering && b.in == inProvisional:
		m.refuse(r, Response{Status: 200})
		m.answered(b, r.SDP, Answered{})
	case r.SDP != nil && b.talk == agreed:
		m.ask(b, inPRACK, r)
	case r.SDP != nil:
		m.refuse(r, Response{Status: 400, Phrase: "Offer Not Answered Yet"})
	default:
		m.refuse(r, Response{Status: 200})
	}
}

// onReliable takes a provisional response to our INVITE and acknowledges it if
// it is a reliable one, in order (RFC 3262 section 4); false: it is a repeat, or
// one before it was lost and will come again.
func (m *Machine) onReliable(b *branch, r *Response) bool {
	if r.RSeq == 0 || r.Require&Rel100 == 0 {
		if r.SDP != nil && b.talk == offering && b.in == inInvite {
			b.remote = r.SDP // a preview: the 2xx repeats it
		}
		return true
	}
	if b.rseq != 0 && r.RSeq != b.rseq+1 {
		return false
	}
	b.rseq = r.RSeq
	prack := Request{Method: PRACK, RAck: RAck{RSeq: r.RSeq, CSeq: r.CSeq, Method: INVITE}}
	switch {
	case r.SDP != nil && b.talk == fresh: // a late offer: the PRACK answers
		m.ask(b, inProvisional, &Request{Method: PRACK, Header: r.Header, RAck: prack.RAck})
		return true
	case r.SDP != nil && b.talk == offering && b.in == inInvite:
		m.answered(b, r.SDP, Answered{})
	case r.SDP != nil && b.talk == offering && b.in == inReinvite:
		b.agree()
		m.sent.answer = r.SDP
	}
	b.enqueue(prack)
	return true
}
