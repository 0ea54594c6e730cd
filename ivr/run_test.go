package ivr_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"filo/contact"
	"filo/ivr"
)

// silentPort is a caller who neither hears nor presses anything.
type silentPort struct{}

func (silentPort) Play(context.Context, ivr.Prompt) error { return nil }
func (silentPort) Digits() <-chan rune                    { return nil }
func (silentPort) Wait(context.Context, time.Duration, bool) (rune, bool, error) {
	return 0, false, nil
}

const menuFlow = `
steps:
  hello: {say: welcome}
  main:
    menu:
      prompt: [choose, now]
      options: {1: sales, 2: end}
      timeout: 5s
      retries: 1
      invalid: wrong
      no_input: silence
      on_fail: end
  sales: {enqueue: {queue: sales}}
  end: {hangup: bye}
`

func TestRunTimes(t *testing.T) {
	flow := parse(t, prompts("welcome", "choose", "now", "wrong", "silence", "bye")+menuFlow)
	tests := []struct {
		name   string
		press  map[time.Duration]string
		played []string
		kind   ivr.OutcomeKind
		digits []string
		after  time.Duration
	}{
		{
			"answer after the prompt",
			map[time.Duration]string{4 * time.Second: "1"},
			[]string{"0s welcome 1s", "1s choose 1s", "2s now 1s"},
			ivr.Enqueue,
			[]string{"main=1"},
			4 * time.Second,
		},
		{
			"barge-in discards the rest of the prompts",
			map[time.Duration]string{1500 * time.Millisecond: "1"},
			[]string{"0s welcome 1s", "1s choose 500ms"},
			ivr.Enqueue,
			[]string{"main=1"},
			1500 * time.Millisecond,
		},
		{
			"typed ahead while the greeting plays",
			map[time.Duration]string{300 * time.Millisecond: "1"},
			[]string{"0s welcome 300ms"},
			ivr.Enqueue,
			[]string{"main=1"},
			300 * time.Millisecond,
		},
		{
			"wrong, then right, both typed ahead",
			map[time.Duration]string{300 * time.Millisecond: "91"},
			[]string{"0s welcome 300ms"},
			ivr.Enqueue,
			[]string{"main=1"},
			300 * time.Millisecond,
		},
		{
			"wrong twice",
			map[time.Duration]string{4 * time.Second: "9", 8 * time.Second: "8"},
			[]string{"0s welcome 1s", "1s choose 1s", "2s now 1s", "4s wrong 1s", "5s choose 1s", "6s now 1s", "8s wrong 1s", "9s bye 1s"},
			ivr.Hangup, nil,
			10 * time.Second,
		},
		{
			"silence",
			nil,
			[]string{"0s welcome 1s", "1s choose 1s", "2s now 1s", "8s silence 1s", "9s choose 1s", "10s now 1s", "16s silence 1s", "17s bye 1s"},
			ivr.Hangup, nil,
			18 * time.Second,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				port := newFakePort()
				for after, keys := range tt.press {
					port.press(t, after, keys)
				}
				outcome, err := ivr.Run(t.Context(), flow, port, ivr.Env{})
				require.NoError(t, err)
				require.Equal(t, tt.played, port.played)
				require.Equal(t, tt.kind, outcome.Kind)
				require.Equal(t, tt.digits, outcome.Digits)
				require.Equal(t, tt.after, time.Since(port.began))
			})
		})
	}
}

func TestHangUpEndsAtOnce(t *testing.T) {
	flow := parse(t, prompts("welcome", "choose", "now", "wrong", "silence", "bye")+menuFlow)
	hungUp := errors.New("caller hung up")
	for name, after := range map[string]time.Duration{"while a prompt plays": 1500 * time.Millisecond, "while a key is awaited": 4 * time.Second} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancelCause(t.Context())
				time.AfterFunc(after, func() { cancel(hungUp) })
				port := newFakePort()
				_, err := ivr.Run(ctx, flow, port, ivr.Env{})
				require.Equal(t, hungUp, err)
				require.Equal(t, after, time.Since(port.began))
			})
		})
	}
}

func TestWithoutBargeInDigitsAreKept(t *testing.T) {
	flow := parse(t, prompts("law", "choose")+`
steps:
  law: {say: law, barge_in: false}
  main: {menu: {prompt: choose, options: {1: end}, on_fail: end}}
  end: {hangup: }
`)
	synctest.Test(t, func(t *testing.T) {
		port := newFakePort()
		port.press(t, 200*time.Millisecond, "1")
		outcome, err := ivr.Run(t.Context(), flow, port, ivr.Env{})
		require.NoError(t, err)
		require.Equal(t, []string{"0s law 1s"}, port.played)
		require.Equal(t, []string{"main=1"}, outcome.Digits)
	})
}

