package sip

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strings"
	"testing"

	gosip "github.com/emiago/sipgo/sip"
	"github.com/stretchr/testify/require"

	"filo/sip/transaction"
	"filo/sip/transport"
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

// Who says in his Contact that he wants TCP gets TCP from then on (RFC 3263
// section 4.1).
func TestContactByAnotherNetwork(t *testing.T) {
	u := run(t, testConfig(), nil, nil)
	p := newPeer(t, u)
	ln, err := net.Listen("tcp4", p.addr())
	require.NoError(t, err)
	defer func() { _ = ln.Close() }()
	out := p.invited(timeout(t), u, InviteOptions{From: "100", SDP: sdp("o")})
	inv := p.expect("INVITE")
	res := transaction.NewResponse(inv, 200, "OK", "x")
	res.AppendHeader(gosip.NewHeader("Contact", "<sip:callee@"+p.addr()+";transport=tcp>"))
	setSDP(res, []byte(testSDP))
	p.send(res.String())
	c, err := ln.Accept()
	require.NoError(t, err)
	defer func() { _ = c.Close() }()
	lines := bufio.NewReader(c)
	first, err := lines.ReadString('\n')
	require.NoError(t, err)
	require.Contains(t, first, "ACK sip:callee@")
	via, err := lines.ReadString('\n')
	require.NoError(t, err)
	require.Contains(t, via, "Via: SIP/2.0/TCP ")
	got := <-out
	require.NoError(t, got.err)
	hung := make(chan error, 1)
	go func() { hung <- got.leg.Hangup(context.WithoutCancel(t.Context()), Hangup{}) }()
	require.NoError(t, <-hung)
	for !strings.HasPrefix(first, "BYE ") {
		first, err = lines.ReadString('\n')
		require.NoError(t, err)
	}
}

// What began encrypted does not go on in clear because a Contact says so.
func TestEncryptedStaysSo(t *testing.T) {
	u, err := New(testConfig(), Deps{})
	require.NoError(t, err)
	h := hop{network: transport.TLS, addr: "192.0.2.1:5061", bound: true}
	require.Equal(t, transport.TLS, u.toward(h, place{transport.UDP, "192.0.2.1:5060"}).network)
	h = hop{network: transport.WS, addr: ""}
	require.Equal(t, h, u.toward(h, place{transport.UDP, "192.0.2.1:5060"}))
}
