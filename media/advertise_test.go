package media

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Bound to loopback, so that sockets open anywhere; the peers' addresses are
// only claimed.
func TestWhoIsToldWhichAddress(t *testing.T) {
	const bind, public, other = "127.0.0.1", "203.0.113.5", "198.51.100.7"
	server := newEngine(t, func(c *Config) {
		c.Advertise = public
		c.LocalNetworks = []string{"10.0.0.0/8", "192.0.2.9", "fd00::/8"}
	})
	trunk := netip.MustParseAddr(other)
	cases := map[string]struct {
		o    Options
		want string
	}{
		"unknown":                {Options{}, public},
		"far":                    {Options{Source: netip.MustParseAddr("198.51.100.1")}, public},
		"loopback":               {Options{Source: netip.MustParseAddr("127.0.0.1")}, bind},
		"local network":          {Options{Source: netip.MustParseAddr("10.1.2.3")}, bind},
		"mapped into IPv6":       {Options{Source: netip.MustParseAddr("::ffff:10.1.2.3")}, bind},
		"local host":             {Options{Source: netip.MustParseAddr("192.0.2.9")}, bind},
		"its neighbour":          {Options{Source: netip.MustParseAddr("192.0.2.10")}, public},
		"local in IPv6":          {Options{Source: netip.MustParseAddr("fd12::1")}, bind},
		"trunk":                  {Options{Source: netip.MustParseAddr("198.51.100.1"), Advertise: trunk}, other},
		"trunk, unknown":         {Options{Advertise: trunk}, other},
		"trunk in local network": {Options{Source: netip.MustParseAddr("10.1.2.3"), Advertise: trunk}, bind},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			p := newPeer(t, "127.0.0.1")
			e, answer, err := server.Answer(t.Context(), p.sdp(), c.o)
			require.NoError(t, err)
			require.Equal(t, c.want, e.LocalAddr().Addr().String())
			require.Contains(t, string(answer), "c=IN IP4 "+c.want+"\r\n")
			held, err := e.Hold(true)
			require.NoError(t, err)
			require.Contains(t, string(held), "c=IN IP4 "+c.want+"\r\n", "later offers say the same")
			_, offer, err := server.Offer(t.Context(), c.o, RTP)
			require.NoError(t, err)
			require.Contains(t, string(offer), "c=IN IP4 "+c.want+"\r\n")

			e, answer, err = server.Answer(t.Context(), []byte(chromiumOffer), c.o)
			require.NoError(t, err)
			require.Equal(t, c.want, e.LocalAddr().Addr().String())
			require.Equal(t, []string{c.want}, candidates(answer))
			held, err = e.Hold(true)
			require.NoError(t, err)
			require.Equal(t, []string{c.want}, candidates(held))
			_, offer, err = server.Offer(t.Context(), c.o, WebRTC)
			require.NoError(t, err)
			require.Equal(t, []string{c.want}, candidates(offer))
		})
	}
}

// candidates returns the addresses of a description's RTP candidates.
func candidates(sdp []byte) (addrs []string) {
	for _, l := range strings.Split(string(sdp), "\r\n") {
		if f := strings.Fields(l); strings.HasPrefix(l, "a=candidate:") && f[1] == "1" {
			addrs = append(addrs, f[4])
		}
	}
	return addrs
}

func TestIPv6(t *testing.T) {
	v6 := func(c *Config) { c.Bind = "::1" }
	robots, home := newEngine(t, v6), newEngine(t, v6)
	r, s := dial(t, robots, home, RTP, Options{}, Options{})
	talk(t, r, 440)
	talk(t, s, 1000)
	hears(t, home.Meter(s), 440)
	hears(t, robots.Meter(r), 1000)
	_, answer, err := home.Answer(t.Context(), []byte(chromiumOffer), Options{})
	require.NoError(t, err)
	require.Equal(t, []string{"::1"}, candidates(answer))

	server := newEngine(t, v6, func(c *Config) { c.Advertise = "2001:db8::5" })
	_, offer, err := server.Offer(t.Context(), Options{}, RTP)
	require.NoError(t, err)
	require.Contains(t, string(offer), " IN IP6 2001:db8::5\r\ns=")
	require.Contains(t, string(offer), "c=IN IP6 2001:db8::5\r\n")
	p := newPeer(t, "::1")
	v4 := p.sdp()
	_, _, err = server.Answer(t.Context(), []byte(strings.ReplaceAll(string(v4), "::1", "127.0.0.1")), Options{})
	require.ErrorIs(t, err, ErrNotAcceptable)
	leg, _, err := server.Answer(t.Context(), []byte(strings.ReplaceAll(string(v4), "IP4", "IP6")), Options{})
	require.NoError(t, err)
	answer, err = leg.Reoffer([]byte(strings.ReplaceAll(strings.ReplaceAll(string(v4), "IP4", "IP6"), "::1", "::")))
	require.NoError(t, err)
	require.Equal(t, "recvonly", directionOf(answer), "hold of RFC 2543 in IPv6")
}

// An offer is made before it is known who will be called; a call that rings in
// several places is told to each.
func TestOfferForWhoeverIsCalled(t *testing.T) {
	const bind, public, other = "127.0.0.1", "203.0.113.5", "198.51.100.7"
	server := newEngine(t, func(c *Config) {
		c.Advertise, c.LocalNetworks = public, []string{"10.0.0.0/8"}
	})
	leg, offer, err := server.Offer(t.Context(), Options{}, RTP)
	require.NoError(t, err)
	require.Contains(t, string(offer), "c=IN IP4 "+public+"\r\n")
	desk, mobile := netip.MustParseAddr("10.0.0.7"), netip.MustParseAddr("198.51.100.1")
	toMobile := leg.Facing(mobile, netip.Addr{})
	require.Equal(t, string(offer), string(toMobile))
	toTrunk := leg.Facing(mobile, netip.MustParseAddr(other))
	require.Equal(t, strings.ReplaceAll(string(offer), public, other), string(toTrunk))
	toDesk := leg.Facing(desk, netip.Addr{})
	require.Equal(t, strings.ReplaceAll(string(offer), public, bind), string(toDesk))

	p := newPeer(t, "127.0.0.1")
	require.NoError(t, leg.Accept(p.sdp()))
	require.Equal(t, bind, leg.LocalAddr().Addr().String())
	held, err := leg.Hold(true)
	require.NoError(t, err)
	require.Contains(t, string(held), "c=IN IP4 "+bind+"\r\n", "who answered is told the same later")
	latch := &leg.(*rtpEndpoint).latch
	require.True(t, latch.related(desk), "audio may come from where the signalling is")
	require.False(t, latch.related(mobile))

	web, _, err := server.Offer(t.Context(), Options{}, WebRTC)
	require.NoError(t, err)
	require.Equal(t, []string{bind}, candidates(web.Facing(desk, netip.Addr{})))
	require.Equal(t, []string{public}, candidates(web.Facing(mobile, netip.Addr{})))
}
