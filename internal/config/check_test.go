package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"filo/configs"
	"filo/desk"
	"filo/internal/config"
)

// write makes a file below dir and returns its path.
func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o750))
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestCheckDefault(t *testing.T) {
	report, err := config.Check(write(t, t.TempDir(), "filo.yaml", string(configs.Manual())))
	require.NoError(t, err)
	require.Equal(t, "flow default: built-in/default.yaml, languages en, it, queues checkout, delivery, returns, general\n"+
		"users: none; set desk.users_file so that agents can sign in\n"+
		"filo.yaml: no mistakes\n", report)
}

func TestCheckFollowsEverything(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "flows/broken.yaml", "steps:\n  a: {say: hello}\n")
	write(t, dir, "flows/other.yaml", "steps:\n  a: {play: fanfare}\n  b: {enqueue: {queue: moon}}\n")
	users := write(t, dir, "users.yaml", "users:\n  - {user: paola, name: Paola, role: queen}\n")
	path := write(t, dir, "filo.yaml", strings.NewReplacer("DIR", dir).Replace(`
http: {tls_cert_file: DIR/cert.pem, tls_key_file: DIR/key.pem}
ivr:
  flows_dir: DIR/flows
  prompts_dir: DIR/absent
voice:
  music: silence
  default_flow: lost
  numbers:
    "+39021": {flow: default, lang: fr}
    "+39022": {flow: gone}
desk: {users_file: DIR/users.yaml}
sip: {trunks: [{name: telco, server: sip.telco.example, user: shop, password_file: DIR/secret}]}
`))
	_, err := config.Check(path)
	require.Error(t, err)
	want := []string{
		"filo.yaml:2: http.tls_cert_file: open DIR/cert.pem: no such file or directory",
		"filo.yaml:2: http.tls_key_file: open DIR/key.pem: no such file or directory",
		"filo.yaml:5: ivr.prompts_dir: open DIR/absent: no such file or directory",
		"filo.yaml:7: voice.music: no such prompt: no sound file silence.wav",
		`filo.yaml:8: voice.default_flow: no such flow: "lost"`,
		`filo.yaml:10: voice.numbers.+39021.lang: flow default does not speak "fr"`,
		`filo.yaml:11: voice.numbers.+39022.flow: no such flow: "gone"`,
		"filo.yaml:13: sip.trunks[0].password_file: open DIR/secret: no such file or directory",
		`DIR/flows/broken.yaml:2: steps.a: the last step needs "next", or must end the flow`,
		`DIR/flows/broken.yaml:2: steps.a.say: prompt "hello" is not among the flow's prompts`,
		`DIR/flows/other.yaml: no such prompt: no sound file en/fanfare.wav`,
		`DIR/flows/other.yaml: no such queue in router.queues: "moon"`,
	}
	got := strings.Split(strings.ReplaceAll(err.Error(), dir, "DIR"), "\n")
	require.Equal(t, want, got[:len(want)])
	require.Contains(t, strings.Join(got[len(want):], "\n"), "queen")
	require.FileExists(t, users)
}

func TestUnknownQueues(t *testing.T) {
	_, err := config.Parse("filo.yaml", []byte(`
router:
  queues:
    service: null
email:
  inboxes:
    - {address: help@shop.example, queue: moon}
`))
	require.ErrorContains(t, err, `filo.yaml:7: email.inboxes[0].queue: no such queue: "moon"`)
	require.ErrorContains(t, err, `filo.yaml: journey.rules[1].queue: no such queue: "service"`)
}

// TestExampleUsers: the example is read by the desk, once its secrets exist.
func TestExampleUsers(t *testing.T) {
	hash, err := desk.HashPassword("a long enough password")
	require.NoError(t, err)
	dir := t.TempDir()
	for _, name := range []string{"paola.hash", "marta.hash"} {
		write(t, dir, "secrets/"+name, hash+"\n")
	}
	write(t, dir, "secrets/desk-12.sip", "a long enough password\n")
	users, err := desk.LoadUsers(write(t, dir, "users.yaml", string(configs.ExampleUsers())))
	require.NoError(t, err)
	require.Equal(t, 3, users.Len())
}
