package sip

import (
	"context"
	"strconv"
	"strings"
	"time"

	gosip "github.com/emiago/sipgo/sip"
)

// serve is called by the transaction layer, in a goroutine per request, for
// everything that is not a retransmission.
func (u *UA) serve(ctx context.Context, req *gosip.Request, tx *gosip.ServerTx) {
	if !u.enter() {
		tx.Terminate()
		return
	}
	defer u.leave()
	t := u.order.turn(req)
	defer u.order.finish(t)
	defer func() {
		if r := recover(); r != nil {
			u.caught(r, "")
			u.reply(tx, u.response(req, statusServerError, ""))
		}
	}()
	received := time.Now()
	if t != nil {
		received = t.at
	}
	if bad := checkRequest(req); bad.code != 0 {
		if req.Method == gosip.ACK {
			tx.Terminate()
			return
		}
		u.met.reject(rejectMalformed)
		u.reply(tx, u.response(req, bad.code, bad.reason, bad.headers...))
		return
	}
	u.route(ctx, req, tx, received)
}

func (u *UA) route(ctx context.Context, req *gosip.Request, tx *gosip.ServerTx, received time.Time) {
	switch req.Method {
	case gosip.ACK:
		if l := u.legOf(req); l != nil {
			l.post(func() { l.onACK(req) })
		}
		tx.Terminate() // an ACK has no response, hence no transaction
		return
	case gosip.CANCEL:
		u.serveCancel(req, tx)
		return
	}
	if !u.order.initial(req) {
		l := u.legOf(req)
		if l != nil && l.post(func() { l.onRequest(req, tx) }) {
			return
		}
		if req.Method == gosip.BYE && u.legs.wasOurs(tagOf(req.To())) {
			u.reply(tx, u.response(req, statusOK, ""))
			return
		}
		u.met.reject(rejectNoDialog)
		u.reply(tx, u.response(req, statusNoDialog, ""))
		return
	}
	switch req.Method {
	case gosip.INVITE:
		u.serveInvite(ctx, req, tx, received)
	case gosip.REGISTER:
		u.serveRegister(ctx, req, tx)
	case gosip.OPTIONS:
		u.serveOptions(req, tx)
	case gosip.BYE, gosip.INFO, gosip.UPDATE, gosip.PRACK:
		u.met.reject(rejectNoDialog)
		u.reply(tx, u.response(req, statusNoDialog, ""))
	default:
		u.met.reject(rejectMethod)
		u.reply(tx, u.response(req, statusMethodNotAllowed, "", "Allow", allowedMethods))
	}
}

// legOf finds the dialog of a request: its To-tag is our tag.
func (u *UA) legOf(req *gosip.Request) *Leg {
	l := u.legs.get(tagOf(req.To()))
	if l == nil || l.info.CallID != req.CallID().Value() {
		return nil
	}
	return l
}

// serveCancel handles a CANCEL that the transaction layer could not match: the
// INVITE's transaction came into being after it was looked up.
func (u *UA) serveCancel(req *gosip.Request, tx *gosip.ServerTx) {
	l := u.legOf(req)
	branch, _ := req.Via().Params.Get("branch")
	if l == nil || l.srvTag != branch {
		u.reply(tx, u.response(req, statusNoDialog, ""))
		return
	}
	u.reply(tx, u.response(req, statusOK, ""))
	l.post(func() {
		if l.state == stateEarly { // after a 200 it changes nothing
			l.refuse(statusTerminated, "", "")
			l.end(ErrCancelled)
		}
	})
}

func (u *UA) serveOptions(req *gosip.Request, tx *gosip.ServerTx) {
	if u.draining.Load() {
		u.reply(tx, u.response(req, statusOverloaded, "", "Retry-After", "10"))
		return
	}
	u.reply(tx, u.response(req, statusOK, "",
		"Allow", allowedMethods, "Accept", "application/sdp", "Supported", supportedExt))
}

// response builds a response with further headers given as name, value, ...
func (u *UA) response(req *gosip.Request, code int, reason string, headers ...string) *gosip.Response {
	if reason == "" {
		reason = reasonPhrase(code)
	}
	res := gosip.NewResponseFromRequest(req, code, reason, nil)
	res.SipVersion = "SIP/2.0" // whatever the request claimed
	for i := 0; i+1 < len(headers); i += 2 {
		res.AppendHeader(gosip.NewHeader(headers[i], headers[i+1]))
	}
	res.AppendHeader(gosip.NewHeader("Server", u.cfg.UserAgent))
	return res
}

