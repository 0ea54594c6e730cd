package sip

import (
	"context"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"filo/sip/trunk"
)

func TestOfferIsMadeForThePeer(t *testing.T) {
	u := run(t, testConfig(), nil, nil)
	p := newPeer(t, u)
	ctx, cancel := context.WithCancel(timeout(t))
	asked := make(chan Peer, 1)
	done := make(chan error, 1)
	u.wg.Go(func() {
		_, err := u.Invite(ctx, Target{URI: "sip:200@" + p.addr()}, InviteOptions{
			From: "100", SDP: sdp("for anybody"),
			Describe: func(to Peer) []byte {
				asked <- to
				return sdp("for you")
			},
		})
		done <- err
	})
	req := p.expect("INVITE")
	require.Equal(t, string(sdp("for you")), string(req.Body()))
	require.Equal(t, Peer{Addr: netip.MustParseAddr("127.0.0.1")}, <-asked)
	cancel()
	require.Error(t, <-done)

	var to Peer
	InviteOptions{Describe: func(p Peer) []byte { to = p; return nil }}.described(
		hop{addr: "192.0.2.1:5060", trunk: &trunk.Trunk{Config: trunk.Config{MediaAdvertise: "198.51.100.7"}}})
	require.Equal(t, Peer{Addr: netip.MustParseAddr("192.0.2.1"), MediaAdvertise: netip.MustParseAddr("198.51.100.7")}, to)
}
