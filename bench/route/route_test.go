package route

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"filo/router/core"
)

// small is a world that is measured in a moment.
func small(agents, waiting, skills int) Config {
	return Config{Agents: agents, Waiting: waiting, Skills: skills, Seed: 3, Samples: 1000}
}

func TestWorld(t *testing.T) {
	for _, c := range []struct {
		skills, profiles, kinds, most int
	}{
		{10, 600, 40, 5},
		{200, 600, 1000, 26},
	} {
		t.Run(fmt.Sprintf("%d skills", c.skills), func(t *testing.T) {
			w := newWorld(small(10_000, 500, c.skills))
			require.Len(t, w.profiles, c.profiles)
			require.Len(t, w.kinds, c.kinds)
			require.Len(t, w.agents, 10_000)
			require.Len(t, w.backlog, 500)
			for _, p := range w.profiles {
				has := 0
				for _, level := range p {
					if level > 0 {
						has++
					}
				}
				require.GreaterOrEqual(t, has, 2)
				require.LessOrEqual(t, has, c.most)
			}
			for i, k := range w.kinds {
				require.NotEmpty(t, k.needs)
				require.LessOrEqual(t, len(k.needs), 3)
				require.True(t, slices.IsSortedFunc(k.needs, func(a, b need) int { return a.skill - b.skill }))
				require.True(t, slices.ContainsFunc(w.agents, func(p int) bool { return w.profiles[p].meets(k.needs) }),
					"nobody serves kind %d", i)
			}
			require.Equal(t, w, newWorld(small(10_000, 500, c.skills)), "a seed is a world")
		})
	}
}

func TestDistinctWorld(t *testing.T) {
	cfg := small(50, 100, DistinctSkills)
	cfg.Distinct = true
	w := newWorld(cfg)
	require.Len(t, w.profiles, 50)
	require.Len(t, w.kinds, 100+distinctArrivals)
	for _, p := range w.profiles {
		none := 0
		for _, level := range p {
			if level == 0 {
				none++
			}
		}
		require.Equal(t, DistinctSkills-distinctSkills, none)
	}
	for _, k := range w.kinds {
		require.Len(t, k.needs, distinctNeeds)
	}
}

func TestZipf(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	z, n := newZipf(3, 1), [3]int{}
	for range 110_000 {
		n[z.draw(r)]++
	}
	for i, want := range []float64{60_000, 30_000, 20_000} {
		require.InEpsilon(t, want, n[i], .03)
	}
}

// The plain scans inside of Run compare themselves with the core.
func TestRun(t *testing.T) {
	memory := NewMemory(1 << 16)
	for _, c := range []struct {
		name string
		cfg  Config
	}{
		{"calls only", small(100, 0, 10)},
		{"backlog", small(100, 200, 10)},
		{"many skills", small(300, 3000, 200)},
		{"odd and tiny", small(3, 10, 1)},
		{"distinct", Config{Agents: 200, Waiting: 3000, Skills: 100, Distinct: true, Seed: 3, Samples: 1000}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := Run(t.Context(), c.cfg, memory)
			require.NoError(t, err)
			require.Equal(t, []int{c.cfg.Agents, c.cfg.Waiting, c.cfg.Skills}, []int{r.Agents, r.Waiting, r.Skills})
			require.NotNil(t, r.Arrive)
			ordered(t, r.Arrive)
			if c.cfg.Waiting == 0 {
				require.Nil(t, r.Free, "nobody waits")
				require.Equal(t, r.Scan, r.Brute)
			} else {
				require.NotNil(t, r.Free)
				ordered(t, r.Free)
				ordered(t, r.Queue)
				require.Positive(t, r.Waiter)
				require.Equal(t, r.Search, r.Brute)
			}
			require.Positive(t, r.Load)
			require.Positive(t, r.Cycles)
			require.Less(t, r.Allocs, 2.) // each distinct contact is a definition
		})
	}
}

func ordered(t *testing.T, q *Quantiles) {
	t.Helper()
	require.Positive(t, q.N)
	require.LessOrEqual(t, q.P50, q.P99)
	require.LessOrEqual(t, q.P99, q.P999)
	require.LessOrEqual(t, q.P999, q.Max)
}

