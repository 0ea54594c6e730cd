package sip

import (
	"hash/maphash"
	"strconv"
	"sync"
	"time"

	gosip "github.com/emiago/sipgo/sip"
)

const (
	// claimGrace is how long a message waits for an earlier one of its call
	// that nobody claims: it was a retransmission that the transaction layer
	// absorbed.
	claimGrace = 50 * time.Millisecond
	// serveBound is how long a message waits for an earlier one being served.
	// Serving only posts to the leg, so that this bound never counts in practice.
	serveBound = 2 * time.Second
	// ticketLife is when an unclaimed ticket is forgotten.
	ticketLife = 5 * time.Second
)

// order restores the order of arrival. sipgo serves every message in a
// goroutine of its own, so that a BYE overtakes an ACK; the transport's tap,
// however, runs in the read loop. There each message takes a ticket, one queue
// per Call-ID, and whoever serves the message first waits for those before it.
type order struct {
	seed maphash.Seed
	// known tells whether an ACK belongs to a dialog that waits for it. All
	// other ACKs are absorbed below us and must not take a ticket.
	known func(toTag, branch string) bool

	mu    sync.Mutex
	tails map[string]*ticket
	byMsg map[gosip.Message]*ticket
	fifo  []*ticket // by time of arrival, for forgetting
}

// ticket is one message's place in the queue of its call.
type ticket struct {
	msg     gosip.Message
	callID  string
	branch  string
	method  gosip.RequestMethod
	at      time.Time
	copies  []gosip.Message // retransmissions that arrived before it was served
	prev    *ticket
	claimed bool
	served  bool
	done    chan struct{}
}

func newOrder(known func(toTag, branch string) bool) *order {
	return &order{
		seed:  maphash.MakeSeed(),
		known: known,
		tails: make(map[string]*ticket),
		byMsg: make(map[gosip.Message]*ticket),
	}
}

