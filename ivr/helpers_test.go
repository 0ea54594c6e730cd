package ivr_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"filo/ivr"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakePort plays each prompt for a second and notes when it did.
type fakePort struct {
	began  time.Time
	length time.Duration
	digits chan rune
	played []string // "2s welcome 1s": from second 2 on, for one second
	fail   map[string]error
}

func newFakePort() *fakePort {
	return &fakePort{began: time.Now(), length: time.Second, digits: make(chan rune, 32)}
}

func (p *fakePort) Digits() <-chan rune { return p.digits }

func (p *fakePort) Play(ctx context.Context, prompt ivr.Prompt) error {
	name := prompt.ID
	if name == "" {
		name = prompt.Text
	}
	if err := p.fail[name]; err != nil {
		return err
	}
	start := time.Now()
	timer := time.NewTimer(p.length)
	defer timer.Stop()
	var err error
	select {
	case <-timer.C:
	case <-ctx.Done():
		err = ctx.Err()
	}
	p.played = append(p.played, start.Sub(p.began).String()+" "+name+" "+time.Since(start).String())
	return err
}

// press sends keys after d.
func (p *fakePort) press(t *testing.T, d time.Duration, keys string) {
	t.Helper()
	time.AfterFunc(d, func() {
		for _, key := range keys {
			p.digits <- key
		}
	})
}

func parse(t *testing.T, text string) *ivr.Flow {
	t.Helper()
	flow, err := ivr.Parse("flow.yaml", []byte(text))
	require.NoError(t, err)
	return flow
}

// prompts declares prompts whose texts are their names.
func prompts(names ...string) string {
	var b strings.Builder
	b.WriteString("prompts:\n")
	for _, name := range names {
		b.WriteString("  " + name + ": {en: " + name + "}\n")
	}
	return b.String()
}