func TestCollect(t *testing.T) {
	const steps = `
vars: {order: none}
steps:
  ask:
    collect:
      prompt: number
      into: order
      min: 3
      max: 6
      inter_digit: 2s
      timeout: 5s
      retries: 1
      invalid: wrong
      no_input: silence
      accept: vars.order startsWith "4"
      on_fail: failed
  got: {enqueue: {queue: orders, attributes: {order: "=vars.order"}}}
  failed: {hangup: }
`
	flow := parse(t, prompts("number", "wrong", "silence")+steps)
	type presses map[time.Duration]string
	tests := []struct {
		name  string
		press presses
		order any
		kind  ivr.OutcomeKind
		after time.Duration
	}{
		{"terminator", presses{2 * time.Second: "4321#"}, "4321", ivr.Enqueue, 2 * time.Second},
		{"most digits", presses{2 * time.Second: "432156789"}, "432156", ivr.Enqueue, 2 * time.Second},
		{"pause", presses{2 * time.Second: "43", 3 * time.Second: "21"}, "4321", ivr.Enqueue, 5 * time.Second},
		{"too short, then right", presses{2 * time.Second: "43#", 4 * time.Second: "4321#"}, "4321", ivr.Enqueue, 4 * time.Second},
		{"not accepted, then right", presses{2 * time.Second: "1234#", 3 * time.Second: "4321#"}, "4321", ivr.Enqueue, 3 * time.Second},
		{"not accepted twice", presses{2 * time.Second: "1234#", 5 * time.Second: "1234#"}, "none", ivr.Hangup, 6 * time.Second},
		{"silence", nil, "none", ivr.Hangup, 14 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				port := newFakePort()
				for after, keys := range tt.press {
					port.press(t, after, keys)
				}
				outcome, err := ivr.Run(t.Context(), flow, port, ivr.Env{})
				require.NoError(t, err)
				require.Equal(t, tt.kind, outcome.Kind)
				require.Equal(t, tt.order, outcome.Vars["order"])
				if tt.kind == ivr.Enqueue {
					require.Equal(t, map[string]string{"order": tt.order.(string)}, outcome.Target.Attributes)
					require.Equal(t, []string{"ask=" + tt.order.(string)}, outcome.Digits)
				}
				require.Equal(t, tt.after, time.Since(port.began))
			})
		})
	}
}

func TestSecretDigitsAreNotRepeated(t *testing.T) {
	flow := parse(t, prompts("pin")+`
steps:
  pin: {collect: {prompt: pin, into: pin, max: 4, secret: true, on_fail: end}}
  end: {hangup: }
`)
	port := newFakePort()
	for _, key := range "1234" {
		port.digits <- key
	}
	outcome, err := ivr.Run(t.Context(), flow, port, ivr.Env{})
	require.NoError(t, err)
	require.Equal(t, []string{"pin=***"}, outcome.Digits)
	require.Equal(t, "1234", outcome.Vars["pin"])
}

func TestPromptThatCannotBePlayed(t *testing.T) {
	flow := parse(t, prompts("welcome", "choose", "now", "wrong", "silence", "bye")+menuFlow)
	synctest.Test(t, func(t *testing.T) {
		port := newFakePort()
		broken := errors.New("no file")
		port.fail = map[string]error{"choose": broken}
		port.press(t, 3*time.Second, "1")
		outcome, err := ivr.Run(t.Context(), flow, port, ivr.Env{})
		require.NoError(t, err)
		require.Equal(t, ivr.Enqueue, outcome.Kind)
		require.Equal(t, []error{broken}, outcome.Unplayed)
	})
}

