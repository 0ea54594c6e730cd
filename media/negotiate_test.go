package media

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A re-INVITE that takes the other law changes a leg in its place: same port,
// same stream, and whoever it talks to notices nothing.
func TestCodecChangesInPlace(t *testing.T) {
	server := newEngine(t)
	a, b := newPeer(t, "127.0.0.1"), newPeer(t, "127.0.0.1")
	la, lb := a.answered(server, Options{}), b.answered(server, Options{})
	room := server.NewRoom()
	room.Join(la, Role{})
	room.Join(lb, Role{})
	b.sing(0, 1000)
	stop := a.sing(0, 400)
	both := func(c Codec) {
		t.Helper()
		require.Eventually(t, func() bool { return a.level(c, 1000) > 0.9 && b.level(PCMU, 400) > 0.9 }, eventually, time.Millisecond)
		require.Equal(t, c, la.Stats().Codec)
	}
	both(PCMU)
	port := la.LocalAddr()
	for _, c := range []Codec{PCMA, PCMU} {
		pt := c.staticPT()
		only := strings.Replace(string(a.sdp()), "RTP/AVP 0 8 101", "RTP/AVP "+string('0'+pt)+" 101", 1)
		answer, err := la.Reoffer([]byte(only))
		require.NoError(t, err)
		require.Contains(t, string(answer), "RTP/AVP "+string('0'+pt)+" 101\r\n")
		stop()
		stop = a.sing(pt, 400)
		both(c)
	}
	require.Equal(t, port, la.LocalAddr())
	requireContinuous(t, a.received())
	requireContinuous(t, b.received())
}

// The answers of a 183 and of the 200 may differ in everything: another phone
// took the call.
func TestAnswersOfEarlyMediaAndOfTheCall(t *testing.T) {
	server := newEngine(t)
	leg, offer, err := server.Offer(t.Context(), Options{}, RTP)
	require.NoError(t, err)
	require.NotEmpty(t, offer)
	talk(t, leg, 440)
	early, final := newPeer(t, "127.0.0.1"), newPeer(t, "127.0.0.1")
	require.NoError(t, leg.Accept(early.sdp("recvonly")))
	require.Eventually(t, func() bool { return early.level(PCMU, 440) > 0.9 }, eventually, time.Millisecond)
	require.NoError(t, leg.Accept(early.sdp("recvonly")), "said twice")
	require.NoError(t, leg.Accept([]byte(strings.Replace(string(final.sdp()), "AVP 0 8", "AVP 8", 1))))
	require.Eventually(t, func() bool { return final.level(PCMA, 440) > 0.9 }, eventually, time.Millisecond)
	requireContinuous(t, append(early.received(), final.received()...))
	_, err = leg.Reoffer(final.sdp())
	require.NoError(t, err)
	require.ErrorIs(t, leg.Accept(early.sdp()), ErrState, "that offer is over")
}

// What answered for a 183 goes on after the 200.
func TestEarlyMediaIsTheCallsMedia(t *testing.T) {
	server := newEngine(t)
	p := newPeer(t, "127.0.0.1")
	leg := p.answered(server, Options{}) // 183
	require.NoError(t, leg.Play(t.Context(), Tone(440, 60*time.Millisecond)))
	require.NoError(t, leg.Play(t.Context(), Tone(880, 60*time.Millisecond))) // 200, the same description
	requireContinuous(t, p.waitFor(6))
}
