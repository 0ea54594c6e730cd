package measure

import (
	"fmt"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"filo/contact"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func after(d time.Duration) time.Time { return noon.Add(d) }

// TestWorkedExample is 1,000 answered, 860 within 20 s, and 60 abandoned, 20
// of them within 20 s and 10 within 5 s.
func TestWorkedExample(t *testing.T) {
	e, err := New(DefaultConfig(), Deps{})
	require.NoError(t, err)
	id := 0
	record := func(n int, wait time.Duration, res contact.Result) {
		for range n {
			id++
			s := Segment{
				Contact: contact.ID(fmt.Sprint("c_", id)), Channel: contact.Voice, Queue: "sales",
				EnqueuedAt: noon, EndedAt: after(wait), Result: res,
			}
			if res == contact.Handled {
				s.AnsweredAt, s.EndedAt, s.WrapUpEndAt = after(wait), after(wait+2*time.Minute), after(wait+3*time.Minute)
			}
			e.Record(s)
		}
	}
	record(860, 20*time.Second, contact.Handled) // exactly T is within
	record(140, 21*time.Second, contact.Handled)
	record(10, 5*time.Second, contact.Abandoned)
	record(10, 15*time.Second, contact.Abandoned)
	record(40, time.Minute, contact.Abandoned)

	list := e.Queues(after(time.Hour), noon)
	require.Len(t, list, 1)
	q := list[0]
	require.Equal(t, 20*time.Second, q.Target)
	for name, v := range map[string]struct{ want, got float64 }{
		"service level":     {81.9, q.ServiceLevel()},
		"strict":            {81.1, q.Strict()},
		"ignoring abandons": {86.0, q.IgnoringAbandons()},
		"neutral":           {82.7, q.Neutral()},
		"optimistic":        {83.0, q.Optimistic()},
	} {
		require.InDelta(t, v.want, 100*v.got, .05, name)
	}
	require.InDelta(t, 50./1050, q.AbandonRate(), 1e-9)
	require.Equal(t, 3*time.Minute, q.AHT)
	require.Equal(t, 20*time.Second+140*time.Millisecond, q.ASA)
	require.Equal(t, 20*time.Second, q.WaitP50)
	require.Equal(t, 21*time.Second, q.WaitP90)
	require.Equal(t, 2*q.Answered, q.Counts.Plus(q.Counts).Answered)
	require.InDelta(t, q.Neutral(), q.Counts.Plus(q.Counts).Neutral(), 1e-12)
	require.Equal(t, q.Figures, e.Overall(after(time.Hour), noon, contact.Voice))
	require.Zero(t, e.Overall(after(time.Hour), noon, contact.Email))
}

func TestStillWaitingBeyondCounts(t *testing.T) {
	e, err := New(DefaultConfig(), Deps{Targets: map[string]time.Duration{"sales": 30 * time.Second}})
	require.NoError(t, err)
	e.Record(Segment{Contact: "c_1", Channel: contact.Voice, Queue: "sales", EnqueuedAt: noon, AnsweredAt: after(time.Second)})
	e.Record(Segment{Contact: "c_2", Channel: contact.Voice, Queue: "sales", EnqueuedAt: noon})
	require.InDelta(t, 1, e.Queues(after(30*time.Second), noon)[0].ServiceLevel(), 0)
	require.InDelta(t, .5, e.Queues(after(31*time.Second), noon)[0].ServiceLevel(), 0)
	require.Empty(t, e.Queues(after(time.Hour), after(time.Minute)))
}

// TestSameWorkOnEveryChannel gives identical numbers but for the threshold.
func TestSameWorkOnEveryChannel(t *testing.T) {
	cfg := DefaultConfig()
	channels := []contact.Channel{contact.Voice, contact.Email, contact.SMS, contact.Web}
	for _, ch := range channels {
		cfg.Targets[ch] = time.Minute
	}
	e, err := New(cfg, Deps{})
	require.NoError(t, err)
	for _, ch := range channels {
		for i := range 50 {
			wait := time.Duration(i*i) * time.Second
			s := Segment{Contact: contact.ID(fmt.Sprint(ch, i)), Channel: ch, Queue: "q", EnqueuedAt: noon, EndedAt: after(wait), Result: contact.Abandoned, Offers: 2, RONA: 1}
			if i%3 > 0 {
				s.AnsweredAt, s.EndedAt, s.Result = after(wait), after(wait+time.Minute), contact.Handled
			}
			e.Record(s)
		}
	}
	list := e.Queues(after(time.Hour), noon)
	require.Len(t, list, len(channels))
	for _, q := range list {
		require.Equal(t, list[0].Figures, q.Figures, q.Channel)
		require.InDelta(t, .5, q.RONARate(), 0)
	}
}

func TestVersionsAndBound(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Keep = 3
	e, err := New(cfg, Deps{})
	require.NoError(t, err)
	require.False(t, e.Update("c_1", "", func(*Segment) {}))
	e.Record(Segment{Contact: "c_1", EnqueuedAt: noon})
	e.Record(Segment{Contact: "c_1", N: 1, EnqueuedAt: noon, Agent: "paola"})
	e.Record(Segment{Contact: "c_1", N: 2, EnqueuedAt: noon, Agent: "marta"})
	require.True(t, e.Update("c_1", "paola", func(s *Segment) { s.Result = contact.Transferred }))
	require.True(t, e.Update("c_1", "marta", func(s *Segment) { s.Result = contact.Handled }))
	require.False(t, e.Update("c_1", "davide", func(*Segment) {}))
	var results []contact.Result
	for _, s := range e.Segments("c_1") {
		results = append(results, s.Result)
	}
	require.Equal(t, []contact.Result{"", contact.Transferred, contact.Handled}, results, "each agent's own")
	for i := range 10 {
		e.Record(Segment{Contact: contact.ID(fmt.Sprint("x", i)), EnqueuedAt: noon})
	}
	require.Empty(t, e.Segments("c_1"))
	require.False(t, e.Update("c_1", "marta", func(*Segment) {}))
	require.Equal(t, 3, e.Overall(noon, noon).Waiting)
	require.Len(t, e.index, 3)
	require.Len(t, e.newest, 3)
}

func TestAgentTimeAndOccupancy(t *testing.T) {
	now := after(100 * time.Second)
	reg := prometheus.NewRegistry()
	e, err := New(DefaultConfig(), Deps{Registry: reg, Now: func() time.Time { return now }})
	require.NoError(t, err)
	e.AgentState("paola", contact.Ready, noon)
	e.AgentState("paola", contact.Busy, after(40*time.Second))
	e.AgentState("paola", contact.AgentWrapUp, after(60*time.Second))
	e.AgentState("marta", contact.Busy, noon)
	e.AgentState("marta", contact.LoggedOut, after(20*time.Second))
	spent := e.AgentTime(now)
	require.Equal(t, map[contact.AgentState]time.Duration{
		contact.Ready: 40 * time.Second, contact.Busy: 40 * time.Second, contact.AgentWrapUp: 40 * time.Second,
	}, spent)
	require.InDelta(t, 2./3, Occupancy(spent), 1e-9)
	require.Zero(t, Occupancy(nil))
	n, err := testutil.GatherAndCount(reg, "filo_measure_agent_state_seconds_total")
	require.NoError(t, err)
	require.Equal(t, 5, n)
}

func TestMetricsCountOnceAndStayBounded(t *testing.T) {
	reg := prometheus.NewRegistry()
	e, err := New(DefaultConfig(), Deps{Registry: reg, Targets: map[string]time.Duration{"sales": time.Minute}})
	require.NoError(t, err)
	s := Segment{Contact: "c_1", Channel: contact.Voice, Queue: "sales", EnqueuedAt: noon, AnsweredAt: after(time.Second)}
	e.Record(s)
	s.EndedAt, s.Result = after(time.Minute), contact.Handled
	e.Record(s)
	s.WrapUpEndAt = after(2 * time.Minute)
	e.Record(s)
	e.Record(s)
	e.Record(Segment{Contact: "c_2", Channel: "carrier pigeon", Queue: "who knows", EnqueuedAt: noon, EndedAt: after(time.Second), Result: contact.Abandoned})
	require.InDelta(t, 1, testutil.ToFloat64(e.m.inTarget.WithLabelValues("sales", "voice")), 0)
	require.InDelta(t, 1, testutil.ToFloat64(e.m.segments.WithLabelValues("voice", "handled")), 0)
	require.InDelta(t, 1, testutil.ToFloat64(e.m.abandoned.WithLabelValues("other", "other", "short")), 0)
	problems, err := testutil.GatherAndLint(reg)
	require.NoError(t, err)
	require.Empty(t, problems)
}

func TestValidateNamesKeys(t *testing.T) {
	err := Config{Targets: map[contact.Channel]time.Duration{contact.Voice: 0}, ShortAbandon: -1}.Validate()
	for _, key := range []string{"keep: ", "short_abandon: ", "targets.voice: "} {
		require.ErrorContains(t, err, key)
	}
	_, err = New(Config{}, Deps{})
	require.Error(t, err)
}
