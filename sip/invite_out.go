package sip

import (
	"context"
	"errors"
	"fmt"
	"time"

	gosip "github.com/emiago/sipgo/sip"

	"filo/sip/transaction"
	"filo/sip/transport"
)

// InviteOptions shape an outbound call.
type InviteOptions struct {
	From, FromName string // user part and display name of the caller
	SDP            []byte // our offer; nil leaves the offer to the far side
	// Describe, if set, makes the offer in place of SDP, for each place where the
	// call is sent: whom we reach within our network is told another address than
	// a carrier. It may be called at the same time for several, and must not block.
	Describe       func(to Peer) []byte
	Headers        map[string]string
	User, Password string // answers a digest challenge; for robots
	// Placed is told the Call-ID of each INVITE before it leaves, also of those
	// that come to nothing. It must not block.
	Placed func(callID string)
	// OnProvisional sees each 1xx above 100. It must not block.
	OnProvisional func(code int, sdp []byte)
}

// clientInvite is an INVITE of ours until its final response.
type clientInvite struct {
	leg     *Leg
	tx      *transaction.Client
	initial bool
	opts    InviteOptions
	heard   func()
	result  chan error // one value: nil for 2xx
	proceed bool       // a 1xx came: CANCEL may be sent
	cancel  *Hangup    // we want it cancelled
	sent    bool       // the CANCEL was sent
	giveUp  *time.Timer
	tried   bool // credentials were sent
	answer  []byte
}

// placing is one INVITE to be placed: to whom, as whom and by which way.
type placing struct {
	uri      gosip.Uri // of the request line
	to, from gosip.Uri
	fromName string
	called   string // for Info; "": the user of to
	hop      hop
	opts     InviteOptions
	heard    func() // told of each response, also of 100; may be nil, must not block
}

// invite sends one INVITE and waits for its end, as Invite promises. The
// caller is inside.
func (u *UA) invite(ctx context.Context, p placing) (*Leg, error) {
	l := u.newOutboundLeg(ctx, p)
	c := &clientInvite{leg: l, initial: true, opts: p.opts, heard: p.heard, result: make(chan error, 1)}
	u.legs.add(l) // before sending: the answer may be quick
	if p.opts.Placed != nil {
		p.opts.Placed(l.d.callID)
	}
	l.post(func() {
		l.cli = c
		if err := l.sendInvite(l.inviteRequest(p.opts)); err != nil {
			l.failInvite(fmt.Errorf("invite: %w", err))
		}
	})
	select {
	case err := <-c.result:
		if err != nil {
			return nil, err
		}
		return l, nil
	case <-ctx.Done():
		cause := context.Cause(ctx)
		l.post(func() { l.terminate(Hangup{Cause: cancelReason(cause)}, errors.Join(ErrCancelled, cause)) })
		return nil, fmt.Errorf("invite: %w", cause)
	}
}

// cancelReason keeps phones from showing a missed call when somebody else
// answered (RFC 3326); causes of ours never carry personal data.
func cancelReason(cause error) string {
	switch {
	case errors.Is(cause, errElsewhere):
		return `SIP;cause=200;text="Call completed elsewhere"`
	case errors.Is(cause, context.DeadlineExceeded):
		return `SIP;cause=408;text="no answer"`
	}
	return `SIP;cause=487;text="cancelled"`
}

func (u *UA) newOutboundLeg(ctx context.Context, p placing) *Leg {
	l := newLeg(ctx, u, "o"+newToken())
	l.d = dialog{
		callID:       newToken(),
		localTag:     l.id,
		local:        p.from,
		localName:    p.fromName,
		remote:       p.to,
		remoteTarget: p.uri,
		localSeq:     1,
		contact:      u.contactURI(p.from.User, p.hop),
		hop:          p.hop,
	}
	l.localSDP = p.opts.SDP
	l.info = Info{
		CallID: l.d.callID, From: userOf(p.from), FromName: p.opts.FromName, To: userOf(p.to), Called: p.called,
		Transport: p.hop.network, Source: p.hop.source(), Received: u.now(),
	}
	if p.hop.trunk != nil {
		l.info.Trunk = p.hop.trunk.Name
	}
	l.acks = newAckBook(u, l.d)
	return l
}

func (l *Leg) inviteRequest(o InviteOptions) *gosip.Request {
	req := l.d.request(l.u, gosip.INVITE, l.d.localSeq)
	req.AppendHeader(gosip.NewHeader("Supported", supportedExt))
	for name, value := range o.Headers {
		if goodHeaderName(name) {
			req.AppendHeader(gosip.NewHeader(name, oneLine(value)))
		}
	}
	setSDP(req, o.SDP)
	return req
}

// sendInvite starts the transaction of l.cli.
func (l *Leg) sendInvite(req *gosip.Request) error {
	tx, err := l.u.tx.Request(l.d.hop.flow, req, l.cli)
	if err != nil {
		return txError(err)
	}
	l.cli.tx = tx
	return nil
}

// Response takes what the transaction layer has for the INVITE: it makes
// clientInvite the transaction's user.
func (c *clientInvite) Response(_ *transaction.Client, res *gosip.Response, f transport.Flow) {
	l, mine := c.leg, false
	l.post(func() {
		if mine = l.cli == c; mine {
			l.onInviteResponse(res, f)
		}
	})
	if !mine && res.IsSuccess() {
		l.acks.again(res, f)
	}
}

