package sip

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"filo/sip/admission"
	"filo/sip/trace"
	"filo/sip/trunk"
)

// Config is the `sip` section of the configuration.
type Config struct {
	// Listen are the sockets to bind. The first UDP one sends UDP requests.
	Listen []Listen `yaml:"listen"`
	// LocalNetworks are networks, and single addresses, on our side of the NAT:
	// peers there are told the address that a listener is bound to, never an
	// advertised one.
	LocalNetworks []string `yaml:"local_networks"`
	// Domain is the host part of our own addresses and the digest realm.
	Domain string `yaml:"domain"`
	// Trunks are the carriers and exchanges that we are connected to. Those that
	// may call without a password are known by their address.
	Trunks []Trunk `yaml:"trunks"`
	// UserAgent is the text of the User-Agent and Server headers.
	UserAgent string `yaml:"user_agent"`
	// MaxMessage is the largest message accepted, in bytes.
	MaxMessage int `yaml:"max_message"`
	// MaxCalls is the number of dialogs above which new calls get 503; 0: no limit.
	MaxCalls int `yaml:"max_calls"`
	// Emergency are numbers whose calls are never turned away for load or limits,
	// beside urn:service:sos.
	Emergency []string `yaml:"emergency"`
	// RegisterExpires bounds how long a registration holds.
	RegisterExpires Expires `yaml:"register_expires"`
	// MaxBindings is the number of contacts that one user may register.
	MaxBindings int `yaml:"max_bindings"`
	// DigestAlgorithms are offered in this order: "MD5", "SHA-256". By RFC 8760
	// phones take the first that they know, but there are many that look at the
	// first only, and give up when it is SHA-256; that is why MD5 comes first.
	DigestAlgorithms []string `yaml:"digest_algorithms"`
	// DigestMD5Only are beginnings of User-Agent texts of phones that fail when
	// they see a challenge that they do not know: they are offered MD5 alone,
	// whenever it is listed, as is a WebSocket: JsSIP knows no other.
	DigestMD5Only []string `yaml:"digest_md5_only"`
	// NonceLifetime is how long a digest nonce is good for.
	NonceLifetime time.Duration `yaml:"nonce_lifetime"`
	// WebSocketPing is the interval of pings on SIP over WebSocket; a peer that
	// does not answer within it is closed.
	WebSocketPing time.Duration `yaml:"websocket_ping"`
	// SessionExpires is how long a session lasts without a sign of life by
	// re-INVITE or UPDATE (RFC 4028); the half of it is the interval of ours. 0: as
	// the far side wants.
	SessionExpires time.Duration `yaml:"session_expires"`
	// MinSE is the least that a far side may ask for; 90 s at least.
	MinSE time.Duration `yaml:"min_se"`
	// MaxDuration ends every call, agents' lines too; 0: none.
	MaxDuration time.Duration `yaml:"max_duration"`
	// Admission is the defence against overload.
	Admission admission.Config `yaml:"admission"`
	// Strangers are who is neither a trunk nor registered.
	Strangers admission.Strangers `yaml:"strangers"`
	// Trace says what is remembered of the messages.
	Trace trace.Config `yaml:"trace"`
}

// Listen is one socket.
type Listen struct {
	Network string `yaml:"network"` // "udp", "tcp" or "tls"
	Bind    string `yaml:"bind"`    // host:port; port 0: any free port
	// Advertise is the host:port that peers are told (Via, Contact) when it
	// differs from Bind. Peers on the loopback and in Config.LocalNetworks are
	// always told Bind.
	Advertise string `yaml:"advertise"`
	// CertFile and KeyFile are our certificate, of a TLS socket, in PEM; a reload
	// reads them anew.
	CertFile string `yaml:"cert_file,omitempty"`
	KeyFile  string `yaml:"key_file,omitempty"`
	// ClientCAFile makes a TLS socket ask for certificates signed by one of these;
	// "": none is asked for.
	ClientCAFile string `yaml:"client_ca_file,omitempty"`
}

// Expires bounds a registration's lifetime.
type Expires struct {
	Min     time.Duration `yaml:"min"`
	Max     time.Duration `yaml:"max"`
	Default time.Duration `yaml:"default"`
}

// DefaultConfig listens on the loopback, without trunks.
func DefaultConfig() Config {
	return Config{
		Listen: []Listen{
			{Network: "udp", Bind: "127.0.0.1:5060"},
			{Network: "tcp", Bind: "127.0.0.1:5060"},
		},
		Domain:           "filo.local",
		UserAgent:        "Filo",
		MaxMessage:       65535,
		MaxCalls:         20000,
		Emergency:        []string{"112", "911"},
		RegisterExpires:  Expires{Min: 30 * time.Second, Max: time.Hour, Default: 5 * time.Minute},
		MaxBindings:      10,
		DigestAlgorithms: []string{"MD5", "SHA-256"},
		DigestMD5Only:    []string{"baresip", "JsSIP"},
		NonceLifetime:    5 * time.Minute,
		WebSocketPing:    20 * time.Second,
		SessionExpires:   30 * time.Minute,
		MinSE:            90 * time.Second,
		MaxDuration:      24 * time.Hour,
		Admission:        admission.DefaultConfig(),
		Strangers:        admission.DefaultStrangers(),
		Trace:            trace.DefaultConfig(),
	}
}

