package sip

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing/synctest"
	"time"

	gosip "github.com/emiago/sipgo/sip"
	"github.com/stretchr/testify/require"

	"filo/sip/transaction"
	"filo/sip/transport"
)

// barePeer is a far side with transactions but without a dialog layer: it says
// what the flow wants, also what no user agent of ours would say.
type barePeer struct {
	b      *bubble
	s      *story
	layer  *transaction.Layer
	tp     *transport.Layer
	socket *transport.Socket

	mu      sync.Mutex
	callID  string
	tag     string // To-tag of ours in its dialog
	seq     uint32
	rseq    uint32 // last reliable response that was taken
	prack   string // offer to put into the next PRACK
	acked   map[string]bool
	heard   map[string]bool
	invites chan *transaction.Server // to it
}

func newBarePeer(b *bubble, s *story) *barePeer {
	p := &barePeer{
		b: b, s: s, callID: newToken(), acked: map[string]bool{}, heard: map[string]bool{},
		invites: make(chan *transaction.Server, 4),
	}
	ctx, cancel := context.WithCancel(b.t.Context())
	p.layer = transaction.New(ctx, transaction.Options{Tag: func(*gosip.Request) string { return "raw" }}, p)
	p.tp = transport.New(ctx, transport.Options{}, p.layer)
	var err error
	p.socket, err = p.tp.Packets(b.socket(hereAddr))
	require.NoError(b.t, err)
	p.tp.Start()
	b.stop = append(b.stop, func() { cancel(); p.layer.Close(); p.tp.Close() })
	return p
}

func (p *barePeer) there() transport.Flow { return p.socket.Flow(netip.MustParseAddrPort(thereAddr)) }

// once tells a line only the first time.
func (p *barePeer) once(format string, a ...any) {
	line := fmt.Sprintf(format, a...)
	p.mu.Lock()
	told := p.heard[line]
	p.heard[line] = true
	p.mu.Unlock()
	if !told {
		p.s.tell("%s", line)
	}
}

// Request answers what comes within a dialog; it makes barePeer a
// transaction.User.
func (p *barePeer) Request(tx *transaction.Server) {
	req := tx.Request()
	if req.Method == gosip.INVITE && tagOf(req.To()) == "" {
		p.invites <- tx
		return
	}
	fragment, _, _ := strings.Cut(string(req.Body()), "\r\n")
	p.once("raw gets %s %s %s", req.Method, tagOf(req.To()), fragment)
	_ = tx.Respond(tx.NewResponse(200, "OK"))
}

// ACK takes the ACK of a 2xx.
func (p *barePeer) ACK(_ transport.Flow, ack *gosip.Request) {
	p.mu.Lock()
	p.acked[tagOf(ack.To())] = true
	p.mu.Unlock()
	p.once("raw gets ACK %s", tagOf(ack.To()))
}

func (p *barePeer) Stray(transport.Flow, *gosip.Response) {}

func (p *barePeer) Closed(transport.Flow, error) {}

