package desk

import (
	"cmp"
	"context"
	"log/slog"
	"maps"
	"reflect"
	"slices"
	"time"

	"filo/contact"
	"filo/journey"
	"filo/router"
)

// item is one contact at a desk: offered, worked on or in wrap-up.
type item struct {
	id    contact.ID
	card  *contact.Card
	offer *router.Offer        // while it is offered
	had   *router.AgentContact // once the agent has it
	why   contact.Why
	text  map[string][]string // why, in words
	call  contact.CallState
	tier  contact.Tier // what may be shown now
	view  journey.View
	seen  bool            // view came from the journey
	fails int             // readings in a row that failed
	refs  map[string]bool // contents that the views named: what may be fetched
	ids   map[string]bool // events that were shown: what may be marked

	refreshAt time.Time     // when the view is to be read again; zero: not
	deaf      bool          // the subscription ended by itself: renewed with the view
	changed   chan struct{} // closed, and made anew, when the contact's phase changes
	stop      func()        // ends the subscription
}

// refreshAfter collects the events of one moment into one new view.
const refreshAfter = 60 * time.Millisecond

// retryAfter is when a view that could not be read is tried again; each
// further time takes twice as long, up to sixteen.
const retryAfter = time.Second

// maxEvents is how many events a view in memory keeps.
const maxEvents = 200

// add makes the item of a card, follows its customer and reads the view. The
// subscription comes first, so that nothing falls between the two.
func (s *seat) add(ctx context.Context, card *contact.Card) *item {
	it := &item{
		id: card.Contact, card: card, tier: card.Context.Tier, text: map[string][]string{"en": {}, "it": {}},
		refs: map[string]bool{}, ids: map[string]bool{}, changed: make(chan struct{}), stop: func() {},
	}
	s.items[it.id] = it
	s.follow(it)
	s.read(ctx, it)
	return it
}

// remove forgets an item.
func (s *seat) remove(it *item) {
	it.stop()
	delete(s.items, it.id)
}

// news is a live event of an item's customer, or that the subscription fell behind.
type news struct {
	item   *item
	event  journey.Event
	behind bool
}

// follow subscribes to the live events of an item's customer.
func (s *seat) follow(it *item) {
	if it.card.Customer == "" {
		return
	}
	events, cancel := s.d.deps.Thread.Subscribe(it.card.Customer)
	quit := make(chan struct{})
	var once bool
	it.stop = func() { // by run only
		if !once {
			once = true
			close(quit)
			cancel()
		}
	}
	s.followers.Go(func() {
		for {
			n := news{item: it}
			select {
			case e, ok := <-events:
				n.event, n.behind = e, !ok
			case <-quit:
				return
			}
			select {
			case s.news <- n:
			case <-quit:
				return
			}
			if n.behind {
				return
			}
		}
	})
}

// happened takes one live event: it goes out at once, and what it changes of
// the view a moment later.
func (s *seat) happened(n news) {
	it := n.item
	if s.items[it.id] != it {
		return
	}
	if n.behind {
		it.stop()
		it.deaf = true
		it.refreshAt = s.d.now().Add(retryAfter)
		return
	}
	e, ok := s.d.deps.Thread.Show(n.event, it.tier)
	if e = s.d.users.named(e); ok && it.insert(e) {
		s.push(frameThread, "", threadJSON{Contact: it.id, Event: e})
	}
	if it.refreshAt.IsZero() {
		it.refreshAt = s.d.now().Add(refreshAfter)
	}
}

// insert puts an event in its place of the view; it reports whether that
// changed anything.
func (it *item) insert(e journey.ThreadEvent) bool {
	it.name(e)
	order := func(a, b journey.ThreadEvent) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID))
	}
	if i := slices.IndexFunc(it.view.Events, func(o journey.ThreadEvent) bool { return o.ID == e.ID }); i >= 0 {
		if reflect.DeepEqual(it.view.Events[i], e) {
			return false
		}
		it.view.Events[i] = e
		return true
	}
	i, _ := slices.BinarySearchFunc(it.view.Events, e, order)
	it.view.Events = slices.Insert(slices.Clone(it.view.Events), i, e)
	if over := len(it.view.Events) - maxEvents; over > 0 {
		it.view.Events = it.view.Events[over:]
		it.view.Earlier += over
	}
	return true
}

// read gets the view from the journey, within the configured time. When that
// fails the item goes on with what it has, and the view is read again soon.
func (s *seat) read(ctx context.Context, it *item) (changed bool) {
	it.refreshAt = time.Time{}
	start := s.d.now()
	limit, cancel := context.WithTimeout(ctx, s.d.cfg.ViewTimeout)
	defer cancel()
	v, err := s.d.deps.Thread.View(limit, s.viewRequest(it))
	result := "ok"
	if err != nil {
		result = "failed"
	}
	s.d.metrics.view.WithLabelValues(result).Observe(s.d.now().Sub(start).Seconds())
	if err != nil {
		it.refreshAt = s.d.now().Add(retryAfter << min(it.fails, 4))
		it.fails++
		it.view = s.d.users.complete(it.view)
		if it.view.Tier == "" {
			it.view.Tier = it.tier.String()
		}
		if ctx.Err() == nil {
			s.log.LogAttrs(ctx, slog.LevelWarn, "thread not shown",
				slog.String("contact_id", string(it.id)), slog.String("error", err.Error()))
		}
		return false
	}
	v = s.d.users.complete(v)
	changed = !it.seen || !sameFace(it.view, v)
	it.view, it.seen, it.fails = v, true, 0
	for t := contact.D0; t <= contact.D3; t++ {
		if t.String() == v.Tier {
			it.tier = t
		}
	}
	it.allow(v)
	return changed
}

