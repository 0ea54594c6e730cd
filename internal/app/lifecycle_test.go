package app

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// parade records what a lifecycle's parts do, in order.
type parade struct {
	mu    sync.Mutex
	steps []string
	life  *lifecycle
}

func newParade() *parade {
	p := &parade{life: &lifecycle{log: slog.New(slog.DiscardHandler), stopLimit: 10 * time.Second}}
	p.life.up = func() { p.note("up") }
	p.life.drain = func(context.Context) { p.note("drain") }
	return p
}

func (p *parade) note(step string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.steps = append(p.steps, step)
}

func (p *parade) seen() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.steps)
}

// part serves until it is stopped.
func (p *parade) part(name string) {
	ready := make(chan struct{})
	p.life.addReady(name, ready, func(ctx context.Context) error {
		p.note("start " + name)
		close(ready)
		<-ctx.Done()
		p.note("stop " + name)
		return context.Cause(ctx)
	})
}

var errBroken = errors.New("broken")

func TestLifecycleStartsInOrderAndStopsInReverse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newParade()
		p.part("store")
		p.part("router")
		p.part("http")
		ctx, stop := context.WithCancel(t.Context())
		time.AfterFunc(time.Minute, stop)
		require.NoError(t, p.life.run(ctx))
		require.Equal(t, []string{
			"start store", "start router", "start http", "up", "drain", "stop http", "stop router", "stop store",
		}, p.seen())
	})
}

func TestLifecyclePartThatFailsStopsAll(t *testing.T) {
	for _, c := range []struct {
		name string
		err  error // of the part
		want error
	}{
		{"with an error", errBroken, errBroken},
		{"without a word", nil, errEndedSoon},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newParade()
				p.part("store")
				p.life.add("mail", func(context.Context) error {
					time.Sleep(time.Second) // of the bubble's clock
					return c.err
				})
				p.part("http")
				err := p.life.run(t.Context())
				require.ErrorIs(t, err, c.want)
				require.EqualError(t, err, "mail: "+c.want.Error(), "said once")
				require.Equal(t, []string{"start store", "start http", "up", "stop http", "stop store"}, p.seen(),
					"nothing is drained when a part is broken")
			})
		})
	}
}

func TestLifecyclePartThatNeverGetsReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newParade()
		p.part("store")
		p.life.addReady("sip", make(chan struct{}), func(context.Context) error { return errBroken })
		p.part("http")
		require.EqualError(t, p.life.run(t.Context()), "sip: broken")
		require.Equal(t, []string{"start store", "stop store"}, p.seen(), "what comes after it does not start")
	})
}

func TestLifecycleEarlierPartFailsWhileALaterOneStarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newParade()
		p.life.add("store", func(context.Context) error {
			time.Sleep(time.Second)
			return errBroken
		})
		p.life.addReady("slow", make(chan struct{}), func(ctx context.Context) error {
			<-ctx.Done()
			return nil
		})
		require.EqualError(t, p.life.run(t.Context()), "store: broken")
		require.NotContains(t, p.seen(), "up")
	})
}

func TestLifecycleStoppedDuringTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newParade()
		p.part("store")
		p.life.addReady("slow", make(chan struct{}), func(ctx context.Context) error {
			<-ctx.Done()
			return context.Cause(ctx)
		})
		ctx, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		require.NoError(t, p.life.run(ctx))
		require.Equal(t, []string{"start store", "stop store"}, p.seen())
	})
}

func TestLifecycleReportsAStuckPart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newParade()
		release := make(chan struct{})
		p.part("store")
		p.life.add("stuck", func(context.Context) error {
			<-release
			return nil
		})
		ctx, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		begin := time.Now()
		err := p.life.run(ctx)
		require.ErrorIs(t, err, errStuck)
		require.ErrorContains(t, err, "stuck:")
		require.Equal(t, 11*time.Second, time.Since(begin))
		require.Equal(t, []string{"start store", "up", "drain", "stop store"}, p.seen(), "the others are stopped all the same")
		close(release)
	})
}
