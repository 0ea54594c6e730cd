package e2e

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/mail"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"filo/bench/robot"
	"filo/desk"
)

// What the configuration below names. All of it is fictional.
const (
	password    = "lana-merino-9"
	sipPassword = "telefono-da-tavolo"
	writeKey    = "e2e-shop"
	shopNumber  = "+390455550190"
	ordersMail  = "ordini@aurora.example"
	parcelMail  = "consegne@aurora.example"
	shopOrigin  = "https://shop.aurora.example"
	webhookURL  = "https://contatti.aurora.example/hooks/sms"
	accountSID  = "ACe2e"

	callerHz = 440
	agentHz  = 1000
)

// patience bounds every single wait: a test that waits longer has failed.
const patience = 15 * time.Second

// soon is the step of require.Eventually.
const soon = 10 * time.Millisecond

// customer is somebody who calls and writes.
type customer struct {
	mail.Address
	Phone string
}

var giulia = customer{mail.Address{Name: "Giulia Rossi", Address: "giulia.rossi@posta.example"}, "+393475554419"}

// world is what surrounds a node: its data directory, the mail server and the
// SMS provider of the rest of the world, and the robots.
type world struct {
	t       *testing.T
	dir     string
	mailbox *robot.Mailbox
	texting *robot.Texting
	kit     *robot.Kit
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir()}
	var err error
	w.mailbox, err = robot.NewMailbox(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { _ = w.mailbox.Close() }) // a test may have closed it
	w.texting, err = robot.NewTexting(t.Context(), accountSID, rand.Text())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.texting.Close()) })
	w.kit = w.newKit()
	w.write("sms.token", w.texting.Token)
	w.write("phone.password", sipPassword)
	hash, err := passwordHash()
	require.NoError(t, err)
	w.write("password.hash", hash)
	w.write("users.yaml", usersYAML)
	w.write("filo.yaml", w.config())
	return w
}

// newKit makes robots of their own: a second kit can be closed in the middle
// of a test as a computer that is switched off.
func (w *world) newKit() *robot.Kit {
	w.t.Helper()
	kit, err := robot.NewKit(w.t.Context(), robot.Config{})
	require.NoError(w.t, err)
	w.t.Cleanup(func() { require.NoError(w.t, kit.Close()) })
	return kit
}

func (w *world) path(name string) string { return filepath.Join(w.dir, name) }

func (w *world) write(name, text string) {
	w.t.Helper()
	require.NoError(w.t, os.WriteFile(w.path(name), []byte(text), 0o600))
}

// passwordHash is the hash of every desk user's password. It is slow on purpose.
var passwordHash = sync.OnceValues(func() (string, error) { return desk.HashPassword(password) })

// usersYAML: paola and marta have a browser line and every channel, sara takes
// calls only, luca and piero have a SIP phone and no desk, davide knows
// deliveries, elena sees the floor.
const usersYAML = `
users:
  - {user: paola, name: Paola Ferri, password_hash_file: password.hash, skills: {checkout: 90, returns: 60, general: 60, service: 60}}
  - {user: marta, name: Marta Conti, password_hash_file: password.hash, skills: {checkout: 70, returns: 80, general: 70, service: 70}}
  - {user: sara, name: Sara Bruni, password_hash_file: password.hash, skills: {checkout: 50, returns: 50, general: 50, service: 50}, caps: {email: 0, sms: 0, web: 0}}
  - {user: davide, name: Davide Lombardi, password_hash_file: password.hash, skills: {delivery: 90}}
  - {user: elena, name: Elena Sartori, role: supervisor, password_hash_file: password.hash}
  - {user: luca, name: Luca Moretti, phone: true, ready_at_start: true, sip_password_file: phone.password, skills: {checkout: 95}, caps: {email: 0, sms: 0, web: 0}}
  - {user: piero, name: Piero Galli, phone: true, ready_at_start: true, sip_password_file: phone.password, skills: {checkout: 80}, caps: {email: 0, sms: 0, web: 0}}
`

// config is the node's whole configuration file.
func (w *world) config() string {
	w.t.Helper()
	host, port, ok := strings.Cut(w.mailbox.Addr, ":")
	require.True(w.t, ok)
	return fmt.Sprintf(`
data_dir: %q
drain: 0s
log: {level: debug}
http: {addr: "127.0.0.1:0"}
sip:
  listen: [{network: udp, bind: "127.0.0.1:0"}, {network: tcp, bind: "127.0.0.1:0"}]
  trunks: [{name: telco, allow: [127.0.0.0/8], trusted: true, region: IT}]
media: {port_min: 0, port_max: 0, port_quarantine: 0s}
journey: {timezone: Europe/Rome, budget: 200ms, hard_budget: 1s} # a loaded machine may be slow
voice:
  numbers: {"100": {lang: en, label: Lanificio Aurora}}
web: {write_keys: [%s]}
desk: {users_file: %q, view_timeout: 3s} # so
email:
  listen: "127.0.0.1:0"
  domain: aurora.example
  relay: {host: %s, port: %s, tls: none}
  link_origins: [%q]
  inboxes:
    - {address: %s, name: Lanificio Aurora, queue: checkout, skills: [{name: checkout, min: 1}], region: IT, lang: it}
    - {address: %s, name: Lanificio Aurora, queue: delivery, skills: [{name: delivery, min: 1}], region: IT, lang: it}
sms:
  account_sid: %s
  auth_token_file: %q
  base_url: %q
  public_url: %q
  numbers: [{number: %q, queue: service, skills: [{name: service, min: 1}], region: IT, lang: it}]
`, w.path("data"), writeKey, w.path("users.yaml"), host, port, shopOrigin, ordersMail, parcelMail,
		accountSID, w.path("sms.token"), w.texting.URL, webhookURL, shopNumber)
}

// needs fails the test when a program is missing.
func needs(t *testing.T, program, debianPackage string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Fatalf("%s is missing; install it:\n\tapt-get update && apt-get install -y --no-install-recommends %s", program, debianPackage)
	}
}

// within returns a context for one wait.
func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
	t.Cleanup(cancel)
	return ctx
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	require.Eventually(t, condition, patience, soon, what)
}
