package core

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// A signature is what one step asks for.
type sigRec struct {
	needs  []Clause // alternatives sorted by skill
	agents []Agent  // sorted; empty: anybody
}

type sigID uint32

// A fit is what of a contact decides whether a class may have it: what its
// step asks for, its queue, and the longest delay of a profile that it has
// waited for. Contacts of one lane share it.
type fitKey struct {
	sig    sigID
	queue  Queue
	waited int64
}

type fitID uint32

// fitRec knows which classes fit.
type fitRec struct {
	fitKey
	plain members[Class]
	all   *members[Class] // with their reserve skills; nil while that makes no difference
	banks []bankID
	score []int32 // key G of MostProficient by class, for some fits
}

// skillRec is who may meet what: so a new fit looks only at classes that have
// the skills, and a new class only at fits that ask for one of its own.
type skillRec struct {
	classes bitset  // that have the skill
	fits    []fitID // whose first clause the skill can meet
}

func (s *State) signature(needs []Clause, agents []Agent) sigID {
	rec := sigRec{agents: slices.Clone(agents)}
	slices.Sort(rec.agents)
	rec.agents = slices.Compact(rec.agents)
	rec.agents = slices.DeleteFunc(rec.agents, func(a Agent) bool { return uint32(a) >= s.cfg.MaxAgents })
	named := len(agents) > 0
	for _, clause := range needs {
		rec.needs = append(rec.needs, normal(clause))
	}
	key := []byte{oneIf(named)}
	for _, a := range rec.agents {
		key = binary.LittleEndian.AppendUint32(key, uint32(a))
	}
	for _, clause := range rec.needs {
		key = binary.LittleEndian.AppendUint32(append(key, 1), uint32(len(clause))) //nolint:gosec // far fewer
		for _, n := range clause {
			key = append(binary.LittleEndian.AppendUint32(key, uint32(n.Skill)), n.Min)
		}
	}
	if id, ok := s.sigIndex[string(key)]; ok {
		return id
	}
	if named && len(rec.agents) == 0 {
		rec.agents = []Agent{Nobody} // all of those named are impossible
	}
	for _, a := range rec.agents {
		if a != Nobody {
			s.name(a)
		}
	}
	s.sigs = append(s.sigs, rec)
	id := sigID(len(s.sigs) - 1) //nolint:gosec // far fewer
	s.sigIndex[string(key)] = id
	return id
}

// normal sorts the alternatives and keeps the easiest of one skill.
func normal(c Clause) Clause {
	c = slices.Clone(c)
	for i := range c {
		c[i].Min = max(c[i].Min, 1)
	}
	slices.SortFunc(c, func(a, b Requirement) int {
		if a.Skill != b.Skill {
			return order(a.Skill, b.Skill)
		}
		return order(a.Min, b.Min)
	})
	return slices.CompactFunc(c, func(a, b Requirement) bool { return a.Skill == b.Skill })
}

// meets reports whether the class meets the signature, without its reserve
// skills and with them.
func (g *sigRec) meets(c *classRec) (plain, all bool) {
	if len(g.agents) > 0 && (c.solo == Nobody || !slices.Contains(g.agents, c.solo)) {
		return false, false
	}
	plain, all = true, true
	for _, clause := range g.needs {
		p, a := clause.met(c)
		plain, all = plain && p, all && a
		if !all {
			return false, false
		}
	}
	return plain, all
}

func (cl Clause) met(c *classRec) (plain, all bool) {
	for _, n := range cl {
		if level, reserve := c.proficiency(n.Skill); level >= n.Min {
			all = true
			plain = plain || !reserve
		}
	}
	return plain, all
}

// score is the sum of the highest proficiencies that reach their minimum.
func (g *sigRec) score(c *classRec) (sum int32) {
	for _, clause := range g.needs {
		var best uint8
		for _, n := range clause {
			if level, _ := c.proficiency(n.Skill); level >= n.Min {
				best = max(best, level)
			}
		}
		sum += int32(best)
	}
	return sum
}