// message writes a request of the peer. The lock is held.
func (p *barePeer) message(method string, seq uint32, body string, extra ...string) *gosip.Request {
	to := "<sip:200@filo>"
	if p.tag != "" {
		to += ";tag=" + p.tag
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s sip:200@%s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=%s;rport\r\n", method, thereAddr, hereAddr, newBranch())
	fmt.Fprintf(&b, "Max-Forwards: 70\r\nFrom: <sip:100@raw>;tag=raw\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %d %s\r\n", to, p.callID, seq, method)
	fmt.Fprintf(&b, "Contact: <sip:100@%s>\r\n", hereAddr)
	for _, h := range extra {
		b.WriteString(h + "\r\n")
	}
	if strings.HasPrefix(body, "v=0") {
		b.WriteString("Content-Type: application/sdp\r\n")
	}
	fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n%s", len(body), body)
	m, err := gosip.ParseMessage(b.Bytes())
	require.NoError(p.b.t, err)
	return m.(*gosip.Request)
}

// asking is a request whose final response is awaited.
type asking struct {
	p      *barePeer
	invite bool
	seq    uint32
	final  chan *gosip.Response
	sdp    string // for the ACK
}

func (a *asking) Response(_ *transaction.Client, res *gosip.Response, _ transport.Flow) {
	switch {
	case res.IsProvisional():
		if a.invite && res.GetHeader("RSeq") != nil {
			a.p.acknowledge(res)
		}
		return
	case a.invite && res.IsSuccess():
		a.p.mu.Lock()
		a.p.tag = tagOf(res.To())
		ack := a.p.message("ACK", a.seq, a.sdp)
		a.p.mu.Unlock()
		_ = a.p.layer.Write(a.p.there(), ack)
	}
	select {
	case a.final <- res:
	default: // a repeat
	}
}

func (a *asking) Failed(_ *transaction.Client, err error) {
	a.p.s.tell("raw: %v", err)
	close(a.final)
}

// acknowledge sends PRACK for a reliable response, with the offer that was set.
func (p *barePeer) acknowledge(res *gosip.Response) {
	p.mu.Lock()
	defer p.mu.Unlock()
	rseq := readNumber(res.GetHeader("RSeq").Value())
	if rseq <= p.rseq {
		return
	}
	p.rseq, p.tag = rseq, tagOf(res.To())
	p.seq++
	offer := p.prack
	req := p.message("PRACK", p.seq, offer, fmt.Sprintf("RAck: %d %d INVITE", rseq, res.CSeq().SeqNo))
	a := &asking{p: p, seq: p.seq, final: make(chan *gosip.Response, 1)}
	_, err := p.layer.Request(p.there(), req, a)
	require.NoError(p.b.t, err)
	p.b.wg.Go(func() {
		res := <-a.final
		p.s.tell("raw: %d to PRACK, %s", res.StatusCode, nameOf(res.Body()))
	})
}

// ask sends a request, waits for its final response and tells it.
func (p *barePeer) ask(method, body string, extra ...string) *gosip.Response {
	return p.askLate(method, body, "", extra...)
}

// askLate is ask with a session description for the ACK.
func (p *barePeer) askLate(method, body, late string, extra ...string) *gosip.Response {
	p.mu.Lock()
	p.seq++
	a := &asking{p: p, invite: method == "INVITE", seq: p.seq, final: make(chan *gosip.Response, 1), sdp: late}
	req := p.message(method, p.seq, body, extra...)
	p.mu.Unlock()
	_, err := p.layer.Request(p.there(), req, a)
	require.NoError(p.b.t, err)
	res := <-a.final
	if res != nil {
		p.s.tell("raw: %d to %s, %s", res.StatusCode, method, nameOf(res.Body()))
	}
	return res
}

// host starts a user agent that the raw peer calls.
func host(b *bubble, s *story, h func(ctx context.Context, c *call, l *Leg)) (*call, *barePeer) {
	c := &call{bubble: b, story: s, in: make(chan *Leg, 4)}
	c.callee = b.serve(thereAddr, bubbleConfig(), func(ctx context.Context, l *Leg) {
		c.accepts("callee", l)
		c.ends(b, "callee", l)
		c.in <- l
		h(ctx, c, l)
		<-ctx.Done()
	})
	return c, newBarePeer(b, s)
}

// left checks that nothing is left of a call with a raw peer.
func (c *call) left(u *UA) {
	time.Sleep(2 * time.Minute)
	synctest.Wait()
	c.empty(u)
}

var bareFlows = []wireFlow{
	{name: "offers in PRACK, UPDATE and ACK", play: func(b *bubble, s *story) {
		c, p := host(b, s, func(ctx context.Context, c *call, l *Leg) {
			c.check(l.Progress(ctx, sdp("early")))
			time.Sleep(15 * time.Second)
			c.check(l.Answer(ctx, nil))
			l.OnAnswer(func(answer []byte) { c.tell("callee hears later %s", nameOf(answer)) })
		})
		p.prack = string(sdp("in PRACK"))
		p.ask("INVITE", string(sdp("raw")), "Supported: 100rel")
		time.Sleep(10 * time.Second)
		p.ask("UPDATE", string(sdp("in UPDATE")))
		p.ask("UPDATE", "")
		time.Sleep(10 * time.Second)
		p.askLate("INVITE", "", string(sdp("in ACK")))
		time.Sleep(10 * time.Second)
		p.ask("INFO", "Signal=5\r\n", "Content-Type: application/dtmf-relay")
		in := <-c.in
		c.tell("callee hears key %s, at last %s", <-in.Digits(), nameOf(in.RemoteSDP()))
		p.ask("BYE", "")
		c.left(c.callee)
	}},
	{name: "UPDATE before the answer", play: func(b *bubble, s *story) {
		c, p := host(b, s, func(ctx context.Context, c *call, l *Leg) {
			c.check(l.Progress(ctx, sdp("early")))
			time.Sleep(30 * time.Second)
			c.check(l.Answer(ctx, nil))
		})
		b.wg.Go(func() {
			time.Sleep(15 * time.Second)
			p.ask("UPDATE", string(sdp("in UPDATE")))
		})
		p.ask("INVITE", string(sdp("raw")), "Supported: 100rel")
		time.Sleep(10 * time.Second)
		c.tell("callee hears at last %s", nameOf((<-c.in).RemoteSDP()))
		p.ask("BYE", "", "User-to-User: 00feed")
		c.left(c.callee)
	}},
	{name: "transfer", play: func(b *bubble, s *story) {
		c, p := host(b, s, func(ctx context.Context, c *call, l *Leg) {
			wanted := make(chan *TransferRequest, 1)
			l.OnTransfer(func(r *TransferRequest) { wanted <- r })
			c.check(l.Answer(ctx, sdp("callee")))
			r := <-wanted
			c.tell("callee shall call %s for %s with %v", r.To, r.ReferredBy, r.Headers)
			for _, code := range []int{180, 200} {
				time.Sleep(10 * time.Second)
				c.check(r.Progress(ctx, code))
			}
		})
		p.ask("INVITE", string(sdp("raw")))
		time.Sleep(10 * time.Second)
		p.ask("REFER", "", "Refer-To: <sip:300@filo?User-to-User=00beef>", "Referred-By: <sip:100@raw>", "X-Cart: 7")
		time.Sleep(40 * time.Second)
		p.ask("BYE", "")
		c.left(c.callee)
	}},
	{name: "transfer that nobody takes", play: func(b *bubble, s *story) {
		c, p := host(b, s, func(ctx context.Context, c *call, l *Leg) { c.check(l.Answer(ctx, sdp("callee"))) })
		p.ask("INVITE", string(sdp("raw")))
		time.Sleep(10 * time.Second)
		p.ask("REFER", "", "Refer-To: <sip:300@filo>")
		p.ask("BYE", "")
		c.left(c.callee)
	}},
	{name: "a call in place of another", play: func(b *bubble, s *story) {
		c, p := host(b, s, func(ctx context.Context, c *call, l *Leg) {
			c.check(l.Answer(ctx, sdp("callee")))
			if other := l.Info().Replaces; other != nil {
				_, err := l.RemoteAnswer(ctx)
				c.check(err)
				c.check(other.Hangup(ctx, Hangup{}))
			}
		})
		p.ask("INVITE", string(sdp("raw")))
		time.Sleep(10 * time.Second)
		p.mu.Lock()
		replaces := fmt.Sprintf("Replaces: %s;to-tag=%s;from-tag=raw", p.callID, p.tag)
		p.callID, p.tag, p.seq = newToken(), "", 0
		p.mu.Unlock()
		p.ask("INVITE", string(sdp("raw again")), replaces, "Require: replaces")
		time.Sleep(10 * time.Second)
		p.ask("BYE", "")
		c.left(c.callee)
	}},
	{name: "two branches answer", play: func(b *bubble, s *story) {
		p := newBarePeer(b, s)
		c := &call{bubble: b, story: s}
		c.caller = b.serve(thereAddr, bubbleConfig(), func(ctx context.Context, _ *Leg) { <-ctx.Done() })
		b.wg.Go(func() { p.fork(<-p.invites, "f1", "f2") })
		l, err := c.caller.Invite(b.t.Context(), Target{URI: "sip:200@" + hereAddr}, InviteOptions{From: "100", SDP: sdp("caller")})
		c.check(err)
		time.Sleep(10 * time.Second)
		c.check(l.Hangup(b.t.Context(), Hangup{}))
		c.left(c.caller)
	}, races: true},
}

// fork answers an INVITE as several callees behind a proxy would, each until it
// has its ACK.
func (p *barePeer) fork(tx *transaction.Server, tags ...string) {
	req := tx.Request()
	respond := func(code int, tag string) {
		res := transaction.NewResponse(req, code, "x", tag)
		res.AppendHeader(gosip.NewHeader("Contact", "<sip:"+tag+"@"+hereAddr+">"))
		if code == 200 {
			setSDP(res, sdp(tag))
		}
		_ = tx.Respond(res)
	}
	for _, tag := range tags {
		respond(180, tag)
	}
	time.Sleep(5 * time.Second)
	for range 10 {
		for _, tag := range tags {
			p.mu.Lock()
			acked := p.acked[tag]
			p.mu.Unlock()
			if !acked {
				respond(200, tag)
			}
		}
		time.Sleep(time.Second)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, tag := range tags {
		if !p.acked[tag] {
			p.s.tell("no ACK for %s", tag)
		}
	}
}