// The measured steps keep the account: so many wait and work as there are.
func TestBacklogIsSteady(t *testing.T) {
	f := newFloor(small(200, 1000, 10))
	kinds := func() []int {
		n := make([]int, len(f.world.kinds))
		for i := range f.contacts {
			if f.state.Contact(core.Contact(i)).Phase == core.PhaseWaiting {
				n[f.kind[i]]++
			}
		}
		return n
	}
	f.fill()
	f.open()
	before := kinds()
	require.Equal(t, 100, len(f.busy))
	f.callsArrive(500)
	require.Equal(t, 700, f.callCycles(700))
	require.Equal(t, 100, len(f.busy))
	require.Equal(t, before, kinds())
	f.takeMail()
	require.Equal(t, 200, len(f.busy))
	f.agentsFree(500)
	require.Equal(t, 500, len(f.free))
	require.Equal(t, 700, f.mailCycles(700))
	require.Equal(t, before, kinds())
	for _, j := range f.busy {
		require.Equal(t, core.Busy, f.state.Agent(j.agent).State)
		require.Equal(t, j.agent, f.state.Contact(j.contact).Agent)
	}
}

func TestDisagreement(t *testing.T) {
	f := newFloor(small(100, 0, 10))
	f.open()
	for i := range f.agents {
		f.agents[i].since = uint64(len(f.agents) - i)
	}
	_, err := f.checkArrivals(50)
	require.ErrorIs(t, err, errDisagree)
}

func TestStopped(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := Run(ctx, small(100, 0, 10), NewMemory(64))
	require.ErrorIs(t, err, context.Canceled)
}

func TestProfile(t *testing.T) {
	var profile bytes.Buffer
	cfg := small(100, 10, 10)
	cfg.Profile = &profile
	_, err := Run(t.Context(), cfg, NewMemory(64))
	require.NoError(t, err)
	require.NotEmpty(t, profile.Bytes())
}

func TestValidate(t *testing.T) {
	require.NoError(t, DefaultConfig().Validate())
	for _, w := range Worlds(DefaultConfig()) {
		require.NoError(t, w.Validate())
	}
	err := Config{Agents: 1, Waiting: -1, Samples: 1}.Validate()
	for _, key := range []string{"agents: ", "waiting: ", "skills: ", "samples: "} {
		require.ErrorContains(t, err, key)
	}
	_, err = Run(t.Context(), Config{}, NewMemory(64))
	require.ErrorIs(t, err, errConfig)
}

func TestCounter(t *testing.T) {
	c := calibrate()
	start, from := together()
	for time.Since(start) < 20*time.Millisecond {
	}
	end, to := together()
	require.InEpsilon(t, float64(end.Sub(start)), float64(to-from)/c.perNs, .02)

	c = counter{perNs: 2, cost: 10}
	s := newSamples(1000)
	for i := 1000; i > 0; i-- {
		s.add(uint64(i))
	}
	s.add(1 << 40)
	require.Equal(t, &Quantiles{N: 1000, P50: 245, P99: 490, P999: 494.5, Max: 495}, c.quantiles(s))
	forget(&s)
	require.Nil(t, c.quantiles(s))
	s.add(3)
	require.Zero(t, c.quantiles(s).P50, "less than a reading costs")
	s.add(1 << 40)
	require.InDelta(t, 1<<31, c.quantiles(s).Max, 10, "clamped")
}

func TestMemoryIsOneRing(t *testing.T) {
	m := NewMemory(64 * 1000)
	require.Positive(t, m.Load())
	seen := map[uint32]bool{}
	for at := uint32(0); !seen[at]; at = m.ring[at].next {
		seen[at] = true
	}
	require.Len(t, seen, 1000)
}

func TestReport(t *testing.T) {
	r := &Result{
		Agents: 100, Waiting: 7, Skills: 50, Distinct: true, Load: 100, Brute: 5,
		Arrive: &Quantiles{N: 3, P50: 250, P99: 500, P999: 600, Max: 700},
	}
	var text, js bytes.Buffer
	require.NoError(t, WriteHeader(&text))
	require.NoError(t, r.WriteText(&text))
	require.Contains(t, text.String(), "50 d")
	require.Contains(t, text.String(), "250 / 500 / 600   2.50 |")
	require.Contains(t, text.String(), " -      - |", "nobody became free")
	require.NoError(t, r.WriteJSON(&js))
	require.Equal(t, 1, strings.Count(js.String(), "\n"))
	var back map[string]any
	require.NoError(t, json.Unmarshal(js.Bytes(), &back))
	require.Equal(t, 600.0, back["arrive_ns"].(map[string]any)["p999"])
	require.Nil(t, back["free_ns"])
	for _, key := range []string{"cycles_per_s", "allocs_per_decision", "bytes_per_waiting", "dram_ns", "brute_ns"} {
		require.Contains(t, back, key)
	}
}
