package core

import "time"

// Overtake is the starvation bound: only contacts that are enqueued less than
// this after a contact of the given work type, tier and priority can ever be
// served before it, by an agent who fits both, for whom neither is held and
// whose profile ranks their queues alike. It is exact over all work types and
// priorities, at tiers from 1 on; ok is false if there is no bound: a higher
// tier without promotion, or a work type that ages faster for good.
func (s *State) Overtake(t Type, tier uint8, priority int16) (bound time.Duration, ok bool) {
	me := s.climbOf(t, tier, priority)
	var worst int64
	for i := range s.types {
		you := s.climbOf(Type(i), 1, s.cfg.MaxPriority) //nolint:gosec // a type
		if you.passes(&me) {
			return 0, false
		}
		lo, hi := int64(0), int64(year) // the least lead at which you come no more
		for lo < hi {
			mid := lo + (hi-lo)/2
			if overtakes(&you, &me, mid) {
				lo = mid + 1
			} else {
				hi = mid
			}
		}
		worst = max(worst, lo)
	}
	return time.Duration(worst), true
}

// climb is how the order of a contact changes with its age.
type climb struct {
	t     *typeRec
	tier  uint8
	boost int64 // less patience
}

func (s *State) climbOf(t Type, tier uint8, priority int16) climb {
	rec := &s.types[t]
	priority = min(max(priority, -s.cfg.MaxPriority), s.cfg.MaxPriority)
	return climb{t: rec, tier: min(tier, MaxTier), boost: s.boost(priority) - rec.slack}
}

// at returns the tier and how urgent the contact is at an age: now - V.
func (c *climb) at(age int64) (tier uint8, urgency int64) {
	age = min(max(age, 0), year)
	tier = c.tier
	if c.t.Promote > 0 {
		tier = rise(tier, uint8(min(age/int64(c.t.Promote), MaxTier))) //nolint:gosec // clamped
	}
	if c.t.Saturate > 0 {
		age = min(age, int64(c.t.Saturate))
	}
	return tier, c.t.grown(age) + c.boost
}

// passes reports whether you come before me in the end, whatever the lead.
func (c *climb) passes(me *climb) bool {
	yt, ys, yu := c.end()
	mt, ms, mu := me.end()
	switch {
	case yt != mt:
		return yt < mt
	case ys != ms:
		return ys > ms
	default:
		return ys == 0 && yu > mu
	}
}

// end is the tier, the slope and, if that is 0, the urgency in the end.
func (c *climb) end() (tier, slope uint8, urgency int64) {
	if c.t.Promote > 0 {
		tier = min(c.tier, 1)
	} else {
		tier = c.tier
	}
	if c.t.Saturate == 0 {
		return tier, c.t.Rate, 0
	}
	return tier, 0, c.t.grown(int64(c.t.Saturate)) + c.boost
}

// overtakes reports whether you, enqueued lead after me, come before me at
// some time. Between the ages at which one of them changes its tier or is
// saturated, both climb evenly: so it is enough to look at these and right
// before them.
func overtakes(you, me *climb, lead int64) bool {
	for _, age := range you.turns(0, me.turns(-lead, []int64{0, year - lead - 1})) {
		for _, x := range []int64{age - 1, age} {
			if x < 0 || x+lead >= year {
				continue
			}
			yt, yu := you.at(x)
			mt, mu := me.at(x + lead)
			if yt < mt || yt == mt && yu > mu {
				return true
			}
		}
	}
	return false
}

// turns appends the ages, moved by by, at which the climb changes its slope.
func (c *climb) turns(by int64, list []int64) []int64 {
	if c.t.Saturate > 0 {
		list = append(list, int64(c.t.Saturate)+by)
	}
	for k := int64(1); c.t.Promote > 0 && k <= int64(c.tier); k++ {
		list = append(list, k*int64(c.t.Promote)+by)
	}
	return list
}
