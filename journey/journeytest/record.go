package journeytest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"filo/contact"
	"filo/journey"
)

// at0 is when the suites' events begin.
var at0 = time.Date(2026, 11, 1, 8, 0, 0, 0, time.UTC)

// RecordSuite is the contract of a Record. open returns an empty one, which
// the suite does not close.
func RecordSuite(t *testing.T, open func(t *testing.T) journey.Record) {
	t.Run("model", func(t *testing.T) {
		rec, n := open(t), 0
		rapid.Check(t, func(rt *rapid.T) {
			n++
			m := &recordModel{ctx: t.Context(), rec: rec, space: fmt.Sprint(n, "-"), leafOf: map[journey.Identity]contact.CustomerID{}}
			rt.Repeat(map[string]func(*rapid.T){
				"append": m.append, "duplicate": m.duplicate, "relate": m.relate, "revoke": m.revoke,
				"": func(rt *rapid.T) { // reading everything after each step would take most of the time
					if m.n%8 == 0 {
						m.check(rt)
					}
				},
			})
			m.check(rt)
		})
	})
	t.Run("messages are answered in any order", func(t *testing.T) { answers(t, open(t)) })
	t.Run("contents", func(t *testing.T) { contents(t, open(t)) })
	t.Run("open contacts", func(t *testing.T) { openContacts(t, open(t)) })
	t.Run("ledger", func(t *testing.T) { ledger(t, open(t)) })
}

// recordModel is a Record as plain slices.
type recordModel struct {
	ctx    context.Context //nolint:containedctx // of the test
	rec    journey.Record
	space  string // sets the runs apart, which share one Record
	events []journey.Event
	leafOf map[journey.Identity]contact.CustomerID
	edges  []journey.Edge
	apart  []journey.Pair
	n      int
}

var people = []journey.Identity{
	{Type: journey.Phone, Value: "+393471234419"},
	{Type: journey.Mail, Value: "giulia@example.it"},
	{Type: journey.Anonymous, Value: "cookie"},
	{Type: journey.UserID, Value: "1001"},
}

var sources = []string{
	journey.FromIdentify, journey.FromFormPhone, journey.FromSignedLink, journey.FromSignature, journey.FromUnsigned, journey.FromAgent,
}

func (m *recordModel) identity(rt *rapid.T, label string) journey.Identity {
	return m.own(rapid.SampledFrom(people).Draw(rt, label))
}

func (m *recordModel) own(id journey.Identity) journey.Identity {
	id.Value += m.space
	return id
}

func (m *recordModel) evidence(rt *rapid.T) (journey.Evidence, bool) {
	a, b := m.identity(rt, "a"), m.identity(rt, "b")
	m.n++
	ev := journey.Evidence{A: a, B: b, Source: rapid.SampledFrom(sources).Draw(rt, "source"), At: at0.Add(time.Duration(m.n) * time.Second)}
	return ev, a != b
}

func (m *recordModel) append(rt *rapid.T) {
	m.n++
	e := journey.Event{
		Source: "test", SourceID: m.space + fmt.Sprint(m.n), Kind: journey.KindPage, Channel: contact.Web, Dir: contact.Indirect,
		OccurredAt: at0.Add(time.Duration(rapid.IntRange(0, 50).Draw(rt, "minute")) * time.Minute),
		Identities: []journey.Identity{m.identity(rt, "who")}, Attrs: map[string]string{"path": "/" + fmt.Sprint(m.n)},
	}
	e.ID, e.ReceivedAt = contact.NewToken("e_", e.OccurredAt), at0.Add(time.Duration(m.n)*time.Second)
	if ev, ok := m.evidence(rt); ok && rapid.Bool().Draw(rt, "tied") {
		e.Evidence = []journey.Evidence{ev}
	}
	out, err := m.rec.Append(m.ctx, e, journey.Profile{})
	require.NoError(rt, err)
	require.Equal(rt, e.ID, out.Receipt.ID)
	require.False(rt, out.Receipt.Duplicate)
	m.learn(rt, e.Identities[0])
	for _, ev := range e.Evidence {
		m.tie(rt, ev)
	}
	require.Contains(rt, out.Touched.Leaves, m.leafOf[e.Identities[0]])
	require.Contains(rt, out.Touched.Roots, out.Receipt.Customer)
	e.Customer = m.leafOf[e.Identities[0]]
	m.events = append(m.events, e)
}

func (m *recordModel) duplicate(rt *rapid.T) {
	if len(m.events) == 0 {
		rt.Skip("nothing to repeat")
	}
	e := rapid.SampledFrom(m.events).Draw(rt, "event")
	first := e.ID
	e.ID, e.Customer = contact.NewToken("e_", at0), ""
	out, err := m.rec.Append(m.ctx, e, journey.Profile{})
	require.NoError(rt, err)
	require.True(rt, out.Receipt.Duplicate)
	require.Equal(rt, first, out.Receipt.ID)
}

