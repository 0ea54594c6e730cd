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
	allowedMethods = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, PRACK, UPDATE, REFER, NOTIFY, REGISTER"
	supportedExt   = "outbound, 100rel, timer, replaces"
)

// newToken is an unguessable token for tags, Call-IDs and branches.
func newToken() string {
	var b [12]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return hex.EncodeToString(b[:])
}

func newBranch() string { return gosip.RFC3261BranchMagicCookie + newToken() }

// series are requests outside a dialog that belong together: the refreshes of
// a registration (RFC 3261 section 10.2.4).
type series struct {
	callID       string
	localTag     string
	local        gosip.Uri
	remote       gosip.Uri
	remoteTarget gosip.Uri
	localSeq     uint32
	contact      gosip.Uri
	hop          hop
}

// request makes a request of the series.
func (s *series) request(u *UA, method gosip.RequestMethod, seq uint32) *gosip.Request {
	from := &gosip.FromHeader{Address: s.local, Params: tagParams(s.localTag)}
	req := u.newRequest(method, s.remoteTarget, nil, s.hop, from, &gosip.ToHeader{Address: s.remote}, s.callID, seq)
	req.AppendHeader(gosip.NewHeader("User-Agent", u.cfg.UserAgent))
	return req
}

// newRequest makes a request with the headers that each has (RFC 3261 section
// 8.1.1).
func (u *UA) newRequest(
	method gosip.RequestMethod, target gosip.Uri, routes []gosip.Uri, h hop,
	from *gosip.FromHeader, to *gosip.ToHeader, callID string, seq uint32,
) *gosip.Request {
	req := gosip.NewRequest(method, target)
	u.addVia(req, h)
	for _, route := range routes {
		req.AppendHeader(&gosip.RouteHeader{Address: route})
	}
	maxForwards := gosip.MaxForwardsHeader(70)
	req.AppendHeader(&maxForwards)
	req.AppendHeader(from)
	req.AppendHeader(to)
	id := gosip.CallIDHeader(callID)
	req.AppendHeader(&id)
	req.AppendHeader(&gosip.CSeqHeader{SeqNo: seq, MethodName: method})
	return req
}

func tagParams(tag string) gosip.HeaderParams {
	if tag == "" {
		return nil
	}
	return gosip.HeaderParams{{K: "tag", V: tag}}
}

// setSDP attaches a session description; nil: none.
func setSDP(m gosip.Message, sdp []byte) {
	if len(sdp) > 0 {
		length := gosip.ContentLengthHeader(len(sdp)) //nolint:gosec // bounded by who made it
		m.AppendHeader(gosip.NewHeader("Content-Type", "application/sdp"))
		m.AppendHeader(&length) // SetBody would look for it through all headers
		m.SetBody(sdp)
	}
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
