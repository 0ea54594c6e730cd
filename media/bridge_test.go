package media

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRoomBridgesTwo(t *testing.T) {
	cases := map[string]struct {
		a, b         Kind
		ao, bo       Options
		wantA, wantB Codec
	}{
		"rtp to rtp":       {a: RTP, b: RTP, wantA: PCMU, wantB: PCMU},
		"pcma to pcmu":     {a: RTP, b: RTP, ao: Options{Codecs: []Codec{PCMA}}, wantA: PCMA, wantB: PCMU},
		"rtp to webrtc":    {a: RTP, b: WebRTC, wantA: PCMU, wantB: PCMU},
		"pcma to webrtc":   {a: RTP, b: WebRTC, ao: Options{Codecs: []Codec{PCMA}}, wantA: PCMA, wantB: PCMU},
		"webrtc to webrtc": {a: WebRTC, b: WebRTC, wantA: PCMU, wantB: PCMU},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			robots, server := newEngine(t), newEngine(t)
			a, sa := dial(t, robots, server, c.a, c.ao, Options{})
			b, sb := dial(t, robots, server, c.b, c.bo, Options{})
			talk(t, a, 440)
			talk(t, b, 1000)
			ma, mb := robots.Meter(a, 1000), robots.Meter(b, 440)
			room := server.NewRoom()
			defer room.Join(sa, Role{})()
			defer room.Join(sb, Role{})()
			hears(t, ma, 1000)
			hears(t, mb, 440)
			require.Equal(t, c.wantA, sa.Stats().Codec)
			require.Equal(t, c.wantB, sb.Stats().Codec)
			require.False(t, sa.Stats().JoinFirstIn.IsZero())
			require.False(t, sa.Stats().JoinFirstOut.IsZero())
		})
	}
}
