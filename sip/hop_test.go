package sip

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"filo/sip/trunk"
)

// TestOurs: which address a peer is told in Via and Contact.
func TestOurs(t *testing.T) {
	cfg := testConfig()
	cfg.LocalNetworks = []string{"10.0.0.0/8", "192.0.2.200"}
	u, err := New(cfg, Deps{})
	require.NoError(t, err)
	advertised := &listener{Listen: Listen{Advertise: "pbx.example.com:5080"}, bound: mustAddrPort("10.0.0.5:5060")}
	plain := &listener{bound: mustAddrPort("10.0.0.5:5060")}
	own := &trunk.Trunk{Config: Trunk{Advertise: "carrier.example.com:6060"}}
	for _, c := range []struct {
		name string
		hop  hop
		want string
	}{
		{"not advertised", hop{ln: plain, addr: "192.0.2.9:5060"}, "10.0.0.5:5060"},
		{"advertised", hop{ln: advertised, addr: "192.0.2.9:5060"}, "pbx.example.com:5080"},
		{"a name", hop{ln: advertised, addr: "sip.example.com:5060"}, "pbx.example.com:5080"},
		{"the trunk's own", hop{ln: advertised, trunk: own, addr: "192.0.2.9:5060"}, "carrier.example.com:6060"},
		{"the trunk's own, without a listener", hop{trunk: own, addr: "192.0.2.9:5060"}, "carrier.example.com:6060"},
		{"a trunk without one", hop{ln: advertised, trunk: &trunk.Trunk{}, addr: "192.0.2.9:5060"}, "pbx.example.com:5080"},
		{"loopback", hop{ln: advertised, addr: "127.0.0.1:5060"}, "10.0.0.5:5060"},
		{"local network", hop{ln: advertised, trunk: own, addr: "10.9.9.9:5060"}, "10.0.0.5:5060"},
		{"local address", hop{ln: advertised, addr: "192.0.2.200:5060"}, "10.0.0.5:5060"},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.True(t, c.hop.named())
			host, port := u.ours(c.hop)
			require.Equal(t, c.want, fmt.Sprintf("%s:%d", host, port))
		})
	}
}
