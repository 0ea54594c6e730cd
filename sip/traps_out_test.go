package sip

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

type outcome struct {
	leg *Leg
	err error
}

// invite calls the peer in the background.
func (p *peer) invited(ctx context.Context, u *UA, o InviteOptions) <-chan outcome {
	out := make(chan outcome, 1)
	go func() {
		l, err := u.Invite(ctx, Target{URI: "sip:callee@" + p.addr()}, o)
		out <- outcome{l, err}
	}()
	return out
}

func TestInviteOutcomes(t *testing.T) {
	u := run(t, testConfig(), nil, nil)
	p := newPeer(t, u)
	out := p.invited(timeout(t), u, InviteOptions{From: "100", SDP: sdp("o")})
	inv := p.expect("INVITE")
	for range 14 { // more than ten provisionals
		p.reply(inv, 180, "x", "")
	}
	p.reply(inv, 486, "x", "")
	p.expect("ACK")
	var se *StatusError
	got := <-out
	require.ErrorAs(t, got.err, &se)
	require.Equal(t, 486, se.Code)
	require.Equal(t, 486, StatusOf(got.err))
	start := time.Now()
	p.reply(inv, 486, "x", "") // our ACK was lost
	p.expect("ACK")
	require.Less(t, time.Since(start), time.Second)
}

func TestInviteManyProvisionalsThenOK(t *testing.T) {
	u := run(t, testConfig(), nil, nil)
	p := newPeer(t, u)
	out := p.invited(timeout(t), u, InviteOptions{From: "100", SDP: sdp("o")})
	inv := p.expect("INVITE")
	for range 30 {
		p.reply(inv, 183, "x", testSDP)
	}
	p.reply(inv, 200, "x", testSDP)
	got := <-out
	require.NoError(t, got.err)
	ack := p.expect("ACK")
	require.Equal(t, "x", tagOf(ack.To()))
	require.NotEqual(t, inv.Via().Params, ack.Via().Params, "an ACK to 2xx is a new transaction")
	p.reply(inv, 200, "x", testSDP)
	p.expect("ACK")
	require.NoError(t, got.leg.Hangup(timeout(t), Hangup{}))
	p.reply(p.expect("BYE"), 200, "", "")
}

func TestCancelOut(t *testing.T) {
	u := run(t, testConfig(), nil, nil)
	t.Run("after a provisional", func(t *testing.T) {
		p := newPeer(t, u)
		ctx, cancel := context.WithCancel(t.Context())
		out := p.invited(ctx, u, InviteOptions{From: "100"})
		inv := p.expect("INVITE")
		p.reply(inv, 180, "x", "", "Record-Route", "<sip:192.0.2.77;lr>")
		require.Eventually(t, func() bool { cancel(); return true }, time.Second, time.Millisecond)
		c := p.expect("CANCEL")
		require.Empty(t, c.GetHeaders("Route"), "a Record-Route in a 18x does not move the CANCEL")
		require.Equal(t, inv.Via().Value(), c.Via().Value())
		require.Empty(t, tagOf(c.To()))
		p.reply(c, 200, "x", "")
		p.reply(inv, 487, "x", "")
		p.expect("ACK")
		require.ErrorIs(t, (<-out).err, context.Canceled)
	})
	t.Run("waits for a provisional", func(t *testing.T) {
		p := newPeer(t, u)
		ctx, cancel := context.WithCancel(t.Context())
		out := p.invited(ctx, u, InviteOptions{From: "100"})
		inv := p.expect("INVITE")
		cancel()
		require.ErrorIs(t, (<-out).err, context.Canceled)
		p.silence("CANCEL", 100*time.Millisecond)
		p.reply(inv, 100, "", "")
		p.reply(p.expect("CANCEL"), 200, "x", "")
		p.reply(inv, 487, "x", "")
		p.expect("ACK")
	})
	t.Run("200 crosses the CANCEL", func(t *testing.T) {
		p := newPeer(t, u)
		ctx, cancel := context.WithCancel(t.Context())
		out := p.invited(ctx, u, InviteOptions{From: "100", SDP: sdp("o")})
		inv := p.expect("INVITE")
		p.reply(inv, 180, "x", "")
		cancel()
		p.reply(p.expect("CANCEL"), 200, "x", "")
		p.reply(inv, 200, "x", testSDP)
		p.expect("ACK")
		bye := p.expect("BYE")
		require.Equal(t, "x", tagOf(bye.To()))
		p.reply(bye, 200, "", "")
		require.ErrorIs(t, (<-out).err, context.Canceled)
	})
	require.Eventually(t, func() bool { return u.legs.count() == 0 }, time.Second, time.Millisecond)
}

func TestSecondFork(t *testing.T) {
	t.Parallel()
	u := run(t, testConfig(), nil, nil)
	p := newPeer(t, u)
	out := p.invited(timeout(t), u, InviteOptions{From: "100", SDP: sdp("o")})
	inv := p.expect("INVITE")
	p.reply(inv, 200, "fork1", testSDP)
	require.Equal(t, "fork1", tagOf(p.expect("ACK").To()))
	p.reply(inv, 200, "fork2", testSDP)
	require.Equal(t, "fork2", tagOf(p.expect("ACK").To()))
	bye := p.expect("BYE")
	require.Equal(t, "fork2", tagOf(bye.To()))
	p.reply(bye, 200, "", "")
	got := <-out
	require.NoError(t, got.err)
	require.NoError(t, got.leg.Cause(), "the first one talks on")
}

