package sip

import (
	"crypto/rand"
	"encoding/hex"
	"net/netip"
	"strconv"
	"strings"
	"time"

	gosip "github.com/emiago/sipgo/sip"
)

// Timers of RFC 3261 section 17 that the dialog layer runs itself.
const (
	timerT1  = 500 * time.Millisecond
	timerT2  = 4 * time.Second
	timerMax = 64 * timerT1 // how long a 2xx waits for its ACK, and a CANCEL for its final response
)

// The methods that we serve, and the extensions that a peer may require.
const (
	allowedMethods = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, REGISTER"
	supportedExt   = "outbound"
)

// newToken is an unguessable token for tags, Call-IDs and branches.
func newToken() string {
	var b [12]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return hex.EncodeToString(b[:])
}

func newBranch() string { return gosip.RFC3261BranchMagicCookie + newToken() }

// hop is where a message goes: by which transport, to which address, from
// which socket.
type hop struct {
	via  string    // transport written into Via: UDP, TCP, WS, WSS
	addr string    // ip:port, host:port, or the key of a flow
	ln   *listener // the socket for UDP, and whose address we tell the peer
	flow string    // key of the connection, "" for UDP or a new connection
	user string    // whose flow it is, to find the newer one when it is gone
}

// network is sipgo's transport for the hop: WebSockets appear to it as TCP.
func (h hop) network() string {
	if h.via == "UDP" {
		return "UDP"
	}
	return "TCP"
}

// dialog is the state of RFC 3261 section 12, owned by the leg's goroutine.
type dialog struct {
	callID       string
	localTag     string
	remoteTag    string
	local        gosip.Uri
	localName    string
	remote       gosip.Uri
	remoteTarget gosip.Uri
	routes       []gosip.Uri
	localSeq     uint32
	remoteSeq    uint32
	contact      gosip.Uri
	hop          hop
}

// request makes the next request within the dialog; ACK keeps the number of
// its INVITE, which the caller sets.
func (d *dialog) request(u *UA, method gosip.RequestMethod, seq uint32) *gosip.Request {
	target := d.remoteTarget
	routes := d.routes
	strict := len(routes) > 0 && !routes[0].UriParams.Has("lr")
	if strict { // RFC 3261 section 12.2.1.1: the first hop is a strict router
		target = routes[0]
		routes = append(append([]gosip.Uri{}, routes[1:]...), d.remoteTarget)
	}
	req := gosip.NewRequest(method, target)
	u.addVia(req, d.hop)
	for _, r := range routes {
		req.AppendHeader(&gosip.RouteHeader{Address: r})
	}
	maxForwards := gosip.MaxForwardsHeader(70)
	req.AppendHeader(&maxForwards)
	from := &gosip.FromHeader{DisplayName: d.localName, Address: d.local}
	from.Params.Add("tag", d.localTag)
	req.AppendHeader(from)
	to := &gosip.ToHeader{Address: d.remote}
	if d.remoteTag != "" {
		to.Params.Add("tag", d.remoteTag)
	}
	req.AppendHeader(to)
	callID := gosip.CallIDHeader(d.callID)
	req.AppendHeader(&callID)
	req.AppendHeader(&gosip.CSeqHeader{SeqNo: seq, MethodName: method})
	if method == gosip.INVITE || method == gosip.UPDATE {
		req.AppendHeader(&gosip.ContactHeader{Address: d.contact})
		req.AppendHeader(gosip.NewHeader("Allow", allowedMethods))
	}
	req.AppendHeader(gosip.NewHeader("User-Agent", u.cfg.UserAgent))
	return req
}

// addVia puts our Via on req and binds the request to its hop.
func (u *UA) addVia(req *gosip.Request, h hop) {
	via := &gosip.ViaHeader{ProtocolName: "SIP", ProtocolVersion: "2.0", Transport: h.via}
	switch {
	case h.via == "WS" || h.via == "WSS":
		via.Host = u.instanceHost // RFC 7118 section 5.1: no meaning, but must be there
	case h.ln != nil:
		via.Host, via.Port = h.ln.contactFor(addrOf(h.addr))
		via.Params.Add("rport", "")
	default:
		via.Params.Add("rport", "")
	}
	via.Params.Add("branch", newBranch())
	req.PrependHeader(via)
	req.SetTransport(h.network())
	req.SetDestination(h.addr)
	if h.via == "UDP" && h.ln != nil {
		// Never for streams: sipgo would take the listener's connection for it.
		h.ln.laddr.Copy(&req.Laddr)
	}
}

// setSDP attaches a session description; nil: none.
func setSDP(m gosip.Message, sdp []byte) {
	if len(sdp) > 0 {
		m.AppendHeader(gosip.NewHeader("Content-Type", "application/sdp"))
		m.SetBody(sdp)
		return
	}
	m.SetBody(nil)
}

// addrOf is the address part of "ip:port"; invalid for names.
func addrOf(hostPort string) netip.Addr {
	if ap, err := netip.ParseAddrPort(hostPort); err == nil {
		return ap.Addr().Unmap()
	}
	a, err := netip.ParseAddr(strings.Trim(hostPort, "[]"))
	if err != nil {
		return netip.Addr{}
	}
	return a.Unmap()
}

// nextHop is where a request within the dialog goes when no flow decides:
// the first route, else the remote target, except that a peer whose target
// cannot be meant (a name under .invalid, or an address behind a NAT) is
// reached where its last message came from.
func nextHop(target gosip.Uri, routes []gosip.Uri, source string) string {
	first := target
	if len(routes) > 0 {
		first = routes[0]
	}
	src := addrOf(source)
	host := strings.Trim(first.Host, "[]")
	a, err := netip.ParseAddr(host)
	switch {
	case err != nil && strings.HasSuffix(host, ".invalid"):
		return source
	case err == nil && src.IsValid() && a.Unmap() != src && a.IsPrivate() && !src.IsPrivate() && !src.IsLoopback():
		return source
	}
	port := first.Port
	if port == 0 {
		port = 5060
	}
	if err == nil {
		return netip.AddrPortFrom(a.Unmap(), uint16(port)).String() //nolint:gosec // checked when validated
	}
	return host + ":" + strconv.Itoa(port)
}

// recordRoutes reads a message's route set, in order or reversed (RFC 3261
// section 12.1: the caller reverses it).
func recordRoutes(m gosip.Message, reverse bool) []gosip.Uri {
	var out []gosip.Uri
	for _, h := range m.GetHeaders("record-route") {
		if rr, ok := h.(*gosip.RecordRouteHeader); ok {
			out = append(out, *rr.Address.Clone())
		}
	}
	if reverse {
		for i, j := 0, len(out)-1; i < j; i, j = i+1, j-1 {
			out[i], out[j] = out[j], out[i]
		}
	}
	return out
}
