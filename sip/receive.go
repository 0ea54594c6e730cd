package sip

import (
	"errors"
	"net/netip"
	"strconv"
	"strings"
	"time"

	gosip "github.com/emiago/sipgo/sip"

	"filo/sip/dialog"
	"filo/sip/transaction"
	"filo/sip/transport"
)

// onRequest serves a request within the dialog, in order of arrival.
func (l *Leg) onRequest(tx *transaction.Server) {
	h := l.u.hopOf(tx.Flow())
	if h.user != "" && l.hop.user != "" && h.user != l.hop.user {
		l.u.met.reject(rejectForbidden)
		l.u.refuse(tx, statusForbidden, "") // somebody else's session
		return
	}
	l.followFlow(h)
	l.source = tx.Flow().Remote()
	req := tx.Request()
	switch req.Method {
	case gosip.INVITE, gosip.REFER, gosip.BYE:
		l.carry(req)
	}
	l.apply(l.readRequest(tx))
}

// carry remembers the headers of a message that has some for us.
func (l *Leg) carry(req *gosip.Request) {
	if headers := passedHeaders(req, l.trunk); headers != nil {
		l.headers = headers
	}
}

// onACK takes the ACK of our 2xx.
func (l *Leg) onACK(ack *gosip.Request) {
	r := dialog.Request{Method: dialog.ACK, Header: l.readHeader(ack, ack.From(), ack.To())}
	r.SDP = descriptionOf(ack)
	l.apply(r)
}

// onCancel takes the CANCEL of an INVITE; the transaction layer has answered it.
func (l *Leg) onCancel(tx *transaction.Server) {
	req := tx.Request()
	l.apply(dialog.Request{Method: dialog.CANCEL, Header: l.readHeader(req, req.From(), req.To())})
}

// followFlow moves the dialog to the connection by which the same user came
// back (RFC 7118: a browser keeps its dialogs over a reconnect).
func (l *Leg) followFlow(h hop) {
	if !h.bound || h.flow == l.hop.flow {
		return
	}
	if h.user == "" {
		h.user = l.hop.user
	}
	h.addr = l.hop.addr
	l.hop = h
}

// readRequest makes of a request what the machine reads.
func (l *Leg) readRequest(tx *transaction.Server) dialog.Request {
	req := tx.Request()
	r := dialog.Request{Method: dialog.Method(req.Method), Tx: tx, Header: l.readHeader(req, req.From(), req.To())}
	switch req.Method {
	case gosip.INVITE:
		r.Routes = readRoutes(req)
		l.readSession(&r, req)
	case gosip.UPDATE:
		l.readSession(&r, req)
	case gosip.PRACK:
		r.RAck = readRAck(valueOf(req, "RAck"))
		r.SDP, r.Refuse = descriptionOf(req), checkSDP(req).code
	case gosip.REFER:
		r.ReferTo = valueOf(req, "Refer-To")
		if l.transfer == nil {
			r.Refuse = statusDecline
		}
	case gosip.NOTIFY:
		readNotify(&r, req)
	}
	return r
}

// readHeader reads what every message has.
func (l *Leg) readHeader(m message, from *gosip.FromHeader, to *gosip.ToHeader) dialog.Header {
	return dialog.Header{CSeq: m.CSeq().SeqNo, FromTag: tagOfFrom(from), ToTag: tagOf(to)}
}

// readSession reads what may change target and session: INVITE and UPDATE.
func (l *Leg) readSession(r *dialog.Request, req *gosip.Request) {
	l.readCommon(&r.Header, req)
	r.SDP, r.Refuse = descriptionOf(req), checkSDP(req).code
}

// readCommon reads what requests and responses share that make or change a
// dialog.
func (l *Leg) readCommon(h *dialog.Header, m message) {
	if c := contactOf(m); c != nil && !c.Address.Wildcard {
		h.Contact = l.know(&c.Address)
	}
	h.Supported = readExtensions(m, "supported")
	h.Require = readExtensions(m, "require")
	h.Updates = listed(m, "allow", "UPDATE")
	h.Timer = readTimer(m)
}

