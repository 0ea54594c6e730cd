package terminal_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"filo/contact"
	"filo/ivr"
	"filo/ivr/terminal"
)

var update = flag.Bool("update", false, "write the transcripts again")

// TestTranscripts plays flows and compares what is printed with
// testdata/<name>.txt.
func TestTranscripts(t *testing.T) {
	known := ivr.Env{Context: contact.Context{Customer: "c1", Lang: "it"}}
	tests := []struct {
		name  string
		flow  string
		env   ivr.Env
		input string
	}{
		{"default_menu", "../../configs/flows/default.yaml", ivr.Env{}, "1\n"},
		{"default_italian", "../../configs/flows/default.yaml", known, "3\n"},
		{"default_called_italian_number", "../../configs/flows/default.yaml", ivr.Env{Lang: "it"}, "0\n"},
		{"default_wrong_then_silent", "../../configs/flows/default.yaml", ivr.Env{}, "9\n\n2\n"},
		{"default_gives_up", "../../configs/flows/default.yaml", ivr.Env{}, "\n\n\n"},
		{"default_hangs_up", "../../configs/flows/default.yaml", ivr.Env{}, "7\n"},
		{"bank_pin", "testdata/bank.yaml", at(10), "12#\n123456\n2\n"},
		{"bank_typed_ahead", "testdata/bank.yaml", at(10), "1234561\n"},
		{"bank_closed", "testdata/bank.yaml", at(22), ""},
		{"bank_gold", "testdata/bank.yaml", gold(), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			data, err := os.ReadFile(tt.flow)
			require.NoError(t, err)
			flow, err := ivr.Parse(filepath.Base(tt.flow), data)
			require.NoError(t, err)
			var out strings.Builder
			_, err = terminal.Play(t.Context(), flow, tt.env, strings.NewReader(tt.input), &out)
			if err != nil {
				require.ErrorIs(t, err, terminal.ErrHungUp)
			}
			golden := filepath.Join("testdata", tt.name+".txt")
			if *update {
				require.NoError(t, os.WriteFile(golden, []byte(out.String()), 0o600))
			}
			want, err := os.ReadFile(golden) //nolint:gosec // our own transcripts
			require.NoError(t, err)
			require.Equal(t, string(want), out.String())
		})
	}
}

func at(hour int) ivr.Env {
	return ivr.Env{Now: time.Date(2026, 3, 4, hour, 0, 0, 0, time.UTC)}
}

func gold() ivr.Env {
	env := at(22)
	env.Context = contact.Context{
		Customer: "c1", Attributes: map[string]string{"plan": "gold"},
		Decision: contact.Decision{Target: contact.Target{Preferred: "paola"}},
	}
	return env
}
