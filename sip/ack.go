package sip

import (
	"sync"
	"time"

	gosip "github.com/emiago/sipgo/sip"
)

// ackBook keeps the ACKs of a leg's 2xx responses, because a repeated 2xx means
// that the ACK was lost. It outlives the leg's goroutine: repeats come for 32 s.
type ackBook struct {
	u *UA

	mu   sync.Mutex
	d    dialog
	acks map[string]*gosip.Request // by To-tag and CSeq
}

func newAckBook(u *UA, d dialog) *ackBook {
	return &ackBook{u: u, d: d, acks: make(map[string]*gosip.Request, 1)}
}

func ackKey(tag string, seq uint32) string { return tag + " " + itoa(seq) }

// ack sends the ACK of a 2xx within dialog d. An ACK to a 2xx is a transaction
// of its own, with a new branch, straight to the transport.
func (b *ackBook) ack(d dialog, seq uint32) {
	req := d.request(b.u, gosip.ACK, seq)
	req.SetBody(nil)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.acks[ackKey(d.remoteTag, seq)] = req
	b.u.write(req)
}

// again handles a repeated 2xx: the same ACK again, or, for a second branch of
// a forked INVITE, an ACK and a BYE: we talk to the first who answered
// (RFC 3261 section 13.2.2.4).
func (b *ackBook) again(res *gosip.Response) {
	b.u.order.absorbed(res)
	if !b.u.enter() {
		return
	}
	defer b.u.leave()
	cseq, contact := res.CSeq(), res.Contact()
	tag := tagOf(res.To())
	if cseq == nil || tag == "" {
		return
	}
	b.mu.Lock()
	req := b.acks[ackKey(tag, cseq.SeqNo)]
	if req != nil {
		b.u.met.resent.WithLabelValues("ack").Inc()
		b.u.write(req)
		b.mu.Unlock()
		return
	}
	first := len(b.acks) == 0
	b.mu.Unlock()
	if first || contact == nil {
		return // the leg is about to acknowledge it
	}
	fork := b.d
	fork.remoteTag = tag
	fork.remoteTarget = contact.Address
	fork.routes = recordRoutes(res, true)
	if fork.hop.flow == "" {
		fork.hop.addr = nextHop(contact.Address, fork.routes, res.Source())
	}
	b.ack(fork, cseq.SeqNo)
	bye := fork.request(b.u, gosip.BYE, cseq.SeqNo+1)
	bye.SetBody(nil)
	b.u.fire(bye)
}

// reackTable answers repeats of a final failure to an INVITE of ours, whose
// transaction we ended: see onInviteFailure.
type reackTable struct {
	write func(*gosip.Request)

	mu   sync.Mutex
	m    map[string]*reack
	fifo []*reack
}

type reack struct {
	branch string
	ack    *gosip.Request
	until  time.Time
}

func newReackTable(write func(*gosip.Request)) *reackTable {
	return &reackTable{write: write, m: make(map[string]*reack)}
}

// add remembers the ACK of a failure (RFC 3261 section 17.1.1.3) for as long as
// Timer D would.
func (t *reackTable) add(invite *gosip.Request, res *gosip.Response) {
	if invite.Transport() != "UDP" {
		return
	}
	ack := gosip.NewRequest(gosip.ACK, *invite.Recipient.Clone())
	ack.AppendHeader(invite.Via().Clone())
	gosip.CopyHeaders("Route", invite, ack)
	maxForwards := gosip.MaxForwardsHeader(70)
	ack.AppendHeader(&maxForwards)
	gosip.CopyHeaders("From", invite, ack)
	gosip.CopyHeaders("To", res, ack)
	gosip.CopyHeaders("Call-ID", invite, ack)
	ack.AppendHeader(&gosip.CSeqHeader{SeqNo: invite.CSeq().SeqNo, MethodName: gosip.ACK})
	ack.SetBody(nil)
	ack.SetTransport("UDP")
	ack.SetDestination(invite.Destination())
	ack.Laddr = invite.Laddr
	branch, _ := invite.Via().Params.Get("branch")
	now := time.Now()
	r := &reack{branch: branch, ack: ack, until: now.Add(timerMax)}
	t.mu.Lock()
	defer t.mu.Unlock()
	for len(t.fifo) > 0 && (now.After(t.fifo[0].until) || len(t.fifo) >= 50000) {
		delete(t.m, t.fifo[0].branch)
		t.fifo = t.fifo[1:]
	}
	t.m[branch] = r
	t.fifo = append(t.fifo, r)
}

// stray handles a response that belongs to no transaction.
func (t *reackTable) stray(res *gosip.Response) {
	via, cseq := res.Via(), res.CSeq()
	if via == nil || cseq == nil || cseq.MethodName != gosip.INVITE || res.StatusCode < 300 {
		return
	}
	branch, _ := via.Params.Get("branch")
	t.mu.Lock()
	defer t.mu.Unlock()
	if r := t.m[branch]; r != nil {
		t.write(r.ack)
	}
}
