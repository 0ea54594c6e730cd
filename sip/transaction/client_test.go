package transaction

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	gosip "github.com/emiago/sipgo/sip"
	"github.com/stretchr/testify/require"

	"filo/sip/transport/transporttest"
)

func request(t *testing.T, s *side, method gosip.RequestMethod, branch string) *Client {
	t.Helper()
	c, err := s.layer.Request(s.to(peerAddr), ours(method, branch), s)
	require.NoError(t, err)
	return c
}

// repeats are the times, in ms after the first, at which requests came.
func repeats(w *wire, method string, d time.Duration) []int64 {
	start := time.Now()
	var out []int64
	for time.Since(start) < d {
		for _, l := range w.lines() {
			if strings.HasPrefix(l, method+" ") {
				out = append(out, time.Since(start).Round(100*time.Millisecond).Milliseconds())
			}
		}
		after(50 * time.Millisecond)
	}
	return out
}

func TestRequestTimers(t *testing.T) {
	cases := []struct {
		method gosip.RequestMethod
		want   []int64
	}{
		{gosip.INVITE, []int64{0, 500, 1500, 3500, 7500, 15500, 31500}},                          // Timers A and B
		{gosip.BYE, []int64{0, 500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500}}, // E and F
	}
	for _, c := range cases {
		t.Run(string(c.method), func(t *testing.T) {
			bubble(t, func(t *testing.T, s *side, w *wire) {
				request(t, s, c.method, "z9hG4bK1")
				got := repeats(w, string(c.method), 31900*time.Millisecond)
				for i := range got {
					got[i] = got[i] / 500 * 500 // the clock may lag by its tick
				}
				require.Equal(t, c.want, got)
				_, failed := s.seen()
				require.Empty(t, failed)
				after(time.Second)
				_, failed = s.seen()
				require.Len(t, failed, 1)
				require.ErrorIs(t, failed[0], ErrTimeout)
				require.Zero(t, s.layer.Live())
				after(time.Minute)
				require.Empty(t, w.lines())
			})
		})
	}
}

func TestProvisionalResponses(t *testing.T) {
	t.Run("stop the repeats of an INVITE, for as long as it rings", func(t *testing.T) {
		bubble(t, func(t *testing.T, s *side, w *wire) {
			request(t, s, gosip.INVITE, "z9hG4bK1")
			inv := w.next()
			for range 15 {
				w.send(reply(inv, 180, "x"))
			}
			after(5 * time.Minute)
			require.Empty(t, w.lines())
			responses, failed := s.seen()
			require.Len(t, responses, 15)
			require.Empty(t, failed)
			require.Equal(t, 1, s.layer.Live())
		})
	})
	t.Run("slow down the repeats of others", func(t *testing.T) {
		bubble(t, func(t *testing.T, s *side, w *wire) {
			request(t, s, gosip.BYE, "z9hG4bK1")
			w.send(reply(w.next(), 100, ""))
			got := repeats(w, "BYE", 10*time.Second)
			require.Len(t, got, 3, "at 0.5, 4.5 and 8.5 s: %v", got)
			after(23 * time.Second)
			_, failed := s.seen()
			require.Len(t, failed, 1, "Timer F runs on")
		})
	})
}

func TestInviteAccepted(t *testing.T) { // RFC 6026 section 7.2
	bubble(t, func(t *testing.T, s *side, w *wire) {
		request(t, s, gosip.INVITE, "z9hG4bK1")
		inv := w.next()
		w.send(reply(inv, 200, "a"))
		w.send(reply(inv, 200, "a")) // our ACK was lost
		w.send(reply(inv, 200, "b")) // a fork
		w.send(reply(inv, 180, "c")) // overtaken
		w.send(reply(inv, 486, "c"))
		responses, _ := s.seen()
		require.Equal(t, []int{200, 200, 200}, responses)
		require.Empty(t, w.lines(), "the user sends the ACKs")
		after(TimeoutAfter - time.Second)
		w.send(reply(inv, 200, "a"))
		responses, _ = s.seen()
		require.Len(t, responses, 4)
		after(2 * time.Second) // Timer M
		require.Zero(t, s.layer.Live())
		w.send(reply(inv, 200, "a"))
		responses, failed := s.seen()
		require.Len(t, responses, 4)
		require.Empty(t, failed)
	})
}

