package measure

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"filo/contact"
)

// Config is the measures section of the configuration.
type Config struct {
	// Keep is how many segments stay in memory for the screens; the oldest go.
	Keep int `yaml:"keep"`
	// ShortAbandon is the wait up to which a customer who leaves is no abandon.
	ShortAbandon time.Duration `yaml:"short_abandon"`
	// Targets are the service-level thresholds by channel. A queue's own
	// threshold (Deps.Targets) goes before that of voice.
	Targets map[contact.Channel]time.Duration `yaml:"targets"`
}

// DefaultConfig returns the usual settings: 50,000 segments, short abandons up
// to 5 s, calls in 20 s, web in a minute, SMS in 10 minutes, mail in 4 hours.
func DefaultConfig() Config {
	return Config{
		Keep: 50_000, ShortAbandon: 5 * time.Second,
		Targets: map[contact.Channel]time.Duration{
			contact.Voice: 20 * time.Second, contact.Web: time.Minute,
			contact.SMS: 10 * time.Minute, contact.Email: 4 * time.Hour,
		},
	}
}

// Validate returns all mistakes, joined; each begins with the key's path.
func (c Config) Validate() error {
	var errs []error
	if c.Keep < 1 || c.Keep > 10_000_000 {
		errs = append(errs, fmt.Errorf("keep: %d is not within 1..10000000 segments", c.Keep))
	}
	if c.ShortAbandon < 0 {
		errs = append(errs, fmt.Errorf("short_abandon: %v is negative", c.ShortAbandon))
	}
	for _, ch := range slices.Sorted(maps.Keys(c.Targets)) {
		if c.Targets[ch] <= 0 {
			errs = append(errs, fmt.Errorf("targets.%s: %v is not positive", ch, c.Targets[ch]))
		}
	}
	return errors.Join(errs...)
}