// Validate reports every mistake at once; each text begins with its key.
func (c Config) Validate() error {
	var errs []error
	bad := func(key, format string, a ...any) {
		errs = append(errs, fmt.Errorf("%s: %s", key, fmt.Sprintf(format, a...)))
	}
	for i, l := range c.Listen {
		l.validate(bad, fmt.Sprintf("listen[%d]", i))
	}
	_, wrong := newLocalNetworks(c.LocalNetworks)
	errs = append(errs, wrong...)
	if c.Domain == "" || strings.ContainsAny(c.Domain, " \t\r\n\"<>@;,") {
		bad("domain", "%q is not a host name", c.Domain)
	}
	if strings.ContainsAny(c.UserAgent, "\r\n") {
		bad("user_agent", "contains a line break")
	}
	c.validateLimits(bad)
	for i, t := range c.Trunks {
		if t.Listen != "" && !slices.ContainsFunc(c.Listen, func(l Listen) bool { return l.Bind == t.Listen }) {
			bad(fmt.Sprintf("trunks[%d].listen", i), "%q is not the bind of a listener", t.Listen)
		}
	}
	return errors.Join(errors.Join(errs...), prefixed("trunks", trunk.Validate(c.Trunks)), prefixed("trace.", c.Trace.Validate()),
		prefixed("admission.", c.Admission.Validate()), prefixed("strangers.", c.Strangers.Validate()))
}

func (l Listen) validate(bad func(key, format string, a ...any), key string) {
	secure := l.Network == "tls"
	if l.Network != "udp" && l.Network != "tcp" && !secure {
		bad(key+".network", "%q is none of udp, tcp, tls", l.Network)
	}
	checkHostPort(bad, key+".bind", l.Bind, 0)
	if l.Advertise != "" {
		checkHostPort(bad, key+".advertise", l.Advertise, 1)
	}
	switch {
	case secure && (l.CertFile == "" || l.KeyFile == ""):
		bad(key+".cert_file", "tls needs cert_file and key_file")
	case !secure && l.CertFile+l.KeyFile+l.ClientCAFile != "":
		bad(key+".cert_file", "of no use with %s", l.Network)
	}
}

// CheckFiles reads the files that listeners and trunks name: certificates and
// passwords.
// The error joins every one that is no good; each begins with its key. It says
// nothing about trunks that are no good themselves.
func (c Config) CheckFiles() error {
	var errs []error
	for i, l := range c.Listen {
		if _, err := l.certificates(); err != nil {
			errs = append(errs, fmt.Errorf("listen[%d].%w", i, err))
		}
	}
	if trunk.Validate(c.Trunks) == nil {
		_, err := trunk.NewTable(c.Trunks)
		errs = append(errs, prefixed("trunks", err))
	}
	return errors.Join(errs...)
}

// prefixed puts a key before each of joined errors.
func prefixed(key string, err error) error {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error }) //nolint:errorlint // errors.Join has no other way in
	if !ok {
		return fmt.Errorf("%s%w", key, err)
	}
	var errs []error
	for _, one := range joined.Unwrap() {
		errs = append(errs, fmt.Errorf("%s%w", key, one))
	}
	return errors.Join(errs...)
}

func (c Config) validateLimits(bad func(key, format string, a ...any)) {
	if c.MaxMessage < 1500 || c.MaxMessage > 65535 {
		bad("max_message", "%d is not between 1500 and 65535", c.MaxMessage)
	}
	if c.MaxCalls < 0 {
		bad("max_calls", "%d is negative", c.MaxCalls)
	}
	if c.MaxBindings < 1 || c.MaxBindings > 100 {
		bad("max_bindings", "%d is not between 1 and 100", c.MaxBindings)
	}
	e := c.RegisterExpires
	if e.Min < time.Second || e.Max < e.Min {
		bad("register_expires", "min %v and max %v: want 1s <= min <= max", e.Min, e.Max)
	} else if e.Default < e.Min || e.Default > e.Max {
		bad("register_expires.default", "%v is not between min and max", e.Default)
	}
	if len(c.DigestAlgorithms) == 0 {
		bad("digest_algorithms", "missing")
	}
	for i, a := range c.DigestAlgorithms {
		if newHash(a) == nil {
			bad(fmt.Sprintf("digest_algorithms[%d]", i), "%q is neither MD5 nor SHA-256", a)
		}
	}
	if c.NonceLifetime < time.Second {
		bad("nonce_lifetime", "%v is less than a second", c.NonceLifetime)
	}
	if c.WebSocketPing < time.Second {
		bad("websocket_ping", "%v is less than a second", c.WebSocketPing)
	}
	c.validateSessions(bad)
}

func (c Config) validateSessions(bad func(key, format string, a ...any)) {
	if c.MinSE < 90*time.Second || c.MinSE > 24*time.Hour {
		bad("min_se", "%v is not between 90s and 24h", c.MinSE)
	}
	if c.SessionExpires != 0 && c.SessionExpires < c.MinSE {
		bad("session_expires", "%v is less than min_se", c.SessionExpires)
	}
	if c.MaxDuration != 0 && c.MaxDuration < time.Minute {
		bad("max_duration", "%v is less than a minute", c.MaxDuration)
	}
}

func checkHostPort(bad func(key, format string, a ...any), key, v string, minPort int) {
	host, port, err := net.SplitHostPort(v)
	if err != nil {
		bad(key, "%q is not host:port", v)
		return
	}
	if p, err := strconv.Atoi(port); err != nil || p < minPort || p > 65535 {
		bad(key, "%q has no good port", v)
	}
	if minPort > 0 && host == "" {
		bad(key, "%q has no host", v)
	}
	if minPort == 0 && host != "" && host != "localhost" {
		if _, err := netip.ParseAddr(host); err != nil {
			bad(key, "%q does not begin with an IP address", v)
		}
	}
}
