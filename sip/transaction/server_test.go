package transaction

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	gosip "github.com/emiago/sipgo/sip"
	"github.com/stretchr/testify/require"

	"filo/sip/transport"
	"filo/sip/transport/transporttest"
)

func TestNonInviteServer(t *testing.T) {
	bubble(t, func(t *testing.T, s *side, w *wire) {
		w.send(msg("OPTIONS", "z9hG4bK1", ""))
		w.send(msg("OPTIONS", "z9hG4bK1", ""))
		require.Empty(t, w.lines(), "no 100 for what is no INVITE")
		require.Len(t, s.requests(), 1, "a repeat is absorbed")
		tx := s.requests()[0]
		require.NoError(t, tx.Respond(tx.NewResponse(200, "OK")))
		require.ErrorIs(t, tx.Respond(tx.NewResponse(500, "x")), ErrState)
		res := w.next().(*gosip.Response)
		require.Equal(t, "ours-q", res.To().Params.GetOr("tag", ""))
		require.Equal(t, "5060", res.Via().Params.GetOr("rport", ""))
		after(TimeoutAfter - time.Second) // Timer J
		w.send(msg("OPTIONS", "z9hG4bK1", ""))
		require.Equal(t, []string{"SIP/2.0 200 OK"}, w.lines(), "the same response again")
		require.Zero(t, s.layer.Live())
		after(2 * time.Second)
		w.send(msg("OPTIONS", "z9hG4bK1", ""))
		require.Len(t, s.requests(), 2, "after Timer J it is a new request")
	})
}

func TestAbandonedServer(t *testing.T) { // RFC 4320
	bubble(t, func(t *testing.T, s *side, w *wire) {
		w.send(msg("INFO", "z9hG4bK1", "x"))
		require.Equal(t, 1, s.layer.Live())
		after(TimeoutAfter + time.Second)
		require.Zero(t, s.layer.Live())
		tx := s.requests()[0]
		require.ErrorIs(t, tx.Respond(tx.NewResponse(200, "OK")), ErrState)
		require.Empty(t, w.lines())
	})
}

func TestIgnoredServer(t *testing.T) {
	bubble(t, func(t *testing.T, s *side, w *wire) {
		s.onRequest = (*Server).Ignore
		for range 2 {
			w.send(msg("OPTIONS", "z9hG4bK1", ""))
		}
		require.Len(t, s.requests(), 2, "nothing is remembered of the first")
		require.Zero(t, s.layer.Live())
		require.Empty(t, s.layer.perSource)
		tx := s.requests()[0]
		require.ErrorIs(t, tx.Respond(tx.NewResponse(200, "OK")), ErrState)
		tx.Ignore()
		after(TimeoutAfter + time.Second)
		require.Empty(t, w.lines())
		require.Empty(t, s.layer.lingering.m)
	})
}

func TestInviteServerTrying(t *testing.T) {
	bubble(t, func(t *testing.T, s *side, w *wire) {
		w.send(msg("INVITE", "z9hG4bK1", ""))
		require.Empty(t, w.lines())
		after(trying + tick)
		res := w.next().(*gosip.Response)
		require.Equal(t, 100, res.StatusCode)
		require.False(t, res.To().Params.Has("tag"))
		w.send(msg("INVITE", "z9hG4bK1", ""))
		require.Equal(t, []string{"SIP/2.0 100 Trying"}, w.lines(), "repeated for a repeat")
		tx := s.requests()[0]
		require.NoError(t, tx.Respond(tx.NewResponse(180, "Ringing")))
		require.NoError(t, tx.Respond(tx.NewResponse(183, "Progress")))
		w.lines()
		w.send(msg("INVITE", "z9hG4bK1", ""))
		require.Equal(t, []string{"SIP/2.0 183 Progress"}, w.lines(), "the last one")
		require.Len(t, s.requests(), 1)
	})
}

func TestInviteServerAccepted(t *testing.T) { // RFC 6026 section 7.1
	bubble(t, func(t *testing.T, s *side, w *wire) {
		s.serve(200)
		w.send(msg("INVITE", "z9hG4bK1", ""))
		require.Equal(t, []string{"SIP/2.0 200 x"}, w.lines())
		w.send(msg("INVITE", "z9hG4bK1", ""))
		require.Empty(t, w.lines(), "the repeat is absorbed; the user repeats the 2xx")
		tx := s.requests()[0]
		require.NoError(t, tx.Respond(tx.NewResponse(200, "again")))
		require.Equal(t, []string{"SIP/2.0 200 again"}, w.lines())
		require.ErrorIs(t, tx.Respond(tx.NewResponse(500, "x")), ErrState)
		w.send(msg("ACK", "z9hG4bK2", "ours-q"))
		w.send(msg("ACK", "z9hG4bK1", "ours-q")) // some phones reuse the branch
		require.Len(t, s.acks, 2)
		w.send(msg("CANCEL", "z9hG4bK1", ""))
		res := w.next().(*gosip.Response)
		require.Equal(t, "200 1 CANCEL ours-q", statusLine(res), "too late, and without effect")
		require.Empty(t, w.lines())
		require.Zero(t, s.layer.Live())
	})
}

