package media

import (
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// Config is the media section of the configuration file.
type Config struct {
	// Bind is the local IP address of every media socket. It must be one
	// concrete address, of either family: it is what we put into SDP, where
	// 0.0.0.0 and :: mean hold, and replies must leave from where packets came
	// to, which a socket of all addresses does not promise.
	Bind string `yaml:"bind"`
	// Advertise is the IP address that peers see (behind a 1:1 NAT), of the
	// family of Bind; empty means Bind.
	Advertise string `yaml:"advertise"`
	// LocalNetworks are networks, and single addresses, on our side of the NAT:
	// a peer whose signalling comes from there, or from loopback, is told Bind.
	LocalNetworks []string `yaml:"local_networks"`
	// PortMin and PortMax bound the ports of RTP (even) and RTCP (odd)
	// sockets, both included. Both 0 means ports chosen by the system.
	PortMin int `yaml:"port_min"`
	PortMax int `yaml:"port_max"`
	// PortQuarantine is how long a freed port stays unused, so that late
	// packets of one call never reach the next.
	PortQuarantine time.Duration `yaml:"port_quarantine"`
	// WebRTCPort is the one UDP port of all browser legs; 0 lets the system
	// choose.
	WebRTCPort int `yaml:"webrtc_port"`
	// AllowPrivate lets SDP name loopback and private (RFC 1918, RFC 4193)
	// addresses as destinations.
	AllowPrivate bool `yaml:"allow_private"`
	// InitialRTPTimeout is how long a new leg may stay without RTP;
	// RTPTimeout how long a leg that once had RTP. 0 disables.
	InitialRTPTimeout time.Duration `yaml:"initial_rtp_timeout"`
	RTPTimeout        time.Duration `yaml:"rtp_timeout"`
	// RTCPInterval is the time between two RTCP reports of one leg; 0 sends none.
	RTCPInterval time.Duration `yaml:"rtcp_interval"`
	// RecordingsDir is the directory below which recordings are made; empty
	// means that none are.
	RecordingsDir string `yaml:"recordings_dir"`
}

// DefaultConfig is a loopback configuration: safe anywhere, useful on one machine.
func DefaultConfig() Config {
	return Config{
		Bind:              "127.0.0.1",
		PortMin:           16384,
		PortMax:           32767,
		PortQuarantine:    30 * time.Second,
		WebRTCPort:        0,
		AllowPrivate:      true,
		InitialRTPTimeout: 30 * time.Second,
		RTPTimeout:        20 * time.Second,
		RTCPInterval:      5 * time.Second,
	}
}

// Validate returns all errors joined; each begins with its key.
func (c Config) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	bind, err := concreteAddr(c.Bind)
	if err != nil {
		bad("bind: %w", err)
	}
	if c.Advertise != "" {
		a, err := concreteAddr(c.Advertise)
		switch {
		case err != nil:
			bad("advertise: %w", err)
		case bind.IsValid() && a.Is4() != bind.Is4():
			bad("advertise: %s and bind %s are not of one family", a, bind)
		}
	}
	for i, n := range c.LocalNetworks {
		if _, err := parseNetwork(n); err != nil {
			bad("local_networks[%d]: %w", i, err)
		}
	}
	errs = append(errs, c.validatePorts()...)
	for _, d := range []struct {
		key string
		val time.Duration
	}{
		{"port_quarantine", c.PortQuarantine},
		{"initial_rtp_timeout", c.InitialRTPTimeout},
		{"rtp_timeout", c.RTPTimeout},
		{"rtcp_interval", c.RTCPInterval},
	} {
		if d.val < 0 {
			bad("%s: %v is negative", d.key, d.val)
		}
	}
	return errors.Join(errs...)
}

// concreteAddr reads an address that can stand in SDP as ours.
func concreteAddr(s string) (netip.Addr, error) {
	a, err := netip.ParseAddr(s)
	if err != nil || a.IsUnspecified() || a.IsMulticast() || a.Zone() != "" {
		return netip.Addr{}, fmt.Errorf("%q is not one concrete IP address", s)
	}
	return a.Unmap(), nil
}

// parseNetwork reads a network (10.0.0.0/8) or a single address.
func parseNetwork(s string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(s); err == nil && a.Zone() == "" {
		return netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()), nil
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("%q is neither a network nor an address", s)
	}
	return p.Masked(), nil
}

func (c Config) validatePorts() (errs []error) {
	inRange := func(key string, p int) {
		if p != 0 && (p < 1024 || p > 65535) {
			errs = append(errs, fmt.Errorf("%s: %d is not in 1024..65535", key, p))
		}
	}
	inRange("port_min", c.PortMin)
	inRange("port_max", c.PortMax)
	inRange("webrtc_port", c.WebRTCPort)
	if (c.PortMin == 0) != (c.PortMax == 0) {
		errs = append(errs, errors.New("port_max: set both port_min and port_max, or neither"))
	} else if c.PortMin != 0 && c.PortMax-c.PortMin < 3 {
		errs = append(errs, fmt.Errorf("port_max: %d..%d holds no pair of ports", c.PortMin, c.PortMax))
	}
	return errs
}
