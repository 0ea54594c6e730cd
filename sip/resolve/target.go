package resolve

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// Why there is nowhere to go.
var (
	// ErrNoAddress: the name exists nowhere, or has no address.
	ErrNoAddress = errors.New("no address")
	// ErrTarget: the target contradicts itself, as sips over UDP does.
	ErrTarget = errors.New("bad target")
)

// Transport is how a request travels.
type Transport string

// The transports that have names in DNS.
const (
	UDP Transport = "udp"
	TCP Transport = "tcp"
	TLS Transport = "tls"
)

// Port is the port that a transport has when nothing says another
// (RFC 3261 section 19.1.2).
func (t Transport) Port() uint16 {
	if t == TLS {
		return 5061
	}
	return 5060
}

// service is the transport's name in SRV records (RFC 3263 section 4.1).
func (t Transport) service() (service, proto string) {
	switch t {
	case UDP:
		return "sip", "udp"
	case TLS:
		return "sips", "tcp"
	}
	return "sip", "tcp"
}

// Target is what a URI or a configuration says about where to go.
type Target struct {
	Host      string    // a name or an address, also in brackets
	Port      uint16    // 0: not said, so that SRV records decide
	Transport Transport // "": not said
	Secure    bool      // a sips URI: TLS, whatever the transport
}

// Hop is one place to try.
type Hop struct {
	Transport Transport
	Addr      netip.AddrPort
	// Host is the name that a TLS certificate must be for: that of the target,
	// not that of the SRV record (RFC 5922 section 4).
	Host string
}

// literal is the host's address when it is one.
func (t Target) literal() (netip.Addr, bool) {
	addr, err := netip.ParseAddr(strings.Trim(t.Host, "[]"))
	return addr.Unmap(), err == nil
}

// transports are the transports to ask SRV records for, in our order of
// preference, or the only one that the target allows.
func (t Target) transports() ([]Transport, error) {
	switch {
	case t.Host == "":
		return nil, fmt.Errorf("%w: no host", ErrTarget)
	case t.Secure && t.Transport == UDP:
		return nil, fmt.Errorf("%w: sips over UDP", ErrTarget)
	case t.Secure:
		return []Transport{TLS}, nil
	case t.Transport != "":
		return []Transport{t.Transport}, nil
	case t.settled():
		return []Transport{UDP}, nil
	}
	return []Transport{UDP, TCP, TLS}, nil
}

// settled tells whether SRV records have nothing to say: an address or a port
// is given (RFC 3263 section 4.2).
func (t Target) settled() bool {
	_, literal := t.literal()
	return literal || t.Port != 0
}
