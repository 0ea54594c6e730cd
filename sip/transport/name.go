package transport

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"sync"
)

// maxUnresolved bounds the messages that wait for a name.
const maxUnresolved = 16

// named is a UDP peer known by its host name; what is sent waits until that
// is resolved.
type named struct {
	*Socket
	mu    sync.Mutex
	to    netip.AddrPort // invalid: not yet
	queue [][]byte
	err   error
}

// Named is a flow from this socket to "host:port". It does not wait for the
// name server; Handler.Closed tells when the name cannot be resolved.
func (s *Socket) Named(hostPort string) (Flow, error) {
	ap, err := parseAddrPort(hostPort)
	if err != nil {
		return Flow{}, err
	}
	if ap.IsValid() {
		return s.Flow(ap), nil
	}
	n := &named{Socket: s}
	if !s.layer.start(func() { n.resolve(hostPort) }) {
		return Flow{}, ErrClosed
	}
	return Flow{link: n}, nil
}

func (n *named) resolve(hostPort string) {
	ctx, cancel := context.WithTimeout(n.layer.life, n.layer.opts.Write)
	defer cancel()
	to, err := n.lookup(ctx, hostPort)
	n.mu.Lock()
	queue := n.queue
	n.to, n.err, n.queue = to, err, nil
	if err == nil {
		for _, data := range queue { // under the lock: nothing overtakes them
			_ = n.Socket.send(to, data)
		}
	}
	n.mu.Unlock()
	if err != nil {
		n.layer.handler.Closed(Flow{link: n}, err)
	}
}

// lookup takes the first address of the socket's family.
func (n *named) lookup(ctx context.Context, hostPort string) (netip.AddrPort, error) {
	host, portText, err := net.SplitHostPort(hostPort)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("resolve: %w", err)
	}
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("resolve: %w", err)
	}
	addrs, err := n.layer.opts.Resolve(ctx, host)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("resolve: %w", err)
	}
	for _, a := range addrs {
		if a = a.Unmap(); a.Is4() == n.bound.Addr().Is4() || n.bound.Addr().IsUnspecified() {
			return netip.AddrPortFrom(a, uint16(port)), nil
		}
	}
	return netip.AddrPort{}, fmt.Errorf("resolve: no address of the socket's family: %w", errNoNetwork)
}

func (n *named) alive() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.err == nil && n.Socket.alive()
}

func (n *named) send(_ netip.AddrPort, data []byte) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case n.err != nil:
		return n.err
	case n.to.IsValid():
		return n.Socket.send(n.to, data)
	case len(n.queue) >= maxUnresolved:
		return ErrQueueFull
	}
	n.queue = append(n.queue, append([]byte(nil), data...))
	return nil
}
