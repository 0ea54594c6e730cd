package journey

import (
	"context"
	"hash/maphash"
	"sync"
	"time"

	"filo/contact"
)

// Feed carries committed events between nodes, so that an agent on another
// node sees them live.
type Feed interface {
	// Publish hands over events in order. It may deliver one twice after a failure.
	Publish(ctx context.Context, lines []Outgoing) error
	// Follow calls fn for each event that another node published until ctx
	// ends or the connection is lost; the caller calls it again.
	Follow(ctx context.Context, fn func(Outgoing)) error
}

const (
	relayBatch = 128
	feedPause  = 250 * time.Millisecond
)

// relay passes committed events to the feed: the transaction comes first, so
// that nothing is announced that is not true, and a crash in between only
// delays it.
func (j *Journey) relay(ctx context.Context) {
	var after uint64
	tick := time.NewTicker(feedPause)
	defer tick.Stop()
	for {
		lines, err := j.rec.Outbox(ctx, after, relayBatch)
		if err == nil && len(lines) > 0 {
			if err = j.feed.Publish(ctx, lines); err == nil {
				after = lines[len(lines)-1].Seq
				err = j.rec.Forget(ctx, after)
			}
		}
		if err != nil && ctx.Err() == nil {
			j.log.DebugContext(ctx, "feed not reached", "error", err)
		}
		if err == nil && len(lines) == relayBatch {
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-j.wake:
		}
	}
}

func (j *Journey) follow(ctx context.Context) {
	for ctx.Err() == nil {
		err := j.feed.Follow(ctx, func(o Outgoing) { j.subs.publish(o.Event, o.Leaves) })
		if ctx.Err() != nil {
			return
		}
		j.log.DebugContext(ctx, "feed lost", "error", err)
		timer := time.NewTimer(feedPause)
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
	}
}

func (j *Journey) stripe(c contact.CustomerID) *sync.Mutex {
	return &j.stripes[maphash.String(j.seed, string(c))%uint64(len(j.stripes))]
}
