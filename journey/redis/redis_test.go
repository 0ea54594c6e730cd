package redis_test

import (
	"context"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"filo/contact"
	"filo/journey"
	"filo/journey/journeytest"
	"filo/journey/redis"
	"filo/journey/sqlite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var secret = []byte("0123456789abcdef0123456789abcdef")

func open(t testing.TB, addr, node string) *redis.Store {
	t.Helper()
	cfg := redis.DefaultConfig()
	cfg.Addr, cfg.Node = addr, node
	require.NoError(t, cfg.Validate())
	s, err := redis.New(cfg, redis.Deps{Secret: secret})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = s.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		wg.Wait()
		require.NoError(t, s.Close())
	})
	return s
}

func TestRedisIsHot(t *testing.T) {
	server := journeytest.Redis(t)
	db := goredis.NewClient(&goredis.Options{Addr: server.Addr})
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	store := open(t, server.Addr, "")
	journeytest.HotSuite(t, func(t *testing.T) journey.Hot {
		require.NoError(t, db.FlushAll(t.Context()).Err())
		return store
	})
}

// journeyOn is a journey over a fresh Record and the given Redis.
func journeyOn(t testing.TB, hot *redis.Store) *journey.Journey {
	t.Helper()
	dir := t.TempDir()
	rec, err := sqlite.Open(context.Background(), filepath.Join(dir, "filo.db"))
	require.NoError(t, err)
	cfg := journey.DefaultConfig()
	cfg.DataDir, cfg.Hot = dir, "redis"
	j, err := journey.New(cfg, rec, hot, journey.Deps{Feed: hot})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = j.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		wg.Wait()
		require.NoError(t, rec.Close())
	})
	return j
}

const phone = "+393471234419"

func sms(t testing.TB, j *journey.Journey, text string) journey.Receipt {
	t.Helper()
	r, err := j.Ingest(context.Background(), journey.Event{
		Source: "sms", SourceID: contact.NewToken("s_", time.Now()), Channel: contact.SMS, Dir: contact.Inbound, Kind: journey.KindMessage,
		Identities: []journey.Identity{{Type: journey.Phone, Value: phone}}, OccurredAt: time.Now(), Summary: text,
	})
	require.NoError(t, err)
	return r
}

func call(j *journey.Journey) contact.Context {
	return j.Arrived(context.Background(), journey.Arrival{Caller: phone, Trusted: true, Region: "IT"})
}

func TestRedisTellsNothingAboutPeople(t *testing.T) {
	server := journeytest.Redis(t)
	j := journeyOn(t, open(t, server.Addr, ""))
	sms(t, j, "canary words")
	require.Equal(t, contact.ContextHot, call(j).Status)
	db := goredis.NewClient(&goredis.Options{Addr: server.Addr})
	defer db.Close() //nolint:errcheck // a test's reader
	require.Eventually(t, func() bool {
		keys, err := db.Keys(t.Context(), "feed:*").Result()
		return err == nil && len(keys) == 1
	}, 5*time.Second, 10*time.Millisecond)
	keys, err := db.Keys(t.Context(), "*").Result()
	require.NoError(t, err)
	for _, k := range keys {
		dump, err := db.Dump(t.Context(), k).Result()
		require.NoError(t, err)
		require.NotContains(t, k+dump, "3471234419")
		require.NotContains(t, k+dump, "canary")
		require.True(t, strings.HasPrefix(k, "id:phone:") || strings.HasPrefix(k, "{c:") || strings.HasPrefix(k, "feed:{"), k)
	}
}

func TestRecordAnswersWhenRedisIsGone(t *testing.T) {
	for name, break_ := range map[string]func(*journeytest.RedisServer){
		"killed": (*journeytest.RedisServer).Kill, "stopped": (*journeytest.RedisServer).Stop,
	} {
		t.Run(name, func(t *testing.T) {
			server := journeytest.Redis(t)
			j := journeyOn(t, open(t, server.Addr, ""))
			sms(t, j, "ciao")
			require.Equal(t, contact.ContextHot, call(j).Status)
			break_(server)
			for range 5 {
				c := call(j)
				require.Contains(t, []contact.ContextStatus{contact.ContextRecord, contact.ContextStale}, c.Status)
				require.Less(t, c.Took, budget)
				require.Equal(t, "reply-sms", c.Decision.Rule)
			}
			require.Equal(t, contact.ContextRecord, call(j).Status)
			last := sms(t, j, "ancora")
			if name == "stopped" {
				server.Continue()
				require.Eventually(t, func() bool { return call(j).Status == contact.ContextHot }, 5*time.Second, 20*time.Millisecond)
				require.NotZero(t, call(j).Decision.At)
				require.Equal(t, last.ID, call(j).Decision.Target.Attributes["event"], "an entry from before the outage is not believed")
			}
		})
	}
}

func TestFeedReachesOtherNodes(t *testing.T) {
	server := journeytest.Redis(t)
	one, two := open(t, server.Addr, "one"), open(t, server.Addr, "two")
	j := journeyOn(t, one)
	got := make(chan journey.Outgoing, 64)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { _ = two.Follow(ctx, func(o journey.Outgoing) { got <- o }) })
	defer wg.Wait()
	defer cancel()
	require.Eventually(t, func() bool { // until the follower has found its place
		sms(t, j, "vedi?")
		select {
		case o := <-got:
			return o.Event.Summary == "vedi?" && len(o.Leaves) == 1
		case <-time.After(50 * time.Millisecond):
			return false
		}
	}, 5*time.Second, time.Millisecond)
}
