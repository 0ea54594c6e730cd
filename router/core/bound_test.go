package core

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestOvertake: a contact may be overtaken by a more urgent one that comes
// just inside the bound, and by none that comes at it.
func TestOvertake(t *testing.T) {
	for _, tt := range []struct {
		name string
		late time.Duration // beyond the bound
		want Contact
	}{
		{"inside the bound", -1, 1},
		{"at the bound", 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := New(Config{Channels: []ChannelRule{{Weight: 1}}, PriorityStep: time.Minute, MaxPriority: 5})
			slow := s.WorkType(WorkType{Patience: time.Hour, OfferTimeout: time.Second})
			fast := s.WorkType(WorkType{Patience: time.Minute, OfferTimeout: time.Second})
			sig := s.Signature(nil)
			bound := s.Overtake(slow, 2)
			require.Equal(t, 62*time.Minute, bound) // 3 points and 59 minutes
			arrive := func(c Contact, at int64, w Type, prio int16) {
				s.Apply(at, Command{Op: OpArrive, Contact: c, Type: w, Sig: sig, Tier: 1, Priority: prio, Time: at, Agent: Nobody}, nil)
			}
			arrive(0, 1000, slow, 2)
			arrive(1, 1000+int64(bound+tt.late), fast, 99) // clamped to 5
			cl := s.Class(Profile{Capacity: 1, Caps: [MaxChannels]uint16{1}})
			s.Apply(0, Command{Op: OpSignIn, Class: cl, Channels: 1}, nil)
			effects := s.Apply(0, Command{Op: OpReady}, nil)
			require.Equal(t, Offer, effects[0].Kind)
			require.Equal(t, tt.want, effects[0].Contact)
		})
	}
}

// TestNoAllocations: a whole cycle of a contact, with a refusal, allocates
// nothing once the State has its size.
func TestNoAllocations(t *testing.T) {
	s, sigs := centre(20)
	dst := make([]Effect, 0, 32)
	now := int64(1)
	for a := range 20 {
		dst = s.Apply(now, Command{Op: OpReady, Agent: Agent(a)}, dst[:0])
	}
	offer := func() Effect {
		for _, e := range dst {
			if e.Kind == Offer {
				return e
			}
		}
		return Effect{}
	}
	i := 0
	cycle := func() {
		now += 1000
		i++
		dst = s.Apply(now, Command{Op: OpArrive, Sig: sigs[i%len(sigs)], Tier: 1, Time: now, Agent: Nobody}, dst[:0])
		e := offer()
		dst = s.Apply(now, Command{Op: OpReject, Agent: e.Agent, Offer: e.Offer}, dst[:0])
		e = offer()
		dst = s.Apply(now, Command{Op: OpAccept, Agent: e.Agent, Offer: e.Offer}, dst[:0])
		dst = s.Apply(now, Command{Op: OpEnd}, dst[:0])
	}
	for range 1000 {
		cycle()
	}
	require.Zero(t, testing.AllocsPerRun(1000, cycle))
}
