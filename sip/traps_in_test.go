package sip

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	gosip "github.com/emiago/sipgo/sip"
	"github.com/stretchr/testify/require"
)

// legs collects inbound legs without touching them.
func collector() (chan *Leg, Handler) {
	legs := make(chan *Leg, 64)
	return legs, func(ctx context.Context, l *Leg) {
		legs <- l
		<-ctx.Done()
	}
}

func TestCancelBeforeAnswer(t *testing.T) {
	legs, h := collector()
	u := run(t, testConfig(), nil, h)
	p := newPeer(t, u)
	p.send(p.request("INVITE", "inv", 1, testSDP))
	l := <-legs
	require.NoError(t, l.Ring(timeout(t)))
	tag := tagOf(p.response("INVITE", 180).To())
	p.send(p.request("CANCEL", "inv", 1, ""))
	require.Equal(t, tag, tagOf(p.response("CANCEL", 200).To()), "one tag for all responses")
	require.Equal(t, tag, tagOf(p.response("INVITE", 487).To()))
	ended(t, l, ErrCancelled)
	require.ErrorIs(t, l.Answer(timeout(t), sdp("late")), ErrState)
}

func TestInviteAndCancelInOneBurst(t *testing.T) {
	legs, h := collector()
	u := run(t, testConfig(), nil, h)
	for range 50 {
		p := newPeer(t, u)
		p.send(p.request("INVITE", "inv", 1, testSDP))
		p.send(p.request("CANCEL", "inv", 1, ""))
		got := map[string]int{}
		for len(got) < 2 {
			m := p.next(2 * time.Second)
			require.NotNil(t, m)
			if res, ok := m.(*gosip.Response); ok && !res.IsProvisional() {
				got[string(res.CSeq().MethodName)] = res.StatusCode
			}
		}
		require.Equal(t, map[string]int{"CANCEL": 200, "INVITE": 487}, got)
		p.send(p.request("ACK", "inv", 1, ""))
		ended(t, <-legs, ErrCancelled)
	}
}

func TestCancelAfterAnswer(t *testing.T) {
	legs := make(chan *Leg, 1)
	u := run(t, testConfig(), nil, answerer(t, legs))
	p := newPeer(t, u)
	p.dial()
	l := <-legs
	p.send(strings.Replace(p.request("CANCEL", "inv", 1, ""), p.to, "<sip:200@filo>", 1))
	p.response("CANCEL", 200)
	p.ack()
	_, err := l.RemoteAnswer(timeout(t))
	require.NoError(t, err)
	require.NoError(t, l.Cause(), "the call stays up")
	p.in("BYE", "")
	p.response("BYE", 200)
	ended(t, l, ErrRemoteHangup)
}

func TestAnswerAgainstCancel(t *testing.T) {
	// Whoever wins, the peer sees one final response and the handler agrees.
	legs, h := collector()
	u := run(t, testConfig(), nil, h)
	for range 40 {
		p := newPeer(t, u)
		p.send(p.request("INVITE", "inv", 1, testSDP))
		l := <-legs
		answered := make(chan error, 1)
		go func() { answered <- l.Answer(t.Context(), sdp("callee")) }()
		p.send(p.request("CANCEL", "inv", 1, ""))
		var final int
		for final == 0 {
			m := p.next(2 * time.Second)
			require.NotNil(t, m)
			if res, ok := m.(*gosip.Response); ok && res.CSeq().MethodName == gosip.INVITE && !res.IsProvisional() {
				final = res.StatusCode
				p.to = res.To().Value()
			}
		}
		if err := <-answered; err == nil {
			require.Equal(t, 200, final)
			p.seq = 1
			p.ack()
			p.in("BYE", "")
			p.response("BYE", 200)
			ended(t, l, ErrRemoteHangup)
			continue
		}
		require.Equal(t, 487, final)
		ended(t, l, ErrCancelled)
		// What is repeated must be the 487, too: no ghost 200.
		p.send(strings.Replace(p.request("INVITE", "inv", 1, testSDP), p.to, "<sip:200@filo>", 1))
		require.Equal(t, 487, p.response("INVITE", 487).StatusCode)
		p.send(p.request("ACK", "inv", 1, ""))
	}
}

