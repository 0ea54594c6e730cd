package sip

import (
	"net/netip"
	"strconv"
	"strings"

	gosip "github.com/emiago/sipgo/sip"

	"filo/sip/transport"
	"filo/sip/trunk"
)

// hop is where the messages of a dialog go: by which flow, and how a new one
// is made when that is gone.
type hop struct {
	flow    transport.Flow
	network string       // as Via names it: UDP, TCP, TLS, WS or WSS
	addr    string       // ip:port or host:port to connect to; "" when only the peer can
	bound   bool         // the peer is reached by this connection, whatever its contact says
	ln      *listener    // whose address we tell the peer
	trunk   *trunk.Trunk // by which the peer is reached; it may tell him another address
	host    string       // name that a TLS certificate must be for, on a trunk
	user    string       // whose flow it is, to find the newer one when it is gone
}

// web tells whether the hop is a WebSocket.
func (h hop) web() bool { return h.network == transport.WS || h.network == transport.WSS }

// peerAddr is the peer's address, as far as it is known.
func (h hop) peerAddr() netip.Addr {
	if a := h.flow.Remote().Addr(); a.IsValid() {
		return a
	}
	return addrOf(h.addr)
}

// named tells whether there is an address of ours that the peer can be told.
func (h hop) named() bool { return h.ln != nil || h.trunk != nil && h.trunk.Advertise != "" }

// ours is the host and port that the peer is told, of a hop that is named.
func (u *UA) ours(h hop) (host string, port int) {
	peer := h.peerAddr()
	switch {
	case u.near.has(peer) && h.ln != nil:
	case h.trunk != nil && h.trunk.Advertise != "":
		return splitAdvertise(h.trunk.Advertise)
	case h.ln.Advertise != "":
		return splitAdvertise(h.ln.Advertise)
	}
	return h.ln.boundFor(peer)
}

// source is the peer for people to read: ip:port, or a name.
func (h hop) source() string {
	if r := h.flow.Remote(); r.IsValid() {
		return r.String()
	}
	return h.addr
}

// hopOf is the way back to who sent a request by f.
func (u *UA) hopOf(f transport.Flow) hop {
	h := hop{flow: f, network: f.Network(), bound: f.Reliable(), ln: u.listenerOf(f)}
	if s := sessionOf(f); s != nil {
		h.user = s.user
	}
	return h
}

// hopTo is the way to "host:port".
func (u *UA) hopTo(network, addr string) (hop, error) {
	h := hop{network: network, addr: addr, ln: u.listenerFor(network, addrOf(addr))}
	f, err := u.connect(h)
	if err != nil {
		return hop{}, err
	}
	h.flow = f
	return h, nil
}

// connect makes a flow to the hop's address.
func (u *UA) connect(h hop) (transport.Flow, error) {
	if h.network == transport.TLS && h.trunk != nil {
		name := h.trunk.Name + "/" + h.host
		return u.tp.ConnectTLS(h.addr, name, h.trunk.TLSConfig(h.host)) //nolint:wrapcheck // says what failed
	}
	if h.network != transport.UDP {
		return u.tp.Connect(h.network, h.addr) //nolint:wrapcheck // says what failed
	}
	if h.ln == nil {
		return transport.Flow{}, ErrNoListener
	}
	return h.ln.socket.Named(h.addr) //nolint:wrapcheck // says what failed
}

// place is where a URI leads: by which network, "" for the one in use, and to
// which host:port.
type place struct{ network, addr string }

// toward turns the hop to where a new contact or route leads. Who is reached
// by a connection of his own stays there; the address counts when it is gone.
func (u *UA) toward(h hop, p place) hop {
	if p.network == "" || h.network == transport.TLS { // what is encrypted stays so
		p.network = h.network
	}
	switch {
	case h.web():
		return h
	case h.bound:
		if p.network == h.network {
			h.addr = p.addr
		}
		return h
	case p.network == h.network && p.addr == h.addr && h.flow.Alive():
		return h
	}
	next := h
	next.network, next.addr = p.network, p.addr
	if next.network != h.network {
		next.ln = u.listenerFor(next.network, addrOf(next.addr))
	}
	f, err := u.connect(next)
	if err != nil {
		return h
	}
	next.flow = f
	return next
}

