package e2e

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"filo/bench/sipload"
	"filo/internal/config"
)

// crowdPhones are agents whom nobody signs in.
const crowdPhones = 30

// crowded is a node for crowds: a number that leads straight into a queue, no
// wrap-up, and phones that are never sent away because they do not answer.
func (w *world) crowded() (*node, sipload.Phones) {
	w.t.Helper()
	phones := sipload.Robots("robot", crowdPhones, sipPassword)
	users := strings.Builder{}
	users.WriteString(usersYAML)
	for _, u := range phones.Users {
		_, _ = fmt.Fprintf(&users, "  - {user: %s, name: %s, phone: true, ready_at_start: true, sip_password_file: phone.password, skills: {general: 80}}\n", u, u)
	}
	w.write("users.yaml", users.String())
	require.NoError(w.t, os.Mkdir(w.path("flows"), 0o700))
	w.write("flows/direct.yaml", "languages: [en]\nstart: queue\non_error: queue\nsteps:\n  queue:\n    enqueue:\n      queue: general\n")
	return w.start(with(func(c *config.Config) {
		c.Log.Level = "info"
		c.IVR.FlowsDir = w.path("flows")
		number := c.Voice.Numbers["100"]
		number.Flow = "direct"
		c.Voice.Numbers[sipload.DirectNumber] = number
		c.Router.RONALimit = 0
		q := c.Router.Queues["general"]
		q.WrapUp, q.OfferTimeout = -1, 20*time.Second
		c.Router.Queues["general"] = q
	})), phones
}

// A crowd hangs up at random moments, in every state a call can be in, and the
// agents' phones refuse, ring on and hang up at random: each call ends on both
// sides, no phone rings or talks for nobody, and nothing is left.
func TestRowCrowd_HangsUpAtRandom(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n, phones := w.crowded()
	const calls = 2000
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	got, err := sipload.RunHangups(ctx, sipload.Hangups{
		Server: n.SIP, Phones: phones, Called: []string{sipload.MenuNumber, sipload.DirectNumber, sipload.DirectNumber},
		Calls: calls, AtOnce: 60, Life: 500 * time.Millisecond, Seed: 7,
		Ghost: patience, // how soon is measured by make bench-sip
	})
	t.Logf("%+v", got)
	require.NoError(t, err)
	require.EqualValues(t, calls, got.Calls)
	require.Zero(t, got.Broken)
	require.Zero(t, got.Ghosts)
	require.Zero(t, got.Haunted)
	for state, count := range map[string]int64{"before the answer": got.Cancelled, "after it": got.Left, "offered": got.Withdrawn, "talking": got.Talks} {
		require.Positive(t, count, state)
	}
	n.quiet()
	require.Zero(t, n.metric("filo_sip_registered_bindings"))
}

// sipBench runs the experiments of filo-bench sip with this test binary as
// both programs.
func sipBench(t *testing.T) *sipload.Bench {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	b, err := sipload.New(sipload.Programs{Self: []string{self}, Filo: []string{self}, Env: []string{nodeEnv + "=1"}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, b.Close()) })
	b.Progress = t.Output()
	return b
}

// Packets are lost both ways between callers and node, in network namespaces
// of their own: the calls are set up and end.
func TestRowLoss_PacketsBothWays(t *testing.T) {
	t.Parallel()
	b := sipBench(t)
	levels := []float64{5, 10, 20}
	runs, errs := make([]sipload.LossRun, len(levels)), make([]error, len(levels))
	var wg sync.WaitGroup
	for i, percent := range levels { // side by side: they mostly wait
		wg.Go(func() { runs[i], errs[i] = b.Loss(t.Context(), sipload.Loss{Percent: percent, Calls: 100, Rate: 25}) })
	}
	wg.Wait()
	for i, r := range runs {
		require.NoError(t, errs[i])
		require.Positive(t, r.In.Lost, "%v %%: lost on the way to the node", r.Percent)
		require.Positive(t, r.Out.Lost, "%v %%: lost on the way from it", r.Percent)
		require.Equal(t, 100, r.Traffic.Calls)
		require.GreaterOrEqual(t, r.Traffic.Good, 99, "%v %%: calls that were set up and ended", r.Percent)
		require.Empty(t, r.Left, "%v %%: left behind", r.Percent)
	}
}

// Two nodes behind a Kamailio that asks for them by OPTIONS are restarted one
// after the other while calls come and go: no caller notices.
func TestRowDrain_RollingRestart(t *testing.T) {
	t.Parallel()
	const calls = 100
	got, err := sipBench(t).Drain(t.Context(), sipload.Drain{Calls: calls, Rate: 8, Longest: 4 * time.Second})
	require.NoError(t, err)
	require.Equal(t, 2, got.Restarts)
	require.Empty(t, got.Failed)
	require.Equal(t, calls, got.Talked)
	require.Positive(t, got.Nodes[0])
	require.Positive(t, got.Nodes[1])
	require.Empty(t, got.Left)
}
