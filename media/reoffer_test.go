package media

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"
	"github.com/stretchr/testify/require"
)

// attributeOf returns the direction line of a description.
func directionOf(sdp []byte) string {
	for _, l := range strings.Split(string(sdp), "\r\n") {
		if d, ok := parseDirection(strings.TrimPrefix(l, "a=")); ok {
			return d.String()
		}
	}
	return ""
}

func TestHoldFromTheFarSide(t *testing.T) {
	zero := func(p *peer) []byte {
		return []byte(strings.Replace(string(p.sdp()), "c=IN IP4 127.0.0.1", "c=IN IP4 0.0.0.0", 1))
	}
	cases := map[string]struct {
		offer func(*peer) []byte
		want  string
		sends bool
	}{
		"sendonly": {func(p *peer) []byte { return p.sdp("sendonly") }, "recvonly", false},
		"inactive": {func(p *peer) []byte { return p.sdp("inactive") }, "inactive", false},
		"recvonly": {func(p *peer) []byte { return p.sdp("recvonly") }, "sendonly", true},
		"0.0.0.0":  {zero, "recvonly", false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			server := newEngine(t)
			p := newPeer(t, "127.0.0.1")
			leg := p.answered(server, Options{})
			require.NoError(t, leg.Play(t.Context(), Tone(440, 40*time.Millisecond)))
			p.waitFor(2)
			answer, err := leg.Reoffer(c.offer(p))
			require.NoError(t, err)
			require.Equal(t, c.want, directionOf(answer))
			require.NoError(t, leg.Play(t.Context(), Tone(440, 60*time.Millisecond)))
			if c.sends {
				p.waitFor(5)
			}
			require.Equal(t, c.sends, leg.Stats().PacketsOut == 5)
			answer, err = leg.Reoffer(p.sdp("sendrecv"))
			require.NoError(t, err)
			require.Equal(t, "sendrecv", directionOf(answer))
			require.NoError(t, leg.Play(t.Context(), Tone(440, 40*time.Millisecond)))
			requireContinuous(t, p.waitFor(4))
		})
	}
}

func TestOurHold(t *testing.T) {
	for _, kind := range []Kind{RTP, WebRTC} {
		t.Run(kind.String(), func(t *testing.T) {
			robots, server := newEngine(t), newEngine(t)
			r, s := dial(t, robots, server, kind, Options{}, Options{})
			m := robots.Meter(r, 440)
			if kind == WebRTC {
				require.Equal(t, Connected, nextEvent(t, s).Kind)
			}
			for _, on := range []bool{true, false} {
				offer, err := s.Hold(on)
				require.NoError(t, err)
				answer, err := r.Reoffer(offer)
				require.NoError(t, err)
				require.NoError(t, s.Accept(answer))
				require.Equal(t, map[bool]string{true: "sendonly", false: "sendrecv"}[on], directionOf(offer))
				require.Equal(t, map[bool]string{true: "recvonly", false: "sendrecv"}[on], directionOf(answer))
				stop := talk(t, s, 440) // music on hold is heard
				hears(t, m, 440)
				stop()
				m.Forget(440)
			}
			require.ErrorIs(t, s.Accept([]byte("v=0")), ErrBadSDP)
		})
	}
}

func TestOurOfferKeepsRefusedSections(t *testing.T) {
	server := newEngine(t)
	leg, _, err := server.Answer(t.Context(), []byte(sdpLines("v=0", "c=IN IP4 127.0.0.1",
		"m=video 5000 RTP/AVP 31", "m=audio 9 RTP/AVPF 0", "m=image 7 udptl t38")), Options{})
	require.NoError(t, err)
	offer, err := leg.Hold(true)
	require.NoError(t, err)
	d, err := parseSDP(offer)
	require.NoError(t, err)
	require.Len(t, d.media, 3)
	require.Zero(t, d.media[0].port)
	require.Equal(t, "RTP/AVPF", d.media[1].proto)
	require.NotZero(t, d.media[1].port)
	require.Equal(t, []string{"t38"}, d.media[2].formats)
}