// refreshed replaces a connection that is gone: by the user's newest one, or
// by one to the peer's address.
func (u *UA) refreshed(h hop) hop {
	if h.flow.Alive() {
		return h
	}
	if h.user != "" {
		if b, ok := u.reg.newest(h.user); ok {
			return b.hop
		}
	}
	if h.addr != "" {
		if f, err := u.connect(h); err == nil {
			h.flow, h.bound = f, false
		}
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
	case h.web():
		uri.Host = u.instanceHost
		uri.UriParams = gosip.HeaderParams{{K: "transport", V: "ws"}}
	case h.named():
		uri.Host, uri.Port = u.ours(h)
		if h.network == transport.TCP || h.network == transport.TLS {
			uri.UriParams = gosip.HeaderParams{{K: "transport", V: strings.ToLower(h.network)}}
		}
	default:
		uri.Host = u.cfg.Domain
	}
	return uri
}

// addVia puts our Via on top of req.
func (u *UA) addVia(req *gosip.Request, h hop) {
	via := &gosip.ViaHeader{ProtocolName: "SIP", ProtocolVersion: "2.0", Transport: h.network, Params: make(gosip.HeaderParams, 0, 2)}
	switch {
	case h.web():
		via.Host = u.instanceHost // RFC 7118 section 5.1: no meaning, but must be there
	case h.named():
		via.Host, via.Port = u.ours(h)
		via.Params.Add("rport", "")
	default:
		via.Host = u.cfg.Domain
		via.Params.Add("rport", "")
	}
	via.Params.Add("branch", newBranch())
	req.AppendHeader(via)
}

// nextHop is where a request within the dialog goes when no flow decides: the
// first route, else the remote target (RFC 3261 section 8.1.2), except that a
// peer whose target cannot be meant (a name under .invalid, or an address
// behind a NAT) is reached where its last message came from.
func nextHop(target gosip.Uri, routes []gosip.Uri, source netip.AddrPort) place {
	first := target
	if len(routes) > 0 {
		first = routes[0]
	}
	src := source.Addr()
	host := strings.Trim(first.Host, "[]")
	a, err := netip.ParseAddr(host)
	switch {
	case err != nil && strings.HasSuffix(host, ".invalid"):
		return place{addr: source.String()}
	case err == nil && src.IsValid() && a.Unmap() != src && a.IsPrivate() && !src.IsPrivate() && !src.IsLoopback():
		return place{addr: source.String()}
	}
	network := networkOf(first)
	port := first.Port
	if port == 0 {
		port = usualPort(network)
	}
	if err == nil {
		return place{network, netip.AddrPortFrom(a.Unmap(), uint16(port)).String()} //nolint:gosec // checked when validated
	}
	return place{network, host + ":" + strconv.Itoa(port)}
}

// networkOf is the network that a URI demands (RFC 3263 section 4.1); "" when it
// demands none.
func networkOf(uri gosip.Uri) string {
	if uri.Scheme == "sips" {
		return transport.TLS
	}
	for _, p := range uri.UriParams {
		if !strings.EqualFold(p.K, "transport") {
			continue
		}
		for _, network := range []string{transport.UDP, transport.TCP, transport.TLS, transport.WS, transport.WSS} {
			if strings.EqualFold(p.V, network) {
				return network
			}
		}
	}
	return ""
}

// usualPort is the port of a URI that names none (RFC 3261 section 19.1.2).
func usualPort(network string) int {
	if network == transport.TLS {
		return 5061
	}
	return 5060
}