func TestByeBeforeACK(t *testing.T) {
	t.Parallel()
	legs := make(chan *Leg, 1)
	u := run(t, testConfig(), nil, answerer(t, legs))
	p := newPeer(t, u)
	p.dial()
	l := <-legs
	p.in("BYE", "")
	p.response("BYE", 200)
	ended(t, l, ErrRemoteHangup)
	p.silence("BYE", 700*time.Millisecond)
}

func TestHangupWaitsForACK(t *testing.T) {
	t.Parallel()
	legs := make(chan *Leg, 1)
	u := run(t, testConfig(), nil, answerer(t, legs))
	p := newPeer(t, u)
	p.dial()
	l := <-legs
	require.NoError(t, l.Hangup(timeout(t), Hangup{Cause: "Q.850;cause=16"}))
	ended(t, l, ErrHangup)
	p.silence("BYE", 200*time.Millisecond)
	p.ack()
	bye := p.expect("BYE")
	require.Equal(t, "Q.850;cause=16", bye.GetHeader("Reason").Value())
	p.reply(bye, 200, "", "")
	require.NoError(t, l.Hangup(timeout(t), Hangup{}), "idempotent")
}

func TestOKIsRepeatedUntilACK(t *testing.T) {
	t.Parallel()
	legs := make(chan *Leg, 1)
	u := run(t, testConfig(), nil, answerer(t, legs))
	p := newPeer(t, u)
	p.dial()
	start := time.Now()
	p.response("INVITE", 200)
	require.InDelta(t, 0.5, time.Since(start).Seconds(), 0.2)
	p.response("INVITE", 200)
	require.InDelta(t, 1.5, time.Since(start).Seconds(), 0.3)
	p.ack()
	_, err := (<-legs).RemoteAnswer(timeout(t))
	require.NoError(t, err)
	require.Nil(t, p.next(2500*time.Millisecond), "no repetition after the ACK")
}

func TestNoACK(t *testing.T) {
	t.Parallel()
	legs := make(chan *Leg, 1)
	var clock skippingClock
	u := runWith(t, testConfig(), Deps{Now: clock.now}, answerer(t, legs))
	p := newPeer(t, u)
	p.dial()
	l := <-legs
	clock.skip(33 * time.Second)
	l.tick()
	ended(t, l, ErrNoACK)
	p.reply(p.expect("BYE"), 200, "", "")
}

func TestACKWithTheBranchOfTheInvite(t *testing.T) {
	t.Parallel() // some phones reuse it for 2xx
	legs := make(chan *Leg, 1)
	u := run(t, testConfig(), nil, answerer(t, legs))
	p := newPeer(t, u)
	p.dial()
	p.send(p.request("ACK", "inv", 1, ""))
	_, err := (<-legs).RemoteAnswer(timeout(t))
	require.NoError(t, err)
}

func TestDuplicateInvite(t *testing.T) {
	t.Parallel()
	legs, h := collector()
	u := run(t, testConfig(), nil, h)
	p := newPeer(t, u)
	inv := p.request("INVITE", "inv", 1, testSDP)
	for range 10 {
		p.send(inv)
	}
	l := <-legs
	require.NoError(t, l.Answer(timeout(t), sdp("callee")))
	p.to = p.response("INVITE", 200).To().Value()
	p.seq = 1
	p.ack()
	_, err := l.RemoteAnswer(timeout(t))
	require.NoError(t, err)
	require.Empty(t, legs, "ten datagrams, one call")

	p.to = "<sip:200@filo>" // the same request by another path
	p.send(p.request("INVITE", "other", 1, testSDP))
	p.response("INVITE", 482)
}

