package sim

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

// TestMistakes: each is told with file, line and key.
func TestMistakes(t *testing.T) {
	const agents = "\nagents: {a: {skills: [s]}}"
	for _, tt := range []struct{ name, text, want string }{
		{"not yaml", "a: [", `f.yaml:`},
		{"a list", "[1]", `f.yaml: should be keys and values`},
		{"nothing", "# nothing\n", `f.yaml`},
		{"no classes", "name: x", `f.yaml:1: classes and agents are needed`},
		{"unknown key", "clases: {}\nclasses: {c: {arrivals: 1, service: 1}}" + agents, `f.yaml:1: clases: unknown key clases; there are about, agents, channels`},
		{"unknown key of a class", "classes:\n  c:\n    arrivals: 1\n    service: 1\n    patients: 2" + agents, `f.yaml:5: classes.c.patients: unknown key patients; there are ageing`},
		{"what is needed", "classes:\n  c: {arrivals: 1}" + agents, `f.yaml:2: classes.c: service is needed`},
		{"twice", "seed: 1\nseed: 2\nclasses: {c: {arrivals: 1, service: 1}}" + agents, `seed`},
		{"no such skill", "classes:\n  c: {arrivals: 1, service: 1, needs: [s, t]}" + agents, `f.yaml:2: classes.c.needs[1]: no agent has the skill "t"`},
		{"no such class", "classes:\n  c: {arrivals: 1, service: 1, overflow: d}" + agents, `f.yaml:2: classes.c.overflow: there is no class "d"`},
		{"no such agents", "classes: {c: {arrivals: 1, service: 1, agents: [b]}}" + agents, `f.yaml:1: classes.c.agents[0]: there are no agents "b"`},
		{"no such room", "classes: {c: {arrivals: 1, service: 1, room: r}}" + agents, `f.yaml:1: classes.c.room: there is no waiting room "r" in rooms`},
		{"overflow in a circle", "classes: {c: {arrivals: 1, service: 1, overflow: d}, d: {arrivals: 1, service: 1, overflow: c}}" + agents, `goes in a circle`},
		{"not a time", "classes: {c: {arrivals: 1, service: soon}}" + agents, `f.yaml:1: classes.c.service: should be a time such as 1.5 (units) or 90s, not "soon"`},
		{"not a rate", "classes: {c: {arrivals: often, service: 1}}" + agents, `f.yaml:1: classes.c.arrivals: should be a rate such as 4.5 (per unit) or 30/h, not "often"`},
		{"two distributions", "classes: {c: {arrivals: 1, service: {exp: 1, fixed: 2}}}" + agents, `classes.c.service.fixed: one distribution only`},
		{"an unknown distribution", "classes: {c: {arrivals: 1, service: {normal: 1}}}" + agents, `unknown key normal; there are empirical, erlang, exp, fixed`},
		{"half a distribution", "classes: {c: {arrivals: 1, service: {lognormal: {mean: 1}}}}" + agents, `classes.c.service.lognormal: should have mean and cv`},
		{"no time at all", "classes: {c: {arrivals: 1, service: {exp: 0}}}" + agents, `should be more than 0`},
		{"rates that overlap", "classes: {c: {arrivals: {rates: [1, 2]}, service: 1}}" + agents, `bare rates need every`},
		{"a file that is not there", "classes: {c: {arrivals: {trace: x.csv}, service: 1}}" + agents, `f.yaml:1: classes.c.arrivals.trace: open x.csv`},
		{"a bad line of a file", "classes: {c: {arrivals: {trace: bad.csv}, service: 1}}" + agents, `bad.csv:3`},
		{"not a proficiency", "classes: {c: {arrivals: 1, service: 1}}\nagents:\n  a: {skills: {s: 101}}", `f.yaml:3: agents.a.skills.s: should be a whole number of 1 to 100, not "101"`},
		{"not a policy", "classes: {c: {arrivals: 1, service: 1, select: best}}" + agents, `"best" is none of longest_idle, most_proficient, least_flexible`},
		{"a name for two", "classes: {a: {arrivals: 1, service: 1}}" + agents, `agents.a: the name is taken by a class`},
		{"more on duty than there are", "classes: {c: {arrivals: 1, service: 1}}\nagents: {a: {count: 2, shifts: [{from: 0, to: 1, agents: 3}]}}", `3 agents on duty, but count is 2`},
		{"two ends", "contacts: 5\nduration: 5\nclasses: {c: {arrivals: 1, service: 1}}" + agents, `give one`},
		{"no such figure", "classes: {c: {arrivals: 1, service: 1}}\nexpect: [c.speed = 1 ± 1]" + agents, `expect[0]: c has no figure "speed"; there are wait,`},
		{"no such owner", "classes: {c: {arrivals: 1, service: 1}}\nexpect: [d.wait = 1 ± 1]" + agents, `neither a class nor a group of agents "d"`},
		{"no tolerance", "classes: {c: {arrivals: 1, service: 1}}\nexpect: [c.wait = 1]" + agents, `a tolerance is needed`},
		{"not an expectation", "classes: {c: {arrivals: 1, service: 1}}\nexpect: [fast]" + agents, `"fast" is not like`},
		{"a rate that the core cannot hold", "classes: {c: {arrivals: 1, service: 1, ageing: 1.3}}" + agents, `classes.c.ageing: should be a multiple of 1/16, such as 1.3125`},
		{"without end", "classes: {c: {arrivals: 1, service: {mix: &m [{share: 1, of: {mix: *m}}]}}}" + agents, `too deep, or without end`},
		{"no key", "classes: {c: {arrivals: 1, service: 1, '': 2}}" + agents, `unknown key`},
		{"preferred agents that are not there", "classes: {c: {arrivals: 1, service: 1, prefers: {agents: b}}}\nagents: {a: {skills: [s]}, b: 0}", `b has no agents`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse("f.yaml", []byte(tt.text), fstest.MapFS{"bad.csv": {Data: []byte("1\n2\nthree\n")}})
			require.ErrorContains(t, err, tt.want)
		})
	}
}