func (s *State) fitFor(k fitKey) fitID {
	if id, ok := s.fitIndex[k]; ok {
		return id
	}
	id := fitID(len(s.fits)) //nolint:gosec // far fewer
	s.fits = append(s.fits, fitRec{fitKey: k})
	s.fitIndex[k] = id
	needs := s.sigs[k.sig].needs
	if len(needs) == 0 {
		s.anyone = append(s.anyone, id)
	} else {
		for _, n := range needs[0] {
			x := s.skill(n.Skill)
			x.fits = append(x.fits, id)
		}
	}
	s.likely(needs, func(cl Class) { s.fitClass(id, cl) })
	return id
}

func (s *State) skill(k Skill) *skillRec {
	x := s.skills[k]
	if x == nil {
		x = &skillRec{}
		s.skills[k] = x
	}
	return x
}

// likely calls f for the classes that have a skill of every clause, in order.
func (s *State) likely(needs []Clause, f func(Class)) {
	clauses := make([][]*skillRec, len(needs))
	for i, clause := range needs {
		for _, n := range clause {
			clauses[i] = append(clauses[i], s.skill(n.Skill))
		}
	}
	for w := range (len(s.classes) + 63) / 64 {
		x := ^uint64(0)
		for _, skills := range clauses {
			var any uint64
			for _, k := range skills {
				any |= k.classes.word(w)
			}
			x &= any
		}
		for ; x != 0; x &= x - 1 {
			if cl := w<<6 + bits.TrailingZeros64(x); cl < len(s.classes) {
				f(Class(cl)) //nolint:gosec // a class
			}
		}
	}
}

// fitNew lets a new class into the fits that it fits.
func (s *State) fitNew(cl Class) {
	for _, f := range s.anyone {
		s.fitClass(f, cl)
	}
	for _, p := range s.classes[cl].skills {
		x := s.skill(p.Skill)
		x.classes.add(int(cl))
		for _, f := range x.fits {
			s.fitClass(f, cl)
		}
	}
}

// fitClass notes whether the class fits. One of both is new.
func (s *State) fitClass(id fitID, cl Class) {
	f, c := &s.fits[id], &s.classes[cl]
	rule, serves := c.rule(f.queue)
	if !serves || int64(rule.Delay) > f.waited {
		return
	}
	plain, all := s.sigs[f.sig].meets(c)
	if !all || f.who(true).has(cl) {
		return
	}
	if !plain && f.all == nil {
		f.all = &members[Class]{list: slices.Clone(f.plain.list), set: slices.Clone(f.plain.set)}
	}
	if plain {
		f.plain.add(cl)
	}
	if f.all != nil {
		f.all.add(cl)
	}
	for _, b := range f.banks {
		s.showBank(b, f, cl)
	}
}

// who returns the classes that fit.
func (f *fitRec) who(overloaded bool) *members[Class] {
	if overloaded && f.all != nil {
		return f.all
	}
	return &f.plain
}

// Scores are kept for fits of more than fewClasses classes, and in all for not
// much more than mostScores.
const (
	fewClasses = 8
	mostScores = 1 << 26
)

// scores returns key G of MostProficient, negated proficiency, by class; nil
// if it is not worth keeping.
func (s *State) scores(id fitID) []int32 {
	f := &s.fits[id]
	if len(f.who(true).list) <= fewClasses {
		return nil
	}
	if f.score == nil {
		if len(s.scored)*len(s.classes) > mostScores {
			oldest := &s.fits[s.scored[0]]
			f.score, oldest.score = oldest.score[:0], nil
			s.scored = slices.Delete(s.scored, 0, 1)
		}
		s.scored = append(s.scored, id)
	}
	for len(f.score) < len(s.classes) {
		f.score = append(f.score, -s.sigs[f.sig].score(&s.classes[len(f.score)]))
	}
	return f.score
}