func TestBurstKeepsItsOrder(t *testing.T) {
	legs := make(chan *Leg, 1)
	u := run(t, testConfig(), nil, answerer(t, legs))
	p := newPeer(t, u)
	p.dial()
	l := <-legs
	p.ack()
	digits := "0123456789*#ABCD0123456789*#ABCD"
	for _, d := range digits {
		p.in("INFO", fmt.Sprintf("Signal=%c\r\nDuration=160\r\n", d), "Content-Type: application/dtmf-relay")
	}
	p.in("BYE", "")
	ended(t, l, ErrRemoteHangup)
	var got strings.Builder
	for len(l.Digits()) > 0 {
		got.WriteString(<-l.Digits())
	}
	require.Equal(t, digits, got.String())
}

func TestDuplicatesInABurst(t *testing.T) {
	// Of two copies that lie in the socket's buffer, either may be served.
	legs := make(chan *Leg, 1)
	u := run(t, testConfig(), nil, answerer(t, legs))
	for range 30 {
		p := newPeer(t, u)
		inv := p.request("INVITE", "inv", 1, testSDP)
		for range 5 {
			p.send(inv)
		}
		p.to = p.response("INVITE", 200).To().Value()
		ack, bye := p.request("ACK", "ack", 1, ""), p.request("BYE", "bye", 2, "")
		for _, m := range []string{ack, ack, ack, bye, bye, bye, bye} {
			p.send(m)
		}
		p.response("BYE", 200)
		ended(t, <-legs, ErrRemoteHangup)
	}
}

func TestLateOffer(t *testing.T) {
	t.Parallel()
	legs := make(chan *Leg, 1)
	u := run(t, testConfig(), nil, answerer(t, legs))
	p := newPeer(t, u)
	p.send(p.request("INVITE", "inv", 1, ""))
	res := p.response("INVITE", 200)
	require.Contains(t, string(res.Body()), "callee", "the 200 makes the offer")
	l := <-legs
	require.Nil(t, l.Offer())
	p.to, p.seq = res.To().Value(), 1
	p.send(p.request("ACK", "ack", 1, testSDP+"a=x-name:ack\r\n"))
	answer, err := l.RemoteAnswer(timeout(t))
	require.NoError(t, err)
	require.Contains(t, string(answer), "x-name:ack")
}

func TestReofferFromTheFarSide(t *testing.T) {
	legs := make(chan *Leg, 1)
	u := run(t, testConfig(), nil, answerer(t, legs))
	p := newPeer(t, u)
	p.dial()
	l := <-legs
	p.ack()
	p.in("INVITE", testSDP+"a=sendonly\r\n")
	p.response("INVITE", 488)
	p.send(p.request("ACK", fmt.Sprint("INVITE", p.seq), p.seq, ""))

	l.OnReoffer(func(offer []byte) ([]byte, error) {
		if strings.Contains(string(offer), "panic") {
			panic("a bug in media")
		}
		return []byte(strings.Replace(string(offer), "sendonly", "recvonly", 1)), nil
	})
	p.in("INVITE", testSDP+"a=sendonly\r\n")
	require.Contains(t, string(p.response("INVITE", 200).Body()), "recvonly")
	p.send(p.request("ACK", "ack2", p.seq, ""))
	require.Eventually(t, func() bool { return strings.Contains(string(l.RemoteSDP()), "sendonly") }, time.Second, time.Millisecond)

	p.in("UPDATE", testSDP+"a=sendrecv\r\n")
	require.Contains(t, string(p.response("UPDATE", 200).Body()), "sendrecv")
	p.in("UPDATE", "")
	p.response("UPDATE", 200)
	p.in("INVITE", "") // without an offer: ours stands
	require.Contains(t, string(p.response("INVITE", 200).Body()), "sendrecv")
	p.send(p.request("ACK", "ack3", p.seq, testSDP))
	p.in("INVITE", testSDP+"a=panic\r\n")
	p.response("INVITE", 488)
	p.send(p.request("ACK", fmt.Sprint("INVITE", p.seq), p.seq, ""))
	p.in("BYE", "")
	p.response("BYE", 200)
	ended(t, l, ErrRemoteHangup)
}

