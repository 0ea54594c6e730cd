package journey

import (
	"sync"

	"filo/contact"
)

// subscription holds what a slow reader may be behind; beyond it the oldest
// event is dropped, as a reader that lost one reads the View anew anyway.
const subscription = 64

// subscribers are the screens that follow a customer live.
type subscribers struct {
	mu     sync.Mutex
	closed bool
	by     map[contact.CustomerID]map[chan Event]struct{}
}

// Subscribe returns the events that are added to the customer's thread from
// now on, with those of people whom evidence ties to the customer. The channel
// closes at cancel or when the journey stops; a reader that falls behind
// loses the oldest events.
func (j *Journey) Subscribe(customer contact.CustomerID) (events <-chan Event, cancel func()) {
	return j.subs.add(customer)
}

func (s *subscribers) add(c contact.CustomerID) (<-chan Event, func()) {
	ch := make(chan Event, subscription)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		close(ch)
		return ch, func() {}
	}
	if s.by == nil {
		s.by = make(map[contact.CustomerID]map[chan Event]struct{})
	}
	if s.by[c] == nil {
		s.by[c] = make(map[chan Event]struct{})
	}
	s.by[c][ch] = struct{}{}
	return ch, func() { s.remove(c, ch) }
}

func (s *subscribers) remove(c contact.CustomerID, ch chan Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.by[c][ch]; !ok {
		return
	}
	delete(s.by[c], ch)
	if len(s.by[c]) == 0 {
		delete(s.by, c)
	}
	close(ch)
}

// publish never blocks.
func (s *subscribers) publish(e Event, touched []contact.CustomerID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.by) == 0 {
		return
	}
	for _, c := range touched {
		for ch := range s.by[c] {
			offer(ch, e)
		}
	}
}

func offer(ch chan Event, e Event) {
	for {
		select {
		case ch <- e:
			return
		default:
		}
		select {
		case <-ch:
		default:
		}
	}
}

func (s *subscribers) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for _, chans := range s.by {
		for ch := range chans {
			close(ch)
		}
	}
	s.by = nil
}
