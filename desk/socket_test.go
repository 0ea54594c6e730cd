package desk

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"filo/contact"
	"filo/journey"
	"filo/router"
)

func TestReplayAfterReconnect(t *testing.T) {
	f := newFixture(t, nil)
	c, tb, _, _ := offerTo(t, f, contact.D2)
	other := c.open(0)
	var snap snapshotJSON
	other.next(frameSnapshot).into(t, &snap)
	require.Len(t, snap.Offers, 1)

	seen := tb.last
	require.NoError(t, tb.conn.Close(websocket.StatusNormalClosure, ""))
	for i := range 5 {
		f.thread.happen(journey.Event{ID: fmt.Sprint("e_r", i), OccurredAt: time.Now(), Kind: journey.KindPage})
	}
	for range 5 {
		other.next(frameThread)
	}
	back := c.open(seen)
	var got []string
	for range 5 {
		var th threadJSON
		w := back.next(frameThread, frameSnapshot)
		require.Equal(t, frameThread, w.Type)
		require.Greater(t, w.Seq, seen)
		seen = w.Seq
		w.into(t, &th)
		got = append(got, th.Event.ID)
	}
	require.Equal(t, []string{"e_r0", "e_r1", "e_r2", "e_r3", "e_r4"}, got)

	for _, after := range []uint64{0, 1, seen + 1000} {
		require.Equal(t, frameSnapshot, c.open(after).next().Type, after)
	}
}

func TestTabsSeeTheSame(t *testing.T) {
	f := newFixture(t, nil)
	c := f.signIn("paola")
	a, b := c.open(0), c.open(0)
	a.next(frameSnapshot)
	b.next(frameSnapshot)
	c.ready()
	f.place(card(contact.D2))
	x, y := a.next(frameOffer), b.next(frameOffer)
	require.Equal(t, x.Seq, y.Seq)
	require.JSONEq(t, string(x.Data), string(y.Data))
}

func TestHello(t *testing.T) {
	f := newFixture(t, func(c *Config, _ *Deps) { c.Socket.Hello = 200 * time.Millisecond })
	c := f.signIn("paola")
	for name, tc := range map[string]struct {
		first string
		code  websocket.StatusCode
	}{
		"wrong token": {`{"type":"hello","csrf":"x"}`, closeSignedOut},
		"no hello":    {`{"type":"ping"}`, closeHello},
		"no JSON":     {`hello`, closeHello},
		"nothing":     {``, closeHello},
	} {
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		conn, err := c.dial(ctx, f.server.URL)
		require.NoError(t, err)
		if tc.first != "" {
			require.NoError(t, conn.Write(ctx, websocket.MessageText, []byte(tc.first)))
		}
		_, _, err = conn.Read(ctx)
		if tc.first != "" {
			require.Equal(t, tc.code, websocket.CloseStatus(err), name)
		} else {
			require.Error(t, err)
		}
		cancel()
		_ = conn.CloseNow()
	}
	stranger := f.client()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	_, err := stranger.dial(ctx, "")
	require.ErrorContains(t, err, http.StatusText(http.StatusUnauthorized))
	conn, err := stranger.dial(ctx, f.server.URL) // a browser hears why
	require.NoError(t, err)
	_, _, err = conn.Read(ctx)
	require.Equal(t, closeSignedOut, websocket.CloseStatus(err))
}

func TestPingIsAnswered(t *testing.T) {
	f := newFixture(t, nil)
	tb := f.signIn("paola").open(0)
	seq := tb.next(frameSnapshot).Seq
	require.NoError(t, tb.conn.Write(context.Background(), websocket.MessageText, []byte(`{"type":"ping"}`)))
	require.GreaterOrEqual(t, tb.next(framePong).Seq, seq)
	require.NoError(t, tb.conn.Write(context.Background(), websocket.MessageText, []byte(`{"type":"accept"}`)))
	_, err := tb.read(3 * time.Second)
	for err == nil {
		_, err = tb.read(3 * time.Second)
	}
	require.Equal(t, websocket.StatusPolicyViolation, websocket.CloseStatus(err))
}