func TestSettle(t *testing.T) {
	bubble(t, func(t *testing.T, s *side, w *wire) {
		c := request(t, s, gosip.INVITE, "z9hG4bK1")
		inv := w.next()
		c.Settle("a") // too early: nothing happens
		w.send(reply(inv, 200, "a"))
		require.Equal(t, 1, s.layer.Live())
		c.Settle("a")
		c.Settle("a")
		require.Zero(t, s.layer.Live())
		w.send(reply(inv, 200, "a"))
		w.send(reply(inv, 180, "b"))
		w.send(reply(inv, 486, "b"))
		require.Empty(t, s.strays)
		w.send(reply(inv, 200, "b"))
		require.Equal(t, []string{"b"}, s.strays)
		responses, failed := s.seen()
		require.Equal(t, []int{200}, responses)
		require.Empty(t, failed)
		require.Nil(t, c.Request())
		after(2*TimeoutAfter + time.Second)
		w.send(reply(inv, 200, "b"))
		require.Len(t, s.strays, 1, "not for ever")
		require.Empty(t, w.lines())
	})
}

func TestInviteFailure(t *testing.T) { // RFC 3261 section 17.1.1.3
	bubble(t, func(t *testing.T, s *side, w *wire) {
		request(t, s, gosip.INVITE, "z9hG4bK1")
		inv := w.next().(*gosip.Request)
		w.send(reply(inv, 180, "x"))
		w.send(reply(inv, 486, "x"))
		ack := w.next().(*gosip.Request)
		require.Equal(t, gosip.ACK, ack.Method)
		require.Equal(t, inv.Via().Value(), ack.Via().Value())
		require.Equal(t, "7 ACK", ack.CSeq().Value())
		require.Equal(t, "x", ack.To().Params.GetOr("tag", ""))
		require.Equal(t, inv.Route().Value(), ack.Route().Value())
		require.Equal(t, inv.Recipient.String(), ack.Recipient.String())
		require.Zero(t, s.layer.Live())
		after(30 * time.Second)
		w.send(reply(inv, 486, "x"))
		require.Equal(t, []string{"ACK sip:x@peer SIP/2.0"}, w.lines(), "at once")
		responses, _ := s.seen()
		require.Equal(t, []int{180, 486}, responses, "told once")
		after(3 * time.Second) // Timer D
		w.send(reply(inv, 486, "x"))
		require.Empty(t, w.lines())
	})
}

func TestNonInviteFinal(t *testing.T) {
	bubble(t, func(t *testing.T, s *side, w *wire) {
		request(t, s, gosip.BYE, "z9hG4bK1")
		bye := w.next()
		w.send(reply(bye, 200, "x"))
		w.send(reply(bye, 200, "x"))
		w.send(reply(bye, 500, "x"))
		responses, failed := s.seen()
		require.Equal(t, []int{200}, responses)
		require.Empty(t, failed)
		require.Zero(t, s.layer.Live())
		after(time.Minute)
		require.Empty(t, w.lines())
	})
}

func TestCancelOfOurs(t *testing.T) {
	bubble(t, func(t *testing.T, s *side, w *wire) {
		c := request(t, s, gosip.INVITE, "z9hG4bK1")
		inv := w.next().(*gosip.Request)
		w.send(reply(inv, 180, "x"))
		other := &side{t: t}
		_, err := s.layer.Request(c.Flow(), NewCancel(c.Request()), other)
		require.NoError(t, err)
		cancel := w.next().(*gosip.Request)
		require.Equal(t, inv.Via().Value(), cancel.Via().Value())
		require.Equal(t, "7 CANCEL", cancel.CSeq().Value())
		require.False(t, cancel.To().Params.Has("tag"))
		require.NotNil(t, cancel.Route())
		w.send(reply(cancel, 200, "x"))
		w.send(reply(inv, 487, "x"))
		require.Equal(t, []string{"ACK sip:x@peer SIP/2.0"}, w.lines())
		responses, _ := s.seen()
		require.Equal(t, []int{180, 487}, responses)
		responses, _ = other.seen()
		require.Equal(t, []int{200}, responses, "one branch, two transactions")
	})
}

