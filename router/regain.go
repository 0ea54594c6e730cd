package router

import (
	"time"

	"filo/contact"
)

// regainFor is how long the number of a call that ended with the process
// regains its place.
const regainFor = 10 * time.Minute

// lostPlace is the place of a call that ended with the process.
type lostPlace struct {
	Peer     string `json:"peer"`
	Enqueued int64  `json:"enqueued"` // the core's time, as are the others
	Tier     uint8  `json:"tier"`
	Until    int64  `json:"until"`

	note uint32
}

// lostPlaces are those that can be regained.
type lostPlaces struct {
	byPeer map[string]lostPlace
	next   uint32 // number of a note
}

// lose notes a place that can be regained. Of two of one number the older
// counts.
func (l *loop) lose(p *lostPlace) {
	if l.lost.byPeer == nil {
		l.lost.byPeer = map[string]lostPlace{}
	}
	if old, ok := l.lost.byPeer[p.Peer]; ok {
		p.Enqueued, p.Tier = min(p.Enqueued, old.Enqueued), min(p.Tier, old.Tier)
		l.note(lostNote, old.note, "")
	}
	p.note = l.lost.next
	l.lost.next++
	l.lost.byPeer[p.Peer] = *p
	l.noteJSON(lostNote, p.note, p)
}

// recallPlaces takes over what was lost before, and can still be regained.
func (l *loop) recallPlaces(places []lostPlace) {
	now := l.nanos(l.r.now())
	for _, p := range places {
		l.lost.next = max(l.lost.next, p.note+1)
		if p.Until < now {
			l.note(lostNote, p.note, "")
			continue
		}
		l.lose(&p)
	}
}

// regain gives a call the place that its number lost, once.
func (l *loop) regain(card *contact.Card, now time.Time) (p lostPlace, ok bool) {
	if len(l.lost.byPeer) == 0 || card.Channel != contact.Voice || card.Consult != nil {
		return p, false
	}
	if p, ok = l.lost.byPeer[card.Peer]; !ok {
		return p, false
	}
	delete(l.lost.byPeer, card.Peer)
	l.note(lostNote, p.note, "")
	return p, l.nanos(now) <= p.Until
}