// readResponse makes of a response to a request of ours what the machine reads.
func (l *Leg) readResponse(x *exchange, res *gosip.Response) dialog.Response {
	r := dialog.Response{Status: res.StatusCode, Method: x.method, Header: l.readHeader(res, res.From(), res.To())}
	if x.tag != "" { // within a dialog: whatever the response says
		r.ToTag = x.tag
	}
	switch {
	case x.method == dialog.INVITE && res.StatusCode > 100 && res.StatusCode < 300:
		l.readCommon(&r.Header, res)
		r.Routes = readRoutes(res)
		r.SDP = descriptionOf(res)
		r.RSeq = readNumber(valueOf(res, "RSeq"))
	case x.method == dialog.UPDATE && res.IsSuccess():
		l.readCommon(&r.Header, res)
		r.SDP = descriptionOf(res)
	case res.StatusCode == 422:
		r.Timer = readTimer(res)
	case res.StatusCode == statusServerError:
		r.RetryAfter = time.Duration(min(readNumber(valueOf(res, "Retry-After")), 3600)) * time.Second
	}
	r.Retry = l.canProve(x, res)
	return r
}

// knownURI is a URI as the machine knows it, by its text.
type knownURI struct {
	text string
	uri  gosip.Uri
}

// know remembers a URI and returns its text; "" for one that would break out of
// the lines of our own messages.
func (l *Leg) know(uri *gosip.Uri) string {
	text := uri.String()
	if breaksOut(text) {
		return ""
	}
	if l.uris[0].text != text {
		l.uris[1] = l.uris[0]
		l.uris[0] = knownURI{text, *uri}
	}
	return text
}

// uri is the URI of a text.
func (l *Leg) uri(text string) gosip.Uri {
	for i := range l.uris {
		if l.uris[i].text == text {
			return l.uris[i].uri
		}
	}
	var uri gosip.Uri
	_ = gosip.ParseUri(text, &uri) // it was written by String
	return uri
}

// message is a request or response, as far as it is read here.
type message interface {
	gosip.Message
	headed
}

// descriptionOf is the session description in a message; nil: none.
func descriptionOf(m message) []byte {
	body := m.Body()
	if len(body) == 0 || mediaType(m) != "application/sdp" {
		return nil
	}
	return body
}

// readRoutes reads Record-Route.
func readRoutes(m message) []dialog.Route {
	var out []dialog.Route
	for _, h := range m.Headers() {
		rr, ok := h.(*gosip.RecordRouteHeader)
		if !ok || len(out) == maxRoutes {
			continue
		}
		if text := rr.Address.String(); !breaksOut(text) {
			out = append(out, dialog.Route{URI: text, Loose: rr.Address.UriParams.Has("lr")})
		}
	}
	return out
}

// maxRoutes bounds a route set.
const maxRoutes = 32

// valueOf is the value of a header; "" when there is none.
func valueOf(m message, name string) string {
	if h := header(m, name); h != nil {
		return h.Value()
	}
	return ""
}

// listed tells whether a header of a comma-separated list names an item.
func listed(m message, name, item string) bool {
	for h := range headers(m, name) {
		for v := range strings.SplitSeq(h.Value(), ",") {
			if strings.EqualFold(strings.TrimSpace(v), item) {
				return true
			}
		}
	}
	return false
}

// readExtensions reads the option tags that the machine knows.
func readExtensions(m message, name string) (out dialog.Extensions) {
	for h := range headers(m, name) {
		for v := range strings.SplitSeq(h.Value(), ",") {
			switch v = strings.TrimSpace(v); {
			case strings.EqualFold(v, "100rel"):
				out |= dialog.Rel100
			case strings.EqualFold(v, "timer"):
				out |= dialog.Timer
			}
		}
	}
	return out
}

// readNumber reads a number; 0 for what is none.
func readNumber(s string) uint32 {
	n, err := strconv.ParseUint(strings.TrimSpace(s), 10, 32)
	if err != nil {
		return 0
	}
	return uint32(n)
}

// readSeconds reads a delta-seconds with parameters behind it.
func readSeconds(s string) (time.Duration, string) {
	n, params, _ := strings.Cut(s, ";")
	return time.Duration(readNumber(n)) * time.Second, params
}

