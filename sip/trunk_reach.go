package sip

import (
	"context"
	"net/netip"
	"strings"

	gosip "github.com/emiago/sipgo/sip"

	"filo/sip/resolve"
	"filo/sip/transport"
	"filo/sip/trunk"
)

// maxHops bounds the servers of one trunk that one request is tried at.
const maxHops = 6

// reach finds where a host of the trunk is, the best first, and notes its
// addresses: what calls from there comes over this trunk.
func (u *UA) reach(ctx context.Context, t *trunk.Trunk, host resolve.Target) ([]resolve.Hop, error) {
	hops, err := u.resolver.Resolve(ctx, host)
	if err != nil {
		return nil, err //nolint:wrapcheck // names the host
	}
	if p := u.trunks.Load().peers[t.Name]; p != nil {
		p.learn(host, hops)
	}
	return hops[:min(len(hops), maxHops)], nil
}

// servers are all places where the trunk is called, in the order to try.
func (u *UA) servers(ctx context.Context, t *trunk.Trunk) ([]server, error) {
	var out []server
	var bad error
	for _, target := range t.Servers() {
		hops, err := u.reach(ctx, t, target)
		if err != nil {
			bad = err
			continue
		}
		for _, h := range hops {
			out = append(out, server{target, h})
		}
	}
	if len(out) > 0 {
		return out[:min(len(out), maxHops)], nil
	}
	return nil, bad
}

// server is one of the places where a trunk is called.
type server struct {
	target resolve.Target // what the configuration says
	at     resolve.Hop
}

// uri is the address of user there. The host is the configured name: it is the
// peer's own, and what its certificate is for.
func (s server) uri(user string) gosip.Uri { return trunkURI(user, s.target) }

func trunkURI(user string, target resolve.Target) gosip.Uri {
	host := target.Host
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return gosip.Uri{Scheme: "sip", User: escapeUser(user), Host: host, Port: int(target.Port)}
}

// trunkHop is the way to a server of the trunk.
func (u *UA) trunkHop(t *trunk.Trunk, at resolve.Hop) (hop, error) {
	network := strings.ToUpper(string(at.Transport))
	h := hop{network: network, addr: at.Addr.String(), host: at.Host, trunk: t, ln: u.trunkListener(t, network, at.Addr.Addr())}
	f, err := u.connect(h)
	if err != nil {
		return hop{}, err
	}
	h.flow = f
	return h, nil
}

// trunkListener is the listener that the configuration names, else the one
// that fits.
func (u *UA) trunkListener(t *trunk.Trunk, network string, addr netip.Addr) *listener {
	if t.Listen != "" {
		for _, ln := range u.listeners {
			if ln.Bind == t.Listen && (ln.network == transport.UDP) == (network == transport.UDP) {
				return ln
			}
		}
	}
	return u.listenerFor(network, addr)
}
