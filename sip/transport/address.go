package transport

import (
	"fmt"
	"net"
	"net/netip"
)

// parseAddrPort reads "ip:port"; a name gives the invalid address.
func parseAddrPort(hostPort string) (netip.AddrPort, error) {
	if ap, err := netip.ParseAddrPort(hostPort); err == nil {
		return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port()), nil
	}
	host, _, err := net.SplitHostPort(hostPort)
	if err != nil || host == "" {
		return netip.AddrPort{}, fmt.Errorf("%q is not host:port: %w", hostPort, errNoNetwork)
	}
	return netip.AddrPort{}, nil
}
