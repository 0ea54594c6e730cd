package staff

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// one is a plan of one interval.
func one(t Target, contacts float64, length, handle, patience time.Duration) Plan {
	return Plan{Target: t, Intervals: []Interval{{Length: length, Contacts: contacts, Handle: handle, Patience: patience}}}
}

func solve(t require.TestingT, p Plan) *Result {
	require.NoError(t, p.Validate())
	r, err := Solve(context.Background(), p)
	require.NoError(t, err)
	return r
}

// The oracles of package queueing, seen from here: a target that n agents just
// keep needs n of them.
func TestOracles(t *testing.T) {
	for _, c := range []struct {
		name     string
		plan     Plan
		agents   int
		measure  func(Measures) Figure
		want     float64
		decimals int
	}{
		{
			"C(12, 10)", one(Target{Level: .632, Within: 6 * time.Second}, 10, time.Minute, time.Minute, 0), 12,
			func(m Measures) Figure { return m.Level }, .63207204, 8,
		},
		{
			"C(50, 48) by ASA", one(Target{ASA: 21 * time.Second}, 48, time.Minute, time.Minute, 0), 50,
			func(m Measures) Figure { return m.ASA }, 20.834, 3,
		},
		{
			"C(50, 48), 90 %", one(Target{Level: .89, Within: 58139 * time.Millisecond}, 48, time.Minute, time.Minute, 0), 50,
			func(m Measures) Figure { return m.P90 }, 58.139, 3,
		},
		{
			"A, N=50", one(Target{Abandon: .031}, 48, time.Minute, time.Minute, 2*time.Minute), 50,
			func(m Measures) Figure { return m.Abandons }, .03091225, 8,
		},
		{
			"A, N=50, busy", one(Target{Occupancy: .9304}, 48, time.Minute, time.Minute, 2*time.Minute), 50,
			func(m Measures) Figure { return m.Occupancy }, .930324, 6,
		},
		{
			"A, N=10", one(Target{Abandon: .196}, 12, time.Minute, time.Minute, 2*time.Minute), 10,
			func(m Measures) Figure { return m.Waits }, .85038495, 8,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := solve(t, c.plan).Intervals[0]
			require.Equal(t, c.agents, s.Agents)
			require.InDelta(t, c.want, float64(c.measure(s.With)), .51*math.Pow(10, -float64(c.decimals)))
		})
	}
}

// The numbers are the least: every target holds with them, not with one less.
func TestMinimal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		maybe := func(name string, low, high float64) float64 {
			if !rapid.Bool().Draw(t, "with "+name) {
				return 0
			}
			return rapid.Float64Range(low, high).Draw(t, name)
		}
		seconds := func(x float64) time.Duration { return time.Duration(x * 1e9) }
		target := Target{
			Level: maybe("level", .1, .99), Within: seconds(rapid.Float64Range(0, 120).Draw(t, "within")),
			ASA: seconds(maybe("asa", 1, 300)), Abandon: maybe("abandon", .001, .3), Occupancy: maybe("occupancy", .3, .98),
		}
		if target.empty() {
			target.Level = .8
		}
		p := one(target, rapid.Float64Range(.1, 5000).Draw(t, "contacts"), time.Hour,
			seconds(rapid.Float64Range(5, 2000).Draw(t, "handle")), seconds(maybe("patience", 5, 1000)))
		s := solve(t, p).Intervals[0]
		require.Positive(t, s.Agents)
		require.Equal(t, s.Agents, s.With.Agents)
		require.True(t, target.met(s.With), "%+v", s.With)
		require.Equal(t, s.Agents-1, s.OneLess.Agents)
		require.False(t, target.met(*s.OneLess), "%+v", s.OneLess)
	})
}

