package staff

import (
	"context"
	"fmt"
	"math"
	"time"
)

// Staffed is an interval with its agents.
type Staffed struct {
	Start     time.Time     `json:"-"`
	Length    time.Duration `json:"-"`
	Contacts  float64       `json:"contacts"`
	Handle    Figure        `json:"handle_s"`
	Patience  Figure        `json:"patience_s"` // 0: endless
	Shrinkage float64       `json:"shrinkage"`
	Agents    int           `json:"agents"` // for the real-time work
	With      Measures      `json:"with"`
	OneLess   *Measures     `json:"one_less"`  // nil when no agents are needed
	Backlog   []Carried     `json:"backlog"`   // by stream
	Scheduled int           `json:"scheduled"` // all of them, with shrinkage
}

// Result is a staffed plan.
type Result struct {
	Target    Target
	Intervals []Staffed
	Streams   []Worked
}

// Solve staffs a plan. It needs a target for the real-time contacts if there
// are any.
func Solve(ctx context.Context, p Plan) (*Result, error) {
	res := &Result{Target: p.Target, Intervals: make([]Staffed, len(p.Intervals))}
	idle := make([]float64, len(p.Intervals))
	for i, iv := range p.Intervals {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("staff: %w", err)
		}
		n, err := iv.agents(p.Target)
		if err != nil {
			return nil, fmt.Errorf("intervals[%d]: %w", i, err)
		}
		s := Staffed{
			Start: iv.Start, Length: iv.Length, Contacts: iv.Contacts, Handle: Figure(iv.Handle.Seconds()),
			Patience: Figure(iv.Patience.Seconds()), Shrinkage: iv.Shrinkage, Agents: n, With: iv.measures(n, p.Target),
		}
		if n > 0 {
			less := iv.measures(n-1, p.Target)
			s.OneLess = &less
		}
		idle[i] = float64(n) * (1 - float64(s.With.Occupancy))
		res.Intervals[i] = s
	}
	for k, stream := range p.Streams {
		w, carried, err := stream.staff(p.Intervals, k, idle)
		if err != nil {
			return nil, fmt.Errorf("backlog.%s: %w", stream.Name, err)
		}
		res.Streams = append(res.Streams, w)
		for i := range res.Intervals {
			res.Intervals[i].Backlog = append(res.Intervals[i].Backlog, carried[i])
		}
	}
	for i := range res.Intervals {
		s := &res.Intervals[i]
		total := s.Agents
		for _, c := range s.Backlog {
			total += c.Agents
		}
		s.Scheduled = scheduled(total, s.Shrinkage)
	}
	return res, nil
}

// agents is the least number that keeps the target.
func (iv Interval) agents(t Target) (int, error) {
	if iv.Contacts == 0 {
		return 0, nil
	}
	if t.empty() {
		return 0, errTarget
	}
	return least(func(n int) bool { return n > 0 && t.met(iv.measures(n, t)) })
}

// least is the least n >= 0 that is enough, if more are never worse.
func least(enough func(n int) bool) (int, error) {
	low, high := -1, 0 // low is not enough
	for !enough(high) {
		low, high = high, max(1, 2*high)
		if high > maxAgents {
			return 0, fmt.Errorf("%w: %d agents are not enough", errPlan, low)
		}
	}
	for high-low > 1 {
		if middle := (low + high) / 2; enough(middle) {
			high = middle
		} else {
			low = middle
		}
	}
	return high, nil
}

// scheduled is how many must be on the roster so that n are there.
func scheduled(n int, shrinkage float64) int {
	return int(math.Ceil(float64(n)/(1-shrinkage) - 1e-9)) // a billionth of an agent is rounding
}