func TestSlowSocketIsClosed(t *testing.T) {
	m := newMetrics(nil)
	st := newStream(512, time.Now(), m)
	slow, quick := newSocket(nil, 8), newSocket(nil, 64)
	st.attach(slow)
	st.attach(quick)
	for i := range 20 {
		require.NoError(t, st.push(frameThread, "", i))
	}
	select {
	case <-slow.gone:
		require.Equal(t, closeSlow, slow.code)
	default:
		t.Fatal("still open")
	}
	require.Len(t, quick.out, 20)
	require.Len(t, st.sockets, 1)
	require.InDelta(t, 1, testutil.ToFloat64(m.slow), 0)
}

func TestStreamHoldsWhatCounts(t *testing.T) {
	m := newMetrics(nil)
	st := newStream(8, time.UnixMilli(1000), m)
	require.Equal(t, uint64(1000), st.last)
	for range 100 {
		require.NoError(t, st.push(frameFloor, frameFloor, "floor"))
	}
	require.NoError(t, st.push(frameOffer, "", "offer"))
	frames, ok := st.after(1000)
	require.True(t, ok, "what was replaced is not missed")
	require.Len(t, frames, 2)
	require.Equal(t, uint64(1100), frames[0].seq)
	for range 8 {
		require.NoError(t, st.push(frameThread, "", "x"))
	}
	_, ok = st.after(1000)
	require.False(t, ok)
	_, ok = st.after(st.last - 8)
	require.True(t, ok)
	_, ok = st.after(st.last + 1)
	require.False(t, ok)
	for range 5 {
		require.NoError(t, st.push(frameThread, "", strings.Repeat("x", maxHeld/2)))
	}
	require.LessOrEqual(t, st.bytes, maxHeld)
}

func TestEmptySeatWhileOffered(t *testing.T) {
	f := newFixture(t, nil)
	marta := f.signIn("marta")
	mtab := marta.open(0)
	mtab.next(frameSnapshot)
	marta.ready()
	_, tb, card, _ := offerTo(t, f, contact.D2)
	start := time.Now()
	_ = tb.conn.CloseNow()
	var o offerJSON
	mtab.next(frameOffer).into(t, &o)
	require.Equal(t, card.Contact, o.Contact)
	require.GreaterOrEqual(t, time.Since(start), 450*time.Millisecond)
	require.Equal(t, contact.LoggedOut, f.stateOf("paola").State)
}

func TestEmptySeatInACall(t *testing.T) {
	f := newFixture(t, nil)
	c, tb, card, o := offerTo(t, f, contact.D2)
	_, _ = c.call(http.MethodPost, "/api/offers/"+o.ID.String()+"/accept", nil)
	tb.next(frameContact)
	_ = tb.conn.CloseNow()
	require.Eventually(t, func() bool { return !f.stateOf("paola").Ready }, 2*time.Second, 10*time.Millisecond)
	require.Len(t, f.stateOf("paola").Contacts, 1, "the contact stays")

	// Back after a while: everything is still there.
	back := c.open(0)
	var snap snapshotJSON
	back.next(frameSnapshot).into(t, &snap)
	require.Len(t, snap.Contacts, 1)
	require.Equal(t, card.Contact, snap.Contacts[0].ID)
	require.NotEmpty(t, snap.Contacts[0].WhyText["en"])
}

func TestReloadKeepsTheAgent(t *testing.T) {
	f := newFixture(t, nil)
	c, tb, _, _ := offerTo(t, f, contact.D2)
	seen := tb.last
	_ = tb.conn.CloseNow()
	back := c.open(seen)
	f.thread.happen(journey.Event{ID: "e_x", OccurredAt: time.Now(), Kind: journey.KindPage})
	back.next(frameThread)
	require.Never(t, func() bool { return f.stateOf("paola").State != contact.Reserved }, 700*time.Millisecond, 20*time.Millisecond)
}

