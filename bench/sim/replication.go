package sim

import (
	"context"
	"fmt"
	"math"

	"filo/router/core"
)

// visit is a contact that is in the system.
type visit struct {
	arrived int64
	leaves  int64   // when patience ends
	work    float64 // ticks of service at a speed of 1
	offer   uint64
	agent   core.Agent
	class   uint16
	as      uint16     // the class whose work type it has now
	tries   uint8      // attempts before this one
	flags   visitFlags // what happened so far
	gen     uint32     // of the handle, so that events that come too late are known
}

type visitFlags uint8

const (
	counted visitFlags = 1 << iota // arrived after the warm-up
	queued                         // had to wait
	waiting
	watched // the end of patience is among the events
	served
	gone
)

// limits are where parts of a replication begin and end; what is not used is
// out of reach.
type limits struct {
	contacts int64 // arrivals
	warm     int64 // arrivals
	batch    int64 // arrivals in a batch
	end      int64 // ticks
	warmTime int64 // ticks
	interval int64 // ticks of a point of the series
	points   int   // of the series
}

const outOfReach = math.MaxInt64

// replication is one run of a scenario.
type replication struct {
	*centre
	sc     *Scenario
	limits limits
	events events
	now    int64
	fx     []core.Effect // of the command at hand, and those that follow it
	visits []visit       // by handle
	free   []core.Contact

	callers []callers
	crews   []crew
	crewOf  []uint16 // by agent
	present []bool   // by agent: has not gone home

	arrived  int64 // first attempts
	attempts int64 // all
	live     int   // visits
	again    int   // contacts that will try again
	coming   int   // classes from which more will come
	ended    bool  // nobody arrives any more
	stuck    bool  // nothing can happen any more
	giveUp   int64 // then who still waits is given up
	err      error // the core refused what it should not

	full  gauge // 1 while no unit on duty is free
	spare int64 // units on duty that are free
	window
	counter func(contacts int64) // progress
}

func newReplication(sc *Scenario, l limits, seed uint64, number int) *replication {
	r := &replication{
		centre: define(sc), sc: sc, limits: l, giveUp: outOfReach,
		window: newWindow(sc, l),
	}
	r.visits = make([]visit, r.reserved)
	for i := range sc.classes {
		r.callers = append(r.callers, newCallers(&sc.classes[i], seed, number, r.centre))
	}
	for i := range sc.groups {
		r.crews = append(r.crews, newCrew(&sc.groups[i], seed, number))
		for range sc.groups[i].count {
			r.present = append(r.present, false)
			r.crewOf = append(r.crewOf, uint16(i)) //nolint:gosec // few
		}
	}
	return r
}

// play runs the replication to its end.
func (r *replication) play(ctx context.Context) error {
	r.begin()
	for steps := 0; !r.over(); steps++ {
		if steps&0xffff == 0 {
			if err := ctx.Err(); err != nil {
				return fmt.Errorf("simulate: %w", err)
			}
			r.counter(r.attempts)
		}
		r.advance()
	}
	r.finish()
	r.counter(r.attempts)
	return r.err
}

// begin opens the doors.
func (r *replication) begin() {
	if r.limits.warm < 0 && r.limits.warmTime == outOfReach {
		r.openWindow()
	}
	r.setMark()
	r.setSpare(0)
	for i := range r.crews {
		r.openDoors(uint32(i)) //nolint:gosec // few
	}
	r.coming = len(r.callers)
	for i := range r.callers {
		r.expectNext(uint32(i)) //nolint:gosec // few
	}
}

func (r *replication) over() bool {
	return r.err != nil || r.stuck || r.ended && r.live+r.again == 0 || r.now >= r.giveUp
}

// advance lets the next thing happen: an event, a deadline of the core, or a
// mark in time.
func (r *replication) advance() {
	at := int64(outOfReach)
	if len(r.events) > 0 {
		at = r.events[0].at
	}
	if r.timed {
		if due, ok := r.NextDeadline(); ok && due <= at && due <= r.mark {
			r.now = max(due, r.now)
			r.command(core.Command{Op: core.OpTick})
			return
		}
	}
	switch {
	case r.mark <= at && r.mark != outOfReach:
		r.now = r.mark
		r.passMark()
	case at == outOfReach:
		r.stuck = true // nothing will ever happen again
	default:
		r.now = at
		r.happen(r.events.pop())
	}
}

func (r *replication) happen(e event) {
	switch id := e.id(); e.kind() {
	case arrives:
		r.comes(id)
	case serviceEnds:
		r.command(core.Command{Op: core.OpEnd, Contact: core.Contact(id)})
	case wrapUpEnds:
		r.command(core.Command{Op: core.OpWrapEnd, Contact: core.Contact(id)})
	case patienceEnds:
		if v := &r.visits[id]; v.gen&genMask == e.gen() && v.flags&served == 0 {
			r.command(core.Command{Op: core.OpWithdraw, Contact: core.Contact(id)})
		}
	case triesAgain:
		r.comesAgain(id)
	case answers:
		r.answer(core.Contact(id), e.gen())
	case staffChanges:
		r.changeStaff(id)
	case agentReturns:
		r.command(core.Command{Op: core.OpReady, Agent: core.Agent(id)})
	}
}

// command gives the core a command and plays what follows from it; an offer
// that is accepted at once follows in the same breath.
func (r *replication) command(cmd core.Command) {
	r.fx = r.Apply(r.now, cmd, r.fx[:0])
	for i := 0; i < len(r.fx); i++ {
		switch e := &r.fx[i]; e.Kind {
		case core.Offer:
			r.offered(e)
		case core.OfferEnded:
			r.offerEnded(e)
		case core.Closed:
			r.closed(e)
		case core.Waiting:
			r.waits(e.Contact)
		case core.Moved:
			r.moved(e)
		case core.WrapUp:
			r.wrapsUp(e.Contact)
		case core.AgentState:
			r.agentState(e)
		case core.Refused:
			r.refused(e)
		}
	}
}

// refused notes a command that should have been possible. An agent who comes
// back from a pause may have gone home meanwhile.
func (r *replication) refused(e *core.Effect) {
	if e.Op != core.OpReady && r.err == nil {
		r.err = fmt.Errorf("simulate: the core refused %s of contact %d, agent %d: %s", e.Op, e.Contact, e.Agent, e.Code) //nolint:err113 // a fault of the simulation
	}
}
