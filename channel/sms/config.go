package sms

import (
	"errors"
	"fmt"
	"net/url"
	"time"

	"filo/contact"
	"filo/journey"
)

// Config is the sms section of the configuration. Without numbers the channel
// is off.
type Config struct {
	// AccountSID names the account at the provider.
	AccountSID string `yaml:"account_sid"`
	// AuthTokenFile holds the secret that signs webhooks and authorises sending.
	AuthTokenFile string `yaml:"auth_token_file"`
	// BaseURL is where messages are sent to.
	BaseURL string `yaml:"base_url"`
	// PublicURL is the webhook's address as the provider calls it; its
	// signature covers it, so it must be equal to the last character.
	PublicURL string `yaml:"public_url"`
	// Timeout bounds one request to the provider.
	Timeout time.Duration `yaml:"timeout"`
	// Numbers are our own numbers.
	Numbers []Number `yaml:"numbers"`
}

// Number is one of our numbers and where its messages go.
type Number struct {
	Number   string          `yaml:"number"` // E.164
	Queue    string          `yaml:"queue"`
	Skills   []contact.Skill `yaml:"skills"`
	Priority int             `yaml:"priority"`
	Region   string          `yaml:"region"` // ISO 3166, of senders without a prefix
	Lang     string          `yaml:"lang"`
}

// DefaultConfig returns Twilio's address and no number.
func DefaultConfig() Config {
	return Config{BaseURL: "https://api.twilio.com", Timeout: 15 * time.Second}
}

// Enabled reports whether any number is configured.
func (c Config) Enabled() bool { return len(c.Numbers) > 0 }

// Validate returns all mistakes, joined; each begins with the key's path.
func (c Config) Validate() error {
	if !c.Enabled() {
		return nil
	}
	var errs []error
	bad := func(key, format string, args ...any) {
		errs = append(errs, fmt.Errorf(key+": "+format, args...)) //nolint:err113 // key path and mistake
	}
	if c.AccountSID == "" {
		bad("account_sid", "is empty")
	}
	if c.AuthTokenFile == "" {
		bad("auth_token_file", "is empty")
	}
	for key, text := range map[string]string{"base_url": c.BaseURL, "public_url": c.PublicURL} {
		if u, err := url.Parse(text); err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
			bad(key, "%q is not an http(s) URL", text)
		}
	}
	if c.Timeout < time.Second || c.Timeout > 5*time.Minute {
		bad("timeout", "%v is not within 1s..5m", c.Timeout)
	}
	c.validateNumbers(bad)
	return errors.Join(errs...)
}

func (c Config) validateNumbers(bad func(key, format string, args ...any)) {
	seen := make(map[string]int)
	for i, n := range c.Numbers {
		key := fmt.Sprintf("numbers[%d]", i)
		if e164, ok := journey.NormalPhone(n.Number, ""); !ok || e164 != n.Number {
			bad(key+".number", "%q is not a number in E.164 form (+39...)", n.Number)
		}
		if j, ok := seen[n.Number]; ok {
			bad(key+".number", "%q is numbers[%d] already", n.Number, j)
		}
		seen[n.Number] = i
		if n.Queue == "" {
			bad(key+".queue", "is empty")
		}
		if n.Priority < -100 || n.Priority > 100 {
			bad(key+".priority", "%d is not within -100..100", n.Priority)
		}
	}
}
