package media

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func shortTimeouts(c *Config) {
	c.InitialRTPTimeout, c.RTPTimeout = 300*time.Millisecond, 150*time.Millisecond
}

// nextEvent fails when nothing happens in time.
func nextEvent(t *testing.T, e Endpoint) Event {
	t.Helper()
	select {
	case ev := <-e.Events():
		return ev
	case <-time.After(eventually):
		t.Fatal("no event")
		return Event{}
	}
}

func quiet(t *testing.T, e Endpoint, d time.Duration) {
	t.Helper()
	select {
	case ev := <-e.Events():
		t.Fatalf("unexpected %v", ev.Kind)
	case <-time.After(d):
	}
}

func TestRTPTimeout(t *testing.T) {
	server := newEngine(t, shortTimeouts)
	p := newPeer(t, "127.0.0.1")
	start := time.Now()
	leg := p.answered(server, Options{})
	ev := nextEvent(t, leg)
	require.Equal(t, Timeout, ev.Kind)
	require.InDelta(t, 0.3, ev.At.Sub(start).Seconds(), 0.2, "the initial limit")

	stop := p.stream()
	require.Equal(t, Connected, nextEvent(t, leg).Kind)
	quiet(t, leg, 400*time.Millisecond)
	stop()
	require.Equal(t, Timeout, nextEvent(t, leg).Kind)
	quiet(t, leg, 300*time.Millisecond) // once per silence
}

func TestHoldHasNoTimeout(t *testing.T) {
	server := newEngine(t, shortTimeouts)
	p := newPeer(t, "127.0.0.1")
	leg := p.answered(server, Options{})
	p.sendSilence()
	require.Equal(t, Connected, nextEvent(t, leg).Kind)
	_, err := leg.Reoffer(p.sdp("sendonly"))
	require.NoError(t, err)
	quiet(t, leg, 500*time.Millisecond)
	_, err = leg.Reoffer(p.sdp("sendrecv"))
	require.NoError(t, err)
	require.Equal(t, Timeout, nextEvent(t, leg).Kind)
}

func TestIdleLineIsSilentBothWays(t *testing.T) {
	robots, server := newEngine(t), newEngine(t, shortTimeouts)
	browser, line := dial(t, robots, server, WebRTC, Options{}, Options{IdleLine: true})
	require.Equal(t, Connected, nextEvent(t, browser).Kind)
	require.Equal(t, Connected, nextEvent(t, line).Kind)
	room := server.NewRoom()
	defer room.Join(line, Role{})()
	quiet(t, line, 600*time.Millisecond)
	require.Zero(t, line.Stats().PacketsOut)
	require.Zero(t, browser.Stats().PacketsIn)

	caller := newPeer(t, "127.0.0.1")
	leg := caller.answered(server, Options{})
	caller.stream()
	talk(t, browser, 440)
	joined := time.Now()
	leave := room.Join(leg, Role{})
	caller.waitFor(5)
	require.Eventually(t, func() bool { return browser.Stats().PacketsIn > 5 }, eventually, time.Millisecond)
	s := leg.Stats()
	require.False(t, s.JoinFirstIn.Before(joined))
	require.False(t, s.JoinFirstOut.Before(joined))
	require.Less(t, s.JoinFirstOut.Sub(joined), time.Second)
	leave()
}

func TestAgentWhoVanishesInACallTimesOut(t *testing.T) {
	robots, server := newEngine(t), newEngine(t, shortTimeouts)
	browser, line := dial(t, robots, server, WebRTC, Options{}, Options{IdleLine: true})
	require.Equal(t, Connected, nextEvent(t, line).Kind)
	_, leg := dial(t, robots, server, RTP, Options{}, Options{})
	stop := talk(t, browser, 440)
	require.Eventually(t, func() bool { return line.Stats().PacketsIn > 0 }, eventually, time.Millisecond)
	room := server.NewRoom()
	defer room.Join(line, Role{})()
	defer room.Join(leg, Role{})()
	stop()
	require.Equal(t, Timeout, nextEvent(t, line).Kind)
}
