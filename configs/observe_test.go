package configs_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const rules = "prometheus/filo.rules.yml"

// promtool runs promtool, which has to be there.
func promtool(t *testing.T, args ...string) {
	t.Helper()
	_, err := exec.LookPath("promtool")
	require.NoError(t, err, "promtool is missing: apt-get install prometheus")
	out, err := exec.CommandContext(t.Context(), "promtool", args...).CombinedOutput() //nolint:gosec // fixed commands
	require.NoError(t, err, "%s", out)
}

func TestRules(t *testing.T) {
	promtool(t, "check", "config", "prometheus/prometheus.yml")
	promtool(t, "check", "rules", rules)
	promtool(t, "test", "rules", "prometheus/filo.rules.test.yml")
}

// expressions returns every query of the dashboard by its panel's title.
func expressions(t *testing.T) map[string][]string {
	t.Helper()
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	data, err := os.ReadFile("grafana/filo.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &dashboard))
	all := make(map[string][]string)
	for _, panel := range dashboard.Panels {
		for _, target := range panel.Targets {
			all[panel.Title] = append(all[panel.Title], target.Expr)
		}
	}
	require.NotEmpty(t, all)
	return all
}

// TestDashboardQueries lets promtool read every query, as a recording rule.
func TestDashboardQueries(t *testing.T) {
	fill := strings.NewReplacer("$job", "filo", "$__rate_interval", "1m")
	var file strings.Builder
	file.WriteString("groups:\n  - name: dashboard\n    rules:\n")
	n := 0
	for _, queries := range expressions(t) {
		for _, query := range queries {
			fmt.Fprintf(&file, "      - {record: query:%d, expr: %q}\n", n, fill.Replace(query))
			n++
		}
	}
	path := filepath.Join(t.TempDir(), "dashboard.yml")
	require.NoError(t, os.WriteFile(path, []byte(file.String()), 0o600))
	promtool(t, "check", "rules", path)
}

var metricName = regexp.MustCompile(`\bfilo_[a-z0-9_]+`)

// TestMetricsExist: what rules and dashboard ask for is what the code counts.
func TestMetricsExist(t *testing.T) {
	var known []string
	root := os.DirFS("..")
	require.NoError(t, fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() && slices.Contains([]string{"node_modules", ".git", "dist"}, entry.Name()) {
			return fs.SkipDir
		}
		if filepath.Base(name) == "metrics.go" {
			source, err := fs.ReadFile(root, name)
			known = append(known, metricName.FindAllString(string(source), -1)...)
			return err
		}
		return nil
	}))
	used := metricName.FindAllString(read(t, rules), -1)
	for _, queries := range expressions(t) {
		used = append(used, metricName.FindAllString(strings.Join(queries, " "), -1)...)
	}
	var missing []string
	for _, name := range used {
		plain := name
		for _, suffix := range []string{"_bucket", "_count", "_sum"} {
			plain = strings.TrimSuffix(plain, suffix)
		}
		if !slices.Contains(known, name) && !slices.Contains(known, plain) && !slices.Contains(missing, name) {
			missing = append(missing, name)
		}
	}
	require.Empty(t, missing, "metrics that no metrics.go has")
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path) //nolint:gosec // our own files
	require.NoError(t, err)
	return string(data)
}
