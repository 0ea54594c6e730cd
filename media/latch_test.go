package media

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestInjectionFromAForeignAddress(t *testing.T) {
	for _, kind := range []string{"before the caller speaks", "after the caller spoke"} {
		t.Run(kind, func(t *testing.T) {
			server := newEngine(t)
			caller := newPeer(t, "127.0.0.1")
			attacker := newPeer(t, "127.0.0.2")
			leg := caller.answered(server, Options{Source: netip.MustParseAddr("127.0.0.1")})
			attacker.to = leg.LocalAddr()
			if kind == "after the caller spoke" {
				caller.sendSilence()
				require.Equal(t, Connected, (<-leg.Events()).Kind)
			}
			before := leg.Stats()
			for range 20 {
				attacker.sendSilence()
				attacker.send(101, event(9, true, 480))
			}
			require.Eventually(t, func() bool { return leg.Stats().Refused == 40 }, eventually, 1e6)
			require.Equal(t, before.PacketsIn, leg.Stats().PacketsIn)
			require.Empty(t, leg.Digits())
			require.NoError(t, leg.Play(t.Context(), Tone(440, 100e6)))
			require.Len(t, caller.waitFor(5), 5)
			require.Empty(t, attacker.received(), "not one packet to the attacker")
		})
	}
}

func TestLatchToNAT(t *testing.T) {
	server := newEngine(t)
	inside, outside := newPeer(t, "127.0.0.1"), newPeer(t, "127.0.0.3") // one phone, seen from two sides
	leg := inside.answered(server, Options{Source: netip.MustParseAddr("127.0.0.3")})
	outside.to = leg.LocalAddr()
	outside.sendSilence()
	outside.seq += 5 // not in order: counts from here
	outside.sendSilence()
	outside.sendSilence()
	require.Eventually(t, func() bool { return leg.Stats().Refused == 3 }, eventually, 1e6)
	require.Zero(t, leg.Stats().PacketsIn)
	outside.sendSilence()
	require.Equal(t, Connected, (<-leg.Events()).Kind)
	require.NoError(t, leg.Play(t.Context(), Tone(440, 60e6)))
	outside.waitFor(3)
	require.Empty(t, inside.received())

	// Latched once: the address of the SDP comes too late.
	inside.sendSilence()
	require.Eventually(t, func() bool { return leg.Stats().Refused == 4 }, eventually, 1e6)

	// A new offer with a new address opens the latch again.
	moved := newPeer(t, "127.0.0.1")
	moved.to = leg.LocalAddr()
	_, err := leg.Reoffer(moved.sdp())
	require.NoError(t, err)
	moved.sendSilence()
	require.Eventually(t, func() bool { return leg.Stats().PacketsIn == 2 }, eventually, 1e6)
	require.NoError(t, leg.Play(t.Context(), Tone(440, 60e6)))
	moved.waitFor(3)
	require.Len(t, outside.received(), 3)
}

func TestAddressPolicy(t *testing.T) {
	cases := map[string]struct{ public, private bool }{
		"8.8.8.8":         {true, true},
		"127.0.0.1":       {false, true},
		"10.1.2.3":        {false, true},
		"192.168.1.1":     {false, true},
		"100.64.0.1":      {false, true},
		"fd00::1":         {false, true},
		"::ffff:10.0.0.1": {false, true},
		"169.254.169.254": {false, false},
		"fe80::1":         {false, false},
		"224.0.0.1":       {false, false},
		"255.255.255.255": {false, false},
		"0.0.0.0":         {false, false},
		"2001:4860::8888": {true, true},
	}
	for s, want := range cases {
		t.Run(s, func(t *testing.T) {
			a := netip.MustParseAddr(s)
			require.Equal(t, want.public, addressPolicy{}.allows(a))
			require.Equal(t, want.private, addressPolicy{private: true}.allows(a))
		})
	}
}

// A phone behind NAT writes a private address into its SDP. Unless that is
// allowed, nothing goes there, but the host of the signalling may prove itself.
func TestPrivateSDPIsSilentUntilProven(t *testing.T) {
	server := newEngine(t, func(c *Config) { c.AllowPrivate = false })
	p := newPeer(t, "127.0.0.1")
	_, _, err := server.Answer(t.Context(), p.sdp(), Options{})
	require.ErrorIs(t, err, ErrNotAcceptable)

	e, _, err := server.Answer(t.Context(), p.sdp(), Options{Source: netip.MustParseAddr("203.0.113.9")})
	require.NoError(t, err)
	require.NoError(t, e.Play(t.Context(), Tone(440, 60e6)))
	require.Zero(t, e.Stats().PacketsOut)
	require.Empty(t, p.received())
}

func TestForeignRTCPChangesNothing(t *testing.T) {
	var s rtcpState
	rtp := netip.MustParseAddrPort("127.0.0.1:4000")
	s.reset(&mediaDesc{}, rtp, addressPolicy{private: true})
	require.Equal(t, netip.MustParseAddrPort("127.0.0.1:4001"), s.dest)
	require.False(t, s.admit(netip.MustParseAddrPort("127.0.0.2:4001"), &rtp))
	require.False(t, s.admit(netip.MustParseAddrPort("127.0.0.1:4001"), nil))
	require.True(t, s.admit(netip.MustParseAddrPort("127.0.0.1:5001"), &rtp), "a NAT's port")
	require.False(t, s.admit(netip.MustParseAddrPort("127.0.0.1:4001"), &rtp), "latched once")
}
