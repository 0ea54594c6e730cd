package sim

// window is what a replication sees, and from when to when.
type window struct {
	open   bool   // after the warm-up, before the end
	taken  int64  // the last time that areas were taken
	mark   int64  // the next time to look at the clock; out of reach: none
	full   gauge  // 1 while no unit on duty is free
	tally  *tally // of the batch
	done   []*tally
	series series
}

func newWindow(sc *Scenario, l limits) window {
	return window{
		tally:  newTally(len(sc.classes), len(sc.groups)),
		series: newSeries(l.interval, l.points, len(sc.classes), len(sc.groups)),
	}
}

// openWindow ends the warm-up: what was seen so far does not count.
func (r *replication) openWindow() {
	r.take()
	r.open = true
	r.limits.warm = r.arrived // batches count from here
}

// closeWindow is where averages over time end. What becomes of those who are
// still there counts.
func (r *replication) closeWindow() {
	r.take()
	r.open = false
	r.setMark()
}

// end is where nobody arrives any more; who is there is served.
func (r *replication) end() {
	r.ended = true
	r.giveUp = r.now + max(2*r.now, 1<<50)
}

func (r *replication) nextBatch() {
	r.take()
	r.done = append(r.done, r.tally)
	r.tally = newTally(len(r.callers), len(r.crews))
}

// finish gives up those who are still there.
func (r *replication) finish() {
	if r.open {
		r.closeWindow()
	}
	for i := range r.visits {
		if v := &r.visits[i]; v.flags&(counted|served|gone) == counted {
			r.isLeft(v)
		}
	}
	r.done = append(r.done, r.tally)
}

// setMark finds the next time to look at the clock.
func (r *replication) setMark() {
	r.mark = outOfReach
	if r.ended && !r.open {
		return
	}
	if k := r.now/r.limits.interval + 1; k <= int64(r.limits.points) {
		r.mark = k * r.limits.interval
	}
	for _, at := range []int64{r.limits.warmTime, r.limits.end} {
		if at > r.now {
			r.mark = min(r.mark, at)
		}
	}
}

// passMark is a point of the series, the end of the warm-up or of it all.
func (r *replication) passMark() {
	r.take()
	if r.now == r.limits.warmTime {
		r.openWindow()
	}
	if r.now == r.limits.end {
		r.end()
		r.closeWindow()
	}
	r.setMark()
}

// take collects the integrals since the last time.
func (r *replication) take() {
	from := r.taken
	r.taken = r.now
	add := func(to *float64, area float64) {
		if r.open {
			*to += area
		}
	}
	add(&r.tally.ticks, float64(r.now-from))
	add(&r.tally.full, r.full.take(r.now))
	point := r.series.at(from)
	if point != nil {
		point.ticks += float64(r.now - from)
	}
	for i := range r.callers {
		area := r.callers[i].queue.take(r.now)
		add(&r.tally.classes[i].queueArea, area)
		if point != nil {
			point.classes[i].queueArea += area
		}
	}
	for i := range r.crews {
		g := &r.crews[i]
		used, units := g.used.take(r.now), g.units.take(r.now)
		t := &r.tally.groups[i]
		add(&t.used, used)
		add(&t.units, units)
		add(&t.staff, units/float64(g.capacity))
		if point != nil {
			point.groups[i].used += used
			point.groups[i].units += units
		}
	}
}

// cameIn counts an attempt.
func (r *replication) cameIn(v *visit) {
	t := &r.tally.classes[v.class]
	t.Arrived++
	if v.tries > 0 {
		t.Retried++
	}
}

// waited adds how long a contact waited to the figures of its class.
func (r *replication) waited(v *visit) (t *classTally, p *classPoint, wait int64) {
	wait = r.now - v.arrived
	t = &r.tally.classes[v.class]
	t.wait += float64(wait)
	t.waits.add(wait)
	if p = r.series.class(v); p != nil {
		p.wait += float64(wait)
		p.admitted++
	}
	r.decided(v, t, p)
	return t, p, wait
}

// decided counts a contact whose fate is known.
func (r *replication) decided(v *visit, t *classTally, p *classPoint) {
	if v.flags&queued != 0 {
		t.queued++
	}
	if r.callers[v.class].goal >= 0 {
		t.due++
	}
	if p != nil {
		p.decided++
	}
}

func (r *replication) wasServed(v *visit, service float64) {
	if v.flags&counted == 0 {
		return
	}
	t, p, wait := r.waited(v)
	t.Served++
	t.waitServed += float64(wait)
	t.service += service
	if wait <= r.callers[v.class].goal {
		t.within++
		if p != nil {
			p.within++
		}
	}
}

func (r *replication) hasLeft(v *visit) {
	if v.flags&counted == 0 {
		return
	}
	t, p, _ := r.waited(v)
	t.Abandoned++
	if p != nil {
		p.abandoned++
	}
}

// isLeft is one who still waits when the simulation ends.
func (r *replication) isLeft(v *visit) {
	t, _, _ := r.waited(v)
	t.Unserved++
}

func (r *replication) wasBlocked(v *visit) {
	if v.flags&counted == 0 {
		return
	}
	t := &r.tally.classes[v.class]
	t.Blocked++
	p := r.series.class(v)
	r.decided(v, t, p)
	if p != nil {
		p.blocked++
	}
}
