package trunk

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestGate(t *testing.T) {
	now := time.Unix(1e9, 0)
	var g Gate
	two := Limit{Calls: 2}
	require.NoError(t, g.Enter(two, now))
	require.NoError(t, g.Enter(two, now))
	require.ErrorIs(t, g.Enter(two, now), ErrFull)
	require.NoError(t, g.Enter(Limit{Calls: 3}, now), "a reload counts at once")
	require.NoError(t, g.Enter(Limit{}, now), "one that may save a life")
	require.Equal(t, 4, g.Calls())
	for range 4 {
		g.Leave()
	}
	require.Zero(t, g.Calls())

	fast := Limit{CallsPerSecond: 5}
	passed := 0
	for i := range 100 { // a hundred in ten seconds
		if g.Enter(fast, now.Add(time.Duration(i)*100*time.Millisecond)) == nil {
			passed++
		}
	}
	require.InDelta(t, 50+5, passed, 1)

	var slow Gate
	rare := Limit{CallsPerSecond: 0.1}
	require.NoError(t, slow.Enter(rare, now))
	require.ErrorIs(t, slow.Enter(rare, now.Add(9*time.Second)), ErrFast)
	require.NoError(t, slow.Enter(rare, now.Add(10*time.Second)))
	require.ErrorIs(t, slow.Enter(rare, now.Add(5*time.Second)), ErrFast, "a clock that was set back")
}

func TestHealth(t *testing.T) {
	for _, c := range []struct {
		name  string
		codes []int
		up    bool
	}{
		{"at first", nil, true},
		{"serves", []int{200}, true},
		{"does not know OPTIONS", []int{405}, true},
		{"asks for a password", []int{401}, true},
		{"one lost", []int{408}, true},
		{"two lost", []int{408, 408}, false},
		{"one lost now and then", []int{408, 200, 408, 200, 408}, true},
		{"drains", []int{503}, false},
		{"is back", []int{503, 408, 200}, true},
		{"a lost one does not raise it", []int{503, 408}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var h Health
			for _, code := range c.codes {
				before := h.Up()
				require.Equal(t, h.Answered(code), h.Up() != before)
			}
			require.Equal(t, c.up, h.Up())
		})
	}
}

func TestBackoff(t *testing.T) {
	for _, c := range []struct {
		failures int
		refused  bool
		low, top time.Duration
	}{
		{1, false, time.Second, 2 * time.Second},
		{2, false, 2 * time.Second, 4 * time.Second},
		{5, false, 16 * time.Second, 32 * time.Second},
		{20, false, 150 * time.Second, 5 * time.Minute},
		{1 << 30, false, 150 * time.Second, 5 * time.Minute},
		{1, true, 30 * time.Second, time.Minute},
		{9, true, 150 * time.Second, 5 * time.Minute},
	} {
		require.Equal(t, c.low, Backoff(c.failures, c.refused, func() float64 { return 0 }))
		require.Equal(t, c.top, Backoff(c.failures, c.refused, func() float64 { return 1 }))
	}
}

func TestRefreshAfter(t *testing.T) {
	for granted, want := range map[time.Duration]time.Duration{
		time.Hour: time.Hour - 64*time.Second, time.Minute: 30 * time.Second, time.Second: time.Second, 0: time.Second,
	} {
		require.Equal(t, want, RefreshAfter(granted))
	}
}