func TestSignOutFreesTheOffer(t *testing.T) {
	f := newFixture(t, nil)
	c, tb, _, _ := offerTo(t, f, contact.D2)
	code, body := c.call(http.MethodDelete, "/api/session", nil)
	require.Equal(t, http.StatusOK, code, body)
	_, err := tb.read(3 * time.Second)
	for err == nil {
		_, err = tb.read(3 * time.Second)
	}
	require.Equal(t, closeSignedOut, websocket.CloseStatus(err))
	require.Equal(t, contact.LoggedOut, f.stateOf("paola").State)
	require.Empty(t, f.stateOf("paola").Offers)
	f.work.mu.Lock()
	require.Equal(t, []contact.AgentID{"paola"}, f.work.released, "her open messages go to others")
	f.work.mu.Unlock()
	again := f.signIn("paola").open(0)
	again.next(frameSnapshot)
	require.Equal(t, contact.NotReady, f.stateOf("paola").State)
}

func TestQueuesOnChange(t *testing.T) {
	f := newFixture(t, nil)
	tb := f.signIn("paola").open(0)
	var snap snapshotJSON
	tb.next(frameSnapshot).into(t, &snap)
	queues := snap.Queues
	if len(queues) == 0 { // no picture was taken before
		tb.next(frameQueues).into(t, &queues)
	}
	names := []string{}
	for _, q := range queues {
		names = append(names, q.ID)
	}
	require.Equal(t, []string{"checkout", "general"}, names, "those that she can serve")
	f.place(card(contact.D2))
	for queues[0].Waiting == 0 { // the picture of before may come, too
		tb.next(frameQueues).into(t, &queues)
	}
	require.Equal(t, 1, queues[0].Waiting)
	_, err := tb.read(400*time.Millisecond, frameQueues)
	require.Error(t, err, "nothing changed but the time")
}

func TestStop(t *testing.T) {
	f := newFixture(t, nil)
	c, tb, _, _ := offerTo(t, f, contact.D2)
	f.cancel()
	_, err := tb.read(3 * time.Second)
	for err == nil {
		_, err = tb.read(3 * time.Second)
	}
	require.Equal(t, websocket.StatusGoingAway, websocket.CloseStatus(err))
	code, _ := c.call(http.MethodPost, "/api/session", map[string]string{"user": "marta", "password": password})
	require.Equal(t, http.StatusServiceUnavailable, code)
	f.desk.LineChanged("paola", false)
	f.desk.ContactState("paola", "c_x", contact.CallState{Hold: true})
}

func TestSeatThatFellBehindCatchesUp(t *testing.T) {
	var cut *cutRouter
	f := newFixture(t, func(_ *Config, d *Deps) {
		cut = &cutRouter{Router: d.Router.(*router.Router)}
		d.Router = cut
	})
	t.Cleanup(func() { f.stop(); cut.wg.Wait() })
	c := f.signIn("paola")
	tb := c.open(0)
	tb.next(frameSnapshot)
	c.ready()
	ticket := f.place(card(contact.D2))
	var first, second offerJSON
	tb.next(frameOffer).into(t, &first)

	resume := cut.cut()
	require.NoError(t, ticket.Withdraw(context.Background(), contact.Abandoned))
	other := card(contact.D2)
	f.place(other)
	resume()
	tb.next(frameOffer).into(t, &second)
	require.Equal(t, other.Contact, second.Contact)
	var snap snapshotJSON
	require.Eventually(t, func() bool {
		c.open(0).next(frameSnapshot).into(t, &snap)
		return len(snap.Offers) == 1
	}, 3*time.Second, 20*time.Millisecond)
	require.Equal(t, other.Contact, snap.Offers[0].Contact)
	require.Equal(t, contact.Reserved, snap.Agent.State)
}
