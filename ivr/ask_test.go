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

func TestAsk(t *testing.T) {
	choices := []contact.Choice{
		{Reason: "abandoned-checkout", Prompt: map[string]string{"en": "About an order begun online,", "it": "Per un ordine,"}},
		{Reason: "email", Prompt: map[string]string{"en": "About your e-mail,"}},
	}
	tests := []struct {
		name  string
		key   string
		at    time.Duration
		want  string
		after time.Duration
	}{
		{"first", "1", 6 * time.Second, "abandoned-checkout", 6 * time.Second},
		{"second, in the middle of the question", "2", 1500 * time.Millisecond, "email", 1500 * time.Millisecond},
		{"the menu", "0", 6 * time.Second, "", 6 * time.Second},
		{"any other key", "7", 6 * time.Second, "", 6 * time.Second},
		{"star", "*", 6 * time.Second, "", 6 * time.Second},
		{"silence", "", 0, "", 10 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				port := newFakePort()
				port.press(t, tt.at, tt.key)
				choice, err := ivr.Ask(t.Context(), port, choices, "en")
				require.NoError(t, err)
				if tt.want == "" {
					require.Nil(t, choice)
				} else {
					require.Equal(t, tt.want, choice.Reason)
				}
				require.Equal(t, tt.after, time.Since(port.began))
			})
		})
	}
	t.Run("prompts, with English for a text that is missing", func(t *testing.T) {
		require.Equal(t, []ivr.Prompt{
			{ID: "reason_abandoned-checkout", Text: "Per un ordine,", Lang: "it"},
			{ID: "press_1", Text: "prema 1.", Lang: "it"},
			{ID: "reason_email", Text: "About your e-mail,", Lang: "en"},
			{ID: "press_2", Text: "prema 2.", Lang: "it"},
			{ID: "press_other", Text: "Per tutto il resto, prema 0.", Lang: "it"},
		}, ivr.AskPrompts(choices, "it"))
	})
	t.Run("hang-up", func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		gone := errors.New("gone")
		cancel(gone)
		_, err := ivr.Ask(ctx, newFakePort(), choices, "en")
		require.Equal(t, gone, err)
	})
	t.Run("a question that cannot be played is not asked", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			port := newFakePort()
			port.fail = map[string]error{"reason_email": ivr.ErrNoPrompt}
			choice, err := ivr.Ask(t.Context(), port, choices, "en")
			require.NoError(t, err)
			require.Nil(t, choice)
		})
	})
	t.Run("nothing to choose", func(t *testing.T) {
		choice, err := ivr.Ask(t.Context(), newFakePort(), nil, "en")
		require.NoError(t, err)
		require.Nil(t, choice)
	})
}