func TestEnqueueTarget(t *testing.T) {
	flow := parse(t, `
languages: [en, it]
steps:
  speak: {language: =context.lang}
  in:
    enqueue:
      queue: sales
      skills: [sales, {name: billing, min: 40}]
      priority: 5
      preferred: =context.preferred
      hold: 20s
      attributes: {plan: '=context.attributes["plan"]', vip: '=caller.called == "+3902"', hour: =time.hour}
`)
	outcome, err := ivr.Run(t.Context(), flow, silentPort{}, ivr.Env{
		Caller:  ivr.Caller{Called: "+3902"},
		Context: contact.Context{Lang: "it", Attributes: map[string]string{"plan": "gold"}, Decision: contact.Decision{Target: contact.Target{Preferred: "paola"}}},
		Now:     time.Date(2026, 5, 4, 9, 30, 0, 0, time.Local),
	})
	require.NoError(t, err)
	require.Equal(t, contact.Target{
		Queue: "sales", Skills: []contact.Skill{{Name: "sales"}, {Name: "billing", Min: 40}}, Priority: 5,
		Preferred: "paola", Hold: 20 * time.Second, Lang: "it",
		Attributes: map[string]string{"plan": "gold", "vip": "true", "hour": "9"},
	}, outcome.Target)
}

func TestTimeZoneOfTheFlow(t *testing.T) {
	flow := parse(t, `
timezone: Europe/Rome
steps:
  open: {branch: [{when: 'time.weekday == "monday" and time.clock >= "09:00" and time.clock < "18:00"', next: day}]}
  night: {hangup: }
  day: {transfer: {to: "+390612345678"}}
`)
	for name, tt := range map[string]struct {
		at   time.Time
		want ivr.OutcomeKind
	}{
		"07:30 in London is 09:30 in Rome": {time.Date(2026, 7, 6, 7, 30, 0, 0, time.UTC), ivr.Transfer},
		"16:30 in London is 18:30 in Rome": {time.Date(2026, 7, 6, 16, 30, 0, 0, time.UTC), ivr.Hangup},
	} {
		t.Run(name, func(t *testing.T) {
			outcome, err := ivr.Run(t.Context(), flow, silentPort{}, ivr.Env{Now: tt.at})
			require.NoError(t, err)
			require.Equal(t, tt.want, outcome.Kind)
		})
	}
}

func TestFailures(t *testing.T) {
	t.Run("an expression, without on_error", func(t *testing.T) {
		flow := parse(t, `
vars: {n: text}
steps:
  a: {branch: [{when: vars.n > 5, next: end}]}
  end: {hangup: }
`)
		_, err := ivr.Run(t.Context(), flow, silentPort{}, ivr.Env{})
		require.ErrorIs(t, err, ivr.ErrExpression)
		require.ErrorContains(t, err, "flow flow.yaml: step a: line 4:")
	})
	t.Run("an expression, with on_error", func(t *testing.T) {
		flow := parse(t, `
vars: {n: text}
on_error: rescue
steps:
  a: {branch: [{when: vars.n > 5, next: end}]}
  end: {hangup: }
  rescue: {enqueue: {queue: general}}
`)
		outcome, err := ivr.Run(t.Context(), flow, silentPort{}, ivr.Env{})
		require.NoError(t, err)
		require.Equal(t, "general", outcome.Target.Queue)
	})
	t.Run("round and round", func(t *testing.T) {
		flow := parse(t, prompts("p")+`
steps:
  a: {menu: {prompt: p, options: {1: end}, on_fail: b}}
  b: {menu: {prompt: p, options: {1: end}, on_fail: a}}
  end: {hangup: }
`)
		outcome, err := ivr.Run(t.Context(), flow, silentPort{}, ivr.Env{})
		require.ErrorIs(t, err, ivr.ErrTooManySteps)
		require.Equal(t, ivr.MaxSteps, outcome.Steps)
	})
	t.Run("a text that grows", func(t *testing.T) {
		flow := parse(t, prompts("p")+`
vars: {s: some forty characters to begin with, yes}
steps:
  a: {set: {s: =vars.s + vars.s}}
  b: {menu: {prompt: p, options: {1: end}, on_fail: a, retries: 0}}
  end: {hangup: }
`)
		outcome, err := ivr.Run(t.Context(), flow, silentPort{}, ivr.Env{})
		require.ErrorIs(t, err, ivr.ErrExpression)
		require.Less(t, outcome.Steps, 20)
	})
	t.Run("digits channel closed", func(t *testing.T) {
		flow := parse(t, prompts("welcome", "choose", "now", "wrong", "silence", "bye")+menuFlow)
		synctest.Test(t, func(t *testing.T) {
			port := newFakePort()
			close(port.digits)
			outcome, err := ivr.Run(t.Context(), flow, port, ivr.Env{})
			require.NoError(t, err)
			require.Equal(t, ivr.Hangup, outcome.Kind)
		})
	})
}
