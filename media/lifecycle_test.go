package media

import (
	"context"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestWebRTCPeerThatLeavesIsSeen(t *testing.T) {
	robots, server := newEngine(t), newEngine(t)
	browser, line := dial(t, robots, server, WebRTC, Options{}, Options{IdleLine: true})
	require.Equal(t, Connected, nextEvent(t, browser).Kind)
	require.Equal(t, Connected, nextEvent(t, line).Kind)
	require.NoError(t, browser.Close())
	require.Equal(t, Failed, nextEvent(t, line).Kind)
	require.NoError(t, line.Close())
}

func TestWebRTCLegsAreFreedAfterClose(t *testing.T) {
	robots, server := newEngine(t), newEngine(t)
	cycle := func() {
		r, s := dial(t, robots, server, WebRTC, Options{}, Options{})
		require.Equal(t, Connected, nextEvent(t, s).Kind)
		require.NoError(t, r.Close())
		require.NoError(t, s.Close())
	}
	cycle()
	before := openFiles(t)
	for range 10 {
		cycle()
	}
	require.Eventually(t, func() bool { return openFiles(t) <= before }, eventually, 10*time.Millisecond)
}

func TestAnswerIsBoundedByItsContext(t *testing.T) {
	server := newEngine(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	e, _, err := server.Answer(ctx, []byte(chromiumOffer), Options{})
	if err == nil { // gathering was quicker
		require.NoError(t, e.Close())
		return
	}
	require.ErrorIs(t, err, context.Canceled)
}

func TestAdvertisedAddress(t *testing.T) {
	server := newEngine(t, func(c *Config) { c.Advertise = "203.0.113.5" })
	p := newPeer(t, "127.0.0.1")
	e, answer, err := server.Answer(t.Context(), p.sdp(), Options{})
	require.NoError(t, err)
	require.Contains(t, string(answer), "c=IN IP4 203.0.113.5\r\n")
	require.Equal(t, netip.MustParseAddr("203.0.113.5"), e.LocalAddr().Addr())
	_, answer, err = server.Answer(t.Context(), []byte(chromiumOffer), Options{})
	require.NoError(t, err)
	require.Contains(t, string(answer), " 203.0.113.5 ")
	require.NotContains(t, string(answer), "127.0.0.1 ")
}

// Everything at once, for the race detector.
func TestConcurrentUse(t *testing.T) {
	robots, server := newEngine(t), newEngine(t)
	rooms := []*Room{server.NewRoom(), server.NewRoom()}
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	var wg sync.WaitGroup
	defer wg.Wait()
	for i := range 6 {
		r, s := dial(t, robots, server, RTP, Options{}, Options{})
		talk(t, r, 440)
		loop := func(f func(n int)) {
			wg.Go(func() {
				for n := 0; ctx.Err() == nil; n++ {
					f(n)
				}
			})
		}
		loop(func(n int) {
			leave := rooms[(i+n)%2].Join(s, Role{})
			if n%3 == 0 {
				rooms[(i+n)%2].Join(s, Role{SpeaksTo: []Endpoint{}})
			}
			leave()
		})
		loop(func(n int) {
			rec, err := rooms[n%2].Record(RecordOptions{Left: s, Open: (&memory{}).open})
			if err != nil {
				return // somebody else records
			}
			rec.Pause()
			rec.Resume()
			_, err = rec.Stop(ctx)
			if err != nil && ctx.Err() == nil {
				t.Error(err)
			}
		})
		loop(func(int) {
			short, stop := context.WithTimeout(ctx, 30*time.Millisecond)
			defer stop()
			_ = s.Play(short, Tone(500, 20*time.Millisecond))
		})
		loop(func(n int) {
			short, stop := context.WithTimeout(ctx, 50*time.Millisecond)
			defer stop()
			_ = s.SendDigits(short, "1")
			s.Mute(n%2 == 0)
			s.Stats()
		})
		loop(func(n int) {
			offer, err := r.Hold(n%2 == 0)
			if err != nil {
				t.Error(err)
				return
			}
			if answer, err := s.Reoffer(offer); err == nil { // one of them is closed
				_ = r.Accept(answer)
			}
		})
		if i == 0 {
			wg.Go(func() {
				<-ctx.Done()
				_ = s.Close()
			})
		}
	}
}
