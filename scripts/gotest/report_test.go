package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestReport(t *testing.T) {
	tests := []struct {
		name   string
		events []event
		want   string
	}{
		{
			"passes are counted, their output is not shown",
			[]event{
				{Action: "output", Package: "filo/a", Test: "TestX", Output: "chatter\n"},
				{Action: "pass", Package: "filo/a", Test: "TestX"},
				{Action: "pass", Package: "filo/a", Elapsed: 1.5},
			},
			"ok    filo/a                          1.5s\n1 passed, 0 failed, 0 skipped\n",
		},
		{
			"failures and skips are shown",
			[]event{
				{Action: "output", Package: "filo/a", Test: "TestX", Output: "broken\n"},
				{Action: "fail", Package: "filo/a", Test: "TestX"},
				{Action: "output", Package: "filo/a", Test: "TestY", Output: "not here"},
				{Action: "skip", Package: "filo/a", Test: "TestY"},
				{Action: "fail", Package: "filo/a"},
			},
			"FAIL  filo/a TestX\n      broken\nSKIP  filo/a TestY\n      not here\n" +
				"FAIL  filo/a                          0.0s\n0 passed, 1 failed, 1 skipped\n",
		},
		{
			"a build that failed is a failure",
			[]event{
				{Action: "build-output", ImportPath: "filo/a", Output: "a.go:1: syntax error\n"},
				{Action: "fail", Package: "filo/a", FailedBuild: "filo/a"},
			},
			"a.go:1: syntax error\nFAIL  filo/a                          0.0s\n0 passed, 1 failed, 0 skipped\n",
		},
		{
			"a test that never ended is a failure",
			[]event{{Action: "output", Package: "filo/a", Test: "TestX", Output: "waiting\n"}},
			"LOST  filo/a TestX\n      waiting\n0 passed, 1 failed, 0 skipped\n",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out strings.Builder
			r := newReport(&out)
			for _, e := range tt.events {
				r.add(e)
			}
			r.end()
			require.Equal(t, tt.want, out.String())
		})
	}
}
