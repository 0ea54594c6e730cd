package sip

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestOwnAddressTowardsAPeer(t *testing.T) {
	var s sources
	now := time.Unix(1000, 0)
	at := func(peer string) string { return s.towards(netip.MustParseAddr(peer), now).String() }
	require.Equal(t, "127.0.0.1", at("127.0.0.1"))
	require.Equal(t, "127.0.0.1", at("127.9.9.9"))
	require.Equal(t, "::1", at("::1"))
	require.Equal(t, "127.0.0.1", s.towards(netip.Addr{}, now).String(), "a name: who knows")
	first := at("192.0.2.7")
	s.m[netip.MustParseAddr("192.0.2.7")] = source{netip.MustParseAddr("10.9.9.9"), now.Add(time.Second)}
	require.Equal(t, "10.9.9.9", at("192.0.2.7"), "remembered")
	now = now.Add(2 * time.Second)
	require.Equal(t, first, at("192.0.2.7"), "and asked again")
	a := netip.MustParseAddr("198.18.0.0")
	for range maxSources + 10 {
		s.towards(a, now)
		a = a.Next()
	}
	require.LessOrEqual(t, len(s.m), maxSources)
}
