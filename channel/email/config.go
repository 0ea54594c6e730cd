package email

import (
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/url"
	"strings"
	"time"

	"filo/contact"
)

// Config is the email section of the configuration. Without inboxes the
// channel is off.
type Config struct {
	// Listen is the address of the SMTP listener, "127.0.0.1:2525".
	Listen string `yaml:"listen"`
	// Domain is our name in greetings and Message-IDs.
	Domain string `yaml:"domain"`
	// TLSCert and TLSKey are PEM files; with them STARTTLS is offered.
	TLSCert string `yaml:"tls_cert"`
	TLSKey  string `yaml:"tls_key"`
	// MaxSize is the largest mail in bytes.
	MaxSize int64 `yaml:"max_size"`
	// MaxRecipients is per mail.
	MaxRecipients int `yaml:"max_recipients"`
	// MaxConnections is at one time, MaxPerAddress of these from one IP address.
	MaxConnections int `yaml:"max_connections"`
	MaxPerAddress  int `yaml:"max_per_address"`
	// ReadTimeout and WriteTimeout bound the waiting for one command, line of
	// data or answer.
	ReadTimeout  time.Duration `yaml:"read_timeout"`
	WriteTimeout time.Duration `yaml:"write_timeout"`
	// CommitTimeout bounds the storing of one mail; then the sender is told to
	// try again.
	CommitTimeout time.Duration `yaml:"commit_timeout"`
	// Inboxes are the addresses that receive.
	Inboxes []Inbox `yaml:"inboxes"`
	// Relay takes our replies.
	Relay Relay `yaml:"relay"`
	// LinkOrigins are our own sites, "https://shop.example". Addresses of pages
	// there that an agent writes get the signed parameter cx.
	LinkOrigins []string `yaml:"link_origins"`
}

// Inbox is one of our addresses and where its mail goes.
type Inbox struct {
	Address  string          `yaml:"address"`
	Name     string          `yaml:"name"` // shown to customers
	Queue    string          `yaml:"queue"`
	Skills   []contact.Skill `yaml:"skills"`
	Priority int             `yaml:"priority"`
	Region   string          `yaml:"region"` // ISO 3166, of phone numbers in signatures
	Lang     string          `yaml:"lang"`
	// Lists says that customers' mail reaches this inbox through a mailing
	// list, whose marks then do not mean that nobody has to answer.
	Lists bool `yaml:"lists"`
}

// Relay is the SMTP server that our mail leaves by.
type Relay struct {
	Host         string        `yaml:"host"` // "" switches replies off
	Port         int           `yaml:"port"`
	TLS          string        `yaml:"tls"` // "starttls", "tls" (from the first byte) or "none"
	User         string        `yaml:"user"`
	PasswordFile string        `yaml:"password_file"`
	Timeout      time.Duration `yaml:"timeout"` // of one whole submission
}

// DefaultConfig returns the bounds that suit most centres, without inboxes.
func DefaultConfig() Config {
	return Config{
		Listen: "127.0.0.1:2525", Domain: "localhost",
		MaxSize: 25 << 20, MaxRecipients: 20, MaxConnections: 200, MaxPerAddress: 20,
		ReadTimeout: time.Minute, WriteTimeout: time.Minute, CommitTimeout: 20 * time.Second,
		Relay: Relay{Port: 587, TLS: "starttls", Timeout: 20 * time.Second},
	}
}

// Enabled reports whether any inbox is configured.
func (c Config) Enabled() bool { return len(c.Inboxes) > 0 }

type complain func(key, format string, args ...any)

// Validate returns all mistakes, joined; each begins with the key's path.
func (c Config) Validate() error {
	if !c.Enabled() {
		return nil
	}
	var errs []error
	bad := func(key, format string, args ...any) {
		errs = append(errs, fmt.Errorf(key+": "+format, args...)) //nolint:err113 // key path and mistake
	}
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		bad("listen", "%q is not host:port", c.Listen)
	}
	if c.Domain == "" || strings.ContainsAny(c.Domain, " @<>\r\n") {
		bad("domain", "%q is not a domain name", c.Domain)
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		bad("tls_cert", "tls_cert and tls_key belong together")
	}
	c.validateBounds(bad)
	c.validateInboxes(bad)
	c.Relay.validate(bad)
	for i, o := range c.LinkOrigins {
		if u, err := url.Parse(o); err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") || strings.Trim(u.Path, "/") != "" {
			bad(fmt.Sprintf("link_origins[%d]", i), "%q is not an origin like https://shop.example", o)
		}
	}
	return errors.Join(errs...)
}

func (c Config) validateBounds(bad complain) {
	number := func(key string, n, lo, hi int64) {
		if n < lo || n > hi {
			bad(key, "%d is not within %d..%d", n, lo, hi)
		}
	}
	number("max_size", c.MaxSize, 1<<10, 100<<20)
	number("max_recipients", int64(c.MaxRecipients), 1, 1000)
	number("max_connections", int64(c.MaxConnections), 1, 100_000)
	number("max_per_address", int64(c.MaxPerAddress), 1, int64(max(c.MaxConnections, 1)))
	duration := func(key string, d time.Duration) {
		if d < time.Second || d > 10*time.Minute {
			bad(key, "%v is not within 1s..10m", d)
		}
	}
	duration("read_timeout", c.ReadTimeout)
	duration("write_timeout", c.WriteTimeout)
	duration("commit_timeout", c.CommitTimeout)
}

// maxLocal leaves room for "+thread.signature" in the 64 octets that RFC 5321
// section 4.5.3.1.1 gives a local part.
const maxLocal = 64 - 1 - tokenLen

func (c Config) validateInboxes(bad complain) {
	seen := make(map[string]int)
	for i, in := range c.Inboxes {
		key := fmt.Sprintf("inboxes[%d]", i)
		a, err := mail.ParseAddress(in.Address)
		if err != nil || a.Name != "" || a.Address != in.Address {
			bad(key+".address", "%q is not a mail address", in.Address)
		}
		local, _, _ := strings.Cut(in.Address, "@")
		if len(local) > maxLocal || strings.Contains(local, "+") {
			bad(key+".address", "%q: the part before @ may have %d characters and no plus sign", in.Address, maxLocal)
		}
		low := strings.ToLower(in.Address)
		if j, ok := seen[low]; ok {
			bad(key+".address", "%q is inboxes[%d] already", in.Address, j)
		}
		seen[low] = i
		if in.Queue == "" {
			bad(key+".queue", "is empty")
		}
		if in.Priority < -100 || in.Priority > 100 {
			bad(key+".priority", "%d is not within -100..100", in.Priority)
		}
	}
}

func (r Relay) validate(bad complain) {
	if r.Host == "" {
		return
	}
	if r.Port < 1 || r.Port > 65535 {
		bad("relay.port", "%d is not within 1..65535", r.Port)
	}
	switch r.TLS {
	case "starttls", "tls":
	case "none":
		if ip := net.ParseIP(r.Host); r.User != "" && r.Host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			bad("relay.tls", "none would send the password in clear to %q", r.Host)
		}
	default:
		bad("relay.tls", "%q is none of starttls, tls, none", r.TLS)
	}
	if (r.User == "") != (r.PasswordFile == "") {
		bad("relay.user", "user and password_file belong together")
	}
	if r.Timeout < time.Second || r.Timeout > 10*time.Minute {
		bad("relay.timeout", "%v is not within 1s..10m", r.Timeout)
	}
}
