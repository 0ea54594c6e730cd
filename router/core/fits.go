package core

import (
	"encoding/binary"
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

// fitRec knows who fits, as sets of classes and, for looking up heads, of
// cells. The sets named all count reserve skills too; they are nil while they
// would be the same.
type fitRec struct {
	fitKey
	classes, allClasses bitset
	cells, allCells     bitset
	score               []int32 // key G of MostProficient by class; as long as it was needed
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
	if len(g.agents) > 0 && !slices.Contains(g.agents, c.solo) {
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
	f := &s.fits[id]
	for cl := range s.classes {
		s.fitClass(f, Class(cl)) //nolint:gosec // a class
	}
	for c := range s.cellRecs {
		f.cover(c, s.cellRecs[c].class)
	}
	s.fitIndex[k] = id
	return id
}

// fitClass notes whether the class fits. Only classes that are already known
// when their first cell is made get here, so cover comes after it.
func (s *State) fitClass(f *fitRec, cl Class) {
	c := &s.classes[cl]
	rule, serves := c.rule(f.queue)
	if !serves || int64(rule.Delay) > f.waited {
		return
	}
	plain, all := s.sigs[f.sig].meets(c)
	if all && !plain && f.allClasses == nil {
		f.allClasses, f.allCells = slices.Clone(f.classes), slices.Clone(f.cells)
		if f.allClasses == nil {
			f.allClasses = bitset{}
		}
	}
	if plain {
		f.classes.add(int(cl))
	}
	if all && f.allClasses != nil {
		f.allClasses.add(int(cl))
	}
}

// cover notes that a new cell has the class.
func (f *fitRec) cover(cell int, cl Class) {
	if f.classes.has(int(cl)) {
		f.cells.add(cell)
	}
	if f.allClasses.has(int(cl)) {
		f.allCells.add(cell)
	}
}

// who returns the classes and cells that fit.
func (f *fitRec) who(overloaded bool) (classes, cells bitset) {
	if overloaded && f.allClasses != nil {
		return f.allClasses, f.allCells
	}
	return f.classes, f.cells
}

// scores returns key G of MostProficient, negated proficiency, by class.
func (s *State) scores(f *fitRec) []int32 {
	for len(f.score) < len(s.classes) {
		f.score = append(f.score, -s.sigs[f.sig].score(&s.classes[len(f.score)]))
	}
	return f.score
}
