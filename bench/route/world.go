package route

import (
	"math"
	"math/rand/v2"
	"slices"
	"sort"
)

// Shape of worlds; see the package's documentation.
const (
	manySkills       = 100 // skills from which profiles are rich and kinds many
	priorities       = 4
	distinctSkills   = 50 // that each agent of a distinct world has
	distinctNeeds    = 3
	distinctArrivals = 1 << 14 // kinds of arrivals in a distinct world
	arrivalsDrawn    = 1 << 14 // kinds drawn ahead for arrivals; they repeat in this order
	drawsForKind     = 1000    // attempts at a kind that somebody can serve
)

// need is a skill that a kind asks for, at a minimum level.
type need struct {
	skill int
	min   uint8
}

// kind is what contacts ask for.
type kind struct {
	needs    []need // by skill, each one once
	priority int
}

// profile holds a level for each skill, 0 for none.
type profile []uint8

func (p profile) meets(needs []need) bool {
	for _, n := range needs {
		if p[n.skill] < n.min {
			return false
		}
	}
	return true
}

// world is what there is before anything happens.
type world struct {
	profiles []profile
	agents   []int // profile of each
	kinds    []kind
	backlog  []int // kind of each contact that waits from the beginning
	arrivals []int // kinds, in the order in which contacts arrive
}

func newWorld(cfg Config) *world {
	r := rand.New(rand.NewPCG(cfg.Seed, 0)) //nolint:gosec // a repeatable world is wanted
	if cfg.Distinct {
		return distinctWorld(r, cfg)
	}
	skills := newZipf(cfg.Skills, 1)
	w := &world{agents: make([]int, cfg.Agents)}
	w.profiles = make([]profile, min(cfg.Agents, int(6*math.Sqrt(float64(cfg.Agents)))))
	most, kinds := 5, 40
	if cfg.Skills >= manySkills {
		most, kinds = 26, 1000
	}
	for i := range w.profiles {
		w.profiles[i] = drawProfile(r, cfg.Skills, 2+r.IntN(most-1), skills)
	}
	popular := newZipf(len(w.profiles), .8)
	for i := range w.agents {
		w.agents[i] = popular.draw(r)
	}
	w.drawKinds(r, kinds, skills)
	asked := newZipf(len(w.kinds), 1)
	w.backlog = drawInts(r, cfg.Waiting, asked)
	w.arrivals = drawInts(r, arrivalsDrawn, asked)
	return w
}

func drawProfile(r *rand.Rand, skills, n int, z zipf) profile {
	coarse := [...]uint8{20, 40, 60, 80, 100}
	p := make(profile, skills)
	for n = min(n, skills); n > 0; {
		if k := z.draw(r); p[k] == 0 {
			p[k] = coarse[r.IntN(len(coarse))]
			n--
		}
	}
	return p
}

// drawKinds draws n kinds that differ and that somebody can serve. In a small
// world there may be fewer.
func (w *world) drawKinds(r *rand.Rand, n int, skills zipf) {
	used := make([]bool, len(w.profiles))
	for _, p := range w.agents {
		used[p] = true
	}
	served := func(k kind) bool {
		for i, p := range w.profiles {
			if used[i] && p.meets(k.needs) {
				return true
			}
		}
		return false
	}
	same := func(a, b kind) bool { return a.priority == b.priority && slices.Equal(a.needs, b.needs) }
	levels := [...]uint8{1, 1, 40, 60}
	for range n {
		for range drawsForKind {
			k := kind{priority: r.IntN(priorities)}
			for want := min(1+r.IntN(3), len(skills)); len(k.needs) < want; {
				k.add(need{skills.draw(r), levels[r.IntN(len(levels))]})
			}
			if served(k) && !slices.ContainsFunc(w.kinds, func(x kind) bool { return same(k, x) }) {
				w.kinds = append(w.kinds, k)
				break
			}
		}
	}
}

// add adds a need in its place, unless its skill is asked for already.
func (k *kind) add(n need) {
	at, found := slices.BinarySearchFunc(k.needs, n, func(a, b need) int { return a.skill - b.skill })
	if !found {
		k.needs = slices.Insert(k.needs, at, n)
	}
}

func distinctWorld(r *rand.Rand, cfg Config) *world {
	w := &world{agents: make([]int, cfg.Agents), profiles: make([]profile, cfg.Agents)}
	for i := range w.agents {
		w.agents[i] = i
		w.profiles[i] = make(profile, cfg.Skills)
		for _, skill := range r.Perm(cfg.Skills)[:min(distinctSkills, cfg.Skills)] {
			w.profiles[i][skill] = level(r)
		}
	}
	w.kinds = make([]kind, cfg.Waiting+distinctArrivals)
	for i := range w.kinds {
		w.kinds[i].priority = r.IntN(priorities)
		for len(w.kinds[i].needs) < min(distinctNeeds, cfg.Skills) {
			w.kinds[i].add(need{r.IntN(cfg.Skills), level(r)})
		}
	}
	for i := range w.kinds {
		if i < cfg.Waiting {
			w.backlog = append(w.backlog, i)
		} else {
			w.arrivals = append(w.arrivals, i)
		}
	}
	return w
}

// level draws a level: 1 to 100.
func level(r *rand.Rand) uint8 { return uint8(1 + r.IntN(100)) } //nolint:gosec // in range

// zipf holds the distribution function of ranks whose weight is 1/rank^s.
type zipf []float64

func newZipf(n int, s float64) zipf {
	z, sum := make(zipf, n), 0.0
	for i := range z {
		sum += math.Pow(float64(i+1), -s)
		z[i] = sum
	}
	for i := range z {
		z[i] /= sum
	}
	return z
}

func (z zipf) draw(r *rand.Rand) int {
	return min(sort.SearchFloat64s(z, r.Float64()), len(z)-1)
}

func drawInts(r *rand.Rand, n int, z zipf) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = z.draw(r)
	}
	return list
}
