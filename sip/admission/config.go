package admission

import (
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// Config is the `sip.admission` section: the defence against overload.
type Config struct {
	// Target is how long a message may wait in the kernel's queue. When all
	// wait longer for Interval, new calls are refused until they do not; 0
	// refuses none.
	Target time.Duration `yaml:"target"`
	// Interval is how long a burst may last.
	Interval time.Duration `yaml:"interval"`
	// RetryAfter is told to who is refused, half less to half more of it, so
	// that they do not come back together.
	RetryAfter time.Duration `yaml:"retry_after"`
}

// Strangers is the `sip.strangers` section: who is neither a trunk nor
// registered.
type Strangers struct {
	// Rate is the number of requests per second that one of them may send; what
	// is beyond gets no answer. 0: no limit. Burst may come at once.
	Rate  float64 `yaml:"rate"`
	Burst int     `yaml:"burst"`
	// BanAfter is the number of wrong passwords within BanWithin after which an
	// address is not heard for BanFor, and twice as long each further time;
	// 0: nobody is banned.
	BanAfter  int           `yaml:"ban_after"`
	BanWithin time.Duration `yaml:"ban_within"`
	BanFor    time.Duration `yaml:"ban_for"`
	// Exempt are addresses and networks to which none of this applies.
	Exempt []string `yaml:"exempt"`
}

// DefaultConfig refuses calls from 100 ms of queueing on.
func DefaultConfig() Config {
	return Config{Target: 100 * time.Millisecond, Interval: 100 * time.Millisecond, RetryAfter: 5 * time.Second}
}

// DefaultStrangers lets a stranger try, but not search.
func DefaultStrangers() Strangers {
	return Strangers{
		Rate: 10, Burst: 50, BanAfter: 20, BanWithin: 10 * time.Minute, BanFor: 10 * time.Minute,
		Exempt: []string{"127.0.0.0/8", "::1"},
	}
}

// Validate reports every mistake at once; each text begins with its key.
func (c Config) Validate() error {
	var errs []error
	if c.Target < 0 || c.Target > 10*time.Second {
		errs = append(errs, fmt.Errorf("target: %v is not between 0 and 10s", c.Target)) //nolint:err113 // for people
	}
	if c.Interval < 0 || c.Interval > 10*time.Second {
		errs = append(errs, fmt.Errorf("interval: %v is not between 0 and 10s", c.Interval)) //nolint:err113 // for people
	}
	if c.RetryAfter < time.Second || c.RetryAfter > time.Hour {
		errs = append(errs, fmt.Errorf("retry_after: %v is not between 1s and 1h", c.RetryAfter)) //nolint:err113 // for people
	}
	return errors.Join(errs...)
}

// Validate reports every mistake at once; each text begins with its key.
func (s Strangers) Validate() error {
	var errs []error
	bad := func(format string, a ...any) { errs = append(errs, fmt.Errorf(format, a...)) } //nolint:err113 // for people
	if s.Rate < 0 || s.Rate > 1e6 {
		bad("rate: %v is not between 0 and 1000000", s.Rate)
	}
	if s.Rate > 0 && s.Burst < 1 {
		bad("burst: %d is less than 1", s.Burst)
	}
	if s.BanAfter < 0 {
		bad("ban_after: %d is negative", s.BanAfter)
	}
	if s.BanAfter > 0 && s.BanWithin <= 0 {
		bad("ban_within: %v is not more than 0", s.BanWithin)
	}
	if s.BanAfter > 0 && (s.BanFor <= 0 || s.BanFor > longestBan) {
		bad("ban_for: %v is not between 0 and %v", s.BanFor, longestBan)
	}
	for i, e := range s.Exempt {
		if _, err := parseNetwork(e); err != nil {
			bad("exempt[%d]: %w", i, err)
		}
	}
	return errors.Join(errs...)
}

// parseNetwork reads a CIDR network or a single address.
func parseNetwork(s string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(s); err == nil {
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("%q is neither an address nor a network", s) //nolint:err113 // for people
	}
	return p.Masked(), nil
}
