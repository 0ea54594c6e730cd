package config

import (
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"time"
)

// Log says how the program tells what it does.
type Log struct {
	Level  string `yaml:"level"`  // debug, info, warn, error
	Format string `yaml:"format"` // text, json
}

// Validate reports every mistake, each with its key.
func (l Log) Validate() error {
	var errs []error
	if _, err := l.SlogLevel(); err != nil {
		errs = append(errs, fmt.Errorf("level: %q is none of debug, info, warn, error", l.Level))
	}
	if l.Format != "text" && l.Format != "json" {
		errs = append(errs, fmt.Errorf("format: %q is none of text, json", l.Format))
	}
	return errors.Join(errs...)
}

// SlogLevel returns Level as slog has it.
func (l Log) SlogLevel() (slog.Level, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(l.Level)); err != nil {
		return 0, fmt.Errorf("log level: %w", err)
	}
	return level, nil
}

// HTTP is the one web server: desk, tracker, webhooks, SIP over WebSocket,
// metrics.
type HTTP struct {
	Addr        string   `yaml:"addr"`          // host:port; port 0 lets the system choose
	TLSCertFile string   `yaml:"tls_cert_file"` // PEM chain; needed off loopback
	TLSKeyFile  string   `yaml:"tls_key_file"`  // PEM key
	PublicURL   string   `yaml:"public_url"`    // as customers and webhooks see us; "": from addr
	Origins     []string `yaml:"origins"`       // other origins that may open our sockets
	// MetricsAllow are the networks that may read /metrics.
	MetricsAllow []string `yaml:"metrics_allow"`
}

// MetricsNetworks is MetricsAllow parsed; Validate has found what is wrong.
func (h HTTP) MetricsNetworks() []netip.Prefix {
	var nets []netip.Prefix
	for _, s := range h.MetricsAllow {
		if p, err := netip.ParsePrefix(s); err == nil {
			nets = append(nets, p.Masked())
		}
	}
	return nets
}

// Validate reports every mistake, each with its key.
func (h HTTP) Validate() error {
	var errs []error
	host, _, err := net.SplitHostPort(h.Addr)
	if err != nil {
		errs = append(errs, fmt.Errorf("addr: %q is not host:port", h.Addr))
	}
	if (h.TLSCertFile == "") != (h.TLSKeyFile == "") {
		errs = append(errs, errors.New("tls_cert_file: set tls_cert_file and tls_key_file, or neither"))
	}
	if err == nil && !loopback(host) && h.TLSCertFile == "" && h.TLSKeyFile == "" {
		errs = append(errs, fmt.Errorf("addr: %q is not loopback, so tls_cert_file and tls_key_file are needed: "+
			"browsers refuse the microphone without TLS", h.Addr))
	}
	if h.PublicURL != "" && !isOrigin(h.PublicURL) {
		errs = append(errs, fmt.Errorf("public_url: %q should be https://host or http://host, without a path", h.PublicURL))
	}
	for i, origin := range h.Origins {
		if !isOrigin(origin) {
			errs = append(errs, fmt.Errorf("origins[%d]: %q should be https://host or http://host, without a path", i, origin))
		}
	}
	for i, network := range h.MetricsAllow {
		if _, err := netip.ParsePrefix(network); err != nil {
			errs = append(errs, fmt.Errorf("metrics_allow[%d]: %q is no network such as 10.0.0.0/8", i, network))
		}
	}
	return errors.Join(errs...)
}

// TLS reports whether the server speaks TLS.
func (h HTTP) TLS() bool { return h.TLSCertFile != "" }

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

func isOrigin(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.User == nil &&
		(u.Path == "" || u.Path == "/") && u.RawQuery == "" && u.Fragment == ""
}

// validateTop checks what belongs to no section, or to several.
func (c Config) validateTop() error {
	var errs []error
	if c.DataDir == "" {
		errs = append(errs, errors.New("data_dir: should name a directory"))
	}
	if c.Drain < 0 || c.Drain > 24*time.Hour {
		errs = append(errs, fmt.Errorf("drain: %v is not within 0..24h", c.Drain))
	}
	for key, queue := range c.queueKeys() {
		if _, ok := c.Router.Queues[queue]; !ok && queue != "" {
			errs = append(errs, fmt.Errorf("%s: no such queue: %q", key, queue))
		}
	}
	return errors.Join(errs...)
}

// validateJournal checks the routing journal, unless it is off.
func (c Config) validateJournal() error {
	if c.Router.Journal.Dir == "" {
		return nil
	}
	return c.Router.Journal.Validate()
}

// queueKeys yields every key that names a queue, with the name.
func (c Config) queueKeys() iter.Seq2[string, string] {
	return func(yield func(key, queue string) bool) {
		for i, r := range c.Journey.Rules {
			if !yield(fmt.Sprintf("journey.rules[%d].queue", i), r.Queue) {
				return
			}
		}
		for i, inbox := range c.Email.Inboxes {
			if !yield(fmt.Sprintf("email.inboxes[%d].queue", i), inbox.Queue) {
				return
			}
		}
		for i, n := range c.SMS.Numbers {
			if !yield(fmt.Sprintf("sms.numbers[%d].queue", i), n.Queue) {
				return
			}
		}
	}
}
