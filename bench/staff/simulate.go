package staff

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"text/tabwriter"

	"filo/bench/sim"
)

// Simulated is the least staff of a scenario.
type Simulated struct {
	Groups []Crew        `json:"groups"`
	Agents int           `json:"agents"` // of all groups
	Expect []sim.Verdict `json:"expect"` // of the scenario, with this staff
	Runs   int           `json:"runs"`   // simulations that it took
}

// Crew is a group of agents in it.
type Crew struct {
	Name        string       `json:"name"`
	Agents      int          `json:"agents"`
	Shifts      bool         `json:"shifts"` // its number was not looked for
	Utilisation sim.Estimate `json:"utilisation"`
	OneLess     []string     `json:"one_less"` // what is missed with one agent less
}

var (
	errNoBound = errors.New("the scenario expects no figure to be >= or <= a bound, which would be the target")
	errNoHelp  = errors.New("more agents do not help")
)

// Simulate looks for the least numbers of agents with which every bound that
// the scenario expects of a figure (such as orders.service_level >= 80%) holds.
// Each try is a run of the scenario with the same random numbers. With the
// numbers that it returns, one agent less in any one group breaks a bound, and
// so does one less in all when two groups give one agent and a third takes one,
// for up to maxExchange groups. It is a search all the same: groups that can
// stand in for each other may have another staff as small. A figure that is
// near its bound by less than its confidence interval may decide by chance.
func Simulate(ctx context.Context, sc *sim.Scenario) (*Simulated, error) {
	s := &search{sc: sc, groups: sc.Groups(), seen: map[string]outcome{}}
	n := make([]int, len(s.groups))
	for i, g := range s.groups {
		n[i] = max(g.Agents, 1)
		if !g.Shifts {
			s.free = append(s.free, i)
		}
	}
	n, err := s.grow(ctx, n)
	if err == nil {
		n, err = s.shrink(ctx, n)
	}
	if err != nil {
		return nil, err
	}
	return s.report(ctx, n)
}

// Bounds of the search.
const (
	maxGrowth   = 30 // steps of a quarter
	maxExchange = 6  // groups
)

type search struct {
	sc     *sim.Scenario
	groups []sim.Group
	free   []int // groups whose numbers are looked for
	seen   map[string]outcome
}

// outcome is a run, and by how much its worst bound was kept, as a share of it;
// negative if it was missed.
type outcome struct {
	slack float64
	run   *sim.Result
}

func (s *search) try(ctx context.Context, n []int) (outcome, error) {
	key := fmt.Sprint(n)
	if o, ok := s.seen[key]; ok {
		return o, nil
	}
	res, err := sim.Run(ctx, s.sc.WithAgents(n), nil)
	if err != nil {
		return outcome{}, fmt.Errorf("simulate %v agents: %w", n, err)
	}
	o := outcome{slack: math.Inf(1), run: res}
	for _, v := range res.Expect {
		o.slack = min(o.slack, slack(v))
	}
	if math.IsInf(o.slack, 1) {
		return o, errNoBound
	}
	s.seen[key] = o
	return o, nil
}

// slack is infinite for what has no bound.
func slack(v sim.Verdict) float64 {
	x, got := math.Inf(1), v.Got.Mean
	share := func(by, bound float64) float64 { return by / max(math.Abs(bound), 1e-9) }
	if !math.IsNaN(v.Min) {
		x = min(x, share(got-v.Min, v.Min))
	}
	if !math.IsNaN(v.Max) {
		x = min(x, share(v.Max-got, v.Max))
	}
	if math.IsNaN(x) { // nothing was measured
		return math.Inf(-1)
	}
	return x
}

// grow adds agents to every group until every bound is kept.
func (s *search) grow(ctx context.Context, n []int) ([]int, error) {
	for range maxGrowth {
		o, err := s.try(ctx, n)
		if err != nil || o.slack >= 0 {
			return n, err
		}
		n = slices.Clone(n)
		for _, i := range s.free {
			n[i] += (n[i] + 3) / 4
		}
	}
	return nil, fmt.Errorf("%w: %v are not enough", errNoHelp, n)
}