func statusLine(res *gosip.Response) string {
	return strings.Join([]string{strings.Fields(res.StartLine())[1], res.CSeq().Value(), res.To().Params.GetOr("tag", "")}, " ")
}

func TestInviteServerFailure(t *testing.T) { // Timers G, H and I
	bubble(t, func(t *testing.T, s *side, w *wire) {
		s.serve(486)
		start := time.Now()
		w.send(msg("INVITE", "z9hG4bK1", ""))
		require.Len(t, w.lines(), 1)
		for _, at := range []time.Duration{500, 1500, 3500, 7500} {
			after(time.Until(start.Add(at*time.Millisecond + 5*tick)))
			require.Equal(t, []string{"SIP/2.0 486 x"}, w.lines(), at)
		}
		w.send(msg("ACK", "z9hG4bK1", "ours-q"))
		require.Zero(t, s.layer.Live())
		after(3 * time.Second)
		w.send(msg("ACK", "z9hG4bK1", "ours-q"))
		w.send(msg("INVITE", "z9hG4bK1", ""))
		require.Empty(t, w.lines(), "Confirmed absorbs both")
		require.Empty(t, s.acks)
		require.Len(t, s.requests(), 1)
		after(time.Minute)
		require.Empty(t, w.lines())
	})
}

func TestInviteServerFailureWithoutACK(t *testing.T) {
	bubble(t, func(t *testing.T, s *side, w *wire) {
		s.serve(486)
		w.send(msg("INVITE", "z9hG4bK1", ""))
		after(TimeoutAfter - time.Second)
		require.Equal(t, 1, s.layer.Live())
		after(2 * time.Second)
		require.Zero(t, s.layer.Live())
		require.Len(t, w.lines(), 11, "the first and ten repeats in 32 s")
		after(time.Minute)
		require.Empty(t, w.lines())
	})
}

func TestCancel(t *testing.T) { // RFC 3261 section 9.2
	bubble(t, func(t *testing.T, s *side, w *wire) {
		s.serve(180)
		w.send(msg("INVITE", "z9hG4bK1", ""))
		require.Equal(t, "180 1 INVITE ours-q", statusLine(w.next().(*gosip.Response)))
		tx := s.requests()[0]
		w.send(msg("CANCEL", "z9hG4bK1", ""))
		res := w.next().(*gosip.Response)
		require.Equal(t, "200 1 CANCEL ours-q", statusLine(res))
		require.Equal(t, "Filo", res.GetHeader("Server").Value())
		require.Equal(t, "487 1 INVITE ours-q", statusLine(w.next().(*gosip.Response)))
		require.ErrorIs(t, tx.Respond(tx.NewResponse(200, "OK")), ErrCancelled)
		require.False(t, tx.OnCancel(func() {}))
		w.send(msg("CANCEL", "z9hG4bK1", ""))
		require.Equal(t, []string{"SIP/2.0 200 OK"}, w.lines(), "a repeat gets the same")
		w.send(msg("INVITE", "z9hG4bK1", ""))
		require.Equal(t, []string{"SIP/2.0 487 Request Terminated"}, w.lines())
		w.send(msg("ACK", "z9hG4bK1", "ours-q"))
		require.Zero(t, s.layer.Live())
		require.Len(t, s.requests(), 1, "no CANCEL reaches the user")

		w.send(msg("CANCEL", "z9hG4bKunknown", ""))
		require.Equal(t, []string{"SIP/2.0 481 Call/Transaction Does Not Exist"}, w.lines())
	})
}

func TestCancelIsTheUsersToDecide(t *testing.T) {
	for name, code := range map[string]int{"the CANCEL was first": 487, "the answer was first": 200} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, s *side, w *wire) {
				w.send(msg("INVITE", "z9hG4bK1", ""))
				tx := s.requests()[0]
				cancelled := 0
				require.True(t, tx.OnCancel(func() { cancelled++ }))
				w.send(msg("CANCEL", "z9hG4bK1", ""))
				w.send(strings.Replace(msg("CANCEL", "z9hG4bK1", ""), "Max-Forwards", "X: y\r\nMax-Forwards", 1))
				require.Equal(t, []string{"SIP/2.0 200 OK", "SIP/2.0 200 OK"}, w.lines(), "the CANCEL's alone")
				require.Equal(t, 1, cancelled)
				require.NoError(t, tx.Respond(tx.NewResponse(code, "x")))
				require.Equal(t, code, w.next().(*gosip.Response).StatusCode)
				require.ErrorIs(t, tx.Respond(tx.NewResponse(500, "x")), ErrCancelled)
			})
		})
	}
}

