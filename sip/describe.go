package sip

import "net/netip"

// Peer is where an INVITE goes, as far as our description of the media depends
// on it.
type Peer struct {
	// Addr is invalid while a name is not resolved.
	Addr netip.Addr
	// MediaAdvertise is the trunk's; invalid for none.
	MediaAdvertise netip.Addr
}

// described is o with the offer for the peer at the other end of h.
func (o InviteOptions) described(h hop) InviteOptions {
	if o.Describe == nil {
		return o
	}
	to := Peer{Addr: h.peerAddr()}
	if h.trunk != nil {
		to.MediaAdvertise, _ = netip.ParseAddr(h.trunk.MediaAdvertise) // "" or validated
	}
	o.SDP = o.Describe(to)
	return o
}
