package staff

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// Bounds of plans.
const (
	maxAgents    = 100_000
	maxIntervals = 10_000
	maxContacts  = 1e9
	maxTime      = 366 * 24 * time.Hour
)

var (
	errPlan   = errors.New("bad plan")
	errTarget = errors.New("no target is set")
)

// Target is what must hold in every interval. A part that is zero asks for
// nothing.
type Target struct {
	Level     float64       // least share of contacts that is answered in time
	Within    time.Duration // which is this
	ASA       time.Duration // longest mean wait of those who are answered
	Abandon   float64       // largest share that gives up
	Occupancy float64       // largest share of their time that agents are busy
}

// empty reports whether nothing is asked for.
func (t Target) empty() bool {
	return t.Level == 0 && t.ASA == 0 && t.Abandon == 0 && t.Occupancy == 0
}

func (t Target) met(m Measures) bool {
	return m.Agents > 0 &&
		(t.Level == 0 || float64(m.Level) >= t.Level) &&
		(t.ASA == 0 || float64(m.ASA) <= t.ASA.Seconds()) &&
		(t.Abandon == 0 || float64(m.Abandons) <= t.Abandon) &&
		(t.Occupancy == 0 || float64(m.Occupancy) <= t.Occupancy)
}

// Interval is a stretch of time with a forecast.
type Interval struct {
	Start     time.Time
	Length    time.Duration
	Contacts  float64       // that come in it
	Handle    time.Duration // mean, of talk and wrap-up
	Patience  time.Duration // mean; 0: endless
	Shrinkage float64       // share of the scheduled agents who are not there
	Backlog   []float64     // contacts that come, by stream
}

// Stream is work that is carried over.
type Stream struct {
	Name     string
	Handle   time.Duration
	Deadline time.Duration // from arrival to the end of the work
	Share    float64       // least share that is in time
	Waiting  float64       // contacts at the beginning of the plan, arriving then
	Left     float64       // most contacts at its end
	Idle     bool          // the idle time of the real-time agents works on it
}

// Plan is what to staff: intervals in the order of time that do not overlap.
type Plan struct {
	Target    Target
	Intervals []Interval
	Streams   []Stream
}

// KeyError is a mistake of a plan, at a key such as intervals[2].handle.
type KeyError struct{ Key, Text string }

func (e *KeyError) Error() string { return e.Key + ": " + e.Text }

// faults collects mistakes.
type faults []error

func (f *faults) add(bad bool, key, format string, args ...any) {
	if bad {
		*f = append(*f, &KeyError{key, fmt.Sprintf(format, args...)})
	}
}

func (f *faults) share(key string, x float64, text string) {
	f.add(x < 0 || x >= 1 || math.IsNaN(x), key, "%s", text)
}

func (f *faults) duration(key string, d, low time.Duration) {
	f.add(d < low || d > maxTime, key, "should be %v to %v", low, maxTime)
}

func (f *faults) contacts(key string, x float64) {
	f.add(!(x >= 0 && x <= maxContacts), key, "should be 0 to %g contacts", maxContacts)
}

// Validate returns every mistake as a [KeyError], joined.
func (p Plan) Validate() error {
	var f faults
	p.Target.validate(&f)
	f.add(len(p.Intervals) == 0 || len(p.Intervals) > maxIntervals, "intervals", "should be 1 to %d", maxIntervals)
	for i, iv := range p.Intervals {
		iv.validate(&f, i)
		f.add(len(iv.Backlog) != len(p.Streams), fmt.Sprintf("intervals[%d].backlog", i), "should have %d streams", len(p.Streams))
		f.add(iv.Contacts > 0 && p.Target.empty(), "target", "%v", errTarget)
		if i > 0 {
			before := p.Intervals[i-1]
			f.add(iv.Start.Before(before.Start.Add(before.Length)), fmt.Sprintf("intervals[%d].start", i), "begins before the interval above has ended")
		}
	}
	for _, s := range p.Streams {
		s.validate(&f)
	}
	return errors.Join(f...)
}

func (t Target) validate(f *faults) {
	f.share("target.service_level", t.Level, "should be less than 100 %")
	f.share("target.abandon", t.Abandon, "should be less than 100 %")
	f.share("target.occupancy", t.Occupancy, "should be less than 100 %")
	f.duration("target.service_level", t.Within, 0)
	f.duration("target.asa", t.ASA, 0)
}

func (iv Interval) validate(f *faults, i int) {
	key := fmt.Sprintf("intervals[%d].", i)
	f.contacts(key+"contacts", iv.Contacts)
	f.duration(key+"length", iv.Length, time.Second)
	if iv.Contacts > 0 {
		f.duration(key+"handle", iv.Handle, time.Millisecond)
	}
	f.duration(key+"patience", iv.Patience, 0)
	f.share(key+"shrinkage", iv.Shrinkage, "should be less than 100 %")
	for _, x := range iv.Backlog {
		f.contacts(key+"backlog", x)
	}
}

func (s Stream) validate(f *faults) {
	key := "backlog." + s.Name + "."
	f.duration(key+"handle", s.Handle, time.Millisecond)
	f.duration(key+"deadline", s.Deadline, s.Handle+time.Second)
	f.add(!(s.Share > 0 && s.Share <= 1), key+"share", "should be more than 0 %%, at most 100 %%")
	f.contacts(key+"waiting", s.Waiting)
	f.contacts(key+"left", s.Left)
}