// TestEveryKeyIsShown: example.yaml has every key there is.
func TestEveryKeyIsShown(t *testing.T) {
	example, err := os.ReadFile("../../configs/sim/example.yaml")
	require.NoError(t, err)
	manual, err := os.ReadFile("../../configs/sim/README.md")
	require.NoError(t, err)
	for _, place := range []string{
		"x: 1",
		"offers: {x: 1}",
		"channels: {a: {x: 1}}",
		"classes: {c: {x: 1}}\nagents: {a: 1}",
		"classes: {c: {retry: {x: 1}}}\nagents: {a: 1}",
		"classes: {c: {overflow: {x: 1}}}\nagents: {a: 1}",
		"classes: {c: {prefers: {x: 1}}}\nagents: {a: 1}",
		"classes: {c: {steps: [{x: 1}]}}\nagents: {a: 1}",
		"classes: {c: {}}\nagents: {a: {x: 1}}",
		"classes: {c: {}}\nagents: {a: {shifts: [{x: 1}]}}",
		"classes: {c: {}}\nagents: {a: {serves: {c: {x: 1}}}}",
	} {
		_, err := Parse("f.yaml", []byte(place), nil)
		_, list, ok := strings.Cut(err.Error(), "unknown key x; there are ")
		require.True(t, ok, place)
		list, _, _ = strings.Cut(list, "\n")
		for key := range strings.SplitSeq(list, ", ") {
			require.Regexp(t, regexp.MustCompile(`\b`+key+`:`), string(example), place)
			require.Contains(t, string(manual), key, place)
		}
	}
	for _, m := range classMeasures {
		require.Contains(t, string(manual), "`"+m.name+"`")
	}
	for _, m := range groupMeasures {
		require.Contains(t, string(manual), "`"+m.name+"`")
	}
}

func TestTimesAndRates(t *testing.T) {
	for text, want := range map[string]float64{
		"1.5": 1.5, "3/11": 3. / 11, "90s": 1.5, "1h30m": 90, "2d": 2880, "1d12h": 2160, "08:30": 510, "500ms": 1. / 120, "1e-3": 0.001,
	} {
		x, err := parseSpan(text, 60e9)
		require.NoError(t, err, text)
		require.InDelta(t, want, x, 1e-12, text)
	}
	for text, want := range map[string]float64{"4.5": 4.5, "4/3": 4. / 3, "30/h": 0.5, "12/15m": 0.8, "48/m": 48, "1/3/s": 20, "1440/d": 1} {
		x, err := parseRate(text, 60e9)
		require.NoError(t, err, text)
		require.InDelta(t, want, x, 1e-12, text)
	}
	for _, text := range []string{"", "x", "1/0", "NaN", "Inf", "1:99", "3 apples"} {
		_, err := parseSpan(text, 60e9)
		require.Error(t, err, text)
	}
}

// FuzzParse: no scenario makes the reader panic.
func FuzzParse(f *testing.F) {
	example, err := os.ReadFile("../../configs/sim/example.yaml")
	require.NoError(f, err)
	f.Add(example)
	f.Add([]byte("classes: {c: {arrivals: {rates: [1, 2], every: 1}, service: {mix: [{share: 1, of: 2}]}}}\nagents: {a: 1}\nexpect: [c.wait = 1 ± 2%]"))
	f.Fuzz(func(_ *testing.T, data []byte) {
		_, _ = Parse("f.yaml", data, fstest.MapFS{})
	})
}