func (m *recordModel) relate(rt *rapid.T) {
	ev, ok := m.evidence(rt)
	if !ok {
		rt.Skip("one identity")
	}
	_, err := m.rec.Relate(m.ctx, ev, false)
	require.NoError(rt, err)
	m.tie(rt, ev)
}

func (m *recordModel) revoke(rt *rapid.T) {
	ev, ok := m.evidence(rt)
	if !ok {
		rt.Skip("one identity")
	}
	_, err := m.rec.Relate(m.ctx, ev, true)
	require.NoError(rt, err)
	p := m.pair(rt, ev)
	m.edges = slices.DeleteFunc(m.edges, func(e journey.Edge) bool { return e.A == p.A && e.B == p.B && e.Source == ev.Source })
	m.apart = append(m.apart, p)
}

func (m *recordModel) tie(rt *rapid.T, ev journey.Evidence) {
	p := m.pair(rt, ev)
	m.edges = slices.DeleteFunc(m.edges, func(e journey.Edge) bool { return e.A == p.A && e.B == p.B && e.Source == ev.Source })
	m.edges = append(m.edges, journey.Edge{A: p.A, B: p.B, Source: ev.Source, At: ev.At})
	if ev.Source == journey.FromAgent {
		m.apart = slices.DeleteFunc(m.apart, func(x journey.Pair) bool { return x == p })
	}
}

func (m *recordModel) pair(rt *rapid.T, ev journey.Evidence) journey.Pair {
	a, b := m.learn(rt, ev.A), m.learn(rt, ev.B)
	return journey.Pair{A: min(a, b), B: max(a, b)}
}

// learn asks the Record once how it calls an identity: ids are its own.
func (m *recordModel) learn(rt *rapid.T, id journey.Identity) contact.CustomerID {
	if leaf := m.leafOf[id]; leaf != "" {
		return leaf
	}
	d, err := m.rec.Dossier(m.ctx, journey.Key{Identity: id})
	require.NoError(rt, err)
	for _, l := range d.Leaves {
		if l.Identity == id {
			m.leafOf[id] = l.ID
		}
	}
	require.NotEmpty(rt, m.leafOf[id])
	return m.leafOf[id]
}

func (m *recordModel) check(rt *rapid.T) {
	var leaves []journey.Leaf
	for id, leaf := range m.leafOf {
		leaves = append(leaves, journey.Leaf{ID: leaf, Identity: id})
	}
	roots := journey.People(leaves, m.edges, m.apart)
	for id, leaf := range m.leafOf {
		d, err := m.rec.Dossier(m.ctx, journey.Key{Identity: id})
		require.NoError(rt, err)
		require.Equal(rt, roots[leaf], d.Customer, "person of %v", id)
		byID, err := m.rec.Dossier(m.ctx, journey.Key{Customer: leaf})
		require.NoError(rt, err)
		require.Equal(rt, d.Customer, byID.Customer)
		var own []contact.CustomerID
		for _, l := range d.Leaves {
			if l.Root == d.Customer {
				own = append(own, l.ID)
			}
		}
		m.checkPages(rt, own)
	}
	for _, id := range people {
		id = m.own(id)
		if _, known := m.leafOf[id]; !known {
			_, err := m.rec.Dossier(m.ctx, journey.Key{Identity: id})
			require.ErrorIs(rt, err, journey.ErrUnknown)
		}
	}
}

// checkPages reads a thread three events at a time.
func (m *recordModel) checkPages(rt *rapid.T, leaves []contact.CustomerID) {
	var want []journey.Event
	for _, e := range m.events {
		if slices.Contains(leaves, e.Customer) {
			want = append(want, e)
		}
	}
	slices.SortFunc(want, func(a, b journey.Event) int {
		return cmp.Or(b.OccurredAt.Compare(a.OccurredAt), cmp.Compare(b.ID, a.ID))
	})
	before := ""
	for {
		page, earlier, err := m.rec.Events(m.ctx, leaves, before, 3)
		require.NoError(rt, err)
		require.Equal(rt, len(want), len(page)+earlier)
		if len(page) == 0 {
			return
		}
		for i, e := range page {
			require.Equal(rt, want[i].ID, e.ID)
			require.Equal(rt, want[i].Attrs, e.Attrs)
			require.True(rt, want[i].OccurredAt.Equal(e.OccurredAt))
		}
		want, before = want[len(page):], page[len(page)-1].ID
	}
}

func message(dir contact.Direction, minute int) journey.Event {
	at := at0.Add(time.Duration(minute) * time.Minute)
	return journey.Event{
		ID: contact.NewToken("e_", at), Source: "sms", SourceID: contact.NewToken("s_", at), Kind: journey.KindMessage,
		Channel: contact.SMS, Dir: dir, OccurredAt: at, ReceivedAt: at, Identities: people[:1],
	}
}

