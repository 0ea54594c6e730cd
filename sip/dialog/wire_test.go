package dialog

import (
	"math/rand/v2"
	"time"
)

// world is virtual time and a network between a caller and its callees. It is
// written from RFC 3261 section 17 and RFC 6026, as simply as possible, to be
// what the machines may rely on.
type world struct {
	rand   *rand.Rand
	now    time.Time
	queue  events
	seq    int
	branch int

	drop, dup float64 // probability
	base      time.Duration
	jitter    time.Duration
	lose      int // ordinal of the one message to lose; 0: none
	double    int // or to deliver twice
	late      int // or to deliver late
	sent      int // messages put on the wire
	flying    int // and not there yet

	caller  *station
	callees []*station
	forked  map[int]*forking
}

type happening struct {
	at  time.Time
	seq int
	do  func()
}

func (h *happening) before(o *happening) bool {
	return h.at.Before(o.at) || h.at.Equal(o.at) && h.seq < o.seq
}

// events is a heap by time.
type events []happening

func (e *events) push(h happening) {
	*e = append(*e, h)
	q := *e
	for i := len(q) - 1; i > 0; {
		up := (i - 1) / 2
		if !q[i].before(&q[up]) {
			return
		}
		q[i], q[up] = q[up], q[i]
		i = up
	}
}

func (e *events) pop() happening {
	q := *e
	first, last := q[0], len(q)-1
	q[0] = q[last]
	q[last] = happening{}
	q = q[:last]
	*e = q
	for i := 0; ; {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < last; child++ {
			if q[child].before(&q[least]) {
				least = child
			}
		}
		if least == i {
			return first
		}
		q[i], q[least] = q[least], q[i]
		i = least
	}
}

func (w *world) after(d time.Duration, do func()) {
	w.seq++
	w.queue.push(happening{w.now.Add(d), w.seq, do})
}

// run lets everything happen until the end, or until a time.
func (w *world) run(until time.Time) {
	for len(w.queue) > 0 && !w.queue[0].at.After(until) {
		h := w.queue.pop()
		w.now = h.at
		h.do()
	}
	if len(w.queue) > 0 {
		w.now = until
	}
}

// packet is a message on the wire: one of the two.
type packet struct {
	branch int
	req    *Request
	res    *Response
}

// carry takes a packet to a station, or not, or twice, or late.
func (w *world) carry(p packet, to *station) {
	w.sent++
	copies := 1
	if w.sent == w.lose || w.rand.Float64() < w.drop {
		copies = 0
	} else if w.sent == w.double || w.rand.Float64() < w.dup {
		copies = 2
	}
	for range copies {
		d := w.base
		if w.jitter > 0 {
			d += time.Duration(w.rand.Int64N(int64(w.jitter)))
		}
		if w.sent == w.late {
			d += 1700 * time.Millisecond
		}
		w.flying++
		w.after(d, func() {
			w.flying--
			to.receive(p)
		})
	}
}

// forking is what a proxy knows about an INVITE that it sent to all callees.
type forking struct {
	failed map[*station]*Response
}

// send routes a packet: from the caller by the To-tag, or to every callee.
func (w *world) send(from *station, p packet) {
	if from != w.caller {
		w.sendToCaller(from, p)
		return
	}
	if p.res != nil {
		for _, c := range w.callees {
			if c.tag == p.res.FromTag {
				w.carry(p, c)
			}
		}
		return
	}
	for _, c := range w.callees {
		if p.req.ToTag == "" || p.req.ToTag == c.tag {
			w.carry(p, c)
		}
	}
}

// sendToCaller is the proxy's way back: it keeps the failures of a forked INVITE
// until every callee has failed, and acknowledges them itself.
func (w *world) sendToCaller(from *station, p packet) {
	forked := len(w.callees) > 1 && p.res != nil && p.res.Method == INVITE && p.res.FromTag == w.caller.tag && p.res.Status >= 300
	if !forked || p.res.CSeq != w.caller.first {
		w.carry(p, w.caller)
		return
	}
	ack := Request{Method: ACK, Header: p.res.Header}
	w.carry(packet{branch: p.branch, req: &ack}, from)
	f := w.forked[p.branch]
	if f == nil {
		f = &forking{failed: map[*station]*Response{}}
		w.forked[p.branch] = f
	}
	if f.failed[from] == nil {
		f.failed[from] = p.res
		if len(f.failed) == len(w.callees) {
			w.carry(p, w.caller)
		}
	}
}

