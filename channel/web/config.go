package web

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Config is the web section of the configuration. Without write keys the
// channel is off.
type Config struct {
	// WriteKeys name the sites that may write. They are public.
	WriteKeys []string `yaml:"write_keys"`
	// Origins are the sites whose pages may write, "https://shop.example". Pages
	// of our own host always may.
	Origins []string `yaml:"origins"`
	// IdentitySecretFile holds the secret of userHash; "" verifies nobody.
	IdentitySecretFile string `yaml:"identity_secret_file"`
	// Rate is the events per second that one address may send, Burst how many
	// at once.
	Rate  float64 `yaml:"rate"`
	Burst int     `yaml:"burst"`
	// TrustedProxies are the networks whose X-Forwarded-For is believed.
	TrustedProxies []string `yaml:"trusted_proxies"`
	// Call is the click-to-call button.
	Call Call `yaml:"call"`
}

// Call says where a browser that clicks "call us" calls.
type Call struct {
	URI      string        `yaml:"uri"`       // sip:shop@filo.local; "" switches the button off
	Socket   string        `yaml:"socket"`    // path of SIP over WebSocket
	TokenFor time.Duration `yaml:"token_for"` // as the journey's call_token_for
}

// DefaultConfig returns bounds that suit a shop, without write keys.
func DefaultConfig() Config {
	return Config{
		Rate: 20, Burst: 200,
		Call: Call{URI: "sip:shop@filo.local", Socket: "/sip", TokenFor: 5 * time.Minute},
	}
}

// Enabled reports whether any site may write.
func (c Config) Enabled() bool { return len(c.WriteKeys) > 0 }

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
	c.validateSites(bad)
	if c.Rate <= 0 || c.Rate > 1e6 {
		bad("rate", "%v is not within 0..1000000 events per second", c.Rate)
	}
	if c.Burst < 1 || c.Burst > 1e6 {
		bad("burst", "%d is not within 1..1000000 events", c.Burst)
	}
	for i, p := range c.TrustedProxies {
		if _, err := netip.ParsePrefix(p); err != nil {
			bad(fmt.Sprintf("trusted_proxies[%d]", i), "%q is not a network like 10.0.0.0/8", p)
		}
	}
	c.Call.validate(bad)
	return errors.Join(errs...)
}

func (c Config) validateSites(bad complain) {
	for i, k := range c.WriteKeys {
		key := fmt.Sprintf("write_keys[%d]", i)
		if len(k) < 4 || len(k) > 128 || strings.ContainsAny(k, ": \t\r\n") {
			bad(key, "%q is not 4..128 characters without space and colon", k)
		}
		if slices.Index(c.WriteKeys, k) < i {
			bad(key, "%q is there twice", k)
		}
	}
	for i, o := range c.Origins {
		if u, err := url.Parse(o); err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") || u.Path != "" {
			bad(fmt.Sprintf("origins[%d]", i), "%q is not an origin like https://shop.example", o)
		}
	}
}

func (c Call) validate(bad complain) {
	if c.URI == "" {
		return
	}
	if !strings.HasPrefix(c.URI, "sip:") {
		bad("call.uri", "%q does not begin with sip:", c.URI)
	}
	if !strings.HasPrefix(c.Socket, "/") {
		bad("call.socket", "%q is not a path", c.Socket)
	}
	if c.TokenFor < 10*time.Second || c.TokenFor > time.Hour {
		bad("call.token_for", "%v is not within 10s..1h", c.TokenFor)
	}
}
