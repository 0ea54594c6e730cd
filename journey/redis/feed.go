package redis

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"filo/journey"
)

const (
	shards    = 16
	feedBatch = 64
	feedBlock = time.Second
)

func shard(n uint32) string { return "feed:{" + strconv.FormatUint(uint64(n%shards), 10) + "}" }

// Publish implements journey.Feed. Events of one customer share a stream, so
// that they arrive in order.
func (s *Store) Publish(ctx context.Context, lines []journey.Outgoing) error {
	return s.guard(func() error {
		_, err := s.db.Pipelined(ctx, func(p redis.Pipeliner) error {
			for _, l := range lines {
				if l.Event.ID == "" {
					continue // a change without an event has nothing to show
				}
				body, err := json.Marshal(l)
				if err != nil {
					return fmt.Errorf("encode event: %w", err)
				}
				h := fnv.New32a()
				_, _ = h.Write([]byte(l.Event.Customer)) // never fails
				p.XAdd(ctx, &redis.XAddArgs{
					Stream: shard(h.Sum32()), MaxLen: s.cfg.FeedLen, Approx: true,
					Values: []any{"n", s.node, "b", s.seal(body, "feed")},
				})
			}
			return nil
		})
		return err
	})
}

// Follow implements journey.Feed. It starts at what is published from now on,
// and goes on after a lost connection where it was. One goroutine follows.
func (s *Store) Follow(ctx context.Context, fn func(journey.Outgoing)) error {
	if s.following == nil {
		streams, err := s.heads(ctx)
		if err != nil {
			return err
		}
		s.following = streams
	}
	streams := s.following
	for ctx.Err() == nil {
		got, err := s.db.XRead(ctx, &redis.XReadArgs{Streams: streams, Count: feedBatch, Block: feedBlock}).Result()
		if errors.Is(err, redis.Nil) {
			continue
		}
		if err != nil {
			return fmt.Errorf("read feed: %w", err)
		}
		for _, stream := range got {
			for i := range shards {
				if streams[i] == stream.Stream && len(stream.Messages) > 0 {
					streams[shards+i] = stream.Messages[len(stream.Messages)-1].ID
				}
			}
			s.deliver(stream.Messages, fn)
		}
	}
	return ctx.Err()
}

// heads returns the streams followed by the ids of their newest entries, as
// XREAD wants them. "$" would lose what comes between two reads.
func (s *Store) heads(ctx context.Context) ([]string, error) {
	streams := make([]string, 2*shards)
	for i := range shards {
		streams[i], streams[shards+i] = shard(uint32(i)), "0" //nolint:gosec // 0..15
		last, err := s.db.XRevRangeN(ctx, streams[i], "+", "-", 1).Result()
		if err != nil {
			return nil, fmt.Errorf("read feed: %w", err)
		}
		if len(last) == 1 {
			streams[shards+i] = last[0].ID
		}
	}
	return streams, nil
}

func (s *Store) deliver(messages []redis.XMessage, fn func(journey.Outgoing)) {
	for _, m := range messages {
		sealed, _ := m.Values["b"].(string)
		if m.Values["n"] == s.node || len(sealed) > maxEntry {
			continue
		}
		body, err := s.open([]byte(sealed), "feed")
		if err != nil {
			continue
		}
		var o journey.Outgoing
		if json.Unmarshal(body, &o) == nil {
			fn(o)
		}
	}
}