// station is a user agent: transactions, a machine, and somebody who uses it.
type station struct {
	w       *world
	tag     string
	first   uint32 // CSeq of the last INVITE of the caller outside a dialog
	cfg     Config
	m       *Machine
	dead    bool // it has crashed
	wake    time.Time
	clients []*clientTx
	servers []*serverTx
	user    func(Effect)          // what the application is told
	watch   func(in bool, ev any) // every message that reaches or leaves the machine
	told    []Effect              // scratch
}

// apply gives the machine an event and does what it says.
func (s *station) apply(ev Event) {
	if s.m == nil || s.dead {
		return
	}
	out := s.m.Apply(s.w.now, ev, s.told[:0])
	s.told = nil // what follows may come back here
	for _, e := range out {
		s.do(e)
	}
	s.told = out
	s.schedule()
}

func (s *station) schedule() {
	at := s.m.Deadline()
	if at.IsZero() || at.Equal(s.wake) {
		s.wake = at
		return
	}
	s.wake = at
	s.w.after(at.Sub(s.w.now), func() {
		if s.wake.Equal(at) {
			s.wake = time.Time{}
			s.apply(Tick{})
		}
	})
}

func (s *station) do(e Effect) {
	switch e := e.(type) {
	case Request:
		s.watch(false, &e)
		s.request(&e)
	case Response:
		s.watch(false, &e)
		e.Contact = "sip:" + s.tag
		e.Tx.(*serverTx).respond(&e)
	case Abandon:
		s.watch(false, &e)
		for _, c := range s.clients {
			if c.req.Method == INVITE && c.req.CSeq == e.CSeq {
				c.finish(0)
			}
		}
	case Passed:
		res := Response{Status: 200, Method: e.Method, Header: Header{CSeq: e.CSeq, FromTag: e.FromTag, ToTag: s.tag}}
		e.Tx.(*serverTx).respond(&res)
	default:
		s.user(e)
	}
}

// request begins a client transaction.
func (s *station) request(r *Request) {
	r.Contact = "sip:" + s.tag
	switch r.Method {
	case ACK:
		s.w.branch++
		s.w.send(s, packet{branch: s.w.branch, req: r})
		return
	case CANCEL:
		for _, c := range s.clients {
			if c.req.Method == INVITE && c.req.CSeq == r.CSeq {
				(&clientTx{s: s, req: r, branch: c.branch}).start()
			}
		}
		return
	case INVITE:
		if r.ToTag == "" {
			s.first = r.CSeq
		}
	default:
	}
	s.w.branch++
	(&clientTx{s: s, req: r, branch: s.w.branch}).start()
}

// clientTx is the client transaction of RFC 3261 section 17.1 and RFC 6026.
type clientTx struct {
	s      *station
	branch int
	req    *Request
	wait   time.Duration
	heard  bool
	final  int // 0: none yet
	gone   bool
}

func (c *clientTx) start() {
	c.s.clients = append(c.s.clients, c)
	c.wait = T1
	c.send()
	c.s.w.after(c.wait, c.resend)
	c.s.w.after(Lifetime, func() {
		if c.final != 0 || c.gone || c.heard && c.req.Method == INVITE {
			return
		}
		c.finish(408)
		if c.req.Method != CANCEL {
			res := Response{Status: 408, Local: true, Method: c.req.Method, Header: Header{CSeq: c.req.CSeq, FromTag: c.s.tag, ToTag: c.req.ToTag}}
			c.s.watch(true, &res)
			c.s.apply(res)
		}
	})
}

func (c *clientTx) send() { c.s.w.send(c.s, packet{branch: c.branch, req: c.req}) }

func (c *clientTx) resend() {
	if c.final != 0 || c.gone || c.s.dead || c.heard && c.req.Method == INVITE {
		return
	}
	c.send()
	c.wait *= 2
	if c.req.Method != INVITE {
		c.wait = min(c.wait, T2)
	}
	c.s.w.after(c.wait, c.resend)
}

// finish keeps the transaction for repeats of its final response.
func (c *clientTx) finish(status int) {
	c.final = status
	if status == 0 || status == 408 {
		c.gone = true
		return
	}
	c.s.w.after(Lifetime, func() { c.gone = true })
}

