package voice

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"filo/bench/robot"
)

func TestTransferToARegisteredUser(t *testing.T) {
	for _, c := range []struct {
		name  string
		talk  time.Duration // the far side hangs up after it
		leave func(h *house, c *robot.Call)
	}{
		{"caller hangs up", 0, (*house).hangup},
		{"far side hangs up", time.Second, (*house).over},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := open(t, with(staff{"office": "secret-1"}))
			phone := h.phone("office", func(p *robot.PhoneConfig) { p.Talk = c.talk })
			call := h.call(giulia)
			h.hears(call.Meter, menuHz)
			require.NoError(t, call.SendDigits(h.within(), "5"))
			h.hears(call.Meter, agentHz)
			h.hears(phone.Meter(), callerHz)
			c.leave(h, call)
			require.Equal(t, "transferred", h.ended(0).Attrs["result"])
		})
	}
}

func TestTransferRefused(t *testing.T) {
	h := open(t, with(staff{"office": "secret-1"}))
	h.phone("office", func(p *robot.PhoneConfig) { p.Refuse = 486 })
	call := h.call(giulia)
	h.hears(call.Meter, menuHz)
	require.NoError(t, call.SendDigits(h.within(), "5"))
	h.waiting("checkout", 1)
	h.hangup(call)
	require.Equal(t, "abandoned", h.ended(0).Attrs["result"])
}

func TestCallerLeavesWhileTheTransferRings(t *testing.T) {
	h := open(t, with(staff{"office": "secret-1"}))
	phone := h.phone("office", func(p *robot.PhoneConfig) { p.Ignore = true })
	call := h.call(giulia)
	h.hears(call.Meter, menuHz)
	require.NoError(t, call.SendDigits(h.within(), "5"))
	h.hears(call.Meter, musicHz)
	require.Eventually(t, func() bool { return phone.Rings() == 1 }, patience, tick)
	h.hangup(call)
	require.Equal(t, "abandoned", h.ended(0).Attrs["result"])
}
