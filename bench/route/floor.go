package route

import (
	"math/rand/v2"

	"filo/router/core"
)

// floor is a centre at work, and beside it a plain account of who does what,
// from which the driver picks and the plain scans read.
type floor struct {
	*centre
	world    *world
	random   *rand.Rand
	busy     []job    // in no order
	kind     []uint32 // by contact
	agents   []agentRow
	contacts []contactRow
	spare    []core.Contact // free handles
	changes  uint64         // of agents who became idle
	arrived  uint64         // contacts

	arrive, queue, free, idle samples
	decisions                 int // arrivals and ends of wrap-ups
}

// job is what a busy agent does.
type job struct {
	agent   core.Agent
	contact core.Contact
}

// agentRow is what a plain scan has to know, as is contactRow.
type agentRow struct {
	profile int
	idle    bool
	since   uint64 // the change that made the agent so
}

type contactRow struct {
	waiting bool
	virtual int64 // enqueued, less what the priority is worth
	seq     uint64
}

func newFloor(cfg Config) *floor {
	w := newWorld(cfg)
	f := &floor{
		centre: newCentre(w), world: w,
		random:   rand.New(rand.NewPCG(cfg.Seed, 1)), //nolint:gosec // a repeatable run is wanted
		kind:     make([]uint32, cfg.Waiting+cfg.Agents+1),
		agents:   make([]agentRow, cfg.Agents),
		contacts: make([]contactRow, cfg.Waiting+cfg.Agents+1),
		busy:     make([]job, 0, cfg.Agents),
		spare:    make([]core.Contact, 0, cfg.Agents+1),
	}
	for i, p := range w.agents {
		f.agents[i] = agentRow{profile: p, idle: true}
	}
	for i := len(f.contacts) - 1; i >= cfg.Waiting; i-- {
		f.spare = append(f.spare, core.Contact(i)) //nolint:gosec // a contact
	}
	for _, s := range []*samples{&f.arrive, &f.queue, &f.free, &f.idle} {
		*s = newSamples(cfg.Samples)
	}
	return f
}

// forget throws samples away.
func forget(all ...*samples) {
	for _, s := range all {
		*s = (*s)[:0]
	}
}

// fill lets the backlog arrive: mail, which no agent takes yet.
func (f *floor) fill() {
	for i, k := range f.world.backlog {
		f.arriveAs(core.Contact(i), mail, k)
	}
}

// arriveAs lets a contact of a kind arrive and returns the ticks of it.
func (f *floor) arriveAs(x core.Contact, typ core.Channel, k int) uint64 {
	f.now += apart
	f.arrived++
	priority := f.world.kinds[k].priority
	t := f.timed(f.arrival(x, typ, f.plans[k], priority))
	f.decisions++
	f.kind[x] = uint32(k) //nolint:gosec // not negative
	f.contacts[x] = contactRow{waiting: f.offer() == nil, virtual: f.now - worth(priority), seq: f.arrived}
	return t
}

// accept lets the agent of the last effects' offer accept it; false if there
// is none.
func (f *floor) accept() bool {
	o := f.offer()
	if o == nil {
		return false
	}
	agent, contact := o.Agent, o.Contact
	f.apply(core.Command{Op: core.OpAccept, Offer: o.Offer, Agent: agent, Contact: contact})
	f.agents[agent].idle = false
	f.contacts[contact].waiting = false
	f.busy = append(f.busy, job{agent, contact})
	return true
}

// pick takes a random job out of the list.
func (f *floor) pick() job {
	i := f.random.IntN(len(f.busy))
	j := f.busy[i]
	f.drop(i)
	return j
}

func (f *floor) drop(i int) {
	f.busy[i] = f.busy[len(f.busy)-1]
	f.busy = f.busy[:len(f.busy)-1]
}

// end ends the contact, up to the wrap-up.
func (f *floor) end(j job) {
	f.now += apart
	f.apply(core.Command{Op: core.OpEnd, Contact: j.contact})
}

// release ends the wrap-up, so that the agent may be offered another contact.
// It returns the ticks of that.
func (f *floor) release(j job) (t uint64) {
	t = f.timed(core.Command{Op: core.OpWrapEnd, Contact: j.contact})
	f.decisions++
	f.changes++
	f.agents[j.agent].idle, f.agents[j.agent].since = true, f.changes
	return t
}

// open lets every agent be ready, in a random order, and gives half of them
// calls that anyone can take.
func (f *floor) open() {
	for _, a := range f.random.Perm(len(f.agents)) {
		f.changes++
		f.agents[a].since = f.changes
		f.apply(core.Command{Op: core.OpReady, Agent: core.Agent(a)}) //nolint:gosec // an agent
	}
	f.occupy((len(f.agents) + 1) / 2)
}

// occupy gives calls to idle agents until so many are busy.
func (f *floor) occupy(n int) {
	for len(f.busy) < n {
		f.now += apart
		f.apply(f.arrival(f.take(), calls, f.anyone, 0))
		f.accept()
	}
}

// take takes a free handle.
func (f *floor) take() core.Contact {
	x := f.spare[len(f.spare)-1]
	f.spare = f.spare[:len(f.spare)-1]
	return x
}

func (f *floor) giveBack(x core.Contact) { f.spare = append(f.spare, x) }

// withdraw ends a call that nobody could take.
func (f *floor) withdraw(x core.Contact) {
	f.apply(core.Command{Op: core.OpWithdraw, Contact: x})
	f.contacts[x].waiting = false
	f.giveBack(x)
}

// takeMail lets every agent be busy with a call, and take mail after it.
func (f *floor) takeMail() {
	f.occupy(len(f.agents))
	for a := range f.agents {
		f.apply(core.Command{Op: core.OpReach, Agent: core.Agent(a), Channels: both}) //nolint:gosec // an agent
	}
}
