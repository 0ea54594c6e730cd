package sip

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestSessionTimerOnTheWire(t *testing.T) {
	tests := []struct {
		name    string
		headers []string
		code    int
		want    map[string]string
	}{
		{"too short", []string{"Supported: timer", "Session-Expires: 60"}, 422, map[string]string{"Min-SE": "90"}},
		{
			"the caller refreshes",
			[]string{"Supported: timer", "x: 1200;refresher=uac"},
			200,
			map[string]string{"Session-Expires": "1200;refresher=uac", "Require": "timer"},
		},
		{"nobody said who", []string{"k: timer, 100rel", "Session-Expires: 1200"}, 200, map[string]string{"Session-Expires": "1200;refresher=uas"}},
		{"our own wish", nil, 200, map[string]string{"Session-Expires": "1800;refresher=uas", "Supported": supportedExt, "Allow": allowedMethods}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			legs := make(chan *Leg, 1)
			u := run(t, testConfig(), nil, answerer(t, legs))
			p := newPeer(t, u)
			p.send(p.request("INVITE", "inv", 1, testSDP, tt.headers...))
			res := p.response("INVITE", tt.code)
			for name, value := range tt.want {
				require.NotNil(t, res.GetHeader(name), name)
				require.Equal(t, value, res.GetHeader(name).Value())
			}
			if tt.code == 200 {
				p.to, p.seq = res.To().Value(), 1
				p.ack()
			} else {
				p.send(p.request("ACK", "inv", 1, ""))
			}
		})
	}
}

func TestProgressOnTheWire(t *testing.T) {
	t.Parallel()
	legs, h := collector()
	u := run(t, testConfig(), nil, h)
	p := newPeer(t, u)
	p.send(p.request("INVITE", "inv", 1, testSDP, "Supported: 100rel"))
	l := <-legs
	require.NoError(t, l.Progress(timeout(t), sdp("early")))
	res := p.response("INVITE", 183)
	require.Equal(t, "100rel", res.GetHeader("Require").Value())
	require.Contains(t, string(res.Body()), "early")
	require.NoError(t, l.Answer(timeout(t), nil))
	p.to, p.seq = res.To().Value(), 1
	p.in("PRACK", "", fmt.Sprintf("RAck: %s 1 INVITE", res.GetHeader("RSeq").Value()))
	p.response("PRACK", 200)
	require.Empty(t, p.response("INVITE", 200).Body(), "the 183 said it")
	p.send(p.request("ACK", "ack", 1, ""))
	p.in("BYE", "", "User-to-User: 00feed", "X-Cart: 7", "X-Secret: 1")
	p.response("BYE", 200)
	ended(t, l, ErrRemoteHangup)
	require.Equal(t, map[string]string{"User-to-User": "00feed", "X-Cart": "7"}, l.Headers())
}

func TestByeIsChallenged(t *testing.T) {
	t.Parallel()
	u := run(t, testConfig(), nil, nil)
	p := newPeer(t, u)
	out := p.invited(timeout(t), u, InviteOptions{From: "100", SDP: sdp("o"), User: "filo", Password: "secret"})
	const challenge = `Digest realm="r", nonce="n", algorithm=MD5`
	p.reply(p.expect("INVITE"), 401, "a", "", "WWW-Authenticate", challenge)
	p.expect("ACK")
	inv := p.expect("INVITE")
	require.EqualValues(t, 2, inv.CSeq().SeqNo)
	require.Contains(t, inv.GetHeader("Authorization").Value(), `username="filo"`)
	p.reply(inv, 200, "x", testSDP)
	p.expect("ACK")
	l := (<-out).leg
	require.NoError(t, l.Hangup(timeout(t), Hangup{Cause: "Q.850;cause=16", Headers: map[string]string{"User-to-User": "00feed", "Via": "x"}}))
	p.reply(p.expect("BYE"), 407, "", "", "Proxy-Authenticate", challenge)
	bye := p.expect("BYE")
	require.EqualValues(t, 4, bye.CSeq().SeqNo)
	require.NotNil(t, bye.GetHeader("Proxy-Authorization"))
	require.Equal(t, "Q.850;cause=16", bye.GetHeader("Reason").Value())
	require.Equal(t, "00feed", bye.GetHeader("User-to-User").Value())
	require.Len(t, bye.GetHeaders("Via"), 1)
	p.reply(bye, 407, "", "", "Proxy-Authenticate", challenge) // not again
	ended(t, l, ErrHangup)
}

