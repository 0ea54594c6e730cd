package sip

import (
	"sync"

	gosip "github.com/emiago/sipgo/sip"

	"filo/sip/transport"
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
	b.mu.Lock()
	defer b.mu.Unlock()
	b.acks[ackKey(d.remoteTag, seq)] = req
	b.u.write(d.hop, req)
}

// again handles a repeated 2xx: the same ACK again, or, for a second branch of
// a forked INVITE, an ACK and a BYE: we talk to the first who answered
// (RFC 3261 section 13.2.2.4).
func (b *ackBook) again(res *gosip.Response, f transport.Flow) {
	cseq, contact := res.CSeq(), res.Contact()
	tag := tagOf(res.To())
	if cseq == nil || tag == "" {
		return
	}
	b.mu.Lock()
	req := b.acks[ackKey(tag, cseq.SeqNo)]
	if req != nil {
		b.u.met.Resent("ack")
		b.u.write(b.d.hop, req)
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
	fork.hop = b.u.toward(fork.hop, nextHop(contact.Address, fork.routes, f.Remote()))
	b.ack(fork, cseq.SeqNo)
	bye := fork.request(b.u, gosip.BYE, cseq.SeqNo+1)
	b.u.fire(fork.hop, bye)
}
