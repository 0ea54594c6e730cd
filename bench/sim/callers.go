package sim

import (
	"math"
	"math/rand/v2"

	"filo/router/core"
)

// callers is a class while it is played.
type callers struct {
	*class
	source   source
	next     arrival // who comes next
	arrivals *rand.Rand
	services *rand.Rand
	leavings *rand.Rand
	wraps    *rand.Rand
	retries  *rand.Rand
	choices  *rand.Rand
	goal     int64 // ticks within which they ought to be served; -1: none
	hold     int64 // ticks for the preferred agent
	queue    gauge
}

func newCallers(c *class, seed uint64, replication int, ce *centre) callers {
	of := func(p purpose) *rand.Rand { return stream(seed, replication, c.name, p) }
	x := callers{
		class: c, source: c.comes.start(), goal: -1,
		arrivals: of(forArrivals), services: of(forService), leavings: of(forPatience),
		wraps: of(forWrapUp), retries: of(forRetry), choices: of(forPrefers),
	}
	if !math.IsNaN(c.target) {
		x.goal = ce.span(c.target)
	}
	if c.prefers.hold == forever {
		x.hold = int64(core.Forever)
	} else {
		x.hold = ce.span(c.prefers.hold)
	}
	return x
}

// expectNext plans the next arrival of a class.
func (r *replication) expectNext(class uint32) {
	c := &r.callers[class]
	next, ok := c.source.next(c.arrivals)
	if !ok {
		if r.coming--; r.coming == 0 && r.limits.end == outOfReach {
			r.end()
		}
		return
	}
	c.next = next
	r.events.push(newEvent(int64(next.at*r.ticks), arrives, 0, class))
}

// comes is a first attempt.
func (r *replication) comes(class uint32) {
	if r.ended {
		return
	}
	c := &r.callers[class]
	a := c.next
	if r.arrived == r.limits.contacts {
		r.end()
		r.closeWindow()
		return
	}
	if since := r.arrived - r.limits.warm; since == 0 {
		r.openWindow()
	} else if r.open && since > 0 && since%r.limits.batch == 0 {
		r.nextBatch()
	}
	r.arrived++
	if a.service < 0 {
		a.service = c.service.draw(c.services)
	}
	if a.patience < 0 {
		a.patience = inf
		if c.patience != nil {
			a.patience = c.patience.draw(c.leavings)
		}
	}
	r.arrive(class, a, 0)
	r.expectNext(class)
}

// comesAgain is a further attempt of one who was not served. The event says
// whose, and how many there were.
func (r *replication) comesAgain(id uint32) {
	r.again--
	class := id & 0xffff
	c := &r.callers[class]
	a := arrival{service: c.service.draw(c.retries), patience: inf}
	if c.patience != nil {
		a.patience = c.patience.draw(c.retries)
	}
	r.arrive(class, a, uint8(id>>16)) //nolint:gosec // eight bits
}

// arrive gives the contact to the core.
func (r *replication) arrive(class uint32, a arrival, tries uint8) {
	c := &r.callers[class]
	var id core.Contact
	if n := len(r.free); n > 0 {
		id, r.free = r.free[n-1], r.free[:n-1]
	} else {
		id = core.Contact(len(r.visits)) //nolint:gosec // the core has a bound
		r.visits = append(r.visits, visit{})
	}
	r.attempts++
	r.live++
	v := &r.visits[id]
	*v = visit{arrived: r.now, leaves: outOfReach, work: a.service * r.ticks, class: uint16(class), as: uint16(class), tries: tries, gen: v.gen} //nolint:gosec // few
	if a.patience < inf {
		v.leaves = r.now + r.span(a.patience)
	}
	if r.open {
		v.flags = counted
		r.cameIn(v)
	}
	cmd := r.centre.arrive[class]
	cmd.Contact, cmd.Time = id, r.now
	if p := &c.prefers; p.group != "" && (p.share == 1 || c.choices.Float64() < p.share) {
		cmd.Agent = r.first[p.index] + core.Agent(c.choices.IntN(r.sc.groups[p.index].count)) //nolint:gosec // not negative
		cmd.Dur = c.hold
	}
	r.command(cmd)
}

// waits is when the core has found nobody, or nobody any more.
func (r *replication) waits(id core.Contact) {
	v := &r.visits[id]
	v.flags |= waiting | queued
	r.callers[v.class].queue.add(r.now, 1)
	r.watch(id, v)
}

// watch plans the end of patience. Most contacts are served at once, so it is
// planned only for those who wait or for whom it rings.
func (r *replication) watch(id core.Contact, v *visit) {
	if v.leaves != outOfReach && v.flags&watched == 0 {
		v.flags |= watched
		r.events.push(newEvent(max(v.leaves, r.now), patienceEnds, v.gen, uint32(id)))
	}
}

// moved is an overflow: the contact is served as one of another class, but
// counts for its own.
func (r *replication) moved(e *core.Effect) { r.visits[e.Contact].as = r.classOf[e.Type] }

// stopsWaiting is when a contact is offered, or gone.
func (r *replication) stopsWaiting(v *visit) {
	if v.flags&waiting != 0 {
		v.flags &^= waiting
		r.callers[v.class].queue.add(r.now, -1)
	}
}

// starts is the begin of service.
func (r *replication) starts(id core.Contact, v *visit) {
	v.flags |= served
	speed := r.crews[r.crewOf[v.agent]].speed[v.class]
	r.events.push(newEvent(r.now+int64(v.work/speed), serviceEnds, 0, uint32(id)))
	r.wasServed(v, v.work/speed)
}

// wrapsUp is the work after the conversation, as long as the class has it.
func (r *replication) wrapsUp(id core.Contact) {
	v := &r.visits[id]
	c := &r.callers[v.class]
	at := r.now
	if c.wrapUp != nil {
		at += r.span(c.wrapUp.draw(c.wraps) / r.crews[r.crewOf[v.agent]].speed[v.class])
	}
	r.events.push(newEvent(at, wrapUpEnds, 0, uint32(id)))
}

// closed is the end of a visit.
func (r *replication) closed(e *core.Effect) {
	v := &r.visits[e.Contact]
	r.stopsWaiting(v)
	switch {
	case v.flags&served != 0:
		r.release(v)
	case e.Code == core.Full:
		r.wasBlocked(v)
		r.mayRetry(v, r.callers[v.class].retry.blocked)
	default:
		r.hasLeft(v)
		r.mayRetry(v, r.callers[v.class].retry.abandoned)
	}
	v.flags |= gone
	v.gen++
	r.live--
	r.free = append(r.free, e.Contact)
}

// mayRetry lets a share of those who were not served come again.
func (r *replication) mayRetry(v *visit, this bool) {
	c := &r.callers[v.class]
	if !this || c.retry.share == 0 || int(v.tries) >= min(c.retry.most, 255) || c.retries.Float64() >= c.retry.share {
		return
	}
	r.again++
	at := r.now + r.span(c.retry.after.draw(c.retries))
	r.events.push(newEvent(at, triesAgain, 0, uint32(v.class)|uint32(v.tries+1)<<16))
}
