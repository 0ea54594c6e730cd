package sim

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

const small = `name: Small
about: A <b>small</b> one.
unit: 1m
contacts: 20000
classes:
  a: {arrivals: 2, service: {exp: 1}, target: 20s, patience: {exp: 2}}
  b: {arrivals: 1, service: {exp: 1}}
agents: {team: 4}
expect:
  - a.service_level >= 0.5
`

func run(t *testing.T, scenario string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "s.yaml")
	require.NoError(t, os.WriteFile(file, []byte(scenario), 0o600))
	var out, errs bytes.Buffer
	code = Main(t.Context(), append(args, file), &out, &errs)
	return code, out.String(), errs.String()
}

func TestMainText(t *testing.T) {
	code, out, errs := run(t, small)
	require.Zero(t, code, errs)
	require.Contains(t, out, "Small: 20,000 contacts, 10 replications, seed 1")
	require.Contains(t, out, "times in minutes")
	require.Contains(t, out, "P(abandon)")
	require.NotContains(t, out, "P(block)", "nobody was")
	require.Contains(t, out, "PASS: 1 of 1 expectations met")

	code, out, _ = run(t, small+"  - b.wait <= 0\n", "-seed", "5", "-replications", "4", "-contacts", "4000")
	require.Equal(t, exitMissed, code)
	require.Contains(t, out, "4,000 contacts, 4 replications, seed 5")
	require.Contains(t, out, "FAIL: 1 of 2 expectations met")
}

func TestMainJSON(t *testing.T) {
	code, out, _ := run(t, small, "-json")
	require.Zero(t, code)
	type estimate struct{ Mean, Half *float64 }
	var got struct {
		Scenario, Unit string
		Seed           uint64
		Replications   int
		Contacts       int64
		Wall           float64 `json:"wall_s"`
		PerSecond      float64 `json:"contacts_per_s"`
		Classes        map[string]map[string]json.RawMessage
		Groups         map[string]map[string]json.RawMessage
		All            map[string]json.RawMessage
		Expect         []struct {
			Expect string
			Got    estimate
			Pass   bool
		}
		Pass bool
	}
	require.NoError(t, json.Unmarshal([]byte(out), &got))
	require.Equal(t, "Small", got.Scenario)
	require.Equal(t, "1m0s", got.Unit)
	require.EqualValues(t, 20000, got.Contacts)
	require.Positive(t, got.PerSecond)
	require.Len(t, got.Classes, 2)
	require.True(t, got.Pass)
	require.Equal(t, "a.service_level >= 0.5", got.Expect[0].Expect)
	var wait estimate
	require.NoError(t, json.Unmarshal(got.Classes["a"]["wait"], &wait))
	require.Positive(t, *wait.Mean)
	require.Positive(t, *wait.Half)
	var none estimate
	require.NoError(t, json.Unmarshal(got.Classes["b"]["service_level"], &none))
	require.Nil(t, none.Mean, "b has no target")
	require.Contains(t, got.Groups["team"], "utilisation")
	require.Contains(t, got.All, "all_busy")
	var counted counts
	require.NoError(t, json.Unmarshal(got.Classes["a"]["counts"], &counted))
	require.Equal(t, counted.Arrived, counted.Served+counted.Abandoned)
}

// TestMainHTML: the page stands alone, and what the scenario says is text.
func TestMainHTML(t *testing.T) {
	file := filepath.Join(t.TempDir(), "page.html")
	code, _, errs := run(t, small, "-html", file)
	require.Zero(t, code, errs)
	page, err := os.ReadFile(file)
	require.NoError(t, err)
	text := string(page)
	require.Contains(t, text, "PASS: Small, all 1 expectations met")
	require.Contains(t, text, "A &lt;b&gt;small&lt;/b&gt; one.")
	require.NotRegexp(t, regexp.MustCompile(`(src|href)=|https?://|<script|url\(|NaN|ZgotmplZ`), text)
	require.GreaterOrEqual(t, bytes.Count(page, []byte("<svg class=\"plot\"")), 5)
}

func TestMainMistakes(t *testing.T) {
	for _, tt := range []struct {
		args []string
		want string
	}{
		{nil, "which scenario?"},
		{[]string{"a.yaml", "b.yaml"}, "one scenario only"},
		{[]string{"-nosuch"}, "flag provided but not defined"},
		{[]string{"nosuch.yaml"}, "read scenario"},
	} {
		var out, errs bytes.Buffer
		require.Equal(t, exitUsage, Main(t.Context(), tt.args, &out, &errs))
		require.Contains(t, errs.String(), tt.want)
	}
	code, _, errs := run(t, "classes: {}")
	require.Equal(t, exitUsage, code)
	require.Contains(t, errs, "s.yaml:1: classes and agents are needed")
	var out, help bytes.Buffer
	require.Zero(t, Main(t.Context(), []string{"-h"}, &out, &help))
	require.Contains(t, help.String(), "-replications")
}

// TestCancelled: a run that is stopped ends soon, with an error.
func TestCancelled(t *testing.T) {
	sc, err := Parse("f.yaml", []byte(small), nil)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = Run(ctx, sc, nil)
	require.ErrorIs(t, err, context.Canceled)
}

func TestProgressBar(t *testing.T) {
	var b bytes.Buffer
	bar := newProgressBar(&b)
	bar.progress()(50, 100)
	bar.progress()(51, 100) // too soon
	bar.clear()
	require.Contains(t, b.String(), "50 %")
	require.NotContains(t, b.String(), "51 %")
	var none *progressBar
	require.Nil(t, none.progress())
	none.clear()
}
