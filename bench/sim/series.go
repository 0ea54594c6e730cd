package sim

// series are figures of equal intervals of time, of all replications
// together. What happens to a contact counts where it arrived.
type series struct {
	interval int64 // ticks
	points   []point
}

type point struct {
	ticks   float64
	classes []classPoint
	groups  []groupPoint
}

type classPoint struct {
	decided   int64
	admitted  int64
	abandoned int64
	blocked   int64
	within    int64
	wait      float64
	queueArea float64
}

type groupPoint struct{ used, units float64 }

func newSeries(interval int64, points, classes, groups int) series {
	s := series{interval: interval, points: make([]point, points)}
	for i := range s.points {
		s.points[i] = point{classes: make([]classPoint, classes), groups: make([]groupPoint, groups)}
	}
	return s
}

// at returns the point of a time, nil when it lies behind the last.
func (s *series) at(ticks int64) *point {
	if k := ticks / s.interval; k < int64(len(s.points)) {
		return &s.points[k]
	}
	return nil
}

// class returns the point of a contact's arrival.
func (s *series) class(v *visit) *classPoint {
	if p := s.at(v.arrived); p != nil {
		return &p.classes[v.class]
	}
	return nil
}

func (s *series) merge(o *series) {
	for i := range s.points {
		p, q := &s.points[i], &o.points[i]
		p.ticks += q.ticks
		for k := range p.classes {
			a, b := &p.classes[k], &q.classes[k]
			a.decided += b.decided
			a.admitted += b.admitted
			a.abandoned += b.abandoned
			a.blocked += b.blocked
			a.within += b.within
			a.wait += b.wait
			a.queueArea += b.queueArea
		}
		for k := range p.groups {
			p.groups[k].used += q.groups[k].used
			p.groups[k].units += q.groups[k].units
		}
	}
}
