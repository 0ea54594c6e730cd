package journey

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"filo/contact"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func TestWorth(t *testing.T) {
	for _, c := range []struct {
		source string
		stated float64
		age    time.Duration
		want   float64
	}{
		{FromCallToken, 0, 0, .99},
		{FromPageCode, 0, 15 * time.Minute, .97},
		{FromPageCode, 0, 16 * time.Minute, 0},
		{FromCallback, 0, 0, .95},
		{FromLease, 0, 0, .90},
		{ByANIVerified, 0, 365 * 24 * time.Hour, .90},
		{ByANISMS, 0, 0, .90},
		{FromFormPhone, 0, 30 * time.Minute, .85},
		{FromFormPhone, 0, 31 * time.Minute, .50},
		{FromSignedLink, 0, 24 * time.Hour, .80},
		{FromSignature, 0, 0, .40},
		{FromUnsigned, 0, 0, .30},
		{FromFormPhone, .99, 0, .85}, // the scale bounds what is stated
		{FromFormPhone, .20, 0, .20},
		{"other", .70, 0, .70},
		{"other", 7, 0, .99},
		{"other", 0, 0, 0},
	} {
		t.Run(fmt.Sprint(c.source, c.stated, c.age), func(t *testing.T) {
			require.InDelta(t, c.want, worth(c.source, c.stated, noon.Add(-c.age), noon), 1e-9)
		})
	}
}

// graph makes edges from "a-b:source" words.
func graph(edges ...Edge) ([]Leaf, []Edge) {
	var leaves []Leaf
	seen := map[contact.CustomerID]bool{}
	for _, e := range edges {
		for _, id := range []contact.CustomerID{e.A, e.B} {
			if !seen[id] {
				seen[id] = true
				leaves = append(leaves, Leaf{ID: id, Root: id, Identity: Identity{Anonymous, string(id)}})
			}
		}
	}
	return leaves, edges
}

func edge(a, b contact.CustomerID, source string) Edge {
	return Edge{A: a, B: b, Source: source, At: noon}
}

func TestCombination(t *testing.T) {
	own := func(id contact.CustomerID) contact.CustomerID { return id }
	for _, c := range []struct {
		name  string
		edges []Edge
		want  float64
	}{
		{"one edge", []Edge{edge("a", "z", FromSignedLink)}, .80},
		{"along a path confidences multiply", []Edge{edge("a", "b", FromSignedLink), edge("b", "z", FromFormPhone)}, .80 * .85},
		{"independent paths combine", []Edge{edge("a", "z", FromSignedLink), edge("a", "b", FromFormPhone), edge("b", "z", FromSignature)}, 1 - .20*(1-.85*.40)},
		{"two sources combine", []Edge{edge("a", "z", FromSignedLink), edge("a", "z", FromFormPhone)}, 1 - .20*.15},
		{"the same source counts once", []Edge{edge("a", "z", FromFormPhone), edge("a", "z", FromFormPhone)}, .85},
		{"a shared step is not independent", []Edge{edge("a", "b", FromSignature), edge("b", "z", FromIdentify), edge("b", "c", FromIdentify), edge("c", "z", FromIdentify)}, .40 * .90},
		{"no path", []Edge{edge("a", "b", FromIdentify), edge("y", "z", FromIdentify)}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, edges := graph(c.edges...)
			net := newNetwork(edges, own, Edge.whenMade)
			require.InDelta(t, c.want, net.confidence("a", "z"), 1e-9)
			require.InDelta(t, c.want, net.confidence("z", "a"), 1e-9, "both ways")
		})
	}
}

