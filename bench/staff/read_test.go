package staff

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const example = `# A morning, and the next one.
target: {service_level: 80/20s, occupancy: 85%}
defaults: {length: 30m, handle: 4m, patience: 2m, shrinkage: 30%}
backlog:
  mail: {handle: 6m, deadline: 4h, share: 95%, waiting: 10, idle: true}
intervals:
  - {start: 09:00, contacts: 120, backlog: {mail: 10}}
  - {contacts: 150, handle: 5m, shrinkage: 0.25}
  - {start: "23:00", length: 10h, backlog: {mail: 20}}
  - {contacts: 10}
`

func keep(*Plan) {}

func TestRead(t *testing.T) {
	p, err := Read("plan.yaml", []byte(example), keep)
	require.NoError(t, err)
	require.Equal(t, Target{Level: .8, Within: 20 * time.Second, Occupancy: .85}, p.Target)
	require.Equal(t, []Stream{{
		Name: "mail", Handle: 6 * time.Minute, Deadline: 4 * time.Hour, Share: .95, Waiting: 10, Idle: true,
	}}, p.Streams)
	require.Len(t, p.Intervals, 4)
	at := func(s string) time.Time {
		when, err := parseStart(s)
		require.NoError(t, err)
		return when
	}
	require.Equal(t, Interval{
		Start: at("09:30"), Length: 30 * time.Minute, Contacts: 150, Handle: 5 * time.Minute, Patience: 2 * time.Minute,
		Shrinkage: .25, Backlog: []float64{0},
	}, p.Intervals[1])
	require.Equal(t, at("09:00").Add(24*time.Hour), p.Intervals[3].Start, "after midnight")
}

func TestReadCSV(t *testing.T) {
	p, err := Read("day.CSV", []byte("start, contacts, handle, length, patience\n# morning\n09:00, 120, 4m, 30m, 2m\n, 90.5, 240s, 30m,\n"),
		func(p *Plan) { p.Target.ASA = time.Minute })
	require.NoError(t, err)
	require.Len(t, p.Intervals, 2)
	require.Equal(t, p.Intervals[0].Start.Add(30*time.Minute), p.Intervals[1].Start)
	require.Equal(t, []time.Duration{2 * time.Minute, 0}, []time.Duration{p.Intervals[0].Patience, p.Intervals[1].Patience})
	require.InDelta(t, 90.5, p.Intervals[1].Contacts, 0)
}

func TestMistakes(t *testing.T) {
	for _, c := range []struct {
		name, file, text, want string
	}{
		{"no mapping", "p.yaml", "- 1\n", "p.yaml:1: should be keys and values"},
		{"no YAML", "p.yaml", "a: [\n", "p.yaml:"},
		{"empty", "p.yaml", "", "p.yaml:1: "},
		{"unknown key", "p.yaml", "target: {asa: 3s}\nintervals:\n  - {size: 30m}\n", "p.yaml:3: intervals[0].size: unknown key; there are backlog, contacts, handle"},
		{"unknown at the top", "p.yaml", "goal: 1\n", "p.yaml:1: goal: unknown key; there are backlog, defaults, intervals, target"},
		{"twice", "p.yaml", "target:\n  asa: 3s\n  asa: 4s\n", "p.yaml:3: "},
		{"bad level", "p.yaml", "target:\n  service_level: 80\n", `p.yaml:2: target.service_level: cannot use "80"; should be percent and time`},
		{"bad share", "p.yaml", "target: {abandon: 500%}\n", `p.yaml:1: target.abandon: cannot use "500%"`},
		{"whole", "p.yaml", "target: {abandon: 100%}\nintervals: []\n", `p.yaml:1: target.abandon: should be less than 100 %`},
		{"no intervals", "p.yaml", "target: {asa: 3s}\nintervals: []\n", "p.yaml:2: intervals: should be 1 to 10000"},
		{"no list", "p.yaml", "intervals: 3\n", "p.yaml:1: intervals: should be a list"},
		{"no word", "p.yaml", "intervals:\n  - length: [1]\n", "p.yaml:2: intervals[0].length: should be one word or number"},
		{"no target", "p.yaml", "intervals:\n  - {length: 30m, handle: 3m, contacts: 5}\n", "no target is set"},
		{"no handle time", "p.yaml", "target: {asa: 3s}\nintervals:\n  - length: 30m\n    contacts: 5\n", "p.yaml:3: intervals[0].handle: should be 1ms to"},
		{"negative", "p.yaml", "target: {asa: 3s}\nintervals:\n  - length: 30m\n    handle: 3m\n    contacts: -5\n", "p.yaml:5: intervals[0].contacts: should be 0 to"},
		{"overlap", "p.yaml", "intervals:\n  - {start: 09:00, length: 30m}\n  - start: 09:20\n    length: 30m\n", "p.yaml:3: intervals[1].start: begins before"},
		{"bad start", "p.yaml", "intervals:\n  - {start: nine, length: 30m}\n", `p.yaml:2: intervals[0].start: cannot use "nine"`},
		{"no such stream", "p.yaml", "intervals:\n  - {length: 30m, backlog: {mail: 3}}\n", "p.yaml:2: intervals[0].backlog.mail: no such stream"},
		{"deadline", "p.yaml", "intervals: [{length: 30m}]\nbacklog:\n  mail:\n    handle: 3m\n    deadline: 2m\n", "p.yaml:5: backlog.mail.deadline: should be 3m1s to"},
		{"stream's key", "p.yaml", "intervals: [{length: 30m}]\nbacklog:\n  mail: {speed: 3m}\n", "p.yaml:3: backlog.mail.speed: unknown key"},
		{"idle", "p.yaml", "intervals: [{length: 30m}]\nbacklog:\n  mail: {idle: perhaps}\n", "p.yaml:3: backlog.mail.idle: "},
		{"empty CSV", "p.csv", "", "p.csv:1: should begin with the names"},
		{"unknown column", "p.csv", "start,speed\n09:00,1\n", "p.csv:1: speed: unknown column"},
		{"ragged CSV", "p.csv", "start,length\n09:00\n", "p.csv:2: "},
		{"quotes in CSV", "p.csv", "start,length\n\"09:00,30m\n", "p.csv:"},
		{"bad cell", "p.csv", "start,length\n09:00,30m\n09:30,half\n", `p.csv:3: intervals[1].length: cannot use "half"`},
		{"bad value", "p.csv", "start,length,contacts\n09:00,30m,3\n09:30,30m,-1\n", "p.csv:3: intervals[1].contacts: should be"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Read(c.file, []byte(c.text), keep)
			require.ErrorContains(t, err, c.want)
		})
	}
	_, err := Read("p.yaml", make([]byte, maxFile+1), keep)
	require.ErrorContains(t, err, "larger than")
}

