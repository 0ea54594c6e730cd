package message

import (
	"errors"
	"fmt"
	"time"
)

// MaxReply is the longest reply in bytes of UTF-8.
const MaxReply = 64 << 10

// Config is the section of the configuration that all message channels share.
type Config struct {
	// RestartHold is how long a contact that had an agent before a restart
	// waits for that agent to sign in again, and then for that agent alone.
	RestartHold time.Duration `yaml:"restart_hold"`
	// OwnerHold is how long a new contact waits for the customer's last agent
	// or the owner of the open case alone, where the inbox sets no hold.
	OwnerHold time.Duration `yaml:"owner_hold"`
	// SendTimeout bounds the sending of one reply by its connector.
	SendTimeout time.Duration `yaml:"send_timeout"`
	// PlaceRetry is the pause before a contact that the router did not take is
	// placed again.
	PlaceRetry time.Duration `yaml:"place_retry"`
}

// DefaultConfig returns the settings that suit most centres.
func DefaultConfig() Config {
	return Config{
		RestartHold: 30 * time.Second,
		OwnerHold:   time.Minute,
		SendTimeout: 30 * time.Second,
		PlaceRetry:  5 * time.Second,
	}
}

// Validate returns all mistakes, joined; each begins with the key's path.
func (c Config) Validate() error {
	var errs []error
	bad := func(key string, d, lo, hi time.Duration) {
		if d < lo || d > hi {
			errs = append(errs, fmt.Errorf("%s: %v is not within %v..%v", key, d, lo, hi)) //nolint:err113 // key path and mistake
		}
	}
	bad("restart_hold", c.RestartHold, 0, 24*time.Hour)
	bad("owner_hold", c.OwnerHold, 0, 24*time.Hour)
	bad("send_timeout", c.SendTimeout, time.Second, 10*time.Minute)
	bad("place_retry", c.PlaceRetry, 10*time.Millisecond, time.Hour)
	return errors.Join(errs...)
}
