package sip

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCall(t *testing.T) {
	for _, transport := range []string{"UDP", "TCP"} {
		t.Run(transport, func(t *testing.T) {
			legs := make(chan *Leg, 1)
			ringing := make(chan struct{}, 2)
			answer := answerer(t, legs)
			callee := run(t, testConfig(), nil, func(ctx context.Context, l *Leg) {
				require.NoError(t, l.Ring(ctx))
				<-ringing
				answer(ctx, l)
			})
			caller := run(t, testConfig(), nil, nil)
			ctx := timeout(t)

			out, err := caller.Invite(ctx, called(transport, callee, "200"), InviteOptions{
				From: "+39055123", FromName: `Giulia "G" Rossi`, SDP: sdp("caller"), Headers: map[string]string{"X-Cart": "7", "X-Other": "1"},
				OnProvisional: func(code int, _ []byte) {
					if code == 180 {
						select {
						case ringing <- struct{}{}:
						default:
						}
					}
				},
			})
			require.NoError(t, err)
			require.Contains(t, string(out.RemoteSDP()), "callee")
			in := <-legs
			info := in.Info()
			require.Equal(t, "+39055123", info.From)
			require.Equal(t, `Giulia "G" Rossi`, info.FromName)
			require.Equal(t, "200", info.Called)
			require.Equal(t, "loop", info.Trunk)
			require.Equal(t, transport, info.Transport)
			require.Equal(t, map[string]string{"X-Cart": "7"}, info.Headers)
			require.Contains(t, string(in.Offer()), "caller")

			require.NoError(t, out.Hangup(ctx, Hangup{Cause: "Q.850;cause=16"}))
			ended(t, out, ErrHangup)
			ended(t, in, ErrRemoteHangup)

			ringing <- struct{}{}
			out, err = caller.Invite(ctx, called(transport, callee, "200"), InviteOptions{From: "1", SDP: sdp("caller")})
			require.NoError(t, err)
			in = <-legs
			_, err = in.RemoteAnswer(ctx)
			require.NoError(t, err)
			require.NoError(t, in.Hangup(ctx, Hangup{}))
			ended(t, in, ErrHangup)
			ended(t, out, ErrRemoteHangup)
		})
	}
}

func TestStopWithCallsUp(t *testing.T) {
	for _, transport := range []string{"UDP", "TCP"} {
		t.Run(transport, func(t *testing.T) {
			legs := make(chan *Leg, 1)
			callee := run(t, testConfig(), nil, answerer(t, legs))
			caller := run(t, testConfig(), nil, nil)
			_, err := caller.Invite(timeout(t), called(transport, callee, "200"), InviteOptions{From: "1", SDP: sdp("caller")})
			require.NoError(t, err)
			<-legs
		})
	}
}