// Failed takes the news that no final response will come.
func (c *clientInvite) Failed(_ *transaction.Client, err error) {
	l := c.leg
	l.post(func() {
		if l.cli == c {
			l.failInvite(txError(err))
		}
	})
}

// onInviteResponse handles a response to our INVITE in progress.
func (l *Leg) onInviteResponse(res *gosip.Response, f transport.Flow) {
	c := l.cli
	if c.heard != nil {
		l.calls = append(l.calls, c.heard)
	}
	switch {
	case res.IsProvisional():
		c.proceed = true
		if c.cancel != nil {
			l.sendCancel()
			return
		}
		if told := c.opts.OnProvisional; told != nil && res.StatusCode > 100 {
			l.calls = append(l.calls, func() { told(res.StatusCode, res.Body()) })
		}
	case res.IsSuccess():
		l.onInviteOK(res, f)
	default:
		l.onInviteFailure(res)
	}
}

func (l *Leg) onInviteOK(res *gosip.Response, f transport.Flow) {
	c := l.cli
	if tagOf(res.To()) == "" || (c.initial && res.Contact() == nil) {
		l.failInvite(fmt.Errorf("2xx without tag or Contact: %w", errBadMessage))
		return
	}
	if c.initial {
		l.d.remoteTag = tagOf(res.To())
		l.d.routes = recordRoutes(res, true)
	}
	if contact := res.Contact(); contact != nil {
		l.refreshTarget(contact.Address, f)
	}
	l.d.hop = l.u.refreshed(l.d.hop)
	l.acks.ack(l.d, res.CSeq().SeqNo)
	c.answer = res.Body()
	l.setRemoteSDP(c.answer)
	l.clearInvite(nil)
	if c.initial {
		if l.state == stateEnded { // our CANCEL crossed the answer
			h := Hangup{}
			if c.cancel != nil {
				h = *c.cancel
			}
			l.bye(h)
			return
		}
		l.state = stateConfirmed
	}
	if l.byeWaits != nil {
		l.byeWaits()
		l.byeWaits = nil
	}
}

func (l *Leg) onInviteFailure(res *gosip.Response) {
	c := l.cli
	code := res.StatusCode
	if (code == statusUnauthorized || code == 407) && c.initial && !c.tried && c.cancel == nil && c.opts.Password != "" {
		if err := l.inviteWithCredentials(res); err == nil {
			return
		}
	}
	if !c.initial && (code == statusNoDialog || code == statusTimeout) {
		// RFC 3261 section 12.2.1.2: these end the dialog.
		l.failInvite(ErrDialogGone)
		l.bye(Hangup{})
		l.end(ErrDialogGone)
		return
	}
	l.failInvite(&StatusError{Code: code, Reason: oneLine(res.Reason), contacts: redirection(res)})
}

func (l *Leg) inviteWithCredentials(res *gosip.Response) error {
	c := l.cli
	name, value, err := answerChallenge(res, string(gosip.INVITE), c.tx.Request().Recipient.String(), c.opts.User, c.opts.Password)
	if err != nil {
		return err
	}
	c.tried, c.proceed = true, false
	l.d.localSeq++
	req := l.inviteRequest(c.opts)
	req.AppendHeader(gosip.NewHeader(name, value))
	return l.sendInvite(req)
}

func (l *Leg) failInvite(err error) {
	initial := l.cli.initial
	l.clearInvite(err)
	if initial {
		l.end(err)
	}
}

// clearInvite ends the INVITE in progress and tells who waits for it.
func (l *Leg) clearInvite(err error) {
	if l.cli.giveUp != nil {
		l.cli.giveUp.Stop()
	}
	l.cli.result <- err
	l.cli = nil
}

func (l *Leg) dropClient(err error) {
	l.cli.tx.Abandon()
	l.clearInvite(err)
}

// cancelInvite gives up an INVITE without an answer (RFC 3261 section 9.1: a
// CANCEL may only follow a provisional response).
func (l *Leg) cancelInvite(h Hangup) {
	c := l.cli
	if c == nil || c.cancel != nil {
		return
	}
	c.cancel = &h
	if c.proceed {
		l.sendCancel()
	}
	// The final response is due; without it the transaction is dropped.
	c.giveUp = l.after(transaction.TimeoutAfter, func() {
		if l.cli == c {
			l.dropClient(ErrTimeout)
		}
	})
}

func (l *Leg) sendCancel() {
	c := l.cli
	if c.sent {
		return
	}
	c.sent = true
	req := transaction.NewCancel(c.tx.Request())
	if c.cancel.Cause != "" {
		req.AppendHeader(gosip.NewHeader("Reason", oneLine(c.cancel.Cause)))
	}
	l.u.fire(hop{flow: c.tx.Flow()}, req)
}

// refreshTarget takes over the far side's contact, told by f.
func (l *Leg) refreshTarget(contact gosip.Uri, f transport.Flow) {
	l.d.remoteTarget = contact
	l.d.hop = l.u.toward(l.d.hop, nextHop(contact, l.d.routes, f.Remote()))
}
