package staff

import "math"

// Worked is a stream with its agents.
type Worked struct {
	Name     string  `json:"name"`
	Agents   int     `json:"agents"`  // in every interval
	InTime   float64 `json:"in_time"` // share of contacts
	Left     float64 `json:"left"`    // contacts at the end of the plan
	Delay    Figure  `json:"longest_s"`
	OneLess  *Less   `json:"one_less"` // nil when no agents are needed
	Deadline Figure  `json:"deadline_s"`
	Share    float64 `json:"share"`
}

// Less is what one agent less would do.
type Less struct {
	InTime float64 `json:"in_time"`
	Left   float64 `json:"left"`
}

// Carried is how a stream stands at the end of an interval.
type Carried struct {
	Agents  int     `json:"agents"`
	Waiting float64 `json:"waiting"`
	Oldest  Figure  `json:"oldest_s"` // age of the oldest that waits, 0 if none does
}

// staff finds the least number of agents. What idle time the stream uses is
// taken from idle.
func (s Stream) staff(plan []Interval, k int, idle []float64) (Worked, []Carried, error) {
	spare := make([]float64, len(plan))
	if s.Idle {
		copy(spare, idle)
	}
	run := func(n int) *fluid { return s.flow(plan, k, n, spare) }
	enough := func(f *fluid) bool {
		return f.inTime() >= s.Share-1e-12 && f.left() <= s.Left+1e-6 // rounding of sums
	}
	n, err := least(func(n int) bool { return enough(run(n)) })
	if err != nil {
		return Worked{}, nil, err
	}
	f := run(n)
	w := Worked{
		Name: s.Name, Agents: n, InTime: f.inTime(), Left: f.left(), Delay: Figure(f.longest + s.Handle.Seconds()),
		Deadline: Figure(s.Deadline.Seconds()), Share: s.Share,
	}
	if n > 0 {
		less := run(n - 1)
		w.OneLess = &Less{InTime: less.inTime(), Left: less.left()}
	}
	if s.Idle {
		for i := range idle {
			idle[i] = max(0, idle[i]-max(0, f.used[i]-float64(n)))
		}
	}
	return w, f.states, nil
}

// fluid is a stream at work: first in, first out.
type fluid struct {
	patience float64 // seconds from arrival until work must begin
	now      float64 // seconds since the beginning
	waiting  []parcel
	total    float64 // contacts that came
	late     float64 // of these
	longest  float64 // wait of one whose work has begun
	states   []Carried
	used     []float64 // agents at work on average, by interval
}

// parcel are contacts that came at an even rate, the first at from and the last
// at to.
type parcel struct{ from, to, contacts float64 }

// flow plays n agents, and the spare ones, through the plan.
func (s Stream) flow(plan []Interval, k, n int, spare []float64) *fluid {
	f := &fluid{patience: (s.Deadline - s.Handle).Seconds()}
	if s.Waiting > 0 {
		f.waiting = append(f.waiting, parcel{0, 0, s.Waiting})
		f.total = s.Waiting
	}
	handle := s.Handle.Seconds()
	for i, iv := range plan {
		f.now = iv.Start.Sub(plan[0].Start).Seconds()
		length := iv.Length.Seconds()
		done := f.work(length, iv.Backlog[k], (float64(n)+spare[i])/handle)
		f.used = append(f.used, done*handle/length)
		f.states = append(f.states, f.state(n))
	}
	return f
}

// work lets time go on while contacts come evenly and are begun at most at the
// given rate. It returns how many were begun.
func (f *fluid) work(length, contacts, rate float64) (begun float64) {
	f.total += contacts
	end := f.now + length
	if contacts > 0 {
		f.waiting = append(f.waiting, parcel{f.now, end, contacts})
	}
	for len(f.waiting) > 0 && f.now < end && rate > 0 {
		p := &f.waiting[0]
		done, to := f.step(p, end, rate)
		begun += done
		f.now = to
		if p.contacts <= crumb {
			f.waiting = f.waiting[1:]
		}
	}
	f.now = end
	return begun
}

// What is less than these is rounding.
const (
	moment = 1e-6 // seconds
	crumb  = 1e-9 // contacts
)

// step works on the oldest parcel for as long as one thing happens: all of it
// is done, the time is over, or what has come of it is done and the rest is
// begun as it comes.
func (f *fluid) step(p *parcel, end, rate float64) (done, to float64) {
	comes := math.Inf(1) // rate at which the parcel came
	if p.to > p.from {
		comes = p.contacts / (p.to - p.from)
	}
	caughtUp := math.Inf(1) // seconds until then
	if comes < rate && p.to > f.now {
		caughtUp = (f.now - p.from) * comes / (rate - comes)
	}
	if caughtUp < moment { // begun as they come, to the end of the interval
		done = p.contacts
		p.contacts = 0
		return done, p.to
	}
	// At the full rate until the parcel or the interval is over, or until the
	// work catches up with the arrivals.
	to = min(end, f.now+p.contacts/rate, f.now+caughtUp)
	done = (to - f.now) * rate
	first, last := f.now-p.from, to-(p.from+done/comes)
	f.begin(done, first, last)
	p.contacts = max(0, p.contacts-done)
	p.from = min(p.to, p.from+done/comes)
	return done, to
}

// begin notes contacts whose waits go evenly from first to last.
func (f *fluid) begin(contacts, first, last float64) {
	f.longest = max(f.longest, first, last)
	f.late += contacts * above(first, last, f.patience)
}

// above is the share of an even stretch from a to b that lies above x.
func above(a, b, x float64) float64 {
	low, high := min(a, b), max(a, b)
	switch {
	case high <= x+1e-9: // a nanosecond late is in time
		return 0
	case low >= x:
		return 1
	}
	return (high - x) / (high - low)
}

func (f *fluid) left() (contacts float64) {
	for _, p := range f.waiting {
		contacts += p.contacts
	}
	return contacts
}

// inTime is the share of all contacts that was begun in time or still can be.
func (f *fluid) inTime() float64 {
	if f.total == 0 {
		return 1
	}
	late := f.late
	for _, p := range f.waiting {
		late += p.contacts * above(f.now-p.from, f.now-p.to, f.patience)
	}
	return max(0, 1-late/f.total)
}

func (f *fluid) state(n int) Carried {
	c := Carried{Agents: n, Waiting: f.left()}
	if len(f.waiting) > 0 {
		c.Oldest = Figure(f.now - f.waiting[0].from)
	}
	return c
}