func (c *clientTx) receive(r *Response) {
	again := c.final != 0
	switch {
	case c.gone:
		return
	case r.Status < 200:
		if again {
			return
		}
		c.heard = true
	case r.Status < 300:
		if c.final >= 300 || again && c.req.Method != INVITE {
			return
		}
		if !again {
			c.finish(r.Status)
		}
	default:
		if c.req.Method == INVITE && c.final < 200 || c.final >= 300 {
			ack := Request{Method: ACK, Header: Header{CSeq: r.CSeq, FromTag: r.FromTag, ToTag: r.ToTag}}
			if c.req.Method == INVITE {
				c.s.w.send(c.s, packet{branch: c.branch, req: &ack})
			}
		}
		if again {
			return
		}
		c.finish(r.Status)
	}
	c.s.watch(true, r)
	c.s.apply(*r)
}

// active: it waits for a response.
func (c *clientTx) active() bool { return !c.gone && c.final == 0 }

// serverTx is the server transaction of RFC 3261 section 17.2 and RFC 6026.
type serverTx struct {
	s      *station
	branch int
	req    *Request
	last   *Response
	acked  bool
	wait   time.Duration
	gone   bool
	finals int
}

func (t *serverTx) respond(r *Response) {
	if r.Status >= 200 {
		if t.last == nil || t.last.Status < 200 {
			t.finals++
			t.s.w.after(Lifetime, func() { t.gone = true })
			if t.req.Method == INVITE && r.Status >= 300 {
				t.wait = T1
				t.s.w.after(t.wait, t.resend)
			}
		} else if r.Status >= 300 || t.last.Status >= 300 || t.req.Method != INVITE {
			t.finals++ // only a 2xx may be repeated, to INVITE
		}
	} else if t.last != nil && t.last.Status >= 200 {
		t.finals += 100 // a 1xx after the final response
	}
	t.last = r
	t.send()
}

func (t *serverTx) send() { t.s.w.send(t.s, packet{branch: t.branch, res: t.last}) }

func (t *serverTx) resend() {
	if t.acked || t.gone || t.s.dead {
		return
	}
	t.send()
	t.wait = min(2*t.wait, T2)
	t.s.w.after(t.wait, t.resend)
}

// receive takes a packet from the wire.
func (s *station) receive(p packet) {
	if s.dead {
		return
	}
	if p.res != nil {
		for _, c := range s.clients {
			if c.branch == p.branch && c.req.Method == p.res.Method {
				c.receive(p.res)
				return
			}
		}
		return
	}
	if p.req.Method == ACK {
		s.receiveACK(p)
		return
	}
	for _, t := range s.servers {
		if t.branch == p.branch && t.req.Method == p.req.Method && !t.gone {
			if t.last != nil && (t.req.Method != INVITE || t.last.Status < 200 || t.last.Status >= 300) {
				t.send()
			}
			return
		}
	}
	s.serve(p)
}

func (s *station) receiveACK(p packet) {
	for _, t := range s.servers {
		if t.branch == p.branch {
			t.acked = true
			return
		}
	}
	if s.m != nil && p.req.ToTag == s.tag {
		s.watch(true, p.req)
		s.apply(*p.req)
	}
}

// serve begins a server transaction.
func (s *station) serve(p packet) {
	r := *p.req
	t := &serverTx{s: s, branch: p.branch, req: &r}
	s.servers = append(s.servers, t)
	r.Tx = t
	inDialog := s.m != nil && !s.m.Done() && (r.ToTag == s.tag || r.Method == CANCEL)
	switch {
	case r.Method == CANCEL && !s.invited(p.branch), r.Method != INVITE && !inDialog, r.Method == INVITE && r.ToTag != "" && !inDialog:
		t.refuse(481)
		return
	case r.Method == INVITE && r.ToTag == "":
		if s.m != nil && !s.m.Done() { // an earlier try of the same call
			t.refuse(482)
			return
		}
		s.m = New(s.cfg)
	}
	if r.Method == INVITE {
		t.last = &Response{Status: 100, Method: INVITE, Header: Header{CSeq: r.CSeq, FromTag: r.FromTag}}
		t.send()
	}
	s.watch(true, &r)
	s.apply(r)
}

func (s *station) invited(branch int) bool {
	for _, t := range s.servers {
		if t.branch == branch && t.req.Method == INVITE && !t.gone {
			return true
		}
	}
	return false
}

func (t *serverTx) refuse(status int) {
	t.respond(&Response{Status: status, Method: t.req.Method, Header: Header{CSeq: t.req.CSeq, FromTag: t.req.FromTag, ToTag: t.s.tag}})
}

// quiet: nothing is on its way, and no transaction of the station is open.
func (s *station) quiet() bool {
	for _, c := range s.clients {
		if c.active() {
			return false
		}
	}
	for _, t := range s.servers {
		if !t.gone && (t.last == nil || t.last.Status < 200) {
			return false
		}
	}
	return true
}
