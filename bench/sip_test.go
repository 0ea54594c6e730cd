package bench

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSipCommandLine(t *testing.T) {
	for _, c := range []struct {
		name string
		args []string
		want int
		says string
	}{
		{"nothing", []string{"sip"}, exitUsage, "filo-bench sip run"},
		{"an unknown word", []string{"sip", "fly"}, exitUsage, "filo-bench sip b2bua"},
		{"help", []string{"sip", "run", "-h"}, exitOK, "capacity,cost,leak"},
		{"an unknown flag", []string{"sip", "run", "-fast"}, exitUsage, "-fast"},
		{"a word too many", []string{"sip", "b2bua", "now"}, exitUsage, `"now"`},
		{"an unknown experiment", []string{"sip", "run", "-only", "speed"}, exitMissed, "no such experiment"},
		{"an address that is none", []string{"sip", "b2bua", "-listen", "nowhere"}, exitMissed, "listen"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out, err bytes.Buffer
			require.Equal(t, c.want, Main(t.Context(), c.args, "test", &out, &err))
			require.Contains(t, out.String()+err.String(), c.says)
		})
	}
}