// allow notes which events and contents a view named.
func (it *item) allow(v journey.View) {
	for _, e := range v.Events {
		it.name(e)
	}
}

// shownEvents returns the events that were shown, for other goroutines.
func (it *item) shownEvents() map[string]bool { return maps.Clone(it.ids) }

func (it *item) name(e journey.ThreadEvent) {
	it.ids[e.ID] = true
	if e.Body != "" {
		it.refs[e.Body] = true
	}
}

func (s *seat) viewRequest(it *item) journey.ViewRequest {
	c := it.card.Context
	c.Tier = max(c.Tier, it.tier)
	id := it.id
	if x := it.card.Consult; x != nil {
		id = x.Contact // what was proved to who asks for help counts
	}
	return journey.ViewRequest{Contact: id, Customer: it.card.Customer, Agent: s.id, Context: c, Peer: it.card.Peer}
}

// sameFace reports whether two views look alike apart from their events, which
// have frames of their own, and the words of how long ago something was.
func sameFace(a, b journey.View) bool {
	a.Events, b.Events = nil, nil
	a.Earlier, b.Earlier = 0, 0
	a.Sentence, b.Sentence = nil, nil
	return reflect.DeepEqual(a, b)
}

// refresh reads a view again and sends it when it changed. A new tier also
// opens or closes what stands beside the view.
func (s *seat) refresh(ctx context.Context, it *item) {
	if it.deaf {
		it.deaf = false
		s.follow(it)
	}
	tier := it.tier
	if !s.read(ctx, it) {
		return
	}
	s.push(frameView, "view:"+string(it.id), viewJSON{Contact: it.id, View: it.view})
	if it.tier != tier && it.had != nil {
		s.pushContact(it)
	}
}

// refreshFailed tries again what could not be read, before a snapshot.
func (s *seat) refreshFailed(ctx context.Context) {
	for _, it := range s.sorted() {
		if !it.seen {
			s.read(ctx, it)
		}
	}
}

// offered shows an offer.
func (s *seat) offered(ctx context.Context, o *router.Offer) {
	it := s.items[o.Contact]
	if it == nil {
		it = s.add(ctx, o.Card)
	}
	it.offer, it.why = o, o.Why
	it.text = whyText(o.Why, o.Card, s.id, s.d.now())
	s.push(frameOffer, "", s.offerJSON(it))
	if !o.Made.IsZero() {
		s.d.metrics.push.Observe(max(0, s.d.now().Sub(o.Made)).Seconds())
	}
}

// offerGone ends an offer; an accepted one stays as a contact.
func (s *seat) offerGone(o *router.Offer) {
	it := s.items[o.Contact]
	if it == nil || it.offer == nil || it.offer.ID != o.ID {
		return
	}
	reason := o.Gone
	if reason == "revoked" {
		reason = "withdrawn"
	}
	s.dropOffer(it, reason)
}

func (s *seat) dropOffer(it *item, reason string) {
	s.push(frameOfferGone, "", offerGoneJSON{Offer: it.offer.ID, Contact: it.id, Reason: reason})
	it.offer = nil
	if it.had == nil && reason != "accepted" {
		s.remove(it)
	}
}

// contactChanged shows a contact that the agent has, or takes it away.
func (s *seat) contactChanged(ctx context.Context, c *router.AgentContact) {
	it := s.items[c.ID]
	if it != nil {
		close(it.changed)
		it.changed = make(chan struct{})
	}
	if c.Phase != contact.Connected && c.Phase != contact.WrapUp {
		if it != nil {
			it.had = c
			s.ended.add(it, s.d.now())
			s.dropContact(it)
		}
		return
	}
	if it == nil { // the seat began, or fell behind, while the agent had it
		it = s.add(ctx, c.Card)
		s.recall(ctx, it)
	}
	if it.offer != nil {
		s.dropOffer(it, "accepted")
	}
	it.had = c
	if c.Phase != contact.Connected {
		it.call = contact.CallState{}
	}
	s.pushContact(it)
}

// recall finds the reason of an offer that was made before the seat began.
func (s *seat) recall(ctx context.Context, it *item) {
	decisions, err := s.d.deps.Router.Decisions(ctx, recallDepth)
	if err != nil {
		return // it is only an explanation
	}
	for _, dec := range decisions {
		if dec.Contact == it.id && dec.Agent == s.id {
			it.why = dec.Why
			it.text = whyText(dec.Why, it.card, s.id, s.d.now())
			return
		}
	}
}

const recallDepth = 256

func (s *seat) dropContact(it *item) {
	s.push(frameContactGone, "", contactGoneJSON{Contact: it.id})
	s.remove(it)
	if s.lost && !s.hasContacts() {
		s.lost = false // nothing keeps the empty seat any longer: see emptyUntil
	}
}

func (s *seat) pushContact(it *item) {
	s.push(frameContact, "contact:"+string(it.id), s.contactJSON(it))
}

// sorted returns the items in the order of their arrival.
func (s *seat) sorted() []*item {
	list := make([]*item, 0, len(s.items))
	for _, it := range s.items {
		list = append(list, it)
	}
	slices.SortFunc(list, func(a, b *item) int { return cmp.Compare(a.id, b.id) })
	return list
}
