package router

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"filo/contact"
)

// BenchmarkJournal takes the times of a router with a journal and of one
// without, turn by turn, so that both have the same machine: of the decision
// in the core, of Place to its return and of Accept to the answer. 1,000
// agents are signed in, of whom one is ready; 10,000 contacts wait for others.
func BenchmarkJournal(b *testing.B) {
	rivals := map[string]*rival{"off": newRival(b, ""), "on": newRival(b, filepath.Join(b.TempDir(), "journal"))}
	n := 0
	for b.Loop() {
		for _, name := range []string{"off", "on"} {
			rivals[name].round(b, n)
		}
		n++
	}
	for name, r := range rivals {
		for what, list := range map[string][]time.Duration{"decision": r.decision, "place": r.place, "accept": r.accept} {
			slices.Sort(list)
			for _, p := range []int{50, 99} {
				b.ReportMetric(float64(list[(len(list)-1)*p/100].Nanoseconds()), fmt.Sprintf("%s-%s-p%d-ns", name, what, p))
			}
		}
	}
}

type rival struct {
	*Router
	decision, place, accept []time.Duration
}

func newRival(b *testing.B, dir string) *rival {
	b.Helper()
	cfg := DefaultConfig()
	cfg.Queues["busy"] = Queue{Skills: []contact.Skill{{Name: "rare"}}}
	cfg.Journal.Dir = dir
	r, err := New(cfg, Deps{Epoch: 1})
	require.NoError(b, err)
	ctx, cancel := context.WithCancel(b.Context())
	var wg sync.WaitGroup
	wg.Go(func() { require.NoError(b, r.Run(ctx)) })
	b.Cleanup(func() { cancel(); wg.Wait() })
	for i := range 10_000 {
		card := &contact.Card{Contact: contact.ID(fmt.Sprint("w_", i)), Channel: contact.Email}
		_, err := r.Place(ctx, Request{Card: card, Target: contact.Target{Queue: "busy"}})
		require.NoError(b, err)
	}
	for i := range 1000 {
		require.NoError(b, r.SignIn(ctx, Agent{ID: contact.AgentID(fmt.Sprint("agent", i))}))
	}
	require.NoError(b, r.SetReady(ctx, "agent0", true, ""))
	return &rival{Router: r}
}

func (r *rival) round(b *testing.B, n int) {
	ctx := b.Context()
	card := &contact.Card{Contact: contact.ID(fmt.Sprint("c_", n)), Channel: contact.Email}
	start := time.Now()
	tk, err := r.Place(ctx, Request{Card: card, Target: contact.Target{Queue: "general"}})
	r.place = append(r.place, time.Since(start))
	require.NoError(b, err)
	e := <-tk.Events()
	r.decision = append(r.decision, e.Why.Took)
	start = time.Now()
	err = r.Accept(ctx, e.Offer, "agent0")
	r.accept = append(r.accept, time.Since(start))
	require.NoError(b, err)
	require.NoError(b, tk.End(ctx, contact.Handled))
}
