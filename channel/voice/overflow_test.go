package voice

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"filo/router"
)

// A queue that a caller does not stay in takes the age along, and the figures
// follow the caller to the other queue.
func TestOverflow(t *testing.T) {
	h := open(t, func(s *settings) {
		s.router.Queues["checkout"] = router.Queue{WrapUp: -1, Overflow: router.Overflow{Queue: "zebra", After: 200 * time.Millisecond}}
	})
	call := h.call(giulia)
	h.hears(call.Meter, menuHz)
	require.NoError(t, call.SendDigits(h.within(), "1"))
	since := h.waiting("zebra", 1).Since
	require.GreaterOrEqual(t, time.Since(since), 200*time.Millisecond, "the age is that of the arrival")
	h.hears(call.Meter, musicHz)
	h.hangup(call)
	e := h.ended(0)
	require.Equal(t, "zebra", h.segment(e.Contact, 0).Queue)
}

// Where the waiting room is full a caller is turned away, and counted so.
func TestWaitingRoomIsFull(t *testing.T) {
	h := open(t, func(s *settings) {
		s.router.Rooms = map[string]int{"small": 1}
		s.router.Queues["checkout"] = router.Queue{WrapUp: -1, Room: "small"}
	})
	first := h.call(giulia)
	h.hears(first.Meter, menuHz)
	require.NoError(t, first.SendDigits(h.within(), "1"))
	h.waiting("checkout", 1)
	second := h.call("+390255501234")
	h.hears(second.Meter, menuHz)
	require.NoError(t, second.SendDigits(h.within(), "1"))
	take(h, second.Done(), "BYE")
	h.hangup(second)
	e := take(h, h.thread.written, "call on the thread")
	require.Equal(t, "overflowed", e.Attrs["result"])
	require.EqualValues(t, "overflowed", h.segment(e.Contact, 0).Result)
	h.waiting("checkout", 1)
	h.hangup(first)
	require.Equal(t, "abandoned", h.ended(0).Attrs["result"])
}
