package media

import (
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func openFiles(t *testing.T) int {
	t.Helper()
	d, err := os.ReadDir("/proc/self/fd")
	require.NoError(t, err)
	return len(d)
}

func TestPortsAreFreedAfterClose(t *testing.T) {
	server := newEngine(t, func(c *Config) { c.PortMin, c.PortMax, c.PortQuarantine = 40000, 40099, 0 })
	p := newPeer(t, "127.0.0.1")
	before := openFiles(t)
	for range 1000 {
		e, _, err := server.Answer(t.Context(), p.sdp(), Options{})
		require.NoError(t, err)
		port := e.LocalAddr().Port()
		require.Zero(t, port%2)
		require.GreaterOrEqual(t, port, uint16(40000))
		require.LessOrEqual(t, port, uint16(40099))
		require.NoError(t, e.Close())
	}
	require.Equal(t, before, openFiles(t))
	server.mu.Lock()
	defer server.mu.Unlock()
	require.Empty(t, server.endpoints)
}

func TestPortsRunOut(t *testing.T) {
	server := newEngine(t, func(c *Config) { c.PortMin, c.PortMax = 40101, 40106 }) // two pairs
	p := newPeer(t, "127.0.0.1")
	var open []Endpoint
	for range 2 {
		e, _, err := server.Answer(t.Context(), p.sdp(), Options{})
		require.NoError(t, err)
		open = append(open, e)
	}
	_, _, err := server.Answer(t.Context(), p.sdp(), Options{})
	require.ErrorIs(t, err, ErrNoPorts)
	require.NoError(t, open[0].Close())
	_, _, err = server.Answer(t.Context(), p.sdp(), Options{})
	require.ErrorIs(t, err, ErrNoPorts, "in quarantine")
}

func TestPortQuarantine(t *testing.T) {
	p := newPorts(netip.MustParseAddr("127.0.0.1"), Config{PortMin: 40200, PortMax: 40203, PortQuarantine: 30 * time.Second})
	now := time.Now()
	a, ok := p.take(now)
	require.True(t, ok)
	b, ok := p.take(now)
	require.True(t, ok)
	require.NotEqual(t, a, b)
	p.give(a, now)
	_, ok = p.take(now.Add(29 * time.Second))
	require.False(t, ok)
	got, ok := p.take(now.Add(30 * time.Second))
	require.True(t, ok)
	require.Equal(t, a, got)
}
