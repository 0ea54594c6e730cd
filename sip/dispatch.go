package sip

import (
	"hash/maphash"
	"strconv"

	gosip "github.com/emiago/sipgo/sip"

	"filo/sip/transaction"
	"filo/sip/transport"
)

// core is the user agent as the transaction layer sees it: the UAS core of RFC
// 3261 section 8.2. Its methods run in the goroutine that reads the socket, so
// that messages are served in their order of arrival.
type core struct{ *UA }

// Request serves a request that is not a retransmission, an ACK or a CANCEL.
func (u core) Request(tx *transaction.Server) {
	defer func() {
		if r := recover(); r != nil {
			u.caught(r, "")
			u.refuse(tx, statusServerError, "")
		}
	}()
	if bad := checkRequest(tx.Request()); bad.code != 0 {
		u.met.reject(rejectMalformed)
		u.refuse(tx, bad.code, bad.reason, bad.headers...)
		return
	}
	u.route(tx)
}

// ACK serves the ACK of a 2xx.
func (u core) ACK(_ transport.Flow, ack *gosip.Request) {
	if checkRequest(ack).code != 0 {
		return
	}
	if l := u.legOf(ack); l != nil {
		l.turn(func() { l.onACK(ack) })
	}
}

// Closed forgets what went by a connection.
func (u core) Closed(f transport.Flow, _ error) {
	u.dialled.remove(f)
	u.reg.dropFlow(f)
}

func (u *UA) route(tx *transaction.Server) {
	req := tx.Request()
	if tagOf(req.To()) != "" {
		u.routeInDialog(tx)
		return
	}
	switch req.Method {
	case gosip.INVITE:
		u.serveInvite(tx)
	case gosip.REGISTER:
		u.serveRegister(tx)
	default:
		u.serveOther(tx)
	}
}

// serveOther serves what needs no proof of who asks. A stranger gets no answer,
// so that a scanner finds nobody: who has neither a trunk nor a phone here.
func (u *UA) serveOther(tx *transaction.Server) {
	if !u.knows(tx) {
		u.met.reject(rejectStranger)
		tx.Ignore()
		return
	}
	switch tx.Request().Method {
	case gosip.OPTIONS:
		u.serveOptions(tx)
	case gosip.BYE, gosip.INFO, gosip.UPDATE, gosip.PRACK:
		u.met.reject(rejectNoDialog)
		u.refuse(tx, statusNoDialog, "")
	default:
		u.met.reject(rejectMethod)
		u.refuse(tx, statusMethodNotAllowed, "", "Allow", allowedMethods)
	}
}

func (u *UA) routeInDialog(tx *transaction.Server) {
	req := tx.Request()
	if l := u.legOf(req); l != nil {
		l.turn(func() { l.onRequest(tx) })
		return
	}
	if req.Method == gosip.BYE && u.legs.wasOurs(tagOf(req.To())) {
		u.refuse(tx, statusOK, "")
		return
	}
	u.met.reject(rejectNoDialog)
	u.refuse(tx, statusNoDialog, "")
}

// legOf finds the dialog of a request: its To-tag is our tag.
func (u *UA) legOf(req *gosip.Request) *Leg {
	l := u.legs.get(tagOf(req.To()))
	if l == nil || l.info.CallID != req.CallID().Value() {
		return nil
	}
	return l
}

func (u *UA) serveOptions(tx *transaction.Server) {
	if u.draining.Load() {
		u.refuse(tx, statusOverloaded, "", "Retry-After", "10")
		return
	}
	u.refuse(tx, statusOK, "", "Allow", allowedMethods, "Accept", "application/sdp", "Supported", supportedExt)
}

// response builds a response with further headers given as name, value, ...
func (u *UA) response(tx *transaction.Server, code int, reason string, headers ...string) *gosip.Response {
	if reason == "" {
		reason = reasonPhrase(code)
	}
	res := tx.NewResponse(code, reason)
	for i := 0; i+1 < len(headers); i += 2 {
		res.AppendHeader(gosip.NewHeader(headers[i], headers[i+1]))
	}
	res.AppendHeader(gosip.NewHeader("Server", u.cfg.UserAgent))
	return res
}

// refuse sends a final response without a body; of any class.
func (u *UA) refuse(tx *transaction.Server, code int, reason string, headers ...string) {
	u.reply(tx, u.response(tx, code, reason, headers...))
}

func (u *UA) reply(tx *transaction.Server, res *gosip.Response) {
	if err := tx.Respond(res); err != nil {
		u.log.Debug("response not sent", "code", res.StatusCode, "err", err)
	}
}

// toTag is the tag that all our responses to a request without one carry. It
// depends on Call-ID, From-tag and CSeq number only, so that a CANCEL and
// merged requests (RFC 3261 section 8.2.2.2) get the same one.
func (u *UA) toTag(req *gosip.Request) string {
	var h maphash.Hash
	h.SetSeed(u.tagSeed)
	if id := req.CallID(); id != nil {
		_, _ = h.WriteString(id.Value())
	}
	_ = h.WriteByte(0)
	_, _ = h.WriteString(tagOfFrom(req.From()))
	_ = h.WriteByte(0)
	if cseq := req.CSeq(); cseq != nil {
		_, _ = h.WriteString(strconv.FormatUint(uint64(cseq.SeqNo), 10))
	}
	return "f" + strconv.FormatUint(h.Sum64(), 36)
}

func tagOf(to *gosip.ToHeader) string {
	if to == nil {
		return ""
	}
	tag, _ := to.Params.Get("tag")
	return tag
}

func tagOfFrom(from *gosip.FromHeader) string {
	if from == nil {
		return ""
	}
	tag, _ := from.Params.Get("tag")
	return tag
}
