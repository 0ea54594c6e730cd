package media

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// speaker is a robot with a tone of its own, and the leg that serves it.
type speaker struct {
	robot, leg Endpoint
	meter      *Meter
	hz         float64
}

func newSpeaker(t *testing.T, robots, server *Engine, hz float64, hears ...float64) speaker {
	t.Helper()
	r, s := dial(t, robots, server, RTP, Options{}, Options{})
	talk(t, r, hz)
	return speaker{r, s, robots.Meter(r, hears...), hz}
}

func (s speaker) hearsNow(hz float64) bool { return s.meter.Level(hz) > 0.2 }

func TestRoomMixesThree(t *testing.T) {
	robots, server := newEngine(t), newEngine(t)
	a := newSpeaker(t, robots, server, 400)
	b := newSpeaker(t, robots, server, 1000)
	c := newSpeaker(t, robots, server, 2000)
	room := server.NewRoom()
	leaveA := room.Join(a.leg, Role{})
	leaveB := room.Join(b.leg, Role{})
	hears(t, a.meter, 1000)
	leaveC := room.Join(c.leg, Role{})
	require.Eventually(t, func() bool {
		return a.hearsNow(1000) && a.hearsNow(2000) && !a.hearsNow(400) &&
			b.hearsNow(400) && b.hearsNow(2000) && !b.hearsNow(1000) &&
			c.hearsNow(400) && c.hearsNow(1000) && !c.hearsNow(2000)
	}, eventually, 10*time.Millisecond)
	leaveC()
	leaveC() // idempotent
	require.Eventually(t, func() bool { return a.meter.Level(1000) > 0.9 && b.meter.Level(400) > 0.9 }, eventually, 10*time.Millisecond)
	leaveA()
	leaveB()
	require.Nil(t, room.mixer)
	require.Empty(t, room.members)
}

func TestSupervisorListensAndWhispers(t *testing.T) {
	robots, server := newEngine(t), newEngine(t)
	caller := newSpeaker(t, robots, server, 400)
	agent := newSpeaker(t, robots, server, 1000)
	boss := newSpeaker(t, robots, server, 2000)
	room := server.NewRoom()
	defer room.Join(caller.leg, Role{})()
	defer room.Join(agent.leg, Role{})()
	defer room.Join(boss.leg, Role{SpeaksTo: []Endpoint{}})() // listens
	require.Eventually(t, func() bool {
		return boss.hearsNow(400) && boss.hearsNow(1000) &&
			caller.meter.Level(1000) > 0.9 && agent.meter.Level(400) > 0.9
	}, eventually, 10*time.Millisecond)
	room.Join(boss.leg, Role{SpeaksTo: []Endpoint{agent.leg}}) // whispers
	require.Eventually(t, func() bool {
		return agent.hearsNow(400) && agent.hearsNow(2000) && caller.meter.Level(1000) > 0.9
	}, eventually, 10*time.Millisecond)
}

func TestMutedMemberIsSilent(t *testing.T) {
	robots, server := newEngine(t), newEngine(t)
	a := newSpeaker(t, robots, server, 400)
	b := newSpeaker(t, robots, server, 1000)
	room := server.NewRoom()
	defer room.Join(a.leg, Role{})()
	defer room.Join(b.leg, Role{})()
	hears(t, a.meter, 1000)
	b.leg.Mute(true)
	require.Eventually(t, func() bool { return a.meter.RMS() < 10 }, eventually, 10*time.Millisecond)
	require.Greater(t, b.meter.Level(400), 0.9)
	b.leg.Mute(false)
	require.Eventually(t, func() bool { return a.meter.Level(1000) > 0.9 }, eventually, 10*time.Millisecond)
}

func TestEndpointIsInOneRoom(t *testing.T) {
	robots, server := newEngine(t), newEngine(t)
	a := newSpeaker(t, robots, server, 400)
	b := newSpeaker(t, robots, server, 1000)
	c := newSpeaker(t, robots, server, 2000)
	first, second := server.NewRoom(), server.NewRoom()
	leaveFirst := first.Join(a.leg, Role{})
	first.Join(b.leg, Role{})
	second.Join(c.leg, Role{})
	hears(t, a.meter, 1000)
	second.Join(a.leg, Role{})
	hears(t, a.meter, 2000)
	leaveFirst() // of a stay that is over: nothing happens
	require.Len(t, first.members, 1)
	require.Len(t, second.members, 2)
	require.NoError(t, a.leg.Close())
	require.Len(t, second.members, 1)
	second.Join(a.leg, Role{}) // closed: not taken
	require.Len(t, second.members, 1)
}

func TestMixInputTakesUpJitter(t *testing.T) {
	in := &mixInput{}
	loud := make([]byte, frameSamples) // code 0 is the loudest
	in.push(1, PCMU, loud)
	in.pop()
	require.Zero(t, in.frame[0], "waits for two frames")
	in.push(2, PCMU, loud)
	in.push(2, PCMU, loud) // duplicate
	in.push(1, PCMU, loud) // late
	in.pop()
	require.NotZero(t, in.frame[0])
	in.pop()
	require.NotZero(t, in.frame[0])
	in.pop()
	require.Less(t, in.frame[0], int16(0), "goes down without a click")
	require.Zero(t, in.frame[fadeSamples])
	for i := range uint16(100) {
		in.push(10+i, PCMU, loud)
	}
	require.Equal(t, mixCap, in.n)
}

// A burst, after a network that stood still, delays the voice for some seconds
// and not for ever.
func TestMixInputCatchesUp(t *testing.T) {
	in := &mixInput{}
	frame := make([]byte, frameSamples)
	var seq uint16
	push := func() {
		seq++
		in.push(seq, PCMU, frame)
	}
	for range 10 {
		push()
	}
	for tick := range 10 * mixWindow {
		push()
		in.pop()
		require.True(t, in.ready, "nothing is missing at tick %d", tick)
	}
	require.Less(t, in.n, mixPrefill+frameSamples)
	require.GreaterOrEqual(t, in.n, frameSamples)
}
