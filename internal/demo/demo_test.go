package demo

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		http.DefaultClient.CloseIdleConnections()
		os.Exit(code)
	}))
}

func TestOnce(t *testing.T) {
	defer http.DefaultClient.CloseIdleConnections()
	var out, logs bytes.Buffer
	err := Run(t.Context(), Config{Once: true, HTTP: "127.0.0.1:0", SIP: "127.0.0.1:0", Dir: t.TempDir(), Out: &out, Err: &logs})
	require.NoError(t, err, "%s\n%s", out.String(), logs.String())

	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	var r Result
	require.NoError(t, json.Unmarshal([]byte(lines[len(lines)-1]), &r), "the last line is the result")
	require.True(t, r.OK && r.SkippedIVR && r.AudioBothWays && r.CallOnThread && r.MenuCaller, "%+v", r)
	require.Equal(t, "abandoned-checkout", r.Rule)
	require.Equal(t, "Paola Ferri", r.Agent)
	require.Contains(t, r.Why, "Marta: 70")
	require.Contains(t, r.Sentence, "Giulia Rossi, stopped at payment, step 3 of 4")
	require.Empty(t, r.Failed)
	for _, ms := range []float64{r.ContextMS, r.OfferMS, r.AudioMS} {
		require.Positive(t, ms)
	}
}

// A story that cannot be told says so, in the last line too.
func TestOnceFails(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out bytes.Buffer
	err := Run(ctx, Config{Once: true, HTTP: "127.0.0.1:0", SIP: "127.0.0.1:0", Dir: t.TempDir(), Out: &out, Err: io.Discard})
	require.Error(t, err)
}

func TestLoopbackOnly(t *testing.T) {
	for _, bad := range []Config{
		{HTTP: "0.0.0.0:8080", SIP: "127.0.0.1:5060"},
		{HTTP: "127.0.0.1:8080", SIP: "192.0.2.1:5060"},
		{HTTP: "localhost", SIP: "127.0.0.1:5060"},
	} {
		require.Error(t, Run(t.Context(), bad), "%+v", bad)
	}
}

// The person at the terminal: a robot caller and a robot agent at will.
func TestStay(t *testing.T) {
	defer http.DefaultClient.CloseIdleConnections()
	in, person := io.Pipe()
	screen, out := io.Pipe()
	var wg sync.WaitGroup
	ended := make(chan error, 1)
	wg.Go(func() {
		ended <- Run(t.Context(), Config{NoStory: true, HTTP: "127.0.0.1:0", SIP: "127.0.0.1:0", Dir: t.TempDir(), In: in, Out: out, Err: io.Discard})
		_ = out.Close()
	})
	lines := make(chan string, 100)
	wg.Go(func() {
		defer close(lines)
		for s := bufio.NewScanner(screen); s.Scan(); {
			lines <- s.Text()
		}
	})
	see := func(text string) {
		t.Helper()
		limit := time.After(20 * time.Second)
		for {
			select {
			case line, ok := <-lines:
				require.True(t, ok, "the demo ended before it said %q", text)
				if strings.Contains(line, text) {
					return
				}
			case <-limit:
				require.Fail(t, "not on the screen", text)
			}
		}
	}
	say := func(word string) {
		t.Helper()
		_, err := io.WriteString(person, word+"\n")
		require.NoError(t, err)
	}
	see(`Type "call", "agent" or "quit"`)
	say("dance")
	see(`Type "call", "agent" or "quit"`)
	say("agent")
	see("Marta is ready")
	say("agent")
	see("at work already")
	say("call")
	see("Marta sees: ")
	say("quit")
	require.NoError(t, <-ended)
	_ = person.Close()
	wg.Wait()
}