func TestGlare(t *testing.T) {
	t.Parallel()
	legs := make(chan *Leg, 1)
	u := run(t, testConfig(), nil, answerer(t, legs))
	p := newPeer(t, u)
	p.dial()
	l := <-legs
	p.ack()
	_, err := l.RemoteAnswer(timeout(t))
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() {
		answer, err := l.Reinvite(context.WithoutCancel(t.Context()), sdp("hold"))
		if err == nil && !strings.Contains(string(answer), "x-name:second") {
			err = fmt.Errorf("answer %q", answer)
		}
		done <- err
	}()
	inv := p.expect("INVITE")
	p.in("INVITE", testSDP) // ours crosses theirs
	p.response("INVITE", 491)
	p.reply(inv, 491, "", "")
	p.expect("ACK")
	again := p.expect("INVITE")
	require.Equal(t, inv.CSeq().SeqNo+1, again.CSeq().SeqNo)
	p.reply(again, 200, "", testSDP+"a=x-name:second\r\n")
	ack := p.expect("ACK")
	require.Equal(t, again.CSeq().SeqNo, ack.CSeq().SeqNo)
	require.NoError(t, <-done)
	p.reply(again, 200, "", testSDP) // our ACK was lost
	require.Equal(t, ack.CSeq().SeqNo, p.expect("ACK").CSeq().SeqNo)
}

func TestPanickingHandlerHurtsNobodyElse(t *testing.T) {
	t.Parallel()
	legs := make(chan *Leg, 1)
	answer := answerer(t, legs)
	u := run(t, testConfig(), nil, func(ctx context.Context, l *Leg) {
		if l.Info().Headers["X-Cart"] == "panic" {
			panic("a bug")
		}
		answer(ctx, l)
	})
	p := newPeer(t, u)
	p.send(p.request("INVITE", "inv", 1, testSDP, "X-Cart: panic"))
	p.response("INVITE", 500)
	p2 := newPeer(t, u)
	p2.dial()
	<-legs
}

func TestHandlerThatReturns(t *testing.T) {
	u := run(t, testConfig(), nil, func(context.Context, *Leg) {})
	p := newPeer(t, u)
	p.send(p.request("INVITE", "inv", 1, testSDP))
	p.response("INVITE", 603)
}

func TestReject(t *testing.T) {
	t.Parallel()
	u := run(t, testConfig(), nil, func(ctx context.Context, l *Leg) {
		if err := l.Reject(ctx, 486, ""); err != nil {
			t.Errorf("reject: %v", err)
		}
	})
	p := newPeer(t, u)
	p.send(p.request("INVITE", "inv", 1, testSDP))
	res := p.response("INVITE", 486)
	require.Equal(t, "Busy Here", res.Reason)
	p.response("INVITE", 486) // no ACK: repeated
	p.send(p.request("ACK", "inv", 1, ""))
	require.Nil(t, p.next(1200*time.Millisecond))
}

func TestDrain(t *testing.T) {
	legs := make(chan *Leg, 1)
	u := run(t, testConfig(), nil, answerer(t, legs))
	p := newPeer(t, u)
	p.dial()
	p.ack()
	drained := make(chan error, 1)
	go func() { drained <- u.Drain(context.WithoutCancel(t.Context())) }()
	require.Eventually(t, u.draining.Load, time.Second, time.Millisecond)
	for _, method := range []string{"INVITE", "OPTIONS"} {
		other := newPeer(t, u)
		other.send(other.request(method, "x", 1, ""))
		require.NotNil(t, other.response(method, 503).GetHeader("Retry-After"))
	}
	require.Empty(t, drained)
	p.in("BYE", "")
	p.response("BYE", 200)
	require.NoError(t, <-drained)
}
