package voice

import (
	"context"
	"errors"
	"log/slog"
	"sync"

	"filo/media"
)

// player is at most one prompt that plays to one endpoint in the background.
type player struct {
	cancel context.CancelFunc // nil while nothing plays
	wg     sync.WaitGroup
}

// start plays p until stop; it replaces what played before.
func (p *player) start(ctx context.Context, log *slog.Logger, ep media.Endpoint, prompt media.Prompt) {
	p.stop()
	ctx, p.cancel = context.WithCancel(ctx)
	p.wg.Go(func() {
		err := ep.Play(ctx, prompt)
		if err != nil && ctx.Err() == nil && !errors.Is(err, media.ErrInterrupted) && !errors.Is(err, media.ErrClosed) {
			log.Warn("prompt stopped", "error", err)
		}
	})
}

// playing reports whether a prompt was started and not stopped.
func (p *player) playing() bool { return p.cancel != nil }

// stop lets the endpoint fall silent with the next frame. It waits for the
// goroutine, which takes no time: a Play that began late would cut off the next.
func (p *player) stop() {
	if p.cancel != nil {
		p.cancel()
		p.wg.Wait()
		p.cancel = nil
	}
}
