package terminal

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"filo/ivr"
)

// ErrHungUp is returned when the input ended before the flow did.
var ErrHungUp = errors.New("caller hung up")

// Play runs the flow with what is typed on in and prints it on out: each
// step, what is said, and the outcome. It needs no clock: an empty line is a
// time-out. Reading in is not interrupted by ctx.
func Play(ctx context.Context, flow *ivr.Flow, env ivr.Env, in io.Reader, out io.Writer) (ivr.Outcome, error) {
	ctx, hangUp := context.WithCancelCause(ctx)
	defer hangUp(nil)
	t := &port{in: bufio.NewScanner(in), out: out, hangUp: hangUp, echo: !interactive(in)}
	env.Trace = func(step, kind string) { t.printf("[%s: %s]\n", step, kind) }
	outcome, err := ivr.Run(ctx, flow, t, env)
	if err != nil {
		return outcome, errors.Join(err, t.failed)
	}
	t.result(outcome)
	return outcome, t.failed
}

// interactive reports whether a person types: then the terminal echoes.
func interactive(in io.Reader) bool {
	file, ok := in.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// port is a caller at the keyboard.
type port struct {
	in     *bufio.Scanner
	out    io.Writer
	echo   bool // print what was typed, as no terminal does
	hangUp context.CancelCauseFunc
	keys   []rune
	failed error // of the first print that failed
}

func (t *port) printf(format string, args ...any) {
	if _, err := fmt.Fprintf(t.out, format, args...); err != nil && t.failed == nil {
		t.failed = fmt.Errorf("print: %w", err)
	}
}

// Play prints the prompt.
func (t *port) Play(_ context.Context, p ivr.Prompt) error {
	text := p.Text
	if text == "" {
		text = "(" + p.ID + ".wav)"
	}
	t.printf("%s: %s\n", p.Lang, text)
	return nil
}

// Digits returns nil: keys come by Wait.
func (t *port) Digits() <-chan rune { return nil }

// Wait takes the next key of the line that was typed, and asks for a line
// when there is none. The end of a line ends an input that has begun.
func (t *port) Wait(ctx context.Context, _ time.Duration, begun bool) (rune, bool, error) {
	if ctx.Err() != nil {
		return 0, false, context.Cause(ctx)
	}
	if len(t.keys) == 0 {
		if begun {
			return 0, false, nil
		}
		if err := t.read(); err != nil {
			return 0, false, err
		}
	}
	if len(t.keys) == 0 {
		t.printf("(silence)\n")
		return 0, false, nil
	}
	key := t.keys[0]
	t.keys = t.keys[1:]
	return key, true, nil
}

func (t *port) read() error {
	t.printf("> ")
	if !t.in.Scan() {
		t.printf("(hangs up)\n")
		err := errors.Join(ErrHungUp, t.in.Err())
		t.hangUp(err)
		return err
	}
	line := strings.TrimSpace(t.in.Text())
	if t.echo {
		t.printf("%s\n", line)
	}
	for _, key := range line {
		if strings.ContainsRune("0123456789*#ABCD", key) {
			t.keys = append(t.keys, key)
		}
	}
	return nil
}

// result tells the outcome in a few lines.
func (t *port) result(o ivr.Outcome) {
	switch o.Kind {
	case ivr.Enqueue:
		t.printf("= enqueue %s\n", o.Target.Queue)
		for _, s := range o.Target.Skills {
			t.printf("  skill %s >= %d\n", s.Name, s.Min)
		}
		t.printf("  priority %d, language %s\n", o.Target.Priority, o.Target.Lang)
		if o.Target.Preferred != "" {
			t.printf("  preferred %s, held for %s\n", o.Target.Preferred, o.Target.Hold)
		}
		for _, key := range sortedKeys(o.Target.Attributes) {
			t.printf("  %s = %s\n", key, o.Target.Attributes[key])
		}
	case ivr.Transfer:
		t.printf("= transfer to %s\n", o.TransferTo)
	case ivr.Hangup:
		t.printf("= hang up\n")
	}
	if len(o.Digits) > 0 {
		t.printf("  chose %s\n", strings.Join(o.Digits, ", "))
	}
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
