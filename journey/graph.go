package journey

import (
	"cmp"
	"slices"

	"filo/contact"
)

// Limits of one person. What goes beyond them is a switchboard, a shared
// machine or an attack, and is not linked.
const (
	maxPhones    = 5
	maxMails     = 5
	maxAnonymous = 100
)

// Pair names two leaves that somebody said are not one person.
type Pair struct{ A, B contact.CustomerID }

// People computes people from evidence: it returns the root of each leaf. Two
// people become one when the evidence between them, along independent paths,
// reaches .90, unless that breaks the limits, joins two user ids or joins a
// pair that was set apart. The result depends only on the set of leaves and
// edges, not on their order. The root of a person is its oldest leaf.
func People(leaves []Leaf, edges []Edge, apart []Pair) map[contact.CustomerID]contact.CustomerID {
	g := newLinker(leaves, edges, apart)
	for g.joinBest() {
	}
	roots := make(map[contact.CustomerID]contact.CustomerID, len(leaves))
	for _, l := range leaves {
		roots[l.ID] = g.root(l.ID)
	}
	return roots
}

// linker is a union-find over leaves with the census of each person.
type linker struct {
	parent map[contact.CustomerID]contact.CustomerID
	count  map[contact.CustomerID]map[IdentityType]int
	edges  []Edge
	apart  []Pair
}

func newLinker(leaves []Leaf, edges []Edge, apart []Pair) *linker {
	g := &linker{
		parent: make(map[contact.CustomerID]contact.CustomerID, len(leaves)),
		count:  make(map[contact.CustomerID]map[IdentityType]int, len(leaves)),
		apart:  apart,
	}
	for _, l := range leaves {
		g.parent[l.ID] = l.ID
		g.count[l.ID] = map[IdentityType]int{l.Identity.Type: 1}
	}
	for _, e := range edges {
		if g.parent[e.A] != "" && g.parent[e.B] != "" && e.A != e.B {
			g.edges = append(g.edges, e)
		}
	}
	return g
}

func (g *linker) root(id contact.CustomerID) contact.CustomerID {
	for g.parent[id] != id {
		id = g.parent[id]
	}
	return id
}

// joinBest joins the two people with the best evidence and reports whether
// there were any.
func (g *linker) joinBest() bool {
	net := newNetwork(g.edges, g.root, Edge.whenMade)
	type candidate struct {
		pair Pair
		c    float64
	}
	var found []candidate
	for _, p := range net.pairs() {
		if !atLeast(min(net.bound(p.A), net.bound(p.B)), linkAt) {
			continue // all paths together pass through these bonds
		}
		if c := net.confidence(p.A, p.B); atLeast(c, linkAt) && g.allowed(p) {
			found = append(found, candidate{p, c})
		}
	}
	if len(found) == 0 {
		return false
	}
	best := slices.MinFunc(found, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(b.c, a.c), cmp.Compare(a.pair.A, b.pair.A), cmp.Compare(a.pair.B, b.pair.B))
	})
	g.parent[best.pair.B] = best.pair.A // A is the older one
	for t, n := range g.count[best.pair.B] {
		g.count[best.pair.A][t] += n
	}
	return true
}

func (g *linker) allowed(p Pair) bool {
	for t, limit := range map[IdentityType]int{Phone: maxPhones, Mail: maxMails, Anonymous: maxAnonymous, UserID: 1} {
		if n := g.count[p.B][t]; n > 0 && g.count[p.A][t]+n > limit {
			return false
		}
	}
	for _, no := range g.apart {
		if ordered(g.root(no.A), g.root(no.B)) == p {
			return false
		}
	}
	return true
}

func ordered(a, b contact.CustomerID) Pair {
	if a > b {
		a, b = b, a
	}
	return Pair{a, b}
}

// bond is the evidence of one source between two people: repeated claims of
// one source count as one, the best.
type bond struct {
	to     contact.CustomerID
	source string
	c      float64
	used   *bool // shared by both directions while paths are counted
}

// network is the graph of people, joined by bonds.
type network map[contact.CustomerID][]bond

func newNetwork(edges []Edge, root func(contact.CustomerID) contact.CustomerID, value func(Edge) float64) network {
	type key struct {
		Pair
		source string
	}
	best := make(map[key]float64)
	for _, e := range edges {
		a, b := root(e.A), root(e.B)
		if a == b {
			continue
		}
		k := key{ordered(a, b), e.Source}
		best[k] = max(best[k], value(e))
	}
	keys := make([]key, 0, len(best))
	for k := range best {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(x, y key) int {
		return cmp.Or(cmp.Compare(x.A, y.A), cmp.Compare(x.B, y.B), cmp.Compare(x.source, y.source))
	})
	n := make(network, len(keys))
	for _, k := range keys {
		used := new(bool)
		n[k.A] = append(n[k.A], bond{to: k.B, source: k.source, c: best[k], used: used})
		n[k.B] = append(n[k.B], bond{to: k.A, source: k.source, c: best[k], used: used})
	}
	return n
}

func (n network) pairs() []Pair {
	var ps []Pair
	for a, bonds := range n {
		for _, b := range bonds {
			if a < b.to {
				ps = append(ps, Pair{a, b.to})
			}
		}
	}
	slices.SortFunc(ps, func(x, y Pair) int { return cmp.Or(cmp.Compare(x.A, y.A), cmp.Compare(x.B, y.B)) })
	return slices.Compact(ps)
}

// bound is what evidence could at most say of a person, from whichever side:
// a number that many visitors typed once each is linked to none of them, and
// finding that out must be cheap.
func (n network) bound(id contact.CustomerID) float64 {
	rest := 1.0
	for _, b := range n[id] {
		rest *= 1 - b.c
	}
	return 1 - rest
}

// confidence combines the independent paths between two people: the best
// path, then the best without its bonds, and so on. Along a path confidences
// multiply.
func (n network) confidence(from, to contact.CustomerID) float64 {
	defer n.reset()
	rest := 1.0
	for {
		path, c := n.best(from, to)
		if c < .05 {
			return 1 - rest
		}
		rest *= 1 - c
		for _, b := range path {
			*b.used = true
		}
	}
}

func (n network) reset() {
	for _, bonds := range n {
		for _, b := range bonds {
			*b.used = false
		}
	}
}

// best is Dijkstra's algorithm with products instead of sums.
func (n network) best(from, to contact.CustomerID) ([]bond, float64) {
	value := map[contact.CustomerID]float64{from: 1}
	path := map[contact.CustomerID][]bond{}
	done := map[contact.CustomerID]bool{}
	for {
		at, c := nextBest(value, done)
		if c == 0 || at == to {
			return path[at], c
		}
		done[at] = true
		for _, b := range n[at] {
			if v := c * b.c; !*b.used && !done[b.to] && v > value[b.to] {
				value[b.to] = v
				path[b.to] = append(slices.Clone(path[at]), b)
			}
		}
	}
}

// nextBest returns the best node that is not done; ties go to the older one.
func nextBest(value map[contact.CustomerID]float64, done map[contact.CustomerID]bool) (id contact.CustomerID, c float64) {
	for k, v := range value {
		if !done[k] && (v > c || v == c && k < id) {
			id, c = k, v
		}
	}
	return id, c
}
