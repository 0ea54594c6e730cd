package ivr_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"filo/ivr"
)

// TestMistakes reads every flow of testdata/mistakes: the comments at its
// end, "# want: ", are the whole error, line by line.
func TestMistakes(t *testing.T) {
	files, err := filepath.Glob("testdata/mistakes/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			data, err := os.ReadFile(file)
			require.NoError(t, err)
			var want []string
			for line := range strings.Lines(string(data)) {
				if text, ok := strings.CutPrefix(line, "# want: "); ok {
					want = append(want, "flow.yaml:"+strings.TrimSpace(text))
				}
			}
			_, err = ivr.Parse("flow.yaml", data)
			require.Error(t, err)
			require.Equal(t, strings.Join(want, "\n"), err.Error())
		})
	}
}

func TestParseTooLarge(t *testing.T) {
	_, err := ivr.Parse("flow.yaml", make([]byte, 2<<20))
	require.EqualError(t, err, "flow.yaml: flow is larger than 1048576 bytes")
}

func TestFlowTellsWhatItNeeds(t *testing.T) {
	flow := parse(t, `
languages: [en, it]
prompts:
  hello: {en: Hello, it: Ciao}
  jingle: file
steps:
  one: {say: [hello, jingle]}
  two: {play: beep}
  three: {enqueue: {queue: sales}}
`)
	require.Equal(t, "flow.yaml", flow.Name())
	require.Equal(t, []string{"en", "it"}, flow.Languages())
	require.Equal(t, []string{"sales"}, flow.Queues())
	require.Equal(t, []ivr.Prompt{
		{ID: "hello", Text: "Hello", Lang: "en"},
		{ID: "jingle", Lang: "en"},
		{ID: "beep", Lang: "en"},
		{ID: "hello", Text: "Ciao", Lang: "it"},
		{ID: "jingle", Lang: "it"},
		{ID: "beep", Lang: "it"},
	}, flow.Prompts())
}

func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/mistakes/*.yaml")
	require.NoError(f, err)
	for _, file := range append(files, "../configs/flows/default.yaml") {
		data, err := os.ReadFile(file) //nolint:gosec // committed seeds
		require.NoError(f, err)
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		flow, err := ivr.Parse("flow.yaml", data)
		if err == nil {
			// What was accepted runs and ends, even for a silent caller.
			outcome, err := ivr.Run(t.Context(), flow, silentPort{}, ivr.Env{})
			if err == nil {
				require.NotEmpty(t, outcome.Kind)
			}
			require.LessOrEqual(t, outcome.Steps, ivr.MaxSteps+1)
		}
	})
}
