package sim

import (
	"math/rand/v2"

	"filo/router/core"
)

// crew is a group of agents while it is played.
type crew struct {
	*group
	direct  bool // every offer is accepted at once
	replies *rand.Rand
	change  int   // of the shifts: the next one
	onDuty  int   // agents who shall be there
	used    gauge // units
	units   gauge // on duty
}

func newCrew(g *group, seed uint64, replication int) crew {
	return crew{group: g, direct: g.direct(), replies: stream(seed, replication, g.name, forAnswer)}
}

// offered is a contact at an agent's desk.
func (r *replication) offered(e *core.Effect) {
	v := &r.visits[e.Contact]
	r.stopsWaiting(v)
	v.offer, v.agent = e.Offer, e.Agent
	g := &r.crews[r.crewOf[e.Agent]]
	r.use(g, r.weight[v.as])
	if g.direct {
		r.fx = r.Apply(r.now, core.Command{Op: core.OpAccept, Contact: e.Contact, Agent: e.Agent, Offer: e.Offer}, r.fx)
		return
	}
	r.watch(e.Contact, v)
	if g.replies.Float64() < g.ignore {
		return // it rings until the core takes it back
	}
	at := r.now
	if g.answer != nil {
		at += r.span(g.answer.draw(g.replies))
	}
	r.events.push(newEvent(at, answers, uint32(e.Offer), uint32(e.Contact))) //nolint:gosec // the low bits tell offers apart
}

// answer accepts or refuses an offer, if it is still there.
func (r *replication) answer(id core.Contact, offer uint32) {
	v := &r.visits[id]
	if uint32(v.offer)&genMask != offer || v.flags&served != 0 || v.agent == core.Nobody { //nolint:gosec // as above
		return
	}
	g := &r.crews[r.crewOf[v.agent]]
	cmd := core.Command{Op: core.OpAccept, Contact: id, Agent: v.agent, Offer: v.offer}
	if g.refuse > 0 && g.replies.Float64() < g.refuse {
		cmd.Op = core.OpReject
	}
	r.command(cmd)
}

// offerEnded is an acceptance, or an agent who is free again.
func (r *replication) offerEnded(e *core.Effect) {
	v := &r.visits[e.Contact]
	if e.How == core.Accepted {
		r.starts(e.Contact, v)
		return
	}
	r.release(v)
}

// release gives the agent of a contact its units back.
func (r *replication) release(v *visit) {
	r.use(&r.crews[r.crewOf[v.agent]], -r.weight[v.as])
	v.agent = core.Nobody
}

func (r *replication) use(g *crew, units int64) {
	g.used.add(r.now, units)
	r.setSpare(-units)
}

// setSpare changes how many units on duty are free.
func (r *replication) setSpare(by int64) {
	r.spare += by
	if full := r.spare <= 0; full != (r.full.level == 1) {
		r.full.add(r.now, 1-2*r.full.level)
	}
}

// openDoors lets the agents in who are on duty at the start.
func (r *replication) openDoors(group uint32) {
	g := &r.crews[group]
	r.staff(group, g.group.onDuty(0))
	r.expectChange(group)
}

// changeStaff is where a shift begins or ends.
func (r *replication) changeStaff(group uint32) {
	g := &r.crews[group]
	r.staff(group, g.dutyAfter(g.change))
	g.change++
	r.expectChange(group)
}

func (r *replication) expectChange(group uint32) {
	g := &r.crews[group]
	if next, ok := g.nextChange(g.change); ok {
		r.events.push(newEvent(r.span(next), staffChanges, 0, group))
	}
}

// staff lets agents come and go until so many are on duty; those with the
// lowest handles stay longest. Who goes finishes first.
func (r *replication) staff(group uint32, want int) {
	g := &r.crews[group]
	for ; g.onDuty < want; g.onDuty++ {
		a := r.first[group] + core.Agent(g.onDuty) //nolint:gosec // not negative
		r.command(core.Command{Op: core.OpSignIn, Agent: a, Class: r.profiles[group], Channels: 0xff})
		if !r.present[a] {
			r.present[a] = true
			g.units.add(r.now, int64(g.capacity))
			r.setSpare(int64(g.capacity))
		}
		r.command(core.Command{Op: core.OpReady, Agent: a})
	}
	for ; g.onDuty > want; g.onDuty-- {
		r.command(core.Command{Op: core.OpSignOut, Agent: r.first[group] + core.Agent(g.onDuty-1)}) //nolint:gosec // not negative
	}
}

// agentState notes who has gone home, and who was made not ready by the core.
func (r *replication) agentState(e *core.Effect) {
	switch {
	case e.State == core.LoggedOut && r.present[e.Agent]:
		g := &r.crews[r.crewOf[e.Agent]]
		r.present[e.Agent] = false
		g.units.add(r.now, -int64(g.capacity))
		r.setSpare(-int64(g.capacity))
	case e.State == core.NotReady && e.Reason == core.ReasonRONA && r.sc.offer.ronaPause != nil:
		g := &r.crews[r.crewOf[e.Agent]]
		at := r.now + r.span(r.sc.offer.ronaPause.draw(g.replies))
		r.events.push(newEvent(at, agentReturns, 0, uint32(e.Agent)))
	}
}
