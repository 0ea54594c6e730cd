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
	cancel context.CancelFunc
}

// start plays p until stop; it replaces what played before.
func (p *player) start(ctx context.Context, wg *sync.WaitGroup, log *slog.Logger, ep media.Endpoint, prompt media.Prompt) {
	p.stop()
	ctx, p.cancel = context.WithCancel(ctx)
	wg.Go(func() {
		err := ep.Play(ctx, prompt)
		if err != nil && ctx.Err() == nil && !errors.Is(err, media.ErrInterrupted) && !errors.Is(err, media.ErrClosed) {
			log.Warn("prompt stopped", "error", err)
		}
	})
}

// stop returns at once; the endpoint falls silent with the next frame.
func (p *player) stop() {
	if p.cancel != nil {
		p.cancel()
		p.cancel = nil
	}
}
