package sip

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	gosip "github.com/emiago/sipgo/sip"

	"filo/sip/dialog"
	"filo/sip/transaction"
)

// send sends a request of the machine's.
func (l *Leg) send(r *dialog.Request) {
	switch r.Method {
	case dialog.ACK:
		l.sendACK(r)
	case dialog.CANCEL:
		req := transaction.NewCancel(l.invite.Request())
		l.appendGiven(req, r.Reason, r.Headers)
		l.u.fire(hop{flow: l.invite.Flow()}, req)
	default:
		l.request(r)
	}
}

// sendACK acknowledges a 2xx: no transaction, but the same message for every
// repeat of the 2xx.
func (l *Leg) sendACK(r *dialog.Request) {
	if r.Again {
		l.u.met.Resent("ack")
	}
	if !r.Again || l.ack == nil || l.ack.CSeq().SeqNo != r.CSeq || tagOf(l.ack.To()) != r.ToTag {
		l.route(r.Next)
		l.ack = l.build(r)
	}
	l.u.write(l.hop, l.ack)
}

// request begins a client transaction.
func (l *Leg) request(r *dialog.Request) {
	l.route(r.Next)
	req := l.build(r)
	x := &exchange{leg: l, method: r.Method, seq: r.CSeq, tag: r.ToTag, goodbye: r.Method == dialog.BYE}
	if x.goodbye {
		l.said = true
		l.u.farewells.begin()
	}
	tx, err := l.u.tx.Request(l.hop.flow, req, x)
	if err != nil {
		l.u.log.Debug("request not sent", "method", string(r.Method), "err", err)
		l.onFailure(x, txError(err))
		x.ended()
		return
	}
	if r.Method == dialog.INVITE {
		l.invite = tx
	}
}

// abandon ends our INVITE, which has no final response.
func (l *Leg) abandon() {
	if l.invite != nil {
		l.invite.Abandon()
	}
}

// route turns the hop to where a request goes, over the newest flow.
func (l *Leg) route(next string) {
	if next != l.next {
		l.next = next
		l.hop = l.u.toward(l.hop, nextHop(l.uri(next), nil, l.source))
	}
	l.hop = l.u.refreshed(l.hop)
}

// build makes the message of a request.
func (l *Leg) build(r *dialog.Request) *gosip.Request {
	var routes []gosip.Uri
	for _, route := range r.Routes {
		routes = append(routes, l.uri(route.URI))
	}
	from := &gosip.FromHeader{DisplayName: l.localName, Address: l.local, Params: tagParams(r.FromTag)}
	to := &gosip.ToHeader{Address: l.remote, Params: tagParams(r.ToTag)}
	req := l.u.newRequest(gosip.RequestMethod(r.Method), l.uri(r.Target), routes, l.hop, from, to, l.callID, r.CSeq)
	if r.Method == dialog.ACK {
		setSDP(req, r.SDP)
		return req
	}
	l.appendExtensions(req, r)
	if r.Method == dialog.INVITE && r.ToTag == "" && l.placed != nil {
		appendHeaders(req, l.placed.opts.Headers)
		appendReplaces(req, l.placed.opts.Replaces)
	}
	l.appendGiven(req, r.Reason, r.Headers)
	l.prove(req)
	req.AppendHeader(gosip.NewHeader("User-Agent", l.u.cfg.UserAgent))
	if r.Method == dialog.NOTIFY {
		setFragment(req, r.Status)
	} else {
		setSDP(req, r.SDP)
	}
	return req
}

// appendExtensions adds what belongs to one method.
func (l *Leg) appendExtensions(req *gosip.Request, r *dialog.Request) {
	switch r.Method {
	case dialog.INVITE, dialog.UPDATE:
		req.AppendHeader(&gosip.ContactHeader{Address: l.contact})
		req.AppendHeader(gosip.NewHeader("Allow", allowedMethods))
		req.AppendHeader(gosip.NewHeader("Supported", supportedExt))
		appendTimer(req, r.Timer)
	case dialog.PRACK:
		req.AppendHeader(gosip.NewHeader("RAck", fmt.Sprintf("%d %d %s", r.RAck.RSeq, r.RAck.CSeq, r.RAck.Method)))
	case dialog.NOTIFY:
		req.AppendHeader(&gosip.ContactHeader{Address: l.contact})
		req.AppendHeader(gosip.NewHeader("Event", "refer;id="+itoa(r.Event)))
		req.AppendHeader(gosip.NewHeader("Subscription-State", subscriptionState(r)))
	default:
	}
}

func subscriptionState(r *dialog.Request) string {
	if r.Final {
		return "terminated;reason=noresource"
	}
	return "active;expires=" + deltaSeconds(r.Expires)
}

