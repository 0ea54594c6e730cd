package media

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// requireContinuous checks what a far side must see whatever feeds the stream.
func requireContinuous(t *testing.T, got []captured) {
	t.Helper()
	first := got[0]
	for i, c := range got[1:] {
		prev := got[i]
		require.Equal(t, first.h.ssrc, c.h.ssrc, "packet %d: one SSRC", i+1)
		require.Equal(t, prev.h.seq+1, c.h.seq, "packet %d: no gap in sequence", i+1)
		if c.h.pt != 101 {
			require.Positive(t, int32(c.h.ts-prev.h.ts), "packet %d: time goes on", i+1)
		} else {
			require.GreaterOrEqual(t, int32(c.h.ts-prev.h.ts), int32(0), "packet %d: time goes on", i+1)
		}
		wall := c.at.Sub(first.at)
		media := time.Duration(c.h.ts-first.h.ts) * time.Second / sampleRate
		if c.h.marker { // within one source the source's own clock counts
			require.InDelta(t, wall.Seconds(), media.Seconds(), 0.3, "packet %d: timestamps follow the clock", i+1)
		}
	}
}

func markers(got []captured) (n int) {
	for _, c := range got {
		if c.h.marker {
			n++
		}
	}
	return n
}

func playFor(t *testing.T, e Endpoint, hz float64, d time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	require.ErrorIs(t, e.Play(ctx, Tone(hz, time.Second).Looped()), context.DeadlineExceeded)
}

func TestStreamIsContinuousOverEverySource(t *testing.T) {
	server, robots := newEngine(t), newEngine(t)
	caller := newPeer(t, "127.0.0.1")
	leg := caller.answered(server, Options{})
	stop := caller.stream()
	agent, agentLeg := dial(t, robots, server, WebRTC, Options{}, Options{IdleLine: true})
	require.Equal(t, Connected, (<-agent.Events()).Kind)
	heard := func() {
		n := len(caller.received())
		caller.waitFor(n + 15)
	}

	require.NoError(t, leg.Play(t.Context(), Tone(500, 200*time.Millisecond))) // prompt
	playFor(t, leg, 600, 200*time.Millisecond)                                 // music
	talk(t, agent, 1000)
	room := server.NewRoom()
	leaveCaller, leaveAgent := room.Join(leg, Role{}), room.Join(agentLeg, Role{}) // bridge
	heard()
	require.NoError(t, agent.SendDigits(t.Context(), "5"))
	heard()
	leaveAgent()
	playFor(t, leg, 600, 200*time.Millisecond) // hold
	leaveAgent = room.Join(agentLeg, Role{})   // bridge again
	heard()
	require.NoError(t, leg.SendDigits(t.Context(), "7"))
	heard()
	agentLeg.Mute(true)
	heard()
	_, err := leg.Reoffer(caller.sdp("inactive")) // the caller's own hold
	require.NoError(t, err)
	before := agentLeg.Stats().PacketsIn
	require.Eventually(t, func() bool { return agentLeg.Stats().PacketsIn > before+10 }, eventually, time.Millisecond)
	_, err = leg.Reoffer(caller.sdp("sendrecv"))
	require.NoError(t, err)
	heard()
	leaveAgent()
	leaveCaller()
	stop()

	got := caller.received()
	requireContinuous(t, got)
	require.True(t, got[0].h.marker)
	// Prompt, music, bridge, the key passed through, hold, bridge, our key,
	// bridge: each switch is marked once.
	require.GreaterOrEqual(t, markers(got), 7)
	require.LessOrEqual(t, markers(got), 10)
}

func TestPromptIsWholeAndPaced(t *testing.T) {
	server := newEngine(t)
	caller := newPeer(t, "127.0.0.1")
	leg := caller.answered(server, Options{})
	start := time.Now()
	require.NoError(t, leg.Play(t.Context(), Tone(440, time.Second)))
	// The last frame leaves 980 ms after the first; how much later is the
	// machine's affair.
	require.GreaterOrEqual(t, time.Since(start), 980*time.Millisecond)
	got := caller.waitFor(50)
	require.Len(t, got, 50)
	requireContinuous(t, got)
	for i, c := range got {
		require.Equal(t, got[0].h.ts+uint32(i)*frameSamples, c.h.ts)
	}
}

func TestPlayReplacesPlay(t *testing.T) {
	server := newEngine(t)
	caller := newPeer(t, "127.0.0.1")
	leg := caller.answered(server, Options{})
	first := make(chan error, 1)
	var wg sync.WaitGroup
	wg.Go(func() { first <- leg.Play(t.Context(), Tone(440, time.Second).Looped()) })
	caller.waitFor(3)
	require.NoError(t, leg.Play(t.Context(), Tone(880, 40*time.Millisecond)))
	require.ErrorIs(t, <-first, ErrInterrupted)
	wg.Wait()
	requireContinuous(t, caller.received())
}

func TestPlayEndsWithTheEndpoint(t *testing.T) {
	server := newEngine(t)
	caller := newPeer(t, "127.0.0.1")
	leg := caller.answered(server, Options{})
	res := make(chan error, 1)
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { res <- leg.Play(t.Context(), Tone(440, time.Second).Looped()) })
	caller.waitFor(3)
	require.NoError(t, leg.Close())
	require.ErrorIs(t, <-res, ErrClosed)
	require.ErrorIs(t, leg.Play(t.Context(), Tone(440, time.Second)), ErrClosed)
	_, err := leg.Reoffer(caller.sdp())
	require.ErrorIs(t, err, ErrClosed)
	require.NoError(t, leg.Close())
}
