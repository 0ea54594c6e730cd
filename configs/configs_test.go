package configs_test

import (
	"io/fs"
	"testing"

	"github.com/stretchr/testify/require"

	"filo/configs"
	"filo/ivr"
)

// TestDefaultFlow: the flow that ships needs nothing but what ships.
func TestDefaultFlow(t *testing.T) {
	flows, err := ivr.LoadFlows(ivr.Source{Label: "flows", FS: configs.Flows()})
	require.NoError(t, err)
	flow := flows["default"]
	require.NotNil(t, flow)
	require.Equal(t, []string{"en", "it"}, flow.Languages())
	require.Equal(t, []string{"checkout", "delivery", "returns", "general"}, flow.Queues())

	silent := ivr.NewPrompts(nil, configs.Prompts())
	require.NoError(t, silent.Check(flow), "nothing has to be spoken")
}

// TestPromptsAreMuLaw: every sound file is mono mu-law at 8 kHz, which is
// played without conversion on G.711.
func TestPromptsAreMuLaw(t *testing.T) {
	files, err := fs.Glob(configs.Prompts(), "*/*.wav")
	require.NoError(t, err)
	require.Greater(t, len(files), 30)
	for _, file := range append(files, "music.wav") {
		data, err := fs.ReadFile(configs.Prompts(), file)
		require.NoError(t, err)
		require.Equal(t, "RIFF", string(data[:4]), file)
		require.Equal(t, []byte{7, 0, 1, 0, 0x40, 0x1f, 0, 0}, data[20:28], file)
	}
}

// TestAskIsRecorded: the question of the default rules can be put in both
// languages where nothing can be spoken.
func TestAskIsRecorded(t *testing.T) {
	silent := ivr.NewPrompts(nil, configs.Prompts())
	for _, lang := range []string{"en", "it"} {
		for _, id := range []string{
			"press_1", "press_2", "press_3", "press_other", "menu_anytime",
			"reason_abandoned-checkout", "reason_reply-sms", "reason_unanswered-email",
		} {
			require.NoError(t, silent.Has(ivr.Prompt{ID: id, Lang: lang}))
		}
	}
}