// appendTimer adds Session-Expires and Min-SE.
func appendTimer(m gosip.Message, t dialog.SessionTimer) {
	if t.Expires > 0 {
		value := deltaSeconds(t.Expires)
		if t.Refresher != "" {
			value += ";refresher=" + string(t.Refresher)
		}
		m.AppendHeader(gosip.NewHeader("Session-Expires", value))
	}
	if t.Min > 0 {
		m.AppendHeader(gosip.NewHeader("Min-SE", deltaSeconds(t.Min)))
	}
}

// deltaSeconds writes a duration as the standards do.
func deltaSeconds(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }

// appendGiven adds what the application wants to say.
func (l *Leg) appendGiven(m gosip.Message, reason string, headers map[string]string) {
	if reason != "" {
		m.AppendHeader(gosip.NewHeader("Reason", oneLine(reason)))
	}
	appendHeaders(m, headers)
}

// appendHeaders adds the application's headers, in an order of their own.
func appendHeaders(m gosip.Message, headers map[string]string) {
	if len(headers) == 0 {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		if goodHeaderName(name) {
			m.AppendHeader(gosip.NewHeader(name, oneLine(headers[name])))
		}
	}
}

// setFragment makes the body of a NOTIFY: a status line (RFC 3420).
func setFragment(req *gosip.Request, status int) {
	req.AppendHeader(gosip.NewHeader("Content-Type", "message/sipfrag;version=2.0"))
	req.SetBody(fmt.Appendf(nil, "SIP/2.0 %d %s\r\n", status, reasonPhrase(status)))
}

// respond sends a response of the machine's.
func (l *Leg) respond(r *dialog.Response) {
	tx := r.Tx.(*transaction.Server)
	switch {
	case r.Again && l.ok != nil && l.okTo == tx:
		l.u.met.Resent("200")
		l.u.reply(tx, l.ok)
		return
	case r.Again:
		l.u.met.Resent("1xx")
	}
	res := l.buildResponse(tx, r)
	if r.Method == dialog.INVITE && r.Status/100 == 2 {
		l.ok, l.okTo = res, tx
	}
	l.u.reply(tx, res)
}

func (l *Leg) buildResponse(tx *transaction.Server, r *dialog.Response) *gosip.Response {
	res := l.u.response(tx, r.Status, oneLine(r.Phrase))
	switch {
	case r.Method == dialog.INVITE && r.Status > 100 && r.Status < 300,
		r.Method == dialog.UPDATE && r.Status/100 == 2,
		r.Method == dialog.REFER && r.Status/100 == 2:
		res.AppendHeader(&gosip.ContactHeader{Address: l.contact})
	case r.Status == statusUnsupportedMedia, r.Status == statusNotAcceptable:
		if h := checkSDP(tx.Request()).headers; len(h) == 2 {
			res.AppendHeader(gosip.NewHeader(h[0], h[1]))
		}
	case r.Status == statusMethodNotAllowed:
		res.AppendHeader(gosip.NewHeader("Allow", allowedMethods))
	}
	if r.Updates {
		res.AppendHeader(gosip.NewHeader("Allow", allowedMethods))
		res.AppendHeader(gosip.NewHeader("Supported", supportedExt))
	}
	if require := optionTags(r.Require); require != "" {
		res.AppendHeader(gosip.NewHeader("Require", require))
	}
	if r.RSeq != 0 {
		res.AppendHeader(gosip.NewHeader("RSeq", itoa(r.RSeq)))
	}
	if r.RetryAfter > 0 {
		res.AppendHeader(gosip.NewHeader("Retry-After", deltaSeconds(r.RetryAfter)))
	}
	appendTimer(res, r.Timer)
	l.appendGiven(res, r.Reason, r.Headers)
	setSDP(res, r.SDP)
	return res
}

// optionTags writes the option tags that the machine knows.
func optionTags(e dialog.Extensions) string {
	var tags []string
	if e&dialog.Rel100 != 0 {
		tags = append(tags, "100rel")
	}
	if e&dialog.Timer != 0 {
		tags = append(tags, "timer")
	}
	return strings.Join(tags, ", ")
}

// canProve tells whether a response asks for credentials that we have and have
// not tried on it yet.
func (l *Leg) canProve(x *exchange, res *gosip.Response) bool {
	challenged := res.StatusCode == statusUnauthorized || res.StatusCode == 407
	method := gosip.RequestMethod(x.method)
	if !challenged || l.password == "" || l.proved == method {
		if res.IsSuccess() {
			l.proved = ""
		}
		return false
	}
	l.challenge, l.proved = res, method
	return true
}

// prove adds credentials to a request that was challenged.
func (l *Leg) prove(req *gosip.Request) {
	if l.challenge == nil || l.challenge.CSeq().MethodName != req.Method {
		return
	}
	name, value, err := answerChallenge(l.challenge, string(req.Method), req.Recipient.String(), l.user, l.password)
	l.challenge = nil
	if err == nil { // else it is refused for good
		req.AppendHeader(gosip.NewHeader(name, value))
	}
}
