package core

import (
	"fmt"
	"testing"
)

// centre is a State with n agents of 16 classes, not ready, and twelve plans.
func centre(n int) (*State, []Plan) {
	s := New(Config{Channels: []ChannelRule{{Weight: 60}}, PriorityStep: 1e9})
	s.WorkType(WorkType{Select: LongestIdle, OfferTimeout: 1e9, Patience: 2e10})
	var plans []Plan
	for k := range 12 {
		plans = append(plans, s.Plan([]Step{{Needs: All(Requirement{Skill(k % 6), uint8(30 + k)})}}))
	}
	for a := range n {
		p := Profile{Capacity: 100, Caps: [MaxChannels]uint16{1}}
		for k := range 6 {
			if (a>>(k%4))&1 == 0 || k == a%6 {
				p.Skills = append(p.Skills, Proficiency{Skill: Skill(k), Level: uint8(40 + 10*(a%4))})
			}
		}
		s.Apply(1, Command{Op: OpSignIn, Agent: Agent(a), Class: s.Class(p), Channels: 1}, nil)
	}
	return s, plans
}

// BenchmarkArrive is a contact that arrives and is offered to the best of the
// idle agents (and withdrawn, to go on: both are in the figure).
func BenchmarkArrive(b *testing.B) {
	for _, n := range []int{100, 10_000} {
		b.Run(fmt.Sprintf("agents=%d", n), func(b *testing.B) {
			s, plans := centre(n)
			for a := range n {
				s.Apply(1, Command{Op: OpReady, Agent: Agent(a)}, nil)
			}
			dst := make([]Effect, 0, 16)
			b.ReportAllocs()
			now := int64(2)
			for i := 0; b.Loop(); i++ {
				now++
				dst = s.Apply(now, Command{Op: OpArrive, Plan: plans[i%len(plans)], Tier: 1, Time: now, Agent: Nobody}, dst[:0])
				dst = s.Apply(now, Command{Op: OpWithdraw}, dst[:0])
			}
		})
	}
}

// BenchmarkFree is an agent who ends a contact and is offered the best of the
// backlog, accepts it, and a new contact joins the queue.
func BenchmarkFree(b *testing.B) {
	for _, w := range []struct{ agents, waiting int }{{100, 1_000}, {10_000, 100_000}} {
		b.Run(fmt.Sprintf("agents=%d/waiting=%d", w.agents, w.waiting), func(b *testing.B) {
			s, plans := centre(w.agents)
			now := int64(2)
			var dst []Effect
			type talk struct {
				c Contact
				a Agent
			}
			var live []talk
			arrive := func(c Contact, i int) {
				now++
				dst = s.Apply(now, Command{
					Op: OpArrive, Contact: c, Plan: plans[i%len(plans)], Tier: 1, Time: now, Agent: Nobody,
					Priority: int16(i % 3),
				}, dst[:0])
			}
			for i := range w.agents + w.waiting {
				arrive(Contact(i), i)
			}
			accept := func() {
				for _, e := range dst {
					if e.Kind == Offer {
						live = append(live, talk{e.Contact, e.Agent})
						dst = s.Apply(now, Command{Op: OpAccept, Contact: e.Contact, Agent: e.Agent, Offer: e.Offer}, dst[:0])
						return
					}
				}
			}
			for a := range w.agents {
				dst = s.Apply(now, Command{Op: OpReady, Agent: Agent(a)}, dst[:0])
				accept()
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				k := i * 7919 % len(live)
				x := live[k]
				live[k] = live[len(live)-1]
				live = live[:len(live)-1]
				dst = s.Apply(now, Command{Op: OpEnd, Contact: x.c}, dst[:0])
				accept()
				arrive(x.c, i)
			}
		})
	}
}
