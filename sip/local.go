package sip

import (
	"fmt"
	"net/netip"
	"slices"
)

// localNetworks are the networks on our side of a NAT: who is there, or on this
// machine, reaches us where we are bound.
type localNetworks []netip.Prefix

// newLocalNetworks takes networks (10.0.0.0/8) and single addresses; those that
// are neither are named in the errors.
func newLocalNetworks(texts []string) (nets localNetworks, errs []error) {
	for i, s := range texts {
		p, err := parseNetwork(s)
		if err != nil {
			errs = append(errs, fmt.Errorf("local_networks[%d]: %w", i, err))
			continue
		}
		nets = append(nets, p)
	}
	return nets, errs
}

func parseNetwork(s string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(s); err == nil && a.Zone() == "" {
		return netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()), nil
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return p, fmt.Errorf("%q is neither a network nor an address", s)
	}
	return p.Masked(), nil
}

func (n localNetworks) has(peer netip.Addr) bool {
	peer = peer.Unmap()
	return peer.IsLoopback() || slices.ContainsFunc(n, func(p netip.Prefix) bool { return p.Contains(peer) })
}
