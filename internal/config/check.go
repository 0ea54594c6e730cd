package config

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"filo/configs"
	"filo/desk"
	"filo/ivr"
)

// Check reads the configuration at path and everything that it names (flows,
// prompts, users, secrets) and changes nothing. It returns a report of what
// is configured, or an error that joins every mistake with its place.
func Check(path string) (report string, err error) {
	doc, cfg, wrong := load(path)
	if doc == nil {
		return "", wrong
	}
	c := checker{cfg: cfg}
	c.files()
	c.flows()
	c.trunks()
	c.users()
	found := doc.both(wrong, doc.locate(errors.Join(c.errs...)))
	if err := errors.Join(found, errors.Join(c.elsewhere...)); err != nil {
		return "", err
	}
	c.tell("%s: no mistakes", filepath.Base(path))
	return strings.Join(c.report, "\n") + "\n", nil
}

// checker follows what the configuration names.
type checker struct {
	cfg       Config
	errs      []error // begin with a key of the configuration
	elsewhere []error // in other files
	report    []string
}

func (c *checker) bad(key, format string, args ...any) {
	c.errs = append(c.errs, fmt.Errorf("%s: %w", key, fmt.Errorf(format, args...)))
}

func (c *checker) tell(format string, args ...any) {
	c.report = append(c.report, fmt.Sprintf(format, args...))
}

// files checks that the files of certificates and secrets can be read.
func (c *checker) files() {
	for _, one := range []struct{ key, path string }{
		{"http.tls_cert_file", c.cfg.HTTP.TLSCertFile},
		{"http.tls_key_file", c.cfg.HTTP.TLSKeyFile},
		{"sip.trace.hep.password_file", c.cfg.SIP.Trace.HEP.PasswordFile},
		{"journey.secret_file", c.cfg.Journey.SecretFile},
		{"redis.password_file", c.cfg.Redis.PasswordFile},
		{"email.tls_cert", c.cfg.Email.TLSCert},
		{"email.tls_key", c.cfg.Email.TLSKey},
		{"email.relay.password_file", c.cfg.Email.Relay.PasswordFile},
		{"sms.auth_token_file", c.cfg.SMS.AuthTokenFile},
		{"web.identity_secret_file", c.cfg.Web.IdentitySecretFile},
	} {
		if one.path == "" {
			continue
		}
		file, err := os.Open(one.path)
		if err != nil {
			c.bad(one.key, "%w", err)
			continue
		}
		_ = file.Close() // nothing was written
	}
	c.errs = append(c.errs, UnderKey("sip", c.cfg.SIP.CheckFiles()))
}

// flows parses every flow and looks for its prompts and queues.
func (c *checker) flows() {
	flowSources, promptSources, done := c.sources()
	defer done()
	flows, err := ivr.LoadFlows(flowSources...)
	c.elsewhere = append(c.elsewhere, flatten(err)...)
	c.numbers(flows)

	// Nothing is spoken here, so there is no cache to open.
	prompts := ivr.NewPrompts(ivr.NewSpeech(c.cfg.IVR.Speech, nil), promptSources...)
	if err := prompts.Has(ivr.Prompt{ID: c.cfg.Voice.Music}); err != nil {
		c.bad("voice.music", "%w", err)
	}
	for _, name := range slices.Sorted(maps.Keys(flows)) {
		flow := flows[name]
		c.elsewhere = append(c.elsewhere, flatten(prompts.Check(flow))...)
		for _, queue := range flow.Queues() {
			if _, ok := c.cfg.Router.Queues[queue]; !ok {
				c.elsewhere = append(c.elsewhere, fmt.Errorf("%s: no such queue in router.queues: %q", flow.Name(), queue))
			}
		}
		c.tell("flow %s: %s, languages %s, queues %s", name, flow.Name(),
			strings.Join(flow.Languages(), ", "), strings.Join(flow.Queues(), ", "))
	}
}

// sources opens the directories of flows and prompts before the built-in ones.
func (c *checker) sources() (flows []ivr.Source, prompts []fs.FS, done func()) {
	var roots []*os.Root
	open := func(key, dir string) *os.Root {
		root, err := os.OpenRoot(dir)
		if err != nil {
			c.bad(key, "%w", err)
			return nil
		}
		roots = append(roots, root)
		return root
	}
	if dir := c.cfg.IVR.FlowsDir; dir != "" {
		if root := open("ivr.flows_dir", dir); root != nil {
			flows = append(flows, ivr.Source{Label: dir, FS: root.FS()})
		}
	}
	if dir := c.cfg.IVR.PromptsDir; dir != "" {
		if root := open("ivr.prompts_dir", dir); root != nil {
			prompts = append(prompts, root.FS())
		}
	}
	flows = append(flows, ivr.Source{Label: "built-in", FS: configs.Flows()})
	return flows, append(prompts, configs.Prompts()), func() {
		for _, root := range roots {
			_ = root.Close() // only read
		}
	}
}

// numbers checks that every called number has its flow.
func (c *checker) numbers(flows map[string]*ivr.Flow) {
	if flows[c.cfg.Voice.DefaultFlow] == nil {
		c.bad("voice.default_flow", "no such flow: %q", c.cfg.Voice.DefaultFlow)
	}
	for _, called := range slices.Sorted(maps.Keys(c.cfg.Voice.Numbers)) {
		number, key := c.cfg.Voice.Numbers[called], "voice.numbers."+called
		name := number.Flow
		if name == "" {
			name = c.cfg.Voice.DefaultFlow
		}
		flow := flows[name]
		switch {
		case flow == nil && number.Flow != "":
			c.bad(key+".flow", "no such flow: %q", name)
		case flow != nil && number.Lang != "" && !slices.Contains(flow.Languages(), number.Lang):
			c.bad(key+".lang", "flow %s does not speak %q", name, number.Lang)
		}
	}
}

// trunks tells where each trunk leads and what it may dial.
func (c *checker) trunks() {
	for _, t := range c.cfg.SIP.Trunks {
		parts := []string{fmt.Sprintf("calls from %d networks and its servers", len(t.Allow))}
		if t.Register.Registrar != "" {
			parts = append(parts, "registers at "+t.Register.Registrar)
		}
		if len(t.Dial.Allow) > 0 {
			parts = append(parts, fmt.Sprintf("dials %s by %s", strings.Join(t.Dial.Allow, ", "), t.Server))
		}
		c.tell("trunk %s: %s", t.Name, strings.Join(parts, "; "))
	}
}

// users reads the people who may sign in.
func (c *checker) users() {
	path := c.cfg.Desk.UsersFile
	if path == "" {
		c.tell("users: none; set desk.users_file so that agents can sign in")
		return
	}
	users, err := desk.LoadUsers(path)
	if err != nil {
		c.elsewhere = append(c.elsewhere, flatten(err)...)
		return
	}
	c.tell("users: %d in %s", users.Len(), path)
}
