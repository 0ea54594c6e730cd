package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"filo/contact"
	"filo/journey"
)

// Bounds of the neighbourhood that is read around one person: people so many
// steps of evidence away, and no more than so many identities.
const (
	nearby        = 2 // for a dossier: a third step is hardly ever worth .60
	linkReach     = 3 // for linking, where people at the rim stay as they are
	dossierLeaves = 64
	linkLeaves    = 200
	edgesPerLeaf  = 200 // the newest; who is tied to more is a switchboard
)

// neighbourhood is a person with those whom evidence ties to it.
type neighbourhood struct {
	leaves []journey.Leaf
	edges  []journey.Edge
	depth  map[contact.CustomerID]int // of each leaf: steps of evidence from the start
	seen   map[journey.Edge]bool      // edges, named by ends and source
}

const leafColumns = `c.id, c.root, c.type, c.value, c.name, c.rank, c.lang, c.agent, c.since, c.events, c.channels, c.texted, c.called, c.tied`

func scanLeaf(r interface{ Scan(dest ...any) error }) (l journey.Leaf, tied bool, err error) {
	var since int64
	var channels string
	err = r.Scan(&l.ID, &l.Root, &l.Identity.Type, &l.Identity.Value, &l.Profile.Name, &l.Profile.Rank, &l.Profile.Lang,
		&l.Profile.Agent, &since, &l.Events, &channels, &l.Texted, &l.Called, &tied)
	l.Since = micro(since)
	for _, c := range strings.Split(channels, ",") {
		if c != "" {
			l.Channels = append(l.Channels, contact.Channel(c))
		}
	}
	return l, tied, err
}

