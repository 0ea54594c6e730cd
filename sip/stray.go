package sip

import (
	gosip "github.com/emiago/sipgo/sip"

	"filo/sip/transport"
)

// Stray takes a 2xx to an INVITE of ours from a branch of a fork, after the
// call has ended: nobody knows the dialog that it makes, so that it is
// acknowledged and hung up from the response alone (RFC 3261 section 13.2.2.4).
func (u core) Stray(f transport.Flow, res *gosip.Response) {
	from, to, id, cseq, contact := res.From(), res.To(), res.CallID(), res.CSeq(), contactOf(res)
	if from == nil || to == nil || id == nil || cseq == nil || contact == nil || tagOf(to) == "" {
		return
	}
	routes := routesOf(res)
	first := contact.Address
	if len(routes) > 0 {
		first = routes[0]
	}
	h := u.toward(u.hopOf(f), nextHop(first, nil, f.Remote()))
	u.write(h, u.newRequest(gosip.ACK, contact.Address, routes, h, from, to, id.Value(), cseq.SeqNo))
	bye := u.newRequest(gosip.BYE, contact.Address, routes, h, from, to, id.Value(), cseq.SeqNo+1)
	bye.AppendHeader(gosip.NewHeader("User-Agent", u.cfg.UserAgent))
	u.fire(h, bye)
}

// routesOf is the route set that a response makes (RFC 3261 section 12.1.2).
func routesOf(res *gosip.Response) []gosip.Uri {
	var out []gosip.Uri
	for _, h := range res.Headers() {
		if rr, ok := h.(*gosip.RecordRouteHeader); ok && len(out) < maxRoutes {
			out = append([]gosip.Uri{rr.Address}, out...)
		}
	}
	return out
}