// tap runs in the transport's read loop, before the transaction layer sees the
// message. It must not block.
func (o *order) tap(msg gosip.Message, now time.Time) {
	cid, cseq, via := msg.CallID(), msg.CSeq(), msg.Via()
	if cid == nil || cseq == nil || via == nil {
		return // refused later, when validated; order does not matter to it
	}
	branch, _ := via.Params.Get("branch")
	t := &ticket{msg: msg, callID: cid.Value(), branch: branch, at: now, done: make(chan struct{})}
	switch m := msg.(type) {
	case *gosip.Request:
		t.method = m.Method
		o.fixToTag(m)
		if m.Method == gosip.ACK && !o.known(tagOf(m.To()), branch) {
			return
		}
	case *gosip.Response:
		// Only a 2xx to INVITE makes a dialog, so only it must come before
		// the requests that the callee sends right after it.
		if !m.IsSuccess() || cseq.MethodName != gosip.INVITE {
			return
		}
		t.method = "2xx"
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.forget(now)
	o.push(t)
}

// push queues t. A copy of a message that is still to be served shares its
// ticket: of the two, the transaction layer serves whichever its scheduler
// runs first.
func (o *order) push(t *ticket) {
	tail := o.tails[t.callID]
	for p, n := tail, 0; p != nil && n < 32; p, n = p.prev, n+1 {
		if p.method == t.method && p.branch == t.branch {
			if !p.served {
				p.copies = append(p.copies, t.msg)
				o.byMsg[t.msg] = p
			}
			return
		}
	}
	t.prev = tail
	o.byMsg[t.msg] = t
	o.fifo = append(o.fifo, t)
	// Nothing needs to wait for a CANCEL, and most never reach us: the
	// transaction layer matches them to their INVITE.
	if t.method != gosip.CANCEL {
		o.tails[t.callID] = t
	}
}

// fixToTag gives an initial INVITE, and the CANCEL that belongs to it, the tag
// that all our responses shall carry: sipgo would put a random one on each
// 487 and on the CANCEL's 200. The tag depends on Call-ID, From-tag and CSeq
// only, so that retransmissions and merged requests (RFC 3261 section 8.2.2.2)
// get the same one.
func (o *order) fixToTag(req *gosip.Request) {
	to, from := req.To(), req.From()
	if to == nil || from == nil || to.Params.Has("tag") {
		return
	}
	if req.Method == gosip.INVITE || req.Method == gosip.CANCEL {
		to.Params.Add("tag", o.localTag(req.CallID().Value(), tagOfFrom(from), req.CSeq().SeqNo))
	}
}

// initial tells whether a validated request came without a To-tag, that is
// outside any dialog.
func (o *order) initial(req *gosip.Request) bool {
	tag := tagOf(req.To())
	if req.Method == gosip.INVITE {
		return tag == o.localTag(req.CallID().Value(), tagOfFrom(req.From()), req.CSeq().SeqNo)
	}
	return tag == ""
}

func (o *order) localTag(callID, fromTag string, seq uint32) string {
	var h maphash.Hash
	h.SetSeed(o.seed)
	_, _ = h.WriteString(callID)
	_ = h.WriteByte(0)
	_, _ = h.WriteString(fromTag)
	_ = h.WriteByte(0)
	_, _ = h.WriteString(strconv.FormatUint(uint64(seq), 10))
	return "f" + strconv.FormatUint(h.Sum64(), 36)
}

// turn waits until every earlier message of the call has been served. It
// returns nil for a message without a ticket, which is served at once.
func (o *order) turn(msg gosip.Message) *ticket {
	o.mu.Lock()
	t := o.byMsg[msg]
	if t == nil {
		o.mu.Unlock()
		return nil
	}
	t.claimed = true
	prev := t.prev
	o.mu.Unlock()
	if prev != nil {
		o.await(prev)
	}
	return t
}

func (o *order) await(prev *ticket) {
	select {
	case <-prev.done:
		return
	default:
	}
	grace := time.NewTimer(claimGrace - time.Since(prev.at))
	defer grace.Stop()
	select {
	case <-prev.done:
		return
	case <-grace.C:
	}
	o.mu.Lock()
	claimed := prev.claimed
	o.mu.Unlock()
	if !claimed {
		return
	}
	bound := time.NewTimer(serveBound)
	defer bound.Stop()
	select {
	case <-prev.done:
	case <-bound.C:
	}
}

// finish lets the next message of the call pass. nil is allowed.
func (o *order) finish(t *ticket) {
	if t == nil {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.drop(t)
}

// absorbed finishes the ticket of a message that will not be served.
func (o *order) absorbed(msg gosip.Message) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if t := o.byMsg[msg]; t != nil {
		o.drop(t)
	}
}

func (o *order) drop(t *ticket) {
	if t.served {
		return
	}
	t.served = true
	close(t.done)
	delete(o.byMsg, t.msg)
	for _, m := range t.copies {
		delete(o.byMsg, m)
	}
	t.msg, t.copies, t.prev = nil, nil, nil
	if o.tails[t.callID] == t {
		delete(o.tails, t.callID)
	}
}

// forget drops tickets that nobody claimed; amortised over the arrivals.
func (o *order) forget(now time.Time) {
	n := 0
	for _, t := range o.fifo {
		if !t.served {
			if now.Sub(t.at) < ticketLife {
				break
			}
			if !t.claimed {
				o.drop(t)
			}
		}
		n++
	}
	if n == len(o.fifo) {
		o.fifo = o.fifo[:0]
		return
	}
	o.fifo = o.fifo[n:]
}

func tagOf(to *gosip.ToHeader) string {
	if to == nil {
		return ""
	}
	tag, _ := to.Params.Get("tag")
	return tag
}

func tagOfFrom(from *gosip.FromHeader) string {
	if from == nil {
		return ""
	}
	tag, _ := from.Params.Get("tag")
	return tag
}
