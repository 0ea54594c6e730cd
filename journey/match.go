package journey

import (
	"cmp"
	"slices"
	"time"

	"filo/contact"
)

// hint is what a caller number from a trunk that we do not trust is worth.
const hint = 0.7

// claim is how somebody says who he or she is: by calling from a number, by
// a token of a browser session, by writing from an address.
type claim struct {
	leaf    contact.CustomerID
	number  bool // rests on the caller's number
	trusted bool // the number can be believed
	proof   string
}

// person is a dossier judged for one claim at one moment.
type person struct {
	Customer   contact.CustomerID
	Confidence float64
	Tier       contact.Tier
	Evidence   []contact.Evidence
	Parts      map[contact.CustomerID]float64 // roots that belong to the person, with their confidence
	Name, Lang string
	LastAgent  contact.AgentID
}

// judge finds who the claimant is. All evidence that rests on the caller's
// number counts as one, the best. People tied to the claimant's number by
// evidence that is still worth .60 are part of the person for this contact:
// by one step from the number with the person's own confidence, as that step
// rests on the number too; further away confidences multiply.
func judge(d *Dossier, c claim, now time.Time) person {
	leaves := make(map[contact.CustomerID]*Leaf, len(d.Leaves))
	for i := range d.Leaves {
		leaves[d.Leaves[i].ID] = &d.Leaves[i]
	}
	start, ok := leaves[c.leaf]
	if !ok {
		return person{}
	}
	p := person{Evidence: proofs(d, start, c, now), Parts: make(map[contact.CustomerID]float64)}
	if len(p.Evidence) == 0 {
		return person{}
	}
	p.Confidence = p.Evidence[0].Confidence
	p.spread(d, leaves, start, c.number, now)
	p.Customer = p.whose(d, start)
	p.Tier = tierOf(p.Confidence, c, d, start.Root)
	p.describe(d)
	return p
}

// proofs lists the evidence for the claim, the best first; it alone counts.
func proofs(d *Dossier, start *Leaf, c claim, now time.Time) []contact.Evidence {
	var list []contact.Evidence
	add := func(kind string, confidence float64, at time.Time) {
		if c.number && !c.trusted {
			confidence *= hint
		}
		if confidence > 0 {
			list = append(list, contact.Evidence{Kind: kind, Confidence: confidence, At: at})
		}
	}
	if !c.number {
		add(c.proof, worth(c.proof, 0, now, now), now)
	} else {
		numberProofs(d, start, now, add)
	}
	slices.SortStableFunc(list, func(a, b contact.Evidence) int {
		return cmp.Or(cmp.Compare(b.Confidence, a.Confidence), cmp.Compare(a.Kind, b.Kind), b.At.Compare(a.At))
	})
	list = slices.CompactFunc(list, func(a, b contact.Evidence) bool { return a.Kind == b.Kind })
	if len(list) > 0 {
		list[0].Counts = true
	}
	return list
}

func numberProofs(d *Dossier, start *Leaf, now time.Time, add func(string, float64, time.Time)) {
	if start.Texted {
		add(ByANISMS, worth(ByANISMS, 0, now, now), lastText(d, start))
	}
	if start.Called {
		add(ByANIKnown, worth(ByANIKnown, 0, now, now), start.Since)
	}
	for _, e := range d.Edges {
		if e.A != start.ID && e.B != start.ID {
			continue
		}
		kind := e.Source
		if kind == FromIdentify {
			kind = ByANIVerified
		}
		add(kind, e.at(now), e.At)
	}
}

func lastText(d *Dossier, l *Leaf) time.Time {
	for i := len(d.Recent) - 1; i >= 0; i-- {
		if e := &d.Recent[i]; e.Customer == l.ID && e.Channel == contact.SMS {
			return e.OccurredAt
		}
	}
	return l.Since
}

// spread fills Parts, the nearest first. Two user ids are never one person.
func (p *person) spread(d *Dossier, leaves map[contact.CustomerID]*Leaf, start *Leaf, number bool, now time.Time) {
	net := judgedNetwork(d, leaves, start, number, now)
	users := usersOf(d)
	value := map[contact.CustomerID]float64{start.Root: p.Confidence}
	done := map[contact.CustomerID]bool{}
	own := ""
	for {
		at, c := nextBest(value, done)
		if at == "" {
			return
		}
		done[at] = true
		if user := users[at]; user != "" {
			if own != "" && own != user {
				continue
			}
			own = user
		}
		p.Parts[at] = c
		for to, v := range net.neighbours(at) {
			if v *= c; !done[to] && reaches(v, p.Confidence) {
				value[to] = max(value[to], v)
			}
		}
	}
}