func TestWebRTCHoldAndResumeFromTheFarSide(t *testing.T) {
	robots, server := newEngine(t), newEngine(t)
	r, s := dial(t, robots, server, WebRTC, Options{}, Options{})
	require.Equal(t, Connected, nextEvent(t, s).Kind)
	require.Equal(t, Connected, nextEvent(t, r).Kind)
	m := server.Meter(s, 440)
	back := robots.Meter(r, 880)
	talk(t, r, 440)
	talk(t, s, 880)
	hears(t, m, 440)
	hears(t, back, 880)
	offer, err := r.Hold(true)
	require.NoError(t, err)
	answer, err := s.Reoffer([]byte(strings.ReplaceAll(string(offer), "a=sendonly", "a=inactive")))
	require.NoError(t, err)
	require.Equal(t, "inactive", directionOf(answer))
	require.NoError(t, r.Accept(answer))
	sent := s.Stats().PacketsOut
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	<-ctx.Done() // the tone goes on, but not to the far side
	require.Equal(t, sent, s.Stats().PacketsOut)
	offer, err = r.Hold(false)
	require.NoError(t, err)
	answer, err = s.Reoffer(offer)
	require.NoError(t, err)
	require.NoError(t, r.Accept(answer))
	m.Forget(440)
	back.Forget(880)
	hears(t, m, 440)
	hears(t, back, 880)
}

func TestICERestart(t *testing.T) {
	robots, server := newEngine(t), newEngine(t)
	r, s := dial(t, robots, server, WebRTC, Options{}, Options{})
	require.Equal(t, Connected, nextEvent(t, s).Kind)
	talk(t, r, 440)
	m := server.Meter(s, 440)
	hears(t, m, 440)
	pc := r.(*webrtcEndpoint).pc
	offer, err := pc.CreateOffer(&webrtc.OfferOptions{ICERestart: true})
	require.NoError(t, err)
	done := webrtc.GatheringCompletePromise(pc)
	require.NoError(t, pc.SetLocalDescription(offer))
	<-done
	answer, err := s.Reoffer([]byte(pc.LocalDescription().SDP))
	require.NoError(t, err)
	require.NoError(t, pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: string(answer)}))
	before := s.Stats().PacketsIn
	require.Eventually(t, func() bool { return s.Stats().PacketsIn > before+50 }, eventually, 10*time.Millisecond)
}

func TestReofferThatFailsChangesNothing(t *testing.T) {
	server := newEngine(t)
	p := newPeer(t, "127.0.0.1")
	leg := p.answered(server, Options{})
	for name, offer := range map[string]string{
		"garbage":     "garbage",
		"other codec": "v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio 9 RTP/AVP 9\r\n",
		"reflection":  "v=0\r\nc=IN IP4 169.254.169.254\r\nm=audio 80 RTP/AVP 0\r\n",
		"srtp":        "v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio 9 RTP/SAVP 0\r\n",
	} {
		_, err := leg.Reoffer([]byte(offer))
		require.Error(t, err, name)
	}
	require.NoError(t, leg.Play(t.Context(), Tone(440, 40*time.Millisecond)))
	p.waitFor(2)
}

func TestOfferGlare(t *testing.T) {
	for _, kind := range []Kind{RTP, WebRTC} {
		t.Run(kind.String(), func(t *testing.T) {
			robots, server := newEngine(t), newEngine(t)
			r, s := dial(t, robots, server, kind, Options{}, Options{})
			talk(t, r, 440)
			m := server.Meter(s, 440)
			hears(t, m, 440)
			_, err := s.Hold(true) // refused by the far side: never answered
			require.NoError(t, err)
			_, err = s.Hold(false)
			require.NoError(t, err)
			offer, err := r.Hold(true)
			require.NoError(t, err)
			answer, err := s.Reoffer(offer)
			require.NoError(t, err)
			require.Equal(t, "recvonly", directionOf(answer))
			require.NoError(t, r.Accept(answer))
			require.NoError(t, r.Accept(answer), "early media and the final answer")
			m.Forget(440)
			hears(t, m, 440)
		})
	}
}

// A browser that has no track yet declares no SSRC.
func TestUndeclaredSSRC(t *testing.T) {
	robots, server := newEngine(t), newEngine(t)
	r, offer, err := robots.Offer(t.Context(), Options{}, WebRTC)
	require.NoError(t, err)
	var kept []string
	for _, l := range strings.Split(string(offer), "\r\n") {
		if !strings.HasPrefix(l, "a=ssrc") && !strings.HasPrefix(l, "a=msid") {
			kept = append(kept, l)
		}
	}
	s, answer, err := server.Answer(t.Context(), []byte(strings.Join(kept, "\r\n")), Options{})
	require.NoError(t, err)
	require.NoError(t, r.Accept(answer))
	talk(t, r, 440)
	hears(t, server.Meter(s), 440)
}