// A branch that answers when the call is over already is told so, from its
// answer alone; and repeats of the answer that we had need nothing any more.
func TestForkAfterTheCall(t *testing.T) {
	u := run(t, testConfig(), nil, nil)
	p := newPeer(t, u)
	out := p.invited(timeout(t), u, InviteOptions{From: "100", SDP: sdp("o")})
	inv := p.expect("INVITE")
	p.reply(inv, 200, "fork1", testSDP)
	p.expect("ACK")
	got := <-out
	require.NoError(t, got.err)
	require.NoError(t, got.leg.Hangup(timeout(t), Hangup{}))
	p.reply(p.expect("BYE"), 200, "", "")
	require.Eventually(t, func() bool { return u.legs.get(got.leg.ID()) == nil && u.tx.Live() == 0 }, 2*time.Second, time.Millisecond)
	p.reply(inv, 200, "fork1", testSDP)
	p.reply(inv, 200, "fork2", testSDP, "Record-Route", "<sip:far@192.0.2.9;lr>", "Record-Route", "<sip:near@"+p.addr()+";lr>")
	ack := p.expect("ACK")
	require.Equal(t, "fork2", tagOf(ack.To()), "none for the repeat")
	require.Equal(t, inv.CSeq().SeqNo, ack.CSeq().SeqNo)
	require.Equal(t, "callee", ack.Recipient.User)
	bye := p.expect("BYE")
	require.Equal(t, "fork2", tagOf(bye.To()))
	require.Equal(t, tagOfFrom(inv.From()), tagOfFrom(bye.From()))
	require.Equal(t, inv.CSeq().SeqNo+1, bye.CSeq().SeqNo)
	var routes []string
	for _, h := range bye.GetHeaders("Route") {
		routes = append(routes, h.Value())
	}
	require.Equal(t, []string{"<sip:near@" + p.addr() + ";lr>", "<sip:far@192.0.2.9;lr>"}, routes)
	p.reply(bye, 200, "", "")
}

func TestByeRightBehindTheOK(t *testing.T) {
	u := run(t, testConfig(), nil, nil)
	for range 30 {
		p := newPeer(t, u)
		out := p.invited(timeout(t), u, InviteOptions{From: "100", SDP: sdp("o")})
		inv := p.expect("INVITE")
		p.to = "<" + inv.From().Address.String() + ">;tag=" + tagOfFrom(inv.From())
		p.call = inv.CallID().Value()
		p.reply(inv, 200, "p1", testSDP)
		p.send(p.request("BYE", "bye"+p.addr(), 1, ""))
		p.response("BYE", 200)
		got := <-out
		require.NoError(t, got.err)
		ended(t, got.leg, ErrRemoteHangup)
	}
}

func TestReinviteOut(t *testing.T) {
	t.Parallel()
	u := run(t, testConfig(), nil, nil)
	p := newPeer(t, u)
	out := p.invited(timeout(t), u, InviteOptions{From: "100", SDP: sdp("o")})
	p.reply(p.expect("INVITE"), 200, "x", testSDP)
	l := (<-out).leg
	p.expect("ACK")
	res := make(chan error, 1)
	again := func() {
		go func() {
			_, err := l.Reinvite(context.WithoutCancel(t.Context()), sdp("hold"))
			res <- err
		}()
	}
	again()
	p.reply(p.expect("INVITE"), 488, "", "")
	p.expect("ACK")
	require.Equal(t, 488, StatusOf(<-res))
	require.NoError(t, l.Cause(), "a refusal leaves the call as it was")
	again()
	p.reply(p.expect("INVITE"), 481, "", "")
	require.ErrorIs(t, <-res, ErrDialogGone)
	ended(t, l, ErrDialogGone)
}

func TestNoAnswerFromUnreachablePeer(t *testing.T) {
	u := run(t, testConfig(), nil, nil)
	_, err := u.Invite(timeout(t), Target{URI: "sip:x@127.0.0.1:9", Transport: "TCP"}, InviteOptions{})
	require.Error(t, err)
	_, err = u.Invite(timeout(t), Target{User: "nobody"}, InviteOptions{})
	require.True(t, errors.Is(err, ErrNotRegistered))
	require.Equal(t, 480, StatusOf(err))
}

func TestByeCrossesBye(t *testing.T) {
	legs := make(chan *Leg, 1)
	u := run(t, testConfig(), nil, answerer(t, legs))
	p := newPeer(t, u)
	p.dial()
	l := <-legs
	p.ack()
	_, err := l.RemoteAnswer(timeout(t))
	require.NoError(t, err)
	require.NoError(t, l.Hangup(timeout(t), Hangup{}))
	bye := p.expect("BYE")
	p.in("BYE", "")
	p.response("BYE", 200)
	p.reply(bye, 200, "", "")
}