// answers: an answer settles what came before it, also when it is delivered late.
func answers(t *testing.T, rec journey.Record) {
	first, answer, later := message(contact.Inbound, 0), message(contact.Outbound, 5), message(contact.Inbound, 9)
	late := message(contact.Inbound, 2)
	for _, e := range []journey.Event{first, later, answer, late} {
		_, err := rec.Append(t.Context(), e, journey.Profile{})
		require.NoError(t, err)
	}
	answered := func(id string) time.Time {
		e, err := rec.Event(t.Context(), journey.EventRef{ID: id})
		require.NoError(t, err)
		return e.Answered
	}
	require.Equal(t, answer.OccurredAt, answered(first.ID))
	require.Equal(t, answer.OccurredAt, answered(late.ID), "came late, but we wrote after it")
	require.Zero(t, answered(later.ID))
	by := at0.Add(time.Hour)
	touched, err := rec.Answer(t.Context(), []string{later.ID, first.ID, "e_unknown"}, "c_1", by)
	require.NoError(t, err)
	require.Len(t, touched.Roots, 1)
	require.Equal(t, by, answered(later.ID))
	require.Equal(t, answer.OccurredAt, answered(first.ID), "the first answer stays")
	e, err := rec.Event(t.Context(), journey.EventRef{Source: "sms", SourceID: late.SourceID})
	require.NoError(t, err)
	require.Equal(t, late.ID, e.ID)
	_, err = rec.Event(t.Context(), journey.EventRef{Source: "sms", SourceID: "unknown"})
	require.ErrorIs(t, err, journey.ErrUnknown)
}

func contents(t *testing.T, rec journey.Record) {
	e := message(contact.Inbound, 0)
	e.Contents = []journey.Content{{Type: "text/html", Data: []byte("<p>ciao")}, {Type: "message/rfc822", Name: "mail.eml", Data: []byte{0, 1, 255}}}
	e.ContentRef = journey.ContentRef(e.ID, 0)
	out, err := rec.Append(t.Context(), e, journey.Profile{})
	require.NoError(t, err)
	for i, want := range e.Contents {
		got, err := rec.Content(t.Context(), journey.ContentRef(e.ID, i))
		require.NoError(t, err)
		want.Event, want.Customer = e.ID, out.Event.Customer
		require.Equal(t, want, got)
	}
	_, err = rec.Content(t.Context(), journey.ContentRef(e.ID, 2))
	require.ErrorIs(t, err, journey.ErrUnknown)
}

func openContacts(t *testing.T, rec journey.Record) {
	young := journey.OpenContact{ID: "c_2", Customer: "u_1", Channel: contact.Email, EnqueuedAt: at0.Add(time.Hour), Target: contact.Target{Queue: "service", Attributes: map[string]string{"k": "v"}}}
	old := journey.OpenContact{ID: "c_1", Channel: contact.SMS, EnqueuedAt: at0, Peer: "+39347"}
	for _, c := range []journey.OpenContact{young, old} {
		require.NoError(t, rec.SaveContact(t.Context(), c))
	}
	young.Agent = "paola"
	require.NoError(t, rec.SaveContact(t.Context(), young))
	list, err := rec.OpenContacts(t.Context())
	require.NoError(t, err)
	require.Equal(t, []journey.OpenContact{old, young}, list)
	list, err = rec.OpenContacts(t.Context(), "u_0", "u_1")
	require.NoError(t, err)
	require.Equal(t, []journey.OpenContact{young}, list)
	require.NoError(t, rec.CloseContact(t.Context(), "c_1"))
	require.NoError(t, rec.CloseContact(t.Context(), "c_1"))
	list, err = rec.OpenContacts(t.Context())
	require.NoError(t, err)
	require.Len(t, list, 1)
}

func ledger(t *testing.T, rec journey.Record) {
	first, err := rec.Once(t.Context(), "k", at0)
	require.NoError(t, err)
	require.True(t, first)
	first, err = rec.Once(t.Context(), "k", at0)
	require.NoError(t, err)
	require.False(t, first)

	_, err = rec.Verified(t.Context(), "c_1")
	require.ErrorIs(t, err, journey.ErrUnknown)
	line := journey.AuditLine{At: at0, Agent: "paola", Customer: "u_1", Contact: "c_1", Tier: contact.D3, Action: "verify", Detail: "asked"}
	require.NoError(t, rec.Audit(t.Context(), line))
	got, err := rec.Verified(t.Context(), "c_1")
	require.NoError(t, err)
	require.Equal(t, line, got)

	e := message(contact.Inbound, 0)
	out, err := rec.Append(t.Context(), e, journey.Profile{})
	require.NoError(t, err)
	lines, err := rec.Outbox(t.Context(), 0, 10)
	require.NoError(t, err)
	require.Len(t, lines, 1)
	require.Equal(t, out.Seq, lines[0].Seq)
	require.Equal(t, e.ID, lines[0].Event.ID)
	require.NoError(t, rec.Forget(t.Context(), out.Seq))
	again, err := rec.Append(t.Context(), message(contact.Inbound, 1), journey.Profile{})
	require.NoError(t, err)
	require.Greater(t, again.Seq, out.Seq, "the sequence goes on")
}