func TestRoutesOfACall(t *testing.T) {
	t.Parallel()
	u := run(t, testConfig(), nil, nil)
	p := newPeer(t, u)
	out := p.invited(timeout(t), u, InviteOptions{From: "100", SDP: sdp("o")})
	inv := p.expect("INVITE")
	first := "<sip:" + p.addr() + ";lr>" // the proxy next to us is the peer's own socket
	p.reply(inv, 200, "x", testSDP, "Record-Route", "<sip:far.example;lr>", "Record-Route", first)
	l := (<-out).leg
	require.NoError(t, l.Hangup(timeout(t), Hangup{}))
	for _, method := range []string{"ACK", "BYE"} {
		req := p.expect(method)
		var routes []string
		for _, h := range req.GetHeaders("Route") {
			routes = append(routes, h.Value())
		}
		require.Equal(t, []string{first, "<sip:far.example;lr>"}, routes)
		require.Equal(t, "callee", req.Recipient.User)
		if method == "BYE" {
			p.reply(req, 200, "", "")
		}
	}
}

func TestReplacesIsRefused(t *testing.T) {
	t.Parallel()
	legs := make(chan *Leg, 1)
	u := run(t, testConfig(), nil, answerer(t, legs))
	p := newPeer(t, u)
	to := p.dial().To()
	p.ack()
	l := <-legs
	_, err := l.RemoteAnswer(timeout(t))
	require.NoError(t, err)
	tests := []struct {
		name, replaces string
		code           int
	}{
		{"nobody's", "a@b;to-tag=x;from-tag=y", 481},
		{"wrong far side", p.call + ";to-tag=" + tagOf(to) + ";from-tag=other", 481},
		{"junk", "x", 400},
		{"early only", p.call + ";early-only;to-tag=" + tagOf(to) + ";from-tag=p1", 486},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			other := newPeer(t, u)
			other.send(other.request("INVITE", "inv", 1, testSDP, "Replaces: "+tt.replaces))
			other.response("INVITE", tt.code)
			other.send(other.request("ACK", "inv", 1, ""))
		})
	}
	require.NoError(t, l.Cause())
	p.in("BYE", "")
	p.response("BYE", 200)
	t.Run("it has ended", func(t *testing.T) { // and is no longer known
		other := newPeer(t, u)
		other.send(other.request("INVITE", "inv", 1, testSDP, "Replaces: "+p.call+";to-tag="+tagOf(to)+";from-tag=p1"))
		other.response("INVITE", 481)
		other.send(other.request("ACK", "inv", 1, ""))
	})
}

func TestInviteWithReplaces(t *testing.T) {
	t.Parallel()
	u := run(t, testConfig(), nil, nil)
	p := newPeer(t, u)
	out := p.invited(timeout(t), u, InviteOptions{From: "100", SDP: sdp("o"), Replaces: "c@d;to-tag=1;from-tag=2"})
	inv := p.expect("INVITE")
	require.Equal(t, "c@d;to-tag=1;from-tag=2", inv.GetHeader("Replaces").Value())
	require.Equal(t, "replaces", inv.GetHeader("Require").Value())
	p.reply(inv, 486, "x", "")
	require.Equal(t, 486, StatusOf((<-out).err))
}

func TestLateOfferThatNobodyAnswers(t *testing.T) {
	t.Parallel()
	u := run(t, testConfig(), nil, nil)
	p := newPeer(t, u)
	out := p.invited(timeout(t), u, InviteOptions{From: "100"})
	p.reply(p.expect("INVITE"), 200, "x", testSDP)
	require.Contains(t, string(p.expect("ACK").Body()), "m=audio 0 ", "the answer wants nothing of it")
	p.reply(p.expect("BYE"), 200, "", "")
	require.ErrorIs(t, (<-out).err, ErrNoSession)
}

func TestReferThatReplacesItself(t *testing.T) {
	t.Parallel()
	wanted := make(chan *TransferRequest, 1)
	legs := make(chan *Leg, 1)
	answer := answerer(t, legs)
	u := run(t, testConfig(), nil, func(ctx context.Context, l *Leg) {
		l.OnTransfer(func(r *TransferRequest) { wanted <- r })
		answer(ctx, l)
	})
	p := newPeer(t, u)
	to := p.dial().To()
	p.ack()
	l := <-legs
	p.in("REFER", "", fmt.Sprintf("Refer-To: <sip:300@filo?Replaces=%s%%3Bto-tag%%3D%s%%3Bfrom-tag%%3Dp1>", p.call, tagOf(to)))
	p.response("REFER", 202)
	r := <-wanted
	require.Same(t, l, r.Replaces)
	require.Equal(t, "sip:300@filo", r.To)
	require.Empty(t, r.ReplacesOther)
	notify := p.expect("NOTIFY")
	require.Contains(t, string(notify.Body()), "SIP/2.0 100")
	p.reply(notify, 481, "", "") // nobody wants to know
	require.Eventually(t, func() bool { return errors.Is(r.Progress(t.Context(), 200), ErrState) }, time.Second, time.Millisecond)
	require.NoError(t, l.Cause(), "the call goes on")
}