func TestPeople(t *testing.T) {
	user := func(ids ...contact.CustomerID) func([]Leaf) {
		return func(ls []Leaf) {
			for i := range ls {
				for _, id := range ids {
					if ls[i].ID == id {
						ls[i].Identity.Type = UserID
					}
				}
			}
		}
	}
	for _, c := range []struct {
		name  string
		edges []Edge
		apart []Pair
		with  func([]Leaf)
		want  map[contact.CustomerID]contact.CustomerID
	}{
		{"links at .90", []Edge{edge("a", "b", FromIdentify)}, nil, nil, map[contact.CustomerID]contact.CustomerID{"a": "a", "b": "a"}},
		{"only suggests below", []Edge{edge("a", "b", FromFormPhone)}, nil, nil, map[contact.CustomerID]contact.CustomerID{"a": "a", "b": "b"}},
		{"link and form together", []Edge{edge("a", "b", FromFormPhone), edge("a", "b", FromSignedLink)}, nil, nil, map[contact.CustomerID]contact.CustomerID{"a": "a", "b": "a"}},
		{"to a person from two sides", []Edge{edge("a", "b", FromIdentify), edge("a", "c", FromSignedLink), edge("b", "c", FromFormPhone)}, nil, nil, map[contact.CustomerID]contact.CustomerID{"a": "a", "b": "a", "c": "a"}},
		{"set apart", []Edge{edge("a", "b", FromIdentify)}, []Pair{{"a", "b"}}, nil, map[contact.CustomerID]contact.CustomerID{"a": "a", "b": "b"}},
		{"two user ids never", []Edge{edge("a", "b", FromAgent)}, nil, user("a", "b"), map[contact.CustomerID]contact.CustomerID{"a": "a", "b": "b"}},
		{"nor by a third", []Edge{edge("a", "b", FromIdentify), edge("b", "c", FromIdentify)}, nil, user("a", "c"), map[contact.CustomerID]contact.CustomerID{"a": "a", "b": "a", "c": "c"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			leaves, edges := graph(c.edges...)
			if c.with != nil {
				c.with(leaves)
			}
			require.Equal(t, c.want, People(leaves, edges, c.apart))
		})
	}
}

func TestPeopleKeepTheLimits(t *testing.T) {
	for typ, limit := range map[IdentityType]int{Phone: maxPhones, Mail: maxMails, Anonymous: maxAnonymous} {
		t.Run(string(typ), func(t *testing.T) {
			leaves := []Leaf{{ID: "u", Identity: Identity{UserID, "1"}}}
			var edges []Edge
			for i := range limit + 3 {
				id := contact.CustomerID(fmt.Sprintf("v%03d", i))
				leaves = append(leaves, Leaf{ID: id, Identity: Identity{typ, string(id)}})
				edges = append(edges, edge("u", id, FromIdentify))
			}
			n := 0
			for _, root := range People(leaves, edges, nil) {
				if root == "u" {
					n++
				}
			}
			require.Equal(t, limit+1, n)
		})
	}
}

// TestPeopleDependOnTheSet checks that neither the order of leaves nor that
// of edges decides anything, and that taking edges away undoes them.
func TestPeopleDependOnTheSet(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		ids := []contact.CustomerID{"a", "b", "c", "d", "e", "f"}
		sources := []string{FromIdentify, FromFormPhone, FromSignedLink, FromSignature, FromUnsigned}
		var leaves []Leaf
		for _, id := range ids {
			typ := rapid.SampledFrom([]IdentityType{Phone, Mail, Anonymous, UserID}).Draw(rt, "type")
			leaves = append(leaves, Leaf{ID: id, Identity: Identity{typ, string(id)}})
		}
		var edges []Edge
		for range rapid.IntRange(0, 12).Draw(rt, "edges") {
			p := ordered(rapid.SampledFrom(ids).Draw(rt, "a"), rapid.SampledFrom(ids).Draw(rt, "b"))
			edges = append(edges, edge(p.A, p.B, rapid.SampledFrom(sources).Draw(rt, "source")))
		}
		want := People(leaves, edges, nil)
		require.Equal(rt, want, People(rapid.Permutation(leaves).Draw(rt, "leaves"), rapid.Permutation(edges).Draw(rt, "order"), nil))
		for id, root := range want {
			require.LessOrEqual(rt, root, id, "the oldest is the root")
			require.Equal(rt, root, want[root])
		}
	})
}