// Requests of agents older than RFC 3261 have no branch that identifies them.
func TestOldRequests(t *testing.T) {
	bubble(t, func(t *testing.T, s *side, w *wire) {
		old := func(method, tag string) string { return strings.Replace(msg(method, "1", tag), ";branch=1", "", 1) }
		s.serve(486)
		w.send(old("INVITE", ""))
		w.send(old("INVITE", ""))
		require.Len(t, s.requests(), 1)
		w.send(old("ACK", "ours-q"))
		require.Zero(t, s.layer.Live())
		require.Empty(t, s.acks)
		w.send(strings.Replace(old("INVITE", ""), "Call-ID: q", "Call-ID: other", 1))
		require.Len(t, s.requests(), 2)
	})
}

func TestKeysDiffer(t *testing.T) {
	bubble(t, func(t *testing.T, s *side, w *wire) {
		base := msg("OPTIONS", "z9hG4bK1", "")
		for _, m := range []string{
			base, strings.Replace(base, "z9hG4bK1", "z9hG4bK2", 1), strings.Replace(base, peerAddr, "198.51.100.8:5060", 1),
			strings.Replace(base, peerAddr, "198.51.100.7:5062", 1), strings.ReplaceAll(base, "OPTIONS", "INFO"),
		} {
			w.send(m)
		}
		require.Len(t, s.requests(), 5)
		w.send(strings.Replace(base, "Via: SIP/2.0/UDP", "v: SIP/2.0/UDP", 1))
		require.Len(t, s.requests(), 5, "the same in other words")
	})
}

func TestKnows(t *testing.T) {
	bubble(t, func(t *testing.T, s *side, w *wire) {
		knows := func(m string) bool {
			h, ok := transport.Peek([]byte(m))
			require.True(t, ok)
			return s.layer.Knows(h)
		}
		for _, sentBy := range []string{peerAddr, "PC.Example.com", "[2001:db8::1]:5062"} {
			m := strings.Replace(msg("INVITE", "z9hG4bK1", ""), peerAddr, sentBy, 1)
			require.False(t, knows(m))
			w.send(m)
			require.True(t, knows(m), sentBy)
			require.True(t, knows(strings.ToUpper(m[:8])+m[8:]))
			require.False(t, knows(strings.Replace(m, "z9hG4bK1", "z9hG4bK2", 1)))
			require.False(t, knows(strings.Replace(m, "INVITE sip", "OPTIONS sip", 1)))
		}
		s.serve(200)
		m := msg("INVITE", "z9hG4bK9", "")
		w.send(m)
		require.True(t, knows(m), "answered a moment ago")
		require.False(t, knows(strings.Replace(m, ";branch=z9hG4bK9", "", 1)))
	})
}

func TestLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n transporttest.Network
		s := newSide(t, &n, ourAddr, Options{MaxLive: 100, MaxPerSource: 3, MaxLingering: 10})
		w := newWire(t, &n)
		for i := range 5 {
			w.send(msg("INFO", "z9hG4bK"+string(rune('a'+i)), "x"))
		}
		require.Len(t, s.requests(), 3)
		refused := w.next().(*gosip.Response)
		require.Equal(t, 503, refused.StatusCode)
		require.NotNil(t, refused.GetHeader("Retry-After"))
		w.lines()
		for _, tx := range s.requests() {
			require.NoError(t, tx.Respond(tx.NewResponse(200, "OK")))
		}
		s.serve(200)
		for i := range 40 {
			w.send(msg("INFO", "z9hG4bKm"+string(rune('A'+i)), "x"))
		}
		require.Len(t, s.requests(), 43)
		require.Len(t, s.layer.lingering.m, 10, "the oldest go early")
		require.Empty(t, s.layer.perSource)
		require.Zero(t, s.layer.Live())
	})
}

func TestMissingHeadersDoNotHurt(t *testing.T) {
	bubble(t, func(t *testing.T, s *side, w *wire) {
		s.serve(400)
		for _, h := range []string{"From", "To", "CSeq", "Max-Forwards"} {
			for _, method := range []string{"INVITE", "OPTIONS", "ACK", "CANCEL"} {
				w.send(strings.Replace(msg(method, "z9hG4bK"+h+method, ""), "\r\n"+h+":", "\r\nX-"+h+":", 1))
			}
		}
		w.send(strings.Replace(msg("OPTIONS", "z9hG4bK1", ""), "\r\nVia:", "\r\nX-Via:", 1))
		require.Len(t, s.requests(), 8)
	})
}
