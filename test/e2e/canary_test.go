package e2e

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// callersNumber is a number of anybody who calls in these tests, in any of the
// forms in which it could be written.
var callersNumber = regexp.MustCompile(`3475554419|347 ?555 ?4419|3385550077|338 ?555 ?0077|0255501234|39347[0-9]{7}`)

// longNumber is a run of digits that no label has a reason for.
var longNumber = regexp.MustCompile(`[0-9]{9,}`)

// canary asserts that no line of a node's log at Info or above, and no label of
// its metrics, has a caller's number. Every node of every test ends with it.
func (n *node) canary(logs *logBuffer) {
	n.t.Helper()
	if n.t.Failed() {
		return
	}
	requireNoNumber(n.t, logs.String())
	select {
	case <-n.done:
		return // nobody to ask
	default:
	}
	for name, family := range n.metrics() {
		for _, m := range family.GetMetric() {
			for _, l := range m.GetLabel() {
				require.NotRegexp(n.t, longNumber, l.GetValue(), "label %s of %s", l.GetName(), name)
			}
		}
	}
}

func requireNoNumber(t *testing.T, log string) {
	t.Helper()
	for line := range strings.Lines(log) {
		if !strings.Contains(line, "level=DEBUG") {
			require.NotRegexp(t, callersNumber, line, "a caller's number in the log")
		}
	}
}
