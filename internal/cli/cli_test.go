package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// run runs a command line and returns what a shell would see.
func run(t *testing.T, in string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	code = Main(args, Streams{In: strings.NewReader(in), Out: &out, Err: &err})
	return code, out.String(), err.String()
}

func TestExitCodes(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing.yaml")
	for _, c := range []struct {
		args           string
		code           int
		stdout, stderr string // parts of them
	}{
		{"", 2, "", "Usage:"},
		{"help", 0, "filo serve", ""},
		{"--help", 0, "filo serve", ""},
		{"-h", 0, "filo serve", ""},
		{"h", 2, "", `unknown command "h"`},
		{"dance", 2, "", `unknown command "dance"`},
		{"serve -h", 0, "", "-config file"},
		{"serve -dance", 2, "", "flag provided but not defined: -dance"},
		{"serve extra", 2, "", `unexpected argument "extra"`},
		{"serve -config " + missing, 1, "", "filo serve: "},
		{"check -config " + missing, 1, "", "missing.yaml"},
		{"demo -http 0.0.0.0:80", 1, "", "loopback only"},
		{"trace a b", 2, "", "Usage: filo trace"},
		{"trace -clear", 2, "", "Usage: filo trace"},
		{"trace -socket nowhere c_1", 1, "", "no node answers at nowhere"},
		{"flow", 2, "", "Usage: filo flow run"},
		{"flow run", 2, "", "Usage: filo flow run"},
		{"flow run -at never " + missing, 1, "", "filo flow: "},
		{"version", 0, "filo ", ""},
		{"version -x", 2, "", ""},
	} {
		t.Run(c.args, func(t *testing.T) {
			code, stdout, stderr := run(t, "", strings.Fields(c.args)...)
			require.Equal(t, c.code, code, "%s%s", stdout, stderr)
			require.Contains(t, stdout, c.stdout)
			require.Contains(t, stderr, c.stderr)
			if c.stdout == "" {
				require.Empty(t, stdout)
			}
		})
	}
}

func TestCheck(t *testing.T) {
	dir := t.TempDir()
	bad := filepath.Join(dir, "bad.yaml")
	require.NoError(t, os.WriteFile(bad, []byte("voice:\n  max_call: -1s\n  escape: xx\n"), 0o600))
	code, _, stderr := run(t, "", "check", "-config", bad)
	require.Equal(t, 1, code)
	for _, part := range []string{"bad.yaml:2", "max_call", "bad.yaml:3", "escape"} {
		require.Contains(t, stderr, part, "every mistake at once, with its line")
	}
}

func TestPasswd(t *testing.T) {
	code, hash, stderr := run(t, "a long enough password\n", "passwd")
	require.Zero(t, code, stderr)
	require.NotContains(t, hash, "long enough")
	require.Equal(t, 1, strings.Count(hash, "\n"))
	code, hash, _ = run(t, "\n", "passwd")
	require.Equal(t, 1, code)
	require.Empty(t, hash)
}

func TestFlowRun(t *testing.T) {
	dir := t.TempDir()
	flow := filepath.Join(dir, "flow.yaml")
	require.NoError(t, os.WriteFile(flow, []byte(`
languages: [en]
start: known
prompts:
  main: {en: "Orders, press 1."}
steps:
  known:
    branch:
      - {when: 'context.attributes["web.form"] == "checkout"', next: checkout}
    next: main
  main:
    menu: {prompt: main, options: {1: checkout}, on_fail: checkout}
  checkout:
    enqueue: {queue: checkout}
`), 0o600))
	known := filepath.Join(dir, "context.json")
	require.NoError(t, os.WriteFile(known, []byte(`{"Attributes": {"web.form": "checkout"}}`), 0o600))
	broken := filepath.Join(dir, "broken.json")
	require.NoError(t, os.WriteFile(broken, []byte(`{`), 0o600))

	code, stdout, stderr := run(t, "1\n", "flow", "run", flow)
	require.Zero(t, code, stderr)
	require.Contains(t, stdout, "Orders, press 1.")
	require.Contains(t, stdout, "checkout")

	code, stdout, stderr = run(t, "", "flow", "run", "-context", known, "-at", "2026-11-21T09:30:00+01:00", flow)
	require.Zero(t, code, stderr)
	require.NotContains(t, stdout, "press 1")

	for _, args := range [][]string{{"-context", broken, flow}, {"-context", filepath.Join(dir, "none"), flow}, {"-at", "noon", flow}, {broken}} {
		code, _, stderr = run(t, "", append([]string{"flow", "run"}, args...)...)
		require.Equal(t, 1, code, "%v", args)
		require.NotEmpty(t, stderr)
	}
}
