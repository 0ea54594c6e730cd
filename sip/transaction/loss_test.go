package transaction

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	gosip "github.com/emiago/sipgo/sip"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"filo/sip/transport/transporttest"
)

// Two layers over a network that loses: each request is
// served at most once, each client learns exactly one outcome, both agree when
// it was a response, and nothing is left after the timers.
func TestLossyNetwork(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		loss := rapid.IntRange(0, 60).Draw(rt, "loss %")
		seed := rapid.Uint64().Draw(rt, "seed")
		synctest.Test(t, func(t *testing.T) { lossy(t, loss, seed) })
	})
}

func lossy(t *testing.T, loss int, seed uint64) {
	var n transporttest.Network
	var mu sync.Mutex
	dice := rand.New(rand.NewPCG(seed, 1))
	n.Filter(func(_, _ netip.AddrPort, _ []byte) bool {
		mu.Lock()
		defer mu.Unlock()
		return dice.IntN(100) >= loss
	})
	a, b := newSide(t, &n, ourAddr, Options{}), newSide(t, &n, peerAddr, Options{})
	served := make(map[string]int)
	b.onRequest = func(tx *Server) {
		id := tx.Request().CallID().Value()
		served[id]++
		code := 200
		if tx.Request().Method == gosip.INVITE {
			code = 486
		}
		if err := tx.Respond(tx.NewResponse(code, "x")); err != nil {
			t.Errorf("respond: %v", err)
		}
	}
	const calls = 60
	for i := range calls {
		method := []gosip.RequestMethod{gosip.INVITE, gosip.BYE, gosip.OPTIONS}[i%3]
		_, err := a.layer.Request(a.to(peerAddr), ours(method, fmt.Sprint("z9hG4bK", i)), a)
		require.NoError(t, err)
	}
	after(2*TimeoutAfter + 10*time.Second)
	for id, times := range served {
		require.Equal(t, 1, times, id)
	}
	responses, failed := a.seen()
	require.Len(t, responses, calls-len(failed), "one outcome each")
	for _, err := range failed {
		require.ErrorIs(t, err, ErrTimeout)
	}
	if loss <= 20 {
		require.Empty(t, failed)
	}
	for _, s := range []*side{a, b} {
		require.Zero(t, s.layer.Live())
		require.Empty(t, s.layer.lingering.m)
		require.Empty(t, s.layer.perSource)
		require.Empty(t, s.layer.byFlow)
	}
}
