package dialog

import "slices"

// maxForks bounds the branches of our INVITE of which we keep state.
const maxForks = 32

// branch is the state of RFC 3261 section 12 towards one far side: the dialog,
// or, for a caller, one of those that a fork made.
type branch struct {
	tag       string
	target    string
	routes    []Route // in the order in which we send them
	localSeq  uint32
	remoteSeq uint32 // of their last request; 0: none yet
	updates   bool   // they take UPDATE
	hungUp    bool   // they sent BYE before their 2xx came through
	rseq      uint32 // of the last reliable 1xx that we took; 0: none

	negotiation

	pending *Request // ours, other than INVITE and BYE, without a response
	queue   []Request
}

// branches are all the far sides, of which the dialog is one.
func (m *Machine) branches() []*branch {
	if m.d == nil {
		return m.forks
	}
	return []*branch{m.d}
}

// branch finds a far side by its tag; nil: unknown.
func (m *Machine) branch(tag string) *branch {
	if m.d != nil && m.d.tag == tag {
		return m.d
	}
	for _, b := range m.forks {
		if b.tag == tag {
			return b
		}
	}
	return nil
}

// fork finds or makes the early dialog of a response to our INVITE (RFC 3261
// section 12.1.2). A 2xx computes the route set anew (section 13.2.2.4).
func (m *Machine) fork(r *Response) *branch {
	b := m.branch(r.ToTag)
	if b == nil {
		b = m.newBranch(r.ToTag)
	}
	if r.Contact != "" {
		b.target, b.routes = r.Contact, reversed(r.Routes)
	}
	b.updates = b.updates || r.Updates
	return b
}

// newBranch makes a branch as our INVITE left it. Beyond a bound it is not
// remembered.
func (m *Machine) newBranch(tag string) *branch {
	b := &branch{tag: tag, target: m.invited.Target, localSeq: m.invited.CSeq}
	if m.invited.SDP != nil {
		b.local, b.talk, b.in = m.invited.SDP, offering, inInvite
	}
	if len(m.forks) < maxForks {
		m.forks = append(m.forks, b)
	}
	return b
}

func reversed(routes []Route) []Route {
	routes = slices.Clone(routes)
	slices.Reverse(routes)
	return routes
}

// address completes a request by where the far side is to be found (RFC 3261
// section 12.2.1.1). ACK has the CSeq of its INVITE; all others get the next.
func (m *Machine) address(b *branch, r *Request) {
	if r.Method != ACK {
		b.localSeq++
		r.CSeq = b.localSeq
	}
	r.FromTag, r.ToTag = m.cfg.Tag, b.tag
	r.Target, r.Routes, r.Next = b.target, b.routes, b.target
	if len(b.routes) == 0 {
		return
	}
	r.Next = b.routes[0].URI
	if !b.routes[0].Loose {
		// The first hop is a strict router: it wants to be the request URI, and
		// the target to be the last route.
		r.Target = b.routes[0].URI
		r.Routes = append(slices.Clone(b.routes[1:]), Route{URI: b.target})
	}
}

// refreshTarget takes over the far side's contact (RFC 3261 section 12.2).
func (b *branch) refreshTarget(h *Header) {
	if h.Contact != "" {
		b.target = h.Contact
	}
	b.updates = b.updates || h.Updates
}

// maxQueue bounds the requests that wait for their turn.
const maxQueue = 16

// enqueue sends a request when it is its turn; false when too many wait.
func (b *branch) enqueue(r Request) bool {
	if len(b.queue) >= maxQueue {
		return false
	}
	b.queue = append(b.queue, r)
	return true
}

// idle: nothing of ours is on its way, nor waits for it.
func (b *branch) idle() bool { return b.pending == nil && len(b.queue) == 0 }

// proceedQueue sends the next request, when the one before it has its response
// and a re-INVITE is known to have arrived: over UDP two could swap, and the
// later CSeq would make the other invalid.
func (m *Machine) proceedQueue(b *branch) {
	unheard := m.ours != nil && !m.ours.initial && !m.ours.proceeding
	if b.pending != nil || unheard || len(b.queue) == 0 {
		return
	}
	r := b.queue[0]
	b.queue = b.queue[1:]
	r = m.send(b, r)
	b.pending = &r
}

func (m *Machine) send(b *branch, r Request) Request {
	m.address(b, &r)
	m.emit(r)
	return r
}
