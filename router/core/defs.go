package core

import (
	"encoding/binary"
	"slices"
)

// defs are the interned constants that commands refer to by handle, and who
// fits whom among them.
type defs struct {
	sigs       []sigRec
	sigIndex   map[string]Sig
	classes    []classRec
	classIndex map[string]Class
	types      []WorkType

	free   [MaxChannels]bitset // classes that have an agent with room
	levels []uint16            // used units that were ever seen, by load level
}

type sigRec struct {
	needs []Requirement // sorted by skill
	row   bitset        // classes that meet them
}

type classRec struct {
	profile Profile                  // skills sorted
	lists   [MaxChannels][]agentList // agents with room, by load level; in the order of their stamps
	col     bitset                   // lanes whose signature the class meets
}

type agentList struct {
	first, last Agent
	n           uint32
}

// Signature interns requirements; all of them must be met (AND). Definitions
// decide nothing: they may be made at any time, and the same ones in the same
// order give the same handles.
func (s *State) Signature(needs []Requirement) Sig {
	needs = slices.Clone(needs)
	for i := range needs {
		needs[i].Min = max(needs[i].Min, 1)
	}
	slices.SortFunc(needs, func(a, b Requirement) int {
		if a.Skill != b.Skill {
			return int(a.Skill) - int(b.Skill)
		}
		return int(b.Min) - int(a.Min) // the highest first: it stays
	})
	needs = slices.CompactFunc(needs, func(a, b Requirement) bool { return a.Skill == b.Skill })
	var key []byte
	for _, n := range needs {
		key = append(binary.LittleEndian.AppendUint32(key, uint32(n.Skill)), n.Min)
	}
	if sig, ok := s.sigIndex[string(key)]; ok {
		return sig
	}
	sig := Sig(len(s.sigs)) //nolint:gosec // far fewer
	rec := sigRec{needs: needs, row: newBitset(len(s.classes))}
	for i := range s.classes {
		if s.classes[i].meets(needs) {
			rec.row.set(i)
		}
	}
	s.sigs = append(s.sigs, rec)
	s.sigIndex[string(key)] = sig
	return sig
}

// Class interns a profile. See Signature.
func (s *State) Class(p Profile) Class {
	p.Skills = slices.Clone(p.Skills)
	p.Skills = slices.DeleteFunc(p.Skills, func(x Proficiency) bool { return x.Level == 0 })
	slices.SortFunc(p.Skills, func(a, b Proficiency) int {
		if a.Skill != b.Skill {
			return int(a.Skill) - int(b.Skill)
		}
		return int(b.Level) - int(a.Level)
	})
	p.Skills = slices.CompactFunc(p.Skills, func(a, b Proficiency) bool { return a.Skill == b.Skill })
	p.Capacity = min(max(p.Capacity, 0), 1<<15)
	key := binary.LittleEndian.AppendUint32(nil, uint32(p.Capacity)) //nolint:gosec // clamped
	for _, n := range p.Caps {
		key = binary.LittleEndian.AppendUint16(key, n)
	}
	for _, x := range p.Skills {
		key = append(binary.LittleEndian.AppendUint32(key, uint32(x.Skill)), x.Level)
	}
	if cl, ok := s.classIndex[string(key)]; ok {
		return cl
	}
	return s.addClass(string(key), p)
}

func (s *State) addClass(key string, p Profile) Class {
	i := len(s.classes)
	s.classes = append(s.classes, classRec{profile: p, col: newBitset(len(s.laneRecs))})
	cl := &s.classes[i]
	for ch := range s.free {
		s.free[ch].grow(i + 1)
	}
	for j := range s.sigs {
		s.sigs[j].row.grow(i + 1)
		if cl.meets(s.sigs[j].needs) {
			s.sigs[j].row.set(i)
		}
	}
	for l := range s.laneRecs {
		if s.sigs[s.laneRecs[l].sig].row.has(i) {
			cl.col.set(l)
		}
	}
	s.classIndex[key] = Class(i) //nolint:gosec // far fewer
	return Class(i)              //nolint:gosec // as above
}

// WorkType defines what the contacts of one queue and channel share. Each call
// gives a new handle.
func (s *State) WorkType(w WorkType) Type {
	if int(w.Channel) >= len(s.cfg.Channels) {
		w.Channel = 0
	}
	w.OfferTimeout = max(w.OfferTimeout, 1)
	s.types = append(s.types, w)
	return Type(len(s.types) - 1) //nolint:gosec // far fewer
}

// level returns the proficiency in a skill, 0 for none.
func (c *classRec) level(k Skill) uint8 {
	for _, x := range c.profile.Skills {
		if x.Skill == k {
			return x.Level
		}
	}
	return 0
}

func (c *classRec) meets(needs []Requirement) bool {
	for _, n := range needs {
		if c.level(n.Skill) < n.Min {
			return false
		}
	}
	return true
}

// preference is the key G.
func (s *State) preference(sel Select, cl Class, sig Sig) int32 {
	c := &s.classes[cl]
	switch sel {
	case MostProficient:
		var sum int32
		for _, n := range s.sigs[sig].needs {
			sum -= int32(c.level(n.Skill))
		}
		return sum
	case LeastFlexible:
		return int32(len(c.profile.Skills)) //nolint:gosec // far fewer
	default:
		return 0
	}
}

// levelOf interns used units as a load level.
func (s *State) levelOf(used uint16) uint16 {
	for i, u := range s.levels {
		if u == used {
			return uint16(i) //nolint:gosec // at most one per unit
		}
	}
	s.levels = append(s.levels, used)
	return uint16(len(s.levels) - 1) //nolint:gosec // as above
}
