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
	// concrete address: it is what we put into SDP unless Advertise is set.
	Bind string `yaml:"bind"`
	// Advertise is the IP address that peers see (behind a 1:1 NAT); empty
	// means Bind.
	Advertise string `yaml:"advertise"`
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
	if a, err := netip.ParseAddr(c.Bind); err != nil || a.IsUnspecified() || a.IsMulticast() {
		bad("bind: %q is not one concrete IP address", c.Bind)
	}
	if c.Advertise != "" {
		if a, err := netip.ParseAddr(c.Advertise); err != nil || a.IsUnspecified() || a.IsMulticast() {
			bad("advertise: %q is not one concrete IP address", c.Advertise)
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