func TestSeveralTargets(t *testing.T) {
	level := Target{Level: .8, Within: 20 * time.Second}
	busy := Target{Occupancy: .6}
	both := Target{Level: .8, Within: 20 * time.Second, Occupancy: .6}
	n := func(t2 Target) int { return solve(t, one(t2, 100, time.Hour, 4*time.Minute, 0)).Intervals[0].Agents }
	require.Equal(t, 10, n(level))
	require.Equal(t, 12, n(busy), "6.667 erlangs")
	require.Equal(t, 12, n(both))
}

func TestNobodyNeeded(t *testing.T) {
	p := one(Target{Level: .8}, 0, time.Hour, 0, 0)
	s := solve(t, p).Intervals[0]
	require.Zero(t, s.Agents)
	require.Zero(t, s.Scheduled)
	require.Nil(t, s.OneLess)
}

func TestTooMany(t *testing.T) {
	_, err := Solve(t.Context(), one(Target{Level: .8}, 1e9, time.Second, time.Hour, 0))
	require.ErrorContains(t, err, "intervals[0]: bad plan: ")
	_, err = Solve(t.Context(), one(Target{}, 1, time.Second, time.Hour, 0))
	require.ErrorIs(t, err, errTarget)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = Solve(ctx, one(Target{Level: .8}, 1, time.Hour, time.Minute, 0))
	require.ErrorIs(t, err, context.Canceled)
}

func TestShrinkage(t *testing.T) {
	for _, c := range []struct {
		n    int
		s    float64
		want int
	}{{10, 0, 10}, {7, .3, 10}, {8, .3, 12}, {9, .1, 10}, {0, .5, 0}, {1, .99, 100}} {
		require.Equal(t, c.want, scheduled(c.n, c.s), "%+v", c)
	}
}

// day is so many hours of mail, with a steady inflow each.
func day(contacts ...float64) []Interval {
	list := make([]Interval, len(contacts))
	for i, n := range contacts {
		list[i] = Interval{Start: time.Time{}.Add(time.Duration(i) * time.Hour), Length: time.Hour, Backlog: []float64{n}}
	}
	return list
}

func TestBacklog(t *testing.T) {
	s := Stream{Name: "mail", Handle: 6 * time.Minute, Deadline: 66 * time.Minute, Share: 1} // ten an agent and hour
	flow := func(s Stream, n int, contacts ...float64) *fluid {
		return s.flow(day(contacts...), 0, n, make([]float64, len(contacts)))
	}
	t.Run("in time", func(t *testing.T) {
		f := flow(s, 2, 20, 20)
		require.InDelta(t, 1, f.inTime(), 1e-12)
		require.InDelta(t, 0, f.longest, 1e-6)
		require.InDelta(t, 0, f.left(), 1e-9)
		require.InDeltaSlice(t, []float64{2, 2}, f.used, 1e-9)
	})
	t.Run("idle part of the time", func(t *testing.T) {
		require.InDeltaSlice(t, []float64{.5, 1}, flow(s, 2, 5, 10).used, 1e-9)
	})
	t.Run("one hour too much", func(t *testing.T) {
		// 40 come in the first hour, 20 are begun in each: the last one, who
		// came at 1:00, at 2:00.
		f := flow(s, 2, 40, 0, 0)
		require.InDelta(t, 20, f.states[0].Waiting, 1e-9)
		require.InDelta(t, 1800, float64(f.states[0].Oldest), 1e-6)
		require.InDelta(t, 3600, f.longest, 1e-6)
		require.InDelta(t, 1, f.inTime(), 1e-9)
		require.InDelta(t, 0, f.left(), 1e-9)
	})
	t.Run("late", func(t *testing.T) {
		// One agent needs four hours; who came at x hours is begun at 4x.
		f := flow(s, 1, 40, 0, 0, 0)
		require.InDelta(t, 1./3, f.inTime(), 1e-9, "3x <= 1")
		require.InDelta(t, 3*3600, f.longest, 1e-6)
	})
	t.Run("catching up", func(t *testing.T) {
		// 30 wait; 3 agents begin 30 an hour, 15 come: caught up after two.
		s := s
		s.Waiting = 30
		f := flow(s, 3, 15, 15, 15)
		require.InDelta(t, 15, f.states[0].Waiting, 1e-9)
		require.InDelta(t, 0, f.states[1].Waiting, 1e-6)
		require.InDeltaSlice(t, []float64{3, 3, 1.5}, f.used, 1e-6)
		require.InDelta(t, 3600, f.longest, 1e-6)
	})
	t.Run("overnight", func(t *testing.T) {
		plan := day(30, 0)
		plan[1].Start = plan[1].Start.Add(24 * time.Hour)
		f := s.flow(plan, 0, 2, []float64{0, 0})
		// 20 of 30 are begun on the first day, who came by 0:40, the last
		// one, who came at 1:00, half an hour after the second day's start at 25:00.
		require.InDelta(t, 2./3, f.inTime(), 1e-9)
		require.InDelta(t, 24.5*3600, f.longest, 1e-3, "the clock runs while nobody works")
	})
	t.Run("left", func(t *testing.T) {
		f := flow(s, 0, 10, 10)
		require.InDelta(t, 20, f.left(), 1e-9)
		require.InDelta(t, .5, f.inTime(), 1e-9, "who came in the first hour cannot be in time any more")
	})
}

