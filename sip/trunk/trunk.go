package trunk

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"time"

	"filo/sip/number"
	"filo/sip/resolve"
)

// Trunk is one trunk, ready for use. It does not change.
type Trunk struct {
	Config
	allow        []netip.Prefix
	headers      map[string]bool
	servers      []resolve.Target
	account      Account
	registration Registration
	tls          *tls.Config
	rules        number.Rules
	shown        number.Patterns
}

// Account is who we are to a peer that asks; without a User we are nobody.
type Account struct {
	User, Password string
}

// Registration is what we tell a provider's registrar.
type Registration struct {
	Account
	Registrar resolve.Target
	Domain    string // of our address there
	Expires   time.Duration
}

// newTrunk reads what a valid configuration names. The error joins every file
// that cannot be read, each with its key.
func newTrunk(c Config) (*Trunk, error) {
	t := &Trunk{Config: c, headers: make(map[string]bool)}
	for _, a := range c.Allow {
		p, _ := parseNetwork(a)
		t.allow = append(t.allow, p)
	}
	for _, h := range c.Headers {
		t.headers[http.CanonicalHeaderKey(h)] = true
	}
	for _, s := range c.allServers() {
		t.servers = append(t.servers, c.target(s))
	}
	t.rules, _ = number.NewRules(c.Dial.Allow, c.Dial.denied())
	t.shown, _ = number.ParsePatterns(c.CallerID.Numbers)
	return t, t.readFiles()
}

// denied is Deny, or its default.
func (d Dial) denied() []string {
	if len(d.Deny) > 0 {
		return d.Deny
	}
	return words(number.Kinds())
}

// target is a server of the configuration by the trunk's transport.
func (c Config) target(server string) resolve.Target {
	host, port, _ := splitServer(server) // validated
	return resolve.Target{Host: host, Port: port, Transport: c.transport()}
}

func (c Config) transport() resolve.Transport {
	if c.Transport == "" {
		return resolve.UDP
	}
	return resolve.Transport(c.Transport)
}

func (t *Trunk) readFiles() error {
	var m mistakes
	t.account = Account{User: t.User, Password: m.secret("password_file", t.PasswordFile)}
	t.registration = t.readRegistration(&m)
	t.tls = t.TLS.read(&m)
	return errors.Join(m...)
}

func (t *Trunk) readRegistration(m *mistakes) Registration {
	c := t.Register
	if c.Registrar == "" {
		return Registration{}
	}
	r := Registration{Account: t.account, Registrar: t.target(c.Registrar), Domain: c.Domain, Expires: c.Expires}
	if c.User != "" {
		r.User = c.User
	}
	if c.PasswordFile != "" {
		r.Password = m.secret("register.password_file", c.PasswordFile)
	}
	if r.Domain == "" {
		r.Domain = r.Registrar.Host
	}
	if r.Expires == 0 {
		r.Expires = defaultExpires
	}
	return r
}

// secret reads a password; "" for no file.
func (m *mistakes) secret(key, path string) string {
	if path == "" {
		return ""
	}
	text, err := os.ReadFile(path) //nolint:gosec // the operator's own file
	if err != nil {
		m.add(key, "%w", err)
		return ""
	}
	password := strings.TrimRight(string(text), "\r\n")
	m.unless(password != "" && !strings.ContainsAny(password, "\r\n"), key, "should hold one line, the password")
	return password
}

// read makes what a TLS connection to the peer needs; nil for the defaults.
func (c TLS) read(m *mistakes) *tls.Config {
	if c == (TLS{}) {
		return nil
	}
	out := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: c.ServerName}
	if c.CAFile != "" {
		pem, err := os.ReadFile(c.CAFile)
		if err != nil {
			m.add("tls.ca_file", "%w", err)
		}
		out.RootCAs = x509.NewCertPool()
		m.unless(err != nil || out.RootCAs.AppendCertsFromPEM(pem), "tls.ca_file", "holds no certificate")
	}
	if c.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile)
		if err != nil {
			m.add("tls.cert_file", "%w", err)
		}
		out.Certificates = []tls.Certificate{pair}
	}
	return out
}

// Allows tells whether the configuration lets addr call over the trunk.
func (t *Trunk) Allows(addr netip.Addr) bool {
	for _, p := range t.allow {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// Passes tells whether the application may see a header; name is canonical.
func (t *Trunk) Passes(name string) bool { return t.headers[name] }

// Servers are where we call, in the order to try; none when the trunk takes
// calls only.
func (t *Trunk) Servers() []resolve.Target { return t.servers }

// Account answers challenges to our calls.
func (t *Trunk) Account() Account {
	if t.account.User == "" {
		return t.registration.Account
	}
	return t.account
}

// Registration is how we keep registered; ok is false when we do not.
func (t *Trunk) Registration() (r Registration, ok bool) {
	return t.registration, t.registration.User != ""
}

// TLSConfig is for connections to host; it is the caller's own.
func (t *Trunk) TLSConfig(host string) *tls.Config {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if t.tls != nil {
		c = t.tls.Clone()
	}
	if c.ServerName == "" {
		c.ServerName = host
	}
	return c
}

// Hosts are the names whose addresses may call over the trunk.
func (t *Trunk) Hosts() []resolve.Target {
	if r, ok := t.Registration(); ok {
		return append([]resolve.Target{r.Registrar}, t.servers...)
	}
	return t.servers
}

// ReadNumber is a number of the peer's in E.164; what is none stays as it is.
func (t *Trunk) ReadNumber(text string) string { return t.style().Read(text, t.Region) }

func (t *Trunk) style() number.Style {
	if t.Numbers.Format == "" {
		return number.E164Style
	}
	return number.Style(t.Numbers.Format)
}
