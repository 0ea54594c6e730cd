package e2e

import (
	"net"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"filo/internal/config"
)

// redisServer is a Redis of the test's own.
type redisServer struct {
	addr string
	cmd  *exec.Cmd
	wait func()
}

func startRedis(t *testing.T) *redisServer {
	t.Helper()
	needs(t, "redis-server", "redis-server")
	port := freePort(t)
	r := &redisServer{addr: "127.0.0.1:" + port}
	r.cmd = exec.Command("redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", t.TempDir())
	require.NoError(t, r.cmd.Start())
	var wg sync.WaitGroup
	wg.Go(func() { _ = r.cmd.Wait() })
	r.wait = wg.Wait
	t.Cleanup(func() { _ = r.cmd.Process.Kill(); wg.Wait() })
	eventually(t, "Redis listens", func() bool {
		c, err := net.Dial("tcp", r.addr)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
	return r
}

// contexts is how many calls found their context so, and how long all calls
// took for it.
func (n *node) contexts(status string) (found uint64, took time.Duration) {
	n.t.Helper()
	for _, m := range n.metrics()["filo_journey_context_seconds"].GetMetric() {
		took += time.Duration(m.GetHistogram().GetSampleSum() * float64(time.Second))
		if labelled(m, []string{"status", status}) {
			found += m.GetHistogram().GetSampleCount()
		}
	}
	return found, took
}

// Redis as the shared hot context: calls are known by it; when it hangs and
// when it is gone the Record answers in time, and what happens meanwhile is
// not lost.
func TestRowReliability_RedisGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	redis := startRedis(t)
	n := w.start(with(func(c *config.Config) {
		c.Journey.Hot = "redis"
		c.Redis.Addr = redis.addr
	}))
	paola := n.ready("paola")
	giulia.checkout(t, n.visitor("redis", ""))
	skips := func(step string) (took time.Duration) {
		t.Helper()
		_, before := n.contexts("")
		c := n.call(giulia.Phone)
		o := paola.offer("voice")
		require.NotNil(t, o.Skipped, "the context is found")
		require.Equal(t, step, o.View.LastWeb.Step, "and it is the newest")
		require.NoError(t, c.Hangup(within(t)))
		require.Equal(t, "withdrawn", paola.gone(o.ID))
		_, after := n.contexts("")
		return after - before
	}
	// On a loaded machine a single look-up may be late: the quickest of three counts.
	quickest := func(step string) time.Duration {
		t.Helper()
		return min(skips(step), skips(step), skips(step))
	}
	t.Logf("with Redis: %v", quickest("payment"))
	hot, _ := n.contexts("hot")
	require.Positive(t, hot)

	require.NoError(t, redis.cmd.Process.Signal(syscall.SIGSTOP))
	took := quickest("payment")
	t.Logf("Redis hangs: %v", took)
	require.Less(t, took, 20*time.Millisecond)

	require.NoError(t, redis.cmd.Process.Kill())
	redis.wait()
	v := n.visitor("redis", "")
	require.NoError(t, v.Track(within(t), "Form Step Viewed", map[string]any{"form": "checkout", "step": "review", "step_no": 4, "steps": 4}))
	took = quickest("review")
	t.Logf("Redis gone: %v", took)
	require.Less(t, took, 20*time.Millisecond)
	record, _ := n.contexts("record")
	require.GreaterOrEqual(t, record, uint64(2), "the Record answers")
	unavailable, _ := n.contexts("unavailable")
	require.Zero(t, unavailable)
	n.quiet()
}
