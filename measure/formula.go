package measure

import (
	"slices"
	"time"

	"filo/contact"
)

// Counts are what service level and abandonment are made of. Within and beyond
// are about the threshold T; a wait of exactly T is within it.
type Counts struct {
	Offered       int // segments whose wait is over: answered, abandoned or gone elsewhere
	Answered      int
	AnsweredIn    int // of these, within T
	Abandoned     int // all, the short ones too
	AbandonedIn   int // of these, within T
	ShortAbandons int // of these, within Config.ShortAbandon
	Waiting       int // still
	WaitingBeyond int // of these, longer than T already
}

// Plus returns the counts of both together: ratios over several queues are made
// from sums, never from ratios.
func (c Counts) Plus(o Counts) Counts {
	return Counts{
		Offered: c.Offered + o.Offered, Answered: c.Answered + o.Answered, AnsweredIn: c.AnsweredIn + o.AnsweredIn,
		Abandoned: c.Abandoned + o.Abandoned, AbandonedIn: c.AbandonedIn + o.AbandonedIn,
		ShortAbandons: c.ShortAbandons + o.ShortAbandons, Waiting: c.Waiting + o.Waiting,
		WaitingBeyond: c.WaitingBeyond + o.WaitingBeyond,
	}
}

// ServiceLevel is SL(T): answered within T / (answered + abandoned - short
// abandons + still waiting beyond T).
func (c Counts) ServiceLevel() float64 {
	return ratio(c.AnsweredIn, c.Answered+c.Abandoned-c.ShortAbandons+c.WaitingBeyond)
}

// Strict is SL(T) without forgiving short abandons.
func (c Counts) Strict() float64 {
	return ratio(c.AnsweredIn, c.Answered+c.Abandoned+c.WaitingBeyond)
}

// IgnoringAbandons is SL(T) over answered contacts only.
func (c Counts) IgnoringAbandons() float64 {
	return ratio(c.AnsweredIn, c.Answered+c.WaitingBeyond)
}

// Neutral is SL(T) that leaves out who abandoned within T.
func (c Counts) Neutral() float64 {
	return ratio(c.AnsweredIn, c.Answered+c.Abandoned-c.AbandonedIn+c.WaitingBeyond)
}

// Optimistic is SL(T) that counts who abandoned within T as served.
func (c Counts) Optimistic() float64 {
	return ratio(c.AnsweredIn+c.AbandonedIn, c.Answered+c.Abandoned+c.WaitingBeyond)
}

// AbandonRate is (abandoned - short) / (offered - short).
func (c Counts) AbandonRate() float64 {
	return ratio(c.Abandoned-c.ShortAbandons, c.Offered-c.ShortAbandons)
}

// ratio is 0 when there are no cases: the counts say so.
func ratio(part, whole int) float64 {
	if whole <= 0 {
		return 0
	}
	return float64(part) / float64(whole)
}

// Figures are the formulas over a set of segments. Ratios are 0..1.
type Figures struct {
	Counts
	// ASA is the mean time from enqueueing to the answer, ringing included and
	// the flow excluded; the percentiles and the maximum are of the same times.
	ASA, WaitP50, WaitP90, WaitMax time.Duration
	// AbandonWait is the mean wait of those who abandoned.
	AbandonWait time.Duration
	// AHT is (talk + hold + wrap-up) / handled segments; for asynchronous
	// channels the focused working time takes the place of talk and hold.
	AHT     time.Duration
	Handled int
	// Offers were made to agents; RONA of them expired with the customer there.
	Offers, RONA int
}

// RONARate is expired offers / offers.
func (f Figures) RONARate() float64 { return ratio(f.RONA, f.Offers) }

// Wait is the time that the customer waited on us: until the answer, the
// leaving, or now.
func (s *Segment) Wait(now time.Time) time.Duration {
	switch {
	case s.EnqueuedAt.IsZero():
		return 0
	case !s.AnsweredAt.IsZero():
		return s.AnsweredAt.Sub(s.EnqueuedAt)
	case !s.EndedAt.IsZero():
		return s.EndedAt.Sub(s.EnqueuedAt)
	default:
		return now.Sub(s.EnqueuedAt)
	}
}

// Handle is the working time on an answered segment that has ended.
func (s *Segment) Handle() time.Duration {
	if s.AnsweredAt.IsZero() || s.EndedAt.IsZero() {
		return 0
	}
	d := s.EndedAt.Sub(s.AnsweredAt)
	if s.FocusTime > 0 {
		d = s.FocusTime
	}
	if !s.WrapUpEndAt.IsZero() {
		d += s.WrapUpEndAt.Sub(s.EndedAt)
	}
	return d
}

// open reports whether the customer still waits.
func (s *Segment) open() bool {
	return s.AnsweredAt.IsZero() && s.EndedAt.IsZero() && s.Result == ""
}

// tally gathers what Figures are computed from.
type tally struct {
	f                        Figures
	waits                    []time.Duration
	waited, lost, handleTime time.Duration
}

func (t *tally) add(s *Segment, now time.Time, target, short time.Duration) {
	c, wait := &t.f.Counts, s.Wait(now)
	t.f.Offers += s.Offers
	t.f.RONA += s.RONA
	if s.open() {
		c.Waiting++
		if wait > target {
			c.WaitingBeyond++
		}
		return
	}
	c.Offered++
	switch {
	case !s.AnsweredAt.IsZero():
		c.Answered++
		if wait <= target {
			c.AnsweredIn++
		}
		t.waits = append(t.waits, wait)
		t.waited += wait
		if !s.EndedAt.IsZero() {
			t.f.Handled++
			t.handleTime += s.Handle()
		}
	case s.Result == contact.Abandoned:
		c.Abandoned++
		t.lost += wait
		if wait <= target {
			c.AbandonedIn++
		}
		if wait <= short {
			c.ShortAbandons++
		}
	}
}

func (t *tally) figures() Figures {
	f := t.f
	f.ASA = mean(t.waited, f.Answered)
	f.AbandonWait = mean(t.lost, f.Abandoned)
	f.AHT = mean(t.handleTime, f.Handled)
	if n := len(t.waits); n > 0 {
		slices.Sort(t.waits)
		f.WaitP50, f.WaitP90, f.WaitMax = percentile(t.waits, 50), percentile(t.waits, 90), t.waits[n-1]
	}
	return f
}

func mean(sum time.Duration, n int) time.Duration {
	if n == 0 {
		return 0
	}
	return sum / time.Duration(n)
}

// percentile is the nearest rank: the least value with at least p % of all at
// or below it.
func percentile(sorted []time.Duration, p int) time.Duration {
	return sorted[(len(sorted)*p+99)/100-1]
}

// Occupancy is contact time / (contact time + idle time): of the states of
// agents, busy, wrap-up and reserved against ready. An agent is in one state
// at a time, so that contacts side by side count once.
func Occupancy(time map[contact.AgentState]time.Duration) float64 {
	work := time[contact.Busy] + time[contact.AgentWrapUp] + time[contact.Reserved]
	if all := work + time[contact.Ready]; all > 0 {
		return float64(work) / float64(all)
	}
	return 0
}
