package sipload

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"filo/sip"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bridge is a B2BUA between two crews, asked over pipes as a process is.
type bridge struct {
	at      string
	callers *crew
	ask     func(word string) Usage
}

func newBridge(t *testing.T, phone func(ctx context.Context, leg *sip.Leg)) bridge {
	t.Helper()
	called, err := newCrew(t.Context(), phone)
	require.NoError(t, err)
	callers, err := newCrew(t.Context(), func(context.Context, *sip.Leg) {})
	require.NoError(t, err)
	at, err := freeAddr()
	require.NoError(t, err)
	b, err := NewB2BUA(at, called.ua.Addr("udp"))
	require.NoError(t, err)
	in, words := io.Pipe()
	answers, out := io.Pipe()
	var wg sync.WaitGroup
	var ran error
	wg.Go(func() { ran = b.Run(context.WithoutCancel(t.Context()), in, out) })
	t.Cleanup(func() {
		require.NoError(t, callers.close())
		require.NoError(t, words.Close())
		wg.Wait()
		require.NoError(t, ran)
		require.NoError(t, called.close())
	})
	lines := bufio.NewReader(answers)
	_, err = lines.ReadString('\n')
	require.NoError(t, err)
	return bridge{at, callers, func(word string) (u Usage) {
		_, err := fmt.Fprintln(words, word)
		require.NoError(t, err)
		line, err := lines.ReadBytes('\n')
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(line, &u))
		return u
	}}
}

// within is long enough on any machine.
func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// isOver waits until a leg has ended.
func isOver(t *testing.T, leg *sip.Leg) error {
	t.Helper()
	select {
	case <-leg.Done():
	case <-within(t).Done():
		t.Fatal("the call goes on")
	}
	return leg.Cause()
}

func TestB2BUA(t *testing.T) {
	legs := make(chan *sip.Leg, 1)
	plan := make(chan func(ctx context.Context, leg *sip.Leg), 1)
	answer := func(ctx context.Context, leg *sip.Leg) {
		_ = leg.Ring(ctx)
		_ = leg.Answer(ctx, silence(9))
		legs <- leg
		<-ctx.Done()
	}
	b := newBridge(t, func(ctx context.Context, leg *sip.Leg) { (<-plan)(ctx, leg) })

	t.Run("the caller hangs up", func(t *testing.T) {
		plan <- answer
		leg, err := b.callers.dial(within(t), b.at, "+390255501234", "100")
		require.NoError(t, err)
		require.Equal(t, string(silence(9)), string(leg.RemoteSDP()), "the description is passed through")
		far := <-legs
		require.Equal(t, "100", far.Info().Called)
		require.Equal(t, string(b.callers.sdp), string(far.Offer()))
		require.NoError(t, leg.Hangup(within(t), sip.Hangup{}))
		require.ErrorIs(t, isOver(t, far), sip.ErrRemoteHangup)
	})
	t.Run("the called hangs up", func(t *testing.T) {
		plan <- answer
		leg, err := b.callers.dial(within(t), b.at, "+390255501234", "100")
		require.NoError(t, err)
		require.NoError(t, (<-legs).Hangup(within(t), sip.Hangup{}))
		require.ErrorIs(t, isOver(t, leg), sip.ErrRemoteHangup)
	})
	t.Run("a refusal is passed on", func(t *testing.T) {
		plan <- func(ctx context.Context, leg *sip.Leg) { _ = leg.Reject(ctx, busyHere, "") }
		_, err := b.callers.dial(within(t), b.at, "+390255501234", "100")
		var refused *sip.StatusError
		require.True(t, errors.As(err, &refused), "%v", err)
		require.Equal(t, busyHere, refused.Code)
	})
	t.Run("the caller gives up", func(t *testing.T) {
		ctx, giveUp := context.WithCancel(within(t))
		plan <- func(_ context.Context, leg *sip.Leg) {
			_ = leg.Ring(within(t))
			giveUp()
			legs <- leg
			<-leg.Done()
		}
		_, err := b.callers.dial(ctx, b.at, "+390255501234", "100")
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorIs(t, isOver(t, <-legs), sip.ErrCancelled)
	})
	require.EqualValues(t, 4, b.ask(wordUsage).Calls)
	require.Eventually(t, func() bool { return b.ask(wordCollect).Gauges["filo_sip_dialogs"] == 0 }, 20*time.Second, poll, "nothing is left")
	u := b.ask(wordUsage)
	require.Positive(t, u.CPU)
	require.Positive(t, u.Heap)
	require.Positive(t, u.Goroutines)
}

func TestStatusOf(t *testing.T) {
	require.Equal(t, 404, statusOf(fmt.Errorf("call: %w", &sip.StatusError{Code: 404})))
	require.Equal(t, http.StatusInternalServerError, statusOf(&sip.StatusError{Code: 302}), "we follow nobody")
	require.Equal(t, http.StatusInternalServerError, statusOf(sip.ErrTimeout))
}

func TestRun_UnknownExperiment(t *testing.T) {
	b, err := New(Programs{})
	require.NoError(t, err)
	defer func() { require.NoError(t, b.Close()) }()
	require.ErrorIs(t, b.Run(t.Context(), Config{Only: []string{"capacity", "speed"}}, NewReport()), ErrUnknown)
}

func TestProgram_Missing(t *testing.T) {
	_, err := program("filo-no-such-program")
	require.ErrorIs(t, err, ErrMissing)
}