func TestStaffBacklog(t *testing.T) {
	p := Plan{
		Intervals: day(40, 60, 20, 0, 80, 0),
		Streams:   []Stream{{Name: "mail", Handle: 6 * time.Minute, Deadline: 2 * time.Hour, Share: .95}},
	}
	w := solve(t, p).Streams[0]
	require.GreaterOrEqual(t, w.InTime, .95)
	require.True(t, w.OneLess.InTime < .95 || w.OneLess.Left > 1e-9)
	require.InDelta(t, 0, w.Left, 1e-6)

	p.Streams[0].Share, p.Streams[0].Left = .01, 1000
	require.Less(t, solve(t, p).Streams[0].Agents, w.Agents)

	p.Intervals = day(0, 0)
	r := solve(t, p)
	require.Zero(t, r.Streams[0].Agents)
	require.Nil(t, r.Streams[0].OneLess)
}

// Idle time of the real-time agents works on the first stream, what is left of
// it on the second.
func TestIdleTime(t *testing.T) {
	p := one(Target{Level: .9, Within: 10 * time.Second}, 120, time.Hour, 5*time.Minute, 0)
	p.Intervals[0].Backlog = []float64{20, 10}
	p.Streams = []Stream{
		{Name: "mail", Handle: 6 * time.Minute, Deadline: time.Hour, Share: 1},
		{Name: "post", Handle: 6 * time.Minute, Deadline: time.Hour, Share: 1},
	}
	apart := solve(t, p)
	require.Equal(t, 2, apart.Streams[0].Agents)
	require.Equal(t, 1, apart.Streams[1].Agents)
	s := apart.Intervals[0]
	require.Equal(t, s.Agents+3, s.Scheduled)
	require.Greater(t, float64(s.Agents)*(1-float64(s.With.Occupancy)), 3., "enough idle time")

	p.Streams[0].Idle, p.Streams[1].Idle = true, true
	together := solve(t, p)
	require.Zero(t, together.Streams[0].Agents)
	require.Zero(t, together.Streams[1].Agents)
	p.Intervals[0].Backlog[0] = 40
	p.Intervals[0].Backlog[1] = 40
	together = solve(t, p)
	require.Positive(t, together.Streams[1].Agents, "idle time is used once")
}

