package route

import "filo/router/core"

// attempts bounds the decisions made for each sample that is wanted.
const attempts = 4

// callsArrive lets calls arrive, half of the agents being idle. For each that
// was offered another agent becomes idle; a call that nobody can take is
// followed by one that anyone can, so that other agents are idle for the next.
func (f *floor) callsArrive(n int) {
	for i := 0; i < attempts*n && len(f.arrive) < n; i++ {
		x := f.take()
		t := f.arriveAs(x, calls, f.world.arrivals[i%len(f.world.arrivals)])
		if f.accept() {
			f.arrive.add(t)
		} else {
			f.queue.add(t)
			f.withdraw(x)
			f.occupy(len(f.busy) + 1)
		}
		j := f.pick()
		f.end(j)
		f.idle.add(f.release(j))
		f.giveBack(j.contact)
	}
}

// agentsFree lets busy agents become free beside the backlog. Who finds
// nothing there never will, because it keeps its kinds, and is left alone.
func (f *floor) agentsFree(n int) {
	for i := 0; i < attempts*n && len(f.free) < n && len(f.busy) > 0; i++ {
		j := f.pick()
		f.end(j)
		t := f.release(j)
		if !f.accept() {
			f.idle.add(t)
			f.giveBack(j.contact)
			continue
		}
		f.free.add(t)
		taken := f.busy[len(f.busy)-1].contact
		f.queue.add(f.arriveAs(j.contact, mail, int(f.kind[taken])))
	}
}

// mailCycles are lives of contacts beside the backlog, as tight as can be. It
// returns how many there were, at most n.
func (f *floor) mailCycles(n int) (done int) {
	for done < n && len(f.busy) > 0 {
		i := f.random.IntN(len(f.busy))
		ended := f.busy[i].contact
		f.now += apart
		f.apply(core.Command{Op: core.OpEnd, Contact: ended})
		f.apply(core.Command{Op: core.OpWrapEnd, Contact: ended})
		o := f.offer()
		if o == nil {
			f.drop(i)
			f.giveBack(ended)
			continue
		}
		taken := o.Contact
		f.apply(core.Command{Op: core.OpAccept, Offer: o.Offer, Agent: o.Agent, Contact: taken})
		f.busy[i].contact = taken
		k := f.kind[taken]
		f.kind[ended] = k
		f.apply(f.arrival(ended, mail, f.plans[k], f.world.kinds[k].priority))
		done++
	}
	f.decisions += 2 * done
	return done
}

// callCycles are lives of contacts with half of the agents idle. Those that
// nobody can take are followed as above.
func (f *floor) callCycles(n int) int {
	for i := range n {
		x, k := f.take(), f.world.arrivals[i%len(f.world.arrivals)]
		f.now += apart
		f.apply(f.arrival(x, calls, f.plans[k], f.world.kinds[k].priority))
		if !f.accept() {
			f.withdraw(x)
			f.occupy(len(f.busy) + 1)
		}
		ended := f.pick().contact
		f.apply(core.Command{Op: core.OpEnd, Contact: ended})
		f.apply(core.Command{Op: core.OpWrapEnd, Contact: ended})
		f.giveBack(ended)
	}
	f.decisions += 2 * n
	return n
}
