package sim

import (
	"encoding/json"
	"runtime"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

// play runs a scenario whose expectations say what is tested.
func play(t *testing.T, text string) *Result {
	t.Helper()
	sc, err := Parse("test.yaml", []byte(text), fstest.MapFS{
		"calls.csv": {Data: []byte("at,service,patience\n0,5,100\n1,5,2\n\n# a comment\n2,1\n")},
		"both.csv":  {Data: []byte("class,agent,time,service\nx,7,0,5\ny,7,1s,4\nx,,3,1\n")},
	})
	require.NoError(t, err)
	res, err := Run(t.Context(), sc, nil)
	require.NoError(t, err)
	for _, v := range res.Expect {
		require.True(t, v.Pass, "%s: found %s", v.Text, v.Got)
	}
	return res
}

// TestSemantics: small scenarios that can be worked out by hand.
func TestSemantics(t *testing.T) {
	for _, tt := range []struct{ name, text string }{
		{"one after the other", `
replications: 1
classes: {c: {arrivals: {trace: [0, 1, 2]}, service: 2}}
agents: {a: 1}
expect: [c.wait = 1 ± 0, c.wait_p99 = 2 ± 1%, c.p_wait = 2/3 ± 0, a.utilisation = 1 ± 0, c.queue = 0.5 ± 1e-9, c.throughput = 0.5 ± 1e-9]`},
		{"a file of calls with services and patience", `
replications: 1
classes: {c: {arrivals: {trace: calls.csv}, service: 9}}
agents: {a: 1}
expect: [c.p_abandon = 1/3 ± 0, c.wait_served = 1.5 ± 0, c.wait = 5/3 ± 1e-9, c.service = 3 ± 0]`},
		{"a file of calls of two classes", `
replications: 1
classes: {x: {arrivals: {trace: both.csv}, service: 9}, y: {arrivals: {trace: both.csv}, service: 9}}
agents: {a: 1}
expect: [x.service = 3 ± 0, y.service = 4 ± 0, y.wait = 4 ± 0, x.wait = 3 ± 0]`},
		{"patience ends while it rings", `
replications: 1
classes: {c: {arrivals: {trace: [0]}, service: 2, patience: 3}}
agents: {a: {answer: 5}}
expect: [c.p_abandon = 1 ± 0, c.wait = 3 ± 0]`},
		{"nobody may wait, but go to the other queue", `
replications: 1
classes:
  c: {arrivals: {trace: [0, 0, 0]}, service: 2, needs: s, places: 0, overflow: d}
  d: {arrivals: none, service: 1, needs: t, places: 1}
agents: {a: {skills: [s]}, b: {skills: {u: 1, t: 1}, shifts: [{from: 1, to: 9}]}}
expect: [c.p_block = 1/3 ± 0, c.wait = 0.5 ± 0, b.busy > 0]`},
		{"the most proficient", `
replications: 1
classes: {c: {arrivals: {trace: [0]}, service: 1, needs: s, select: most_proficient}}
agents: {a: {skills: {s: 50}}, b: {skills: {s: 90}}}
expect: [a.busy = 0 ± 0, b.busy = 1 ± 0]`},
		{"the least flexible", `
replications: 1
classes: {c: {arrivals: {trace: [0]}, service: 1, needs: s, select: least_flexible}}
agents: {a: {skills: [s, t]}, b: {skills: [s]}}
expect: [a.busy = 0 ± 0, b.busy = 1 ± 0]`},
		{"the least loaded", `
replications: 1
classes: {c: {arrivals: {trace: [0, 0]}, service: 1, load: least}}
agents: {a: {capacity: 2}, b: {capacity: 2}}
expect: [a.busy = 1 ± 0, b.busy = 1 ± 0]`},
		{"the most loaded", `
replications: 1
classes: {c: {arrivals: {trace: [0, 0]}, service: 1, load: most}}
agents: {a: {capacity: 2}, b: {capacity: 2}}
expect: [a.busy = 2 ± 0, b.busy = 0 ± 0]`},
		{"ranks", `
replications: 1
classes:
  x: {arrivals: {trace: [0, 1]}, service: 5}
  y: {arrivals: {trace: [2]}, service: 5}
agents: {a: {serves: {x: 2, y: 1}}}
expect: [x.wait = 4.5 ± 0, y.wait = 3 ± 0]`},
		{"standby skills in overload", `
replications: 1
classes: {c: {arrivals: {trace: [0, 0, 1]}, service: 10, needs: s, overload: 2}}
agents: {a: {skills: [s]}, b: {standby: [s]}}
expect: [c.wait = 10/3 ± 1e-9]`},
		{"a limit of a channel", `
replications: 1
channels: {chat: {weight: 1, limit: 2}}
classes: {c: {arrivals: {trace: [0, 0, 0]}, service: 1}}
agents: {a: {capacity: 3}}
expect: [c.wait = 1/3 ± 0]`},
		{"urgency that stops to grow", `
replications: 1
classes:
  x: {arrivals: {trace: [0, 1]}, service: 5, saturate: 1}
  y: {arrivals: {trace: [2]}, service: 5}
agents: {a: 1}
expect: [x.wait = 4.5 ± 0, y.wait = 3 ± 0]`},
		{"a reserve", `
replications: 1
classes: {c: {arrivals: {trace: [0, 0]}, service: 1, reserve: 1}}
agents: {a: 2}
expect: [c.wait = 0.5 ± 0]`},
		{"who refuses is not asked again", `
replications: 1
classes: {c: {arrivals: {trace: [0]}, service: 1}}
agents: {a: {refuse: 1, answer: 2}, b: {answer: 1}}
expect: [c.wait = 3 ± 0, b.busy > 0]`},
		{"patience that ends with the service is in time", `
replications: 1
classes: {c: {arrivals: {trace: [0, 0]}, service: 2, patience: 2}}
agents: {a: 1}
expect: [c.p_abandon = 0 ± 0, c.wait_served = 1 ± 0]`},
		{"wrap-up keeps the agent busy", `
replications: 1
classes: {c: {arrivals: {trace: [0, 1]}, service: 2, wrap_up: 3}}
agents: {a: 1}
expect: [c.wait = 2 ± 0, a.utilisation = 1 ± 0]`},
		{"speed shortens service", `
replications: 1
classes: {c: {arrivals: {trace: [0, 0]}, service: 4}, d: {arrivals: none, service: 1}}
agents: {a: {speed: {c: 2}}}
expect: [c.wait = 1 ± 0, c.service = 2 ± 0]`},
		{"waiting places", `
replications: 1
classes: {c: {arrivals: {trace: [0, 0, 0, 0]}, service: 1, places: 2}}
agents: {a: 1}
expect: [c.p_block = 1/4 ± 0, c.wait = 1 ± 0]`},
		{"no waiting places", `
replications: 1
places: 0
classes: {c: {arrivals: {trace: [0, 0, 2]}, service: 1}}
agents: {a: 1}
expect: [c.p_block = 1/3 ± 0, c.p_wait = 0 ± 0]`},
		{"who is blocked tries again", `
replications: 1
places: 0
classes: {c: {arrivals: {trace: [0, 0]}, service: 1, retry: {share: 1, after: 2, of: blocked}}}
agents: {a: 1}
expect: [c.p_block = 1/3 ± 0, c.p_wait = 0 ± 0]`},
		{"full goes to the other queue", `
replications: 1
classes:
  c: {arrivals: {trace: [0, 0, 0]}, service: 1, needs: s, places: 1, overflow: d}
  d: {arrivals: none, service: 1}
agents: {a: {skills: [s]}, b: {skills: [t], serves: [d]}}
expect: [c.p_block = 0 ± 0, c.wait = 1/3 ± 0]`},
		{"overflow by age", `
replications: 1
classes:
  c: {arrivals: {trace: [0, 0]}, service: 10, needs: s, overflow: {to: d, after: 3}}
  d: {arrivals: none, service: 1, needs: t}
agents: {a: {skills: [s]}, b: {skills: [t]}}
expect: [c.wait = 1.5 ± 0, c.p_wait = 0.5 ± 0]`},
		{"steps", `
replications: 1
classes: {c: {arrivals: {trace: [0]}, service: 1, needs: {s: 80}, steps: [{after: 2, needs: {s: 60}}, {after: 5, agents: a}]}}
agents: {a: {skills: {s: 50}}}
expect: [c.wait = 5 ± 0]`},
		{"a list of alternatives", `
replications: 1
classes: {c: {arrivals: {trace: [0, 0]}, service: 1, needs: [[s, {t: 50}]]}}
agents: {a: {skills: [s]}, b: {skills: {t: 50}}, x: {skills: {t: 49}}}
expect: [c.wait = 0 ± 0, a.busy = 1 ± 0, b.busy = 1 ± 0, x.busy = 0 ± 0]`},
		{"a queue of one's own", `
replications: 1
classes: {c: {arrivals: {trace: [0, 0]}, service: 1, prefers: {agents: a, hold: forever}}}
agents: {a: 1, b: 1}
expect: [c.wait = 0.5 ± 0, b.utilisation = 0 ± 0]`},
		{"held for a while", `
replications: 1
classes: {c: {arrivals: {trace: [0, 0]}, service: 5, prefers: {agents: a, hold: 2}}}
agents: {a: 1, b: 1}
expect: [c.wait = 1 ± 0]`},
		{"delay of a profile", `
replications: 1
classes: {c: {arrivals: {trace: [0]}, service: 5}}
agents: {a: {serves: {c: {rank: 1, delay: 4}}}}
expect: [c.wait = 4 ± 0]`},
		{"answering takes time", `
replications: 1
classes: {c: {arrivals: {trace: [0]}, service: 5}}
agents: {a: {answer: 3}}
expect: [c.wait = 3 ± 0, c.p_wait = 0 ± 0, c.service = 5 ± 0]`},
		{"who ignores an offer is made not ready", `
replications: 1
offers: {timeout: 2, rona_limit: 1, rona_pause: 100, exclude: 50}
classes: {c: {arrivals: {trace: [0]}, service: 5}}
agents: {a: {ignore: 1, capacity: 1}, b: {shifts: [{from: 7, to: 30}]}}
expect: [c.wait = 7 ± 0]`},
		{"a shift begins", `
duration: 10
replications: 1
classes: {c: {arrivals: {trace: [0]}, service: 1}}
agents: {a: {count: 3, shifts: [{from: 4, agents: 1}, {from: 6, to: 8, agents: 2}]}}
expect: [c.wait = 4 ± 0, a.on_duty = 1 ± 1e-9]`},
		{"who goes home finishes first", `
duration: 10
replications: 1
classes: {c: {arrivals: {trace: [1, 1]}, service: 4, patience: 20}}
agents: {a: {shifts: [{to: 2}]}}
expect: [c.p_abandon = 0.5 ± 0, a.on_duty = 0.5 ± 1e-9, a.utilisation = 0.8 ± 1e-9]`},
		{"shifts repeat", `
duration: 40
period: 10
replications: 1
classes: {c: {arrivals: {trace: [5, 25]}, service: 1}}
agents: {a: {shifts: [{from: 7, to: 9}]}}
expect: [c.wait = 2 ± 0, a.on_duty = 0.2 ± 1e-9]`},
		{"nobody is left to serve", `
replications: 1
classes: {c: {arrivals: {trace: [0, 1]}, service: 1}}
agents: {a: {shifts: [{from: 0, to: 0.5}]}}
expect: [c.p_abandon = 0 ± 0, c.throughput >= 0]`},
		{"interruptible chats", `
replications: 1
channels: {chat: 1, voice: {weight: 2, interrupts: [chat]}}
classes:
  chat: {arrivals: {trace: [0, 0]}, service: 10, channel: chat}
  call: {arrivals: {trace: [1]}, service: 1, channel: voice}
agents: {a: {capacity: 2}}
expect: [call.wait = 0 ± 0, chat.wait = 0 ± 0]`},
		{"caps", `
replications: 1
classes: {c: {arrivals: {trace: [0, 0, 0]}, service: 1}}
agents: {a: {capacity: 5, caps: 2}}
expect: [c.wait = 1/3 ± 0]`},
		{"promotion by waiting", `
replications: 1
classes:
  low: {arrivals: {trace: [0, 1]}, service: 5, tier: 2, promote: 3}
  high: {arrivals: {trace: [2]}, service: 5, tier: 1}
agents: {a: 1}
expect: [low.wait = 2 ± 0, high.wait = 8 ± 0]`},
		{"priority is worth time", `
replications: 1
priority_step: 2
classes:
  low: {arrivals: {trace: [0, 1]}, service: 5}
  high: {arrivals: {trace: [2]}, service: 5, priority: 1}
agents: {a: 1}
expect: [low.wait = 4.5 ± 0, high.wait = 3 ± 0]`},
		{"the earliest deadline first", `
replications: 1
classes:
  slow: {arrivals: {trace: [0, 1]}, service: 5, deadline: 10}
  fast: {arrivals: {trace: [2]}, service: 5, deadline: 8}
agents: {a: 1}
expect: [slow.wait = 4.5 ± 0, fast.wait = 3 ± 0]`},
	} {
		t.Run(tt.name, func(t *testing.T) { play(t, tt.text) })
	}
}

// TestUnserved: who still waits when nothing can happen any more is counted.
func TestUnserved(t *testing.T) {
	res := play(t, `
replications: 2
classes: {c: {arrivals: {trace: [0, 1]}, service: 1}}
agents: {a: {shifts: [{from: 0, to: 0.5}]}}`)
	require.Equal(t, counts{Arrived: 4, Served: 2, Unserved: 2}, res.All.Counts)
}

// TestSameSeed: the result does not depend on how many processors there are,
// nor on the scale of time.
func TestSameSeed(t *testing.T) {
	text := `
contacts: 20000
replications: 4
classes: {c: {arrivals: 8, service: {exp: 1}, patience: {exp: 2}, wrap_up: {exp: 0.1}}}
agents: {a: 9}`
	one := play(t, text)
	before := runtime.GOMAXPROCS(1)
	two := play(t, text)
	runtime.GOMAXPROCS(before)
	a, err := json.Marshal(one.All)
	require.NoError(t, err)
	b, err := json.Marshal(two.All)
	require.NoError(t, err)
	require.Equal(t, string(a), string(b))

	longer := play(t, "unit: 1h\n"+text)
	require.InEpsilon(t, one.All.Measures["wait"].Mean, longer.All.Measures["wait"].Mean, 1e-6)

	other := play(t, "seed: 2\n"+text)
	require.NotEqual(t, one.All.Counts, other.All.Counts)
}

// TestCommonRandomNumbers: another policy meets the same callers.
func TestCommonRandomNumbers(t *testing.T) {
	text := `
duration: 1000
replications: 2
classes: {c: {arrivals: 8, service: {exp: 1}}, d: {arrivals: 1, service: {exp: 1}}}
agents: {a: `
	few, many := play(t, text+"10}"), play(t, text+"20}")
	require.Equal(t, few.All.Counts.Arrived, many.All.Counts.Arrived)
	require.InDelta(t, few.All.Measures["service"].Mean, many.All.Measures["service"].Mean, 1e-9)
	require.Greater(t, few.All.Measures["wait"].Mean, many.All.Measures["wait"].Mean)
}

// TestBatches: the only replication gives confidence intervals by its parts.
func TestBatches(t *testing.T) {
	res := play(t, `
contacts: 200000
replications: 1
classes: {c: {arrivals: 8, service: {exp: 1}}}
agents: {a: 10}
expect: [c.p_wait = 0.4092 ± 0.02]`)
	require.Equal(t, batches, res.Batches)
	require.InDelta(t, 0.01, res.All.Measures["p_wait"].Half, 0.009)
}
