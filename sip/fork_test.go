package sip

import (
	"context"
	"errors"
	"testing"
	"time"

	gosip "github.com/emiago/sipgo/sip"
	"github.com/stretchr/testify/require"
)

// phones binds carriers, as phones, to the user "alice".
func phones(t *testing.T, u *UA, carriers ...*carrier) {
	t.Helper()
	var list []*binding
	for _, c := range carriers {
		h, err := u.hopTo("UDP", c.addr())
		require.NoError(t, err)
		contact := gosip.Uri{Scheme: "sip", User: "phone", Host: "127.0.0.1", Port: int(c.at.Port())}
		list = append(list, &binding{user: "alice", contact: contact, hop: h, expires: time.Now().Add(time.Hour)})
	}
	u.reg.mu.Lock()
	defer u.reg.mu.Unlock()
	u.reg.set("alice", list)
}

func callAlice(t *testing.T, u *UA) <-chan rung {
	t.Helper()
	out := make(chan rung, 1)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	go func() {
		l, err := u.Invite(ctx, Target{User: "alice"}, InviteOptions{From: "1", SDP: sdp("us")})
		out <- rung{l, err}
	}()
	return out
}

// TestFork: all phones ring; the first to answer has the call, and the others
// are told that somebody else has it.
func TestFork(t *testing.T) {
	t.Parallel()
	var cs []*carrier
	for range 3 {
		cs = append(cs, newCarrier(t, "udp", says(gosip.INVITE, "180")))
	}
	u := dialler(t, nil)
	phones(t, u, cs...)
	call := callAlice(t, u)
	var invites []*gosip.Request
	for _, c := range cs {
		invites = append(invites, c.await(gosip.INVITE, 1))
	}
	require.Equal(t, "sip:alice@filo.local", invites[0].To().Address.String())
	cs[1].later(invites[1], "200 sdp")
	end := <-call
	require.NoError(t, end.err)
	cs[1].await(gosip.ACK, 1)
	for _, i := range []int{0, 2} {
		cancel := cs[i].await(gosip.CANCEL, 1)
		require.Equal(t, `SIP;cause=200;text="Call completed elsewhere"`, cancel.GetHeader("Reason").Value())
		cs[i].later(invites[i], "487")
	}
	require.NoError(t, end.leg.Hangup(timeout(t), Hangup{}))
	cs[1].await(gosip.BYE, 1)
	require.Eventually(t, func() bool { return u.legs.count() == 0 }, 5*time.Second, time.Millisecond)
}

// TestForkTwoAnswer: of two that lift at the same moment one has the call, and
// the other's is ended.
func TestForkTwoAnswer(t *testing.T) {
	t.Parallel()
	one, two := newCarrier(t, "udp", says(gosip.INVITE, "180", "200 sdp")), newCarrier(t, "udp", says(gosip.INVITE, "180", "200 sdp"))
	u := dialler(t, nil)
	phones(t, u, one, two)
	end := <-callAlice(t, u)
	require.NoError(t, end.err)
	require.Eventually(t, func() bool { return u.legs.count() == 1 && one.count(gosip.BYE)+two.count(gosip.BYE) == 1 }, 10*time.Second, time.Millisecond)
	require.NoError(t, end.leg.Context().Err())
}

// TestForkRefused: one refusal is not the end, the last one is, and the best
// is told; a 6xx speaks for all.
func TestForkRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		one, two string
		code     int
	}{
		{"both busy", "486", "486", 486},
		{"busy and broken", "500", "486", 486},
		{"gone and declined", "480", "603", 603},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			one, two := newCarrier(t, "udp", says(gosip.INVITE, c.one)), newCarrier(t, "udp", says(gosip.INVITE, c.two))
			u := dialler(t, nil)
			phones(t, u, one, two)
			end := <-callAlice(t, u)
			var se *StatusError
			require.True(t, errors.As(end.err, &se), "%v", end.err)
			require.Equal(t, c.code, se.Code)
		})
	}
}

// TestForkDeclined: who declines stops the ringing of all.
func TestForkDeclined(t *testing.T) {
	t.Parallel()
	one, two := newCarrier(t, "udp", says(gosip.INVITE, "180")), newCarrier(t, "udp", says(gosip.INVITE, "180"))
	u := dialler(t, nil)
	phones(t, u, one, two)
	call := callAlice(t, u)
	one.await(gosip.INVITE, 1)
	invite := two.await(gosip.INVITE, 1)
	two.later(invite, "603")
	var se *StatusError
	require.True(t, errors.As((<-call).err, &se))
	require.Equal(t, 603, se.Code)
	one.await(gosip.CANCEL, 1)
}
