package router

import (
	"context"
	"fmt"
	"time"

	"filo/contact"
	"filo/router/core"
)

const (
	maxExplained  = 16   // agents in a Why
	keptDecisions = 1024 // decisions that are remembered
)

// ring holds the last decisions. Offers are numbered from 1 without gaps.
type ring struct {
	list [keptDecisions]Decision
	last uint64
}

func (r *ring) add(d Decision) {
	r.last = d.Offer.N
	r.list[r.last%keptDecisions] = d
}

func (r *ring) get(n uint64) (Decision, bool) {
	d := r.list[n%keptDecisions]
	return d, n > 0 && d.Offer.N == n
}

// Why explains an offer, if it is among the last 1,024.
func (r *Router) Why(ctx context.Context, id contact.OfferID) (contact.Why, error) {
	var d Decision
	err := r.do(ctx, func(l *loop) error {
		var ok bool
		if d, ok = l.decisions.get(id.N); !ok || id.Epoch != r.epoch {
			return ErrNoDecision
		}
		return nil
	})
	if err != nil {
		return contact.Why{}, fmt.Errorf("why of offer %s: %w", id, err)
	}
	return d.Why, nil
}

// Decisions returns the last n decisions that are remembered, the newest first.
func (r *Router) Decisions(ctx context.Context, n int) ([]Decision, error) {
	var list []Decision
	err := r.do(ctx, func(l *loop) error {
		for k := l.decisions.last; k > 0 && len(list) < n; k-- {
			d, ok := l.decisions.get(k)
			if !ok {
				break
			}
			list = append(list, d)
		}
		return nil
	})
	return list, err
}

// why puts the core's reason for an offer that was just made into words that
// others can show.
func (l *loop) why(t *Ticket, e *core.Effect, id contact.OfferID, now time.Time, took time.Duration) contact.Why {
	w := contact.Why{
		Offer: id, Key: e.Key.String(), Considered: int(e.Considered), Took: took, Waited: now.Sub(t.enqueued),
	}
	var acc core.Account
	l.explain, acc = l.core.Explain(*e, l.explain[:0])
	if e.Chose == core.ChoseContact { // nobody else was eligible, or the contact would not have waited
		w.Key, w.Considered = core.KeyOnly.String(), 1
		w.Contacts, w.ContactKey = acc.Contacts+l.tookLater(e), e.Key.String()
	}
	w.More = acc.More + acc.Unseen
	w.Counts = map[string]int{}
	for v, n := range acc.Agents {
		if n > 0 {
			w.Counts[core.Verdict(v).String()] = n //nolint:gosec // a verdict
		}
	}
	w.Priority, w.Ahead, w.Raised = int(t.priority), time.Duration(acc.Boost), t.raised()
	w.Tier, w.Step, w.Overload = int(acc.Tier), acc.Step, acc.Overload
	if e.NextContact != core.Nothing {
		next := l.tickets[e.NextContact]
		w.Next = next.card.Contact
		if e.Key == core.KeyDeadline {
			w.Lead = next.due(l.r.cfg.PriorityStep).Sub(t.due(l.r.cfg.PriorityStep))
		}
	}
	needs := l.core.Needs(e.Contact)
	w.Agents = make([]contact.WhyAgent, len(l.explain))
	for i, c := range l.explain {
		a := l.byHandle[c.Agent]
		w.Agents[i] = contact.WhyAgent{
			Agent: a.spec.ID, Name: a.spec.Name, Skills: l.levels(a, needs),
			Idle: now.Sub(l.time(c.Since)), Load: int(c.Load), Verdict: c.Verdict.String(),
		}
	}
	return w
}

// raised is what gave the contact its priority.
func (t *Ticket) raised() (list []contact.Raise) {
	if n := t.queue.cfg.Priority; n != 0 {
		list = append(list, contact.Raise{By: "queue", Name: t.queue.name, Points: n})
	}
	if n := t.target.Priority; n != 0 {
		r := contact.Raise{By: "flow", Points: n}
		if d := t.card.Context.Decision; d.Rule != "" && d.Target.Priority == n && d.Target.Queue == t.target.Queue {
			r.By, r.Name = "rule", d.Rule
		}
		list = append(list, r)
	}
	return list
}

// due is the contact's deadline, key V where waiting counts as it passes.
func (t *Ticket) due(step time.Duration) time.Time {
	return t.enqueued.Add(t.patience - time.Duration(t.priority)*step)
}

// tookLater counts what the agent of an offer took after it in one command:
// it could have been taken instead.
func (l *loop) tookLater(e *core.Effect) (n int) {
	for i := range l.effects {
		x := &l.effects[i]
		if x.Kind == core.Offer && x.Agent == e.Agent && x.Chose == core.ChoseContact && x.Offer > e.Offer {
			n++
		}
	}
	return n
}

// levels are the agent's proficiencies in what is required.
func (l *loop) levels(a *agent, needs []core.Clause) []contact.SkillLevel {
	if len(needs) == 0 {
		return nil
	}
	var list []contact.SkillLevel
	for _, clause := range needs {
		for _, n := range clause {
			name := l.skillNames[n.Skill]
			list = append(list, contact.SkillLevel{Name: name, Level: a.spec.Skills[name]})
		}
	}
	return list
}