// The fluid is what many small drops do, each worked on in turn.
func TestFluidIsDrops(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		contacts := rapid.SliceOfN(rapid.Float64Range(0, 60), 1, 6).Draw(t, "contacts")
		s := Stream{
			Name: "mail", Handle: 6 * time.Minute, Share: 1, Waiting: rapid.Float64Range(0, 40).Draw(t, "waiting"),
			Deadline: time.Duration(rapid.IntRange(7, 200).Draw(t, "deadline")) * time.Minute,
		}
		plan := day(contacts...)
		gap := rapid.IntRange(0, len(plan)-1).Draw(t, "gap before")
		for i := gap; i < len(plan); i++ {
			plan[i].Start = plan[i].Start.Add(90 * time.Minute)
		}
		n := rapid.IntRange(0, 6).Draw(t, "agents")
		f := s.flow(plan, 0, n, make([]float64, len(plan)))
		inTime, left := drops(s, plan, n)
		require.InDelta(t, inTime, f.inTime(), .02, "a drop is what one second brings")
		require.InDelta(t, left, f.left(), .1)
		more := s.flow(plan, 0, n+1, make([]float64, len(plan)))
		require.GreaterOrEqual(t, more.inTime(), f.inTime()-1e-9, "more agents are never worse")
		require.LessOrEqual(t, more.left(), f.left()+1e-9)
	})
}

// drops plays a stream second by second.
func drops(s Stream, plan []Interval, n int) (inTime, left float64) {
	type drop struct{ at, contacts float64 }
	queue := []drop{{0, s.Waiting}}
	total, late, now := s.Waiting, 0.0, 0.0
	patience := (s.Deadline - s.Handle).Seconds()
	for _, iv := range plan {
		now = iv.Start.Sub(plan[0].Start).Seconds()
		for range int(iv.Length.Seconds()) {
			total += iv.Backlog[0] / 3600
			queue = append(queue, drop{now, iv.Backlog[0] / 3600})
			now++
			for can := float64(n) / s.Handle.Seconds(); can > 0 && len(queue) > 0; {
				done := min(can, queue[0].contacts)
				can -= done
				queue[0].contacts -= done
				if now-1-queue[0].at > patience {
					late += done
				}
				if queue[0].contacts <= 0 {
					queue = queue[1:]
				}
			}
		}
	}
	for _, d := range queue {
		left += d.contacts
		if now-d.at > patience {
			late += d.contacts
		}
	}
	if total == 0 {
		return 1, left
	}
	return 1 - late/total, left
}

func TestReport(t *testing.T) {
	p, err := Read("plan.yaml", []byte(example), func(*Plan) {})
	require.NoError(t, err)
	r := solve(t, p)
	var text, js bytes.Buffer
	require.NoError(t, r.WriteText(&text))
	require.Contains(t, text.String(), "in 20s")
	require.Contains(t, text.String(), "one less:")
	require.Contains(t, text.String(), "+1d 09:00")
	require.Contains(t, text.String(), "mail: ")
	require.NoError(t, r.WriteJSON(&js))
	require.Equal(t, 1, strings.Count(js.String(), "\n"))
	var back struct {
		Intervals []struct {
			Start     string
			Length    float64 `json:"length_s"`
			Agents    int
			Scheduled int
			With      map[string]any
			OneLess   map[string]any `json:"one_less"`
		}
		Backlog []map[string]any
	}
	require.NoError(t, json.Unmarshal(js.Bytes(), &back))
	first := back.Intervals[0]
	require.Equal(t, "09:00", first.Start)
	require.InDelta(t, 1800, first.Length, 0)
	require.GreaterOrEqual(t, first.With["service_level"], .8)
	require.Less(t, first.OneLess["service_level"], .8)
	require.Equal(t, "mail", back.Backlog[0]["name"])
	require.Nil(t, back.Intervals[2].OneLess)

	b, err := json.Marshal([]Figure{Figure(math.Inf(1)), Figure(math.NaN()), .5})
	require.NoError(t, err)
	require.Equal(t, "[null,null,0.5]", string(b))
	require.Equal(t, "endless", seconds(Figure(math.Inf(1))))
	require.Equal(t, []string{"4h", "1h30m", "20s", "1h0m5s", "2m"}, []string{
		short(4 * time.Hour), short(90 * time.Minute), short(20 * time.Second), short(time.Hour + 5*time.Second), short(2 * time.Minute),
	})
}
