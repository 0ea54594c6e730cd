package message

import (
	"encoding/json"
	"maps"
	"slices"

	"filo/contact"
	"filo/journey"
)

// stateKey is the attribute of an open contact's target that carries its
// state. It stays out of the router, which has no use for it.
const stateKey = "message"

// maxPending and maxRefs bound what a thread that never ends accumulates.
const (
	maxPending = 50
	maxRefs    = 20
)

// state is what a contact needs beside journey.OpenContact to be answered
// after a restart.
type state struct {
	Thread  string   `json:"thread"`
	Inbox   string   `json:"inbox,omitempty"`
	Ref     string   `json:"ref,omitempty"`     // of the newest message of the customer
	Refs    []string `json:"refs,omitempty"`    // before Ref
	Pending []string `json:"pending,omitempty"` // events of the customer that nobody answered
	Replied bool     `json:"replied,omitempty"`
}

// arrived adds a message of the customer.
func (s *state) arrived(event, ref string, refs []string) {
	s.Pending = tail(append(s.Pending, event), maxPending)
	if ref == "" {
		return
	}
	before := refs
	if len(before) == 0 && s.Ref != "" {
		before = append(slices.Clone(s.Refs), s.Ref)
	}
	s.Refs, s.Ref = tail(slices.Clone(before), maxRefs), ref
}

// tail keeps the first and the last n-1 of list: RFC 5322 section 3.6.4 wants
// the root of a thread and its newest messages.
func tail(list []string, n int) []string {
	if len(list) <= n {
		return list
	}
	return append(list[:1:1], list[len(list)-n+1:]...)
}

// key names the conversation that a message joins while it is open.
func key(ch contact.Channel, thread, peer string) string {
	return string(ch) + "\x00" + thread + "\x00" + peer
}

// pack puts s into the durable form of c.
func (s *state) pack(c journey.OpenContact) (journey.OpenContact, error) {
	b, err := json.Marshal(s)
	if err != nil {
		return c, err //nolint:wrapcheck // cannot happen with strings
	}
	attrs := maps.Clone(c.Target.Attributes)
	if attrs == nil {
		attrs = make(map[string]string, 1)
	}
	attrs[stateKey] = string(b)
	c.Target.Attributes = attrs
	return c, nil
}

// unpack takes the state out of c. A contact without one, or with one that
// cannot be read, still is worked on: it is its own thread.
func unpack(c journey.OpenContact) (journey.OpenContact, state) {
	s := state{Thread: string(c.ID)}
	if text, ok := c.Target.Attributes[stateKey]; ok {
		if json.Unmarshal([]byte(text), &s) != nil || s.Thread == "" {
			s = state{Thread: string(c.ID)}
		}
		c.Target.Attributes = maps.Clone(c.Target.Attributes)
		delete(c.Target.Attributes, stateKey)
	}
	if len(s.Pending) == 0 && c.Event != "" && !s.Replied {
		s.Pending = []string{c.Event}
	}
	return c, s
}
