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
			anyone := s.Plan(nil)
			bound, ok := s.Overtake(slow, 1, 2)
			require.True(t, ok)
			require.Equal(t, 62*time.Minute, bound) // 3 points and 59 minutes
			arrive := func(c Contact, at int64, w Type, prio int16) {
				s.Apply(at, Command{Op: OpArrive, Contact: c, Type: w, Plan: anyone, Tier: 1, Priority: prio, Time: at, Agent: Nobody}, nil)
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

func TestOvertakeOf(t *testing.T) {
	const minute = time.Minute
	for _, tt := range []struct {
		name  string
		mine  WorkType
		other WorkType
		tier  uint8
		prio  int16
		want  time.Duration // -1: no bound
	}{
		{"alike", WorkType{}, WorkType{}, 1, 5, 0},
		{"their patience is less", WorkType{Patience: 9 * minute}, WorkType{Patience: minute}, 1, 5, 8 * minute},
		{"their patience is more", WorkType{Patience: minute}, WorkType{Patience: 9 * minute}, 1, 5, 0},
		{"priority", WorkType{}, WorkType{}, 1, 0, 5 * minute},
		{"they age faster", WorkType{}, WorkType{Rate: 2 * RateOne}, 1, 5, -1},
		{"they age faster, for a time", WorkType{}, WorkType{Rate: 2 * RateOne, Saturate: 10 * minute}, 1, 5, 10 * minute},
		{"they age slower", WorkType{}, WorkType{Rate: RateOne / 2}, 1, 5, 0},
		{"they age slower but begin sooner", WorkType{Patience: 6 * minute}, WorkType{Rate: RateOne / 2}, 1, 5, 6 * minute},
		{"I am saturated", WorkType{Saturate: minute}, WorkType{}, 1, 5, -1},
		{"a lower tier", WorkType{}, WorkType{}, 2, 5, -1},
		{"a lower tier, promoted", WorkType{Promote: 7 * minute}, WorkType{}, 3, 5, 14 * minute},
		{"promoted and less patient", WorkType{Promote: 7 * minute, Patience: 3 * minute}, WorkType{}, 2, 5, 7 * minute},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := New(Config{Channels: []ChannelRule{{Weight: 1}}, PriorityStep: minute, MaxPriority: 5})
			mine := s.WorkType(tt.mine)
			s.WorkType(tt.other)
			bound, ok := s.Overtake(mine, tt.tier, tt.prio)
			require.Equal(t, tt.want >= 0, ok)
			require.Equal(t, max(tt.want, 0), bound)
		})
	}
}

// TestNoAllocations: a whole cycle of a contact, with a refusal, allocates
// nothing once the State has its size.
func TestNoAllocations(t *testing.T) {
	s, plans := centre(20)
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
		dst = s.Apply(now, Command{Op: OpArrive, Plan: plans[i%len(plans)], Tier: 1, Time: now, Agent: Nobody}, dst[:0])
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
