package staff

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"filo/bench/sim"
)

func scenario(t *testing.T, text string) *sim.Scenario {
	t.Helper()
	sc, err := sim.Parse("s.yaml", []byte(text), nil)
	require.NoError(t, err)
	return sc
}

// With one skill the simulation comes to what Erlang C and A say. The targets
// lie between the measures of two neighbouring numbers.
func TestSimulationAgreesWithErlang(t *testing.T) {
	defer goleak.VerifyNone(t)
	for _, c := range []struct {
		name, class string
		start       string
		target      Target
		patience    time.Duration
	}{
		{"C from above", "target: 20s", "20", Target{Level: .8, Within: 20 * time.Second}, 0},
		{"C from below", "target: 20s", "1", Target{Level: .8, Within: 20 * time.Second}, 0},
		{"A", "target: 20s, patience: {exp: 2m}", "3", Target{Level: .8, Within: 20 * time.Second}, 2 * time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := Simulate(t.Context(), scenario(t, `
unit: 1m
contacts: 60_000
replications: 2
classes: {calls: {arrivals: 100/h, service: {exp: 4m}, `+c.class+`}}
agents: {all-of-them: {count: `+c.start+`}}
expect: [calls.service_level >= 80%]
`))
			require.NoError(t, err)
			want := solve(t, one(c.target, 100, time.Hour, 4*time.Minute, c.patience)).Intervals[0]
			require.Equal(t, want.Agents, r.Agents)
			require.InDelta(t, float64(want.With.Level), r.Expect[0].Got.Mean, .02)
			require.Len(t, r.Groups[0].OneLess, 1)
		})
	}
}

const skills = `
unit: 1m
contacts: 30_000
replications: 2
classes:
  orders: {arrivals: 100/h, service: {exp: 4m}, patience: {exp: 3m}, needs: orders, target: 20s}
  returns: {arrivals: 60/h, service: {exp: 6m}, patience: {exp: 3m}, needs: returns, target: 30s}
agents:
  o: {count: 12, skills: [orders]}
  r: {count: 2, skills: [returns]}
  both: {count: 3, skills: [orders, returns]}
  desk: {shifts: [{from: 0, to: 1000000000, agents: 1}], skills: [orders]}
expect:
  - orders.service_level >= 80%
  - returns.service_level >= 80%
  - all.p_abandon <= 5%
  - both.utilisation = 0.5 ± 1
`

func TestSimulateSkills(t *testing.T) {
	sc := scenario(t, skills)
	r, err := Simulate(t.Context(), sc)
	require.NoError(t, err)
	require.Len(t, r.Groups, 4)
	require.Equal(t, Crew{Name: "desk", Agents: 1, Shifts: true, Utilisation: r.Groups[3].Utilisation, OneLess: []string{}}, r.Groups[3])
	n, total := make([]int, 4), 0
	for i, g := range r.Groups {
		n[i] = g.Agents
		total += g.Agents
	}
	require.Equal(t, total, r.Agents)
	holds := func(n []int) bool {
		res, err := sim.Run(t.Context(), sc.WithAgents(n), nil)
		require.NoError(t, err)
		return res.Pass
	}
	require.True(t, holds(n))
	for i, g := range r.Groups[:3] {
		if g.Agents > 0 {
			require.False(t, holds(moved(n, i, -1)), "one %s less", g.Name)
			require.NotEmpty(t, g.OneLess)
		}
	}
	require.Equal(t, []int{12, 2, 3, 1}, func() (n []int) {
		for _, g := range sc.Groups() {
			n = append(n, g.Agents)
		}
		return n
	}(), "the scenario stays as it is")

	var text, js bytes.Buffer
	require.NoError(t, r.WriteText(&text))
	require.Contains(t, text.String(), "by shifts")
	require.NoError(t, r.WriteJSON(&js))
	require.True(t, json.Valid(js.Bytes()))
}

func TestSimulateMistakes(t *testing.T) {
	const head = "contacts: 2000\nclasses: {a: {arrivals: 1, service: {exp: 1}}}\nagents: {s: {count: 2}}\n"
	_, err := Simulate(t.Context(), scenario(t, head+"expect: [a.wait = 1 ± 10%]"))
	require.ErrorIs(t, err, errNoBound)
	_, err = Simulate(t.Context(), scenario(t, head+"expect: [s.utilisation >= 90%]"))
	require.ErrorIs(t, err, errNoHelp)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = Simulate(ctx, scenario(t, head+"expect: [a.wait <= 1]"))
	require.ErrorIs(t, err, context.Canceled)
}

func TestSlack(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct{ low, high, got, want float64 }{
		{.8, nan, .9, .125},
		{.8, nan, .4, -.5},
		{nan, 10, 5, .5},
		{nan, 10, 20, -1},
		{.5, 1, .9, .1},
		{nan, nan, 3, math.Inf(1)},
		{.8, nan, nan, math.Inf(-1)},
	} {
		v := sim.Verdict{Expectation: sim.Expectation{Min: c.low, Max: c.high}, Got: sim.Estimate{Mean: c.got}}
		if math.IsInf(c.want, 0) {
			require.Equal(t, c.want, slack(v))
		} else {
			require.InDelta(t, c.want, slack(v), 1e-12)
		}
	}
}

// An agent whom contacts prefer must be there.
func TestPreferredGroupStays(t *testing.T) {
	r, err := Simulate(t.Context(), scenario(t, `
contacts: 5000
classes: {a: {arrivals: 1, service: {exp: 1}, prefers: {agents: s, share: 10%, hold: 0.1}}}
agents: {s: {count: 2}, o: {count: 5}}
expect: [a.wait <= 1]
`))
	require.NoError(t, err)
	require.GreaterOrEqual(t, r.Groups[0].Agents, 1)
}
