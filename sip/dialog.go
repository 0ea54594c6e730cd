package sip

import (
	"crypto/rand"
	"encoding/hex"
	"net/netip"
	"strings"

	gosip "github.com/emiago/sipgo/sip"
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

// setSDP attaches a session description; nil: none.
func setSDP(m gosip.Message, sdp []byte) {
	if len(sdp) > 0 {
		m.AppendHeader(gosip.NewHeader("Content-Type", "application/sdp"))
		m.SetBody(sdp)
		return
	}
	m.SetBody(nil)
}

// addrPortOf reads "ip:port"; invalid for names.
func addrPortOf(hostPort string) netip.AddrPort {
	ap, err := netip.ParseAddrPort(hostPort)
	if err != nil {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
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