// reply sends a final response without a body and lets the transaction end by
// its own timers.
func (u *UA) reply(tx *gosip.ServerTx, res *gosip.Response) {
	res.SetBody(nil)
	u.replySet(tx, res)
}

func (u *UA) replySet(tx *gosip.ServerTx, res *gosip.Response) {
	if err := tx.Respond(res); err != nil {
		u.log.Debug("response not sent", "code", res.StatusCode, "err", err)
	}
	u.met.response(res.StatusCode, "out")
	tx.TerminateGracefully()
}

// listenerFor is the socket to use towards addr.
func (u *UA) listenerFor(via, addr string) *listener {
	network := "TCP"
	if via == "UDP" {
		network = "UDP"
	}
	peer := addrOf(addr)
	var first *listener
	for _, ln := range u.listeners {
		if ln.network != network {
			continue
		}
		if first == nil {
			first = ln
		}
		if peer.IsValid() && ln.bound.Addr().IsLoopback() == peer.IsLoopback() && ln.bound.Addr().Is4() == peer.Is4() {
			return ln
		}
	}
	return first
}

// listenerOf is the UDP socket by which source last spoke to us.
func (u *UA) listenerOf(source string) *listener {
	if c, err := u.tp.GetConnection("udp", source); err == nil {
		local := c.LocalAddr().String()
		_, _ = c.TryClose()
		for _, ln := range u.listeners {
			if ln.network == "UDP" && ln.localAddr() == local {
				return ln
			}
		}
	}
	return u.listenerFor("UDP", source)
}

// hopOf is the way back to who sent req.
func (u *UA) hopOf(req *gosip.Request) hop {
	source := req.Source()
	if f := u.flows.get(source); f != nil {
		return hop{via: f.via, addr: f.key, flow: f.key, user: f.user, ln: u.listenerFor("TCP", f.source)}
	}
	if req.Transport() == "UDP" {
		return hop{via: "UDP", addr: source, ln: u.listenerOf(source)}
	}
	return hop{via: "TCP", addr: source, ln: u.listenerFor("TCP", source)}
}

// refreshHop replaces a connection that is gone by the user's newest one.
func (u *UA) refreshHop(h hop) hop {
	if h.flow == "" || h.user == "" || u.flows.get(h.flow) != nil {
		return h
	}
	if b, ok := u.reg.newest(h.user); ok {
		return b.hop
	}
	return h
}

// contactURI is our own address on a hop.
func (u *UA) contactURI(user string, h hop) gosip.Uri {
	uri := gosip.Uri{Scheme: "sip", User: escapeUser(user)}
	if uri.User == "" {
		uri.User = "filo"
	}
	switch {
	case h.via == "WS" || h.via == "WSS":
		uri.Host = u.instanceHost
		uri.UriParams = gosip.HeaderParams{{K: "transport", V: "ws"}}
	case h.ln != nil:
		uri.Host, uri.Port = h.ln.contactFor(addrOf(h.addr))
		if h.via == "TCP" {
			uri.UriParams = gosip.HeaderParams{{K: "transport", V: "tcp"}}
		}
	default:
		uri.Host = u.cfg.Domain
	}
	return uri
}

func itoa(n uint32) string { return strconv.FormatUint(uint64(n), 10) }

// oneLine keeps a text from breaking out of its header.
func oneLine(s string) string {
	if !strings.ContainsAny(s, "\r\n\x00") {
		return s
	}
	return strings.NewReplacer("\r", " ", "\n", " ", "\x00", " ").Replace(s)
}

// goodHeaderName: a token that is not one of the headers we build ourselves.
func goodHeaderName(name string) bool {
	if name == "" {
		return false
	}
	for _, c := range []byte(name) {
		if c <= ' ' || c >= 0x7f || strings.IndexByte("()<>@,;:\\\"/[]?={}", c) >= 0 {
			return false
		}
	}
	switch strings.ToLower(name) {
	case "via", "v", "from", "f", "to", "t", "call-id", "i", "cseq", "contact", "m", "route", "record-route",
		"content-length", "l", "content-type", "c", "max-forwards":
		return false
	}
	return true
}
