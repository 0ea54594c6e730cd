package sipload

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"filo/sip"
)

// Drain is a rolling restart: two nodes with robots of their own behind a
// Kamailio dispatcher that asks by OPTIONS who is there. Each is told to end
// while calls go on, and comes back, one after the other.
type Drain struct {
	Calls   int           // in all
	Rate    float64       // a second
	Longest time.Duration // of a call
}

// DrainRun is what the callers saw.
type DrainRun struct {
	Calls    int            `json:"calls"`
	Talked   int            `json:"talked"`   // with an agent, until the caller hung up
	Failed   map[string]int `json:"failed"`   // by what happened instead
	Restarts int            `json:"restarts"` // that ended by themselves
	Nodes    [2]int         `json:"nodes"`    // calls of each
	Left     []string       `json:"left_behind"`
}

// site is a node and its robots.
type site struct {
	node *Node
	crew *crew
}

// rolling is one run of Drain.
type rolling struct {
	Drain
	b       *Bench
	sites   [2]site
	proxy   *proxyProcess
	callers *crew

	mu   sync.Mutex
	run  DrainRun
	with map[string]int // which site's phone talks with a caller
}

// Drain runs the calls and the restarts.
func (b *Bench) Drain(ctx context.Context, d Drain) (run DrainRun, err error) {
	r := &rolling{Drain: d, b: b, with: map[string]int{}, run: DrainRun{Failed: map[string]int{}}}
	defer func() { err = errors.Join(err, r.close()) }()
	if err := r.open(ctx); err != nil {
		return run, err
	}
	var restarting error
	var wg sync.WaitGroup
	wg.Go(func() { restarting = r.restartAll(ctx) })
	r.call(ctx)
	wg.Wait()
	for _, s := range r.sites {
		left, err := s.node.rest(ctx, settled)
		if err != nil {
			return r.run, err
		}
		r.run.Left = append(r.run.Left, left...)
	}
	return r.run, restarting
}

func (r *rolling) open(ctx context.Context) (err error) {
	phones := int(r.Rate*r.Longest.Seconds()) + 10 // one site carries all while the other restarts
	list := ""
	for i := range r.sites {
		s := &r.sites[i]
		if s.crew, err = newCrew(ctx, r.phoneOf(i)); err != nil {
			return err
		}
		if s.node, err = r.b.node("127.0.0.1", phones); err != nil {
			return err
		}
		if err := s.up(ctx); err != nil {
			return err
		}
		list += "1 sip:" + s.node.SIP + "\n"
	}
	if r.callers, err = newCrew(ctx, func(context.Context, *sip.Leg) {}); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(r.b.dir, "dispatcher.list"), []byte(list), 0o600); err != nil {
		return fmt.Errorf("dispatcher: %w", err)
	}
	r.proxy, err = r.b.startKamailio(ctx, "dispatcher.cfg", anyCore, nil)
	return err
}

// up starts a site's node and registers its phones.
func (s *site) up(ctx context.Context) error {
	if err := s.node.start(ctx, anyCore); err != nil {
		return err
	}
	return s.crew.register(ctx, s.node.SIP, s.node.Phones)
}

func (r *rolling) close() error {
	if r.proxy != nil {
		r.proxy.stop()
	}
	var errs []error
	for _, c := range []*crew{r.callers, r.sites[0].crew, r.sites[1].crew} {
		if c != nil {
			errs = append(errs, c.close())
		}
	}
	for _, s := range r.sites {
		if s.node != nil {
			s.node.stop()
		}
	}
	return errors.Join(errs...)
}

// backIn is how long the dispatcher may need to see a node again.
const backIn = 3 * time.Second

// restartAll restarts the sites in turn while calls arrive.
func (r *rolling) restartAll(ctx context.Context) error {
	for i := range r.sites {
		s := &r.sites[i]
		if !wait(ctx, backIn) {
			return fmt.Errorf("restart: %w", context.Cause(ctx))
		}
		if err := s.node.restart(ctx); err != nil {
			return fmt.Errorf("restart of node %d: %w", i, err)
		}
		if err := s.crew.register(ctx, s.node.SIP, s.node.Phones); err != nil {
			return err
		}
		r.run.Restarts++
		r.b.say("node %d has restarted", i)
	}
	return nil
}

// call places the calls at the rate.
func (r *rolling) call(ctx context.Context) {
	tick := time.NewTicker(time.Duration(float64(time.Second) / r.Rate))
	defer tick.Stop()
	var wg sync.WaitGroup
	for i := range r.Calls {
		wg.Go(func() { r.one(ctx, i) })
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
	wg.Wait()
}

// one is a caller, who talks for a while and hangs up.
func (r *rolling) one(ctx context.Context, i int) {
	dice := dice(3, uint64(i)) //nolint:gosec // an index
	length := r.Longest/5 + time.Duration(dice.Int64N(int64(r.Longest*4/5)))
	from := callerNumber(i)
	leg, err := r.callers.dial(ctx, r.proxy.at, from, DirectNumber)
	end := ""
	if err != nil {
		end = err.Error()
	} else {
		select {
		case <-leg.Done():
			end = leg.Cause().Error()
		case <-time.After(length):
			_ = leg.Hangup(context.WithoutCancel(ctx), sip.Hangup{}) // may have ended in this moment
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.run.Calls++
	site, talked := r.with[from]
	switch {
	case end != "":
		r.run.Failed[end]++
	case !talked:
		r.run.Failed["no agent"]++
	default:
		r.run.Talked++
		r.run.Nodes[site]++
	}
}

// phoneOf is what a site's phones do: answer, and talk until the caller goes.
func (r *rolling) phoneOf(site int) func(ctx context.Context, leg *sip.Leg) {
	return func(ctx context.Context, leg *sip.Leg) {
		if leg.Answer(ctx, r.sites[site].crew.sdp) != nil {
			return
		}
		r.mu.Lock()
		r.with[leg.Info().From] = site
		r.mu.Unlock()
		<-ctx.Done()
	}
}
