package core

import "slices"

// A course is how contacts of one work type and plan age: the bands that they
// go through. Bands are never taken away and keep their number; new delays of
// profiles add some.
type courseKey struct {
	typ  Type
	plan Plan
}

type courseID uint32

type course struct {
	courseKey
	bands  []band
	byAge  []uint8 // numbers of the bands, sorted by age
	bounds []int64 // ages, sorted
}

// band is what holds from one boundary to the next.
type band struct {
	age      int64
	fit      fitID
	promoted uint8 // tiers
	overflow bool
}

// maxBands bounds the boundaries of a course: what is beyond never comes.
const maxBands = 200

func (s *State) courseFor(t Type, p Plan) courseID {
	plan := &s.plans[p]
	if plan.typ != t {
		plan.typ, plan.course = t, s.lookUpCourse(courseKey{t, p})
	}
	return plan.course
}

func (s *State) lookUpCourse(k courseKey) courseID {
	if id, ok := s.courseIndex[k]; ok {
		return id
	}
	t, p := k.typ, k.plan
	id := courseID(len(s.courses)) //nolint:gosec // far fewer
	s.courses = append(s.courses, course{courseKey: k})
	s.addBand(id, 0)
	w := &s.types[t]
	for _, st := range s.plans[p].steps {
		s.addBand(id, st.after)
	}
	for k := int64(1); w.Promote > 0 && k < MaxTier; k++ {
		s.addBand(id, k*int64(w.Promote))
	}
	if w.Overflow.On {
		s.addBand(id, int64(w.Overflow.After))
	}
	for _, d := range s.delays[w.Queue] {
		s.addBand(id, d)
	}
	s.courseIndex[k] = id
	return id
}

// addBand makes a boundary at the age, if there is none.
func (s *State) addBand(id courseID, age int64) {
	co := &s.courses[id]
	at, found := slices.BinarySearch(co.bounds, age)
	if found || age > year || len(co.bands) >= maxBands {
		return
	}
	w := &s.types[co.typ]
	b := band{age: age, overflow: w.Overflow.On && w.Overflow.After > 0 && age >= int64(w.Overflow.After)}
	if w.Promote > 0 {
		b.promoted = uint8(min(age/int64(w.Promote), MaxTier)) //nolint:gosec // clamped
	}
	b.fit = s.fitFor(fitKey{sig: s.stepAt(co.plan, age), queue: w.Queue, waited: s.delayAt(w.Queue, age)})
	co.bounds = slices.Insert(co.bounds, at, age)
	co.byAge = slices.Insert(co.byAge, at, uint8(len(co.bands))) //nolint:gosec // below maxBands
	co.bands = append(co.bands, b)
}

// stepAt is the signature of the last step that has begun.
func (s *State) stepAt(p Plan, age int64) sigID {
	steps := s.plans[p].steps
	sig := steps[0].sig
	for _, st := range steps {
		if st.after <= age {
			sig = st.sig
		}
	}
	return sig
}

// delayAt is the longest delay of a profile for the queue that is over.
func (s *State) delayAt(q Queue, age int64) (longest int64) {
	for _, d := range s.delays[q] {
		if d <= age {
			longest = max(longest, d)
		}
	}
	return longest
}

// addDelay makes a boundary in all courses of a queue. Older contacts have
// waited for it already.
func (s *State) addDelay(q Queue, delay int64) {
	if slices.Contains(s.delays[q], delay) {
		return
	}
	s.delays[q] = append(s.delays[q], delay)
	for id := range s.courses {
		co := &s.courses[id]
		if s.types[co.typ].Queue != q {
			continue
		}
		s.addBand(courseID(id), delay) //nolint:gosec // a course
		for i := range co.bands {
			b := &co.bands[i]
			k := s.fits[b.fit].fitKey
			k.waited = s.delayAt(q, b.age)
			b.fit = s.fitFor(k)
		}
	}
	for l := range s.laneRecs {
		lane := &s.laneRecs[l]
		if lane.typePos < 0 {
			continue
		}
		fit := s.courses[lane.course].bands[lane.band].fit
		if lane.only == Nobody && fit != lane.fit {
			s.part(laneID(l)) //nolint:gosec // a lane
			lane.fit = fit
			s.join(laneID(l)) //nolint:gosec // as above
		}
		lane.fit = fit
		s.arm(laneID(l)) //nolint:gosec // as above
	}
}

// bandOf returns the band of a contact.
func (s *State) bandOf(r *contactRec) *band { return &s.courses[r.course].bands[r.band] }

// bandAt returns the number of the band for an age.
func (co *course) bandAt(age int64) uint8 {
	if len(co.bands) == 1 {
		return 0
	}
	at, found := slices.BinarySearch(co.bounds, age)
	if !found {
		at--
	}
	return co.byAge[at]
}

// after returns the next boundary beyond that of the band, never if it is the
// last.
func (co *course) after(b uint8) int64 {
	if len(co.bands) == 1 {
		return never
	}
	at, _ := slices.BinarySearch(co.bounds, co.bands[b].age)
	if at+1 == len(co.bounds) {
		return never
	}
	return co.bounds[at+1]
}