// shrink takes agents away, first many at a time, then one by one, each time
// where it hurts least.
func (s *search) shrink(ctx context.Context, n []int) ([]int, error) {
	most := 1
	for _, i := range s.free {
		most = max(most, n[i]/4)
	}
	for by := most; ; {
		var next []int
		var err error
		if next, err = s.best(ctx, s.fewer(n, by)); err == nil && next == nil && by == 1 {
			next, err = s.best(ctx, s.exchanges(n))
		}
		switch {
		case err != nil:
			return nil, err
		case next != nil:
			n = next
		case by == 1:
			return n, nil
		default:
			by /= 2
		}
	}
}

// best returns the staff that keeps every bound by most, nil if none does.
func (s *search) best(ctx context.Context, list [][]int) (best []int, err error) {
	most := math.Inf(-1)
	for _, n := range list {
		o, err := s.try(ctx, n)
		if err != nil {
			return nil, err
		}
		if o.slack >= 0 && o.slack > most {
			best, most = n, o.slack
		}
	}
	return best, nil
}

// fewer are the staffs with so many agents less in one group.
func (s *search) fewer(n []int, by int) (list [][]int) {
	for _, i := range s.free {
		if n[i]-by >= s.groups[i].Least {
			list = append(list, moved(n, i, -by))
		}
	}
	return list
}

// exchanges are the staffs in which two agents go and another one comes.
func (s *search) exchanges(n []int) (list [][]int) {
	if len(s.free) > maxExchange {
		return nil
	}
	for _, k := range s.free {
		for x, i := range s.free {
			for _, j := range s.free[x:] {
				m := moved(moved(moved(n, k, 1), i, -1), j, -1)
				if i != k && j != k && m[i] >= s.groups[i].Least && m[j] >= s.groups[j].Least {
					list = append(list, m)
				}
			}
		}
	}
	return list
}

func moved(n []int, i, by int) []int {
	n = slices.Clone(n)
	n[i] += by
	return n
}

func (s *search) report(ctx context.Context, n []int) (*Simulated, error) {
	o, err := s.try(ctx, n)
	if err != nil {
		return nil, err
	}
	r := &Simulated{Expect: o.run.Expect}
	for i, g := range s.groups {
		crew := Crew{Name: g.Name, Agents: o.run.Groups[i].Agents, Shifts: g.Shifts, Utilisation: o.run.Groups[i].Measures["utilisation"], OneLess: []string{}}
		if !g.Shifts && n[i] > g.Least {
			less, err := s.try(ctx, moved(n, i, -1))
			if err != nil {
				return nil, err
			}
			for _, v := range less.run.Expect {
				if slack(v) < 0 {
					crew.OneLess = append(crew.OneLess, fmt.Sprintf("%s: %.4g", v.Text, v.Got.Mean))
				}
			}
		}
		r.Agents += crew.Agents
		r.Groups = append(r.Groups, crew)
	}
	r.Runs = len(s.seen)
	return r, nil
}

// WriteJSON prints the result for programs, on one line.
func (r *Simulated) WriteJSON(w io.Writer) error {
	if err := json.NewEncoder(w).Encode(r); err != nil {
		return fmt.Errorf("write result: %w", err)
	}
	return nil
}

// WriteText prints the result for people.
func (r *Simulated) WriteText(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "group\tagents\tutilisation\tone less misses") // Flush tells of errors
	for _, g := range r.Groups {
		less := "by shifts"
		if !g.Shifts {
			less = "-"
			if len(g.OneLess) > 0 {
				less = g.OneLess[0]
			}
		}
		_, _ = fmt.Fprintf(t, "%s\t%d\t%.2f %%\t%s\n", g.Name, g.Agents, 100*g.Utilisation.Mean, less)
	}
	_, _ = fmt.Fprintf(t, "all\t%d\t\t%d simulations\n", r.Agents, r.Runs)
	for _, v := range r.Expect {
		_, _ = fmt.Fprintf(t, "%s\t%.4g\t± %.2g\n", v.Text, v.Got.Mean, v.Got.Half)
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("write table: %w", err)
	}
	return nil
}