func TestAbandon(t *testing.T) {
	bubble(t, func(t *testing.T, s *side, w *wire) {
		c := request(t, s, gosip.INVITE, "z9hG4bK1")
		inv := w.next()
		w.send(reply(inv, 180, "x"))
		c.Abandon()
		w.send(reply(inv, 486, "x"))
		require.Equal(t, []string{"ACK sip:x@peer SIP/2.0"}, w.lines(), "a late failure is acknowledged")
		responses, failed := s.seen()
		require.Equal(t, []int{180}, responses)

		c = request(t, s, gosip.INVITE, "z9hG4bK2")
		w.send(reply(w.next(), 180, "x"))
		c.Abandon()
		after(TimeoutAfter + time.Second)
		require.Zero(t, s.layer.Live(), "but not for ever")
		require.Empty(t, failed)

		c = request(t, s, gosip.BYE, "z9hG4bK3")
		c.Abandon()
		after(TimeoutAfter + time.Second)
		require.Zero(t, s.layer.Live())
		_, failed = s.seen()
		require.Empty(t, failed)
	})
}

func TestStrayResponses(t *testing.T) {
	bubble(t, func(t *testing.T, s *side, w *wire) {
		for _, code := range []int{100, 200, 486} {
			w.send(reply(ours(gosip.INVITE, "z9hG4bKnobody"), code, "x"))
		}
		w.send("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h\r\nCSeq: 1 INVITE\r\n\r\n")
		w.send("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n\r\n")
		require.Empty(t, w.lines())
		responses, _ := s.seen()
		require.Empty(t, responses)
	})
}

func TestBrokenConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n transporttest.Network
		s := newSide(t, &n, ourAddr, Options{})
		ln := n.Listen(ourAddr)
		require.NoError(t, s.tp.Stream(ln, "TCP"))
		far, err := n.Dial("198.51.100.7", ourAddr)
		require.NoError(t, err)
		_, err = far.Write([]byte(strings.Replace(msg("OPTIONS", "z9hG4bK1", ""), "UDP", "TCP", 1)))
		require.NoError(t, err)
		synctest.Wait()
		f := s.requests()[0].Flow()
		for _, branch := range []string{"z9hG4bKa", "z9hG4bKb"} {
			_, err = s.layer.Request(f, ours(gosip.INVITE, branch), s)
			require.NoError(t, err)
		}
		_ = far.Close()
		synctest.Wait()
		_, failed := s.seen()
		require.Len(t, failed, 2)
		require.ErrorIs(t, failed[0], ErrTransport)
		require.Equal(t, 1, s.closed)
		require.Empty(t, s.layer.byFlow)
		_, err = s.layer.Request(f, ours(gosip.INVITE, "z9hG4bKc"), s)
		require.ErrorIs(t, err, ErrTransport)
		_, failed = s.seen()
		require.Len(t, failed, 2, "told by the return, not twice")
	})
}

func TestCloseFailsWhatWaits(t *testing.T) {
	bubble(t, func(t *testing.T, s *side, w *wire) {
		request(t, s, gosip.INVITE, "z9hG4bK1")
		request(t, s, gosip.BYE, "z9hG4bK2")
		s.layer.Close()
		_, failed := s.seen()
		require.Len(t, failed, 2)
		require.ErrorIs(t, failed[0], ErrClosed)
		_, err := s.layer.Request(s.to(peerAddr), ours(gosip.BYE, "z9hG4bK3"), s)
		require.ErrorIs(t, err, ErrClosed)
		w.send(msg("OPTIONS", "z9hG4bK1", ""))
		require.Empty(t, s.requests())
	})
}

func TestTooManyClients(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n transporttest.Network
		s := newSide(t, &n, ourAddr, Options{MaxLive: 1})
		newWire(t, &n)
		request(t, s, gosip.INVITE, "z9hG4bK1")
		_, err := s.layer.Request(s.to(peerAddr), ours(gosip.INVITE, "z9hG4bK2"), s)
		require.ErrorIs(t, err, ErrTooMany)
	})
}
