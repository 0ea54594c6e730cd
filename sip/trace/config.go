package trace

import (
	"errors"
	"fmt"
	"net"
	"strconv"
)

// Config is the `sip.trace` section of the configuration.
type Config struct {
	// Bytes is how much memory the messages of calls may take; what is older is
	// overwritten. An eighth is added for messages of no call. 0: no trace.
	Bytes int `yaml:"bytes"`
	// MaxMessage is how much of one message is kept, in bytes.
	MaxMessage int `yaml:"max_message"`
	// MaxContacts is how many contacts are remembered with their legs.
	MaxContacts int `yaml:"max_contacts"`
	// HEP sends what is traced to a HEP3 collector.
	HEP HEP `yaml:"hep"`
}

// HEP is the collector that gets a copy of every message, as HEPv3.
type HEP struct {
	Server  string `yaml:"server"`  // host:port; "": none
	Network string `yaml:"network"` // "udp" or "tcp"
	NodeID  uint32 `yaml:"node_id"` // names this node at the collector
	// PasswordFile holds the collector's key; "": none.
	PasswordFile string `yaml:"password_file"`
	// Clear sends numbers and names as they are. Keys and credentials are
	// removed all the same.
	Clear bool `yaml:"clear"`
}

// Bounds of the configuration.
const (
	minBytes = 256 << 10
	maxBytes = 4 << 30
	// minMessage keeps the headers of nearly every message.
	minMessage = 1500
	maxMessage = 65535
)

// DefaultConfig keeps the last 32 MiB, some 40,000 messages, and sends nothing.
func DefaultConfig() Config {
	return Config{
		Bytes:       32 << 20,
		MaxMessage:  16 << 10,
		MaxContacts: 10_000,
		HEP:         HEP{Network: "udp", NodeID: 1},
	}
}

// Validate reports every mistake at once; each text begins with its key.
func (c Config) Validate() error {
	var errs []error
	bad := func(key, format string, a ...any) {
		errs = append(errs, fmt.Errorf("%s: %s", key, fmt.Sprintf(format, a...)))
	}
	if c.Bytes != 0 && (c.Bytes < minBytes || c.Bytes > maxBytes) {
		bad("bytes", "%d is neither 0 (off) nor between %d and %d", c.Bytes, minBytes, maxBytes)
	}
	if c.MaxMessage < minMessage || c.MaxMessage > maxMessage {
		bad("max_message", "%d is not between %d and %d", c.MaxMessage, minMessage, maxMessage)
	}
	if c.MaxContacts < 1 || c.MaxContacts > 1_000_000 {
		bad("max_contacts", "%d is not between 1 and 1000000", c.MaxContacts)
	}
	if c.HEP.Server != "" && c.Bytes == 0 {
		bad("hep.server", "needs bytes: what is sent is read from the trace")
	}
	c.HEP.validate(bad)
	return errors.Join(errs...)
}

func (h HEP) validate(bad func(key, format string, a ...any)) {
	if h.Network != "udp" && h.Network != "tcp" {
		bad("hep.network", "%q is neither udp nor tcp", h.Network)
	}
	if h.Server == "" {
		return
	}
	host, port, err := net.SplitHostPort(h.Server)
	if err != nil || host == "" {
		bad("hep.server", "%q is not host:port", h.Server)
		return
	}
	if p, err := strconv.Atoi(port); err != nil || p < 1 || p > 65535 {
		bad("hep.server", "%q has no good port", h.Server)
	}
}
