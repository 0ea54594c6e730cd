package media

import (
	"net/netip"
	"slices"
	"strings"
)

// reach says by which address of ours a peer reaches us.
type reach struct {
	bind      netip.Addr
	advertise netip.Addr
	local     []netip.Prefix
}

// newReach takes a configuration that is valid.
func newReach(cfg Config) reach {
	r := reach{bind: netip.MustParseAddr(cfg.Bind).Unmap()}
	r.advertise = r.bind
	if cfg.Advertise != "" {
		r.advertise = netip.MustParseAddr(cfg.Advertise).Unmap()
	}
	for _, n := range cfg.LocalNetworks {
		p, _ := parseNetwork(n)
		r.local = append(r.local, p)
	}
	return r
}

// isLocal says that a peer is on our side of the NAT.
func (r *reach) isLocal(peer netip.Addr) bool {
	peer = peer.Unmap()
	return peer.IsLoopback() || slices.ContainsFunc(r.local, func(p netip.Prefix) bool { return p.Contains(peer) })
}

// told is the address that the far side of an endpoint is told.
func (r *reach) told(o Options) netip.Addr {
	switch {
	case r.isLocal(o.Source):
		return r.bind
	case o.Advertise.IsValid():
		return o.Advertise.Unmap()
	}
	return r.advertise
}

// withAddress names an address of ours in the ICE candidates of a description
// in place of the one that the sockets are bound to.
func withAddress(sdp string, bind, told netip.Addr) string {
	if bind == told {
		return sdp
	}
	lines := strings.Split(sdp, "\n")
	for i, l := range lines {
		if !strings.HasPrefix(l, "a=candidate:") {
			continue
		}
		f := strings.Split(l, " ") // foundation, component, transport, priority, address, port (RFC 8839)
		if len(f) > 5 && f[4] == bind.String() {
			f[4] = told.String()
			lines[i] = strings.Join(f, " ")
		}
	}
	return strings.Join(lines, "\n")
}
