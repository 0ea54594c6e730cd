package trace

import (
	"slices"
	"sync"
	"time"
)

// links remembers which Call-IDs belong to which contact, for the newest
// contacts.
type links struct {
	mu       sync.Mutex
	limit    int
	contacts map[string]*linked
	calls    map[string][]string // contacts of a Call-ID, oldest first
	names    map[string]string   // Call-ID by alias
	aliases  map[string][]string // and the aliases of a Call-ID
	order    []string            // contacts, oldest first
}

// linked is a contact with its legs, in the order in which they were told.
type linked struct {
	contact string
	legs    []link
}

// link is one leg of a contact.
type link struct {
	callID, role string
	at           time.Time
	until        time.Time // when the dialog became another contact's; zero: never
}

// maxLegs bounds the legs of one contact, and the aliases of one Call-ID.
const maxLegs = 64

func newLinks(limit int) *links {
	return &links{
		limit: limit, contacts: map[string]*linked{}, calls: map[string][]string{},
		names: map[string]string{}, aliases: map[string][]string{},
	}
}

func (l *links) add(contact, callID, role string, at time.Time) {
	contact, callID, role = cut(contact, maxID), cut(callID, maxCallID), cut(role, maxRole)
	l.mu.Lock()
	defer l.mu.Unlock()
	c, ok := l.contacts[contact]
	if !ok {
		c = l.begin(contact)
	}
	if i := slices.IndexFunc(c.legs, func(k link) bool { return k.callID == callID && k.until.IsZero() }); i >= 0 {
		c.legs[i].role = role
		return
	}
	if len(c.legs) >= maxLegs {
		return
	}
	l.take(callID, contact, at)
	c.legs = append(c.legs, link{callID: callID, role: role, at: at})
}

// begin makes the entry of a contact; the oldest one gives way.
func (l *links) begin(contact string) *linked {
	if len(l.order) >= l.limit {
		l.forget(l.order[0])
		l.order = l.order[1:]
	}
	c := &linked{contact: contact}
	l.contacts[contact] = c
	l.order = append(l.order, contact)
	return c
}

// take gives a dialog to contact: the time of those that had it is over.
func (l *links) take(callID, contact string, at time.Time) {
	for _, other := range l.calls[callID] {
		legs := l.contacts[other].legs
		for i := range legs {
			if legs[i].callID == callID && legs[i].until.IsZero() {
				legs[i].until = at
			}
		}
	}
	if !slices.Contains(l.calls[callID], contact) {
		l.calls[callID] = append(l.calls[callID], contact)
	}
}

func (l *links) forget(contact string) {
	c := l.contacts[contact]
	delete(l.contacts, contact)
	for _, leg := range c.legs {
		rest := slices.DeleteFunc(l.calls[leg.callID], func(s string) bool { return s == contact })
		if len(rest) > 0 {
			l.calls[leg.callID] = rest
			continue
		}
		delete(l.calls, leg.callID)
		for _, name := range l.aliases[leg.callID] {
			delete(l.names, name)
		}
		delete(l.aliases, leg.callID)
	}
}

// alias keeps a name as long as the contact of its dialog is kept.
func (l *links) alias(name, callID string) {
	name, callID = cut(name, maxID), cut(callID, maxCallID)
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.calls[callID]) == 0 || l.names[name] != "" || len(l.aliases[callID]) >= maxLegs {
		return
	}
	l.names[name] = callID
	l.aliases[callID] = append(l.aliases[callID], name)
}

// find returns the contact with the id, or the newest one that has a dialog of
// that Call-ID or alias; and the Call-ID that is meant. What is not known may
// still be the Call-ID of a dialog that no contact has.
func (l *links) find(id string) (c linked, callID string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if k, ok := l.contacts[id]; ok {
		return linked{contact: k.contact, legs: slices.Clone(k.legs)}, ""
	}
	if named, ok := l.names[id]; ok {
		id = named
	}
	if of := l.calls[id]; len(of) > 0 {
		k := l.contacts[of[len(of)-1]]
		return linked{contact: k.contact, legs: slices.Clone(k.legs)}, id
	}
	return linked{}, id
}

// contactOf returns the newest contact of a dialog; "" for none.
func (l *links) contactOf(callID string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if of := l.calls[callID]; len(of) > 0 {
		return of[len(of)-1]
	}
	return ""
}
