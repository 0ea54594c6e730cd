package core

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestExplain holds the explanations of offers in random worlds to those of
// the reference: everybody's verdict, their order, the counts, the reasons.
func TestExplain(t *testing.T) {
	offers := 0
	for seed := range uint64(40) {
		w := newWorld(t, 2000+seed)
		for range 2000 {
			w.step()
			for _, e := range w.buf {
				if e.Kind != Offer || w.state.Contact(e.Contact).Offer != e.Offer {
					continue
				}
				offers++
				list, acc := w.state.Explain(e, make([]Candidate, 0, 64))
				want, wantAcc := w.ref.Explain(e, make([]Candidate, 0, 64))
				for i := range list {
					list[i].group, list[i].rank = 0, rank{}
				}
				require.Equal(t, want, list, "seed %d step %d: %+v", 2000+seed, w.at, e)
				require.Equal(t, wantAcc, acc, "seed %d step %d: %+v", 2000+seed, w.at, e)
			}
		}
	}
	require.Greater(t, offers, 4000)
}

// TestExplainIsBounded: of many agents the best are listed, and the rest
// counted.
func TestExplainIsBounded(t *testing.T) {
	s, plans := centre(3000)
	now := int64(2)
	for a := range 3000 {
		s.Apply(now, Command{Op: OpReady, Agent: Agent(a)}, nil)
	}
	effects := s.Apply(now, Command{Op: OpArrive, Plan: plans[0], Tier: 1, Time: now, Agent: Nobody}, nil)
	list, acc := s.Explain(effects[0], make([]Candidate, 0, 16))
	require.Len(t, list, 16)
	require.Equal(t, Chosen, list[0].Verdict)
	require.Equal(t, effects[0].NextAgent, list[1].Agent)
	counted := 0
	for _, n := range acc.Agents {
		counted += n
	}
	require.Equal(t, explainAgents, counted)
	require.Equal(t, explainAgents-16, acc.More)
	require.Equal(t, 3000-explainAgents, acc.Unseen)
}
