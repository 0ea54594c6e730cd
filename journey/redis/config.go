package redis

import (
	"errors"
	"fmt"
	"net"
	"time"
)

// Config of the shared hot store.
type Config struct {
	Addr         string        `yaml:"addr"` // host:port
	User         string        `yaml:"user"`
	PasswordFile string        `yaml:"password_file"`
	DB           int           `yaml:"db"`
	TLS          bool          `yaml:"tls"`
	Timeout      time.Duration `yaml:"timeout"`  // of one round trip
	Keep         time.Duration `yaml:"keep"`     // entries that nobody changed go after this time
	FeedLen      int64         `yaml:"feed_len"` // events kept in each stream of the feed
	Node         string        `yaml:"node"`     // name of this node, unique; "" makes one up
}

// DefaultConfig returns the configuration for a Redis on the same machine.
func DefaultConfig() Config {
	return Config{Addr: "127.0.0.1:6379", Timeout: 100 * time.Millisecond, Keep: 48 * time.Hour, FeedLen: 10_000}
}

// Validate returns every mistake at once; each error begins with its key.
func (c Config) Validate() error {
	var errs []error
	bad := func(key, format string, args ...any) {
		errs = append(errs, fmt.Errorf("%s: %s", key, fmt.Sprintf(format, args...)))
	}
	if _, _, err := net.SplitHostPort(c.Addr); err != nil {
		bad("addr", "%q is not host:port", c.Addr)
	}
	if c.DB < 0 {
		bad("db", "is negative")
	}
	if c.Timeout <= 0 || c.Timeout > time.Second {
		bad("timeout", "%s is not above 0 and at most 1s", c.Timeout)
	}
	if c.Keep < time.Minute {
		bad("keep", "%s is shorter than 1m", c.Keep)
	}
	if c.FeedLen < 100 {
		bad("feed_len", "%d is less than 100", c.FeedLen)
	}
	return errors.Join(errs...)
}
