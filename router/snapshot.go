package router

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"filo/contact"
	"filo/router/core"
)

// Snapshot returns the whole router at one moment. It costs the loop time in
// proportion to the contacts, so screens share one a second.
func (r *Router) Snapshot(ctx context.Context) (Snapshot, error) {
	var s Snapshot
	err := r.do(ctx, func(l *loop) error { s = l.snapshot(); return nil })
	return s, err
}

func (l *loop) snapshot() Snapshot {
	s := Snapshot{At: l.r.now()}
	at := map[*queue]int{}
	for i, q := range l.queues {
		at[q] = i
		s.Queues = append(s.Queues, QueueSnapshot{
			Name: q.name, Label: q.cfg.Label, Target: q.cfg.Target, Overtake: q.overtake, Offered: q.count[contact.Offered],
			Connected: q.count[contact.Connected], WrapUp: q.count[contact.WrapUp],
		})
	}
	waiting := make([][]*Ticket, len(l.queues))
	for _, t := range l.tickets {
		if t != nil && (t.state == contact.Queued || t.state == contact.Offered) {
			waiting[at[t.queue]] = append(waiting[at[t.queue]], t)
		}
	}
	for i, list := range waiting {
		slices.SortFunc(list, func(a, b *Ticket) int {
			if l.core.Before(a.handle, b.handle) {
				return -1
			}
			return 1
		})
		q := &s.Queues[i]
		for _, t := range list {
			q.Waiting = append(q.Waiting, WaitingContact{
				Contact: t.card.Contact, Channel: t.card.Channel, Since: t.enqueued,
				Deadline: t.enqueued.Add(t.patience), Priority: int(t.priority), Offered: t.state == contact.Offered,
			})
			q.Longest = max(q.Longest, s.At.Sub(t.enqueued))
		}
	}
	for _, id := range slices.Sorted(maps.Keys(l.agents)) {
		l.addAgent(&s, l.agents[id])
	}
	return s
}

func (l *loop) addAgent(s *Snapshot, a *agent) {
	v := l.core.Agent(a.handle)
	x := AgentSnapshot{
		ID: a.spec.ID, Name: a.spec.Name, Skills: maps.Clone(a.spec.Skills), State: a.word(), Ready: a.ready, Reason: a.reason(),
		Since: a.since, Load: int(v.Used), Capacity: cmp.Or(a.spec.Capacity, l.r.cfg.Capacity), Slots: l.slots(a),
	}
	l.core.Has(a.handle, func(c core.Contact) bool {
		if t := l.tickets[c]; t.offer != nil {
			x.Offers = append(x.Offers, t.offer.ID)
		} else {
			x.Contacts = append(x.Contacts, *t.view())
		}
		return true
	})
	s.Agents = append(s.Agents, x)
	if v.State == core.LoggedOut {
		return
	}
	for i, q := range l.queues {
		if l.core.Meets(a.class, q.plan) {
			s.Queues[i].On++
			if v.Room != 0 {
				s.Queues[i].Ready++
			}
		}
	}
}
