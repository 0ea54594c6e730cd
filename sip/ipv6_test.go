package sip

import (
	"net"
	"testing"

	"github.com/stretchr/testify/require"
)

// Everything works between IPv6 addresses as between IPv4 ones: listeners,
// Via and Contact in brackets, in-dialog requests, registration, trunks.
func TestIPv6(t *testing.T) {
	probe, err := net.ListenPacket("udp6", "[::1]:0")
	if err != nil {
		t.Skip("no IPv6 here")
	}
	_ = probe.Close()
	cfg := testConfig()
	cfg.Listen = []Listen{{Network: "udp", Bind: "[::1]:0"}, {Network: "tcp", Bind: "[::1]:0"}}
	cfg.Trunks[0].Allow = []string{"::1"}
	for _, transport := range []string{"UDP", "TCP"} {
		t.Run(transport, func(t *testing.T) {
			legs := make(chan *Leg, 2)
			callee := run(t, cfg, passwords{"alice": "w"}, answerer(t, legs))
			caller := run(t, cfg, nil, answerer(t, legs))
			ctx := timeout(t)
			out, err := caller.Invite(ctx, called(transport, callee, "200"), InviteOptions{From: "1", SDP: sdp("caller")})
			require.NoError(t, err)
			in := <-legs
			require.Equal(t, "loop", in.Info().Trunk)
			require.Contains(t, in.Info().Source, "[::1]:")
			_, err = in.RemoteAnswer(ctx)
			require.NoError(t, err)
			require.NoError(t, in.Hangup(ctx, Hangup{}))
			ended(t, out, ErrRemoteHangup)

			network := map[string]string{"UDP": "udp", "TCP": "tcp"}[transport]
			_, err = caller.Register(ctx, Registration{Registrar: callee.Addr(network), Transport: transport, User: "alice", Password: "w"})
			require.NoError(t, err)
			out, err = callee.Invite(ctx, Target{User: "alice"}, InviteOptions{From: "2", SDP: sdp("server")})
			require.NoError(t, err)
			in = <-legs
			require.NoError(t, out.Hangup(ctx, Hangup{}))
			ended(t, in, ErrRemoteHangup)
		})
	}
}

// A socket bound to all addresses of both families tells each peer one of its
// own family.
func TestBothFamilies(t *testing.T) {
	if probe, err := net.ListenPacket("udp6", "[::1]:0"); err != nil {
		t.Skip("no IPv6 here")
	} else {
		_ = probe.Close()
	}
	cfg := testConfig()
	cfg.Listen = []Listen{{Network: "udp", Bind: "[::]:0"}, {Network: "tcp", Bind: "[::]:0"}}
	cfg.Trunks[0].Allow = []string{"127.0.0.0/8", "::1"}
	legs := make(chan *Leg, 1)
	callee := run(t, cfg, nil, answerer(t, legs))
	_, port, err := net.SplitHostPort(callee.Addr("udp"))
	require.NoError(t, err)
	for _, host := range []string{"127.0.0.1", "::1"} {
		own := testConfig()
		own.Listen = []Listen{{Network: "udp", Bind: net.JoinHostPort(host, "0")}}
		caller := run(t, own, nil, nil)
		ctx := timeout(t)
		out, err := caller.Invite(ctx, Target{URI: "sip:200@" + net.JoinHostPort(host, port)}, InviteOptions{From: "1", SDP: sdp("caller")})
		require.NoError(t, err, host)
		in := <-legs
		_, err = in.RemoteAnswer(ctx)
		require.NoError(t, err, "the ACK found its way to our Contact")
		require.NoError(t, out.Hangup(ctx, Hangup{}))
		ended(t, in, ErrRemoteHangup)
	}
}
