package router

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"filo/contact"
	"filo/router/core"
)

// queue is one configured queue. Its counts are those of its contacts.
type queue struct {
	name     string
	cfg      Queue
	plan     core.Plan   // of a contact that requires nothing of its own
	types    []core.Type // by core.Channel
	count    map[contact.State]int
	depth    prometheus.Gauge
	waits    prometheus.Observer
	forecast []forecast // by core.Channel
	overtake time.Duration
}

// defineQueues makes the queues of the configuration: those that are there
// already get new settings.
func (l *loop) defineQueues(cfg Config) {
	for _, name := range slices.Sorted(maps.Keys(cfg.Rooms)) {
		room, ok := l.rooms[name]
		if !ok {
			room = core.Room(len(l.rooms) + 1) //nolint:gosec // validated, see Reconfigure
			l.rooms[name] = room
			l.note(roomNote, uint32(room), name)
		}
		l.decide(l.r.now(), core.Command{Op: core.OpRoom, Room: room, Size: uint32(cfg.Rooms[name])}) //nolint:gosec // validated
	}
	order, _ := cfg.inOrder() // validated
	queues := map[string]*queue{}
	for _, name := range order {
		q := l.queueBy[name]
		if q == nil {
			q = l.newQueue(name)
		}
		if q.depth == nil {
			q.depth, q.waits = l.m.queue(name)
		}
		queues[name] = q
		l.defineQueue(q, cfg, queues)
	}
	l.queueBy = queues
	l.queues = l.queues[:0]
	for _, name := range slices.Sorted(maps.Keys(queues)) {
		l.queues = append(l.queues, queues[name])
	}
	for _, q := range l.queues {
		q.overtake = l.overtake(q)
		l.m.overtake.WithLabelValues(q.name).Set(q.overtake.Seconds())
		if q.overtake == unbounded {
			l.m.overtake.WithLabelValues(q.name).Set(math.Inf(1))
		}
	}
}

// unbounded is the starvation bound of a queue that has none.
const unbounded = time.Duration(math.MaxInt64)

// overtake is the starvation bound of the queue's contacts that bring no
// priority along: the worst of its channels.
func (l *loop) overtake(q *queue) (worst time.Duration) {
	for _, t := range q.types {
		bound, ok := l.core.Overtake(t, q.tier(), int16(q.cfg.Priority)) //nolint:gosec // validated
		if !ok {
			return unbounded
		}
		worst = max(worst, bound)
	}
	return worst
}

func (l *loop) newQueue(name string) *queue {
	q := &queue{name: name, count: map[contact.State]int{}, forecast: make([]forecast, len(l.channels))}
	for range l.channels {
		q.types = append(q.types, core.NoType)
	}
	return q
}

// defineQueue gives the queue work types, unless those that it has are the
// same.
func (l *loop) defineQueue(q *queue, cfg Config, defined map[string]*queue) {
	settings := cfg.Queues[q.name]
	q.cfg = settings
	q.plan = l.planFor(settings, nil)
	id := l.queueID(q.name)
	l.queueByID[id] = q
	for i, ch := range l.channels {
		w := l.workType(core.Channel(i), cfg.Channels[ch], settings) //nolint:gosec // at most eight
		w.Queue = id
		if to := defined[settings.Overflow.Queue]; to != nil {
			w.Overflow = core.Overflow{
				On: true, Type: to.types[i], Plan: to.plan,
				After: settings.Overflow.After, AfterHold: settings.Overflow.AfterHold,
			}
		}
		if t := q.types[i]; t == core.NoType || l.core.Settings(t) != w {
			q.types[i] = l.newType(w, q.name)
		}
	}
}

// queueOf is the queue of a work type, also of one that is no longer used.
func (l *loop) queueOf(t core.Type) *queue { return l.queueByID[l.core.Settings(t).Queue] }

// queueID is what profiles call the queue.
func (l *loop) queueID(name string) core.Queue {
	id, ok := l.queueIDs[name]
	if !ok {
		id = core.Queue(len(l.queueIDs)) //nolint:gosec // far fewer
		l.queueIDs[name] = id
		l.queueByID = append(l.queueByID, nil)
	}
	return id
}