// A file with several mistakes shows all of them, in order.
func TestEveryMistake(t *testing.T) {
	_, err := Read("p.yaml", []byte("target: {asa: x}\nintervals:\n  - {length: 1, contacts: 3}\n  - {length: 30m, shrinkage: -1}\n"), keep)
	require.ErrorContains(t, err, "p.yaml:1: target.asa")
	require.ErrorContains(t, err, "p.yaml:3: intervals[0].length")
	require.ErrorContains(t, err, "p.yaml:4: intervals[1].shrinkage")
}

func TestWords(t *testing.T) {
	for _, c := range []struct {
		text   string
		share  float64
		within time.Duration
	}{
		{"80/20", .8, 20 * time.Second},
		{"80/20s", .8, 20 * time.Second},
		{"99.5%/1m", .995, time.Minute},
		{"90 / 0.5", .9, 500 * time.Millisecond},
	} {
		share, within, err := ParseLevel(c.text)
		require.NoError(t, err)
		require.InDelta(t, c.share, share, 1e-12)
		require.Equal(t, c.within, within)
	}
	for _, bad := range []string{"", "80", "80/", "x/20", "0/20", "100/20", "120/20", "80/-3s", "80/20x"} {
		_, _, err := ParseLevel(bad)
		require.ErrorIs(t, err, errWord, bad)
	}
	for _, c := range []struct {
		text     string
		contacts float64
		per      time.Duration
	}{{"100/h", 100, time.Hour}, {"2.5/min", 2.5, time.Minute}, {"1/s", 1, time.Second}, {"30/30m", 30, 30 * time.Minute}} {
		contacts, per, err := ParseRate(c.text)
		require.NoError(t, err)
		require.InDelta(t, c.contacts, contacts, 0)
		require.Equal(t, c.per, per)
	}
	for _, bad := range []string{"", "100", "100/week", "-1/h", "0/h", "x/h", "NaN/h"} {
		_, _, err := ParseRate(bad)
		require.ErrorIs(t, err, errWord, bad)
	}
	for _, bad := range []string{"", "x", "-1", "101%", "NaN"} {
		_, err := ParseShare(bad)
		require.ErrorIs(t, err, errWord, bad)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(true, []byte(example))
	f.Add(false, []byte("start,length,contacts\n09:00,30m,3\n"))
	f.Fuzz(func(t *testing.T, isYAML bool, data []byte) {
		name := "p.csv"
		if isYAML {
			name = "p.yaml"
		}
		p, err := Read(name, data, keep)
		if err == nil {
			require.NoError(t, p.Validate())
		}
	})
}