// readTimer reads Session-Expires and Min-SE (RFC 4028).
func readTimer(m message) (t dialog.SessionTimer) {
	expires, params := readSeconds(valueOf(m, "session-expires"))
	t.Expires = expires
	for p := range strings.SplitSeq(params, ";") {
		if name, value, _ := strings.Cut(strings.TrimSpace(p), "="); strings.EqualFold(name, "refresher") {
			t.Refresher = dialog.Refresher(strings.ToLower(value))
		}
	}
	t.Min, _ = readSeconds(valueOf(m, "min-se"))
	return t
}

// readRAck reads "RSeq CSeq METHOD" (RFC 3262 section 7.2).
func readRAck(s string) dialog.RAck {
	f := strings.Fields(s)
	if len(f) != 3 {
		return dialog.RAck{}
	}
	return dialog.RAck{RSeq: readNumber(f[0]), CSeq: readNumber(f[1]), Method: dialog.Method(f[2])}
}

// readNotify reads the news of a transfer (RFC 3515 section 2.4.5).
func readNotify(r *dialog.Request, req *gosip.Request) {
	event, params, _ := strings.Cut(valueOf(req, "Event"), ";")
	if !strings.EqualFold(strings.TrimSpace(event), "refer") {
		r.Refuse = statusBadEvent
		return
	}
	for p := range strings.SplitSeq(params, ";") {
		if name, value, _ := strings.Cut(strings.TrimSpace(p), "="); strings.EqualFold(name, "id") {
			r.Event = readNumber(value)
		}
	}
	state, params, _ := strings.Cut(valueOf(req, "Subscription-State"), ";")
	r.Final = strings.EqualFold(strings.TrimSpace(state), "terminated")
	for p := range strings.SplitSeq(params, ";") {
		if name, value, _ := strings.Cut(strings.TrimSpace(p), "="); strings.EqualFold(name, "expires") {
			r.Expires, _ = readSeconds(value)
		}
	}
	if f := strings.Fields(string(req.Body())); len(f) > 1 && strings.HasPrefix(f[0], "SIP/") {
		r.Status = int(readNumber(f[1]))
	}
}

// exchange is a client transaction of a leg.
type exchange struct {
	leg     *Leg
	method  dialog.Method
	seq     uint32
	tag     string // To-tag of the request; "" for the INVITE that opens the dialog
	goodbye bool   // the stop waits for its end
}

// Response takes what comes for the transaction.
func (x *exchange) Response(_ *transaction.Client, res *gosip.Response, f transport.Flow) {
	if cseq := res.CSeq(); cseq == nil || cseq.SeqNo != x.seq {
		return
	}
	x.leg.turn(func() { x.leg.onResponse(x, res, f.Remote()) })
	if !res.IsProvisional() {
		x.ended()
	}
}

// Failed takes the news that no final response will come.
func (x *exchange) Failed(_ *transaction.Client, err error) {
	x.leg.turn(func() { x.leg.onFailure(x, txError(err)) })
	x.ended()
}

func (x *exchange) ended() {
	if x.goodbye {
		x.goodbye = false
		x.leg.u.farewells.end()
	}
}

func (l *Leg) onResponse(x *exchange, res *gosip.Response, from netip.AddrPort) {
	r := l.readResponse(x, res)
	if x.method == dialog.INVITE {
		if from.IsValid() {
			l.source = from
		}
		if p := l.placed; p != nil && p.heard != nil {
			l.later(p.heard)
		}
		if res.StatusCode >= 300 {
			l.failure = &StatusError{Code: res.StatusCode, Reason: oneLine(res.Reason), contacts: redirection(res)}
		}
	}
	l.apply(r)
}

// onFailure stands in for the response that does not come (RFC 3261 section
// 8.1.3.1).
func (l *Leg) onFailure(x *exchange, err error) {
	r := dialog.Response{Status: statusOverloaded, Method: x.method, Local: true}
	r.CSeq, r.FromTag, r.ToTag = x.seq, l.id, x.tag
	if errors.Is(err, ErrTimeout) {
		r.Status = statusTimeout
	}
	if x.method == dialog.INVITE {
		l.failure = err
	}
	l.apply(r)
}