var (
	selects = map[Select]core.Select{
		"": core.MostProficient, Proficient: core.MostProficient,
		LeastFlexible: core.LeastFlexible, LongestIdle: core.LongestIdle,
	}
	loads = map[Load]core.Load{
		"": core.LeastLoaded, LeastLoaded: core.LeastLoaded, MostLoaded: core.MostLoaded, AnyLoad: core.AnyLoad,
	}
	wraps = map[Wrap]core.Wrap{
		"": core.WrapTimed, TimedWrap: core.WrapTimed, ForcedWrap: core.WrapForced,
		OpenWrap: core.WrapOpen, OptionalWrap: core.WrapOptional,
	}
)

func (l *loop) workType(ch core.Channel, c Channel, q Queue) core.WorkType {
	rate := cmp.Or(q.Rate, 1)
	return core.WorkType{
		Channel: ch, Select: selects[q.Select], Load: loads[q.Load], Wrap: wraps[q.Wrap],
		Patience:     cmp.Or(q.Patience, c.Patience),
		Rate:         uint8(math.Round(rate * core.RateOne)), // validated
		Saturate:     q.Saturate,
		Promote:      q.Promote,
		OfferTimeout: cmp.Or(q.OfferTimeout, c.OfferTimeout),
		WrapUp:       max(0, cmp.Or(q.WrapUp, c.WrapUp)),
		WrapMax:      q.WrapUpMax,
		Reserve:      uint32(q.Reserve),  //nolint:gosec // validated
		Overload:     uint32(q.Overload), //nolint:gosec // validated
		Room:         l.rooms[q.Room],
	}
}

// tier is the queue's, for a contact that has not lost its agent.
func (q *queue) tier() uint8 { return uint8(max(q.cfg.Tier, normalTier)) } //nolint:gosec // validated

// planFor is whom a contact of the queue needs as it waits: what the queue's
// step asks for, and what the contact requires of its own.
func (l *loop) planFor(q Queue, own []contact.Skill) core.Plan {
	ages := []time.Duration{0}
	for _, s := range q.Steps {
		ages = append(ages, s.After)
		ages = append(ages, drops(s.Skills)...)
	}
	ages = append(append(ages, drops(q.Skills)...), drops(own)...)
	slices.Sort(ages)
	var steps []core.Step
	for _, age := range slices.Compact(ages) {
		base := Step{Skills: q.Skills}
		for _, s := range q.Steps {
			if s.After <= age && s.After >= base.After {
				base = s
			}
		}
		step := core.Step{After: age}
		step.Needs = l.clauses(l.clauses(nil, base.Skills, age), own, age)
		for _, id := range base.Agents {
			if a, err := l.agent(id); err == nil {
				step.Agents = append(step.Agents, a.handle)
			}
		}
		steps = append(steps, step)
	}
	return l.plan(steps)
}

// drops are the ages at which requirements are dropped.
func drops(skills []contact.Skill) (ages []time.Duration) {
	for _, s := range skills {
		if s.DropAfter > 0 {
			ages = append(ages, s.DropAfter)
		}
	}
	return ages
}

// clauses appends what of the skills is still required at an age. A skill that
// is there already is required at the higher of the two minimums.
func (l *loop) clauses(list []core.Clause, skills []contact.Skill, age time.Duration) []core.Clause {
	for _, s := range skills {
		if s.DropAfter > 0 && s.DropAfter <= age {
			continue
		}
		var c core.Clause
		for _, one := range s.Any {
			c = append(c, core.Requirement{Skill: l.skill(one.Name), Min: one.Min})
		}
		if len(s.Any) == 0 {
			c = core.Clause{{Skill: l.skill(s.Name), Min: s.Min}}
		}
		i := slices.IndexFunc(list, func(x core.Clause) bool {
			return len(x) == 1 && len(c) == 1 && x[0].Skill == c[0].Skill
		})
		if i >= 0 {
			list[i][0].Min = max(list[i][0].Min, c[0].Min)
			continue
		}
		list = append(list, c)
	}
	return list
}

// served notes for the forecast that a contact of a channel was served.
func (q *queue) served(ch core.Channel, now time.Time) {
	f := &q.forecast[ch]
	f.served(now)
	if q.count[contact.Queued]+q.count[contact.Offered] == 0 {
		f.idle()
	}
}