// judgedNetwork is the graph of people with what evidence is worth now. A
// step from the caller's own number rests on the number, which the person's
// confidence counts already.
func judgedNetwork(d *Dossier, leaves map[contact.CustomerID]*Leaf, start *Leaf, number bool, now time.Time) network {
	root := func(id contact.CustomerID) contact.CustomerID {
		if l := leaves[id]; l != nil {
			return l.Root
		}
		return id
	}
	return newNetwork(d.Edges, root, func(e Edge) float64 {
		v := e.at(now)
		if number && (e.A == start.ID || e.B == start.ID) && atLeast(v, askAt) {
			return 1
		}
		return v
	})
}

// around judges a dossier for somebody who is its customer beyond doubt: what
// belongs to the thread at that time, and who it is.
func around(d *Dossier, c contact.CustomerID, at time.Time) person {
	p := person{Customer: d.Customer, Confidence: 1, Parts: make(map[contact.CustomerID]float64)}
	leaves := make(map[contact.CustomerID]*Leaf, len(d.Leaves))
	var start *Leaf
	for i := range d.Leaves {
		l := &d.Leaves[i]
		leaves[l.ID] = l
		if l.ID == c || start == nil && l.Root == d.Customer {
			start = l
		}
	}
	if start == nil {
		return p
	}
	p.spread(d, leaves, start, false, at)
	p.describe(d)
	return p
}

// leaves are the ids under which the person's events are stored.
func (p *person) leaves(d *Dossier) []contact.CustomerID {
	var ids []contact.CustomerID
	for i := range d.Leaves {
		if _, in := p.Parts[d.Leaves[i].Root]; in {
			ids = append(ids, d.Leaves[i].ID)
		}
	}
	return ids
}

// reaches tells whether a part with confidence v still belongs to a person
// with confidence c. On a trunk that is not trusted everything is worth less;
// what belongs together does not change by that.
func reaches(v, c float64) bool { return atLeast(v, min(askAt, askAt*c/discloses)) }

// neighbours combines the bonds of at to each other person.
func (n network) neighbours(at contact.CustomerID) map[contact.CustomerID]float64 {
	near := make(map[contact.CustomerID]float64, len(n[at]))
	for _, b := range n[at] {
		near[b.to] = combine(near[b.to], b.c)
	}
	return near
}

func usersOf(d *Dossier) map[contact.CustomerID]string {
	users := make(map[contact.CustomerID]string)
	for i := range d.Leaves {
		if l := &d.Leaves[i]; l.Identity.Type == UserID {
			users[l.Root] = l.Identity.Value
		}
	}
	return users
}

// whose picks the customer to whom the contact belongs: the claimant's own
// person if anything ever happened with it, else the best part that has a past.
func (p *person) whose(d *Dossier, start *Leaf) contact.CustomerID {
	events := make(map[contact.CustomerID]int)
	for i := range d.Leaves {
		events[d.Leaves[i].Root] += d.Leaves[i].Events
	}
	if events[start.Root] > 0 {
		return start.Root
	}
	best := start.Root
	for root, c := range p.Parts {
		if events[root] == 0 {
			continue
		}
		if b := p.Parts[best]; best == start.Root || c > b || c == b && root < best {
			best = root
		}
	}
	return best
}

// tierOf follows journey.md. A number, however well known, never reaches D3.
// A browser's token proves the session; everything is opened only when the
// session is that of a signed-in user, as a link in a mail may be forwarded.
func tierOf(confidence float64, c claim, d *Dossier, root contact.CustomerID) contact.Tier {
	switch {
	case confidence <= 0:
		return contact.D0
	case c.number && !c.trusted, !atLeast(confidence, discloses):
		return contact.D1
	case c.proof == FromCallToken && usersOf(d)[root] != "":
		return contact.D3
	}
	return contact.D2
}

// describe takes name, language and agent from the best source among the parts.
func (p *person) describe(d *Dossier) {
	rank := -1
	for i := range d.Leaves {
		l := &d.Leaves[i]
		if _, in := p.Parts[l.Root]; !in {
			continue
		}
		if l.Profile.Name != "" && l.Profile.Rank > rank {
			p.Name, rank = l.Profile.Name, l.Profile.Rank
		}
		if p.Lang == "" {
			p.Lang = l.Profile.Lang
		}
		if p.LastAgent == "" {
			p.LastAgent = l.Profile.Agent
		}
	}
}

// events returns the dossier's events that belong to the person, oldest first.
func (p *person) events(d *Dossier) []Event {
	in := make(map[contact.CustomerID]bool, len(d.Leaves))
	for i := range d.Leaves {
		_, in[d.Leaves[i].ID] = p.Parts[d.Leaves[i].Root]
	}
	list := make([]Event, 0, len(d.Recent))
	for i := range d.Recent {
		if in[d.Recent[i].Customer] {
			list = append(list, d.Recent[i])
		}
	}
	return list
}
