package sipload

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"filo/sip"
)

// Hangups is a crowd of callers who hang up at random moments: before the
// answer, in the menu, in the queue, while it rings at an agent's phone,
// talking. The phones refuse, ring on, answer and hang up at random too.
type Hangups struct {
	Server string // host:port of the node's SIP listener
	Phones Phones // registered by the run
	Called []string
	Calls  int
	AtOnce int
	Rate   float64       // calls per second at most; 0: as fast as they end
	Life   time.Duration // longest time from INVITE to hang-up
	Ghost  time.Duration // how long a phone may ring, or a talk go on, after its caller went
	Seed   uint64
}

// HangupCounts is what became of the calls.
type HangupCounts struct {
	Calls     int64         `json:"calls"`
	Cancelled int64         `json:"cancelled"`    // before an answer
	Left      int64         `json:"left"`         // after it, by the caller
	Released  int64         `json:"released"`     // after it, by the node
	Refused   int64         `json:"refused"`      // by the node
	Broken    int64         `json:"broken"`       // anything else
	Offers    int64         `json:"offers"`       // INVITEs to phones
	Talks     int64         `json:"talks"`        // answered there
	Withdrawn int64         `json:"withdrawn"`    // offers that the node took back
	Ghosts    int64         `json:"ghost_offers"` // that rang on after the caller had gone
	Haunted   int64         `json:"ghost_talks"`  // that went on after the caller had gone
	Late      time.Duration `json:"late_ns"`      // the longest that anything went on
}

// crowd is one run of Hangups.
type crowd struct {
	Hangups
	crew  *crew
	rings atomic.Uint64 // so far
	open  atomic.Int64  // phones that ring or talk

	mu     sync.Mutex
	counts HangupCounts
	gone   map[string]time.Time // when callers hung up, by number
	oddity error                // the first broken call
}

// RunHangups runs the calls. The error is of the run itself, or of the first
// call that neither ended nor was refused as calls do; the caller then asks the
// node what it has left.
func RunHangups(ctx context.Context, h Hangups) (counts HangupCounts, err error) {
	c := &crowd{Hangups: h, gone: map[string]time.Time{}}
	if c.crew, err = newCrew(ctx, c.ring); err != nil {
		return counts, err
	}
	defer func() { err = errors.Join(err, c.crew.close()) }()
	if err := c.crew.register(ctx, h.Server, h.Phones); err != nil {
		return counts, err
	}
	c.callers(ctx)
	c.awaitPhones(ctx)
	err = errors.Join(c.oddity, c.crew.unregister(context.WithoutCancel(ctx)))
	if ctx.Err() != nil {
		err = errors.Join(err, fmt.Errorf("hang-ups: %w", context.Cause(ctx)))
	}
	return c.counts, err
}

// callers places the calls, so many at once.
func (c *crowd) callers(ctx context.Context) {
	numbers := make(chan int)
	var wg sync.WaitGroup
	for range c.AtOnce {
		wg.Go(func() {
			for i := range numbers {
				c.call(ctx, i)
			}
		})
	}
	begun := time.Now()
	for i := 0; i < c.Calls && ctx.Err() == nil; i++ {
		if c.Rate > 0 {
			wait(ctx, time.Until(begun.Add(time.Duration(float64(i)/c.Rate*float64(time.Second)))))
		}
		numbers <- i
	}
	close(numbers)
	wg.Wait()
}

// awaitPhones waits until no phone rings or talks; one that does so for ever
// is a ghost.
func (c *crowd) awaitPhones(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for c.open.Load() > 0 && wait(ctx, poll) {
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counts.Ghosts += c.open.Load()
}

// call is one caller.
func (c *crowd) call(ctx context.Context, i int) {
	r := dice(c.Seed, uint64(i)) //nolint:gosec // an index
	from, called := callerNumber(i), c.Called[r.IntN(len(c.Called))]
	life, cancel := context.WithTimeout(ctx, upTo(r, c.Life))
	defer cancel()
	leg, err := c.crew.dial(life, c.Server, from, called)
	if err != nil {
		c.notAnswered(life, from, err)
		return
	}
	select {
	case <-leg.Done():
		c.count(from, &c.counts.Released)
	case <-life.Done():
		c.count(from, &c.counts.Left)
		_ = leg.Hangup(context.WithoutCancel(ctx), sip.Hangup{}) // may have ended in this moment
	}
}

// notAnswered sorts the ends of calls that were not answered.
func (c *crowd) notAnswered(life context.Context, from string, err error) {
	var refused *sip.StatusError
	switch {
	case life.Err() != nil:
		c.count(from, &c.counts.Cancelled)
	case errors.As(err, &refused) && refused.Code == http.StatusServiceUnavailable:
		c.count(from, &c.counts.Refused)
	default:
		c.count(from, &c.counts.Broken)
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.oddity == nil {
			c.oddity = fmt.Errorf("a call of the crowd: %w", err)
		}
	}
}

// count ends a call.
func (c *crowd) count(from string, end *int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counts.Calls++
	*end++
	c.gone[from] = time.Now()
}

const busyHere = 486

// ring is a phone with an offer: it refuses, rings until it is told to stop,
// or answers after a while and talks for a while.
func (c *crowd) ring(ctx context.Context, leg *sip.Leg) {
	c.open.Add(1)
	defer c.open.Add(-1)
	c.tally(&c.counts.Offers)
	r := dice(^c.Seed, c.rings.Add(1))
	talked := false
	switch n := r.IntN(10); {
	case n < 2:
		_ = leg.Reject(ctx, busyHere, "") // may have been taken back
	case n < 4:
		_ = leg.Ring(ctx)
		<-ctx.Done()
	default:
		talked = c.talk(ctx, leg, r)
	}
	c.ended(ctx, leg.Info().From, talked)
}

// talk answers and hangs up, unless the far side is first.
func (c *crowd) talk(ctx context.Context, leg *sip.Leg, r *rand.Rand) bool {
	_ = leg.Ring(ctx)
	if !wait(ctx, upTo(r, c.Life/4)) || leg.Answer(ctx, c.crew.sdp) != nil {
		return false
	}
	c.tally(&c.counts.Talks)
	if wait(ctx, upTo(r, c.Life)) {
		_ = leg.Hangup(context.WithoutCancel(ctx), sip.Hangup{}) // may have ended in this moment
	}
	return true
}

func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

func (c *crowd) tally(n *int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	*n++
}

// ended looks how long the caller had gone when a phone was left in peace.
func (c *crowd) ended(ctx context.Context, from string, talked bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if errors.Is(context.Cause(ctx), sip.ErrCancelled) {
		c.counts.Withdrawn++
	}
	gone, ok := c.gone[from]
	late := time.Since(gone)
	if !ok {
		return
	}
	c.counts.Late = max(c.counts.Late, late)
	switch {
	case late <= c.Ghost:
	case talked:
		c.counts.Haunted++
	default:
		c.counts.Ghosts++
	}
}