func micro(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// around reads the neighbourhood of a root, breadth first.
func around(ctx context.Context, s *session, root contact.CustomerID, reach, most int) (*neighbourhood, error) {
	n := &neighbourhood{depth: make(map[contact.CustomerID]int), seen: make(map[journey.Edge]bool)}
	next := []contact.CustomerID{root}
	for d := 0; d <= reach && len(next) > 0; d++ {
		var ends []contact.CustomerID
		for _, r := range next {
			more, err := n.person(ctx, s, r, d)
			if err != nil {
				return nil, err
			}
			ends = append(ends, more...)
		}
		if d == reach {
			break
		}
		var err error
		if next, err = n.strangers(ctx, s, ends, most); err != nil {
			return nil, err
		}
	}
	n.edges = slices.DeleteFunc(n.edges, func(e journey.Edge) bool {
		_, a := n.depth[e.A]
		_, b := n.depth[e.B]
		return !a || !b
	})
	return n, nil
}

// strangers returns the people of leaves that were not yet read.
func (n *neighbourhood) strangers(ctx context.Context, s *session, leaves []contact.CustomerID, most int) (roots []contact.CustomerID, err error) {
	for _, leaf := range leaves {
		if _, known := n.depth[leaf]; known || len(n.leaves)+len(roots) >= most {
			continue
		}
		r, err := rootOf(ctx, s, leaf)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(roots, r) {
			roots = append(roots, r)
		}
	}
	return roots, nil
}

// person adds all leaves of a root with their evidence and returns the leaves
// that the evidence touches.
func (n *neighbourhood) person(ctx context.Context, s *session, root contact.CustomerID, depth int) (ends []contact.CustomerID, err error) {
	var tied []contact.CustomerID
	err = s.each(ctx, `SELECT `+leafColumns+` FROM customers c WHERE c.root = ? ORDER BY c.id`, []any{root}, func(r *sql.Rows) error {
		l, t, err := scanLeaf(r)
		if err != nil {
			return err
		}
		if _, known := n.depth[l.ID]; known {
			return nil
		}
		n.depth[l.ID] = depth
		n.leaves = append(n.leaves, l)
		if t {
			tied = append(tied, l.ID)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read identities: %w", err)
	}
	for _, leaf := range tied {
		if ends, err = n.edgesOf(ctx, s, leaf, ends); err != nil {
			return nil, err
		}
	}
	return ends, nil
}

func (n *neighbourhood) edgesOf(ctx context.Context, s *session, leaf contact.CustomerID, ends []contact.CustomerID) ([]contact.CustomerID, error) {
	const q = `SELECT a, b, source, confidence, at FROM evidence WHERE a = ?1 AND revoked_at = 0
		UNION ALL SELECT a, b, source, confidence, at FROM evidence WHERE b = ?1 AND revoked_at = 0
		ORDER BY at DESC LIMIT ?2`
	err := s.each(ctx, q, []any{leaf, edgesPerLeaf}, func(r *sql.Rows) error {
		var e journey.Edge
		var at int64
		if err := r.Scan(&e.A, &e.B, &e.Source, &e.Confidence, &at); err != nil {
			return err
		}
		e.At = micro(at)
		key := journey.Edge{A: e.A, B: e.B, Source: e.Source}
		if n.seen[key] {
			return nil
		}
		n.seen[key] = true
		n.edges = append(n.edges, e)
		ends = append(ends, e.A, e.B)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read evidence: %w", err)
	}
	return ends, nil
}

// rootOf returns the person of a leaf: ErrUnknown when there is none.
func rootOf(ctx context.Context, s *session, leaf contact.CustomerID) (root contact.CustomerID, err error) {
	ok, err := s.one(ctx, `SELECT root FROM customers WHERE id = ?`, []any{leaf}, []any{&root})
	if err != nil {
		return "", fmt.Errorf("find customer: %w", err)
	}
	if !ok {
		return "", fmt.Errorf("customer: %w", journey.ErrUnknown)
	}
	return root, nil
}

func leafOf(ctx context.Context, s *session, id journey.Identity) (leaf contact.CustomerID, ok bool, err error) {
	ok, err = s.one(ctx, `SELECT customer_id FROM identities WHERE type = ? AND value = ?`, []any{id.Type, id.Value}, []any{&leaf})
	if err != nil {
		return "", false, fmt.Errorf("find identity: %w", err)
	}
	return leaf, ok, nil
}

// makeLeaf adds an identity that nobody knew, as a person of its own.
func makeLeaf(ctx context.Context, s *session, id journey.Identity, at time.Time) (contact.CustomerID, error) {
	leaf := contact.CustomerID(contact.NewToken("u_", at))
	_, err := s.exec(ctx, `INSERT INTO customers (id, root, type, value) VALUES (?1, ?1, ?2, ?3)`, leaf, id.Type, id.Value)
	if err == nil && id.Value != "" {
		_, err = s.exec(ctx, `INSERT INTO identities (type, value, customer_id) VALUES (?, ?, ?)`, id.Type, id.Value, leaf)
	}
	if err != nil {
		return "", fmt.Errorf("add identity: %w", err)
	}
	return leaf, nil
}

func findOrMake(ctx context.Context, s *session, id journey.Identity, at time.Time) (contact.CustomerID, error) {
	leaf, ok, err := leafOf(ctx, s, id)
	if err != nil || ok {
		return leaf, err
	}
	return makeLeaf(ctx, s, id, at)
}

// tie stores one edge. The newest statement of a source counts; a late one
// never replaces a newer one.
func tie(ctx context.Context, s *session, a, b contact.CustomerID, ev journey.Evidence) (changed bool, err error) {
	if a > b {
		a, b = b, a
	}
	res, err := s.exec(ctx, `INSERT INTO evidence (a, b, source, confidence, at) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET confidence = excluded.confidence, at = excluded.at, revoked_at = 0
		WHERE excluded.at > at AND excluded.at > revoked_at`, a, b, ev.Source, ev.Confidence, micros(ev.At))
	if err != nil {
		return false, fmt.Errorf("add evidence: %w", err)
	}
	n, err := res.RowsAffected()
	if err != nil || n == 0 {
		return false, err
	}
	if _, err = s.exec(ctx, `UPDATE customers SET tied = 1 WHERE id IN (?, ?) AND tied = 0`, a, b); err != nil {
		return false, fmt.Errorf("add evidence: %w", err)
	}
	if ev.Source == journey.FromAgent {
		_, err = s.exec(ctx, `DELETE FROM separations WHERE a = ? AND b = ?`, a, b)
	}
	return true, err
}

// relink computes the people around a leaf anew. People at the edge of the
// neighbourhood stay as they are, as not all of their evidence was read,
// unless one of their own moved.
func relink(ctx context.Context, s *session, leaf contact.CustomerID) error {
	root, err := rootOf(ctx, s, leaf)
	if err != nil {
		return err
	}
	n, err := around(ctx, s, root, linkReach, linkLeaves)
	if err != nil {
		return err
	}
	apart, err := n.apart(ctx, s)
	if err != nil {
		return err
	}
	roots := journey.People(n.leaves, n.edges, apart)
	moved := make(map[contact.CustomerID]bool) // old roots with a leaf that changes
	inner := make(map[contact.CustomerID]bool) // new roots with a leaf that was read with all its evidence
	for _, l := range n.leaves {
		inner[roots[l.ID]] = inner[roots[l.ID]] || n.depth[l.ID] < linkReach
	}
	for _, l := range n.leaves {
		moved[l.Root] = moved[l.Root] || inner[roots[l.ID]] && roots[l.ID] != l.Root
	}
	for _, l := range n.leaves {
		if !moved[l.Root] || roots[l.ID] == l.Root {
			continue
		}
		if _, err := s.exec(ctx, `UPDATE customers SET root = ? WHERE id = ?`, roots[l.ID], l.ID); err != nil {
			return fmt.Errorf("link people: %w", err)
		}
	}
	return nil
}

func (n *neighbourhood) apart(ctx context.Context, s *session) (list []journey.Pair, err error) {
	for _, l := range n.leaves {
		err = s.each(ctx, `SELECT a, b FROM separations WHERE a = ?`, []any{l.ID}, func(r *sql.Rows) error {
			var p journey.Pair
			defer func() { list = append(list, p) }()
			return r.Scan(&p.A, &p.B)
		})
		if err != nil {
			return nil, fmt.Errorf("read separations: %w", err)
		}
	}
	return list, nil
}

// touchedBy returns everybody whose dossier a change at the leaf concerns.
func touchedBy(ctx context.Context, s *session, leaf contact.CustomerID) (journey.Touched, error) {
	var root contact.CustomerID
	var tied bool
	ok, err := s.one(ctx, `SELECT root, tied FROM customers WHERE id = ?`, []any{leaf}, []any{&root, &tied})
	if err != nil || !ok {
		return journey.Touched{}, fmt.Errorf("find customer: %w", cmpErr(err, journey.ErrUnknown))
	}
	if !tied && root == leaf {
		return journey.Touched{Roots: []contact.CustomerID{leaf}, Leaves: []contact.CustomerID{leaf}}, nil
	}
	n, err := around(ctx, s, root, nearby, dossierLeaves)
	if err != nil {
		return journey.Touched{}, err
	}
	return n.touched(), nil
}

func cmpErr(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}

func (n *neighbourhood) touched() (t journey.Touched) {
	for _, l := range n.leaves {
		t.Leaves = append(t.Leaves, l.ID)
		if !slices.Contains(t.Roots, l.Root) {
			t.Roots = append(t.Roots, l.Root)
		}
	}
	return t
}

// Relate implements journey.Threads.
func (s *Store) Relate(ctx context.Context, ev journey.Evidence, revoke bool) (out journey.Touched, err error) {
	err = s.writing(ctx, func(ctx context.Context, w *session) error {
		a, err := findOrMake(ctx, w, ev.A, ev.At)
		if err != nil {
			return err
		}
		b, err := findOrMake(ctx, w, ev.B, ev.At)
		if err != nil {
			return err
		}
		before, err := touchedBy(ctx, w, a)
		if err != nil {
			return err
		}
		if revoke {
			err = untie(ctx, w, a, b, ev)
		} else {
			_, err = tie(ctx, w, a, b, ev)
		}
		if err != nil {
			return err
		}
		if out, err = relinkAll(ctx, w, a, b, before); err != nil {
			return err
		}
		_, err = outbox(ctx, w, "")
		return err
	})
	return out, err
}

// relinkAll computes the people round both ends of an edge anew, and those
// who belonged together before.
func relinkAll(ctx context.Context, w *session, a, b contact.CustomerID, before journey.Touched) (journey.Touched, error) {
	for _, leaf := range append([]contact.CustomerID{a, b}, before.Roots...) {
		if err := relink(ctx, w, leaf); err != nil {
			return journey.Touched{}, err
		}
	}
	var after journey.Touched
	for _, leaf := range []contact.CustomerID{a, b} {
		t, err := touchedBy(ctx, w, leaf)
		if err != nil {
			return journey.Touched{}, err
		}
		after = union(after, t)
	}
	return journey.Touched{Roots: after.Roots, Leaves: union(before, after).Leaves}, nil
}

func union(a, b journey.Touched) journey.Touched {
	merge := func(x, y []contact.CustomerID) []contact.CustomerID {
		all := slices.Concat(x, y)
		slices.Sort(all)
		return slices.Compact(all)
	}
	return journey.Touched{Roots: merge(a.Roots, b.Roots), Leaves: merge(a.Leaves, b.Leaves)}
}

// untie revokes an edge and sets the two apart.
func untie(ctx context.Context, s *session, a, b contact.CustomerID, ev journey.Evidence) error {
	if a > b {
		a, b = b, a
	}
	_, err := s.exec(ctx, `UPDATE evidence SET revoked_at = ? WHERE a = ? AND b = ? AND source = ?`, micros(ev.At), a, b, ev.Source)
	if err == nil {
		_, err = s.exec(ctx, `INSERT OR IGNORE INTO separations (a, b) VALUES (?, ?)`, a, b)
	}
	if err != nil {
		return fmt.Errorf("revoke evidence: %w", err)
	}
	return nil
}
